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
                name: "handled at once, in a short run",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\nend",
                expected: Held,
            },
            Trial {
                name: "nothing to handle, in a short run",
                asks: &[],
                script: "A assigned p0 0\n@5\nend",
                expected: NotObserved,
            },
            Trial {
                name: "stands still for as long as it may",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\n@25.001\nA does p0 0\nend",
                expected: Held,
            },
            Trial {
                name: "stands still a moment longer",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\n@25.002\nA does p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "the first record after a long time without any",
                asks: &[],
                script: "A assigned p0 0\n@30\nstore p0 0\n@54\nA does p0 0\nend",
                expected: Held,
            },
            Trial {
                name: "a second record does not begin the time of the first anew",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\n@20\nstore p0 1\n@40\nA does p0 0..2\nend",
                expected: Violated(1),
            },
            Trial {
                name: "what is done again is not done instead of what waits",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..2\nA does p0 0\nA does p0 0\n@40\nA does p0 1\nend",
                expected: Violated(1),
            },
            Trial {
                name: "a record that was committed past before it was finished, and a later one waits",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..3\nA begins p0 0\nA commits p0 1\nA ok p0 0\nA does p0 1\n@40\nA does p0 2\nend",
                expected: Violated(1),
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
                name: "the second owner stands still, and is judged by its own assignment",
                asks: &[],
                script: "A assigned p0 0\nA crashes\nB assigned p0 0\nstore p0 0\n@10\nC starts\n@40\nB does p0 0\nend",
                expected: Violated(1),
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
                name: "a handler takes its time, and its member has other hands",
                asks: &[],
                script: "A assigned p0 0\nA assigned p1 0\nstore p0 0..3\nstore p1 0\nA begins p0 0\nA begins p1 0\nA ok p0 0\nA ok p1 0\nA begins p0 1\n@55\nA ok p0 1\nA does p0 2\nend",
                expected: Held,
            },
            Trial {
                name: "a handler that was stopped at its deadline, and the pause after it",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\n@60\nA cancelled p0 0\n@94\nA does p0 0\nend",
                expected: Held,
            },
            Trial {
                name: "the same, and then nothing for too long",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\n@60\nA cancelled p0 0\n@96\nA does p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "its hands were full, and then it does nothing with them",
                asks: &[],
                script: "A assigned p0 0\nA assigned p1 0\nstore p0 0..2\nstore p1 0\nA begins p1 0\n@40\nA ok p1 0\nA does p0 0\n@80\nA does p0 1\nend",
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
                name: "the same, after as many attempts as the budget",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..2\nA begins p0 0\nA fails p0 0\nA begins p0 0\nA fails p0 0\nA begins p0 0\nA fails p0 0\n@90\nA dead-letters p0 0\nA does p0 1\nend",
                expected: Held,
            },
            Trial {
                name: "its dead letter is written, and then it stands still",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..2\nA begins p0 0\nA permanent p0 0\n@5\nA dead-letters p0 0\n@40\nA does p0 1\nend",
                expected: Violated(1),
            },
            Trial {
                name: "its only record is dead-lettered",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA permanent p0 0\nA dead-letters p0 0\n@60\nend",
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
                script: "A assigned p0 0\nstore p0 0\nA pauses\n@80\nA resumes\n@117\n\
                         A does p0 0\nend",
                expected: Held,
            },
            Trial {
                name: "wakes up, and does nothing",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA pauses\n@80\nA resumes\n@119\n\
                         A does p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "what hindered it before it last moved excuses nothing",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..2\nA pauses\n@30\nA resumes\n@45\nA does p0 0\n@80\nA does p0 1\nend",
                expected: Violated(1),
            },
            Trial {
                name: "stood still when it crashed, and its next process does nothing",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA pauses\nA crashes\n@1\nA starts\nA assigned p0 0\n@40\nA does p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "a new process starts, and the end of the one before was not seen",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..2\nA pauses\n@5\nA resumes\n@20\nA begins p0 0\n@25\nA ok p0 0\nA starts\n@45\nA does p0 1\n@80\nend",
                expected: Held,
            },
            Trial {
                name: "no owner",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA crashes\n@80\nB assigned p0 0\n\
                         B does p0 0\nend",
                expected: Held,
            },
            Trial {
                name: "is asked to stop, and begins nothing more",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\n@1\nA stopping\n@40\nA stopped\nB assigned p0 0\nB does p0 0\nend",
                expected: Held,
            },
            Trial {
                name: "an owner that was slow to learn of an older generation has died",
                asks: &[],
                script: "B assigned p0 0 5\nstore p0 0\nA assigned p0 0 4\nA crashes\n@30\nB does p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "a fault, and a while after it",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nfault 1 begins\n@60\nfault 1 ends\n@97\n\
                         A does p0 0\nend",
                expected: Held,
            },
            Trial {
                name: "long after a fault",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nfault 1 begins\n@60\nfault 1 ends\n@99\n\
                         A does p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "a fault that is aimed at it, and a while after it",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nfault 1 begins at A\n@60\nfault 1 ends\n@97\nA does p0 0\nend",
                expected: Held,
            },
            Trial {
                name: "a fault that is aimed at another member",
                asks: &[],
                script: "A assigned p0 0\nB assigned p1 0\nstore p0 0\nfault 1 begins at B\n@30\nA does p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "a fault that had begun before it",
                asks: &[],
                script: "fault 1 begins\nA assigned p0 0\nstore p0 0\n@60\nA does p0 0\nend",
                expected: Held,
            },
            Trial {
                name: "a fault that outlasts its process",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nfault 1 begins\nA crashes\n@1\nA starts\nA assigned p0 0\n@60\nA does p0 0\nend",
                expected: Held,
            },
            Trial {
                name: "the while after a fault outlasts its process",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nfault 1 begins\n@60\nfault 1 ends\nA crashes\nA starts\n@62\nA assigned p0 0\n@97\nA does p0 0\nend",
                expected: Held,
            },
            Trial {
                name: "a fault that lasts until all is healed, and a while after it",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nfault 1 begins\n@60\nhealed\n@97\nA does p0 0\nended 0",
                expected: Held,
            },
            Trial {
                name: "long after all is healed",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nfault 1 begins\n@60\nhealed\n@99\nA does p0 0\nended 0",
                expected: Violated(1),
            },
            Trial {
                name: "its leader changed, and a while after that",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\n@20\nleader p0 2\n@57\nA does p0 0\nend",
                expected: Held,
            },
            Trial {
                name: "long after its leader changed",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\n@20\nleader p0 2\n@59\nA does p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "the group got another coordinator, and a while after that",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\n@10\ncoordinator 2\n@37\nA does p0 0\nend",
                expected: Held,
            },
            Trial {
                name: "long after the group got another coordinator",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\n@10\ncoordinator 2\n@39\nA does p0 0\nend",
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
                name: "waits for a commit that is long under way",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..2\nA does p0 0\nA sends\n@40\nA accepted p0 1\nA does p0 1\nend",
                expected: Held,
            },
            Trial {
                name: "waits for one that failed",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..2\nA does p0 0\n@15\nA sends\nA refused\n@35\nA does p0 1\nend",
                expected: Held,
            },
            Trial {
                name: "commits that fail, while another partition goes on in between",
                asks: &[],
                script: "A assigned p0 0\nA assigned p1 0\nstore p0 0..2\nstore p1 0..2\nA does p0 0\n@15\nA sends\nA refused\nA does p1 0\n@30\nA sends\nA refused\n@35\nA does p1 1\n@40\nA does p0 1\nend",
                expected: Violated(1),
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
                name: "gave another partition up, and then does nothing",
                asks: &[],
                script: "A assigned p0 0\nA assigned p1 0\nstore p0 0\nA revoked p1\nA released p1\n@30\nA does p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "halted, as its policy says",
                asks: &[Ask::HaltOutOfRange],
                script: "store p0 0..5\nremoved p0 3\nA assigned p0 0\n@60\nend",
                expected: NotObserved,
            },
            Trial {
                name: "would halt where retention removes something, and nothing was removed",
                asks: &[Ask::HaltOutOfRange],
                script: "A assigned p0 0\nstore p0 0\n@30\nA does p0 0\nend",
                expected: Violated(1),
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
            Trial {
                name: "moves its position beyond what waited",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..3\nA seeks p0 0 3\n@60\nend",
                expected: Held,
            },
            Trial {
                name: "retention removed what waited",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..3\nremoved p0 3\n@60\nend",
                expected: Held,
            },
            Trial {
                name: "retention removed all but one",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..3\nremoved p0 2\n@60\nend",
                expected: Violated(1),
            },
        ],
    );
}
