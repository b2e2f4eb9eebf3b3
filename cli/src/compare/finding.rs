//! Whether places say the same of a promise, as far as their seeds can tell.

use crate::runner::Count;

/// The chance below which it is none that all runs which break a promise are in one place.
const CHANCE: f64 = 0.05;

/// The outcome of comparing judgements of several places, from the best to the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Finding {
    /// Each place broke the promise, or each kept it.
    Agrees,
    /// No run of some place could show it, or no second place has a verdict.
    NotObserved,
    /// One place broke it and another kept it, in too few seeds to tell them apart.
    TooFewSeeds,
    /// One place breaks it, and another does not.
    Differs,
}

/// The judgements of one promise in one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    /// The judgements of all runs.
    pub count: Count,
    /// Whether the consumers were real processes.
    pub is_real: bool,
}

impl Finding {
    /// Compares each place with each other, and returns the worst that comes of it.
    pub(crate) fn of(said: &[Said]) -> Self {
        let pairs = said.iter().enumerate();
        let pairs =
            pairs.flat_map(|(index, one)| said[index + 1..].iter().map(move |two| (one, two)));
        let findings = pairs.map(|(one, two)| Self::of_two(one, two));
        findings.max().unwrap_or(Self::NotObserved)
    }

    fn of_two(one: &Said, two: &Said) -> Self {
        let (breaks, keeps) = match (one.count.violated, two.count.violated) {
            (1.., 0) => (one, two),
            (0, 1..) => (two, one),
            (1.., 1..) => return Self::Agrees,
            (0, 0) if one.observed() > 0 && two.observed() > 0 => return Self::Agrees,
            (0, 0) => return Self::NotObserved,
        };
        // The simulator is to show whatever can happen.
        if breaks.is_real && !keeps.is_real {
            return Self::Differs;
        }
        match keeps.observed() {
            0 => Self::NotObserved,
            _ if chance(breaks, keeps) < CHANCE => Self::Differs,
            _ => Self::TooFewSeeds,
        }
    }
}

impl Said {
    /// Returns the number of runs that could show it.
    pub(crate) const fn observed(&self) -> u64 {
        self.count.held + self.count.violated
    }
}

/// Returns the chance that no run of `keeps` breaks the promise where the runs of both that could
/// show it are shared out at random, and no more break it than did: the one-sided test of Fisher.
fn chance(breaks: &Said, keeps: &Said) -> f64 {
    let all = breaks.observed() + keeps.observed();
    // The chance that each further run of `keeps` is one of those that hold.
    let further = (0..keeps.observed()).map(|run| {
        let left = (all - run) as f64;
        1.0 - breaks.count.violated as f64 / left
    });
    further.product()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(violated: u64, held: u64, is_real: bool) -> Said {
        let count = Count {
            held,
            violated,
            not_observed: 2,
            first: None,
        };
        Said { count, is_real }
    }

    fn sim(violated: u64, held: u64) -> Said {
        said(violated, held, false)
    }

    fn real(violated: u64, held: u64) -> Said {
        said(violated, held, true)
    }

    #[test]
    fn the_chance_is_fishers() {
        // 4 balls, 2 of them black, 2 drawn: none is black in 1 of 6 cases.
        let exact = chance(&sim(2, 0), &real(0, 2));
        assert!((exact - 1.0 / 6.0).abs() < 1e-12, "{exact}");
        // C(43, 3) / C(103, 3).
        let exact = chance(&sim(60, 40), &real(0, 3));
        assert!((exact - 12_341.0 / 176_851.0).abs() < 1e-12, "{exact}");
    }

    #[test]
    fn what_the_simulator_breaks_must_be_broken_elsewhere_where_enough_seeds_were_tried() {
        for (simulated, elsewhere, finding) in [
            (sim(100, 0), real(0, 1), Finding::Differs),
            (sim(60, 40), real(0, 1), Finding::TooFewSeeds),
            (sim(60, 40), real(0, 3), Finding::TooFewSeeds),
            (sim(60, 40), real(0, 4), Finding::Differs),
            (sim(1, 99), real(0, 50), Finding::TooFewSeeds),
            (sim(1, 99), real(1, 50), Finding::Agrees),
            (sim(100, 0), real(0, 0), Finding::NotObserved),
            (sim(100, 0), sim(0, 100), Finding::Differs),
        ] {
            assert_eq!(Finding::of(&[simulated, elsewhere]), finding);
            assert_eq!(Finding::of(&[elsewhere, simulated]), finding);
        }
    }

    #[test]
    fn what_real_processes_break_the_simulator_must_break() {
        for simulated in [sim(0, 100), sim(0, 1), sim(0, 0)] {
            assert_eq!(Finding::of(&[simulated, real(1, 9)]), Finding::Differs);
        }
        // Of two real places neither is to show all that can happen.
        let two = [real(1, 9), real(0, 1)];
        assert_eq!(Finding::of(&two), Finding::TooFewSeeds);
    }

    #[test]
    fn what_nothing_breaks_agrees_only_where_it_was_observed() {
        assert_eq!(Finding::of(&[sim(0, 9), real(0, 1)]), Finding::Agrees);
        assert_eq!(Finding::of(&[sim(0, 9), real(0, 0)]), Finding::NotObserved);
        assert_eq!(Finding::of(&[sim(0, 0), real(0, 0)]), Finding::NotObserved);
    }

    #[test]
    fn of_several_places_the_worst_pair_counts() {
        let four = [sim(9, 91), sim(8, 92), real(0, 1), real(1, 0)];
        assert_eq!(Finding::of(&four), Finding::TooFewSeeds);
        let four = [sim(0, 100), sim(0, 100), real(0, 1), real(1, 0)];
        assert_eq!(Finding::of(&four), Finding::Differs);
        assert_eq!(Finding::of(&[sim(5, 5)]), Finding::NotObserved);
    }
}
