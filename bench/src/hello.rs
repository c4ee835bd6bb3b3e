//! The smallest useful server: axum, one route, one JSON object. The ceiling that roborent is compared with.

use std::io::Read as _;
use std::net::Ipv4Addr;

use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;
use tokio::net::TcpListener;

use crate::Fallible;
use crate::figures::say;

/// Serves on a free port, which it writes as its only line, until its standard input ends.
pub fn serve() -> Fallible<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        say(&listener.local_addr()?.to_string());
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        std::thread::spawn(move || {
            drop(std::io::stdin().read_to_end(&mut Vec::new()));
            drop(stop);
        });
        let router = Router::new().route("/", get(async || Json(json!({ "hello": "world" }))));
        tokio::select! {
            served = async { axum::serve(listener, router).await } => served?,
            _ = stopped => {}
        }
        Ok(())
    })
}
