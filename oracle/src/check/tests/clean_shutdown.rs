//! `clean-shutdown`.

use super::{Held, NotObserved, Trial, Violated, check};
use crate::Property;

#[test]
fn clean_shutdown() {
    check(
        Property::CleanShutdown,
        &[
            Trial {
                name: "in time, nothing comes again",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..2\nA does p0 0..2\nA stopping\nA commits p0 2\nA stopped\nB assigned p0 2\nend",
                expected: Held,
            },
            Trial {
                name: "what it had finished comes again",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..2\nA does p0 0..2\nA stopping\nA stopped\nB assigned p0 0\nB does p0 0..2\nend",
                expected: Violated(2),
            },
            Trial {
                name: "what it finished while it drained comes again",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA stopping\nA ok p0 0\nA stopped\nB assigned p0 0\nB does p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "what it had cancelled comes again, and what stood behind it",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..2\nA begins p0 0\nA does p0 1\nA stopping\nA cancelled p0 0\nA stopped\nB assigned p0 0\nB does p0 0..2\nend",
                expected: Held,
            },
            Trial {
                name: "too slow",
                asks: &[],
                script: "A assigned p0 0\nA stopping\n@41\nA stopped\nend",
                expected: Violated(1),
            },
            Trial {
                name: "it took as long as it may",
                asks: &[],
                script: "A assigned p0 0\n@1\nA stopping\n@41\nA stopped\nend",
                expected: Held,
            },
            Trial {
                name: "it took a moment longer",
                asks: &[],
                script: "A assigned p0 0\n@1\nA stopping\n@41.001\nA stopped\nend",
                expected: Violated(1),
            },
            Trial {
                name: "a fault kept it from stopping",
                asks: &[],
                script: "A assigned p0 0\nA stopping\nfault 1 begins\n@41\nA stopped\nend",
                expected: NotObserved,
            },
            Trial {
                name: "never",
                asks: &[],
                script: "A assigned p0 0\nA stopping\n@41\nend",
                expected: Violated(1),
            },
            Trial {
                name: "the run was over before it had to be",
                asks: &[],
                script: "A assigned p0 0\nA stopping\n@30\nend",
                expected: NotObserved,
            },
            Trial {
                name: "it crashed on the way",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\nA stopping\nA crashes\nB assigned p0 0\nB does p0 0\nend",
                expected: NotObserved,
            },
            Trial {
                name: "it crashed on the way, long before the end",
                asks: &[],
                script: "A assigned p0 0\nA stopping\nA crashes\n@60\nend",
                expected: NotObserved,
            },
            Trial {
                name: "it gives its partitions up on the way, and commits nothing",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\nA stopping\nA revoked p0\nA released p0\nA stopped\nB assigned p0 0\nB does p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "its commit was refused",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\nA stopping\nA sends\nA refused\nA stopped\nB assigned p0 0\nB does p0 0\nend",
                expected: NotObserved,
            },
            Trial {
                name: "its commit was refused for the moment, and it never tried again",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\nA stopping\nA sends\nA refused-for-now\nA stopped\nB assigned p0 0\nB does p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "its commit was refused for the moment, until its deadline",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\nA stopping\nA sends\nA refused-for-now\n@37\nA sends\nA refused-for-now\n@38\nA stopped\nB assigned p0 0\nB does p0 0\nend",
                expected: NotObserved,
            },
            Trial {
                name: "it drops its partitions as lost, with nothing to explain that",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\n@30\nA stopping\nA lost p0\nA stopped\nB assigned p0 0\nB does p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "another member got its partitions",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\n@30\nA stopping\nB assigned p0 0\nA lost p0\nA stopped\nB does p0 0\nend",
                expected: NotObserved,
            },
            Trial {
                name: "another member had had its partitions for long",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\n@5\nB assigned p0 0\n@30\nA stopping\nA lost p0\nA stopped\nB does p0 0\nend",
                expected: NotObserved,
            },
            Trial {
                name: "it missed a rebalance",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\n@28\nB starts\n@30\nA stopping\n@35\nA lost p0\nA stopped\nB assigned p0 0\nB does p0 0\nend",
                expected: NotObserved,
            },
            Trial {
                name: "it did not poll while a handler ran",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\n@30\nA stopping\n@35\nA ok p0 0\nA lost p0\nA stopped\nB assigned p0 0\nB does p0 0\nend",
                expected: NotObserved,
            },
            Trial {
                name: "a handler had run for a second, in which it may miss no rebalance",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\n@29.5\nA begins p0 0\n@30\nA stopping\n@30.5\nA ok p0 0\nA lost p0\nA stopped\nB assigned p0 0\nB does p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "a handler had run a moment longer",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\n@29.5\nA begins p0 0\n@30\nA stopping\n@30.501\nA ok p0 0\nA lost p0\nA stopped\nB assigned p0 0\nB does p0 0\nend",
                expected: NotObserved,
            },
            Trial {
                name: "a handler had run for long, and had ended before it was asked",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\n@10\nA begins p0 0\n@20\nA ok p0 0\n@30\nA stopping\nA lost p0\nA stopped\nB assigned p0 0\nB does p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "a handler of another member ran for long",
                asks: &[],
                script: "A assigned p0 0\nB assigned p1 0\nstore p0 0\nstore p1 0\nA does p0 0\n@10\nB begins p1 0\n@30\nA stopping\n@35\nA lost p0\nA stopped\n@40\nB ok p1 0\nB assigned p0 0\nB does p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "it missed a rebalance of just as long ago as all needs to settle",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\n@17\nB starts\n@30\nA stopping\nA lost p0\nA stopped\nB assigned p0 0\nB does p0 0\nend",
                expected: NotObserved,
            },
            Trial {
                name: "it missed a rebalance of longer ago",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\n@16.999\nB starts\n@30\nA stopping\nA lost p0\nA stopped\nB assigned p0 0\nB does p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "it had stood still shortly before",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\n@2\nA pauses\n@20\nA resumes\n@30\nA stopping\nA lost p0\nA stopped\nB assigned p0 0\nB does p0 0\nend",
                expected: NotObserved,
            },
            Trial {
                name: "it was no owner any more",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\nB assigned p0 0\nA stopping\nA stopped\nB does p0 0\nend",
                expected: Held,
            },
            Trial {
                name: "what comes again is of another partition, which it had lost before",
                asks: &[],
                script: "A assigned p0 0\nA assigned p1 0\nstore p0 0\nstore p1 0\nA does p0 0\nA does p1 0\nA lost p1\nB assigned p1 0\nA stopping\nA commits p0 1\nA stopped\nB does p1 0\nend",
                expected: Held,
            },
            Trial {
                name: "the scenario reset the group after it had stopped",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\nA stopping\nA commits p0 1\nA stopped\nreset p0 0\nB assigned p0 0\nB does p0 0\nend",
                expected: Held,
            },
            Trial {
                name: "no member stopped",
                asks: &[],
                script: "A assigned p0 0\nA crashes\nend",
                expected: NotObserved,
            },
        ],
    );
}
