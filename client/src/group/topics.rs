//! Topics that go, come back, and grow.

use super::{Group, Phase};
use crate::{Speaker, View};
use plimsoll_core::Instant;

impl<S: Speaker> Group<S> {
    /// Gives up the partitions of topics that do not exist, as the metadata say, until they do
    /// (`rd_kafka_cgrp_metadata_update_check`): a cooperative member loses them, an eager one
    /// leaves its generation.
    ///
    /// Sarama goes on with what it has; only a new session asks first (`consumerGroup.Consume`).
    pub fn handle_topics_gone(&mut self, now: Instant, view: &View<S>) {
        if !self.settings.behaviour.gives_up_missing_topics {
            return;
        }
        if !self.rebalance.is_cooperative() {
            return self.begin_rebalance(now, view);
        }
        if self.phase == Phase::Joined && !self.rebalance.is_under_way() {
            self.forget_start();
            self.lacks_topics = true;
            self.rebalance.handle_lost();
        }
    }

    /// Joins again for topics that were gone, and are there again.
    pub(super) fn rejoin_for_topics(&mut self, now: Instant, view: &View<S>) {
        if self.lacks_topics
            && self.phase == Phase::Joined
            && !self.rebalance.is_under_way()
            && !view.metadata.topics_are_gone()
        {
            self.rejoin(self.next_join(now), now, view);
        }
    }

    /// Rebalances when topics have more partitions than when the generation began. librdkafka's
    /// members all do so, each by its own metadata (`rd_kafka_cgrp_metadata_update_check`: "going
    /// against the KIP"); the coordinator gives one that does not lead back what it had, until its
    /// leader joins too. In Sarama only the leader does
    /// (`consumerGroup.loopCheckPartitionNumbers`), and so it is in Java
    /// (`ConsumerCoordinator.rejoinNeededOrPending`).
    pub fn check_partition_count(&mut self, now: Instant, view: &View<S>) {
        if self.phase == Phase::Joined
            && let Some(count) = self.counted
            && count != view.metadata.workload(&view.topology).count()
        {
            self.begin_rebalance(now, view);
        }
    }
}
