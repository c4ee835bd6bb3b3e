//! How large the release binary is.

use crate::Fallible;
use crate::figures::{Tenths, judged, say};
use crate::servers;

const MOST_MIB: u64 = 25;

pub fn measure() -> Fallible<()> {
    let bytes = std::fs::metadata(servers::binary()?)?.len();
    let mib = Tenths::of(bytes, 1 << 20);
    say(&format!("size: the release binary has {bytes} bytes = {mib} MiB (at most {MOST_MIB}): {}", judged(bytes <= MOST_MIB << 20)));
    Ok(())
}
