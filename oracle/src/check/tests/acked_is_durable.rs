//! `acked-is-durable`.

use super::{Ask, Held, NotObserved, Trial, Violated, check};
use crate::Property;

#[test]
fn acked_is_durable() {
    check(
        Property::AckedIsDurable,
        &[
            Trial {
                name: "all are stored",
                asks: &[],
                script: "store p0 0..3\nend",
                expected: Held,
            },
            Trial {
                name: "stored a moment after the acknowledgement",
                asks: &[],
                script: "acked p0 0\nstored p0 0\nend",
                expected: Held,
            },
            Trial {
                name: "removed before it became readable",
                asks: &[],
                script: "acked p0 0\nremoved p0 1\nend",
                expected: Held,
            },
            Trial {
                name: "one never is",
                asks: &[],
                script: "store p0 0..3\nacked p0 3\nend",
                expected: Violated(1),
            },
            Trial {
                name: "one was readable, and was cut off",
                asks: &[],
                script: "store p0 0..3\ncut p0 2\nend",
                expected: Violated(1),
            },
            Trial {
                name: "another took the place of the one that was cut off",
                asks: &[],
                script: "store p0 0..3\ncut p0 2\nreplaced p0 2\nend",
                expected: Violated(1),
            },
            Trial {
                name: "its acknowledgement comes when another has taken its place",
                asks: &[],
                script: "store p0 0..2\nreplaced p0 2\nacked p0 2\nend",
                expected: Violated(1),
            },
            Trial {
                name: "one was cut off, but comes back from another replica",
                asks: &[],
                script: "store p0 0..3\ncut p0 2\nstored p0 2\nend",
                expected: Held,
            },
            Trial {
                name: "what was cut off was never acknowledged",
                asks: &[],
                script: "store p0 0..3\nstored p0 3\ncut p0 3\nend",
                expected: Held,
            },
            Trial {
                name: "what lies below a cut, and what retention had removed",
                asks: &[],
                script: "store p0 0..3\nremoved p0 3\ncut p0 3\nend",
                expected: Held,
            },
            Trial {
                name: "acks=1 promises nothing, though it was readable",
                asks: &[Ask::WeakAcks],
                script: "store p0 0..3\ncut p0 2\nend",
                expected: NotObserved,
            },
            Trial {
                name: "acks=1 promises nothing",
                asks: &[Ask::WeakAcks],
                script: "acked p0 0\nend",
                expected: NotObserved,
            },
            Trial {
                name: "nothing was produced",
                asks: &[],
                script: "end",
                expected: NotObserved,
            },
        ],
    );
}

#[test]
fn another_message_at_an_acknowledged_offset() {
    use super::{Judge, script, terms};
    use crate::{MessageId, TraceEvent};
    let mut trace = script::trace("store p0 0");
    let TraceEvent::Stored { partition, .. } = trace.entries()[0].event else {
        unreachable!("the script stores first")
    };
    let message = MessageId(77);
    let stored = TraceEvent::Stored {
        message,
        partition,
        offset: plimsoll_core::Offset::new(0),
        key: None,
    };
    trace.push(trace.entries()[1].at, stored);
    let verdict = Judge::new().judge(&terms(&[]), &trace, &[]);
    assert!(verdict.violates(Property::AckedIsDurable));
}
