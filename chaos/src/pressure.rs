//! Whether the machine has room for a plan more. Plans that begin at the same time start dozens of
//! processes, and a runtime takes seconds of a processor for its start, and memory for as long as it
//! lives: each plan waits a little for the one before it, so that the machine, and not a number,
//! says how many fit.

use std::fs;
use std::time::Duration;
use tokio::time::Instant;

/// The time over which the processors are looked at: what a plan needs until its members start.
pub(crate) const START: Duration = Duration::from_secs(1);

/// The same with embedded brokers, which are there at once.
pub(crate) const START_EMBEDDED: Duration = Duration::from_millis(500);

/// The share of that time which must be to spare.
const SPARE: f64 = 0.2;

/// The longest wait for a processor: other work may keep the machine busy for hours.
const PATIENCE: Duration = Duration::from_secs(4);

/// The longest wait for memory: by then a plan that had some has ended.
const PATIENCE_FOR_MEMORY: Duration = Duration::from_secs(30);

/// The memory that must be to spare, in KiB: the members of a plan may be runtimes that take a
/// hundred MiB each.
const SPARE_KIB: u64 = 512 * 1024;

/// The time of all processors since the system began, in its ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ticks {
    all: u64,
    /// The part that no work had, or work that yields to any other.
    spare: u64,
}

/// Waits until processors have had time to spare for as long as a `start` takes, and there is
/// memory, but not without end.
pub(crate) async fn wait_for_room(start: Duration) {
    let began = Instant::now();
    while let Some(before) = ticks() {
        tokio::time::sleep(start).await;
        let has_time = || ticks().is_none_or(|now| spare(before, now) >= SPARE);
        let (has_room, patience) = match has_memory() {
            true => (has_time(), PATIENCE),
            false => (false, PATIENCE_FOR_MEMORY),
        };
        if has_room || began.elapsed() >= patience {
            return;
        }
    }
}

/// Reads the ticks, where the system tells them: only Linux does.
fn ticks() -> Option<Ticks> {
    read(&fs::read_to_string("/proc/stat").ok()?)
}

/// Returns whether processes can still get memory, as far as the system tells.
fn has_memory() -> bool {
    available_kib().is_none_or(|kib| kib >= SPARE_KIB)
}

/// Returns the memory that processes can still get, in KiB, where the system tells it.
pub(crate) fn available_kib() -> Option<u64> {
    available(&fs::read_to_string("/proc/meminfo").ok()?)
}

fn available(meminfo: &str) -> Option<u64> {
    let mut lines = meminfo.lines();
    let line = lines.find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

/// Reads the first line: `cpu`, then user, nice, system, idle, iowait, irq, softirq and steal.
fn read(stat: &str) -> Option<Ticks> {
    let fields = stat.lines().next()?.strip_prefix("cpu ")?;
    let fields: Vec<u64> = fields
        .split_whitespace()
        .take(8)
        .map_while(|field| field.parse().ok())
        .collect();
    let (nice, idle, iowait) = (fields.get(1)?, fields.get(3)?, fields.get(4)?);
    Some(Ticks {
        all: fields.iter().sum(),
        spare: nice + idle + iowait,
    })
}

/// Returns the share of the time between two looks that was to spare.
fn spare(before: Ticks, now: Ticks) -> f64 {
    let all = now.all.saturating_sub(before.all).max(1);
    let spare = now.spare.saturating_sub(before.spare);
    spare as f64 / all as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_to_spare_that_nothing_had_or_only_what_yields() {
        let before = read("cpu  100 10 50 800 40 0 0 0 7 7\ncpu0 1 2 3").expect("it is told");
        assert_eq!((before.all, before.spare), (1_000, 850));
        let now = read("cpu  150 30 80 890 50 0 0 0 9 9\n").expect("it is told");
        assert!((spare(before, now) - 0.6).abs() < 1e-9);
        assert_eq!(read("cpu0 1 2 3"), None);
        assert_eq!(
            available("MemTotal: 24 kB\nMemAvailable:   7 kB\n"),
            Some(7)
        );
        assert_eq!(available("MemTotal: 24 kB\n"), None);
        assert_eq!(read(""), None);
    }
}
