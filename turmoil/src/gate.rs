//! A process, as the system treats it: it runs, stands still (SIGSTOP), or is dead (SIGKILL).
//!
//! All processes of a run share one runtime, so what stops one of them is in front of its tasks:
//! each of them is polled through its gate. A timer that is due while the gate is closed has
//! happened when it opens again, as for a process whose clock went on without it.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// The way of the runtime to the tasks of a process.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gate(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// The number of faults that keep the process from running.
    pauses: u32,
    is_dead: bool,
    /// The tasks that would run.
    waiting: Vec<Waker>,
}

impl Gate {
    /// Makes the process stand still. Returns whether it ran before.
    pub(crate) fn pause(&self) -> bool {
        let mut state = self.lock();
        state.pauses += 1;
        state.pauses == 1
    }

    /// Takes one pause away. Returns whether the process goes on by that.
    pub(crate) fn resume(&self) -> bool {
        let mut state = self.lock();
        if state.pauses == 0 {
            return false;
        }
        state.pauses -= 1;
        if state.pauses > 0 {
            return false;
        }
        state.waiting.drain(..).for_each(Waker::wake);
        true
    }

    /// Lets nothing of the process run any more: its tasks drop what they are.
    pub(crate) fn kill(&self) {
        let mut state = self.lock();
        state.is_dead = true;
        state.waiting.drain(..).for_each(Waker::wake);
    }

    /// Returns whether nothing of the process may run any more.
    pub(crate) fn is_dead(&self) -> bool {
        self.lock().is_dead
    }

    /// Puts the gate in front of a task.
    pub(crate) fn before<F: Future>(&self, task: F) -> Gated<F> {
        Gated {
            gate: self.clone(),
            task: Some(Box::pin(task)),
        }
    }

    /// Takes in that a task would run. Returns what it may do.
    fn meet(&self, waker: &Waker) -> Way {
        let mut state = self.lock();
        if state.is_dead {
            return Way::Gone;
        }
        if state.pauses == 0 {
            return Way::Open;
        }
        if !state.waiting.iter().any(|waits| waits.will_wake(waker)) {
            state.waiting.push(waker.clone());
        }
        Way::Closed
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The state of a gate, as a task finds it.
enum Way {
    Open,
    Closed,
    Gone,
}

/// A task behind a gate. That of a dead process is never ready.
pub(crate) struct Gated<F> {
    gate: Gate,
    task: Option<Pin<Box<F>>>,
}

impl<F: Future> Future for Gated<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        match self.gate.meet(context.waker()) {
            Way::Open => {}
            Way::Closed => return Poll::Pending,
            Way::Gone => {
                self.task = None;
                return Poll::Pending;
            }
        }
        match &mut self.task {
            Some(task) => task.as_mut().poll(context),
            None => Poll::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;
    use tokio::time::sleep;

    /// Counts the seconds, behind a gate.
    fn counting(gate: &Gate) -> Arc<AtomicU32> {
        let count = Arc::new(AtomicU32::new(0));
        let counted = count.clone();
        tokio::spawn(gate.before(async move {
            loop {
                sleep(Duration::from_secs(1)).await;
                counted.fetch_add(1, Ordering::Relaxed);
            }
        }));
        count
    }

    fn paused_runtime() -> tokio::runtime::Runtime {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.enable_time().start_paused(true).build();
        runtime.expect("it needs nothing of the system")
    }

    #[test]
    fn what_stands_still_does_nothing_though_its_timers_are_due() {
        paused_runtime().block_on(async {
            let gate = Gate::default();
            let count = counting(&gate);
            sleep(Duration::from_millis(2_500)).await;
            assert!(gate.pause() && !gate.pause());
            sleep(Duration::from_secs(10)).await;
            assert_eq!(count.load(Ordering::Relaxed), 2);
            assert!(!gate.resume() && gate.resume() && !gate.resume());
            // The timer that was due has fired; the next one counts from there.
            sleep(Duration::from_millis(500)).await;
            assert_eq!(count.load(Ordering::Relaxed), 3);
        });
    }

    #[test]
    fn what_is_dead_is_dropped_and_not_polled_again() {
        paused_runtime().block_on(async {
            let gate = Gate::default();
            let count = counting(&gate);
            sleep(Duration::from_millis(1_500)).await;
            gate.kill();
            sleep(Duration::from_secs(10)).await;
            assert_eq!(count.load(Ordering::Relaxed), 1);
            assert_eq!(Arc::strong_count(&count), 1, "the task holds nothing");
        });
    }
}
