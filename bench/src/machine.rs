//! What /proc says: processor time and memory of processes, and whether somebody else used the machine.

use std::collections::HashMap;
use std::fs;
use std::time::{Duration, Instant};

use crate::Fallible;
use crate::figures::{Tenths, say};
use crate::time::now;

/// /proc counts processor time in this unit on every architecture.
const TICK: Duration = Duration::from_millis(10);

/// One line of /proc/PID/stat.
struct Process {
    parent: u32,
    own_ticks: u32,
    /// Of children that have ended.
    ended_ticks: u32,
}

fn process(pid: u32) -> Option<Process> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name stands in brackets and may hold anything.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_ascii_whitespace().collect();
    let at = |n: usize| fields.get(n)?.parse::<u32>().ok();
    Some(Process { parent: at(1)?, own_ticks: at(11)? + at(12)?, ended_ticks: at(13)? + at(14)? })
}

/// User and system time of one process.
pub fn cpu_of(pid: u32) -> Duration {
    process(pid).map_or(Duration::ZERO, |p| TICK * p.own_ticks)
}

/// The same of a process and everything it has started.
pub fn cpu_of_tree(root: u32) -> Duration {
    let pids = fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let all: HashMap<u32, Process> = pids.filter_map(|pid| Some((pid, process(pid)?))).collect();
    let descends = |pid: u32| std::iter::successors(Some(pid), |pid| all.get(pid).map(|p| p.parent)).any(|ancestor| ancestor == root);
    all.iter().filter(|(pid, _)| descends(**pid)).map(|(_, p)| TICK * (p.own_ticks + p.ended_ticks)).sum()
}

/// Resident memory in KiB.
pub fn resident_kib(pid: u32) -> Fallible<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS in /proc")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse()?)
}

/// The processor's name, how many there are, the load.
pub fn describe() -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        cpu.lines().find_map(|line| line.strip_prefix("model name")).map_or("unknown", |rest| rest.trim_start_matches([' ', '\t', ':']));
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    format!("{model}, {} cores, load average {}", cores(), load.split_ascii_whitespace().take(3).collect::<Vec<_>>().join(" "))
}

pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// The kind of file system that `path` is on, as /proc/mounts names it.
pub fn file_system(path: &std::path::Path) -> String {
    let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
    let fields = mounts.lines().map(|line| line.split_ascii_whitespace().collect::<Vec<_>>());
    let around = fields.filter(|f| f.len() > 2 && path.starts_with(f[1])).max_by_key(|f| f[1].len());
    around.map_or_else(|| "unknown".to_owned(), |f| f[2].to_owned())
}

/// Watches during one measure what the rest of the machine does.
pub struct Watch {
    since: Instant,
    busy: Duration,
    stolen: Duration,
    ours: Duration,
}

impl Watch {
    pub fn start() -> Self {
        let (busy, stolen) = whole_machine();
        Self { since: now(), busy, stolen, ours: cpu_of_tree(std::process::id()) }
    }

    /// Says how much of the machine others used, in cores.
    pub fn finish(self) {
        let (busy, stolen) = whole_machine();
        let ours = cpu_of_tree(std::process::id()).saturating_sub(self.ours);
        let others = (busy.saturating_sub(self.busy)).saturating_sub(ours);
        let milliseconds = u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        let share = |time: Duration| Tenths::of(u64::try_from(time.as_millis()).unwrap_or(u64::MAX), milliseconds);
        let (others, stolen) = (share(others), share(stolen.saturating_sub(self.stolen)));
        let remark = if others > Tenths(3) || stolen > Tenths(1) { ": NOISY, trust ratios only" } else { "" };
        say(&format!("  others used {others} of {} cores, stolen {stolen}{remark}", cores()));
    }
}

/// Busy time of all processors, and what the host took away.
fn whole_machine() -> (Duration, Duration) {
    let text = fs::read_to_string("/proc/stat").unwrap_or_default();
    let line = text.lines().next().unwrap_or_default();
    let ticks: Vec<u32> = line.split_ascii_whitespace().skip(1).map(|field| field.parse().unwrap_or(0)).collect();
    let at = |n: usize| TICK * ticks.get(n).copied().unwrap_or(0);
    // user, nice, system, idle, iowait, irq, softirq, steal
    (at(0) + at(1) + at(2) + at(5) + at(6), at(7))
}
