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

/// The time on processors that a process has had which the machine did not keep from running: most
/// of one processor's. What waits beside that has its own threads to thank for it.
const SERVED: Duration = Duration::from_millis(2_400);

/// A thread's time since its start.
#[derive(Clone, Copy, Debug, Default)]
struct Times {
    /// The time on a processor.
    ran: Duration,
    /// The time for which the thread wanted one and waited.
    waited: Duration,
}

/// The times of the threads of a process.
type Threads = BTreeMap<String, Times>;

/// Looks again and again whether a process is kept from running, until it ends.
pub(crate) async fn watch(process: Pid, stalls: Stalls) {
    let mut before = Threads::new();
    while let Some(now) = threads(process) {
        if let Some(waited) = starved(&before, &now) {
            stalls.note(waited, "a member waited for a processor for");
        }
        before = now;
        tokio::time::sleep(WINDOW).await;
    }
}

/// Reads the times of the threads of a process; `None`: it has ended, or the system does not tell
/// (only Linux does, in `schedstat`: time on a processor, time in a queue for one, number of
/// slices).
fn threads(process: Pid) -> Option<Threads> {
    let threads = fs::read_dir(format!("/proc/{}/task", process.as_raw_nonzero())).ok()?;
    let threads: Threads = threads
        .filter_map(|thread| {
            let thread = thread.ok()?;
            let told = fs::read_to_string(thread.path().join("schedstat")).ok()?;
            let mut times = told.split_whitespace();
            let mut next = || times.next()?.parse().ok().map(Duration::from_nanos);
            let (ran, waited) = (next()?, next()?);
            let name = thread.file_name().to_string_lossy().into_owned();
            Some((name, Times { ran, waited }))
        })
        .collect();
    (!threads.is_empty()).then_some(threads)
}

/// Returns the longest time for which a thread has waited since the last look, where the machine is
/// the cause.
fn starved(before: &Threads, now: &Threads) -> Option<Duration> {
    let since = |time: fn(&Times) -> Duration| {
        now.iter().map(move |(thread, times)| {
            let until = before.get(thread).map(time).unwrap_or_default();
            time(times).saturating_sub(until)
        })
    };
    let ran: Duration = since(|times| times.ran).sum();
    let waited = since(|times| times.waited).max()?;
    (waited >= STARVED && ran < SERVED).then_some(waited)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn the_system_tells_of_every_thread_of_a_process() {
        let own = rustix::process::getpid();
        let here = threads(own).expect("it is told").len();
        let (end, ended) = std::sync::mpsc::channel::<()>();
        let thread = std::thread::spawn(move || ended.recv());
        let more = threads(own).expect("it is told").len();
        assert!(here >= 1 && more >= 2, "{here}, {more}");
        drop(end);
        let _ = thread.join();
    }

    /// Makes threads of their names and their times on a processor and in the queue, in ms.
    fn told(threads: &[(&str, u64, u64)]) -> Threads {
        let threads = threads.iter();
        let threads = threads.map(|&(name, ran, waited)| {
            let (ran, waited) = (Duration::from_millis(ran), Duration::from_millis(waited));
            (name.to_owned(), Times { ran, waited })
        });
        threads.collect()
    }

    #[test]
    fn the_thread_that_waited_longest_since_the_last_look_counts() {
        let before = told(&[("1", 0, 9_000), ("2", 0, 100)]);
        let now = told(&[("1", 0, 9_500), ("2", 500, 2_300), ("3", 0, 1_000)]);
        assert_eq!(starved(&before, &now), Some(Duration::from_millis(2_200)));
        assert_eq!(starved(&now, &now), None);
        assert_eq!(starved(&now, &Threads::new()), None);
    }

    /// A subject that burns what it gets is not acquitted for it.
    #[test]
    fn a_process_that_waits_for_its_own_threads_is_not_kept_from_running() {
        let names = ["1", "2", "3", "4", "5", "6", "7", "8"].map(|name| (name, 700, 2_300));
        assert_eq!(starved(&Threads::new(), &told(&names)), None);
        let one = starved(&Threads::new(), &told(&names[..1]));
        assert_eq!(one, Some(Duration::from_millis(2_300)));
    }
}
