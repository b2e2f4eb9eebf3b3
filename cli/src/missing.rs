//! What a scenario names and no run of it showed: violations, rare things, faults.

use crate::report::Failure;
use crate::runner::{Effect, Tally};
use crate::trial::{Expectation, Trial};
use plimsoll_scenarios::scenario::{Fault, FaultName, FaultSpec};

/// The number of runs from which on what a scenario names must have happened.
const ENOUGH: u64 = 100;

/// Returns the violations that a scenario expects and no run showed.
pub(crate) fn violations(trial: &Trial, tally: &Tally) -> impl Iterator<Item = Failure> {
    let named = trial.expectation.named().iter();
    named
        .filter(|property| tally.count(**property).violated == 0)
        .map(|property| Failure::NotViolated(*property))
}

/// Returns the rare things that a scenario names and that happened in no run, and the faults that
/// it writes and that took effect in none.
pub(crate) fn happenings(trial: &Trial, tally: &Tally) -> Vec<Failure> {
    let expected = &trial.scenario.settings.expect.sometimes;
    let rare = tally.coverage.counts();
    let never = rare.filter(|(rare, count)| *count == 0 && expected.contains(rare));
    let never = never.map(|(rare, _)| Failure::NeverHappened(rare));
    let topics = &trial.scenario.settings.topics;
    let vain = written(trial).filter_map(|fault| {
        let effect = effect(fault, tally);
        (effect.took == 0).then(|| Failure::NeverTookEffect {
            fault: fault.in_one_line(topics),
            reasons: effect.missed().map(|(reason, _)| reason).collect(),
        })
    });
    never.chain(vain).collect()
}

/// Returns whether what did not happen fails the scenario. In fewer runs it may just not have come
/// yet, and of another subject than its own a scenario expects nothing, unless that is asked for.
pub(crate) fn fails(trial: &Trial, tally: &Tally, strict: bool) -> bool {
    let stated = matches!(trial.expectation, Expectation::Stated(_));
    strict || (stated && tally.schedules >= ENOUGH)
}

/// Returns the faults that a scenario writes one by one. An `undecodable` is the fate of its
/// message, and happens with it.
pub(crate) fn written(trial: &Trial) -> impl Iterator<Item = &Fault> {
    let faults = trial.scenario.faults.iter();
    let written = faults.filter_map(|spec| match spec {
        FaultSpec::Explicit(fault) => Some(fault),
        FaultSpec::Random(_) => None,
    });
    written.filter(|fault| fault.kind.name() != FaultName::Undecodable)
}

/// Returns the effects of a fault that the scenario writes.
pub(crate) fn effect(fault: &Fault, tally: &Tally) -> Effect {
    tally.effects.of(fault.id, fault.kind.name())
}
