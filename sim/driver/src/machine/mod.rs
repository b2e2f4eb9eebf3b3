//! A process: the driver in a runtime of its own.

#[cfg(test)]
mod tests;

use crate::calls::Outbox;
use crate::client::{Client, Inbox, Workload};
use crate::clock::{Deadline, Watched};
use crate::own::{Effects, Own, Sink};
use crate::rest::{Counted, Rest, Span, Timers};
use plimsoll::{ClientError, Driver, Handler};
use plimsoll_core::{Command, Config, Consumer, Event, Instant, Machine, Outcome};
use plimsoll_sim::program::{CallId, Program};
use plimsoll_sim::recipes::Payload;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime, RuntimeMetrics};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A process: the production driver in a runtime of its own, whose clock stands still between two
/// calls and shows the time of each call.
#[derive(Debug)]
pub struct Driven {
    runtime: Runtime,
    tasks: RuntimeMetrics,
    driver: JoinHandle<Result<(), ClientError>>,
    entrance: Entrance,
    outbox: Outbox,
    deadline: Deadline,
    rest: Rest,
    /// The time of the last call.
    now: Instant,
    /// The time of the last event.
    last_event: Instant,
    /// The time that the runtime's clock shows.
    shown: Instant,
    /// The time at which the driver began: that of the first call.
    began: Option<Instant>,
    /// The arrivals at the process since the runtime ran.
    news: Vec<News>,
    /// Whether the process was called since the runtime ran.
    was_called: bool,
    /// The time at which the process wants to be called for timers that are not the driver's.
    look_at: Option<Instant>,
    closed: bool,
}

/// An arrival at a process.
#[derive(Debug)]
enum News {
    /// An event for the client.
    Event(Event<Payload>),
    /// An answer of the sink.
    Answer(CallId, Outcome),
    /// The request to stop.
    Stop,
}

/// The way into the runtime.
#[derive(Debug)]
struct Entrance {
    inbox: Inbox,
    /// Asks the driver to stop; it can be asked once.
    stop: Option<oneshot::Sender<()>>,
}

impl Entrance {
    /// Takes what reached the process to whom it concerns. (In the runtime: from outside, tasks
    /// would be woken as from another thread.)
    fn take_in(&mut self, news: News, outbox: &Outbox) {
        match news {
            // (The client takes none after the command to close.)
            News::Event(event) => self.inbox.push(event),
            News::Answer(call, outcome) => outbox.answer(&call, outcome),
            News::Stop => {
                if let Some(stop) = self.stop.take() {
                    let _ = stop.send(());
                }
            }
        }
    }
}

/// The parts of a driver.
struct Parts {
    client: Client,
    handler: Counted<Outbox>,
    core: Watched,
    stopped: oneshot::Receiver<()>,
}

impl Driven {
    /// Creates a process whose driver begins with the first call.
    pub fn new(config: Config) -> Self {
        Self::start(config, Workload::default(), |parts| {
            let Parts {
                client,
                handler,
                core,
                stopped,
            } = parts;
            Driver::with_core(client, handler, core).run(asked_to_stop(stopped))
        })
    }

    /// Creates a process whose driver begins with the first call, and calls a handler of one's own.
    /// `build` makes it, in the process' runtime; it gets the way to the sink, and says where the
    /// handler's effects are.
    pub fn with_handler<H: Handler>(
        config: Config,
        workload: Workload,
        build: impl FnOnce(&Sink) -> (H, Effects),
    ) -> Program {
        let driven = Self::start(config, workload, |parts| {
            let Counted {
                handler: outbox,
                rest,
            } = parts.handler;
            let handler = Counted {
                handler: Own::new(outbox, build),
                rest,
            };
            let driver = Driver::with_core(parts.client, handler, parts.core);
            driver.run(asked_to_stop(parts.stopped))
        });
        Program {
            handlers: Box::new(driven.outbox.clone()),
            machine: Box::new(driven),
        }
    }

    /// Creates a process that runs what `drive` makes, in its runtime.
    fn start<F>(config: Config, workload: Workload, drive: impl FnOnce(Parts) -> F) -> Self
    where
        F: Future<Output = Result<(), ClientError>> + Send + 'static,
    {
        let (rest, outbox, deadline) = (Rest::default(), Outbox::default(), Deadline::new());
        let runtime = paused_runtime(rest.clone());
        let inbox = Inbox::default();
        let (stop, stopped) = oneshot::channel();
        let entered = runtime.enter();
        let driver = drive(Parts {
            client: Client::new(inbox.clone(), outbox.clone(), workload),
            handler: Counted {
                handler: outbox.clone(),
                rest: rest.clone(),
            },
            core: Watched::new(Consumer::new(config), deadline.clone()),
            stopped,
        });
        drop(entered);
        let counts = rest.clone();
        Self {
            driver: runtime.spawn(async move { counts.counted(driver).await }),
            tasks: runtime.metrics(),
            runtime,
            entrance: Entrance {
                inbox,
                stop: Some(stop),
            },
            outbox,
            deadline,
            rest,
            now: Instant::ZERO,
            last_event: Instant::ZERO,
            shown: Instant::ZERO,
            began: None,
            news: Vec::new(),
            was_called: false,
            look_at: None,
            closed: false,
        }
    }

    /// Notes that something reached the process.
    fn note(&mut self, now: Instant) {
        self.now = self.now.max(now);
        self.began.get_or_insert(now);
        self.was_called = true;
    }

    /// Runs until nothing is left to do at this moment.
    fn run(&mut self) {
        let timers = match self.look_at {
            Some(at) if self.now <= at => Timers::InOrder,
            None if self.driver_due().is_none_or(|at| self.now < at) => Timers::None,
            _ => Timers::Together,
        };
        let span = Span {
            from: self.shown.since_start(),
            to: self.now.since_start(),
            timers,
        };
        self.shown = self.now;
        let (entrance, outbox) = (&mut self.entrance, &self.outbox);
        let news = self.news.drain(..);
        let at_rest = self.rest.reach(&self.runtime, span, || {
            news.for_each(|news| entrance.take_in(news, outbox));
        });
        if self.driver.is_finished() {
            self.end();
        } else if !at_rest {
            self.fail("the driver or a handler wakes itself without end");
        }
        self.look_at = self.has_other_timers().then(|| self.next_look());
    }

    /// Takes the end of the driver, which must come by its own command alone.
    fn end(&mut self) {
        match self.runtime.block_on(&mut self.driver) {
            Ok(Ok(())) => self.closed = true,
            Ok(Err(error)) => self.fail(&error.to_string()),
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }

    /// Ends the process, which was not asked to. One that was asked to, and cannot do any more what
    /// it has to do for that, does nothing.
    fn fail(&mut self, reason: &str) {
        tracing::error!(reason, "a process with the driver ends by itself");
        self.closed = true;
        if self.entrance.stop.is_some() {
            self.outbox.push(Command::Close);
        }
    }

    /// Returns when the driver's timer fires.
    fn driver_due(&self) -> Option<Instant> {
        self.deadline.fires_at(self.began?)
    }

    /// Returns whether there may be timers besides the driver's: where anything runs that does not
    /// wait for the sink alone.
    fn has_other_timers(&self) -> bool {
        let known = 1 + self.outbox.waiting();
        !self.closed && self.tasks.num_alive_tasks() > known
    }

    /// Returns when to look for timers that are not the driver's. tokio does not tell when they are
    /// due; so each millisecond, at which they fire, would have to be looked at. After some time
    /// without an event the looks become rarer: a timer then fires by up to a sixteenth of this
    /// time late.
    fn next_look(&self) -> Instant {
        let quiet = self.now.saturating_since(self.last_event);
        let pause = (quiet / 16).max(Duration::from_millis(1));
        let at = self.now + pause;
        Instant::from_millis(at.as_nanos() / 1_000_000)
    }
}

impl Machine<Payload> for Driven {
    fn handle_event(&mut self, now: Instant, event: Event<Payload>) {
        self.news.push(match event {
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
                News::Answer(call, outcome)
            }
            Event::Shutdown => News::Stop,
            event => News::Event(event),
        });
        self.note(now);
        self.last_event = self.now;
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.note(now);
    }

    /// Returns the next command. What reached the process since the last one happened at once: its
    /// client gives it an event together with its deadline.
    fn poll_command(&mut self) -> Option<Command<Payload>> {
        if std::mem::take(&mut self.was_called) && !self.closed {
            self.run();
        }
        self.outbox.pop()
    }

    /// Returns when the driver's timer fires, or that of a handler may. One that the driver let
    /// pass comes no more. The metrics alone need no call: they are brought up to date with the
    /// next one.
    fn poll_timeout(&self) -> Option<Instant> {
        if self.closed {
            return None;
        }
        let timers = self.driver_due().into_iter().chain(self.look_at);
        timers.filter(|at| *at > self.now).min()
    }
}

/// Waits until the driver is asked to stop.
async fn asked_to_stop(stopped: oneshot::Receiver<()>) {
    if stopped.await.is_err() {
        std::future::pending().await
    }
}

/// Builds a runtime with one thread and a clock that stands still; before it would wait, it tells
/// that it is idle.
fn paused_runtime(rest: Rest) -> Runtime {
    Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .on_thread_park(move || rest.note_idle())
        .build()
        .expect("a runtime without sockets needs nothing of the system")
}
