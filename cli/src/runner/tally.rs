//! The counted results of many runs of one scenario.

use super::effects::Effects;
use super::worker::Run;
use crate::error::CliError;
use crate::trial::{Expectation, Trial};
use plimsoll_oracle::check::Coverage;
use plimsoll_oracle::{Fingerprint, Judgement, Measures, Property, Trace, Verdict, Word};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

/// The counted results of many runs of one scenario.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// The number of runs.
    pub schedules: u64,
    /// The time of all runs by their own clocks: simulated time, except on real Kafka.
    pub simulated: Duration,
    /// The number of simulated events.
    pub events: u64,
    /// The judgements of each property, in the order of [`Property::ALL`].
    counts: [Count; Property::ALL.len()],
    /// The reasons why properties were not observed, each with its number of runs.
    reasons: BTreeMap<(Property, &'static str), u64>,
    /// The number of times that each rare thing happened.
    pub coverage: Coverage,
    /// The faults that took effect.
    pub effects: Effects,
    /// The longest stall and the highest lag of any run.
    pub measures: Measures,
    /// The hash of each trace, by seed, where hashes were asked for.
    pub hashes: Vec<(u64, Fingerprint)>,
    /// The runs in real time that are kept.
    pub recorded: Vec<Recorded>,
    /// The runs in real time that broke a promise and do not count, because the machine disturbed
    /// them.
    pub unjudged: Vec<Unjudged>,
    /// The first seed that has no verdict, and the reason.
    pub broken: Option<(u64, CliError)>,
}

/// The judgements of one property, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    /// The number of runs that kept the promise and could have broken it.
    pub held: u64,
    /// The number of runs that broke the promise.
    pub violated: u64,
    /// The number of runs that could not show it.
    pub not_observed: u64,
    /// The lowest seed that broke it.
    pub first: Option<u64>,
}

/// A run in real time, which cannot be had again.
#[derive(Clone, Debug)]
pub(crate) struct Recorded {
    /// The seed of its plan.
    pub seed: u64,
    /// The judgement of every property.
    pub verdict: Verdict,
    /// The record of everything that was observed.
    pub trace: Trace,
    /// What each of its processes wrote for people, by the name of its file.
    pub logs: Vec<(String, String)>,
}

/// A run in real time that broke a promise and does not count.
#[derive(Clone, Debug)]
pub(crate) struct Unjudged {
    /// The run.
    pub recorded: Recorded,
    /// The properties that it broke, and what disturbed it.
    pub why: String,
    /// The file with its trace, once that is written.
    pub trace: Option<PathBuf>,
}

impl Tally {
    /// Adds a run.
    pub(crate) fn add(&mut self, seed: u64, run: &Run, trace: &Trace, hash: bool) {
        self.schedules += 1;
        self.simulated += run.ended.since_start();
        self.events += run.events;
        for (property, judgement) in run.verdict.judgements() {
            let count = &mut self.counts[*property as usize];
            match judgement {
                Judgement::Held => count.held += 1,
                Judgement::NotObserved(reason) => {
                    count.not_observed += 1;
                    *self.reasons.entry((*property, reason)).or_default() += 1;
                }
                Judgement::Violated(_) => {
                    count.violated += 1;
                    count.first.get_or_insert(seed);
                }
            }
        }
        self.coverage.add(trace);
        self.effects.add(&run.happened);
        self.measures = self.measures.max(run.verdict.measures());
        if hash {
            self.hashes.push((seed, trace.fingerprint()));
        }
    }

    /// Adds the runs of higher seeds.
    pub(crate) fn merge(&mut self, later: Self) {
        self.schedules += later.schedules;
        self.simulated += later.simulated;
        self.events += later.events;
        for (mine, theirs) in self.counts.iter_mut().zip(later.counts) {
            mine.held += theirs.held;
            mine.violated += theirs.violated;
            mine.not_observed += theirs.not_observed;
            mine.first = mine.first.or(theirs.first);
        }
        for (reason, runs) in later.reasons {
            *self.reasons.entry(reason).or_default() += runs;
        }
        self.coverage.merge(&later.coverage);
        self.effects.merge(&later.effects);
        self.measures = self.measures.max(later.measures);
        self.hashes.extend(later.hashes);
        self.recorded.extend(later.recorded);
        self.unjudged.extend(later.unjudged);
        self.broken = self.broken.take().or(later.broken);
    }

    /// Returns the number of schedules that got their verdict in a second run, because the machine
    /// had disturbed the first one.
    pub(crate) fn disturbed(&self) -> u64 {
        let broken = self.broken.as_ref().map(|(seed, _)| *seed);
        let seeds = self.unjudged.iter().map(|run| run.recorded.seed);
        let again: BTreeSet<u64> = seeds.filter(|seed| Some(*seed) != broken).collect();
        again.len() as u64
    }

    /// Returns the counted judgements of each property.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (Property, Count)> {
        Property::ALL.iter().copied().zip(self.counts)
    }

    /// Returns the counted judgements of this property.
    pub(crate) const fn count(&self, property: Property) -> Count {
        self.counts[property as usize]
    }

    /// Returns the reasons why properties were not observed, each with its number of runs, in the
    /// order of [`Property::ALL`].
    pub(crate) fn reasons(&self) -> impl Iterator<Item = (Property, &'static str, u64)> {
        let reasons = self.reasons.iter();
        reasons.map(|((property, reason), runs)| (*property, *reason, *runs))
    }

    /// Returns the reasons why this property was not observed, each with its number of runs, the
    /// most frequent first.
    pub(crate) fn reasons_of(&self, property: Property) -> Vec<(&'static str, u64)> {
        let reasons = self.reasons().filter(|(of, ..)| *of == property);
        let mut reasons: Vec<_> = reasons.map(|(_, reason, runs)| (reason, runs)).collect();
        reasons.sort_by_key(|(_, runs)| Reverse(*runs));
        reasons
    }

    /// Returns the properties that were violated unexpectedly, each with the lowest seed that broke
    /// it.
    pub(crate) fn failures(
        &self,
        expectation: &Expectation,
    ) -> impl Iterator<Item = (Property, u64)> {
        self.counts()
            .filter(|(property, _)| !expectation.names(*property))
            .filter_map(|(property, count)| Some((property, count.first?)))
    }

    /// Tells whether the trial ends here, whatever seeds are left.
    pub(crate) fn ends(&self, trial: &Trial, keep_going: bool) -> bool {
        let failed = self.failures(&trial.expectation).next().is_some();
        self.broken.is_some() || (failed && !keep_going)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts are indexed by the property's number.
    #[test]
    fn a_property_is_the_index_of_itself() {
        for (index, property) in Property::ALL.iter().copied().enumerate() {
            assert_eq!(property as usize, index);
        }
    }
}
