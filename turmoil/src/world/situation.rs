//! The world as the schedule of faults asks for it.

use super::processes::Process;
use plimsoll_core::TopicPartition;
use plimsoll_oracle::{BrokerId, MemberId};
use plimsoll_scenarios::Plan;
use plimsoll_scenarios::schedule::Situation;
use plimsoll_sim::served::{BrokerState, Report, in_plan, kafka_id};
use std::collections::BTreeMap;

/// The world as the schedule asks for it.
pub(super) struct Overview<'a> {
    pub(super) plan: &'a Plan,
    pub(super) report: Report,
    pub(super) processes: &'a [Process],
    pub(super) owners: &'a BTreeMap<TopicPartition, Vec<MemberId>>,
}

impl Situation for Overview<'_> {
    fn member_runs(&self, member: MemberId) -> bool {
        self.processes[member.0 as usize].runs()
    }

    fn broker_runs(&self, broker: BrokerId) -> bool {
        let found = self.report.broker(kafka_id(broker));
        found.is_some_and(|found| found.state != BrokerState::Down)
    }

    fn owner(&self, partition: TopicPartition) -> Option<MemberId> {
        self.owners.get(&partition)?.last().copied()
    }

    fn busiest(&self) -> Option<MemberId> {
        let members = (0..self.processes.len() as u32).map(MemberId).rev();
        let load = |member: &MemberId| {
            let owned = self
                .owners
                .values()
                .filter(|owners| owners.contains(member));
            owned.count()
        };
        members.max_by_key(load)
    }

    fn leader(&self, partition: TopicPartition) -> Option<BrokerId> {
        let topic = self.plan.settings.topic_name(partition.topic);
        let found = self.report.partition(topic, partition.partition)?;
        found.leader.map(in_plan)
    }

    fn coordinator(&self) -> Option<BrokerId> {
        let group = self.report.group(&self.plan.settings.consumers.group)?;
        group.coordinator.map(in_plan)
    }

    /// Returns `false`: a process starts, and links open, at the moment of their fault's end.
    fn brokers_take_time(&self) -> bool {
        false
    }
}
