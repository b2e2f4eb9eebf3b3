//! The limit on the files and sockets of this process. Each run has dozens, and systems begin with a
//! limit (1,024; 256 on macOS) that some tens of runs side by side reach.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The limit that is asked for: enough for hundreds of runs, and no more than macOS allows.
const WANTED: u64 = 10_240;

/// Raises the limit as far as it is wanted and the system allows; a refusal leaves it as it was.
pub(crate) fn raise_limit() {
    if let Some(raised) = raised(getrlimit(Resource::Nofile)) {
        // Then fewer runs fit, and the one that does not says so.
        let _ = setrlimit(Resource::Nofile, raised);
    }
}

/// Returns the limit to set, where it is higher; `None` stands for no limit.
fn raised(Rlimit { current, maximum }: Rlimit) -> Option<Rlimit> {
    let wanted = maximum.map_or(WANTED, |most| most.min(WANTED));
    let is_higher = current.is_some_and(|current| current < wanted);
    is_higher.then_some(Rlimit {
        current: Some(wanted),
        maximum,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_raised_as_far_as_the_system_allows_and_never_lowered() {
        let after = |current, maximum| raised(Rlimit { current, maximum })?.current;
        assert_eq!(after(Some(1_024), Some(524_288)), Some(10_240));
        assert_eq!(after(Some(256), None), Some(10_240));
        assert_eq!(after(Some(1_024), Some(4_096)), Some(4_096));
        assert_eq!(after(Some(20_000), Some(20_000)), None);
        assert_eq!(after(None, None), None);
    }
}
