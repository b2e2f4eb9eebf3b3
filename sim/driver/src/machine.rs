//! A process: the driver in a runtime of its own.

use crate::calls::Outbox;
use crate::client::{Client, Workload};
use crate::clock::{Deadline, Watched};
use crate::own::{Effects, Own, Sink};
use plimsoll::{ClientError, Driver, Handler};
use plimsoll_core::{Command, Config, Consumer, Event, Instant, Machine};
use plimsoll_sim::program::{CallId, Program};
use plimsoll_sim::recipes::Payload;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A process: the production driver in a runtime of its own, whose clock stands still between two
/// calls and shows the time of each call.
#[derive(Debug)]
pub struct Driven {
    runtime: Runtime,
    driver: JoinHandle<Result<(), ClientError>>,
    events: UnboundedSender<Event<Payload>>,
    /// Asks the driver to stop; it can be asked once.
    stop: Option<oneshot::Sender<()>>,
    outbox: Outbox,
    deadline: Deadline,
    /// Told each time that the runtime has nothing more to do.
    idle: Arc<Notify>,
    /// The time of the last call.
    now: Instant,
    /// The time that the runtime's clock shows.
    shown: Instant,
    /// The time at which the driver began: that of the first call.
    began: Option<Instant>,
    /// Whether something reached the process since the runtime ran.
    has_news: bool,
    closed: bool,
}

impl Driven {
    /// Creates a process whose driver begins with the first call.
    pub fn new(config: Config) -> Self {
        Self::start(config, Workload::default(), Outbox::clone)
    }

    /// Creates a process whose driver begins with the first call, and calls a handler of one's own.
    /// `build` makes it, in the process' runtime; it gets the way to the sink, and says where the
    /// handler's effects are.
    pub fn with_handler<H: Handler>(
        config: Config,
        workload: Workload,
        build: impl FnOnce(&Sink) -> (H, Effects),
    ) -> Program {
        let driven = Self::start(config, workload, |outbox| Own::new(outbox.clone(), build));
        Program {
            handlers: Box::new(driven.outbox.clone()),
            machine: Box::new(driven),
        }
    }

    fn start<H: Handler>(
        config: Config,
        workload: Workload,
        build: impl FnOnce(&Outbox) -> H,
    ) -> Self {
        let (idle, outbox, deadline) =
            (Arc::new(Notify::new()), Outbox::default(), Deadline::new());
        let runtime = paused_runtime(Arc::clone(&idle));
        let (events, receiver) = unbounded_channel();
        let (stop, stopped) = oneshot::channel();
        let client = Client::new(receiver, outbox.clone(), workload);
        let core = Watched::new(Consumer::new(config), deadline.clone());
        let handler = {
            let _runtime = runtime.enter();
            build(&outbox)
        };
        let driver = Driver::with_core(client, handler, core);
        let shutdown = async {
            if stopped.await.is_err() {
                std::future::pending().await
            }
        };
        Self {
            driver: runtime.spawn(driver.run(shutdown)),
            runtime,
            events,
            stop: Some(stop),
            outbox,
            deadline,
            idle,
            now: Instant::ZERO,
            shown: Instant::ZERO,
            began: None,
            has_news: false,
            closed: false,
        }
    }

    /// Notes that something reached the process.
    fn note(&mut self, now: Instant) {
        self.now = self.now.max(now);
        self.began.get_or_insert(now);
        self.has_news = true;
    }

    /// Runs until nothing is left to do at this moment.
    fn run(&mut self) {
        let elapsed = self.now.saturating_since(self.shown);
        self.shown = self.now;
        self.runtime.block_on(run_until_idle(elapsed, &self.idle));
        if self.driver.is_finished() && !self.closed {
            self.end();
        }
    }

    /// Takes the end of the driver, which must come by its own command alone.
    fn end(&mut self) {
        self.closed = true;
        match self.runtime.block_on(&mut self.driver) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => panic!("the driver ended by itself: {error}"),
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
}

impl Machine<Payload> for Driven {
    fn handle_event(&mut self, now: Instant, event: Event<Payload>) {
        match event {
            Event::Processed {
                partition,
                epoch,
                offset,
                attempt,
                outcome,
            } => {
                let call = CallId {
                    partition,
                    epoch,
                    offset,
                    attempt,
                };
                self.outbox.answer(&call, outcome);
            }
            Event::Shutdown => {
                if let Some(stop) = self.stop.take() {
                    let _ = stop.send(());
                }
            }
            event => {
                // The client takes none after the command to close.
                let _ = self.events.send(event);
            }
        }
        self.note(now);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.note(now);
    }

    /// Returns the next command. What reached the process since the last one happened at once: its
    /// client gives it an event together with its deadline.
    fn poll_command(&mut self) -> Option<Command<Payload>> {
        if std::mem::take(&mut self.has_news) {
            self.run();
        }
        self.outbox.pop()
    }

    /// Returns when the driver's timer fires. One that it let pass comes no more. The metrics alone
    /// need no call: they are brought up to date with the next one.
    fn poll_timeout(&self) -> Option<Instant> {
        let at = self.deadline.fires_at(self.began?)?;
        (at > self.now && !self.closed).then_some(at)
    }
}

/// Builds a runtime with one thread and a clock that stands still; before it would wait, it tells
/// that it is idle.
fn paused_runtime(idle: Arc<Notify>) -> Runtime {
    Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .on_thread_park(move || idle.notify_one())
        .build()
        .expect("a runtime without sockets needs nothing of the system")
}

/// Advances the clock, lets all tasks run, then the timers that are due, and then all tasks until
/// nothing is left to do.
///
/// The runtime's clock would jump to the next timer when it waits; so it must never wait. It is
/// told of being idle on the thread that is about to wait, which wakes this future, and then does
/// not (`Context::park`: "`before_park` scheduled work").
async fn run_until_idle(elapsed: Duration, idle: &Notify) {
    tokio::time::advance(elapsed).await;
    idle.notified().await;
}
