//! The calls of the handler that are in flight.

use crate::{HandlerError, Message};
use plimsoll_core::{AssignmentEpoch, Offset, TopicPartition};
use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::task::{AbortHandle, Id, JoinError, JoinSet};

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
}

/// What a call is about: at most one call of a record is in flight.
type Key = (TopicPartition, AssignmentEpoch, Offset);

impl Call {
    const fn key(&self) -> Key {
        (self.partition, self.epoch, self.offset)
    }
}

/// A call that ended.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) call: Call,
    pub(super) result: Result<(), HandlerError>,
}

/// The calls that are in flight. `S` calls the handler, `F` is the future that the call returns.
///
/// A future is polled once on the spot; only one that has to wait for something gets a task. Many
/// handlers do not wait most of the time: their futures need no task, and no allocation. Where one
/// computed for long meanwhile, the next ones get a task from their start, so that they run side by
/// side, and the driver beside them.
pub(super) struct Handlers<S, F> {
    call: S,
    /// The place where a future is polled on the spot. A future that gets a task takes the box
    /// along, and only then a new box is made.
    slot: Pin<Box<Option<F>>>,
    /// The number of calls that get a task from their start.
    heavy_calls: u32,
    /// The number of calls since the time was taken, and the number after which it is.
    untimed: u32,
    together: u32,
    tasks: JoinSet<Finished>,
    /// The handles that stop the tasks.
    aborts: BTreeMap<Key, AbortHandle>,
    /// The tasks that were stopped and have not ended: another thread may be in the middle of one.
    /// Mostly empty.
    ending: BTreeMap<Id, Key>,
    /// The calls that wait until an earlier attempt at their record, which was stopped, has ended.
    waiting: BTreeMap<Key, (Call, Message)>,
}

impl<S, F> Handlers<S, F>
where
    S: Fn(Message) -> F,
    F: Future<Output = Result<(), HandlerError>> + Send + 'static,
{
    pub(super) fn new(call: S) -> Self {
        Self {
            call,
            slot: Box::pin(None),
            heavy_calls: 0,
            untimed: 0,
            together: 1,
            tasks: JoinSet::new(),
            aborts: BTreeMap::new(),
            ending: BTreeMap::new(),
            waiting: BTreeMap::new(),
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
        if self.is_ending(call.key()) {
            self.waiting.insert(call.key(), (call, message));
            return None;
        }
        self.untimed += 1;
        self.slot.set(Some((self.call)(message)));
        if self.heavy_calls > 0 {
            self.heavy_calls -= 1;
        } else if let Poll::Ready(result) = poll(self.slot.as_mut(), cx) {
            return Some(result);
        }
        self.spawn(call);
        None
    }

    /// Returns whether the time is to be taken now.
    pub(super) fn are_untimed(&self) -> bool {
        self.untimed >= self.together
    }

    /// Takes the time of the calls since the last time, of which there may be none.
    pub(super) fn note_time(&mut self, took: Duration) {
        let Some(each) = took.checked_div(std::mem::take(&mut self.untimed)) else {
            return;
        };
        self.together = if each < BRIEF { TOGETHER } else { 1 };
        if each >= LIGHT {
            self.heavy_calls = HEAVY_CALLS;
        }
    }

    /// Gives the future in the slot a task.
    fn spawn(&mut self, call: Call) {
        let mut future = std::mem::replace(&mut self.slot, Box::pin(None));
        let abort = self.tasks.spawn(async move {
            let result = std::future::poll_fn(|cx| poll(future.as_mut(), cx)).await;
            Finished { call, result }
        });
        self.aborts.insert(call.key(), abort);
    }

    /// Stops a call, if it is in flight or waits.
    pub(super) fn cancel(
        &mut self,
        partition: TopicPartition,
        epoch: AssignmentEpoch,
        offset: Offset,
    ) {
        let key = (partition, epoch, offset);
        self.waiting.remove(&key);
        if let Some(abort) = self.aborts.remove(&key) {
            abort.abort();
            self.ending.insert(abort.id(), key);
        }
    }

    /// Stops all calls.
    pub(super) fn abort(&mut self) {
        self.aborts.clear();
        self.tasks.abort_all();
    }

    /// Returns whether there is a call that has not ended, or whose end was not taken.
    pub(super) fn are_running(&self) -> bool {
        !self.tasks.is_empty()
    }

    /// Returns whether a call that was stopped has not ended yet.
    pub(super) fn are_ending(&self) -> bool {
        !self.ending.is_empty()
    }

    /// Takes a call that waited, and can start now.
    pub(super) fn next_released(&mut self) -> Option<(Call, Message)> {
        if self.waiting.is_empty() {
            return None;
        }
        let mut waiting = self.waiting.keys();
        let key = *waiting.find(|key| !self.is_ending(**key))?;
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

    /// Forgets a task that has ended. One that was stopped may have had a result all the same.
    fn take_ended(&mut self, ended: Result<(Id, Finished), JoinError>) -> Option<Finished> {
        // (Panics of handlers are caught.)
        let id = ended.as_ref().map_or_else(JoinError::id, |(id, _)| *id);
        let was_stopped = !self.ending.is_empty() && self.ending.remove(&id).is_some();
        let (_, finished) = ended.ok()?;
        if !was_stopped {
            self.aborts.remove(&finished.call.key());
        }
        Some(finished)
    }

    fn is_ending(&self, key: Key) -> bool {
        self.ending.values().any(|ending| *ending == key)
    }
}

/// Polls a future, and drops it when it is done. Turns a panic into a failure.
fn poll<F>(mut slot: Pin<&mut Option<F>>, cx: &mut Context<'_>) -> Poll<Result<(), HandlerError>>
where
    F: Future<Output = Result<(), HandlerError>>,
{
    let polled = catch_unwind(AssertUnwindSafe(|| match slot.as_mut().as_pin_mut() {
        Some(future) => future.poll(cx),
        None => Poll::Pending,
    }));
    let result = match polled {
        Ok(Poll::Pending) => return Poll::Pending,
        Ok(Poll::Ready(result)) => result,
        Err(panic) => Err(panicked(&*panic)),
    };
    // The values that the future holds may panic too as they are dropped.
    match catch_unwind(AssertUnwindSafe(|| slot.set(None))) {
        Ok(()) => Poll::Ready(result),
        Err(panic) => Poll::Ready(result.and_then(|()| Err(panicked(&*panic)))),
    }
}

fn panicked(panic: &(dyn Any + Send)) -> HandlerError {
    let message = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    HandlerError::retryable(format!("the handler panicked: {message}"))
}
