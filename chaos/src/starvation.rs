//! Whether the machine lets members run: one that waits for a processor misses heartbeats and
//! deadlines through no fault of its own, also where brokers and harness have theirs.

use crate::stalls::Stalls;
use rustix::process::Pid;
use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

/// The time between two looks.
const WINDOW: Duration = Duration::from_secs(3);

/// The part of it for which a thread that wants to run must have waited. A runtime that starts on a
/// machine without other work stays below it.
const STARVED: Duration = Duration::from_secs(2);

/// The time for which each thread of a process has waited for a processor since its start.
type Waits = BTreeMap<String, Duration>;

/// Looks again and again whether a process is kept from running, until it ends.
pub(crate) async fn watch(process: Pid, stalls: Stalls) {
    let mut before = Waits::new();
    while let Some(now) = waits(process) {
        if let Some(longest) = longest(&before, &now).filter(|longest| *longest >= STARVED) {
            stalls.note(longest, "a member waited for a processor for");
        }
        before = now;
        tokio::time::sleep(WINDOW).await;
    }
}

/// Reads how long the threads of a process have waited; `None`: it has ended, or the system does
/// not tell (only Linux does, in `schedstat`: time on a processor, time in a queue for one, number
/// of slices).
fn waits(process: Pid) -> Option<Waits> {
    let threads = fs::read_dir(format!("/proc/{}/task", process.as_raw_nonzero())).ok()?;
    let waits: Waits = threads
        .filter_map(|thread| {
            let thread = thread.ok()?;
            let told = fs::read_to_string(thread.path().join("schedstat")).ok()?;
            let waited = told.split_whitespace().nth(1)?.parse().ok()?;
            let name = thread.file_name().to_string_lossy().into_owned();
            Some((name, Duration::from_nanos(waited)))
        })
        .collect();
    (!waits.is_empty()).then_some(waits)
}

/// Returns the longest time for which a thread has waited since the last look.
fn longest(before: &Waits, now: &Waits) -> Option<Duration> {
    let since = now.iter().map(|(thread, waited)| {
        let until = before.get(thread).copied().unwrap_or_default();
        waited.saturating_sub(until)
    });
    since.max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn the_system_tells_of_every_thread_of_a_process() {
        let own = rustix::process::getpid();
        let here = waits(own).expect("it is told").len();
        let (end, ended) = std::sync::mpsc::channel::<()>();
        let thread = std::thread::spawn(move || ended.recv());
        let more = waits(own).expect("it is told").len();
        assert!(here >= 1 && more >= 2, "{here}, {more}");
        drop(end);
        let _ = thread.join();
    }

    #[test]
    fn the_thread_that_waited_longest_since_the_last_look_counts() {
        let waits = |waits: &[(&str, u64)]| -> Waits {
            let waits = waits.iter();
            let waits = waits.map(|&(name, ms)| (name.to_owned(), Duration::from_millis(ms)));
            waits.collect()
        };
        let before = waits(&[("1", 9_000), ("2", 100)]);
        let now = waits(&[("1", 9_500), ("2", 2_300), ("3", 1_000)]);
        assert_eq!(longest(&before, &now), Some(Duration::from_millis(2_200)));
        assert_eq!(longest(&now, &Waits::new()), None);
    }
}
