//! What is said of a broken promise: for each way in which a property can be broken a sentence, and
//! the entries that show it. And why nothing is said of a property.

use super::{Ask, Judge, judgement, script, terms};
use crate::{Judgement, Property, Timeline, Word};
use std::fmt::Write;

/// A trace, and the property of which something is said.
struct Case {
    property: Property,
    asks: &'static [Ask],
    script: &'static str,
}

/// For each property the ways in which it may be broken.
const BROKEN: &[Case] = &[
    Case {
        property: Property::NoLoss,
        asks: &[],
        script: "A assigned p0 0\nstore p0 0..4\nA does p0 0\nA begins p0 1\nA fails p0 1\nA does p0 2..4\nB assigned p1 9\nA commits p0 2\nA commits p0 4\nA crashes\n@14\nB assigned p0 4\nend",
    },
    Case {
        property: Property::NoLoss,
        asks: &[],
        script: "store p0 0..2\n@1\nreset p0 2\nA assigned p0 2\nend",
    },
    Case {
        property: Property::NoLoss,
        asks: &[],
        script: "A assigned p0 0\nstore p0 0..2\n@1\nA seeks p0 0 2\nend late",
    },
    Case {
        property: Property::NoLoss,
        asks: &[],
        script: "A assigned p0 0\nstore p0 0..2\nA does p0 1\nend late",
    },
    Case {
        property: Property::NoLoss,
        asks: &[],
        script: "A assigned p0 0\nstore p0 0..2\nA does p0 0\nA commits p0 1\nend",
    },
    // The earliest of several: the second partition lost a record first.
    Case {
        property: Property::NoLoss,
        asks: &[],
        script: "A assigned p0 0\nA assigned p1 0\nstore p0 0\nstore p1 0\n@1\nA commits p1 1\n@2\nA commits p0 1\nend",
    },
    Case {
        property: Property::CommitCoversOnlyFinished,
        asks: &[],
        script: "A assigned p0 0\nA commits p0 1\nstore p0 0\nA does p0 0\nend",
    },
    Case {
        property: Property::CommitCoversOnlyFinished,
        asks: &[],
        script: "A assigned p0 0\nstore p0 0..2\nA begins p0 0\nA fails p0 0\nA commits p0 2\nA begins p0 0\nend late",
    },
    Case {
        property: Property::CommitCoversOnlyFinished,
        asks: &[],
        script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA fails p0 0\nA commits p0 1\nA does p0 0\nend",
    },
    Case {
        property: Property::NoRewind,
        asks: &[],
        script: "A assigned p0 0\nA commits p0 7\nA seeks p0 7 2\nA commits p0 3\nend",
    },
    Case {
        property: Property::NoRewind,
        asks: &[],
        script: "A assigned p0 0\nA commits p0 7\nA seeks p0 7 4\nA commits p0 3\nend",
    },
    Case {
        property: Property::NoZombie,
        asks: &[],
        script: "A assigned p0 0\nA revoked p0\nB assigned p0 0\nA commits p0 1\nend",
    },
    Case {
        property: Property::NoZombie,
        asks: &[],
        script: "A assigned p0 0 1\nstore p0 0\nA does p0 0\n@5\nA lost p0\n@25\nA commits p0 1\nend",
    },
    Case {
        property: Property::NoZombie,
        asks: &[],
        script: "A assigned p0 0\nB assigned p1 0\nstore p1 0\nA does p1 0\nend",
    },
    Case {
        property: Property::NoZombie,
        asks: &[],
        script: "A assigned p0 0\nstore p0 0\nA crashes\n@3\nA begins p0 0\nend",
    },
    Case {
        property: Property::NoZombie,
        asks: &[],
        script: "A assigned p0 0\nstore p0 0\nA lost p0\nA begins p0 0\nend",
    },
    Case {
        property: Property::KeyOrder,
        asks: &[],
        script: "keys 1\nA assigned p0 0\nstore p0 0..2\nA begins p0 0\nA does p0 1\nA ok p0 0\nend",
    },
    Case {
        property: Property::KeyOrder,
        asks: &[Ask::ByPartition],
        script: "keys 1\nA assigned p0 0\nstore p0 0..2\nA begins p0 0\nA does p0 1\nA ok p0 0\nend",
    },
    Case {
        property: Property::KeyOrder,
        asks: &[],
        script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA begins p0 0\nA ok p0 0\nend",
    },
    Case {
        property: Property::DeadLetterExact,
        asks: &[],
        script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA fails p0 0\nA dead-letters p0 0\nend",
    },
    Case {
        property: Property::DeadLetterExact,
        asks: &[Ask::NoDeadLetters],
        script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA permanent p0 0\nA dead-letters p0 0\nend",
    },
    Case {
        property: Property::DeadLetterExact,
        asks: &[],
        script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA permanent p0 0\nA dead-letters p0 0\nA dead-letters p0 0\nend",
    },
    Case {
        property: Property::DeadLetterExact,
        asks: &[],
        script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA permanent p0 0\nA commits p0 1\nend",
    },
    Case {
        property: Property::BoundedRedelivery,
        asks: &[],
        script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA fails p0 0\nA begins p0 0\nA fails p0 0\nA begins p0 0\nA fails p0 0\nA begins p0 0\nend",
    },
    Case {
        property: Property::BoundedRedelivery,
        asks: &[Ask::NoDeadLetters],
        script: "A assigned p0 0\nstore p0 0\nA does p0 0\nB assigned p0 0\nB does p0 0\nB does p0 0\nend",
    },
    Case {
        property: Property::BoundedDuplicates,
        asks: &[],
        script: "A assigned p0 0\nstore p0 0\nA does p0 0\nA does p0 0\nend",
    },
    Case {
        property: Property::BoundedDuplicates,
        asks: &[],
        script: "A assigned p0 0\nA assigned p1 0\nstore p0 0..3\nstore p1 0..3\nA does p0 0..3\nA does p1 0..3\nA commits p0 3\nA commits p1 3\n@1\nA crashes\n@14\nB assigned p0 0\nB does p0 0\nB commits p0 3\nend",
    },
    Case {
        property: Property::BoundedDuplicates,
        asks: &[],
        script: "A assigned p0 0\nA assigned p1 0\nstore p0 0..2\nA does p0 0\nA commits p0 1\nA commits p1 1\n@5\nA does p0 1\n@20\nA crashes\n@33\nB assigned p0 1\nB does p0 1\nB commits p0 2\nend",
    },
    Case {
        property: Property::Liveness,
        asks: &[],
        script: "@10\nhealed\n@69\nquiet\nended 5",
    },
    Case {
        property: Property::Liveness,
        asks: &[],
        script: "@10\nhealed\n@75\nquiet\nended 0",
    },
    Case {
        property: Property::Liveness,
        asks: &[],
        script: "A assigned p0 0\nstore p0 0..2\nA does p0 0\nA commits p0 1\n@5\nA begins p0 1\n@10\nhealed\n@71\nended 1",
    },
    Case {
        property: Property::Liveness,
        asks: &[],
        script: "A assigned p0 0\nstore p0 0..3\nA does p0 0..3\nA commits p0 2\nA crashes\n@10\nhealed\n@71\nended 1",
    },
    Case {
        property: Property::Liveness,
        asks: &[],
        script: "store p0 0\n@10\nhealed\n@71\nended 1",
    },
    Case {
        property: Property::Liveness,
        asks: &[],
        script: "A assigned p0 0\n@10\nhealed\n@20\nA revoked p0\n@21\nA assigned p0 0\n@30\nA revoked p0\n@31\nA assigned p0 0\n@71\nended 0",
    },
    Case {
        property: Property::CleanShutdown,
        asks: &[],
        script: "A assigned p0 0\n@10\nA stopping\n@60\nA stopped\nend",
    },
    Case {
        property: Property::CleanShutdown,
        asks: &[],
        script: "A assigned p0 0\n@10\nA stopping\n@60\nend",
    },
    Case {
        property: Property::CleanShutdown,
        asks: &[],
        script: "A assigned p0 0\nstore p0 0\nA does p0 0\nA stopping\nA stopped\nB assigned p0 0\nB does p0 0\nend",
    },
    Case {
        property: Property::CleanHandover,
        asks: &[],
        script: "A assigned p0 0\nstore p0 0\nA does p0 0\n@1\nA revoked p0\nA released p0\nB assigned p0 0\nB does p0 0\nend",
    },
    Case {
        property: Property::AckedIsDurable,
        asks: &[],
        script: "store p0 0..3\ncut p0 2\nreplaced p0 2\nend",
    },
    Case {
        property: Property::AckedIsDurable,
        asks: &[],
        script: "store p0 0..3\ncut p0 2\nend",
    },
    Case {
        property: Property::AckedIsDurable,
        asks: &[],
        script: "acked p0 0\nend",
    },
    Case {
        property: Property::NoExit,
        asks: &[],
        script: "A assigned p0 0\nA exits 1\nend",
    },
    Case {
        property: Property::NoExit,
        asks: &[],
        script: "A assigned p0 0\nA exits\nend",
    },
    Case {
        property: Property::WithinLimits,
        asks: &[Ask::TwoAtOnce],
        script: "A assigned p0 0\nstore p0 0..3\nA begins p0 0..3\nend",
    },
    Case {
        property: Property::WithinLimits,
        asks: &[Ask::Backoff],
        script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA fails p0 0\n@0.5\nA begins p0 0\nend",
    },
    Case {
        property: Property::Progress,
        asks: &[],
        script: "store p0 0..4\nA assigned p0 1\nA does p0 1\n@30\nA does p0 2\nend",
    },
    Case {
        property: Property::Progress,
        asks: &[],
        script: "store p0 0..3\nA assigned p0 1\nA does p0 1\n@30\nA revoked p0\nstore p0 3\nend",
    },
];

#[test]
fn what_is_said_of_a_broken_promise() {
    let mut judge = Judge::new();
    let mut said = String::new();
    for case in BROKEN {
        let (terms, trace) = (terms(case.asks), script::trace(case.script));
        let verdict = judge.judge(&terms, &trace, &[]);
        let Judgement::Violated(violation) = judgement(&verdict, case.property) else {
            panic!("{} holds: {}", case.property, case.script);
        };
        let (property, kind) = (case.property.word(), violation.kind);
        let (at, count, summary) = (violation.at, violation.count, &violation.summary);
        let shown = Timeline::of(&terms, &trace, &violation.evidence);
        writeln!(
            said,
            "{property}, {kind}, at {at} ({count}): {summary}\n{shown}"
        )
        .expect("a string");
    }
    insta::assert_snapshot!("sentences", said);
}

/// For each property the reasons for which it may not have been observed.
const UNSEEN: &[Case] = &[
    Case {
        property: Property::NoLoss,
        asks: &[],
        script: "A assigned p0 0\nstore p0 0",
    },
    Case {
        property: Property::NoLoss,
        asks: &[],
        script: "end",
    },
    Case {
        property: Property::NoLoss,
        asks: &[],
        script: "A assigned p0 0\nstore p0 0\nend late",
    },
    Case {
        property: Property::CommitCoversOnlyFinished,
        asks: &[],
        script: "A assigned p0 0\nend",
    },
    Case {
        property: Property::NoRewind,
        asks: &[],
        script: "A assigned p0 0\nA commits p0 1\nend",
    },
    Case {
        property: Property::NoZombie,
        asks: &[],
        script: "end",
    },
    Case {
        property: Property::KeyOrder,
        asks: &[],
        script: "A assigned p0 0\nend",
    },
    Case {
        property: Property::DeadLetterExact,
        asks: &[],
        script: "A assigned p0 0\nend",
    },
    Case {
        property: Property::DeadLetterExact,
        asks: &[Ask::NoDeadLetters],
        script: "A assigned p0 0\nend",
    },
    Case {
        property: Property::BoundedRedelivery,
        asks: &[],
        script: "A assigned p0 0\nend",
    },
    Case {
        property: Property::BoundedDuplicates,
        asks: &[],
        script: "A assigned p0 0\nstore p0 0\nA does p0 0\nend",
    },
    Case {
        property: Property::BoundedDuplicates,
        asks: &[],
        script: "A assigned p0 0\nstore p0 0\nA does p0 0\nA crashes\nB assigned p0 0\nend",
    },
    Case {
        property: Property::Liveness,
        asks: &[],
        script: "A assigned p0 0",
    },
    Case {
        property: Property::Liveness,
        asks: &[],
        script: "A assigned p0 0\nhealed",
    },
    Case {
        property: Property::Liveness,
        asks: &[Ask::HaltOutOfRange],
        script: "store p0 0..5\nremoved p0 3\nA assigned p0 0\n@10\nhealed\n@71\nended 2",
    },
    Case {
        property: Property::Liveness,
        asks: &[Ask::Static],
        script: "store p0 0\n@10\nhealed\n@71\nended 1",
    },
    Case {
        property: Property::CleanShutdown,
        asks: &[],
        script: "A assigned p0 0\nA crashes\nend",
    },
    Case {
        property: Property::CleanHandover,
        asks: &[],
        script: "A assigned p0 0\nend",
    },
    Case {
        property: Property::ExactlyOnce,
        asks: &[],
        script: "A assigned p0 0\nend",
    },
    Case {
        property: Property::AckedIsDurable,
        asks: &[Ask::WeakAcks],
        script: "store p0 0\nend",
    },
    Case {
        property: Property::AckedIsDurable,
        asks: &[],
        script: "end",
    },
    Case {
        property: Property::NoExit,
        asks: &[Ask::Exits],
        script: "A assigned p0 0\nend",
    },
    Case {
        property: Property::NoExit,
        asks: &[],
        script: "end",
    },
    Case {
        property: Property::WithinLimits,
        asks: &[],
        script: "A assigned p0 0\nend",
    },
    Case {
        property: Property::Progress,
        asks: &[],
        script: "A assigned p0 0\nend",
    },
];

#[test]
fn why_nothing_is_said() {
    let mut judge = Judge::new();
    let mut said = String::new();
    for case in UNSEEN {
        let (terms, trace) = (terms(case.asks), script::trace(case.script));
        let verdict = judge.judge(&terms, &trace, &[]);
        let Judgement::NotObserved(reason) = judgement(&verdict, case.property) else {
            panic!("{} is judged: {}", case.property, case.script);
        };
        writeln!(said, "{}: {reason}", case.property).expect("a string");
    }
    insta::assert_snapshot!("reasons", said);
}
