//! Which faults took effect, counted over many runs.

use plimsoll_oracle::{FaultId, Missed, Trace, TraceEvent, Word};
use plimsoll_scenarios::Plan;
use plimsoll_scenarios::scenario::FaultName;
use std::collections::BTreeMap;

/// The faults of one run, each with the reason why it did not take effect, if it did not.
#[derive(Clone, Debug, Default)]
pub(crate) struct Happened(Vec<(FaultId, FaultName, Option<Missed>)>);

/// Which faults took effect, counted over many runs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Effects {
    /// By number and kind: what is drawn has the same number in many plans.
    counts: BTreeMap<(FaultId, FaultName), Effect>,
}

/// The effects of one fault, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Effect {
    /// The number of runs whose plan had it.
    pub planned: u64,
    /// The number of runs in which it took effect.
    pub took: u64,
    /// The number of runs in which it did not, by reason, in the order of [`Missed::ALL`].
    missed: [u64; Missed::ALL.len()],
}

impl Happened {
    /// Reads from a trace what became of each fault of its plan.
    pub(crate) fn read(plan: &Plan, trace: &Trace) -> Self {
        let faults = plan.faults.iter();
        let mut faults: Vec<_> = faults
            .map(|fault| (fault.id, fault.kind.name(), None))
            .collect();
        if faults.is_empty() {
            return Self(faults);
        }
        for entry in trace.entries() {
            if let TraceEvent::FaultMissed { fault, reason } = entry.event {
                let mut faults = faults.iter_mut();
                if let Some((_, _, missed)) = faults.find(|(id, _, _)| *id == fault) {
                    *missed = Some(reason);
                }
            }
        }
        Self(faults)
    }
}

impl Effects {
    /// Adds the faults of a run.
    pub(crate) fn add(&mut self, run: &Happened) {
        for (fault, name, missed) in &run.0 {
            let effect = self.counts.entry((*fault, *name)).or_default();
            effect.planned += 1;
            match missed {
                None => effect.took += 1,
                Some(reason) => effect.missed[*reason as usize] += 1,
            }
        }
    }

    /// Adds what another has counted.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (fault, effect) in &other.counts {
            self.counts.entry(*fault).or_default().merge(*effect);
        }
    }

    /// Returns the effects of a fault that every plan of the scenario has.
    pub(crate) fn of(&self, fault: FaultId, name: FaultName) -> Effect {
        let effect = self.counts.get(&(fault, name));
        effect.copied().unwrap_or_default()
    }

    /// Returns the effects of all faults but `written`, added up by kind.
    pub(crate) fn drawn(&self, written: &[FaultId]) -> BTreeMap<FaultName, Effect> {
        let mut drawn: BTreeMap<FaultName, Effect> = BTreeMap::new();
        for ((fault, name), effect) in &self.counts {
            if !written.contains(fault) {
                drawn.entry(*name).or_default().merge(*effect);
            }
        }
        drawn
    }
}

impl Effect {
    fn merge(&mut self, other: Self) {
        self.planned += other.planned;
        self.took += other.took;
        for (mine, theirs) in self.missed.iter_mut().zip(other.missed) {
            *mine += theirs;
        }
    }

    /// Returns the reasons why it did not take effect, each with its number of runs.
    pub(crate) fn missed(&self) -> impl Iterator<Item = (Missed, u64)> {
        let reasons = Missed::ALL.iter().copied().zip(self.missed);
        reasons.filter(|(_, runs)| *runs > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts are indexed by the reason's number.
    #[test]
    fn a_reason_is_the_index_of_itself() {
        for (index, reason) in Missed::ALL.iter().copied().enumerate() {
            assert_eq!(reason as usize, index);
        }
    }
}
