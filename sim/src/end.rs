//! The end of a run: the healing, and when nothing is left to do.

use crate::actor::Actor;
use crate::cluster::Coordinator;
use crate::env::Event;
use crate::protocol::{Generation, Lean, Node, SCENARIO_GROUP};
use crate::topology::PartitionIndex;
use crate::world::World;
use plimsoll_oracle::TraceEvent;
use std::time::Duration;

/// Pause between two looks at whether everything is quiet, once the world is healed.
const QUIET_CHECK: Duration = Duration::from_millis(250);

impl World<'_> {
    pub(crate) fn heal(&mut self) {
        self.end_all_faults();
        for node in self.env.brokers() {
            self.restart_if_down(node);
        }
        for member in self.actors.members.ids() {
            if self.faults.has_joined(member) {
                self.restart_if_down(self.env.member_node(member));
            }
        }
        self.healed = true;
        self.env.observe(TraceEvent::Healed);
        self.env.queue.push(self.env.now(), Event::CheckQuiet);
    }

    /// Starts a process that does not run; one that is stopping starts again when it has ended.
    fn restart_if_down(&mut self, node: Node) {
        if self.hosts[node].stopping || !self.runs(node) {
            self.restart(node);
        }
    }

    pub(crate) fn check_quiet(&mut self) {
        debug_assert!(self.healed);
        let now = self.env.now();
        self.calm = self.stable_generation().map(|generation| {
            let calm = self.calm.filter(|(calm, _)| *calm == generation);
            calm.unwrap_or((generation, now))
        });
        let calm_at = self.calm.map(|(_, since)| since + self.env.plan.calm());
        if calm_at.is_some_and(|calm_at| calm_at <= now) && self.is_caught_up() {
            self.compare_logs();
            self.env.observe(TraceEvent::Quiet);
            self.env.observe(TraceEvent::Ended { lag: 0 });
            self.ended = true;
        } else {
            let soon = now + QUIET_CHECK;
            // A rebalance in between leaves another generation.
            let at = calm_at.map_or(soon, |calm_at| calm_at.max(soon));
            self.env.queue.push(at, Event::CheckQuiet);
        }
    }

    /// Returns the group's generation, if it is stable with all members that run.
    fn stable_generation(&self) -> Option<Generation> {
        let members = self.actors.members.values();
        let running = members.filter(|member| member.is_running()).count();
        self.coordinator()?
            .stable_generation(SCENARIO_GROUP, running)
    }

    /// Returns whether everything is produced, handled and committed.
    fn is_caught_up(&self) -> bool {
        self.next_message >= self.always
            && self.actors.producer.is_done()
            && self.actors.controller.is_healthy()
            && self.env.sink.is_idle()
            && self.lag() == 0
    }

    /// Compares what the leaders have at the end with what could be read in the run.
    pub(crate) fn compare_logs(&mut self) {
        for partition in self.env.topology.all() {
            if let Some(leader) = self.actors.controller.leader(partition) {
                self.actors.brokers[leader].compare_log(&mut self.env, partition);
            }
        }
    }

    /// Returns the number of readable records that the group has not committed.
    pub(crate) fn lag(&self) -> u64 {
        let workload = self.env.topology.all().filter(|index| {
            self.env.topology.is_workload(*index) && self.actors.controller.exists(*index)
        });
        workload.map(|index| self.partition_lag(index)).sum()
    }

    fn partition_lag(&self, partition: PartitionIndex) -> u64 {
        let Some(leader) = self.actors.controller.leader(partition) else {
            return 1;
        };
        let (start, end) = self.actors.brokers[leader].log_ends(partition);
        let committed = self
            .coordinator()
            .and_then(|coordinator| coordinator.committed(SCENARIO_GROUP, partition));
        end.get().saturating_sub(committed.unwrap_or(start).get())
    }

    /// Returns the coordinator of the scenario's group.
    fn coordinator(&self) -> Option<&Coordinator<Lean>> {
        let offsets = self.env.topology.group_offsets();
        let leader = self.actors.controller.leader(offsets)?;
        self.actors.brokers.get(leader)?.coordinator(offsets)
    }
}
