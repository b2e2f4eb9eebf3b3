//! Produce: append, and answer when the producer may believe it.

use super::broker::Broker;
use super::connections::Reply;
use super::env::ClusterEnv;
use super::replica::{Waiting, Writer};
use crate::protocol::{Batch, Content, Dialect, Response};
use crate::topology::PartitionIndex;
use plimsoll_core::Offset;
use plimsoll_oracle::ErrorName;
use plimsoll_scenarios::scenario::Acks;
use std::time::Duration;

impl<D: Dialect> Broker<D> {
    pub(super) fn handle_produce(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        reply: Reply,
        partition: PartitionIndex,
        batch: D::Batch,
        (acks, timeout_ms): (Acks, u32),
    ) {
        let records = u64::from(batch.offsets());
        let min_insync = self.min_insync(env, partition);
        let (offset, is_new) = match self.check_produce(partition, &batch, (acks, min_insync)) {
            Ok(Some(offset)) => (offset, false),
            Ok(None) => {
                let replica = &mut self.replicas[partition];
                let content = Content::Batch(batch);
                (replica.log.append(replica.leader_epoch(), content), true)
            }
            Err(error) => return self.refuse_produce(env, reply, acks, error),
        };
        let last = offset.get() + records - 1;
        self.acknowledge(env, reply, partition, (offset, last), (acks, timeout_ms));
        if is_new {
            self.after_append(env, partition);
        }
    }

    /// Checks whether a batch may be appended. Returns the offset at which the log has it already,
    /// or `None` where it is new.
    fn check_produce(
        &self,
        partition: PartitionIndex,
        batch: &D::Batch,
        (acks, min_insync): (Acks, u32),
    ) -> Result<Option<Offset>, ErrorName> {
        let replica = &self.replicas[partition];
        if replica.state.is_none() {
            return Err(ErrorName::UnknownTopicOrPartition);
        }
        if !replica.is_leader() {
            return Err(ErrorName::NotLeaderOrFollower);
        }
        if acks == Acks::All && replica.is_under_min_insync(min_insync) {
            return Err(ErrorName::NotEnoughReplicas);
        }
        replica.log.check_batch(batch)
    }

    fn acknowledge(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        reply: Reply,
        partition: PartitionIndex,
        (offset, last): (Offset, u64),
        (acks, timeout_ms): (Acks, u32),
    ) {
        let replicated = self.replicas[partition].high_watermark() > last;
        match acks {
            Acks::None => {
                self.connections.finish(reply);
            }
            Acks::All if !replicated => self.await_replication(
                partition,
                Waiting {
                    offset: last,
                    deadline: env.now() + Duration::from_millis(timeout_ms.into()),
                    writer: Writer::Producer(reply, offset),
                },
            ),
            Acks::Leader | Acks::All => self.reply(env, reply, Response::Produce(Ok(offset))),
        }
    }

    fn refuse_produce(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        reply: Reply,
        acks: Acks,
        error: ErrorName,
    ) {
        if acks == Acks::None {
            if reply.is_closed() {
                return;
            }
            // There is no response to carry the error: Kafka closes the connection, so that the
            // producer looks for the leader again (`KafkaApis.handleProduceRequest`).
            env.cut(self.node, reply.node);
        } else {
            self.reply(env, reply, Response::Produce(Err(error)));
        }
    }
}
