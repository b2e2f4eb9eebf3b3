//! What an interrupted run left behind, and how the next one knows.
//!
//! A run is named by its process: the id, and when it started, so that an id that is used again
//! does not count as alive. Containers and networks carry the name in a label, members in their
//! environment. What belongs to a run whose process is gone is removed; nothing else is touched.

use std::fs;
use std::sync::LazyLock;

/// The variable in a member's environment that names its run: by it a later start finds the
/// processes of a harness that died.
pub(crate) const RUN_VARIABLE: &str = "PLIMSOLL_RUN";

/// Returns the name of this run: `<process id>-<start time>`.
pub(crate) fn run_id() -> String {
    static RUN: LazyLock<String> = LazyLock::new(|| {
        let pid = std::process::id();
        format!("{pid}-{}", start_time(pid).unwrap_or(0))
    });
    RUN.clone()
}

/// Kills members of runs that are over, and whatever those started.
#[cfg(target_os = "linux")]
pub(crate) fn processes_of_dead_runs() {
    use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

    let Ok(processes) = fs::read_dir("/proc") else {
        return;
    };
    let own_namespace = fs::read_link("/proc/self/ns/pid").ok();
    for process in processes.flatten() {
        let pid = process
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok());
        let Some(pid) = pid.and_then(Pid::from_raw) else {
            continue;
        };
        // Opened first: should the process end and its id be used again, the handle still means the
        // old process.
        let Ok(handle) = pidfd_open(pid, PidfdFlags::empty()) else {
            continue;
        };
        let path = process.path();
        let dead = fs::read(path.join("environ"))
            .ok()
            .and_then(|environment| run_of(&environment))
            .is_some_and(|run| is_dead(&run));
        let namespace = fs::read_link(path.join("ns/pid")).ok();
        if dead && namespace == own_namespace && pidfd_send_signal(handle, Signal::KILL).is_ok() {
            let pid = pid.as_raw_nonzero();
            tracing::info!("killed process {pid}, which an interrupted run had left");
        }
    }
}

/// Does nothing: members can be found on Linux only.
#[cfg(not(target_os = "linux"))]
pub(crate) fn processes_of_dead_runs() {}

/// Reads the run that an environment names, as `/proc` shows environments.
#[cfg(any(test, target_os = "linux"))]
fn run_of(environment: &[u8]) -> Option<String> {
    let value = environment.split(|byte| *byte == 0).find_map(|variable| {
        variable
            .strip_prefix(RUN_VARIABLE.as_bytes())?
            .strip_prefix(b"=")
    })?;
    String::from_utf8(value.to_vec()).ok()
}

/// Returns whether a run is certainly over. A text that is no name of a run counts as alive.
#[cfg(any(test, target_os = "linux", feature = "containers"))]
pub(super) fn is_dead(run: &str) -> bool {
    let Some((pid, started)) = parse(run) else {
        return false;
    };
    // Without a /proc a process that is gone looks like one that is there.
    if start_time(std::process::id()).is_none() {
        return false;
    }
    start_time(pid) != Some(started)
}

#[cfg(any(test, target_os = "linux", feature = "containers"))]
fn parse(run: &str) -> Option<(u32, u64)> {
    let (pid, started) = run.split_once('-')?;
    Some((pid.parse().ok()?, started.parse().ok()?))
}

/// Returns when a process started, in ticks since the machine did; `None` if it is gone, or a
/// zombie.
pub(super) fn start_time(pid: u32) -> Option<u64> {
    start_time_in(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

fn start_time_in(stat: &str) -> Option<u64> {
    // The second field is a name in parentheses, and may hold anything.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X") {
        return None;
    }
    // State is the third field, the start the 22nd.
    fields.nth(18)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_time_is_found_behind_any_name() {
        let rest = "S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20";
        assert_eq!(start_time_in(&format!("42 (plimsoll) {rest}")), Some(4711));
        assert_eq!(start_time_in(&format!("42 (a) b (c) {rest}")), Some(4711));
        let zombie = rest.replacen('S', "Z", 1);
        assert_eq!(start_time_in(&format!("42 (plimsoll) {zombie}")), None);
        assert_eq!(start_time_in("42 (plimsoll) S 1"), None);
        assert_eq!(start_time_in(""), None);
    }

    #[test]
    fn the_run_is_read_from_an_environment() {
        let environment = b"A=1\0NOT_PLIMSOLL_RUN=1-1\0PLIMSOLL_RUN=12-345\0PLIMSOLL_RUNS=2";
        assert_eq!(run_of(environment), Some("12-345".into()));
        assert_eq!(run_of(b"A=1\0PLIMSOLL_RUN"), None);
        assert_eq!(run_of(b""), None);
    }

    #[test]
    fn only_what_is_the_name_of_a_run_can_be_dead() {
        assert_eq!(parse("12-345"), Some((12, 345)));
        for odd in ["", "12", "12-", "-345", "a-1", "1-2-3"] {
            assert_eq!(parse(odd), None, "{odd}");
            assert!(!is_dead(odd), "{odd}");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_run_lives_and_another_start_of_its_process_does_not() {
        let run = run_id();
        assert!(!is_dead(&run));
        let (pid, started) = parse(&run).expect("a name of a run");
        assert!(is_dead(&format!("{pid}-{}", started + 1)));
    }
}
