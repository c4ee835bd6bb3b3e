//! What the disk does with small appends that must be safe.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use crate::Fallible;
use crate::figures::per_second;
use crate::time::now;

/// fdatasync calls per second, each after an append of one page.
pub fn syncs_per_second(dir: &Path) -> Fallible<u64> {
    let path = dir.join("calibration");
    let mut file = OpenOptions::new().create(true).append(true).open(&path)?;
    let started = now();
    let mut syncs = 0;
    while started.elapsed() < Duration::from_secs(1) {
        file.write_all(&[7; 4_096])?;
        file.sync_data()?;
        syncs += 1;
    }
    let rate = per_second(syncs, started.elapsed());
    std::fs::remove_file(path)?;
    Ok(rate)
}
