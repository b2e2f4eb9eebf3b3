//! Work on many threads, with results that come back in order.

use crate::interrupt;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;

/// Does `work` on every index below `count`, on `jobs` threads, each with a state of its own.
///
/// `take` gets the results on the calling thread, in the order of their indices. After Ctrl-C no
/// thread begins another index, and `take` gets the results of those that were begun.
pub(crate) fn in_order<S, R: Send>(
    jobs: NonZeroUsize,
    count: u64,
    state: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, u64) -> R + Sync,
    mut take: impl FnMut(u64, R),
) {
    let next = AtomicU64::new(0);
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..count.min(jobs.get() as u64) {
            let (sender, next, state, work) = (sender.clone(), &next, &state, &work);
            scope.spawn(move || {
                let mut state = state();
                while !interrupt::requested() {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= count {
                        break;
                    }
                    // Fails only where the receiver is gone, so that the result is of no use.
                    let _ = sender.send((index, work(&mut state, index)));
                }
            });
        }
        drop(sender);
        let mut due = 0;
        let mut early = BTreeMap::new();
        for (index, result) in receiver {
            early.insert(index, result);
            while let Some(result) = early.remove(&due) {
                take(due, result);
                due += 1;
            }
        }
        for (index, result) in early {
            take(index, result);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn results_come_in_order_once_each() {
        for jobs in [1, 2, 7] {
            let jobs = NonZeroUsize::new(jobs).expect("not zero");
            let work = |calls: &mut u64, index: u64| {
                *calls += 1;
                // The first take longest, so that others overtake them.
                thread::sleep(Duration::from_micros(500 - index));
                index * 2
            };
            let mut results = Vec::new();
            in_order(
                jobs,
                500,
                || 0,
                work,
                |index, result| {
                    results.push((index, result));
                },
            );
            let expected: Vec<(u64, u64)> = (0..500).map(|index| (index, index * 2)).collect();
            assert_eq!(results, expected);
        }
    }
}
