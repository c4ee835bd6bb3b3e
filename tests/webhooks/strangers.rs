//! Addresses that must not be reached: as they are written, as their names resolve, at save and at send. Canaries listen on
//! this machine and must hear nothing.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use roborent::base::event_settings::Loopback;
use roborent::base::strangers::{Failure, Lookup, Rule, Strangers, Target, check};
use roborent::on_both_engines;
use serde_json::json;
use tokio::net::TcpListener;

/// Listens where an attack would end.
struct Canary {
    port: u16,
    heard: Arc<AtomicUsize>,
}

impl Canary {
    /// On a free port of both loopback addresses, and on the two ports that webhooks may use, where this user may.
    async fn start() -> Self {
        let heard = Arc::new(AtomicUsize::new(0));
        let first = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = first.local_addr().unwrap().port();
        let mut listeners = vec![first];
        for address in [format!("[::1]:{port}"), "127.0.0.1:443".into(), "127.0.0.1:8443".into(), "[::1]:443".into(), "[::1]:8443".into()] {
            listeners.extend(TcpListener::bind(&address).await);
        }
        for listener in listeners {
            let heard = Arc::clone(&heard);
            tokio::spawn(async move {
                while listener.accept().await.is_ok() {
                    heard.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        Self { port, heard }
    }

    fn silent(&self) {
        assert_eq!(self.heard.load(Ordering::SeqCst), 0, "something reached this machine");
    }
}

/// Hosts that lead inside, in every way of writing that a URL has.
const HOSTS: [&str; 62] = [
    "127.0.0.1",
    "127.0.0.2",
    "127.1",
    "127.0.1",
    "127.255.255.254",
    "0",
    "0.0.0.0",
    "0.0.0.1",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0177.0.0.1",
    "0177.0.0.01",
    "017700000001",
    "0x7f.0x0.0x0.0x1",
    "127.0.0.1.",
    "①②⑦.⓪.⓪.①",
    "127。0。0。1",
    "%31%32%37.0.0.1",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "lOcAlHoSt",
    "foo.localhost",
    "localhost.localdomain",
    "ip6-localhost",
    "printer.local",
    "db.internal",
    "metadata.google.internal",
    "wiki.corp",
    "nas.lan",
    "router.home",
    "box.home.arpa",
    "intranet",
    "metadata",
    "[::1]",
    "[::]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[::ffff:10.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b:1::1]",
    "[2002:7f00:1::]",
    "[2001::1]",
    "[2001:db8::1]",
    "[fe80::1]",
    "[fc00::1]",
    "[fd00:ec2::254]",
    "[fec0::1]",
    "[ff02::1]",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "192.0.0.192",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
];

/// URLs that are wrong whatever the host.
const FORMS: [&str; 26] = [
    "gopher://127.0.0.1:{port}/_x",
    "file:///etc/passwd",
    "ftp://127.0.0.1/",
    "dict://127.0.0.1:{port}/",
    "ldap://127.0.0.1/",
    "data:text/html,x",
    "javascript:alert(1)",
    "jar:https://example.com!/",
    "//127.0.0.1/",
    "/hook",
    "127.0.0.1:{port}",
    "https:///127.0.0.1",
    "https://",
    "https://user@127.0.0.1:{port}/",
    "https://user:pass@example.com/",
    "https://example.com@127.0.0.1/",
    "https://127.0.0.1#@example.com/",
    "https://127.0.0.1?@example.com/",
    "https://example.com:{port}/",
    "https://example.com:22/",
    "https://example.com:0/",
    "http://example.com/",
    "https://example.com\\@127.0.0.1/",
    "https://exa\r\nmple.com/",
    "https://example.com/\r\nHost: 127.0.0.1",
    "https://ex ample.com/",
];

fn urls(port: u16) -> Vec<String> {
    let mut urls: Vec<String> = FORMS.iter().map(|form| form.replace("{port}", &port.to_string())).collect();
    for host in HOSTS {
        urls.extend([format!("https://{host}/"), format!("http://{host}:{port}/hook"), format!("https://{host}:8443/a?b=c")]);
    }
    urls
}

/// A name server in the hands of somebody else: every name leads to these addresses, one answer after the other.
fn names_lead_to(answers: Vec<Vec<IpAddr>>) -> (Lookup, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let lookup: Lookup = Arc::new(move |_| {
        let n = count.fetch_add(1, Ordering::SeqCst);
        let answer = answers[n.min(answers.len() - 1)].clone();
        Box::pin(async move { Ok(answer) })
    });
    (lookup, asked)
}

const INSIDE: Rule = Rule { loopback: false };
const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const OUTSIDE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 31, 195, 1));
const DEADLINE: Duration = Duration::from_millis(300);

on_both_engines! {
    async fn no_address_inside_is_saved(app, |config| { config.webhooks.allow_loopback = Loopback::No; config.limits.read = "100000/min".parse().unwrap() }) {
        let (bot, canary) = (app.bot().await, Canary::start().await);
        let urls = urls(canary.port);
        assert!(urls.len() >= 120, "{}", urls.len());
        for url in urls {
            let answer = app.ask("PATCH", "/api/v1/agent/profile").key(&bot).json(&json!({ "webhook_url": url })).send().await;
            assert_eq!((answer.status, answer.code().as_str()), (422, "invalid_field"), "{url}");
        }
        assert_eq!(app.get("/api/v1/agent/profile").key(&bot).send().await.expect(200).json()["webhook_url"], json!(null));
        canary.silent();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_address_inside_is_sent_to() {
    let canary = Canary::start().await;
    let (lookup, asked) = names_lead_to(vec![vec![HERE]]);
    let strangers = Strangers::new(INSIDE, DEADLINE, lookup).unwrap();
    for url in urls(canary.port) {
        let sent = strangers.post(&url, &[], b"{}".to_vec()).await;
        assert!(matches!(sent, Err(Failure::Forbidden(_))), "{url}: {sent:?}");
    }
    assert_eq!(asked.load(Ordering::SeqCst), 0, "none of these names is even asked for");
    for url in ["https://example.com/", "https://example.com:8443/", "https://xn--bcher-kva.example/"] {
        let sent = strangers.post(url, &[], b"{}".to_vec()).await;
        assert!(matches!(sent, Err(Failure::Forbidden(_))), "{url}: {sent:?}");
    }
    canary.silent();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_changes_its_address_is_caught_at_each_connection() {
    let canary = Canary::start().await;
    let (lookup, asked) = names_lead_to(vec![vec![OUTSIDE], vec![HERE], vec![OUTSIDE, HERE], Vec::new(), vec![HERE]]);
    let strangers = Strangers::new(INSIDE, DEADLINE, Arc::clone(&lookup)).unwrap();
    let target = Target::parse("https://rebind.example/", INSIDE).unwrap();
    check(&lookup, &target).await.expect("outside when it is saved");
    for _ in 0..4 {
        strangers.post("https://rebind.example/", &[], b"{}".to_vec()).await.expect_err("inside when it is sent");
    }
    assert_eq!(asked.load(Ordering::SeqCst), 5, "each connection asks once, and goes where it was told");
    canary.silent();
}

#[tokio::test(flavor = "multi_thread")]
async fn loopback_is_three_names_and_nothing_else() {
    let canary = Canary::start().await;
    let rule = Rule { loopback: true };
    let (lookup, _) = names_lead_to(vec![vec![HERE]]);
    let strangers = Strangers::new(rule, DEADLINE, lookup).unwrap();
    for host in ["127.0.0.2", "[::ffff:127.0.0.1]", "localhost.", "foo.localhost", "10.0.0.1", "169.254.169.254", "0.0.0.0"] {
        let sent = strangers.post(&format!("http://{host}:{}/", canary.port), &[], b"{}".to_vec()).await;
        assert!(matches!(sent, Err(Failure::Forbidden(_))), "{host}: {sent:?}");
    }
    let sent = strangers.post("https://example.com/", &[], b"{}".to_vec()).await;
    assert!(matches!(sent, Err(Failure::Forbidden(_))), "a public name does not lead here: {sent:?}");
    canary.silent();
    for host in ["127.0.0.1", "localhost", "2130706433"] {
        drop(strangers.post(&format!("http://{host}:{}/", canary.port), &[], b"{}".to_vec()).await);
    }
    assert_eq!(canary.heard.load(Ordering::SeqCst), 3);
    let elsewhere: SocketAddr = ([1, 1, 1, 1], 443).into();
    let (lookup, _) = names_lead_to(vec![vec![elsewhere.ip()]]);
    let sent = Strangers::new(rule, DEADLINE, lookup).unwrap().post("http://localhost:9/", &[], b"{}".to_vec()).await;
    assert!(matches!(sent, Err(Failure::Forbidden(_))), "localhost is not {elsewhere}: {sent:?}");
}
