//! The shrinker: a failing plan becomes the smallest one that still breaks the same property in the
//! same way.
//!
//! A pass proposes plans; [`Search::attempt`] runs a proposal if it is smaller than the best plan
//! so far by [`Size`], and keeps it if it still breaks the property in the same [kind](Violation).
//! So the result never grows, the search ends, and equal input gives equal output. Passes are
//! repeated until none of them finds anything, or the budget is used up. Within a pass the big cuts
//! come first.
//!
//! [Violation]: plimsoll_oracle::Violation::kind

mod brokers;
mod faults;
mod ids;
mod members;
mod messages;
mod moment;
mod observed;
mod partitions;
mod settings;
mod side_by_side;
mod size;
mod subset;
mod times;
mod triggers;
mod values;

#[cfg(test)]
mod tests;

pub use observed::Observed;
pub use side_by_side::{Team, Width, shrink_side_by_side};

use crate::Plan;
use crate::scenario::{Fault, FaultKind, Settings};
use plimsoll_core::Instant;
use plimsoll_oracle::{Property, Verdict, Violation};
use size::Size;
use std::sync::Arc;

/// What executes and judges the plans of a search.
pub trait Runner {
    /// Executes and judges a plan; `None` ends the search.
    fn run(&mut self, plan: &Plan) -> Option<Observed>;

    /// Takes in that a smaller plan fails too; `runs` plans have been run so far.
    fn found(&mut self, plan: &Plan, runs: u32) {
        let _ = (plan, runs);
    }
}

/// The limits of a search. They count what does not depend on the machine, so that equal input
/// gives equal output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// The number of plans that may be run.
    pub runs: u32,
    /// The number of simulated events after which no other plan is run.
    pub events: u64,
}

/// A shrunk plan.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// The smallest failing plan that was found.
    pub plan: Plan,
    /// Its verdict.
    pub verdict: Verdict,
    /// The number of plans that were run.
    pub runs: u32,
    /// Why the search ended.
    pub end: End,
}

/// Why a search ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// No pass found anything smaller.
    Smallest,
    /// As many plans were run as the budget allows.
    Runs,
    /// As many events were simulated as the budget allows.
    Events,
    /// The runner ended it.
    Stopped,
}

/// Shrinks `plan`, which violates `property`, within `budget`.
///
/// Returns `None` where `plan` itself, which is run first, could not be run or does not violate
/// `property`. The kind of its violation is the one that every smaller plan must show.
pub fn shrink(
    plan: &Plan,
    property: Property,
    budget: Budget,
    runner: &mut dyn Runner,
) -> Option<Shrunk> {
    let mut search = Search::begin(plan, property, budget, &PASSES, runner)?;
    search.search();
    Some(search.into_shrunk())
}

/// A pass: it proposes candidates as long as it knows any.
type Pass = fn(&mut Search<'_>);

/// The passes, in the order of what a reader of the result gains most by; only what makes every
/// further run shorter comes first.
const PASSES: [Pass; 14] = [
    moment::pass,
    messages::thin,
    settings::early,
    faults::pass,
    messages::pass,
    members::pass,
    partitions::pass,
    brokers::pass,
    settings::pass,
    settings::with_times,
    values::pass,
    triggers::pass,
    times::pass,
    ids::pass,
];

/// The passes that a few dozen runs are enough for: what makes every further run shorter, then what
/// a reader gains most by.
const COARSE: [Pass; 4] = [moment::pass, faults::pass, members::pass, messages::fewer];

/// A search for the smallest plan that still fails.
struct Search<'a> {
    best: Plan,
    size: Size,
    /// What the run of the best plan showed.
    observed: Observed,
    property: Property,
    /// The kind of the violation that is sought.
    kind: &'static str,
    runs: u32,
    events: u64,
    budget: Budget,
    /// Whether the runner has ended the search.
    stopped: bool,
    /// Whether settings are put back before messages are left out.
    settings_first: bool,
    passes: &'static [Pass],
    runner: &'a mut dyn Runner,
}

impl<'a> Search<'a> {
    /// Runs `plan`; `None`: it could not be run, or does not violate `property`.
    fn begin(
        plan: &Plan,
        property: Property,
        budget: Budget,
        passes: &'static [Pass],
        runner: &'a mut dyn Runner,
    ) -> Option<Self> {
        let observed = runner.run(plan)?;
        let kind = violation(&observed.verdict, property)?.kind;
        Some(Self {
            size: Size::of(plan),
            best: plan.clone(),
            property,
            kind,
            runs: 1,
            events: observed.events,
            observed,
            budget,
            stopped: false,
            settings_first: true,
            passes,
            runner,
        })
    }

    /// Returns what was found.
    fn into_shrunk(self) -> Shrunk {
        Shrunk {
            end: self.end(),
            plan: self.best,
            verdict: self.observed.verdict,
            runs: self.runs,
        }
    }

    /// Searches with settings put back first, and once more with messages left out first, and keeps
    /// the smaller plan: a failure at the right moment is found again under other settings only
    /// while there are many messages, but what is right for the defaults may need more of them.
    fn search(&mut self) {
        let start = (self.best.clone(), self.size, self.observed.clone());
        self.exhaust();
        let first = (self.best.clone(), self.size, self.observed.clone());
        self.settings_first = false;
        (self.best, self.size, self.observed) = start;
        self.exhaust();
        if first.1 <= self.size {
            (self.best, self.size, self.observed) = first;
        }
    }

    /// Repeats the passes until a round of them finds nothing, or the search is over.
    fn exhaust(&mut self) {
        self.leave_out_what_missed();
        // Before the run is cut at its first violation, which may be the only one that needs a
        // fault.
        self.attempt_with(|plan| plan.faults.clear());
        while !self.is_over() {
            let before = self.size;
            for pass in self.passes {
                if self.is_over() {
                    return;
                }
                pass(self);
            }
            if self.size == before {
                return;
            }
        }
    }

    /// Returns whether no other plan will be run.
    fn is_over(&self) -> bool {
        self.stopped || self.runs >= self.budget.runs || self.events >= self.budget.events
    }

    fn end(&self) -> End {
        if self.stopped {
            End::Stopped
        } else if self.runs >= self.budget.runs {
            End::Runs
        } else if self.events >= self.budget.events {
            End::Events
        } else {
            End::Smallest
        }
    }

    /// Makes `candidate` the best plan if it is smaller, possible, and breaks the property in the
    /// same way. Faults of it that do not take effect are left out, if it breaks it without them too.
    fn attempt(&mut self, mut candidate: Plan) -> bool {
        tidy(&mut candidate);
        let size = Size::of(&candidate);
        if size >= self.size || self.is_over() || !is_possible(&candidate) {
            return false;
        }
        let Some(observed) = self.runner.run(&candidate) else {
            self.stopped = true;
            return false;
        };
        self.runs += 1;
        self.events += observed.events;
        let violation = violation(&observed.verdict, self.property);
        if violation.is_none_or(|violation| violation.kind != self.kind) {
            return false;
        }
        let is_effective = |fault: &Fault| observed.took_effect(fault.id);
        if !candidate.faults.iter().all(is_effective) {
            let mut effective = candidate.clone();
            effective.faults.retain(is_effective);
            if self.attempt(effective) {
                return true;
            }
        }
        self.best = candidate;
        self.size = size;
        self.observed = observed;
        self.runner.found(&self.best, self.runs);
        true
    }

    /// Leaves out the faults of the first plan that did not take effect.
    fn leave_out_what_missed(&mut self) {
        let mut candidate = self.best.clone();
        candidate
            .faults
            .retain(|fault| self.observed.took_effect(fault.id));
        self.attempt(candidate);
    }

    /// Attempts the best plan with a change made to it.
    fn attempt_with(&mut self, change: impl FnOnce(&mut Plan)) -> bool {
        // A plan of many messages takes its time to copy.
        if self.is_over() {
            return false;
        }
        let mut candidate = self.best.clone();
        change(&mut candidate);
        self.attempt(candidate)
    }

    /// Attempts the best plan with a change made to its settings.
    fn attempt_settings(&mut self, change: impl FnOnce(&mut Settings)) -> bool {
        self.attempt_with(|plan| change(Arc::make_mut(&mut plan.settings)))
    }
}

/// Returns how a verdict says that a property was violated.
fn violation(verdict: &Verdict, property: Property) -> Option<&Violation> {
    let mut violations = verdict.violations();
    let (_, violation) = violations.find(|(violated, _)| *violated == property)?;
    Some(violation)
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
