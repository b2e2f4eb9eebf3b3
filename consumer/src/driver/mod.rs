//! Carries events from the client to the core, and commands back.

mod failures;
mod handlers;

use crate::driver::failures::Failures;
use crate::driver::handlers::{Call, Finished, Handlers};
use crate::health::{self, Health, Phase, Report};
use crate::metrics::Metrics;
use crate::{ClientError, GroupClient, Handler, HandlerError, Message};
use plimsoll_core::{Command, CommitOutcome, Config, Consumer, Event, Instant, Machine};
use std::collections::VecDeque;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::Sleep;
use tracing::Instrument;

/// The time between two updates of the metrics.
const METRICS_INTERVAL: Duration = Duration::from_millis(500);

/// The time between two questions for the ends of logs.
const LOG_ENDS_INTERVAL: Duration = Duration::from_secs(2);

/// The longest time for which commands are carried out before other events, and other tasks of the
/// same runtime, get their turn.
const TURN: Duration = Duration::from_millis(2);

/// The longest time for which partitions that are given up wait for a handler that was stopped and
/// does not end: it blocks its thread, or something that it started goes on.
const PATIENCE: Duration = Duration::from_secs(5);

/// Drives a client, the core and a handler until it is asked to stop.
///
/// [`Consumer::run`](crate::Consumer::run) does this for the client over librdkafka; use it with
/// a [`GroupClient`] of your own:
///
/// ```no_run
/// # use plimsoll::{Config, ClientError, Driver, GroupClient, Handler};
/// # async fn example(client: impl GroupClient, handler: impl Handler) -> Result<(), ClientError> {
/// let driver = Driver::new(client, handler, Config::default());
/// driver.run(plimsoll::shutdown::signal()).await
/// # }
/// ```
#[derive(Debug)]
pub struct Driver<C, H, M = Consumer<Message>> {
    client: C,
    handler: H,
    core: M,
    health: Health,
}

impl<C: GroupClient, H: Handler> Driver<C, H> {
    /// Creates a driver that has not begun. A configuration that does not pass [`Config::validate`]
    /// is [clamped](Config::clamped).
    pub fn new(client: C, handler: H, config: Config) -> Self {
        Self::with_core(client, handler, Consumer::new(config))
    }
}

impl<C: GroupClient, H: Handler, M: Core> Driver<C, H, M> {
    /// Creates a driver of a core that has something around it, and has not begun.
    pub fn with_core(client: C, handler: H, core: M) -> Self {
        Self {
            client,
            handler,
            core,
            health: Health::default(),
        }
    }

    /// Has the driver tell its state by this handle.
    #[must_use]
    pub fn with_health(mut self, health: Health) -> Self {
        self.health = health;
        self
    }

    /// Consumes until `shutdown` is ready; then finishes what is in flight, commits, and leaves
    /// the group.
    ///
    /// The handlers have [`Config::shutdown_deadline`] to end, and the last commit what is left of
    /// [`Config::longest_shutdown`]. What was stopped and does not end, because it blocks its thread
    /// for example, is waited for up to five seconds more: the next owner would work beside it. Then
    /// the client has its own time to leave the group; the one over librdkafka takes up to ten
    /// seconds where brokers do not answer, since without a word the partitions would stand still
    /// for the session timeout.
    ///
    /// Dropping the future stops at once, like a crash: what is finished and not committed will be
    /// handled again.
    ///
    /// # Errors
    /// Fails where the client cannot go on.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Result<(), ClientError> {
        let handler = Arc::new(self.handler);
        let call = move |message: Message, share: Option<Arc<H>>| {
            let handler = share.unwrap_or_else(|| Arc::clone(&handler));
            let span = tracing::debug_span!(
                "handle",
                topic = message.topic(),
                partition = message.partition(),
                offset = message.offset(),
                attempt = message.attempt(),
            );
            async move { (handler.handle(message).await, handler) }.instrument(span)
        };
        let running = Running {
            metrics: Metrics::new(self.client.group()),
            health: health::Running(self.health),
            client: self.client,
            core: self.core,
            handlers: Handlers::new(call),
            failures: Failures::default(),
            held: VecDeque::new(),
            update_at: Instant::ZERO,
            ask_at: Instant::ZERO,
            origin: tokio::time::Instant::now(),
        };
        running.run(shutdown).await
    }
}

/// The core, or something around it that watches or changes what passes.
pub trait Core: Machine<Message> {
    /// Returns the core, for metrics and logs.
    fn consumer(&self) -> &Consumer<Message>;
}

impl Core for Consumer<Message> {
    fn consumer(&self) -> &Consumer<Message> {
        self
    }
}

/// A driver that has begun. `S` calls the handler, `F` is the future that the call returns, with the
/// share `T` of the handler that it had.
struct Running<C, M, S, F, T> {
    client: C,
    core: M,
    handlers: Handlers<S, F, T>,
    failures: Failures,
    /// The commands that wait for handlers that were stopped, each with the time until which it
    /// does.
    held: VecDeque<(Command<Message>, Instant)>,
    metrics: Metrics,
    health: health::Running,
    /// The moment at which the metrics are brought up to date next.
    update_at: Instant,
    /// The moment from which the ends of logs are asked for again.
    ask_at: Instant,
    /// The moment from which the core's time is counted.
    origin: tokio::time::Instant,
}

/// An occurrence since the last turn.
enum News {
    /// Nothing but that time passed.
    None,
    Event(Event<Message>),
    Finished(Finished),
}

/// The end of a turn.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// With nothing left to do.
    Done,
    /// At the end of its time, with more to do.
    Unfinished,
    /// With the core's last command.
    Closed,
}

impl<C, M, S, F, T> Running<C, M, S, F, T>
where
    C: GroupClient,
    M: Core,
    S: Fn(Message, Option<T>) -> F,
    F: Future<Output = (Result<(), HandlerError>, T)> + Send + 'static,
{
    async fn run(mut self, shutdown: impl Future<Output = ()>) -> Result<(), ClientError> {
        let mut shutdown = pin!(shutdown);
        let mut stopping = false;
        let mut timer = pin!(tokio::time::sleep(Duration::ZERO));
        let mut news = News::None;
        loop {
            let now = self.now();
            self.take(now, news);
            let turn = std::future::poll_fn(|cx| Poll::Ready(self.take_turn(cx, now))).await;
            if turn == Turn::Closed {
                return self.close().await;
            }
            self.arm(timer.as_mut());
            news = tokio::select! {
                biased;
                () = &mut shutdown, if !stopping => {
                    stopping = true;
                    News::Event(Event::Shutdown)
                }
                event = self.client.next_event() => News::Event(event?.ok_or(ClientError::Ended)?),
                finished = self.handlers.next_finished(), if self.handlers.are_running() => {
                    finished.map_or(News::None, News::Finished)
                }
                () = &mut timer => News::None,
                // A backlog must not keep other events from their turn.
                () = tokio::task::yield_now(), if turn == Turn::Unfinished => News::None,
            };
            tokio::task::coop::consume_budget().await;
        }
    }

    /// Takes what happened, and the results of all handlers that ended, so that none waits behind a
    /// stream of events.
    fn take(&mut self, now: Instant, news: News) {
        match news {
            News::None => {}
            News::Event(event) => self.take_event(now, event),
            News::Finished(finished) => self.take_result(now, finished),
        }
        while self.handlers.are_running()
            && let Some(finished) = self.handlers.try_next_finished()
        {
            self.take_result(now, finished);
        }
    }

    /// Does what is due, and carries out the core's commands, until none is left or the time is up.
    fn take_turn(&mut self, cx: &mut Context<'_>, mut now: Instant) -> Turn {
        self.handle_timeout(now);
        let turn = self.carry_out(cx, &mut now);
        if self.handlers.any_untimed() {
            self.handlers.note_time(self.now().saturating_since(now));
        }
        turn
    }

    fn carry_out(&mut self, cx: &mut Context<'_>, now: &mut Instant) -> Turn {
        let end = *now + TURN;
        while let Some((call, message)) = self.handlers.next_released() {
            *now = self.start(cx, *now, call, message);
        }
        while let Some(command) = self.next_command(*now) {
            match command {
                Command::Dispatch {
                    partition,
                    epoch,
                    attempt,
                    record,
                } => {
                    let call = Call {
                        partition,
                        epoch,
                        offset: record.offset,
                        attempt,
                        deadline: self.deadline(*now),
                    };
                    let last_error = self.failures.get(&call);
                    let message = record.payload.for_attempt(attempt, last_error);
                    *now = self.start(cx, *now, call, message);
                    if *now >= end {
                        return Turn::Unfinished;
                    }
                }
                Command::Cancel {
                    partition,
                    epoch,
                    offset,
                } => {
                    let had_begun = self.handlers.cancel(partition, epoch, offset);
                    if self.core.consumer().is_unfinished(partition, epoch, offset) {
                        self.failures.timed_out(partition, epoch, offset, had_begun);
                    }
                }
                Command::Close => {
                    self.client.submit(Command::Close);
                    return Turn::Closed;
                }
                command => self.submit(command),
            }
        }
        Turn::Done
    }

    /// Starts a handler; returns the time after it. That of brief ones is taken for a few together:
    /// the clock costs as much as they do.
    fn start(
        &mut self,
        cx: &mut Context<'_>,
        now: Instant,
        call: Call,
        message: Message,
    ) -> Instant {
        let result = self.handlers.start(cx, call, message);
        let mut after = now;
        if self.handlers.are_to_be_timed() {
            after = self.now();
            self.handlers.note_time(after.saturating_since(now));
        }
        if let Some(result) = result {
            self.take_result(after, Finished { call, result });
        }
        after
    }

    /// Does what is due. It is asked for at each turn, so that no stream of events holds it up.
    fn handle_timeout(&mut self, now: Instant) {
        if self.core.poll_timeout().is_some_and(|due| due <= now) {
            self.core.handle_timeout(now);
        }
        if self.update_at <= now {
            self.update_metrics(now);
        }
    }

    /// Takes the next command. One that gives partitions up waits until all handlers that were
    /// stopped have ended, or the next owner would work beside them; others pass it meanwhile.
    fn next_command(&mut self, now: Instant) -> Option<Command<Message>> {
        loop {
            if let Some((_, until)) = self.held.front() {
                let in_time = *until > now;
                if self.handlers.ending() == 0 || !in_time {
                    if !in_time {
                        tracing::error!("a handler that was stopped does not end: is it blocked?");
                    }
                    return self.held.pop_front().map(|(command, _)| command);
                }
            }
            let command = self.core.poll_command()?;
            let gives_up = matches!(command, Command::CompleteRevoke { .. } | Command::Close);
            if !gives_up || (self.handlers.ending() == 0 && self.held.is_empty()) {
                return Some(command);
            }
            self.held.push_back((command, now + PATIENCE));
        }
    }

    fn submit(&mut self, mut command: Command<Message>) {
        if let Command::Seek {
            partition,
            epoch,
            position,
        } = command
        {
            self.failures.forget_from(partition, epoch, position);
        }
        if let Command::DeadLetter {
            partition,
            epoch,
            record,
            attempts,
            reason,
        } = &mut command
        {
            let error = self.failures.last(*partition, *epoch, record.offset);
            tracing::warn!(
                topic = record.payload.topic(),
                partition = partition.partition,
                offset = record.offset.get(),
                attempts,
                ?reason,
                error = error.as_deref(),
                "a message goes to the dead-letter topic"
            );
            record.payload = record.payload.clone().for_attempt(*attempts, error);
        }
        self.client.submit(command);
    }

    fn take_event(&mut self, now: Instant, event: Event<Message>) {
        match &event {
            Event::Assigned { partitions, .. } => {
                tracing::info!(partitions = partitions.len(), "partitions assigned");
            }
            Event::Revoked { partitions, .. } => {
                tracing::info!(partitions = partitions.len(), "partitions revoked");
            }
            Event::Lost { partitions, .. } => tracing::warn!(
                partitions = partitions.len(),
                "partitions lost: what was finished and not committed will be handled again"
            ),
            Event::OutOfRange {
                partition,
                position,
                log_start,
                high_watermark,
                ..
            } => tracing::warn!(
                topic = self.client.topic(partition.topic),
                partition = partition.partition,
                %position,
                %log_start,
                %high_watermark,
                policy = ?self.core.consumer().config().out_of_range,
                "the position is outside of what the partition holds"
            ),
            Event::CommitFinished { outcome, .. } => match outcome {
                CommitOutcome::Ok => {}
                CommitOutcome::Failed => tracing::debug!("a commit was refused"),
                CommitOutcome::Unknown => tracing::debug!("a commit has no known outcome"),
            },
            Event::DeadLettered {
                partition,
                epoch,
                offset,
                acknowledged: true,
            } => self.failures.forget(*partition, *epoch, *offset),
            Event::DeadLettered { .. }
            | Event::DeadLetterRefused { .. }
            | Event::Fetched { .. }
            | Event::Passed { .. }
            | Event::Processed { .. }
            | Event::Shutdown => {}
        }
        self.core.handle_event(now, event);
    }

    fn take_result(&mut self, now: Instant, Finished { call, result }: Finished) {
        let topic = || self.client.topic(call.partition.topic);
        let outcome = self.failures.note(&call, topic, result);
        let event = Event::Processed {
            partition: call.partition,
            epoch: call.epoch,
            offset: call.offset,
            attempt: call.attempt,
            outcome,
        };
        self.core.handle_event(now, event);
    }

    /// Arms the timer for what is due next.
    fn arm(&self, timer: Pin<&mut Sleep>) {
        let held = self.held.front().map(|(_, until)| *until);
        let due = self.core.poll_timeout().into_iter().chain(held).min();
        let due = due.map_or(self.update_at, |due| due.min(self.update_at));
        let due = self.origin + due.since_start();
        if timer.deadline() != due || timer.is_elapsed() {
            timer.reset(due);
        }
    }

    fn update_metrics(&mut self, now: Instant) {
        self.update_at = now + METRICS_INTERVAL;
        self.failures.prune(self.core.consumer());
        let ending = self.handlers.ending();
        self.metrics
            .update(now, self.core.consumer(), ending, &self.client);
        self.health.0.set(self.report());
        if self.ask_at <= now {
            let partitions: Vec<_> = self.core.consumer().partitions().collect();
            if !partitions.is_empty() {
                self.ask_at = now + LOG_ENDS_INTERVAL;
                self.client.ask_log_ends(partitions);
            }
        }
    }

    fn report(&self) -> Report {
        let mut report = Report {
            phase: Phase::Running,
            group_unavailable: self.client.is_group_unavailable(),
            ..Report::default()
        };
        for status in self.core.consumer().partitions() {
            report.partitions += 1;
            let id = status.partition;
            if status.halted || self.client.is_failing(id) {
                let topic = self.client.topic(id.topic).unwrap_or_default();
                report.standing_still.push((topic.to_owned(), id.partition));
            }
        }
        let topics = (0..).map_while(|number| Some((number, self.client.topic(number)?)));
        let unavailable = topics.filter(|(number, _)| self.client.is_unavailable(*number));
        report.unavailable_topics = unavailable.map(|(_, name)| name.to_owned()).collect();
        report
    }

    /// Ends the run, once the core has closed: stops the handlers, of which only cancelled ones are
    /// left, and lets the client leave the group.
    async fn close(mut self) -> Result<(), ClientError> {
        self.handlers.abort();
        self.update_metrics(self.now());
        while self.client.next_event().await?.is_some() {}
        tracing::info!("left the group");
        Ok(())
    }

    /// Returns when a handler that is called now is stopped at the latest.
    fn deadline(&self, now: Instant) -> Option<tokio::time::Instant> {
        let deadline = self.core.consumer().config().handler_deadline?;
        self.origin.checked_add((now + deadline).since_start())
    }

    fn now(&self) -> Instant {
        let nanos = self.origin.elapsed().as_nanos();
        Instant::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}
