//! A made-up world: it takes the steps of a schedule, and writes them down.

use crate::schedule::{Act, Done, FaultIndex, FaultSchedule, ProcessId, Situation, Step, Target};
use crate::{Plan, Scenario};
use plimsoll_core::{Instant, TopicPartition};
use plimsoll_oracle::{BrokerId, FaultId, MemberId, Missed, TraceEvent, Word};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Three members that start by themselves, one that joins, three brokers; healed after a minute.
const SCENARIO: &str = r#"
description = "Whatever the test adds."
duration = "60s"

[[topics]]
name = "orders"
partitions = 2

[workload]
messages = 1
rate = "1/s"

[consumers]
starts = ["0s", "0s", "0s", "on join"]
"#;

/// A schedule, the world that it works on, and what became of it.
pub(super) struct Stage {
    plan: Plan,
    schedule: FaultSchedule,
    pub(super) world: World,
    now: Instant,
    timers: BTreeSet<(Instant, FaultIndex)>,
    lines: Vec<String>,
    missed: Vec<(FaultId, Missed)>,
}

/// What the schedule may ask.
pub(super) struct World {
    /// Whether steps for brokers, and restarts, are done only when the test says so.
    pub takes_time: bool,
    pub members: Vec<bool>,
    pub brokers: Vec<bool>,
    /// By partition.
    pub owners: [Option<MemberId>; 2],
    pub busiest: Option<MemberId>,
    pub leader: Option<BrokerId>,
    pub coordinator: Option<BrokerId>,
}

pub(super) const fn member(number: u32) -> MemberId {
    MemberId(number - 1)
}

fn seconds(seconds: u32) -> Instant {
    Instant::from_millis(u64::from(seconds) * 1_000)
}

impl Stage {
    /// The stage of a plan with these faults (TOML's inline tables), at time zero.
    pub(super) fn new(faults: &str) -> Self {
        let scenario = format!("faults = [{faults}]\n{SCENARIO}");
        let scenario = Scenario::parse("stage.toml", &scenario);
        let plan = Plan::draw(&scenario.expect("it is a scenario"), 1);
        let mut stage = Self {
            schedule: FaultSchedule::new(&plan),
            world: World {
                takes_time: false,
                members: plan.starts.iter().map(Option::is_some).collect(),
                brokers: vec![true; plan.settings.cluster.brokers as usize],
                owners: [Some(member(1)), Some(member(2))],
                busiest: Some(member(1)),
                leader: Some(BrokerId(0)),
                coordinator: Some(BrokerId(2)),
            },
            plan,
            now: Instant::ZERO,
            timers: BTreeSet::new(),
            lines: Vec::new(),
            missed: Vec::new(),
        };
        stage.drive_all();
        stage
    }

    /// As [`new`](Self::new), where brokers take time.
    pub(super) fn slow(faults: &str) -> Self {
        let mut stage = Self::new(faults);
        stage.world.takes_time = true;
        stage
    }

    /// Lets time pass until this second.
    pub(super) fn until(&mut self, second: u32) {
        while let Some((at, fault)) = self.timers.first().copied()
            && at <= seconds(second)
        {
            self.timers.pop_first();
            self.now = at;
            self.schedule.handle_timeout(fault);
            self.drive(fault);
        }
        self.now = seconds(second);
    }

    /// Something is observed.
    pub(super) fn sees(&mut self, event: TraceEvent) {
        for fault in self.schedule.faults() {
            if self.schedule.handle_observation(self.now, fault, &event) {
                self.drive(fault);
            }
        }
    }

    /// A member sends a commit.
    pub(super) fn commits(&mut self, member: MemberId) {
        self.sees(TraceEvent::CommitSent { member });
    }

    /// A handler of a member writes its effect.
    pub(super) fn writes(&mut self, member: MemberId) {
        if let Some(fault) = self.schedule.handle_effect(member) {
            self.drive(fault);
        }
    }

    /// Takes in that what was asked for a fault is done.
    pub(super) fn done(&mut self, fault: u32) {
        self.is_done(fault, Done::Changed);
    }

    /// Takes in that what was asked for a fault is done, and changed nothing.
    pub(super) fn in_vain(&mut self, fault: u32) {
        self.is_done(fault, Done::Vain);
    }

    fn is_done(&mut self, fault: u32, done: Done) {
        self.schedule.handle_done(FaultIndex(fault), done);
        self.drive(FaultIndex(fault));
    }

    /// Everything is healed.
    pub(super) fn heals(&mut self) {
        self.schedule.handle_healing();
        self.drive_all();
    }

    /// What happened since the last call.
    pub(super) fn told(&mut self) -> Vec<String> {
        std::mem::take(&mut self.lines)
    }

    pub(super) fn is_over(&self) -> bool {
        self.schedule.is_over()
    }

    pub(super) fn is_waiting(&self) -> bool {
        self.schedule.is_waiting()
    }

    pub(super) fn has_joined(&self, member: MemberId) -> bool {
        self.schedule.has_joined(member)
    }

    /// What the trace says of faults that were missed.
    pub(super) fn missed(&self) -> &[(FaultId, Missed)] {
        &self.missed
    }

    fn drive_all(&mut self) {
        for fault in self.schedule.faults() {
            self.drive(fault);
        }
    }

    fn drive(&mut self, fault: FaultIndex) {
        while let Some(step) = self.schedule.poll_step(self.now, fault, &self.world) {
            match step {
                Step::WakeAt(at) => {
                    self.timers.insert((at, fault));
                }
                Step::Observe(TraceEvent::FaultBegan { member, broker, .. }) => {
                    self.note(fault, "began", Target { member, broker });
                }
                Step::Observe(TraceEvent::FaultMissed { fault, reason }) => {
                    self.missed.push((fault, reason));
                }
                Step::Observe(_) => self.note(fault, "ended", Target::default()),
                Step::Act(act, target) => self.act(fault, act, target),
                Step::Restart(process) => self.restart(fault, process),
            }
        }
    }

    fn act(&mut self, fault: FaultIndex, act: Act, target: Target) {
        let (word, runs) = match act {
            Act::Do => ("do", false),
            Act::Undo => ("undo", true),
        };
        self.note(fault, word, Target::default());
        let kind = &fault.of(&self.plan).kind;
        let takes_time = self.world.takes_time && kind.breaks_brokers();
        if kind.name().word().ends_with("crash") {
            if let Some(member) = target.member {
                self.world.members[member.0 as usize] = runs;
            } else if let Some(broker) = target.broker {
                self.world.brokers[broker.0 as usize] = runs;
            }
        }
        if !takes_time {
            self.schedule.handle_done(fault, Done::Changed);
        }
    }

    fn restart(&mut self, fault: FaultIndex, process: ProcessId) {
        let (member, broker) = match process {
            ProcessId::Member(member) => (Some(member), None),
            ProcessId::Broker(broker) => (None, Some(broker)),
        };
        self.note(fault, "restart", Target { member, broker });
    }

    fn note(&mut self, fault: FaultIndex, what: &str, target: Target) {
        let name = fault.of(&self.plan).kind.name().word();
        let mut line = format!("{}s {name}: {what}", self.now.as_nanos() / 1_000_000_000);
        if let Some(member) = target.member {
            write!(line, " {member}").expect("a string");
        }
        if let Some(broker) = target.broker {
            write!(line, " {broker}").expect("a string");
        }
        self.lines.push(line);
    }
}

impl Situation for World {
    fn member_runs(&self, member: MemberId) -> bool {
        self.members[member.0 as usize]
    }

    fn broker_runs(&self, broker: BrokerId) -> bool {
        self.brokers[broker.0 as usize]
    }

    fn owner(&self, partition: TopicPartition) -> Option<MemberId> {
        self.owners[partition.partition as usize]
    }

    fn busiest(&self) -> Option<MemberId> {
        self.busiest
    }

    fn leader(&self, _partition: TopicPartition) -> Option<BrokerId> {
        self.leader
    }

    fn coordinator(&self) -> Option<BrokerId> {
        self.coordinator
    }

    fn brokers_take_time(&self) -> bool {
        self.takes_time
    }
}
