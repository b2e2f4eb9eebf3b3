//! A scenario that plays on the wall clock: its topics, its messages, and its faults.
//!
//! When faults begin and end is decided by the schedule that every backend has. The consumers come
//! from outside: what a scenario does to its members is told as not played, what it does to the
//! network of one of them is done to that of all clients, and what it does to its group, to all
//! groups.

mod act;
mod host;

use crate::control::Control;
use crate::inside::Producer;
use crate::network::NetworkFault;
use crate::trace::Event;
use crate::world::World;
use host::PlayHost;
use plimsoll_core::{Instant, NextOffset, Offset, TopicPartition};
use plimsoll_oracle::{BrokerId, MemberId, MessageId, RequestKind, TraceEvent, Word as _};
use plimsoll_scenarios::Plan;
use plimsoll_scenarios::scenario::{Fault, Moment};
use plimsoll_scenarios::schedule::{Done, FaultIndex, FaultSchedule, ProcessId, Situation, Step};
use plimsoll_sim::served::{BrokerState, Report, in_plan, kafka_id};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The member by which the schedule names all clients.
const CLIENTS: MemberId = MemberId(0);

/// A plan that plays.
pub(crate) struct Play {
    /// The plan, with the faults that are played.
    plan: Arc<Plan>,
    host: PlayHost,
    schedule: FaultSchedule,
    timers: BTreeSet<(Instant, FaultIndex)>,
    /// The brokers that a rolling restart has stopped and that are not back.
    restarting: Vec<(FaultIndex, BrokerId)>,
    /// What faults do to the network.
    network: BTreeMap<FaultIndex, NetworkFault>,
    /// The answers that are to be lost, each with the member that the scenario names.
    losses: Vec<(MemberId, RequestKind)>,
    is_healed: bool,
}

impl Play {
    /// Makes the play of a plan. Returns it with the faults that are not played, and why.
    pub(crate) fn new(mut plan: Plan, control: Control) -> (Self, Vec<Event>) {
        let mut unplayed = Vec::new();
        let faults = std::mem::take(&mut plan.faults);
        for fault in faults {
            match act::impossible(&fault) {
                Some(reason) => unplayed.push(Event::FaultNotPlayed {
                    fault: line(&plan, &fault),
                    reason: reason.into(),
                }),
                None => plan.faults.push(fault),
            }
        }
        let play = Self {
            schedule: FaultSchedule::new(&plan),
            plan: Arc::new(plan),
            host: PlayHost::new(control),
            timers: BTreeSet::new(),
            restarting: Vec::new(),
            network: BTreeMap::new(),
            losses: Vec::new(),
            is_healed: false,
        };
        (play, unplayed)
    }

    /// Returns the moment of the next thing that it does, counted as the plan does.
    fn next_in_plan(&self) -> Option<Instant> {
        let heal = (!self.is_healed).then_some(self.plan.heal_at);
        let timer = self.timers.first().map(|(at, _)| *at);
        [heal, timer].into_iter().flatten().min()
    }

    /// Returns the moment of the next thing that it does.
    pub(crate) fn next_at(&self, began: Instant) -> Option<Instant> {
        self.next_in_plan().map(|at| began + at.since_start())
    }
}

/// Returns a fault as the scenario's file says it.
fn line(plan: &Plan, fault: &Fault) -> String {
    fault.in_one_line(&plan.settings.topics)
}

/// Produces all messages of a plan, and tells when it is done.
async fn produce(plan: Arc<Plan>, host: PlayHost) {
    let mut producer = Producer::new(plan.clone(), host.clone());
    let failed = producer.produce(&plan.messages).await;
    host.note(Event::Produced {
        messages: plan.messages.len(),
        failed,
    });
}

impl World {
    /// Begins with a plan, whose topics are there.
    pub(crate) fn begin_play(&mut self, plan: Plan, control: Control) {
        let now = self.began;
        let (play, unplayed) = Play::new(plan, control);
        for event in unplayed {
            self.note(now, event);
        }
        let faults = play.schedule.faults();
        self.play = Some(play);
        faults.for_each(|fault| self.drive(now, fault));
    }

    /// Begins to produce the plan's messages, from a runtime.
    pub(crate) fn begin_messages(&self) {
        if let Some(play) = &self.play {
            tokio::spawn(produce(play.plan.clone(), play.host.clone()));
        }
    }

    /// Does what the scenario has to do by now.
    pub(crate) fn play_until(&mut self, now: Instant) {
        let in_plan = self.in_plan(now);
        while let Some(play) = &mut self.play
            && let Some((at, fault)) = play.timers.first().copied()
            && at <= in_plan
        {
            play.timers.pop_first();
            play.schedule.handle_timeout(fault);
            self.drive(now, fault);
        }
        while let Some(fault) = self.take_restarted() {
            self.done(now, fault, Done::Changed);
        }
        let Some(play) = &mut self.play else {
            return;
        };
        if !play.is_healed && play.plan.heal_at <= in_plan {
            play.is_healed = true;
            play.restarting.clear();
            play.losses.clear();
            play.schedule.handle_healing();
            let faults = play.schedule.faults();
            faults.for_each(|fault| self.drive(now, fault));
            self.cluster.lose_no_response();
            self.note(now, Event::Healed {});
        }
    }

    /// Shows the scenario a request that a client sent, and that has not arrived yet.
    pub(crate) fn sent(&mut self, now: Instant, kind: RequestKind) {
        if self.play.as_ref().is_none_or(|p| !p.schedule.is_waiting()) {
            return;
        }
        if kind == RequestKind::OffsetCommit {
            self.observed(now, TraceEvent::CommitSent { member: CLIENTS });
        }
        self.show(now, |schedule, now, fault| {
            schedule.handle_moment(now, fault, CLIENTS, Moment::Sent(kind))
        });
    }

    /// Shows the scenario what a broker has answered.
    pub(crate) fn accepted(&mut self, now: Instant, event: &Event) {
        let Event::Committed {
            topic,
            partition,
            next,
            generation,
            ..
        } = event
        else {
            return;
        };
        let topics = self.play.iter().flat_map(|play| &play.plan.settings.topics);
        let number = topics
            .map(|topic| &topic.name)
            .position(|name| name == topic);
        let number = number.map_or(u32::MAX, |number| number as u32);
        let committed = TraceEvent::Committed {
            member: CLIENTS,
            partition: TopicPartition::new(number, partition.cast_unsigned()),
            next: NextOffset::new(next.cast_unsigned()),
            generation: *generation,
            rebalancing: false,
        };
        self.observed(now, committed);
    }

    /// Shows the scenario that a message of its own is stored.
    fn acknowledged(
        &mut self,
        now: Instant,
        message: MessageId,
        partition: TopicPartition,
        offset: i64,
    ) {
        let acknowledged = TraceEvent::Acknowledged {
            message,
            partition,
            offset: Offset::new(offset.cast_unsigned()),
        };
        self.observed(now, acknowledged);
    }

    /// Notes that a fault lost the answer to a request.
    pub(crate) fn lost(&mut self, now: Instant, request: RequestKind) {
        let word = request.word().to_owned();
        self.note(now, Event::ResponseLost { request: word });
        let lost = self.play.as_mut().and_then(|play| {
            let mut losses = play.losses.iter();
            let place = losses.position(|(_, kind)| *kind == request)?;
            Some(play.losses.remove(place).0)
        });
        if let Some(member) = lost {
            self.observed(now, TraceEvent::ResponseLost { member, request });
        }
    }

    fn observed(&mut self, now: Instant, event: TraceEvent) {
        self.show(now, |schedule, now, fault| {
            schedule.handle_observation(now, fault, &event)
        });
    }

    /// Shows something to all faults, and drives those that waited for it.
    fn show(
        &mut self,
        now: Instant,
        shown: impl Fn(&mut FaultSchedule, Instant, FaultIndex) -> bool,
    ) {
        let in_plan = self.in_plan(now);
        let faults = self.play.as_ref().map(|play| play.schedule.faults());
        for fault in faults.into_iter().flatten() {
            if let Some(play) = &mut self.play
                && play.schedule.is_waiting()
                && shown(&mut play.schedule, in_plan, fault)
            {
                self.drive(now, fault);
            }
        }
    }

    /// Takes in that what a fault does, or its undoing, is done.
    fn done(&mut self, now: Instant, fault: FaultIndex, done: Done) {
        if let Some(play) = &mut self.play {
            play.schedule.handle_done(fault, done);
        }
        self.drive(now, fault);
    }

    /// Does what is to be done for a fault.
    fn drive(&mut self, now: Instant, fault: FaultIndex) {
        let in_plan = self.in_plan(now);
        while let Some(play) = &mut self.play {
            let situation = Overview {
                report: self.cluster.report(),
                plan: &play.plan,
            };
            let Some(step) = play.schedule.poll_step(in_plan, fault, &situation) else {
                return;
            };
            match step {
                Step::Observe(event) => self.tell(now, fault, event),
                Step::Act(act, target) => match self.act(now, fault, act, target) {
                    Some(done) => return self.done(now, fault, done),
                    None => return,
                },
                Step::Restart(ProcessId::Broker(broker)) => {
                    play.restarting.push((fault, kafka_id(broker)));
                    // The plan is of this cluster.
                    let _ = self.cluster.restart(now, broker);
                }
                // No rolling restart of members is played.
                Step::Restart(ProcessId::Member(_)) => {}
                Step::WakeAt(at) => {
                    play.timers.insert((at, fault));
                }
            }
        }
    }

    /// Tells what the schedule says of a fault.
    fn tell(&mut self, now: Instant, index: FaultIndex, event: TraceEvent) {
        let Some(play) = &self.play else {
            return;
        };
        let fault = line(&play.plan, index.of(&play.plan));
        let told = match event {
            TraceEvent::FaultBegan { broker, .. } => Event::FaultBegan {
                fault,
                broker: broker.map(|broker| kafka_id(broker).0),
            },
            TraceEvent::FaultEnded { .. } => Event::FaultEnded { fault },
            TraceEvent::FaultMissed { reason, .. } => Event::FaultMissed {
                fault,
                reason: reason.word().into(),
            },
            _ => return,
        };
        self.note(now, told);
    }

    /// Takes a fault out whose broker is back: it serves, and all replicas are in sync again.
    fn take_restarted(&mut self) -> Option<FaultIndex> {
        let play = self
            .play
            .as_mut()
            .filter(|play| !play.restarting.is_empty())?;
        let serving: BTreeSet<BrokerId> = self.cluster.report().serving().collect();
        let is_whole = self.cluster.is_whole();
        let mut restarting = play.restarting.iter();
        let place = restarting.position(|(_, id)| is_whole && serving.contains(id))?;
        Some(play.restarting.swap_remove(place).0)
    }

    /// Returns the time as the plan counts it.
    fn in_plan(&self, now: Instant) -> Instant {
        Instant::ZERO + now.saturating_since(self.began)
    }
}

/// The cluster as the schedule asks for it.
struct Overview<'a> {
    report: Report,
    plan: &'a Plan,
}

impl Situation for Overview<'_> {
    /// Returns `true`: each member stands for all clients.
    fn member_runs(&self, _: MemberId) -> bool {
        true
    }

    fn broker_runs(&self, broker: BrokerId) -> bool {
        let found = self.report.broker(kafka_id(broker));
        found.is_some_and(|found| found.state != BrokerState::Down)
    }

    fn owner(&self, _: TopicPartition) -> Option<MemberId> {
        Some(CLIENTS)
    }

    fn busiest(&self) -> Option<MemberId> {
        Some(CLIENTS)
    }

    fn leader(&self, partition: TopicPartition) -> Option<BrokerId> {
        let topic = self.plan.settings.topic_name(partition.topic);
        let found = self.report.partition(topic, partition.partition)?;
        found.leader.map(in_plan)
    }

    /// Returns the coordinator of the scenario's group, or else of the first one.
    fn coordinator(&self) -> Option<BrokerId> {
        let own = self.report.group(&self.plan.settings.consumers.group);
        let group = own.or(self.report.groups.first())?;
        group.coordinator.map(in_plan)
    }

    /// Returns `false`: a broker's process starts at the moment of its fault's end.
    fn brokers_take_time(&self) -> bool {
        false
    }
}
