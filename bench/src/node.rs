//! A node that answers with blocks made beforehand, in a process of its own: what it costs is not the product's. Each block
//! holds the same few transactions as one of the templates, with numbers, ids and addresses of its own.

use std::io::Read as _;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::Uri;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::Fallible;
use crate::figures::say;
use crate::template::{self, Template};

/// The block before the first that is made of a template: eight digits, as all after it.
pub const FIRST: u64 = 70_000_000;
/// What the hot wallet holds, in micro-USDT.
const HOT: u64 = 100_000_000_000_000;

struct Chain {
    templates: Vec<Template>,
    tip: AtomicU64,
}

/// Serves on a free port, which it writes as its only line, until its standard input ends.
pub fn serve() -> Fallible<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let chain = Arc::new(Chain { templates: template::all()?, tip: AtomicU64::new(FIRST) });
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        say(&listener.local_addr()?.to_string());
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        std::thread::spawn(move || {
            drop(std::io::stdin().read_to_end(&mut Vec::new()));
            drop(stop);
        });
        let router = Router::new().fallback(answer).with_state(chain);
        tokio::select! {
            served = async { axum::serve(listener, router).await } => served?,
            _ = stopped => {}
        }
        Ok(())
    })
}

async fn answer(State(chain): State<Arc<Chain>>, uri: Uri, body: Bytes) -> Vec<u8> {
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    let number = asked["num"].as_u64().unwrap_or_default();
    let known = (FIRST..=chain.tip.load(Ordering::Relaxed)).contains(&number);
    let template = usize::try_from(number).map_or(&chain.templates[0], |n| &chain.templates[n % chain.templates.len()]);
    match uri.path() {
        "/walletsolidity/getblockbynum" if known => template.block.of(number),
        "/walletsolidity/gettransactioninfobyblocknum" if known => template.infos.of(number),
        "/walletsolidity/getblockbynum" if number == 0 => template::header(0),
        "/walletsolidity/getnowblock" => template::header(chain.tip.load(Ordering::Relaxed)),
        "/walletsolidity/getaccount" => json!({ "address": asked["address"], "balance": 1_000_000_000_000_u64 }).to_string().into_bytes(),
        "/wallet/getchainparameters" => {
            let prices = [("getEnergyFee", 100), ("getTransactionFee", 1_000), ("getMaxFeeLimit", 15_000_000_000_u64)];
            let prices = prices.map(|(key, value)| json!({ "key": key, "value": value }));
            json!({ "chainParameter": prices }).to_string().into_bytes()
        }
        "/wallet/triggerconstantcontract" | "/walletsolidity/triggerconstantcontract" => called(&asked).to_string().into_bytes(),
        "/wallet/broadcasthex" => json!({ "result": true, "code": "SUCCESS", "message": "" }).to_string().into_bytes(),
        "/bench/tip" => {
            chain.tip.store(number, Ordering::Relaxed);
            b"{}".to_vec()
        }
        _ => b"{}".to_vec(),
    }
}

/// What the token answers.
fn called(asked: &Value) -> Value {
    let word = |number: u64| format!("{number:064x}");
    let result = match asked["function_selector"].as_str().unwrap_or_default() {
        "decimals()" => word(6),
        "symbol()" => format!("{}{}55534454{:056}", word(32), word(4), 0),
        "balanceOf(address)" => word(HOT),
        _ => word(0),
    };
    json!({ "result": { "result": true }, "energy_used": 64_285, "constant_result": [result], "transaction": { "ret": [{}] } })
}
