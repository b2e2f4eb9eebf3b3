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
                name: "it waited for a handler of another partition, which it had to give up",
                asks: &[],
                script: "A assigned p0 0\nA assigned p1 0\nstore p0 0\nstore p1 0\nA begins p1 0\nA does p0 0\n@1\nA revoked p1\n@12\nA released p1\n@13\nA crashes\n@25\nB assigned p0 0\nB does p0 0\nend",
                expected: NotObserved,
            },
            Trial {
                name: "it crashed while it waited for a handler of another partition",
                asks: &[],
                script: "A assigned p0 0\nA assigned p1 0\nstore p0 0\nstore p1 0\nA begins p1 0\nA does p0 0\n@1\nA revoked p1\n@12\nA crashes\n@25\nB assigned p0 0\nB does p0 0\nend",
                expected: NotObserved,
            },
            Trial {
                name: "the first of two commits in flight was long without an answer",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\n@1\nA sends\n@12\nA sends\nA refused\n@14\nA refused\n@15\nA crashes\n@25\nB assigned p0 0\nB does p0 0\nend",
                expected: NotObserved,
            },
            Trial {
                name: "commits for several partitions, sent together and accepted together",
                asks: &[],
                script: "A assigned p0 0\nA assigned p1 0\nstore p0 0..2\nstore p1 0\nA does p0 0\nA does p1 0\n@1\nA sends\n@1\nA sends\n@1.01\nA accepted p0 1\nA accepted p1 1\n@2\nA does p0 1\n@12\nA crashes\n@25\nB assigned p0 1\nB does p0 1\nend",
                expected: Violated(1),
            },
            Trial {
                name: "its commits were refused",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\n@5\nA sends\nA refused\n@10\nA sends\nA refused\n@16\nA crashes\n@20\nB assigned p0 0\nB does p0 0\nend",
                expected: NotObserved,
            },
            Trial {
                name: "refused once, and never tried again",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\n@5\nA sends\nA refused\n@16\nA crashes\n@20\nB assigned p0 0\nB does p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "its commit got no answer when it crashed",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\n@5\nA sends\n@14\nA crashes\n@20\nB assigned p0 0\nB does p0 0\nend",
                expected: NotObserved,
            },
            Trial {
                name: "a broker was away, and for a while after",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\n@4\nfault 1 begins\n@30\nfault 1 ends\n@45\nA crashes\nB assigned p0 0\nB does p0 0\nend",
                expected: NotObserved,
            },
            Trial {
                name: "it was away only later",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\n@9\nfault 1 begins\n@30\nfault 1 ends\nA crashes\nB assigned p0 0\nB does p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "a broker was away, and all had settled before it finished the record",
                asks: &[],
                script: "fault 1 begins\n@1\nfault 1 ends\nA assigned p0 0\nstore p0 0\n@20\nA does p0 0\n@26\nA crashes\n@39\nB assigned p0 0\nB does p0 0\nend",
                expected: NotObserved,
            },
            Trial {
                name: "the same, and it stood for too long",
                asks: &[],
                script: "fault 1 begins\n@1\nfault 1 ends\nA assigned p0 0\nstore p0 0\n@20\nA does p0 0\n@28\nA crashes\n@41\nB assigned p0 0\nB does p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "a broker was away until all was healed, long before",
                asks: &[],
                script: "fault 1 begins\n@1\nhealed\nA assigned p0 0\nstore p0 0\n@20\nA does p0 0\n@28\nA crashes\n@41\nB assigned p0 0\nB does p0 0\nended 0",
                expected: Violated(1),
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
                name: "the process stood still",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\n@2\nA pauses\n@14\nB assigned p0 0\nB does p0 0\nB commits p0 1\n@30\nA resumes\nA lost p0\nend",
                expected: NotObserved,
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
                name: "its commit was in flight when it had to give the partition up",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\n@5\nA sends\n@14\nA revoked p0\nB assigned p0 0\nB does p0 0\nend",
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
                name: "refused without end, with nothing to explain it",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\n@20\nA does p0 0\n@26\nA sends\nA refused\n@32\nA sends\nA refused\n@38\nA sends\nA refused\n@44\nA sends\nA refused\n@50\nA sends\nA refused\n@56\nA sends\nA refused\n@60\nA crashes\n@75\nB assigned p0 0\nB does p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "refused every two seconds without end",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\n@20\nA does p0 0\n@22\nA sends\nA refused\n@24\nA sends\nA refused\n@26\nA sends\nA refused\n@28\nA sends\nA refused\n@30\nA sends\nA refused\n@32\nA sends\nA refused\n@34\nA sends\nA refused\n@36\nA sends\nA refused\n@38\nA sends\nA refused\n@40\nA sends\nA refused\n@42\nA sends\nA refused\n@44\nA sends\nA refused\n@46\nA crashes\n@60\nB assigned p0 0\nB does p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "refused during a fault, and three times when all had settled",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\n@20\nA does p0 0\nfault 1 begins at A\n@21\nA sends\nA refused\n@22\nA sends\nA refused\n@23\nA sends\nA refused\n@25\nfault 1 ends\n@44\nA sends\nA refused\n@50\nA sends\nA refused\n@56\nA sends\nA refused\n@62\nA crashes\n@76\nB assigned p0 0\nB does p0 0\nend",
                expected: NotObserved,
            },
            Trial {
                name: "refused while all settled after a fault, and three times later",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\n@20\nA does p0 0\nfault 1 begins\n@21\nfault 1 ends\n@22\nA sends\nA refused\n@24\nA sends\nA refused\n@26\nA sends\nA refused\n@28\nA sends\nA refused\n@40\nA sends\nA refused\n@46\nA sends\nA refused\n@52\nA sends\nA refused\n@58\nA crashes\n@72\nB assigned p0 0\nB does p0 0\nend",
                expected: NotObserved,
            },
            Trial {
                name: "refused three times, with nothing to explain it",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\n@20\nA does p0 0\n@26\nA sends\nA refused\n@32\nA sends\nA refused\n@38\nA sends\nA refused\n@44\nA crashes\n@60\nB assigned p0 0\nB does p0 0\nend",
                expected: NotObserved,
            },
            Trial {
                name: "refused without end, while members come and go",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\n@20\nA does p0 0\n@25\nC starts\n@26\nA sends\nA refused\n@32\nA sends\nA refused\n@36\nC crashes\n@38\nA sends\nA refused\n@44\nA sends\nA refused\n@48\nC starts\n@50\nA sends\nA refused\n@56\nA sends\nA refused\n@60\nA crashes\n@75\nB assigned p0 0\nB does p0 0\nend",
                expected: NotObserved,
            },
            Trial {
                name: "another member was hit",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\n@4\nfault 1 begins at B\n@30\nfault 1 ends\n@45\nA crashes\nB assigned p0 0\nB does p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "a broker was hit that does not coordinate: commits wait for its replica too",
                asks: &[],
                script: "coordinator 2\nA assigned p0 0\nstore p0 0\n@14\nA does p0 0\nfault 1 begins at broker 1\n@30\nfault 1 ends\n@40\nA crashes\nB assigned p0 0\nB does p0 0\nend",
                expected: NotObserved,
            },
            Trial {
                name: "a fault without an end excuses everything",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nfault 1 begins\nA does p0 0\n@40\nA crashes\nB assigned p0 0\nB does p0 0\nend",
                expected: NotObserved,
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
