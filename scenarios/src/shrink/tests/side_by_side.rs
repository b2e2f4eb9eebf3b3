//! Candidates that run side by side.

use super::*;
use crate::shrink::{Team, Width, shrink_side_by_side};

/// Runs a made-up failure, and notes which plans ran together.
struct Noted<F> {
    fails: F,
    batches: Vec<Vec<Plan>>,
    /// The number of batches after which the search ends.
    last: usize,
    found: Vec<(usize, u32)>,
}

impl<F: Fn(&Plan) -> Option<bool>> Noted<F> {
    fn new(fails: F) -> Self {
        Self {
            fails,
            batches: Vec::new(),
            last: usize::MAX,
            found: Vec::new(),
        }
    }

    fn shrunk(&mut self, plan: &Plan, side_by_side: usize, runs: u32) -> Shrunk {
        let observed = run(plan, SOUGHT, "committed-past");
        let width = Width { side_by_side, runs };
        shrink_side_by_side(plan, &observed, SOUGHT, width, self).expect("the plan fails")
    }
}

impl<F: Fn(&Plan) -> Option<bool>> Team for Noted<F> {
    fn run(&mut self, plans: &[Plan]) -> Option<Vec<Option<Observed>>> {
        if self.batches.len() == self.last {
            return None;
        }
        self.batches.push(plans.to_vec());
        let answers = plans.iter().map(|plan| {
            let kind = match (self.fails)(plan)? {
                true => "committed-past",
                false => "early",
            };
            Some(super::run(plan, SOUGHT, kind))
        });
        Some(answers.collect())
    }

    fn found(&mut self, plan: &Plan, runs: u32) {
        self.found.push((plan.messages.len(), runs));
    }
}

fn needs(plan: &Plan) -> Option<bool> {
    Some(has_message(plan, 7) && has_fault(plan, 0) && plan.starts.len() > 2)
}

#[test]
fn the_number_that_runs_at_once_changes_nothing_but_the_number_of_runs() {
    let mut alone = Noted::new(needs);
    let expected = alone.shrunk(&plan(), 1, 1_000);
    assert_eq!(expected.end, End::Smallest);
    assert_eq!(needs(&expected.plan), Some(true));
    assert_eq!(expected.plan.messages.len(), 1);
    assert_eq!(expected.plan.faults.len(), 1);
    assert_eq!(expected.plan.starts.len(), 3);
    assert_sound(&expected.plan);
    for side_by_side in [2, 4, 16] {
        let mut team = Noted::new(needs);
        let shrunk = team.shrunk(&plan(), side_by_side, 1_000);
        assert_eq!(shrunk.plan, expected.plan);
        let ran: usize = team.batches.iter().map(Vec::len).sum();
        assert_eq!(ran as u32, shrunk.runs);
        assert!(team.batches.iter().any(|batch| batch.len() == side_by_side));
        assert!(team.batches.iter().all(|batch| batch.len() <= side_by_side));
        assert!(team.batches.len() < alone.batches.len());
        assert_eq!(team.found.last().map(|found| found.0), Some(1));
    }
}

#[test]
fn no_plan_runs_twice_and_those_that_break_brokers_run_alone() {
    let mut team = Noted::new(|plan: &Plan| Some(has_message(plan, 7) && has_fault(plan, 1)));
    let shrunk = team.shrunk(&plan(), 8, 1_000);
    assert!(has_fault(&shrunk.plan, 1));
    let breaks = |plan: &Plan| plan.faults.iter().any(|fault| fault.kind.breaks_brokers());
    let alone = team.batches.iter().filter(|batch| batch.iter().any(breaks));
    assert!(alone.clone().count() > 0);
    for batch in alone {
        assert_eq!(batch.len(), 1);
    }
    let ran: Vec<&Plan> = team.batches.iter().flatten().collect();
    for (index, plan) in ran.iter().enumerate() {
        assert!(!ran[..index].contains(plan));
    }
}

#[test]
fn a_plan_without_an_answer_is_not_smaller() {
    let mut team = Noted::new(|plan: &Plan| match plan.faults.len() {
        0 => None,
        _ => needs(plan),
    });
    let shrunk = team.shrunk(&plan(), 4, 1_000);
    assert_eq!(shrunk.plan.faults.len(), 1);
    let mut silent = Noted::new(|_: &Plan| None);
    let shrunk = silent.shrunk(&plan(), 4, 40);
    assert_eq!((shrunk.plan, shrunk.end), (plan(), End::Runs));
    assert!(silent.found.is_empty());
}

#[test]
fn it_ends_at_the_number_of_runs_or_where_the_team_ends_it_with_what_it_has() {
    let mut team = Noted::new(needs);
    let shrunk = team.shrunk(&plan(), 4, 10);
    assert_eq!((shrunk.runs, shrunk.end), (10, End::Runs));
    assert_eq!(needs(&shrunk.plan), Some(true));
    assert!(shrunk.plan.faults.len() < plan().faults.len());
    let mut ended = Noted {
        last: 2,
        ..Noted::new(needs)
    };
    let shrunk = ended.shrunk(&plan(), 4, 1_000);
    let ran: usize = ended.batches.iter().map(Vec::len).sum();
    assert_eq!((shrunk.runs, shrunk.end), (ran as u32, End::Stopped));
    assert_eq!(ended.batches.len(), 2);
    assert_eq!(needs(&shrunk.plan), Some(true));
}

#[test]
fn what_does_not_violate_the_property_is_not_shrunk() {
    let observed = run(&plan(), Property::Liveness, "lag");
    let width = Width {
        side_by_side: 4,
        runs: 100,
    };
    let mut team = Noted::new(needs);
    assert!(shrink_side_by_side(&plan(), &observed, SOUGHT, width, &mut team).is_none());
}
