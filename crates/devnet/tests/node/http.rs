//! The same over real sockets: slow answers, broken connections, several providers, who may give orders.

use std::time::Duration;

use devnet::{Clock, Devnet, Kind, Rule, Settings, StartError};
use tron::node::{Limits, Trouble, Verdict};

use crate::support::{fund, key, over_http, payment, settings};

fn quick() -> Limits {
    Limits { timeout: Duration::from_millis(300), body_bytes_max: 1_000_000 }
}

async fn start(settings: Settings) -> devnet::Running {
    drop(rustls::crypto::ring::default_provider().install_default());
    let any = "127.0.0.1:0".parse().unwrap();
    Devnet::start(settings, any, &[any]).await.unwrap()
}

#[tokio::test]
async fn failures_of_the_wire_have_their_names() {
    let running = start(settings()).await;
    let devnet = running.devnet();
    fund(devnet, &key(1));
    let node = over_http(&running.url(0), quick());
    assert_eq!(node.solid_block(1).await.unwrap().transactions.len(), 2);
    let strike = |kind| devnet.set_faults(vec![Rule { provider: Some(0), endpoint: None, times: None, kind }]);
    strike(Kind::Slow { ms: 5_000 });
    assert_eq!(node.solid_block(1).await.unwrap_err().trouble, Trouble::Timeout);
    strike(Kind::HangUp);
    assert!(matches!(node.solid_block(1).await.unwrap_err().trouble, Trouble::Connection(_)));
    strike(Kind::Truncated);
    assert!(matches!(node.solid_block(1).await.unwrap_err().trouble, Trouble::NotJson(_)));
    strike(Kind::Status { code: 429 });
    assert!(matches!(node.solid_block(1).await.unwrap_err().trouble, Trouble::RateLimited { .. }));
    strike(Kind::AcceptThenTimeout);
    let signed = payment(devnet, &key(1), key(2).address(), 1).await;
    let reply = node.broadcast(&signed).await;
    assert_eq!((reply.verdict, reply.code.as_str()), (Verdict::Unclear, "timeout"));
    devnet.mine(3).unwrap();
    let other = over_http(&running.url(1), quick());
    assert!(other.solid_transaction(signed.txid()).await.unwrap().is_some(), "it was taken, as provider 1 can tell");
    let narrow = over_http(&running.url(1), Limits { body_bytes_max: 500, ..quick() });
    assert_eq!(narrow.solid_block(1).await.unwrap_err().trouble, Trouble::TooLarge);
    running.shutdown().await;
    assert!(matches!(other.head().await.unwrap_err().trouble, Trouble::Connection(_)));
}

#[tokio::test]
async fn blocks_come_by_themselves() {
    let running = start(Settings { block_every_ms: Some(5), solid_lag: 1, ..Settings::new(Clock::machine()) }).await;
    let node = over_http(&running.url(0), quick());
    let mut ticks = tokio::time::interval(Duration::from_millis(5));
    for _ in 0..400 {
        ticks.tick().await;
        if node.solid_tip().await.unwrap().number() >= 3 {
            return running.shutdown().await;
        }
    }
    panic!("no block in two seconds");
}

#[tokio::test]
async fn web_pages_of_others_give_no_orders_and_other_machines_do_not_get_in() {
    let running = start(settings()).await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let status = async |name: &str, value: &str| {
        let request = client.post(format!("{}/devnet/mine", running.url(0))).header(name, value).body("{}");
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(status("origin", "https://evil.example").await, 403);
    assert_eq!(status("origin", "http://localhost.evil.example").await, 403);
    assert_eq!(status("host", "evil.example").await, 403);
    assert_eq!(status("origin", "http://localhost:8080").await, 200);
    let get = async |order: &str| client.get(format!("{}/devnet/{order}", running.url(0))).send().await.unwrap().status().as_u16();
    assert_eq!((get("mine?blocks=1").await, get("truth").await, get("").await), (405, 200, 200));
    let open = Devnet::start(settings(), "0.0.0.0:0".parse().unwrap(), &[]).await;
    assert!(matches!(open, Err(StartError::Open(_))));
    let taken = Devnet::start(settings(), running.address(), &[]).await;
    assert!(matches!(taken, Err(StartError::Listen { .. })));
}

#[tokio::test]
async fn a_stopped_node_lets_go_of_its_folder_though_clients_hang_on() {
    let folder = tempfile::tempdir().unwrap();
    let kept = Settings { folder: Some(folder.path().to_owned()), block_every_ms: Some(5), ..settings() };
    let running = start(kept.clone()).await;
    let node = over_http(&running.url(0), Limits::default());
    node.head().await.unwrap();
    running.devnet().set_faults(vec![Rule { provider: None, endpoint: None, times: None, kind: Kind::Slow { ms: 60_000 } }]);
    let waiting = tokio::spawn(async move { node.head().await });
    tokio::task::yield_now().await;
    running.shutdown().await;
    Devnet::open(kept).unwrap();
    waiting.abort();
}
