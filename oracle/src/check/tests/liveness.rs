//! `liveness`.

use super::{Ask, Held, NotObserved, Trial, Violated, broken, check, judgement, script, terms};
use crate::check::Judge;
use crate::{Judgement, Property};

#[test]
fn liveness() {
    check(
        Property::Liveness,
        &[
            Trial {
                name: "at rest in time",
                asks: &[],
                script: "@10\nhealed\n@69\nquiet\nended 0",
                expected: Held,
            },
            Trial {
                name: "at rest, and with a lag at the end",
                asks: &[],
                script: "@10\nhealed\n@69\nquiet\nended 5",
                expected: Violated(1),
            },
            Trial {
                name: "at rest too late",
                asks: &[],
                script: "@10\nhealed\n@71\nquiet\nended 0",
                expected: Violated(1),
            },
            Trial {
                name: "never at rest",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\n@10\nhealed\n@71\nended 1",
                expected: Violated(1),
            },
            Trial {
                name: "finished, and not committed to its end",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..3\nA does p0 0..3\nA commits p0 2\n\
                         @10\nhealed\n@71\nended 1",
                expected: Violated(1),
            },
            Trial {
                name: "everything committed, and rebalances without end",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\nA commits p0 1\n\
                         @10\nhealed\n@20\nA revoked p0\nA assigned p0 1\n\
                         @40\nA revoked p0\nA assigned p0 1\n@71\nended 0",
                expected: Violated(1),
            },
            Trial {
                name: "rebalances, and then rest",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\nA commits p0 1\n\
                         @10\nhealed\n@20\nA revoked p0\nA assigned p0 1\n\
                         @40\nA revoked p0\nA assigned p0 1\n@69\nquiet\nended 0",
                expected: Held,
            },
            Trial {
                name: "halted, because retention overtook it, as its policy says",
                asks: &[Ask::HaltOutOfRange],
                script: "A assigned p0 0\nstore p0 0..5\nA crashes\nremoved p0 3\nA starts\n\
                         A assigned p0 0\n@10\nhealed\n@71\nended 2",
                expected: NotObserved,
            },
            Trial {
                name: "halts where its policy says to go on",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..5\nA crashes\nremoved p0 3\nA starts\n\
                         A assigned p0 0\n@10\nhealed\n@71\nended 2",
                expected: Violated(1),
            },
            Trial {
                name: "another partition than the halted one is stuck",
                asks: &[Ask::HaltOutOfRange],
                script: "A assigned p0 0\nA assigned p1 0\nstore p0 0..5\nstore p1 0..2\n\
                         A crashes\nremoved p0 3\nA starts\n\
                         A assigned p0 0\nA assigned p1 0\n@10\nhealed\n@71\nended 4",
                expected: Violated(1),
            },
            Trial {
                name: "retention removed only what was committed",
                asks: &[Ask::HaltOutOfRange],
                script: "A assigned p0 0\nstore p0 0..5\nA does p0 0..3\nA commits p0 3\n\
                         removed p0 3\n@10\nhealed\n@71\nended 2",
                expected: Violated(1),
            },
            Trial {
                name: "the group gives it to no member, as Kafka may with static members",
                asks: &[Ask::Static],
                script: "A assigned p0 0\nstore p0 0\nA stopping\nA stopped\nA starts\n\
                         @10\nhealed\n@71\nended 1",
                expected: NotObserved,
            },
            Trial {
                name: "with static members, a partition has an owner and is stuck",
                asks: &[Ask::Static],
                script: "A assigned p0 0\nstore p0 0\n@10\nhealed\n@71\nended 1",
                expected: Violated(1),
            },
            Trial {
                name: "no owner, without static members",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA lost p0\n@10\nhealed\n@71\nended 1",
                expected: Violated(1),
            },
            Trial {
                name: "not healed",
                asks: &[],
                script: "A assigned p0 0",
                expected: NotObserved,
            },
            Trial {
                name: "healed, and the trace breaks off",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\n@10\nhealed\n@71\nA begins p0 0",
                expected: NotObserved,
            },
        ],
    );
}

/// Says what is behind: partition, owner and last commit, or the rebalances.
#[test]
fn evidence_of_liveness() {
    let told = |script: &str| {
        let trace = script::trace(script);
        let verdict = Judge::new().judge(&terms(&[]), &trace, &[]);
        match judgement(&verdict, Property::Liveness) {
            Judgement::Violated(violation) => (violation.kind, violation.summary.clone()),
            other => panic!("{other:?}"),
        }
    };
    let started = "A assigned p0 0\nstore p0 0..3\n@5\n";
    let (kind, summary) = told(&format!(
        "{started}A does p0 0..3\nA commits p0 2\n@10\nhealed\n@71\nended 1"
    ));
    assert_eq!(kind, "uncommitted");
    assert_eq!(
        summary,
        "60s after everything was healed, orders-0 was finished up to 3 and not committed: \
         consumer-1 owns orders-0, and its last commit is 2, by consumer-1 at 5.0s"
    );
    let (kind, summary) = told(&format!("{started}A lost p0\n@10\nhealed\n@71\nended 1"));
    assert_eq!(kind, "unfinished");
    assert_eq!(
        summary,
        "60s after everything was healed, orders-0@0 (message 0) was still not finished: \
         consumer-1 was the last owner of orders-0, and it was never committed"
    );
    let (kind, summary) =
        told("A assigned p0 0\n@10\nhealed\n@20\nA revoked p0\n@21\nA assigned p0 0\n@71\nended 0");
    assert_eq!(kind, "restless");
    assert!(summary.ends_with("2 times since then"), "{summary}");
    // Neither a removed record nor one that never became readable is behind.
    let (kind, _) =
        told("A assigned p0 0\nstore p0 0\nremoved p0 1\nacked p0 1\n@10\nhealed\n@71\nended 0");
    assert_eq!(kind, "restless");
}

/// Handles a record a second from 10 s on, for this share of the second each, and is not at rest in
/// time.
fn busy_for(share: f64) -> String {
    let mut script = String::from("A assigned p0 0\nstore p0 0..90\n@10\nhealed\n");
    for offset in 0..75 {
        let at = 11 + offset;
        let until = f64::from(at) + share;
        script += &format!("@{at}\nA begins p0 {offset}\n@{until}\nA ok p0 {offset}\n");
    }
    script + "@86.5\nended 15"
}

#[test]
fn more_than_the_handlers_can_do_is_not_owed() {
    assert_eq!(broken(&[], &busy_for(0.93)), Vec::<Property>::new());
    assert_eq!(broken(&[], &busy_for(0.91)), [Property::Liveness]);
}
