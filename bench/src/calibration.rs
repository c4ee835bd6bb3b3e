//! What the machine can do today: the figures that every other one is read beside.

use crate::figures::say;
use crate::{Fallible, Options, disk, http, machine, servers};

pub async fn measure(options: &Options) -> Fallible<()> {
    let dir = options.folder()?;
    say(&format!("machine: {}", machine::describe()));
    let watch = machine::Watch::start();
    let syncs = disk::syncs_per_second(dir.path())?;
    say(&format!("  disk: {syncs} fdatasync/s after appends of 4 KiB ({})", machine::file_system(dir.path())));
    let hello = servers::Server::hello()?;
    let run = http::run(&hello, &http::get("/", None), options.clients, options.run_time()).await?;
    say(&format!("  axum hello: {run}"));
    hello.stop()?;
    watch.finish();
    Ok(())
}
