//! `bounded-duplicates`: the commit interval is 5 s, the slack 2 s.

use super::{Ask, Held, NotObserved, Trial, Violated, check};
use crate::Property;

#[test]
fn bounded_duplicates() {
    check(
        Property::BoundedDuplicates,
        &[
            Trial {
                name: "nothing was disrupted",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\nend",
                expected: NotObserved,
            },
            Trial {
                name: "a crash between effect and commit",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\n@6\nA crashes\n@20\nB assigned p0 0\nB does p0 0\nB commits p0 1\nend",
                expected: NotObserved,
            },
            Trial {
                name: "it stood for too long",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..2\nA does p0 0\n@4\nA does p0 1\n@8\nA crashes\n@20\nB assigned p0 0\nB does p0 0..2\nend",
                expected: Violated(1),
            },
            Trial {
                name: "it stood for the interval and the slack, as long as it may",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\n@1\nA does p0 0\n@8.001\nA crashes\n@20\nB assigned p0 0\nB does p0 0\nend",
                expected: NotObserved,
            },
            Trial {
                name: "it stood a moment longer",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\n@1\nA does p0 0\n@8.002\nA crashes\n@20\nB assigned p0 0\nB does p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "it stood for too long, and does not come again",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\n@20\nA crashes\n@33\nB assigned p0 1\nend",
                expected: Held,
            },
            Trial {
                name: "one of two partitions stood for too long",
                asks: &[],
                script: "A assigned p0 0\nA assigned p1 0\nstore p0 0\nstore p1 0\nA does p0 0\n@19\nA does p1 0\n@20\nA crashes\n@33\nB assigned p0 0\nB assigned p1 0\nB does p0 0\nB does p1 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "it stood behind an offset without a record, which holds nothing back",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nstore p0 2\nA does p0 0\nA does p0 2\n@20\nA crashes\n@33\nB assigned p0 0\nB does p0 0\nB does p0 2\nend",
                expected: Violated(2),
            },
            Trial {
                name: "it stood behind a record that was not finished",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..2\nA begins p0 0\nA does p0 1\n@20\nA crashes\nB assigned p0 0\nB does p0 1\nend",
                expected: NotObserved,
            },
            Trial {
                name: "the group got another coordinator",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\n@4\ncoordinator 2\n@24\nA crashes\n@37\nB assigned p0 0\nB does p0 0\nend",
                expected: NotObserved,
            },
            Trial {
                name: "the group had got another coordinator long before",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\n@4\ncoordinator 2\n@25\nA crashes\n@38\nB assigned p0 0\nB does p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "a zombie starts what another has long finished and committed",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA pauses\n@14\nB assigned p0 0\nB does p0 0\nB commits p0 1\n@29\nB revoked p0\n@30\nA resumes\nA begins p0 0\nend",
                expected: NotObserved,
            },
            Trial {
                name: "a zombie's effect does not spoil the next owner",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nB assigned p0 0\nA ok p0 0\nB does p0 0\nend",
                expected: NotObserved,
            },
            Trial {
                name: "a dead letter of which the owner had learned long before",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA permanent p0 0\nA dead-letters p0 0\n@20\nA crashes\nB assigned p0 0\nB does p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "the same, where a backend sees no assignments",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA permanent p0 0\nA writes p0 0 -\nA learns p0 0 -\n@20\nA crashes\n@33\nB assigned p0 0\nB does p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "the same, and the copy was under way when the partition was lost and came back",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA permanent p0 0\nA writes p0 0 -\nA lost p0\nA assigned p0 0\nA learns p0 0 -\n@20\nA crashes\n@33\nB assigned p0 0\nB does p0 0\nend",
                expected: NotObserved,
            },
            Trial {
                name: "it cannot commit a dead letter of which it has not learned",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA permanent p0 0\nA writes p0 0\n@20\nA crashes\nB assigned p0 0\nB does p0 0\nend",
                expected: NotObserved,
            },
            Trial {
                name: "again under the same assignment",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\nA does p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "again, because its member went back to a failure below it",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..2\nA begins p0 0\nA fails p0 0\nA does p0 1\nA does p0 0\nA does p0 1\nend",
                expected: Violated(1),
            },
            Trial {
                name: "the same, where the scenario allows it",
                asks: &[Ask::Repeats],
                script: "A assigned p0 0\nstore p0 0..2\nA begins p0 0\nA fails p0 0\nA does p0 1\nA does p0 0\nA does p0 1\nend",
                expected: NotObserved,
            },
            Trial {
                name: "the failure below was mended before the record was done",
                asks: &[Ask::Repeats],
                script: "A assigned p0 0\nstore p0 0..2\nA begins p0 0\nA fails p0 0\nA does p0 0\nA does p0 1\nA does p0 1\nend",
                expected: Violated(1),
            },
            Trial {
                name: "the failure is of a record above it",
                asks: &[Ask::Repeats],
                script: "A assigned p0 0\nstore p0 0..2\nA does p0 0\nA begins p0 1\nA fails p0 1\nA does p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "the same, and the scenario reset another partition in between",
                asks: &[],
                script: "A assigned p0 0\nA assigned p1 0\nstore p0 0\nstore p1 0\nA does p0 0\nA does p1 0\nA commits p1 1\nreset p1 0\nA does p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "once more than the scenario reset it",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\nA commits p0 1\nreset p0 0\nA does p0 0\nA does p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "by two members of which no assignment was seen",
                asks: &[],
                script: "store p0 0\nA does p0 0\nB does p0 0\nend",
                expected: NotObserved,
            },
            Trial {
                name: "an answer whose beginning was not seen",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\n@1\nA crashes\n@14\nB assigned p0 0\nB ok p0 0\nend",
                expected: NotObserved,
            },
            Trial {
                name: "a deadline struck while the answer was under way",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\n@60\nA ok p0 0\nA does p0 0\nend",
                expected: NotObserved,
            },
            Trial {
                name: "its answer came a tenth of a second before the deadline, when both may cross",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\n@1\nA begins p0 0\n@60.9\nA ok p0 0\nA does p0 0\nend",
                expected: NotObserved,
            },
            Trial {
                name: "its answer came a moment earlier",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\n@1\nA begins p0 0\n@60.899\nA ok p0 0\nA does p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "a member that was slow to learn of an older generation does it again",
                asks: &[],
                script: "B assigned p0 0 5\nstore p0 0\nB does p0 0\nA assigned p0 0 4\nA does p0 0\nend",
                expected: NotObserved,
            },
            Trial {
                name: "a short deadline, and an answer long before it",
                asks: &[Ask::ShortDeadline],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\n@1\nA does p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "a short deadline, and an answer close to it",
                asks: &[Ask::ShortDeadline],
                script: "A assigned p0 0\nstore p0 0\n@1\nA begins p0 0\n@1.06\nA ok p0 0\nA does p0 0\nend",
                expected: NotObserved,
            },
            Trial {
                name: "the same member with a new assignment",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\nA crashes\nA starts\nA assigned p0 0\nA does p0 0\nend",
                expected: NotObserved,
            },
            Trial {
                name: "the log became shorter",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..3\nA does p0 0..3\nA commits p0 3\ncut p0 1\nstored p0 1..3\nA seeks p0 3 1\nA does p0 1..3\nend",
                expected: NotObserved,
            },
            Trial {
                name: "the position lay beyond the end of a log that never became shorter",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..3\nA does p0 0..3\nA commits p0 3\nA seeks p0 9 1\nA does p0 1..3\nend",
                expected: Violated(2),
            },
            Trial {
                name: "it went back by its own will",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..3\nA does p0 0..3\nA commits p0 3\nA seeks p0 3 1\nA does p0 1..3\nend",
                expected: Violated(2),
            },
            Trial {
                name: "nothing is ever committed, and everything comes again",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..3\nA does p0 0..3\n@30\nA stopping\nA stopped\nA starts\nA assigned p0 0\nA does p0 0..3\nend",
                expected: Violated(3),
            },
            Trial {
                name: "the scenario reset the group",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..3\nA does p0 0..3\nA commits p0 3\n@30\nA stopping\nA stopped\nreset p0 1\nA starts\nA assigned p0 1\nA does p0 1..3\nend",
                expected: Held,
            },
            Trial {
                name: "committed, and yet it comes again",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\nA commits p0 1\n@30\nA revoked p0\nB assigned p0 0\nB does p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "committed just before it crashed, and yet it comes again",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..3\nA does p0 0\nA commits p0 1\nA does p0 1..3\n@2\nA commits p0 3\n@3\nA crashes\n@14\nB assigned p0 1\nB does p0 1..3\nend",
                expected: Violated(2),
            },
            Trial {
                name: "committed, and an answer comes whose beginning was not seen",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\nA commits p0 1\n@1\nA crashes\n@14\nB assigned p0 1\nB ok p0 0\nend",
                expected: Held,
            },
            Trial {
                name: "it begins below what was committed, at its first repeat",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..12\nA does p0 0..12\nA commits p0 12\n@3\nA crashes\n@14\nB assigned p0 2\nB does p0 2..12\nend",
                expected: Violated(10),
            },
            Trial {
                name: "it goes back below what was committed by its own will",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..3\nA does p0 0..3\nA commits p0 3\n@1\nA crashes\n@14\nB assigned p0 3\nB seeks p0 3 1\nB does p0 1..3\nend",
                expected: Violated(2),
            },
            Trial {
                name: "the last commit arrived when the next owner had asked what was committed",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..3\nA does p0 0\nA commits p0 1\nA does p0 1..3\n@3\nA sends\nA crashes\n@5\nA accepted p0 3\n@14\nB assigned p0 1\nB does p0 1..3\nend",
                expected: Held,
            },
            Trial {
                name: "it committed before it gave the partition up",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..3\nA does p0 0\nA commits p0 1\nA does p0 1..3\n@3\nA revoked p0\nA commits p0 3\nA released p0\nB assigned p0 1\nB does p0 1..3\nend",
                expected: Violated(2),
            },
            Trial {
                name: "the owner before was never seen to give the partition up, and committed late",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..3\nA does p0 0\nA commits p0 1\n@17\nA does p0 1..3\n@18\nA commits p0 3\n@20\nB assigned p0 1\nB does p0 1..3\nend",
                expected: Held,
            },
            Trial {
                name: "it was never seen to give it up, and had committed long before",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..3\nA does p0 0..3\n@3\nA commits p0 3\n@20\nB assigned p0 1\nB does p0 1..3\nend",
                expected: Violated(2),
            },
            Trial {
                name: "it stood still, and had committed just as long before as all needs to settle",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..3\nA does p0 0\nA commits p0 1\n@6\nA does p0 1..3\n@6.999\nA commits p0 3\n@7.1\nA pauses\n@20\nB assigned p0 1\nB does p0 1..3\nend",
                expected: Held,
            },
            Trial {
                name: "it stood still, and had committed a moment before that",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..3\nA does p0 0\nA commits p0 1\n@6\nA does p0 1..3\n@6.998\nA commits p0 3\n@7.1\nA pauses\n@20\nB assigned p0 1\nB does p0 1..3\nend",
                expected: Violated(2),
            },
            Trial {
                name: "a second owner is judged by its own time",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\n@2\nA crashes\n@12\nB assigned p0 0\nB does p0 0\n@16\nB crashes\n@30\nC assigned p0 0\nC does p0 0\nend",
                expected: NotObserved,
            },
        ],
    );
}

#[test]
fn bounded_duplicates_by_count() {
    check(
        Property::BoundedDuplicates,
        &[
            Trial {
                name: "the count was never full",
                asks: &[Ask::EveryThree],
                script: "A assigned p0 0\nstore p0 0..2\nA does p0 0..2\n@60\nA crashes\nB assigned p0 0\nB does p0 0..2\nend",
                expected: NotObserved,
            },
            Trial {
                name: "failures do not fill it",
                asks: &[Ask::EveryThree],
                script: "A assigned p0 0\nstore p0 0..2\nA does p0 0\nA begins p0 1\nA fails p0 1\nA begins p0 1\nA fails p0 1\n@60\nA crashes\nB assigned p0 0\nB does p0 0\nend",
                expected: NotObserved,
            },
            Trial {
                name: "it had just become full",
                asks: &[Ask::EveryThree],
                script: "A assigned p0 0\nstore p0 0..3\nA does p0 0..3\n@1\nA crashes\nB assigned p0 0\nB does p0 0..3\nend",
                expected: NotObserved,
            },
            Trial {
                name: "it had been full for the slack, as long as it may",
                asks: &[Ask::EveryThree],
                script: "A assigned p0 0\nstore p0 0..3\n@1\nA does p0 0..3\n@3.005\nA crashes\n@20\nB assigned p0 0\nB does p0 0..3\nend",
                expected: NotObserved,
            },
            Trial {
                name: "it had been full a moment longer",
                asks: &[Ask::EveryThree],
                script: "A assigned p0 0\nstore p0 0..3\n@1\nA does p0 0..3\n@3.006\nA crashes\n@20\nB assigned p0 0\nB does p0 0..3\nend",
                expected: Violated(1),
            },
            Trial {
                name: "it was hindered long before it became full",
                asks: &[Ask::EveryThree],
                script: "A assigned p0 0\nstore p0 0..4\nA does p0 0\nfault 1 begins\n@1\nfault 1 ends\n@20\nA does p0 1..4\n@29\nA crashes\nB assigned p0 0\nB does p0 0..4\nend",
                expected: Violated(2),
            },
            Trial {
                name: "it was hindered after it had become full",
                asks: &[Ask::EveryThree],
                script: "A assigned p0 0\nstore p0 0..4\nA does p0 0..4\n@1\nfault 1 begins\n@9\nA crashes\nB assigned p0 0\nB does p0 0..4\nend",
                expected: NotObserved,
            },
            Trial {
                name: "it had been full for long",
                asks: &[Ask::EveryThree],
                script: "A assigned p0 0\nstore p0 0..4\nA does p0 0..4\n@9\nA crashes\nB assigned p0 0\nB does p0 0..4\nend",
                expected: Violated(2),
            },
        ],
    );
}
