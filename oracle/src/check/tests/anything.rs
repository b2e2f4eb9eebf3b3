//! Traces of no sense at all: the checkers judge them without panicking, and say the same again.

use super::{Ask, Judge, assert_evidence, script, terms};
use crate::check::Coverage;
use proptest::prelude::*;

const MEMBER_STATES: &[&str] = &[
    "starts",
    "stopping",
    "stopped",
    "crashes",
    "pauses",
    "resumes",
    "sends",
    "refused",
    "unknown",
    "unanswered",
    "exits",
];
const HANDLER_EVENTS: &[&str] = &[
    "begins",
    "ok",
    "fails",
    "permanent",
    "does",
    "dead-letters",
    "commits",
    "accepted",
    "assigned",
];

fn statement() -> impl Strategy<Value = String> {
    let member = prop::sample::select(&["A", "B", "C"][..]);
    let place = (0..3u8, 0..8u8);
    prop_oneof![
        4 => place.clone().prop_map(|(p, o)| format!("stored p{p} {o}")),
        4 => place.clone().prop_map(|(p, o)| format!("acked p{p} {o}")),
        8 => (member.clone(), prop::sample::select(HANDLER_EVENTS), place.clone())
            .prop_map(|(m, verb, (p, o))| format!("{m} {verb} p{p} {o}")),
        3 => (member.clone(), prop::sample::select(MEMBER_STATES))
            .prop_map(|(m, state)| format!("{m} {state}")),
        3 => (member.clone(), prop::sample::select(&["revoked", "released", "lost"][..]), 0..3u8)
            .prop_map(|(m, verb, p)| format!("{m} {verb} p{p}")),
        1 => (member, place.clone(), 0..8u8)
            .prop_map(|(m, (p, from), to)| format!("{m} seeks p{p} {from} {to}")),
        1 => (prop::sample::select(&["reset", "removed", "cut", "replaced"][..]), place)
            .prop_map(|(verb, (p, o))| format!("{verb} p{p} {o}")),
        1 => prop::sample::select(
            &["fault 1 begins", "fault 1 ends", "healed", "quiet", "ended 3", "keys 2"][..],
        )
        .prop_map(str::to_owned),
    ]
}

proptest! {
    #[test]
    fn no_trace_is_too_strange(
        // The times between statements, in seconds, so that every interval can run out.
        statements in prop::collection::vec((0..6u32, statement()), 0..60),
        asks in prop::sample::subsequence(
            vec![Ask::Latest, Ask::Unordered, Ask::NoDeadLetters, Ask::EveryThree],
            0..4,
        ),
    ) {
        let mut script = String::new();
        let mut clock = 0;
        for (pause, statement) in statements {
            clock += pause;
            if pause > 0 {
                script.push_str(&format!("@{clock}\n"));
            }
            script.push_str(&statement);
            script.push('\n');
        }
        let (terms, trace) = (terms(&asks), script::trace(&script));
        let mut judge = Judge::new();
        let verdict = judge.judge(&terms, &trace, &[]);
        assert_evidence(&trace, &verdict);
        // What a judge remembers of one run says nothing about the next.
        prop_assert_eq!(judge.judge(&terms, &trace, &[]), verdict);
        Coverage::default().add(&trace);
    }
}
