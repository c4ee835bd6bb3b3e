//! What the process keeps after work that needs much memory for a moment. Alone in its process: it is measured.

use roborent::base::random::Entropy;
use roborent::users::password;

const THREADS: u64 = 8;
const KEPT_KIB_MAX: u64 = 8 * 1_024;

/// What this process holds in memory, in KiB, where the system tells.
fn resident_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next()?.parse().ok())
}

#[test]
fn hashing_passwords_gives_its_memory_back() {
    let before = resident_kib();
    std::thread::scope(|scope| {
        for n in 0..THREADS {
            scope.spawn(move || {
                let hash = password::hash("correct horse battery", &mut Entropy::from_number(n).fork()).unwrap();
                assert!(password::verify("correct horse battery", &hash).unwrap());
            });
        }
    });
    if let (Some(before), Some(after)) = (before, resident_kib()) {
        let kept = after.saturating_sub(before);
        println!("{kept} KiB kept");
        assert!(kept < KEPT_KIB_MAX, "{kept} KiB are kept");
    }
}
