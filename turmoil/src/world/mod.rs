//! The world of a run: the trace, and all that is not a process of a member. Tasks come to it one
//! by one, and nobody holds it while waiting.
//!
//! What happens stands in the trace, and has done what faults make of it, before the part that it
//! happened to goes on: an effect is written, its process dies, and no result reaches it.

mod brokers;
mod faults;
mod handlers;
mod inside;
mod members;
mod observed;
mod processes;
mod situation;

pub(crate) use brokers::{DEAD_LETTERS, PORT, kind};
pub(crate) use handlers::Begun;
pub(crate) use observed::key_of;

use crate::Parts;
use crate::clock::Clock;
use brokers::Brokers;
use handlers::Handlers;
use plimsoll_core::{Instant, NextOffset, Offset, TopicPartition};
use plimsoll_oracle::{ErrorName, MemberId, MessageId, RequestKind, Trace, TraceEvent};
use plimsoll_scenarios::Plan;
use plimsoll_scenarios::scenario::Moment;
use plimsoll_scenarios::schedule::{Done, FaultIndex, FaultSchedule, ProcessId};
use processes::Process;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use tokio::sync::Notify;

/// The world of a run.
pub(crate) struct World {
    plan: Arc<Plan>,
    parts: Parts,
    clock: Clock,
    trace: Trace,
    schedule: FaultSchedule,
    timers: BTreeSet<(Instant, FaultIndex)>,
    /// The processes that a rolling restart has stopped and that are not back.
    restarting: Vec<(FaultIndex, ProcessId)>,
    /// The processes that are gone, and the times at which others take their places.
    absent: Vec<(Instant, ProcessId)>,
    /// Number of absences so far.
    absences: u32,
    brokers: Brokers,
    handlers: Handlers,
    processes: Vec<Process>,
    /// The owners of partitions, as they see it; of several, the last one got it last.
    owners: BTreeMap<TopicPartition, Vec<MemberId>>,
    /// The positions of members that were refused, until they move.
    positions: BTreeMap<(MemberId, TopicPartition), NextOffset>,
    /// The messages that became readable.
    stored: BTreeMap<(TopicPartition, Offset), MessageId>,
    /// The offsets in commits that reached their brokers when their connections were closed.
    late: BTreeSet<(MemberId, TopicPartition, NextOffset)>,
    /// By member: the error with which a broker refused its last commit.
    refused: Vec<Option<ErrorName>>,
    /// Whether the producer is done with every message so far that must come.
    is_produced: bool,
    /// The way to itself, for the tasks of new processes.
    own: Weak<Mutex<World>>,
    activity: Arc<Notify>,
}

/// The way to the world, for all tasks.
#[derive(Clone)]
pub(crate) struct Shared {
    world: Arc<Mutex<World>>,
    /// Wakes the task that does what is due.
    activity: Arc<Notify>,
    clock: Clock,
}

impl Shared {
    /// Makes the world of a plan, before anything happens, within its runtime.
    pub(crate) fn new(plan: Arc<Plan>, parts: Parts, clock: Clock) -> Self {
        let brokers = Brokers::new(&plan);
        let members = plan.starts.len();
        let activity = Arc::<Notify>::default();
        let world = Arc::new_cyclic(|own| {
            Mutex::new(World {
                parts,
                clock,
                trace: Trace::new(),
                schedule: FaultSchedule::new(&plan),
                timers: BTreeSet::new(),
                restarting: Vec::new(),
                absent: Vec::new(),
                absences: 0,
                brokers,
                handlers: Handlers::new(&plan),
                processes: (0..members).map(|_| Process::default()).collect(),
                owners: BTreeMap::new(),
                positions: BTreeMap::new(),
                stored: BTreeMap::new(),
                late: BTreeSet::new(),
                refused: vec![None; members],
                is_produced: false,
                own: own.clone(),
                activity: activity.clone(),
                plan,
            })
        });
        Self {
            world,
            activity,
            clock,
        }
    }

    /// Does something with the world, and wakes the task that does what follows.
    pub(crate) fn with<R>(&self, act: impl FnOnce(&mut World) -> R) -> R {
        let result = self.at_rest(act);
        self.activity.notify_one();
        result
    }

    /// Does something for a process of a member; `None`: the process is gone. What it says in the
    /// turn in which it died, nobody hears.
    pub(crate) fn of<R>(
        &self,
        (member, process): (MemberId, u64),
        act: impl FnOnce(&mut World) -> R,
    ) -> Option<R> {
        self.with(|world| world.is_at_work(member, process).then(|| act(world)))
    }

    /// Does something with the world.
    fn at_rest<R>(&self, act: impl FnOnce(&mut World) -> R) -> R {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        let result = act(&mut world);
        world.hear();
        result
    }

    /// Does what is due at its time, for as long as it is polled.
    pub(crate) async fn conduct(self) {
        loop {
            let next = self.at_rest(|world| {
                world.handle_timeout();
                // What is heard may make more due.
                world.hear();
                world.next_at()
            });
            tokio::select! {
                biased;
                () = self.activity.notified() => {}
                () = self.clock.sleep_until(next) => {}
            }
        }
    }
}

impl World {
    /// Begins: sets the timers of the faults that have a time.
    pub(crate) fn begin(&mut self) {
        let faults = self.schedule.faults();
        faults.for_each(|fault| self.drive(fault));
    }

    /// Returns the time.
    pub(crate) fn now(&self) -> Instant {
        self.clock.now()
    }

    /// Returns the way to itself; `None`: the run is over.
    fn shared(&self) -> Option<Shared> {
        Some(Shared {
            world: self.own.upgrade()?,
            activity: self.activity.clone(),
            clock: self.clock,
        })
    }

    /// Takes the trace out, at the end.
    pub(crate) fn take_trace(&mut self) -> Trace {
        std::mem::take(&mut self.trace)
    }

    /// Writes an entry of the trace, and begins the faults that waited for it.
    pub(crate) fn observe(&mut self, event: TraceEvent) {
        let now = self.now();
        self.trace.push(now, event);
        if !self.schedule.is_waiting() {
            return;
        }
        for fault in self.schedule.faults() {
            if self.schedule.handle_observation(now, fault, &event) {
                self.drive(fault);
            }
        }
    }

    /// Takes in that a request has left a member, and has not arrived.
    pub(crate) fn sent(&mut self, member: MemberId, kind: RequestKind) {
        if kind == RequestKind::OffsetCommit {
            self.observe(TraceEvent::CommitSent { member });
        }
        if !self.schedule.waits_for_moments() {
            return;
        }
        let now = self.now();
        for fault in self.schedule.faults() {
            let sent = Moment::Sent(kind);
            if self.schedule.handle_moment(now, fault, member, sent) {
                self.drive(fault);
            }
        }
    }

    /// Notes whether the producer is done with every message so far that must come.
    pub(crate) fn note_produced(&mut self, is_produced: bool) {
        self.is_produced = is_produced;
    }

    /// Does what is due by now.
    fn handle_timeout(&mut self) {
        let now = self.now();
        self.brokers.handle_timeout(now);
        self.hear();
        while let Some(handler) = self.handlers.due(now) {
            self.handler_done(handler);
        }
        while let Some((at, fault)) = self.timers.first().copied()
            && at <= now
        {
            self.timers.pop_first();
            self.schedule.handle_timeout(fault);
            self.drive(fault);
        }
        self.start_due(now);
        while let Some(fault) = self.take_restarted() {
            self.schedule.handle_done(fault, Done::Changed);
            self.drive(fault);
        }
    }

    /// Returns when something is due next.
    fn next_at(&self) -> Option<Instant> {
        let timer = self.timers.first().map(|(at, _)| *at);
        let back = self.absent.iter().map(|(at, _)| *at).min();
        let all = [
            self.brokers.poll_timeout(),
            self.handlers.next_at(),
            timer,
            back,
        ];
        all.into_iter().flatten().min()
    }
}

/// The end of a run.
impl World {
    /// Ends all faults, starts what is to run, and begins the liveness phase.
    pub(crate) fn heal(&mut self) {
        let now = self.now();
        self.brokers.cluster.lose_no_response();
        self.restarting.clear();
        self.absent.clear();
        self.schedule.handle_healing();
        let faults = self.schedule.faults();
        faults.for_each(|fault| self.drive(fault));
        self.brokers.heal(now);
        for member in (0..self.processes.len() as u32).map(MemberId) {
            if self.schedule.has_joined(member) {
                self.restart_if_down(member);
            }
        }
        self.observe(TraceEvent::Healed);
    }

    /// Returns the group's generation, if it is stable with all members that run.
    pub(crate) fn stable_generation(&self) -> Option<i32> {
        let running = self.processes.iter().filter(|process| process.runs());
        let group = &self.plan.settings.consumers.group;
        let cluster = &self.brokers.cluster;
        cluster.stable_generation(group, running.count())
    }

    /// Returns whether everything is produced, handled and committed.
    pub(crate) fn is_caught_up(&self) -> bool {
        let is_whole = self.brokers.cluster.is_whole();
        self.is_produced && is_whole && self.handlers.are_idle() && self.lag() == 0
    }

    /// Returns the number of readable records that the group has not committed.
    pub(crate) fn lag(&self) -> u64 {
        self.brokers.lag(&self.plan)
    }
}
