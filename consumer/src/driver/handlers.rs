//! The calls of the handler that are in flight.

use crate::{HandlerError, Message};
use plimsoll_core::{AssignmentEpoch, Offset, TopicPartition};
use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::task::{AbortHandle, JoinSet};

/// One call of the handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) partition: TopicPartition,
    pub(super) epoch: AssignmentEpoch,
    pub(super) offset: Offset,
    pub(super) attempt: u32,
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
/// handlers do not wait most of the time: their futures need no task, and no allocation.
pub(super) struct Handlers<S, F> {
    call: S,
    /// The place where a future is polled on the spot. A future that gets a task takes the box
    /// along, and only then a new box is made.
    slot: Pin<Box<Option<F>>>,
    tasks: JoinSet<Finished>,
    /// The handles that stop the tasks, with the attempt of each. At most one call of a record is
    /// in flight.
    aborts: BTreeMap<(TopicPartition, AssignmentEpoch, Offset), (u32, AbortHandle)>,
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
            tasks: JoinSet::new(),
            aborts: BTreeMap::new(),
        }
    }

    /// Starts a call; returns its result if it ends at once.
    pub(super) fn start(
        &mut self,
        cx: &mut Context<'_>,
        call: Call,
        message: Message,
    ) -> Option<Result<(), HandlerError>> {
        self.slot.set(Some((self.call)(message)));
        if let Poll::Ready(result) = poll(self.slot.as_mut(), cx) {
            return Some(result);
        }
        let mut future = std::mem::replace(&mut self.slot, Box::pin(None));
        let abort = self.tasks.spawn(async move {
            let result = std::future::poll_fn(|cx| poll(future.as_mut(), cx)).await;
            Finished { call, result }
        });
        let key = (call.partition, call.epoch, call.offset);
        self.aborts.insert(key, (call.attempt, abort));
        None
    }

    /// Stops a call, if it is in flight.
    pub(super) fn cancel(
        &mut self,
        partition: TopicPartition,
        epoch: AssignmentEpoch,
        offset: Offset,
    ) {
        if let Some((_, abort)) = self.aborts.remove(&(partition, epoch, offset)) {
            abort.abort();
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

    /// Returns whether a call that was stopped has not ended yet: another thread may be in the
    /// middle of it.
    pub(super) fn are_ending(&self) -> bool {
        self.tasks.len() > self.aborts.len()
    }

    /// Waits for the next call to end, and returns its result; `None`: it was stopped. Cancel-safe.
    pub(super) async fn next_finished(&mut self) -> Option<Finished> {
        match self.tasks.join_next().await {
            Some(Ok(finished)) => Some(self.forget(finished)),
            // (Its panics are caught.)
            Some(Err(_)) => None,
            None => std::future::pending().await,
        }
    }

    /// Returns the result of a call that has ended, if there is one.
    pub(super) fn try_next_finished(&mut self) -> Option<Finished> {
        loop {
            if let Ok(finished) = self.tasks.try_join_next()? {
                return Some(self.forget(finished));
            }
        }
    }

    fn forget(&mut self, finished: Finished) -> Finished {
        let Call {
            partition,
            epoch,
            offset,
            attempt,
        } = finished.call;
        let key = (partition, epoch, offset);
        // The result of a call that was cancelled as it ended may come after the start of the next
        // attempt.
        if self.aborts.get(&key).is_some_and(|(of, _)| *of == attempt) {
            self.aborts.remove(&key);
        }
        finished
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
