//! What the death of a broker does to members that live: their heartbeats wait for commits that a
//! dead replica holds up, until the controller fences it.
//!
//! Seen on real Kafka, whose brokers are fenced after 3 s there: neither a partition is lost nor a
//! commit unknown in `quick/leader-dies`.

use plimsoll_oracle::{Trace, TraceEvent};
use plimsoll_scenarios::{Backend, LIBRARY, Plan, Scenario, Subject};
use plimsoll_sim::Simulator;

const SEEDS: u64 = 20;

/// Returns how many partitions are lost and how many commits unknown, where a broker is fenced
/// after `session` seconds.
fn losses(session: u32) -> (u64, u64) {
    let name = "quick/leader-dies";
    let (_, text) = LIBRARY.iter().find(|(path, _)| *path == name).unwrap();
    let settings = format!("[cluster.settings]\n\"broker.session.timeout.ms\" = {session}000\n");
    let text = text.replacen("[[topics]]", &format!("{settings}[[topics]]"), 1);
    let scenario = Scenario::parse(name, &text).unwrap();
    let mut simulator = Simulator::with_subject(Subject::Plimsoll);
    let mut trace = Trace::new();
    let (mut lost, mut unknown) = (0, 0);
    for seed in 0..SEEDS {
        trace.clear();
        let plan = Plan::draw(&scenario, seed);
        simulator.run(&plan, &mut trace).unwrap();
        for entry in trace.entries() {
            lost += u64::from(matches!(entry.event, TraceEvent::Lost { .. }));
            unknown += u64::from(matches!(entry.event, TraceEvent::CommitUnknown { .. }));
        }
    }
    (lost, unknown)
}

#[test]
fn members_outlive_a_broker_that_is_fenced_before_their_sessions_end() {
    assert_eq!(losses(3), (0, 0));
}

#[test]
fn members_lose_their_partitions_where_it_is_fenced_later() {
    let (lost, _) = losses(9);
    assert!(lost > 0);
}
