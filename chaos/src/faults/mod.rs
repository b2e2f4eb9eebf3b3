//! Faults: the plan's schedule, and what it must know of the run ([`mod@act`]: what faults do;
//! [`brokers`]: what takes its time). The world carries the steps.

mod act;
mod brokers;

pub(crate) use act::{ProcessAct, Rest, act, impossible};
pub(crate) use brokers::{Brokers, Errors, Report, Work};

use crate::leaders::Leaders;
use crate::members::Members;
use plimsoll_core::{Instant, TopicPartition};
use plimsoll_oracle::{BrokerId, MemberId};
use plimsoll_scenarios::Plan;
use plimsoll_scenarios::schedule::{FaultIndex, FaultSchedule, Situation, Step};
use std::collections::BTreeSet;

/// A plan's faults.
#[derive(Debug)]
pub(crate) struct Faults {
    pub schedule: FaultSchedule,
    /// The brokers that a fault has killed or stopped and that were not started again.
    down: BTreeSet<u32>,
    /// The members whose processes are to stop and start again, each with its fault.
    coming_back: Vec<(FaultIndex, MemberId)>,
}

impl Faults {
    /// Makes the faults of a plan of which nothing has happened.
    pub(crate) fn new(plan: &Plan) -> Self {
        Self {
            schedule: FaultSchedule::new(plan),
            down: BTreeSet::new(),
            coming_back: Vec::new(),
        }
    }

    /// Notes that a broker goes down.
    pub(crate) fn goes_down(&mut self, broker: u32) {
        self.down.insert(broker);
    }

    /// Notes that a broker was started.
    pub(crate) fn is_up(&mut self, broker: u32) {
        self.down.remove(&broker);
    }

    /// Notes that a fault goes on when a member's process has stopped and started again.
    pub(crate) fn awaits(&mut self, fault: FaultIndex, member: MemberId) {
        self.coming_back.push((fault, member));
    }

    /// Takes a fault out whose member is back, if there is one.
    pub(crate) fn is_back(&mut self, members: &Members) -> Option<FaultIndex> {
        let is_back = |(_, member): &(_, MemberId)| members.processes.has_restarted(*member);
        let index = self.coming_back.iter().position(is_back)?;
        Some(self.coming_back.remove(index).0)
    }

    /// Returns the next step of a fault.
    pub(crate) fn next_step(
        &mut self,
        now: Instant,
        fault: FaultIndex,
        members: &Members,
        leaders: &Leaders,
    ) -> Option<Step> {
        let state = State {
            members,
            leaders,
            down: &self.down,
        };
        self.schedule.poll_step(now, fault, &state)
    }
}

/// What the schedule asks of the run.
struct State<'a> {
    members: &'a Members,
    leaders: &'a Leaders,
    down: &'a BTreeSet<u32>,
}

impl Situation for State<'_> {
    fn member_runs(&self, member: MemberId) -> bool {
        self.members.processes.runs(member)
    }

    /// Counts a broker that is being stopped as stopped: its container may be gone at any moment.
    fn broker_runs(&self, broker: BrokerId) -> bool {
        !self.down.contains(&broker.0)
    }

    fn owner(&self, partition: TopicPartition) -> Option<MemberId> {
        self.members.membership.owner(partition)
    }

    fn busiest(&self) -> Option<MemberId> {
        self.members.membership.busiest()
    }

    fn leader(&self, partition: TopicPartition) -> Option<BrokerId> {
        self.leaders.leader(partition).map(BrokerId)
    }

    fn coordinator(&self) -> Option<BrokerId> {
        self.leaders.coordinator().map(BrokerId)
    }

    /// Returns `true`: containers start, and replicas catch up.
    fn brokers_take_time(&self) -> bool {
        true
    }
}
