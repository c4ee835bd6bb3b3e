//! From the start of the process to its first answer.

use std::path::Path;
use std::time::Duration;

use crate::figures::{Tenths, judged, say};
use crate::servers::Server;
use crate::{Fallible, Options, machine};

const STARTS: usize = 10;
const MOST: Duration = Duration::from_millis(100);
const AIM: Duration = Duration::from_millis(50);

pub fn measure(options: &Options) -> Fallible<()> {
    let watch = machine::Watch::start();
    let existing = options.folder()?;
    start(existing.path())?;
    let warm = (0..STARTS).map(|_| start(existing.path())).collect::<Fallible<Vec<_>>>()?;
    let fresh = (0..STARTS).map(|_| start(options.folder()?.path())).collect::<Fallible<Vec<_>>>()?;
    for (what, mut times) in [("an existing database", warm), ("an empty folder", fresh)] {
        times.sort_unstable();
        let median = times[times.len() / 2];
        let (median_ms, most_ms) = (ms(median), ms(times[times.len() - 1]));
        say(&format!(
            "cold: {median_ms} ms to the first 200 of /readyz with {what}, slowest of {STARTS} {most_ms} ms (at most {} ms): {}; (aim {} ms): {}",
            MOST.as_millis(),
            judged(median <= MOST),
            AIM.as_millis(),
            judged(median <= AIM)
        ));
    }
    watch.finish();
    Ok(())
}

fn start(dir: &Path) -> Fallible<Duration> {
    let mut server = Server::spawn_roborent(dir)?;
    let took = server.wait_until_ready()?;
    server.stop()?;
    Ok(took)
}

fn ms(time: Duration) -> Tenths {
    Tenths::microseconds_each(time, 1_000)
}
