//! A devnet by itself: `cargo run -p devnet --example devnet -- [127.0.0.1:8090] [milliseconds for a block] [folder]`.

use std::error::Error;
use std::io::Write as _;
use std::net::SocketAddr;

use devnet::{Clock, Devnet, Settings};

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let listen: SocketAddr = arguments.next().unwrap_or_else(|| "127.0.0.1:8090".to_owned()).parse()?;
    let block_every_ms: u64 = arguments.next().unwrap_or_else(|| "1000".to_owned()).parse()?;
    let clock = Clock::machine();
    let salt = clock.now_ms().unsigned_abs();
    let folder = arguments.next().map(Into::into);
    let settings = Settings { block_every_ms: Some(block_every_ms), folder, salt, ..Settings::new(clock) };
    let running = Devnet::start(settings, listen, &[]).await?;
    writeln!(std::io::stdout(), "devnet {} usdt {}", running.url(0), running.devnet().usdt_contract())?;
    std::io::stdout().flush()?;
    tokio::signal::ctrl_c().await?;
    running.shutdown().await;
    Ok(())
}
