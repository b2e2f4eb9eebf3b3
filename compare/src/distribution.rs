//! What several runs have of one metric, and how two backends compare in it.

use crate::metrics::{Metric, Metrics};

/// The least, the middle and the greatest of some numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Distribution {
    pub least: u64,
    pub median: u64,
    pub greatest: u64,
}

impl Distribution {
    /// Summarises one metric of some runs; of none, `None`. Of an even number of runs the median is
    /// the lower one of the two in the middle.
    pub(crate) fn of(runs: &[Metrics], metric: Metric) -> Option<Self> {
        let mut numbers: Vec<u64> = runs.iter().map(|run| run.get(metric)).collect();
        numbers.sort_unstable();
        let middle = numbers.len().checked_sub(1)? / 2;
        Some(Self {
            least: *numbers.first()?,
            median: *numbers.get(middle)?,
            greatest: *numbers.last()?,
        })
    }

    /// Says where it lies outside of another one, by more than `leeway`.
    pub(crate) const fn outside(self, of: Self, leeway: u64) -> Option<Outside> {
        let below = self.least + leeway < of.least;
        let above = self.greatest > of.greatest + leeway;
        match (below, above) {
            (false, false) => None,
            (true, false) => Some(Outside::Below),
            (false, true) => Some(Outside::Above),
            (true, true) => Some(Outside::Both),
        }
    }
}

plimsoll_oracle::words! {
    /// The side on which real Kafka does what the simulator never did.
    pub(crate) enum Outside: "side" {
        /// Some run on real Kafka has less than every simulated one.
        Below = "below",
        /// Some run on real Kafka has more than every simulated one.
        Above = "above",
        /// Both.
        Both = "both",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_core::Instant;
    use plimsoll_oracle::{MemberId, Trace, TraceEvent};

    /// A run with this number of commits that were sent.
    fn run(commits: u64) -> Metrics {
        let mut trace = Trace::new();
        for _ in 0..commits {
            let member = MemberId(0);
            trace.push(Instant::ZERO, TraceEvent::CommitSent { member });
        }
        Metrics::of(&trace)
    }

    fn commits(runs: &[u64]) -> Option<Distribution> {
        let runs: Vec<Metrics> = runs.iter().map(|commits| run(*commits)).collect();
        Distribution::of(&runs, Metric::CommitsSent)
    }

    #[test]
    fn some_numbers_have_a_least_a_middle_and_a_greatest() {
        assert_eq!(commits(&[]), None);
        let of = |least, median, greatest| {
            Some(Distribution {
                least,
                median,
                greatest,
            })
        };
        assert_eq!(commits(&[5]), of(5, 5, 5));
        assert_eq!(commits(&[9, 2, 4]), of(2, 4, 9));
        assert_eq!(commits(&[9, 2, 4, 3]), of(2, 3, 9));
    }

    #[test]
    fn what_is_within_the_limits_is_inside() {
        let outside = |real: &[u64]| commits(real)?.outside(commits(&[3, 5])?, 0);
        assert_eq!(outside(&[3, 5]), None);
        assert_eq!(outside(&[2, 5]), Some(Outside::Below));
        assert_eq!(outside(&[3, 6]), Some(Outside::Above));
        assert_eq!(outside(&[2, 6]), Some(Outside::Both));
        let by_one = |real: &[u64]| commits(real)?.outside(commits(&[3, 5])?, 1);
        assert_eq!(by_one(&[2, 6]), None);
        assert_eq!(by_one(&[1, 7]), Some(Outside::Both));
    }
}
