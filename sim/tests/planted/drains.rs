//! Bugs in giving partitions up, and in stopping.

use super::{Bug, Command, Commands, Event, Events};
use plimsoll_core::{CommitId, CommitOffset, NextOffset, RebalanceId, TopicPartition};
use std::collections::BTreeMap;

/// kafka-go#1398: what was buffered is handled after the revocation.
#[derive(Default)]
pub(crate) struct RevokedBufferDelivered;

impl Bug for RevokedBufferDelivered {
    fn event(&mut self, event: Event, out: &mut Commands) -> Option<Event> {
        let Event::Revoked { rebalance, .. } = event else {
            return Some(event);
        };
        out.push_back(Command::CompleteRevoke { rebalance });
        None
    }
}

/// A stop that neither drains nor commits.
#[derive(Default)]
pub(crate) struct ClosesAtOnce;

impl Bug for ClosesAtOnce {
    fn event(&mut self, event: Event, out: &mut Commands) -> Option<Event> {
        match event {
            Event::Shutdown => {
                out.push_back(Command::Close);
                None
            }
            event => Some(event),
        }
    }
}

/// A rebalance that is never answered.
#[derive(Default)]
pub(crate) struct NeverAnswersRevoke {
    ignored: Option<RebalanceId>,
}

impl Bug for NeverAnswersRevoke {
    fn command(&mut self, command: Command, _: &mut Events) -> Option<Command> {
        match command {
            Command::CompleteRevoke { rebalance } if self.ignored.is_none() => {
                self.ignored = Some(rebalance);
                None
            }
            command => Some(command),
        }
    }
}

/// parallel-consumer#826: what a drain cancels at its deadline counts as finished.
#[derive(Default)]
pub(crate) struct CancelledCountsAsFinished {
    draining: bool,
    cancelled: BTreeMap<TopicPartition, NextOffset>,
    commits: u32,
}

impl CancelledCountsAsFinished {
    const FIRST: u32 = u32::MAX / 2;
}

impl Bug for CancelledCountsAsFinished {
    fn event(&mut self, event: Event, _: &mut Commands) -> Option<Event> {
        match &event {
            Event::Revoked { .. } | Event::Shutdown => self.draining = true,
            Event::CommitFinished { commit, .. } if commit.0 >= Self::FIRST => return None,
            _ => {}
        }
        Some(event)
    }

    fn expand(&mut self, command: Command) -> Vec<Command> {
        match &command {
            Command::Cancel {
                partition, offset, ..
            } if self.draining => {
                self.cancelled.insert(*partition, offset.next());
            }
            Command::CompleteRevoke { .. } | Command::Close => {
                self.draining = false;
                let cancelled = std::mem::take(&mut self.cancelled);
                if !cancelled.is_empty() {
                    let offsets = cancelled.into_iter();
                    let offsets = offsets.map(|(partition, next)| CommitOffset {
                        partition,
                        next,
                        founding_partitions: 0,
                    });
                    let commit = CommitId(Self::FIRST + self.commits);
                    self.commits += 1;
                    let offsets = offsets.collect();
                    return vec![Command::Commit { commit, offsets }, command];
                }
            }
            _ => {}
        }
        vec![command]
    }
}

/// A handler that has passed its deadline counts as in flight for ever: a stop waits for it.
#[derive(Default)]
pub(crate) struct ExpiredStaysInFlight {
    draining: bool,
    expired: bool,
}

impl Bug for ExpiredStaysInFlight {
    fn event(&mut self, event: Event, _: &mut Commands) -> Option<Event> {
        self.draining |= matches!(event, Event::Revoked { .. } | Event::Shutdown);
        Some(event)
    }

    fn expand(&mut self, command: Command) -> Vec<Command> {
        match &command {
            Command::Cancel { .. } if !self.draining => self.expired = true,
            Command::CompleteRevoke { .. } => self.draining = false,
            Command::Close if self.expired => return Vec::new(),
            _ => {}
        }
        vec![command]
    }
}
