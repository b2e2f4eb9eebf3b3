//! When a process is at rest, and how long it may take to get there.

use crate::locked;
use plimsoll::{Handler, HandlerError, Message};
use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::time;

/// The number of times that the driver and its handlers may be polled at one moment. A driver is
/// polled a few times then, a handler once or twice; one that wakes itself without end would never
/// stop.
const MAX_POLLS: u32 = 20_000;

/// The rest of a process: nothing in its runtime is left to do at this moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rest(Arc<State>);

/// The state of a process on its way to rest. All of it is used on one thread.
#[derive(Debug, Default)]
struct State {
    /// Whether the wait is over.
    is_over: AtomicBool,
    /// The task that waits.
    waiter: Mutex<Option<Waker>>,
    /// Whether rest ends the wait: the clock must not move any more.
    awaited: AtomicBool,
    /// The number of polls at this moment.
    polls: AtomicU32,
}

/// The moments between which a process runs, as times of its runtime.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) from: Duration,
    pub(crate) to: Duration,
    /// Which timers fire on the way.
    pub(crate) timers: Timers,
}

/// Timers that fire while a process runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timers {
    /// None that matters.
    None,
    /// Those that are due by the end, together: the process stood still before.
    Together,
    /// Those that are due by the end, one by one, each at its time.
    InOrder,
}

impl Rest {
    /// Notes that the runtime has nothing to do, and would wait for its next timer.
    pub(crate) fn note_idle(&self) {
        if self.0.awaited.load(Ordering::Relaxed) {
            self.0.end();
        }
    }

    /// Lets time pass until the end of the span, then tells what happened at that moment
    /// (`take_in`), and lets all tasks run until nothing is left to do. Returns `false` where that
    /// does not come.
    ///
    /// The runtime's clock would jump to the next timer when it waits; so at the end it must not
    /// wait. It tells that it is idle on the thread that is about to wait, which wakes this future,
    /// and then does not (`Context::park`: "`before_park` scheduled work").
    pub(crate) fn reach(&self, runtime: &Runtime, span: Span, take_in: impl FnOnce()) -> bool {
        self.0.polls.store(0, Ordering::Relaxed);
        self.0.is_over.store(false, Ordering::Relaxed);
        if span.timers != Timers::InOrder {
            set_forward(runtime, span.to - span.from);
        }
        runtime.block_on(async {
            if span.timers == Timers::InOrder && !self.pass(span).await {
                return false;
            }
            take_in();
            if span.timers == Timers::Together {
                // After the tasks that are woken already.
                tokio::task::yield_now().await;
            }
            self.0.awaited.store(true, Ordering::Relaxed);
            poll_fn(|cx| self.0.poll_over(cx)).await;
            self.0.awaited.store(false, Ordering::Relaxed);
            self.0.polls.load(Ordering::Relaxed) < MAX_POLLS
        })
    }

    /// Lets time pass until the end of the span, and with it all timers. Returns `false` where a
    /// task keeps it from passing.
    async fn pass(&self, span: Span) -> bool {
        let mut at = span.from;
        // Timers fire at whole milliseconds, between which the clock must not stand when it jumps
        // to the next one.
        let first = millis(span.from.as_nanos().div_ceil(1_000_000));
        let last = millis(span.to.as_millis());
        if first < last {
            time::advance(first - at).await;
            tokio::select! {
                biased;
                () = poll_fn(|cx| self.0.poll_over(cx)) => return false,
                () = time::sleep(last - first) => at = last,
            }
        }
        time::advance(span.to - at).await;
        true
    }

    /// Runs a future whose polls are counted; past the bound the wait for rest is over.
    pub(crate) async fn counted<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        poll_fn(|cx| {
            let polls = self.0.polls.load(Ordering::Relaxed) + 1;
            self.0.polls.store(polls, Ordering::Relaxed);
            if polls == MAX_POLLS {
                self.0.end();
            }
            future.as_mut().poll(cx)
        })
        .await
    }
}

impl State {
    /// Ends the wait.
    fn end(&self) {
        self.is_over.store(true, Ordering::Relaxed);
        // Taken, since it keeps the runtime, which keeps this.
        let waiter = locked(&self.waiter).take();
        if let Some(waiter) = waiter {
            waiter.wake();
        }
    }

    fn poll_over(&self, cx: &Context<'_>) -> Poll<()> {
        if self.is_over.load(Ordering::Relaxed) {
            return Poll::Ready(());
        }
        *locked(&self.waiter) = Some(cx.waker().clone());
        Poll::Pending
    }
}

/// Sets the clock of a runtime forward, in which nothing runs.
fn set_forward(runtime: &Runtime, by: Duration) {
    if by.is_zero() {
        return;
    }
    let _entered = runtime.enter();
    // What follows in this future is a pause for other tasks.
    let advance = pin!(time::advance(by));
    let _ = advance.poll(&mut Context::from_waker(Waker::noop()));
}

fn millis(number: u128) -> Duration {
    Duration::from_millis(u64::try_from(number).unwrap_or(u64::MAX))
}

/// A handler whose polls are counted.
#[derive(Debug)]
pub(crate) struct Counted<H> {
    pub(crate) handler: H,
    pub(crate) rest: Rest,
}

impl<H: Handler> Handler for Counted<H> {
    async fn handle(&self, message: Message) -> Result<(), HandlerError> {
        self.rest.counted(self.handler.handle(message)).await
    }
}
