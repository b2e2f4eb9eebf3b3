//! `bounded-duplicates`, where something hindered the owner: the commit interval is 5 s, the slack
//! 2 s, and all settles within 13 s.

use super::{Held, NotObserved, Trial, Violated, check};
use crate::Property;

#[test]
fn hindered_owners() {
    check(
        Property::BoundedDuplicates,
        &[
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
                name: "it had given another partition up, and did not commit for long",
                asks: &[],
                script: "A assigned p0 0\nA assigned p1 0\nstore p0 0\nA does p0 0\n@1\nA revoked p1\n@2\nA released p1\n@20\nA crashes\n@33\nB assigned p0 0\nB does p0 0\nend",
                expected: Violated(1),
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
                name: "an answer stands for all that was sent more than a second before it",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..2\nA does p0 0\n@1\nA sends\n@3.999\nA sends\n@5\nA accepted p0 1\n@6\nA does p0 1\n@20\nA crashes\n@33\nB assigned p0 1\nB does p0 1\nend",
                expected: Violated(1),
            },
            Trial {
                name: "not for what was sent a second before it, which is still in flight",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..2\nA does p0 0\n@1\nA sends\n@4\nA sends\n@5\nA accepted p0 1\n@6\nA does p0 1\n@20\nA crashes\n@33\nB assigned p0 1\nB does p0 1\nend",
                expected: Held,
            },
            Trial {
                name: "one answer accepts a partition and refuses another, and a commit is still in flight",
                asks: &[],
                script: "A assigned p0 0\nA assigned p1 0\nstore p0 0\nA does p0 0\n@1\nA sends\n@2\nA sends\n@3\nA accepted p1 1\nA refused\n@20\nA crashes\n@33\nB assigned p0 0\nB does p0 0\nend",
                expected: NotObserved,
            },
            Trial {
                name: "one answer accepts two partitions, and a commit is still in flight",
                asks: &[],
                script: "A assigned p0 0\nA assigned p1 0\nstore p0 0..2\nA does p0 0\n@1\nA sends\n@2\nA sends\n@2.5\nA accepted p0 1\nA accepted p1 0\n@3\nA does p0 1\n@20\nA crashes\n@33\nB assigned p0 1\nB does p0 1\nend",
                expected: Held,
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
                name: "refused twice, and never tried again",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\n@5\nA sends\nA refused\n@6\nA sends\nA refused\n@20\nA crashes\n@33\nB assigned p0 0\nB does p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "accepted for another partition, then refused once, and never tried again",
                asks: &[],
                script: "A assigned p0 0\nA assigned p1 0\nstore p0 0\nA does p0 0\n@1\nA commits p1 0\n@5\nA sends\nA refused\n@20\nA crashes\n@33\nB assigned p0 0\nB does p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "its commit got no answer when it crashed",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\n@5\nA sends\n@14\nA crashes\n@20\nB assigned p0 0\nB does p0 0\nend",
                expected: NotObserved,
            },
            Trial {
                name: "its commit got no answer, and it never tried again",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\n@5\nA sends\n@6\nA unknown\n@30\nA crashes\n@43\nB assigned p0 0\nB does p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "its commit got no answer, and its client may wait for a connection",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\n@5\nA sends\n@6\nA unknown\n@20\nA crashes\n@33\nB assigned p0 0\nB does p0 0\nend",
                expected: NotObserved,
            },
            Trial {
                name: "the commit in flight was that of the process before",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA sends\nA crashes\nA starts\nA assigned p0 0\n@1\nA does p0 0\n@20\nA crashes\n@33\nB assigned p0 0\nB does p0 0\nend",
                expected: Violated(1),
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
                name: "the process stood still",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\n@2\nA pauses\n@14\nB assigned p0 0\nB does p0 0\nB commits p0 1\n@30\nA resumes\nA lost p0\nend",
                expected: NotObserved,
            },
            Trial {
                name: "it had stood still, and did not commit for long after that",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\n@1\nA pauses\n@5\nA resumes\n@26\nA crashes\n@39\nB assigned p0 0\nB does p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "its commit was in flight when it had to give the partition up",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\n@5\nA sends\n@14\nA revoked p0\nB assigned p0 0\nB does p0 0\nend",
                expected: NotObserved,
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
                name: "its client waits before it connects again, after a commit that a move left unanswered",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\n@20\ncoordinator 2\nA does p0 0\n@32\nA sends\n@40\nA unknown\n@41\nA unreached\n@42\nA unreached\n@43\nA unreached\n@44\nA unreached\n@46\nA unreached\n@48\nA unreached\n@49.9\nA unreached\n@51\nA crashes\n@65\nB assigned p0 0\nB does p0 0\nend",
                expected: NotObserved,
            },
            Trial {
                name: "its client does not connect again for longer than any client waits",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\n@20\ncoordinator 2\nA does p0 0\n@32\nA sends\n@40\nA unknown\n@48\nA unreached\n@52\nA unreached\n@54\nA unreached\n@56\nA unreached\n@58\nA unreached\n@60\nA unreached\n@62\nA unreached\n@64\nA crashes\n@80\nB assigned p0 0\nB does p0 0\nend",
                expected: Violated(1),
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
        ],
    );
}
