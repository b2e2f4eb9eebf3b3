//! The sink: the HTTP endpoint that handlers write to, and that answers with their outcome.
//!
//! A subject sends `POST /consumer-1` with `{"topic": ..., "partition": ..., "offset": ...}`. What
//! the answer is, and when it comes, follows from the seed, the message and the attempt, which the
//! sink counts: the same as in the simulator. An effect is written the moment before it is
//! answered.

use crate::lock::lock;
use crate::log::StoredMessage;
use crate::world::World;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::{Json, Router};
use plimsoll_core::{Instant, Offset, Outcome, TopicPartition};
use plimsoll_oracle::{FaultId, MemberId, MessageId, TraceEvent};
use plimsoll_scenarios::Plan;
use plimsoll_scenarios::scenario::{Fate, outage_hits};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Notify;

/// The longest wait for the reader of the topics to read a record.
const RECORD_READ: Duration = Duration::from_secs(30);

/// A handler that reaches the sink within this time after its member learned of a revocation may
/// have begun before it: the trace then has its answer alone.
const CROSSING: Duration = Duration::from_secs(1);

/// The header of an answer that asks Plimsoll's own member for a real panic.
pub(crate) const PANIC_HEADER: &str = "plimsoll-panic";

/// The sink: the handlers at work, and what disturbs them.
#[derive(Debug)]
pub(crate) struct Sink {
    state: Mutex<SinkState>,
    /// Notified when hangs end and when processes die.
    changed: Notify,
}

#[derive(Debug, Default)]
struct SinkState {
    fates: BTreeMap<MessageId, Fate>,
    attempts: BTreeMap<MessageId, u32>,
    running: Vec<Running>,
    next: u64,
    /// The member that tried a message last, by message.
    tried_by: BTreeMap<MessageId, MemberId>,
    members: Vec<MemberState>,
    outages: Vec<Outage>,
}

/// How a member's handlers are disturbed.
#[derive(Clone, Debug)]
struct MemberState {
    /// The factor by which the handlers take longer.
    slow: u32,
    /// The number of hangs. A handler that begins while there is one does not come back before all
    /// have ended.
    hanging: u32,
}

/// A handler at work.
#[derive(Clone, Copy, Debug)]
struct Running {
    id: u64,
    member: MemberId,
    partition: TopicPartition,
    offset: Offset,
    attempt: u32,
    outcome: Answer,
}

/// The answer that a handler will get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    /// This outcome.
    Outcome(Outcome),
    /// No answer until the hang ends, and then a failure.
    Hang,
    /// No answer, ever.
    Never,
}

#[derive(Clone, Copy, Debug)]
struct Outage {
    fault: FaultId,
    outcome: Outcome,
    share: f64,
}

impl Sink {
    /// Makes a sink that has seen nothing.
    pub(crate) fn new(plan: &Plan) -> Self {
        let calm = MemberState {
            slow: 1,
            hanging: 0,
        };
        // A message after the healing is not listed: its handler succeeds.
        let messages = plan.messages.iter();
        let state = SinkState {
            fates: messages.map(|m| (m.id, m.fate)).collect(),
            members: vec![calm; plan.starts.len()],
            ..SinkState::default()
        };
        Self {
            state: Mutex::new(state),
            changed: Notify::new(),
        }
    }

    /// Counts the handlers of a partition that are at work for a member.
    pub(crate) fn in_flight(&self, member: MemberId, partition: TopicPartition) -> u32 {
        let state = lock(&self.state);
        let running = state.running.iter();
        running
            .filter(|r| r.member == member && r.partition == partition)
            .count() as u32
    }

    /// Returns whether no handler is at work, but for those that hang for ever.
    pub(crate) fn is_idle(&self) -> bool {
        let state = lock(&self.state);
        state.running.iter().all(|r| r.outcome == Answer::Never)
    }

    /// Returns the member that tried a message last: a dead letter does not name its member.
    pub(crate) fn tried_by(&self, message: MessageId) -> Option<MemberId> {
        lock(&self.state).tried_by.get(&message).copied()
    }

    /// Makes a member's handlers take `factor` times as long.
    pub(crate) fn slow(&self, member: MemberId, factor: u32) {
        self.with(member, |state| state.slow = factor.max(1));
    }

    /// Makes those of a member's handlers hang that begin from now on.
    pub(crate) fn hang(&self, member: MemberId) {
        self.with(member, |state| state.hanging += 1);
    }

    /// Ends a hang: the handlers that hung come back now, with an error.
    pub(crate) fn unhang(&self, member: MemberId) {
        self.with(member, |state| {
            state.hanging = state.hanging.saturating_sub(1);
        });
        let mut state = lock(&self.state);
        if state.members[member.0 as usize].hanging == 0 {
            let running = state.running.iter_mut();
            for running in running.filter(|r| r.member == member && r.outcome == Answer::Hang) {
                running.outcome = Answer::Outcome(Outcome::Retryable);
            }
        }
        drop(state);
        self.changed.notify_waiters();
    }

    /// Makes a share of all attempts fail from now on.
    pub(crate) fn begin_outage(&self, fault: FaultId, outcome: Outcome, share: f64) {
        lock(&self.state).outages.push(Outage {
            fault,
            outcome,
            share,
        });
    }

    /// Ends an outage.
    pub(crate) fn end_outage(&self, fault: FaultId) {
        lock(&self.state).outages.retain(|o| o.fault != fault);
    }

    /// Forgets the handlers of a process that died; returns what the trace says of them.
    pub(crate) fn kill(&self, member: MemberId) -> Vec<TraceEvent> {
        let mut state = lock(&self.state);
        let (dead, alive) = std::mem::take(&mut state.running)
            .into_iter()
            .partition::<Vec<_>, _>(|running| running.member == member);
        state.running = alive;
        drop(state);
        self.changed.notify_waiters();
        dead.iter().map(stopped).collect()
    }

    /// Begins a handler; returns it and the time that it takes.
    fn start(
        &self,
        plan: &Plan,
        call: (MemberId, TopicPartition, Offset),
        record: StoredMessage,
    ) -> (Running, Duration) {
        let (member, partition, offset) = call;
        let mut state = lock(&self.state);
        state.tried_by.insert(record.message, member);
        let attempts = state.attempts.entry(record.message).or_default();
        *attempts += 1;
        let attempt = *attempts;
        let fate = state
            .fates
            .get(&record.message)
            .copied()
            .unwrap_or_default();
        let outcome = match fate.outcome(attempt) {
            None => Answer::Never,
            Some(_) if state.members[member.0 as usize].hanging > 0 => Answer::Hang,
            Some(Outcome::Ok) => {
                let mut outages = state.outages.iter();
                let hit = outages.find(|outage| {
                    let Outage { fault, share, .. } = **outage;
                    outage_hits(plan.seed, fault, record.message, attempt, share)
                });
                Answer::Outcome(hit.map_or(Outcome::Ok, |outage| outage.outcome))
            }
            Some(outcome) => Answer::Outcome(outcome),
        };
        let running = Running {
            id: state.next,
            member,
            partition,
            offset,
            attempt,
            outcome,
        };
        state.next += 1;
        state.running.push(running);
        let takes = match fate {
            Fate::Undecodable => Duration::ZERO,
            _ => {
                let handler = &plan.settings.handler;
                handler.duration(plan.seed, record.message, attempt)
                    * state.members[member.0 as usize].slow
            }
        };
        (running, takes)
    }

    /// Waits until the handler's outcome is known, and returns it; `None` where its process died.
    async fn answer(&self, id: u64) -> Option<Outcome> {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let running = self.find(id)?;
            if let Answer::Outcome(outcome) = running.outcome {
                return Some(outcome);
            }
            changed.await;
        }
    }

    fn find(&self, id: u64) -> Option<Running> {
        let state = lock(&self.state);
        state.running.iter().find(|r| r.id == id).copied()
    }

    /// Takes a handler out; returns `None` where it was stopped before.
    fn take(&self, id: u64) -> Option<Running> {
        let mut state = lock(&self.state);
        let index = state.running.iter().position(|r| r.id == id)?;
        Some(state.running.swap_remove(index))
    }

    fn with<T>(&self, member: MemberId, change: impl FnOnce(&mut MemberState) -> T) -> Option<T> {
        let mut state = lock(&self.state);
        state.members.get_mut(member.0 as usize).map(change)
    }
}

fn stopped(running: &Running) -> TraceEvent {
    TraceEvent::HandlerStopped {
        member: running.member,
        partition: running.partition,
        offset: running.offset,
        attempt: running.attempt,
    }
}

/// A call of the sink; further fields are ignored.
#[derive(Debug, Deserialize)]
struct Call {
    topic: String,
    partition: u32,
    offset: u64,
}

/// The answer to a call: a status, headers, and a sentence for people.
type Reply = (StatusCode, HeaderMap, String);

/// Serves the sink until the run ends.
pub(crate) async fn serve(world: Arc<World>, listener: TcpListener) {
    let router = Router::new()
        .route("/{member}", post(handle))
        .with_state(world);
    if let Err(error) = axum::serve(listener, router).await {
        tracing::error!(%error, "the sink ended");
    }
}

/// Answers one call.
async fn handle(
    State(world): State<Arc<World>>,
    Path(member): Path<String>,
    Json(call): Json<Call>,
) -> Reply {
    let members = (0..world.plan.starts.len() as u32).map(MemberId);
    let Some(member) = members.into_iter().find(|id| id.to_string() == member) else {
        return refuse(
            StatusCode::NOT_FOUND,
            format!("there is no member {member}"),
        );
    };
    let Some(partition) = world.names.partition(&call.topic, call.partition) else {
        let text = format!("{} is not a topic of this run", call.topic);
        return refuse(StatusCode::NOT_FOUND, text);
    };
    let offset = Offset::new(call.offset);
    let Some(record) = world.log.wait_for(partition, offset, RECORD_READ).await else {
        let text = format!("{}-{} has no record {offset}", call.topic, call.partition);
        return refuse(StatusCode::NOT_FOUND, text);
    };
    let Some((outcome, panics)) = work(&world, member, partition, offset, record).await else {
        // The client of this answer died with its process.
        return refuse(StatusCode::GONE, "the process died".into());
    };
    let status = match outcome {
        Outcome::Ok => StatusCode::OK,
        Outcome::Retryable => StatusCode::SERVICE_UNAVAILABLE,
        Outcome::Permanent => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let mut headers = HeaderMap::new();
    if panics {
        headers.insert(PANIC_HEADER, axum::http::HeaderValue::from_static("true"));
    }
    (status, headers, String::new())
}

/// Does a handler's work: begins, takes its time, and writes the effect. Returns the outcome and
/// whether the handler is to panic; `None` where its process died.
async fn work(
    world: &Arc<World>,
    member: MemberId,
    partition: TopicPartition,
    offset: Offset,
    record: StoredMessage,
) -> Option<(Outcome, bool)> {
    let (running, takes) = world
        .sink
        .start(&world.plan, (member, partition, offset), record);
    // The subject may go away at any time: then axum drops this future.
    let guard = Guard {
        world,
        id: running.id,
    };
    if !crosses_revocation(world, member, partition) {
        world.observe(TraceEvent::HandlerStarted {
            member,
            partition,
            offset,
            message: record.message,
            attempt: running.attempt,
        });
    }
    tokio::time::sleep(takes).await;
    let outcome = world.sink.answer(running.id).await?;
    world.sink.take(running.id)?;
    drop(guard);
    world.observe(TraceEvent::Effect {
        member,
        partition,
        offset,
        message: record.message,
        key: record.key,
        attempt: running.attempt,
        outcome,
    });
    world.effect_written(member);
    let planned = world.message(record.message);
    let panics = planned.is_some_and(|m| matches!(m.fate, Fate::Panic(_)));
    Some((outcome, panics && outcome == Outcome::Retryable))
}

/// Returns whether the member has only just learned that the partition goes, or stood still since.
fn crosses_revocation(world: &World, member: MemberId, partition: TopicPartition) -> bool {
    let revoked: Option<Instant> = world.membership.revoked_at(member, partition);
    let resumed = world.processes.resumed_at(member);
    revoked.is_some_and(|revoked| world.now() - revoked.max(resumed) < CROSSING)
}

fn refuse(status: StatusCode, text: String) -> Reply {
    tracing::warn!(%status, "the sink refused a call: {text}");
    (status, HeaderMap::new(), text)
}

/// A guard that notes, when it is dropped, that a handler was stopped before its end.
struct Guard<'a> {
    world: &'a Arc<World>,
    id: u64,
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if let Some(running) = self.world.sink.take(self.id) {
            self.world.observe(stopped(&running));
        }
    }
}
