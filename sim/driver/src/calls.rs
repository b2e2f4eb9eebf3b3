//! The way out of the runtime: calls of the handler, and commands.

use crate::{locked, message};
use plimsoll::{Handler, HandlerError, Message};
use plimsoll_core::{Command, Outcome};
use plimsoll_sim::program::{CallId, Handlers, Step};
use plimsoll_sim::recipes::Payload;
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

/// What the driver commanded and its handlers did, and the calls of the sink. All of it is used on
/// one thread.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outbox(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    contents: Mutex<Contents>,
    /// The number of handlers that wait for the sink, and for nothing else.
    waiting: AtomicUsize,
}

#[derive(Debug, Default)]
struct Contents {
    said: VecDeque<Said>,
    /// The calls of the sink of which the handler has not taken the answer, oldest first; few at a
    /// time.
    calls: VecDeque<SinkCall>,
    /// The number of calls of the sink so far.
    called: u64,
}

#[derive(Debug)]
enum Said {
    Command(Command<Payload>),
    Step(Step),
}

/// A call of the sink.
#[derive(Debug)]
struct SinkCall {
    number: u64,
    id: CallId,
    answer: Answer,
}

/// The answer to a call of the sink.
#[derive(Debug)]
enum Answer {
    /// Awaited; the task to wake, once it has asked.
    Awaited(Option<Waker>),
    /// Given, and not taken yet.
    Given(Outcome),
    /// Of no use to the handler any more.
    Unwanted,
}

impl Outbox {
    /// Adds a command for the simulator.
    pub(crate) fn push(&self, command: Command<Payload>) {
        self.contents().said.push_back(Said::Command(command));
    }

    /// Adds what a handler did.
    pub(crate) fn push_step(&self, step: Step) {
        self.contents().said.push_back(Said::Step(step));
    }

    /// Takes the next command, where that comes next.
    pub(crate) fn pop(&self) -> Option<Command<Payload>> {
        let is_command = |said: &mut Said| matches!(said, Said::Command(_));
        match self.contents().said.pop_front_if(is_command)? {
            Said::Command(command) => Some(command),
            Said::Step(_) => None,
        }
    }

    /// Gives a call the sink's answer; one that was stopped is gone.
    pub(crate) fn answer(&self, id: &CallId, outcome: Outcome) {
        let waker = self.contents().answer(id, outcome);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Returns the number of handlers that wait for the sink, and for nothing else.
    pub(crate) fn waiting(&self) -> usize {
        self.0.waiting.load(Ordering::Relaxed)
    }

    /// Says that a handler begins with a message.
    pub(crate) fn begin(&self, message: &Message) -> CallId {
        let (id, dispatch) = dispatch(message);
        self.push(dispatch);
        id
    }

    /// Says that a handler is stopped, which has no use for answers any more.
    pub(crate) fn cancel(&self, id: CallId) {
        let mut contents = self.contents();
        contents.calls.retain(|call| call.id != id);
        contents.said.push_back(Said::Command(cancel(id)));
    }

    /// Waits for the answer to a call of the sink. Returns whether others wait for theirs, to calls
    /// of the same handler.
    pub(crate) fn wait(&self, id: CallId) -> (Waiting, bool) {
        let mut contents = self.contents();
        let others_wait = contents.first_open(&id).is_some();
        let waiting = Waiting {
            number: contents.expect(id),
            outbox: self.clone(),
        };
        (waiting, others_wait)
    }

    /// Notes that a handler waits for the sink and for nothing else, until what is returned is
    /// dropped.
    pub(crate) fn wait_alone(&self) -> Alone {
        self.0.waiting.store(self.waiting() + 1, Ordering::Relaxed);
        Alone(self.clone())
    }

    fn call(&self, message: &Message) -> Call {
        let (id, dispatch) = dispatch(message);
        let alone = self.wait_alone();
        let mut contents = self.contents();
        contents.said.push_back(Said::Command(dispatch));
        Call {
            id,
            number: contents.expect(id),
            is_done: false,
            alone,
        }
    }

    fn contents(&self) -> MutexGuard<'_, Contents> {
        locked(&self.0.contents)
    }
}

impl Contents {
    /// Notes a call of the sink, and returns its number.
    fn expect(&mut self, id: CallId) -> u64 {
        let number = self.called;
        self.called += 1;
        self.calls.push_back(SinkCall {
            number,
            id,
            answer: Answer::Awaited(None),
        });
        number
    }

    /// Returns the place of the oldest call of a handler that has no answer.
    fn first_open(&self, id: &CallId) -> Option<usize> {
        let mut calls = self.calls.iter();
        calls.position(|call| call.id == *id && !matches!(call.answer, Answer::Given(_)))
    }

    /// Gives the oldest call of a handler its answer, and returns the task to wake. The next one is
    /// made now, if there is one.
    fn answer(&mut self, id: &CallId, outcome: Outcome) -> Option<Waker> {
        let place = self.first_open(id)?;
        let answer = &mut self.calls[place].answer;
        let waker = match std::mem::replace(answer, Answer::Given(outcome)) {
            Answer::Awaited(waker) => waker,
            Answer::Unwanted | Answer::Given(_) => {
                self.calls.remove(place);
                None
            }
        };
        if self.first_open(id).is_some() {
            self.said.push_back(Said::Step(Step::Write(*id)));
        }
        waker
    }

    /// Takes the answer to a call, or notes the task that waits for it.
    fn poll(&mut self, number: u64, cx: &Context<'_>) -> Poll<Outcome> {
        let Some(place) = self.place(number) else {
            return Poll::Pending;
        };
        match &mut self.calls[place].answer {
            Answer::Given(outcome) => {
                let outcome = *outcome;
                self.calls.remove(place);
                Poll::Ready(outcome)
            }
            Answer::Awaited(Some(waker)) if waker.will_wake(cx.waker()) => Poll::Pending,
            answer => {
                *answer = Answer::Awaited(Some(cx.waker().clone()));
                Poll::Pending
            }
        }
    }

    fn place(&self, number: u64) -> Option<usize> {
        let place = self.calls.binary_search_by_key(&number, |call| call.number);
        place.ok()
    }
}

impl Handlers for Outbox {
    fn poll_step(&mut self) -> Option<Step> {
        let is_step = |said: &mut Said| matches!(said, Said::Step(_));
        match self.contents().said.pop_front_if(is_step)? {
            Said::Step(step) => Some(step),
            Said::Command(_) => None,
        }
    }
}

impl Handler for Outbox {
    /// Calls the sink, and fails as it says.
    async fn handle(&self, message: Message) -> Result<(), HandlerError> {
        result(self.call(&message).await)
    }
}

/// Returns what the answer of the sink is to a handler.
pub(crate) fn result(answer: Outcome) -> Result<(), HandlerError> {
    match answer {
        Outcome::Ok => Ok(()),
        Outcome::Retryable => Err(HandlerError::retryable("the sink was not available")),
        Outcome::Permanent => Err(HandlerError::permanent("the sink refuses the message")),
    }
}

/// Returns what the simulator knows the call of a handler by that gets this message, and the command
/// that tells it.
fn dispatch(message: &Message) -> (CallId, Command<Payload>) {
    let (id, record) = message::handled(message);
    let dispatch = Command::Dispatch {
        partition: id.partition,
        epoch: id.epoch,
        attempt: id.attempt,
        record,
    };
    (id, dispatch)
}

/// Returns the command that tells that a handler is stopped.
fn cancel(id: CallId) -> Command<Payload> {
    Command::Cancel {
        partition: id.partition,
        epoch: id.epoch,
        offset: id.offset,
    }
}

/// The wait for an answer of the sink.
pub(crate) struct Waiting {
    outbox: Outbox,
    number: u64,
}

impl Future for Waiting {
    type Output = Outcome;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        self.outbox.contents().poll(self.number, cx)
    }
}

impl Drop for Waiting {
    /// Leaves a call that the sink works at in its place: its answer is not the next one's.
    fn drop(&mut self) {
        let mut contents = self.outbox.contents();
        if let Some(place) = contents.place(self.number) {
            match contents.calls[place].answer {
                Answer::Given(_) => drop(contents.calls.remove(place)),
                _ => contents.calls[place].answer = Answer::Unwanted,
            }
        }
    }
}

/// A handler that waits for the sink and for nothing else.
pub(crate) struct Alone(Outbox);

impl Drop for Alone {
    fn drop(&mut self) {
        let others = self.0.waiting() - 1;
        self.0.0.waiting.store(others, Ordering::Relaxed);
    }
}

/// A call of the sink, which is all that a handler does. Dropped before its answer came, it is
/// stopped.
struct Call {
    id: CallId,
    number: u64,
    is_done: bool,
    alone: Alone,
}

impl Future for Call {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        let polled = self.alone.0.contents().poll(self.number, cx);
        self.is_done = polled.is_ready();
        polled
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if self.is_done {
            return;
        }
        let mut contents = self.alone.0.contents();
        let place = contents.place(self.number);
        let call = place.and_then(|place| contents.calls.remove(place));
        if let Some(Answer::Awaited(_)) = call.map(|call| call.answer) {
            contents.said.push_back(Said::Command(cancel(self.id)));
        }
    }
}
