//! The search where a run takes many seconds, mostly waits, and cannot be had again: candidates run
//! side by side.
//!
//! Passes propose a candidate only when they know what became of those before it. So the search
//! looks ahead: it goes on as if each candidate without an answer did not fail, as most do not,
//! until there are enough of them; these run at the same time, and the search begins anew with
//! their answers. Passes know nothing of that. Of several candidates that fail, the first counts,
//! as if they had run one after the other; the others may have run in vain.

use super::{Budget, COARSE, End, Observed, Runner, Search, Shrunk, violation};
use crate::Plan;
use plimsoll_oracle::Property;

/// Executes and judges several plans at the same time.
pub trait Team {
    /// Executes and judges plans, and returns what each of them showed, in the same order; an
    /// absent answer counts as a plan that does not fail. `None` ends the search.
    fn run(&mut self, plans: &[Plan]) -> Option<Vec<Option<Observed>>>;

    /// Takes in that a smaller plan fails too; `runs` plans have been run so far.
    fn found(&mut self, plan: &Plan, runs: u32) {
        let _ = (plan, runs);
    }
}

/// The limits of a search side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Width {
    /// The number of plans that may run at the same time, from 1 on.
    pub side_by_side: usize,
    /// The number of plans that may be run.
    pub runs: u32,
}

/// Shrinks `plan`, of which a run showed `observed`: only to fewer faults, members and messages,
/// because each run takes its time. A plan that breaks brokers runs alone.
///
/// Returns `None` where `observed` does not violate `property`.
pub fn shrink_side_by_side(
    plan: &Plan,
    observed: &Observed,
    property: Property,
    width: Width,
    team: &mut dyn Team,
) -> Option<Shrunk> {
    violation(&observed.verdict, property)?;
    let mut known = vec![(plan.clone(), Some(observed.clone()))];
    let mut best = plan.clone();
    loop {
        let runs = known.len() as u32 - 1;
        let left = width.runs.saturating_sub(runs) as usize;
        let mut ahead = Ahead {
            known: &known,
            wanted: Vec::new(),
            room: left.min(width.side_by_side.max(1)),
        };
        let mut shrunk = look_ahead(plan, property, &mut ahead)?;
        let wanted = ahead.wanted;
        shrunk.runs = runs;
        if shrunk.plan != best {
            best = shrunk.plan.clone();
            team.found(&best, runs);
        }
        if wanted.is_empty() {
            return Some(shrunk);
        }
        let Some(answers) = team.run(&wanted) else {
            shrunk.end = End::Stopped;
            return Some(shrunk);
        };
        known.extend(wanted.into_iter().zip(answers));
    }
}

/// Searches as far as the known answers reach.
fn look_ahead(plan: &Plan, property: Property, ahead: &mut Ahead<'_>) -> Option<Shrunk> {
    let budget = Budget {
        runs: u32::MAX,
        events: u64::MAX,
    };
    let mut search = Search::begin(plan, property, budget, &COARSE, ahead)?;
    search.exhaust();
    let mut shrunk = search.into_shrunk();
    if shrunk.end == End::Stopped {
        // There was no room for another run.
        shrunk.end = End::Runs;
    }
    Some(shrunk)
}

/// The answers that are known, and the candidates that want one.
struct Ahead<'a> {
    known: &'a [(Plan, Option<Observed>)],
    wanted: Vec<Plan>,
    /// The number of candidates that may be wanted.
    room: usize,
}

impl Runner for Ahead<'_> {
    /// Answers from what is known; notes a candidate that is not, and answers that it does not fail.
    /// Where there is no room for it, the search ends.
    fn run(&mut self, plan: &Plan) -> Option<Observed> {
        let mut known = self.known.iter();
        if let Some((_, answer)) = known.find(|(known, _)| known == plan) {
            return Some(answer.clone().unwrap_or_else(Observed::nothing));
        }
        if !self.wanted.contains(plan) {
            let is_alone =
                |plan: &Plan| plan.faults.iter().any(|fault| fault.kind.breaks_brokers());
            let others = !self.wanted.is_empty();
            let joins = !is_alone(plan) && !self.wanted.iter().any(is_alone);
            if self.wanted.len() >= self.room || (others && !joins) {
                return None;
            }
            self.wanted.push(plan.clone());
        }
        Some(Observed::nothing())
    }
}
