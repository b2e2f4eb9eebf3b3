//! What a move of the coordinator does to a recipe on Sarama depends on its version: up to 1.60 its
//! session ends, and claims without a commit begin at the end again.

use plimsoll_oracle::check::Judge;
use plimsoll_oracle::{Property, Trace, TraceEvent};
use plimsoll_scenarios::{Backend, LIBRARY, Plan, Scenario, Subject};
use plimsoll_sim::Simulator;

const SEEDS: u64 = 100;

/// Returns the number of seeds in which the subject loses records, and the number in which it gets
/// partitions after the first move.
fn losses_and_moves(subject: Subject) -> (u64, u64) {
    let name = "broker/coordinator-moves-from-the-end";
    let (_, text) = LIBRARY.iter().find(|(path, _)| *path == name).unwrap();
    let scenario = Scenario::parse(name, text).unwrap();
    let mut simulator = Simulator::with_subject(subject);
    let (mut judge, mut trace) = (Judge::new(), Trace::new());
    let (mut losses, mut moves) = (0, 0);
    for seed in 0..SEEDS {
        let plan = Plan::draw(&scenario, seed);
        trace.clear();
        simulator.run(&plan, &mut trace).unwrap();
        let verdict = judge.judge(&plan.terms(), &trace, simulator.unobservable());
        let mut violations = verdict.violations();
        losses += u64::from(violations.any(|(property, _)| property == Property::NoLoss));
        let events = trace.entries().iter().map(|entry| &entry.event);
        let mut later =
            events.skip_while(|event| !matches!(event, TraceEvent::CoordinatorChanged { .. }));
        moves += u64::from(later.any(|event| matches!(event, TraceEvent::Assigned { .. })));
    }
    (losses, moves)
}

#[test]
fn sarama_1_60_loses_what_comes_while_its_coordinator_moves() {
    let (losses, moves) = losses_and_moves(Subject::Sarama160ManualMark);
    assert_eq!((losses, moves), (SEEDS, SEEDS));
}

#[test]
fn sarama_1_61_and_plimsoll_get_no_new_assignment() {
    for subject in [Subject::SaramaManualMark, Subject::Plimsoll] {
        assert_eq!(losses_and_moves(subject), (0, 0), "{subject}");
    }
}
