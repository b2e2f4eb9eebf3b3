//! The clusters in containers for which the machine has room.

use crate::places::Load;
use crate::pressure;
use std::num::NonZeroUsize;
use std::thread;

/// The memory that three brokers take, in MB: 200 to 350 each.
const CLUSTER_MB: usize = 1_000;

/// Returns the number of clusters to start beside the first.
pub(super) fn more_clusters(load: Load) -> usize {
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    more_on(load, cores, free_memory())
}

/// Each start takes eleven seconds of processor time, and each cluster saves the plans on it
/// from waiting for one another, which takes twenty seconds a plan. A broker that waits for a
/// processor disturbs every run on it: three brokers want two cores.
fn more_on(load: Load, cores: usize, free_mb: Option<usize>) -> usize {
    let memory = free_mb.map_or(usize::MAX, |free| (free / CLUSTER_MB).saturating_sub(1));
    let shared = usize::from(load.sharing > 0);
    let apart = load.breaking.min(cores / 4);
    let wanted = (shared + apart).min(load.jobs).saturating_sub(1);
    wanted.min(memory)
}

/// Reads the memory that processes can still get, in MB, where the system tells it.
fn free_memory() -> Option<usize> {
    usize::try_from(pressure::available_kib()? / 1024).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(breaking: usize, sharing: usize) -> Load {
        Load {
            breaking,
            sharing,
            jobs: 8,
        }
    }

    #[test]
    fn clusters_are_as_many_as_the_plans_and_the_machine_allow() {
        let on = |load, cores| more_on(load, cores, None);
        assert_eq!(on(load(0, 16), 8), 0);
        assert_eq!(on(load(3, 16), 2), 0);
        assert_eq!(on(load(3, 16), 4), 1);
        assert_eq!(on(load(3, 16), 32), 3);
        // Nothing shares the first.
        assert_eq!(on(load(1, 0), 8), 0);
        assert_eq!(on(load(3, 0), 8), 1);
        let one_by_one = Load {
            jobs: 1,
            ..load(3, 16)
        };
        assert_eq!(on(one_by_one, 8), 0);
        assert_eq!(more_on(load(3, 16), 8, Some(2_500)), 1);
        assert_eq!(more_on(load(3, 16), 8, Some(900)), 0);
        assert_eq!(on(Load::default(), 8), 0);
    }
}
