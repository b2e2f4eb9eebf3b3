//! The shrinker: a failing plan becomes the smallest one that still breaks the same property.
//!
//! A pass proposes plans; [`Search::attempt`] runs a proposal if it is smaller than the best plan
//! so far by [`Size`], and keeps it if it still breaks the property. So the result never grows,
//! the search ends, and equal input gives equal output. Passes are repeated until none of them
//! finds anything, or the budget is used up. Within a pass the big cuts come first.

mod brokers;
mod faults;
mod members;
mod messages;
mod partitions;
mod settings;
mod size;
mod subset;
mod times;
mod values;

#[cfg(test)]
mod tests;

use crate::Plan;
use crate::scenario::{FaultKind, Settings};
use plimsoll_core::Instant;
use plimsoll_oracle::{Property, Verdict};
use size::Size;
use std::sync::Arc;

/// A shrunk plan.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// The smallest failing plan that was found.
    pub plan: Plan,
    /// Its verdict.
    pub verdict: Verdict,
    /// How many plans were run.
    pub runs: u32,
}

/// Shrinks `plan`, which violates `property`, running at most `budget` plans through `run`.
///
/// Messages and faults keep their ids, so that what is drawn for them stays as it was. The first
/// run is that of `plan` itself, whatever the budget: where it does not violate `property`, it is
/// returned as it is.
pub fn shrink(
    plan: &Plan,
    property: Property,
    budget: u32,
    run: &mut dyn FnMut(&Plan) -> Verdict,
) -> Shrunk {
    let verdict = run(plan);
    if !verdict.violates(property) {
        return Shrunk {
            plan: plan.clone(),
            verdict,
            runs: 1,
        };
    }
    let mut search = Search {
        size: Size::of(plan),
        best: plan.clone(),
        verdict,
        property,
        runs: 1,
        budget,
        run,
    };
    search.exhaust();
    Shrunk {
        plan: search.best,
        verdict: search.verdict,
        runs: search.runs,
    }
}

/// The passes, in the order of what a reader of the result gains most by.
const PASSES: [fn(&mut Search<'_>); 8] = [
    faults::pass,
    messages::pass,
    members::pass,
    partitions::pass,
    brokers::pass,
    settings::pass,
    values::pass,
    times::pass,
];

/// A search for the smallest plan that still fails.
struct Search<'a> {
    best: Plan,
    size: Size,
    verdict: Verdict,
    property: Property,
    runs: u32,
    budget: u32,
    run: &'a mut dyn FnMut(&Plan) -> Verdict,
}

impl Search<'_> {
    /// Repeats the passes until a round of them finds nothing, or the budget is used up.
    fn exhaust(&mut self) {
        loop {
            let before = self.size;
            for pass in PASSES {
                pass(self);
            }
            if self.size == before || self.runs >= self.budget {
                return;
            }
        }
    }

    /// Makes `candidate` the best plan if it is smaller, possible, and breaks the property too.
    fn attempt(&mut self, mut candidate: Plan) -> bool {
        tidy(&mut candidate);
        let size = Size::of(&candidate);
        if size >= self.size || self.runs >= self.budget || !is_possible(&candidate) {
            return false;
        }
        self.runs += 1;
        let verdict = (self.run)(&candidate);
        if !verdict.violates(self.property) {
            return false;
        }
        self.best = candidate;
        self.size = size;
        self.verdict = verdict;
        true
    }

    /// Attempts the best plan with a change made to it.
    fn attempt_with(&mut self, change: impl FnOnce(&mut Plan)) -> bool {
        let mut candidate = self.best.clone();
        change(&mut candidate);
        self.attempt(candidate)
    }

    /// Attempts the best plan with a change made to its settings.
    fn attempt_settings(&mut self, change: impl FnOnce(&mut Settings)) -> bool {
        self.attempt_with(|plan| change(Arc::make_mut(&mut plan.settings)))
    }
}

/// Makes a candidate regular: messages stand by time, and what a plan and its settings both say is
/// the same, so that it can be written as a scenario file and drawn again.
fn tidy(plan: &mut Plan) {
    plan.messages
        .sort_by_key(|message| (message.at, message.id));
    // The fate of its message says it already.
    plan.faults
        .retain(|fault| !matches!(fault.kind, FaultKind::Undecodable { .. }));
    let starts = plan.starts.iter();
    let starts = starts
        .map(|start| start.map(Instant::since_start))
        .collect();
    let settings = Arc::make_mut(&mut plan.settings);
    settings.consumers.starts = starts;
    settings.safety = Some(plan.heal_at.since_start());
}

/// Returns whether the language accepts it: nothing names what is not there, no timeout contradicts
/// another.
fn is_possible(plan: &Plan) -> bool {
    plan.to_scenario().problems().is_empty()
}
