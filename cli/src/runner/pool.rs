//! Work on many threads, with results that come back in order.

use crate::interrupt;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

/// Indices that threads take in turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Queue {
    /// The indices are those below this number.
    pub count: u64,
    /// The indices, in order, whose work has places of its own: as long as there are others, no
    /// more threads than `places` take them, so that none waits for a place while there is other
    /// work.
    pub apart: Vec<u64>,
    /// The number of those places.
    pub places: usize,
}

impl From<u64> for Queue {
    fn from(count: u64) -> Self {
        Self {
            count,
            apart: Vec::new(),
            places: 0,
        }
    }
}

/// How far the threads have got with a queue.
#[derive(Debug)]
struct Turns {
    queue: Queue,
    next: AtomicU64,
    next_apart: AtomicUsize,
}

impl Turns {
    /// Takes an index for the thread with this number.
    fn take(&self, thread: usize) -> Option<u64> {
        match thread < self.queue.places {
            true => self.take_apart().or_else(|| self.take_other()),
            false => self.take_other().or_else(|| self.take_apart()),
        }
    }

    fn take_apart(&self) -> Option<u64> {
        let position = self.next_apart.fetch_add(1, Ordering::Relaxed);
        self.queue.apart.get(position).copied()
    }

    fn take_other(&self) -> Option<u64> {
        loop {
            let index = self.next.fetch_add(1, Ordering::Relaxed);
            if index >= self.queue.count {
                return None;
            }
            if self.queue.apart.binary_search(&index).is_err() {
                return Some(index);
            }
        }
    }
}

/// Does `work` on every index of the queue, on `jobs` threads, each with a state of its own.
///
/// `take` gets the results on the calling thread, in the order of their indices. After Ctrl-C no
/// thread begins another index, and `take` gets the results of those that were begun.
pub(crate) fn in_order<S, R: Send>(
    jobs: NonZeroUsize,
    queue: impl Into<Queue>,
    state: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, u64) -> R + Sync,
    mut take: impl FnMut(u64, R),
) {
    let turns = Turns {
        queue: queue.into(),
        next: AtomicU64::new(0),
        next_apart: AtomicUsize::new(0),
    };
    let threads = usize::try_from(turns.queue.count).unwrap_or(usize::MAX);
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        for number in 0..threads.min(jobs.get()) {
            let (sender, turns, state, work) = (sender.clone(), &turns, &state, &work);
            scope.spawn(move || {
                let mut state = state();
                while !interrupt::requested() {
                    let Some(index) = turns.take(number) else {
                        break;
                    };
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

    #[test]
    fn what_has_places_of_its_own_is_taken_by_one_thread_for_each_place() {
        let turns = |places| Turns {
            queue: Queue {
                count: 6,
                apart: vec![0, 4, 5],
                places,
            },
            next: AtomicU64::new(0),
            next_apart: AtomicUsize::new(0),
        };
        let one = turns(1);
        assert_eq!(
            [0, 1, 2].map(|thread| one.take(thread)),
            [0, 1, 2].map(Some)
        );
        assert_eq!(
            [0, 1, 2].map(|thread| one.take(thread)),
            [4, 3, 5].map(Some)
        );
        assert_eq!(one.take(0), None);
        // Without a place, all others come first.
        let none = turns(0);
        let taken: Vec<u64> = std::iter::from_fn(|| none.take(0)).collect();
        assert_eq!(taken, [1, 2, 3, 0, 4, 5]);
    }
}
