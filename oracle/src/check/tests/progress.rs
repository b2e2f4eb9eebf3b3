//! `progress`.

use super::{Ask, Held, NotObserved, Trial, Violated, check};
use crate::Property;

#[test]
fn progress() {
    check(
        Property::Progress,
        &[
            Trial {
                name: "handled at once",
                asks: &[],
                script: "A assigned p0 0\n@5\nstore p0 0..3\nA does p0 0..3\n@90\nend",
                expected: Held,
            },
            Trial {
                name: "nothing to handle",
                asks: &[],
                script: "A assigned p0 0\n@90\nend",
                expected: NotObserved,
            },
            Trial {
                name: "had it for less time than it may stand still",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\n@24\nA revoked p0\nA released p0",
                expected: NotObserved,
            },
            Trial {
                name: "had it for longer than it may stand still",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\n@26\nA revoked p0\nA released p0",
                expected: Held,
            },
            Trial {
                name: "the run ended well before it could stand still too long: else it would have gone on",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\n@5\nend",
                expected: Held,
            },
            Trial {
                name: "forgotten until it is assigned anew",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..2\nA does p0 0\n@30\nA revoked p0\n\
                         B assigned p0 1\nB does p0 1\nend",
                expected: Violated(1),
            },
            Trial {
                name: "assigned anew in time",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..2\nA does p0 0\n@24\nA revoked p0\n\
                         B assigned p0 1\n@48\nB does p0 1\nend",
                expected: Held,
            },
            Trial {
                name: "forgotten to the end",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..2\nA does p0 0\n@30\nhealed\n@31\nended 1",
                expected: Violated(1),
            },
            Trial {
                name: "late, twice",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..3\nA does p0 0\n@30\nA does p0 1\n@60\n\
                         A does p0 2\nend",
                expected: Violated(2),
            },
            Trial {
                name: "waits for another partition, one record after the other",
                asks: &[],
                script: "A assigned p0 0\nA assigned p1 0\nstore p0 0..3\nstore p1 0\n\
                         A begins p0 0\n@20\nA ok p0 0\nA begins p0 1\n@40\nA ok p0 1\n\
                         A begins p0 2\n@60\nA ok p0 2\nA does p1 0\nend",
                expected: Held,
            },
            Trial {
                name: "does not wait for another partition: two at once before",
                asks: &[],
                script: "A assigned p0 0\nA assigned p1 0\nstore p0 0..3\nstore p1 0..2\n\
                         A begins p0 0\nA begins p1 0\nA ok p1 0\nA ok p0 0\n\
                         A begins p0 1\n@40\nA ok p0 1\nA does p0 2\nA does p1 1\nend",
                expected: Violated(1),
            },
            Trial {
                name: "a handler takes its time",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..2\nA begins p0 0\n@55\nA ok p0 0\n\
                         A does p0 1\nend",
                expected: Held,
            },
            Trial {
                name: "a handler long after its deadline",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..2\nA begins p0 0\n@120\nA ok p0 0\n\
                         A does p0 1\nend",
                expected: Violated(1),
            },
            Trial {
                name: "pauses between attempts",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..2\nA begins p0 0\nA fails p0 0\n@30\n\
                         A does p0 0\nA does p0 1\nend",
                expected: Held,
            },
            Trial {
                name: "no other attempt",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA fails p0 0\n@50\n\
                         A does p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "a dead letter that is not acknowledged",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..2\nA begins p0 0\nA permanent p0 0\n@90\n\
                         A dead-letters p0 0\nA does p0 1\nend",
                expected: Held,
            },
            Trial {
                name: "no dead letter to wait for",
                asks: &[Ask::NoDeadLetters],
                script: "A assigned p0 0\nstore p0 0..2\nA begins p0 0\nA permanent p0 0\n@90\n\
                         A does p0 0\nA does p0 1\nend",
                expected: Violated(1),
            },
            Trial {
                name: "stands still",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA pauses\n@80\nA resumes\n@100\n\
                         A does p0 0\nend",
                expected: Held,
            },
            Trial {
                name: "wakes up, and does nothing",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA pauses\n@80\nA resumes\n@120\n\
                         A does p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "no owner",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA crashes\n@80\nB assigned p0 0\n\
                         B does p0 0\nend",
                expected: Held,
            },
            Trial {
                name: "a fault, and a while after it",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nfault 1 begins\n@60\nfault 1 ends\n@90\n\
                         A does p0 0\nend",
                expected: Held,
            },
            Trial {
                name: "long after a fault",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nfault 1 begins\n@60\nfault 1 ends\n@100\n\
                         A does p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "a fault on commits alone",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nfault 2 begins\n@60\nfault 2 ends\n\
                         A does p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "waits for its commits",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..2\nA does p0 0\n@15\nA sends\nA refused\n\
                         @30\nA sends\nA refused\n@50\nA does p0 1\nend",
                expected: Held,
            },
            Trial {
                name: "a commit that failed, and another partition goes on",
                asks: &[],
                script: "A assigned p0 0\nA assigned p1 0\nstore p0 0..2\nstore p1 0..2\n\
                         A does p0 0\n@15\nA sends\nA refused\nA does p1 0\n@30\nA does p1 1\n\
                         @40\nA does p0 1\nend",
                expected: Violated(1),
            },
            Trial {
                name: "commits the same offset again and again",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..2\nA does p0 0\nA commits p0 1\n@15\n\
                         A commits p0 1\n@30\nA commits p0 1\n@45\nA does p0 1\nend",
                expected: Violated(1),
            },
            Trial {
                name: "gives another partition up",
                asks: &[],
                script: "A assigned p0 0\nA assigned p1 0\nstore p0 0\nA revoked p1\n@30\n\
                         A released p1\n@50\nA does p0 0\nend",
                expected: Held,
            },
            Trial {
                name: "halted, as its policy says",
                asks: &[Ask::HaltOutOfRange],
                script: "store p0 0..5\nremoved p0 3\nA assigned p0 0\n@60\nend",
                expected: NotObserved,
            },
            Trial {
                name: "committed past a record that failed: it is lost",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA fails p0 0\n\
                         A commits p0 1\n@60\nend",
                expected: Held,
            },
            Trial {
                name: "records below its position",
                asks: &[],
                script: "store p0 0..3\nA assigned p0 3\n@60\nend",
                expected: NotObserved,
            },
        ],
    );
}
