//! A leader's side of replication: followers, the in-sync set, the high watermark, and the writers
//! that wait for it.

use super::broker::Broker;
use super::env::ClusterEnv;
use super::observations;
use super::replica::{Proposal, Role, Waiting, Writer};
use crate::protocol::{
    AlterRefusal, BrokerSet, Channel, Correlation, Dialect, FetchPosition, Node, Request, Response,
};
use crate::topology::PartitionIndex;
use plimsoll_core::Instant;
use plimsoll_oracle::ErrorName;
use std::time::Duration;

/// `controller.socket.timeout.ms`: the time after which a request to the controller is sent again.
const CONTROLLER_TIMEOUT: Duration = Duration::from_secs(30);

/// Time after which a broker connects to the controller again (`NodeToControllerChannelManager`).
const CONTROLLER_BACKOFF: Duration = Duration::from_millis(50);

/// Records come in.
impl<D: Dialect> Broker<D> {
    /// Does what follows an append: followers that wait get the records.
    pub(super) fn after_append(&mut self, env: &mut impl ClusterEnv<D>, partition: PartitionIndex) {
        self.schedule_lag_check(env.now());
        self.wake_followers(env, partition);
        self.advance_high_watermark(env, partition);
    }

    /// Lets a writer wait until the high watermark passes what it wrote.
    pub(super) fn await_replication(&mut self, partition: PartitionIndex, waiting: Waiting<D>) {
        self.wake_by(waiting.deadline);
        if let Some(leading) = self.replicas[partition].leading() {
            let after = leading
                .waiting
                .iter()
                .rposition(|w| w.offset <= waiting.offset);
            let index = after.map_or(0, |index| index + 1);
            leading.waiting.insert(index, waiting);
            self.awaiting.insert(partition);
        }
    }

    /// Notes what a follower has: the offset from which it fetches tells.
    #[inline]
    pub(super) fn note_progress(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        follower: Node,
        position: &FetchPosition,
    ) {
        let now = env.now();
        let replica = &mut self.replicas[position.partition];
        let end = replica.log.end();
        let Role::Leader(leading) = &mut replica.role else {
            return;
        };
        let progress = &mut leading.followers[follower];
        let before = progress.end;
        progress.fetched_from(now, position.offset, end);
        let has_removed = progress.log_start < position.log_start;
        progress.log_start = position.log_start;
        let epoch_start = leading.epoch_start;
        let is_free = leading.proposed.is_none();
        // `Partition.maybeExpandIsr`: it has what readers can see, and this epoch's beginning, and
        // it is neither fenced nor about to stop (`isReplicaIsrEligible`).
        if is_free
            && self.active.contains(follower)
            && !replica.in_sync().contains(follower)
            && position.offset >= replica.high_watermark()
            && position.offset >= epoch_start
        {
            let in_sync = replica.in_sync().with(follower);
            self.propose(env, position.partition, in_sync);
        }
        if has_removed {
            self.complete_removals(env, position.partition);
        }
        if before != position.offset {
            self.advance_high_watermark(env, position.partition);
        }
    }

    /// Notes that these followers are new processes, which have not fetched yet.
    pub(super) fn forget_followers(&mut self, registered: BrokerSet) {
        for follower in registered.iter() {
            for replica in self.replicas.values_mut() {
                if let Some(leading) = replica.leading() {
                    leading.followers[follower].fetches = false;
                }
            }
        }
    }

    /// Raises the high watermark of a partition that this broker leads, if it can.
    pub(super) fn advance_high_watermark(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        partition: PartitionIndex,
    ) {
        let (now, lag_max) = (env.now(), self.settings.replica_lag_time_max);
        let min_insync = self.min_insync(env, partition);
        let replica = &mut self.replicas[partition];
        let Some(to) = replica.replicated_up_to(now, self.node, min_insync, self.active, lag_max)
        else {
            return;
        };
        if !replica.raise_high_watermark(now, to) {
            return;
        }
        observations::replicated(env, partition, &replica.log, replica.leader_epoch(), to);
        if let Some(coordinator) = self.coordinators.get_mut(&partition) {
            coordinator.offsets.apply(&replica.log, to);
            replica.log.compact(to);
        }
        self.complete_replicated(env, partition, to);
        self.wake_consumers(env, partition);
    }

    fn complete_replicated(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        partition: PartitionIndex,
        to: u64,
    ) {
        while let Some(leading) = self.replicas[partition].leading()
            && leading
                .waiting
                .front()
                .is_some_and(|first| first.offset < to)
            && let Some(waiting) = leading.waiting.pop_front()
        {
            self.complete(env, waiting.writer, Ok(()));
        }
    }

    /// Tells a writer what became of its write.
    pub(super) fn complete(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        writer: Writer<D>,
        result: Result<(), ErrorName>,
    ) {
        match writer {
            Writer::Producer(reply, offset) => {
                self.reply(env, reply, Response::Produce(result.map(|()| offset)));
            }
            Writer::Coordinator(operation) => self.end_operation(env, operation, result),
        }
    }

    /// Gives up writes that were not replicated in time: they may still be.
    pub(super) fn expire_waiting(&mut self, env: &mut impl ClusterEnv<D>) {
        let mut last = None;
        while let Some(partition) = self.awaiting.next_after(last) {
            last = Some(partition);
            if !self.expire_waiting_for(env, partition) {
                self.awaiting.remove(partition);
            }
        }
    }

    /// Returns whether writes still wait.
    fn expire_waiting_for(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        partition: PartitionIndex,
    ) -> bool {
        let now = env.now();
        let next_removal = self.expire_removals(env, partition);
        self.wake_by(next_removal.unwrap_or(Instant::FAR_FUTURE));
        while let Some(leading) = self.replicas[partition].leading()
            && let Some(earliest) = leading.waiting.iter().map(|w| w.deadline).min()
        {
            if earliest > now {
                self.wake_by(earliest);
                return true;
            }
            let late = leading.waiting.iter().position(|w| w.deadline <= now);
            if let Some(late) = late.and_then(|late| leading.waiting.remove(late)) {
                self.complete(env, late.writer, Err(ErrorName::RequestTimedOut));
            }
        }
        next_removal.is_some()
    }
}

/// The in-sync set.
impl<D: Dialect> Broker<D> {
    /// Schedules a look for followers that lag at the next moment of Kafka's `isr-expiration` task,
    /// which begins with the process (`ReplicaManager.startup`) and runs every half of
    /// `replica.lag.time.max.ms`. With nothing new, none can lag.
    pub(super) fn schedule_lag_check(&mut self, now: Instant) {
        if self.lag_check_at < Instant::FAR_FUTURE {
            return;
        }
        let period = self.settings.replica_lag_time_max / 2;
        self.lag_check_at = self.next_beat(now, period.max(Duration::from_nanos(1)));
        self.wake_by(self.lag_check_at);
    }

    /// Proposes to go on without followers that lag (`Partition.maybeShrinkIsr`).
    pub(super) fn check_lag(&mut self, env: &mut impl ClusterEnv<D>) {
        let now = env.now();
        if self.lag_check_at > now {
            return self.wake_by(self.lag_check_at);
        }
        self.lag_check_at = Instant::FAR_FUTURE;
        let lag_max = self.settings.replica_lag_time_max;
        for partition in self.replicas.ids() {
            let replica = &self.replicas[partition];
            let Role::Leader(leading) = &replica.role else {
                continue;
            };
            let end = replica.log.end();
            let in_sync = replica.in_sync();
            let mut caught_up = in_sync;
            let mut any_behind = false;
            for follower in in_sync.without(self.node).iter() {
                let progress = &leading.followers[follower];
                any_behind |= progress.end != end;
                if !progress.is_caught_up(now, end, lag_max) {
                    caught_up = caught_up.without(follower);
                }
            }
            let is_free = leading.proposed.is_none();
            if any_behind {
                self.schedule_lag_check(now);
            }
            if caught_up != in_sync && is_free {
                self.propose(env, partition, caught_up);
            }
        }
    }

    /// Asks the controller for another in-sync set.
    fn propose(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        partition: PartitionIndex,
        in_sync: BrokerSet,
    ) {
        let Some(state) = self.replicas[partition].state else {
            return;
        };
        let alter = Request::AlterPartition {
            partition,
            leader_epoch: state.leader_epoch,
            partition_epoch: state.partition_epoch,
            in_sync,
        };
        let request = self.request(env, self.controller, Channel::Data, alter);
        let again_at = env.now() + CONTROLLER_TIMEOUT;
        if let Some(leading) = self.replicas[partition].leading() {
            leading.proposed = Some(Proposal {
                in_sync,
                request,
                again_at,
            });
            self.schedule_proposals(again_at);
        }
    }

    /// Handles the controller's answer to a proposal.
    pub(super) fn handle_altered(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        correlation: Correlation,
        result: Result<(), AlterRefusal>,
    ) {
        for partition in self.replicas.ids() {
            let replica = &mut self.replicas[partition];
            let proposed = replica.leading().and_then(|leading| leading.proposed);
            let Some(proposal) = proposed.filter(|proposal| proposal.request == correlation) else {
                continue;
            };
            match (result, &mut replica.state) {
                (Ok(()), Some(state)) => {
                    state.in_sync = proposal.in_sync;
                    state.partition_epoch += 1;
                    self.note_news(partition);
                }
                // It may have come true: only what the controller tells next can say
                // (`Partition.handleAlterPartitionError`).
                (Err(AlterRefusal::Stale), _) => return,
                _ => {}
            }
            if let Some(leading) = self.replicas[partition].leading() {
                leading.proposed = None;
            }
            return self.advance_high_watermark(env, partition);
        }
    }

    /// Schedules all proposals again: the connection with the controller broke, and their answers
    /// are lost.
    pub(super) fn lose_proposals(&mut self, now: Instant) {
        let again_at = now + CONTROLLER_BACKOFF;
        for replica in self.replicas.values_mut() {
            if let Some(proposal) = replica.leading().and_then(|l| l.proposed.as_mut()) {
                proposal.again_at = again_at;
            }
        }
        self.schedule_proposals(again_at);
    }

    /// Sends proposals again that were not answered, without end: they may have come true
    /// (`AlterPartitionManager.sendRequest`).
    pub(super) fn propose_again(&mut self, env: &mut impl ClusterEnv<D>) {
        let now = env.now();
        if self.propose_again_at > now {
            return self.wake_by(self.propose_again_at);
        }
        self.propose_again_at = Instant::FAR_FUTURE;
        for partition in self.replicas.ids() {
            let leading = self.replicas[partition].leading();
            match leading.and_then(|leading| leading.proposed) {
                Some(proposal) if proposal.again_at <= now => {
                    self.propose(env, partition, proposal.in_sync);
                }
                Some(proposal) => self.schedule_proposals(proposal.again_at),
                None => {}
            }
        }
    }

    fn schedule_proposals(&mut self, again_at: Instant) {
        self.propose_again_at = self.propose_again_at.min(again_at);
        self.wake_by(self.propose_again_at);
    }
}
