//! What passes between a client and the driver, as the trace tells it.

use super::Birth;
use crate::world::{Shared, World};
use plimsoll::{GroupClient, Message, Watch};
use plimsoll_core::{Command, Event, RebalanceId, TopicPartition};
use plimsoll_oracle::MemberId;
use std::collections::BTreeMap;

/// The notes of what a client and the driver say, for the world.
pub(super) struct Seam {
    member: MemberId,
    process: (MemberId, u64),
    world: Shared,
    /// The partitions of revocations and losses that have no answer.
    going: BTreeMap<RebalanceId, Vec<TopicPartition>>,
}

impl Seam {
    pub(super) fn new(birth: &Birth) -> Self {
        Self {
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
}

impl Watch for Seam {
    fn see_event(&mut self, _: &impl GroupClient, event: &Event<Message>) {
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

    fn see_command(&mut self, _: &impl GroupClient, command: &Command<Message>) {
        let member = self.member;
        match command {
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
    }
}
