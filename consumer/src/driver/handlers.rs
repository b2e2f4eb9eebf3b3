//! The calls of the handler that are in flight.

use crate::attempt::{Attempt, Held, Stopped};
use crate::{HandlerError, Message};
use plimsoll_core::{AssignmentEpoch, Offset, TopicPartition};
use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::task::{AbortHandle, Id, JoinError, JoinSet};
use tokio::time::{Instant, timeout};

/// The time that a handler which is stopped gets to end by itself, where it has asked for its
/// cancellation.
const TO_END: Duration = Duration::from_secs(3);

/// The longest time that a handler may compute on the driver's task before it first waits. It holds
/// up all that the driver does.
const LIGHT: Duration = Duration::from_micros(200);

/// The time of a call that is too short to be worth taking.
const BRIEF: Duration = Duration::from_micros(2);

/// The number of calls whose time is taken together where the last ones were brief.
const TOGETHER: u32 = 8;

/// The number of calls that get a task from their start after one that computed for longer; then
/// one is polled on the spot again, to see whether they still do.
const HEAVY_CALLS: u32 = 64;

/// One call of the handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) partition: TopicPartition,
    pub(super) epoch: AssignmentEpoch,
    pub(super) offset: Offset,
    pub(super) attempt: u32,
    /// The moment at which it is stopped at the latest.
    pub(super) deadline: Option<Instant>,
}

/// The subject of a call: at most one call of a record is in flight.
type Key = (TopicPartition, AssignmentEpoch, Offset);

/// The record of a call, under any assignment.
type Place = (TopicPartition, Offset);

impl Call {
    const fn key(&self) -> Key {
        (self.partition, self.epoch, self.offset)
    }

    const fn place(&self) -> Place {
        (self.partition, self.offset)
    }
}

/// A call that ended.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) call: Call,
    pub(super) result: Result<(), HandlerError>,
}

/// The calls that are in flight. `S` calls the handler, `F` is the future that the call returns, with
/// the share `T` of the handler that it had.
///
/// A future is polled once on the spot; only one that has to wait for something gets a task. Many
/// handlers do not wait most of the time: their futures need no task, and no allocation. Where one
/// computed for long meanwhile, the next ones get a task from their start, so that they run side by
/// side, and the driver beside them.
pub(super) struct Handlers<S, F, T> {
    call: S,
    /// The share of the handler that the last call had, if it ended at once: the next one takes it,
    /// since to make one and drop it each time would cost as much as brief handlers do.
    share: Option<T>,
    /// The place where a future is polled on the spot. A future that gets a task takes the box
    /// along, and only then a new box is made.
    slot: Pin<Box<Option<F>>>,
    /// The number of calls that get a task from their start.
    heavy_calls: u32,
    /// The number of calls since the time was taken, and the number after which it is.
    untimed: u32,
    together: u32,
    /// The calls, and the ends of those that were stopped.
    tasks: JoinSet<Ended>,
    running: BTreeMap<Key, (AbortHandle, Arc<Attempt>)>,
    /// The tasks of calls that were stopped: their results are of no use.
    stopped: BTreeSet<Id>,
    /// What calls that were stopped still work at: another thread may be in the middle of one.
    /// Mostly empty.
    ending: BTreeSet<Place>,
    /// The calls that wait until an earlier attempt at their record, which was stopped, has ended.
    waiting: BTreeMap<Key, (Call, Message)>,
    /// The attempt of the call in the slot; where it ended at once, that of the next one.
    attempt: Arc<Attempt>,
}

/// The end of a task.
enum Ended {
    Call(Finished),
    /// A call at this record that was stopped; nothing works at it any more.
    Stop(Place),
}

impl<S, F, T> Handlers<S, F, T>
where
    S: Fn(Message, Option<T>) -> F,
    F: Future<Output = (Result<(), HandlerError>, T)> + Send + 'static,
{
    pub(super) fn new(call: S) -> Self {
        Self {
            call,
            share: None,
            slot: Box::pin(None),
            heavy_calls: 0,
            untimed: 0,
            together: 1,
            tasks: JoinSet::new(),
            running: BTreeMap::new(),
            stopped: BTreeSet::new(),
            ending: BTreeSet::new(),
            waiting: BTreeMap::new(),
            attempt: Arc::default(),
        }
    }

    /// Starts a call; returns its result if it ends at once. The call waits where an earlier
    /// attempt at its record has not ended.
    pub(super) fn start(
        &mut self,
        cx: &mut Context<'_>,
        call: Call,
        message: Message,
    ) -> Option<Result<(), HandlerError>> {
        if self.ending.contains(&call.place()) {
            self.waiting.insert(call.key(), (call, message));
            return None;
        }
        self.untimed += 1;
        let attempt = self.begin_attempt(call.deadline);
        let future = (self.call)(message.in_attempt(attempt), self.share.take());
        self.slot.set(Some(future));
        if self.heavy_calls > 0 {
            self.heavy_calls -= 1;
        } else if let Poll::Ready((result, share)) = poll(self.slot.as_mut(), cx) {
            self.share = share;
            return Some(result);
        }
        self.spawn(call);
        None
    }

    /// Returns whether there were calls since the time was taken.
    pub(super) fn any_untimed(&self) -> bool {
        self.untimed > 0
    }

    /// Returns whether there were so many calls that the time is to be taken now.
    pub(super) fn are_to_be_timed(&self) -> bool {
        self.untimed >= self.together
    }

    /// Takes the time of the calls since the last time, of which there is one at least.
    pub(super) fn note_time(&mut self, took: Duration) {
        let each = took / std::mem::take(&mut self.untimed);
        self.together = if each < BRIEF { TOGETHER } else { 1 };
        if each >= LIGHT {
            self.heavy_calls = HEAVY_CALLS;
        }
    }

    /// Begins an attempt. That of the last call is used again where no call has it any more.
    fn begin_attempt(&mut self, deadline: Option<Instant>) -> Arc<Attempt> {
        match Arc::get_mut(&mut self.attempt) {
            Some(unused) => unused.begin_anew(deadline),
            None => self.attempt = Arc::new(Attempt::new(deadline)),
        }
        Arc::clone(&self.attempt)
    }

    /// Gives the future in the slot a task.
    fn spawn(&mut self, call: Call) {
        let task = Task {
            future: std::mem::replace(&mut self.slot, Box::pin(None)),
            call,
            _held: Held::new(&self.attempt),
        };
        let abort = self.tasks.spawn(task);
        let attempt = Arc::clone(&self.attempt);
        self.running.insert(call.key(), (abort, attempt));
    }

    /// Stops a call, if it is in flight or waits; returns whether it had begun.
    ///
    /// Its future is dropped, after a while where the handler has asked for its cancellation.
    pub(super) fn cancel(
        &mut self,
        partition: TopicPartition,
        epoch: AssignmentEpoch,
        offset: Offset,
    ) -> bool {
        let key = (partition, epoch, offset);
        if self.waiting.remove(&key).is_some() {
            return false;
        }
        let Some((abort, attempt)) = self.running.remove(&key) else {
            return true;
        };
        let Stopped { is_heard, ended } = attempt.stop();
        if !is_heard {
            abort.abort();
        }
        let place = (partition, offset);
        self.stopped.insert(abort.id());
        self.ending.insert(place);
        self.tasks.spawn(async move {
            let mut ended = ended;
            if is_heard && timeout(TO_END, &mut ended).await.is_ok() {
                return Ended::Stop(place);
            }
            abort.abort();
            // The sender is dropped, and says nothing.
            let _ = ended.await;
            Ended::Stop(place)
        });
        true
    }

    /// Stops all calls.
    pub(super) fn abort(&mut self) {
        self.running.clear();
        self.tasks.abort_all();
    }

    /// Returns whether there is a call that has not ended, or whose end was not taken.
    pub(super) fn are_running(&self) -> bool {
        !self.tasks.is_empty()
    }

    /// Returns the number of calls that were stopped and have not ended.
    pub(super) fn ending(&self) -> usize {
        self.ending.len()
    }

    /// Takes a call that waited, and can start now.
    pub(super) fn next_released(&mut self) -> Option<(Call, Message)> {
        if self.waiting.is_empty() {
            return None;
        }
        let mut waiting = self.waiting.iter();
        let (key, _) = waiting.find(|(_, (call, _))| !self.ending.contains(&call.place()))?;
        let key = *key;
        self.waiting.remove(&key)
    }

    /// Waits for the next call to end, and returns its result; `None`: it was stopped. Cancel-safe.
    pub(super) async fn next_finished(&mut self) -> Option<Finished> {
        match self.tasks.join_next_with_id().await {
            Some(ended) => self.take_ended(ended),
            None => std::future::pending().await,
        }
    }

    /// Returns the result of a call that has ended, if there is one.
    pub(super) fn try_next_finished(&mut self) -> Option<Finished> {
        loop {
            let ended = self.tasks.try_join_next_with_id()?;
            if let finished @ Some(_) = self.take_ended(ended) {
                return finished;
            }
        }
    }

    /// Forgets a task that has ended. A call that was stopped may have had a result all the same.
    fn take_ended(&mut self, ended: Result<(Id, Ended), JoinError>) -> Option<Finished> {
        // (Panics of handlers are caught.)
        let id = ended.as_ref().map_or_else(JoinError::id, |(id, _)| *id);
        let was_stopped = !self.stopped.is_empty() && self.stopped.remove(&id);
        match ended {
            Ok((_, Ended::Call(finished))) if !was_stopped => {
                self.running.remove(&finished.call.key());
                Some(finished)
            }
            Ok((_, Ended::Stop(place))) => {
                self.ending.remove(&place);
                None
            }
            Ok((_, Ended::Call(_))) | Err(_) => None,
        }
    }
}

/// A call that has a task.
struct Task<F> {
    future: Pin<Box<Option<F>>>,
    call: Call,
    /// Dropped after the future.
    _held: Held,
}

impl<F, T> Future for Task<F>
where
    F: Future<Output = (Result<(), HandlerError>, T)>,
{
    type Output = Ended;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Ended> {
        let call = self.call;
        poll(self.future.as_mut(), cx).map(|(result, _)| Ended::Call(Finished { call, result }))
    }
}

/// Polls a future, and drops it when it is done; returns its result, and what it had of the handler.
/// Turns a panic into a failure.
fn poll<F, T>(
    mut slot: Pin<&mut Option<F>>,
    cx: &mut Context<'_>,
) -> Poll<(Result<(), HandlerError>, Option<T>)>
where
    F: Future<Output = (Result<(), HandlerError>, T)>,
{
    let polled = catch_unwind(AssertUnwindSafe(|| match slot.as_mut().as_pin_mut() {
        Some(future) => future.poll(cx),
        None => Poll::Pending,
    }));
    let (result, share) = match polled {
        Ok(Poll::Pending) => return Poll::Pending,
        Ok(Poll::Ready((result, share))) => (result, Some(share)),
        Err(panic) => (Err(panicked(&*panic)), None),
    };
    // The values that the future holds may panic too as they are dropped.
    let result = match catch_unwind(AssertUnwindSafe(|| slot.set(None))) {
        Ok(()) => result,
        Err(panic) => result.and_then(|()| Err(panicked(&*panic))),
    };
    Poll::Ready((result, share))
}

fn panicked(panic: &(dyn Any + Send)) -> HandlerError {
    let message = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    HandlerError::retryable(format!("the handler panicked: {message}"))
}
