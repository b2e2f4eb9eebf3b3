//! What passes between a client and the driver, as the trace tells it.

use super::Birth;
use crate::world::{Shared, World};
use plimsoll::{ClientError, GroupClient, Message};
use plimsoll_core::{Command, Event, NextOffset, RebalanceId, TopicPartition};
use plimsoll_oracle::MemberId;
use std::collections::BTreeMap;

/// A client whose driver is watched.
pub(super) struct Watched<C> {
    client: C,
    member: MemberId,
    process: (MemberId, u64),
    world: Shared,
    /// The partitions of revocations and losses that have no answer.
    going: BTreeMap<RebalanceId, Vec<TopicPartition>>,
}

impl<C: GroupClient> Watched<C> {
    pub(super) fn new(client: C, birth: &Birth) -> Self {
        Self {
            client,
            member: birth.member,
            process: (birth.member, birth.number),
            world: birth.world.clone(),
            going: BTreeMap::new(),
        }
    }

    /// Tells the world something, unless the process is gone.
    fn of(&self, tell: impl FnOnce(&mut World)) {
        self.world.of(self.process, tell);
    }

    /// Notes what the client tells the driver.
    fn told(&mut self, event: &Event<Message>) {
        let member = self.member;
        match event {
            Event::Revoked {
                rebalance,
                partitions,
            } => {
                self.going.insert(*rebalance, partitions.clone());
                self.of(|world| world.revoked(member, partitions));
            }
            Event::Lost {
                rebalance,
                partitions,
            } => {
                // A revocation that is not answered may be lost: both have one answer.
                if let Some(going) = self.going.get_mut(rebalance) {
                    going.retain(|partition| !partitions.contains(partition));
                }
                self.of(|world| world.lost_all(member, partitions));
            }
            Event::OutOfRange {
                partition,
                position,
                ..
            } => self.of(|world| world.out_of_range(member, *partition, *position)),
            Event::DeadLettered {
                partition,
                epoch,
                offset,
                acknowledged: true,
            } => self.of(|world| world.dead_lettered(member, *partition, *epoch, *offset)),
            _ => {}
        }
    }
}

impl<C: GroupClient> GroupClient for Watched<C> {
    async fn next_event(&mut self) -> Result<Option<Event<Message>>, ClientError> {
        let event = self.client.next_event().await?;
        if let Some(event) = &event {
            self.told(event);
        }
        Ok(event)
    }

    fn submit(&mut self, command: Command<Message>) {
        let member = self.member;
        match &command {
            Command::CompleteAssign { starts, .. } => {
                self.of(|world| world.assigned(member, starts));
            }
            Command::CompleteRevoke { rebalance } => {
                let given_up = self.going.remove(rebalance).unwrap_or_default();
                self.of(|world| world.released(member, &given_up));
            }
            Command::Seek {
                partition,
                position,
                ..
            } => self.of(|world| world.sought(member, *partition, *position)),
            _ => {}
        }
        self.client.submit(command);
    }

    fn group(&self) -> &str {
        self.client.group()
    }

    fn topic(&self, number: u32) -> Option<&str> {
        self.client.topic(number)
    }

    fn ask_log_ends(&mut self, partitions: Vec<TopicPartition>) {
        self.client.ask_log_ends(partitions);
    }

    fn high_watermark(&self, partition: TopicPartition) -> Option<NextOffset> {
        self.client.high_watermark(partition)
    }

    fn is_unavailable(&self, topic: u32) -> bool {
        self.client.is_unavailable(topic)
    }

    fn is_failing(&self, partition: TopicPartition) -> bool {
        self.client.is_failing(partition)
    }
}
