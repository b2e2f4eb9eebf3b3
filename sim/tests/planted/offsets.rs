//! Bugs with the position from which a partition is read.

use super::{Bug, Command, Commands, Event, Events, leave_out};
use plimsoll_core::{NextOffset, TopicPartition};
use std::collections::BTreeMap;

/// kafka-go#904: a group that starts at the end commits nothing until a record came.
#[derive(Default)]
pub(crate) struct LatestUncommitted {
    starts: BTreeMap<TopicPartition, NextOffset>,
}

impl Bug for LatestUncommitted {
    fn event(&mut self, event: Event, _: &mut Commands) -> Option<Event> {
        if let Event::Assigned { partitions, .. } = &event {
            let uncommitted = partitions
                .iter()
                .filter(|assigned| assigned.committed.is_none());
            self.starts
                .extend(uncommitted.map(|assigned| (assigned.partition, assigned.high_watermark)));
        }
        Some(event)
    }

    fn command(&mut self, command: Command, answers: &mut Events) -> Option<Command> {
        leave_out(command, answers, |offset| {
            self.starts.get(&offset.partition) == Some(&offset.next)
        })
    }
}

/// sarama#1739, KAFKA-12261: a partition added later is read from its end.
#[derive(Default)]
pub(crate) struct LatestNewPartition;

impl Bug for LatestNewPartition {
    fn event(&mut self, mut event: Event, _: &mut Commands) -> Option<Event> {
        if let Event::Assigned { partitions, .. } = &mut event {
            for assigned in partitions {
                assigned.founding_partitions = None;
            }
        }
        Some(event)
    }
}

/// kafkajs#1119: a position that is said to be out of range goes to the end, wherever it is.
#[derive(Default)]
pub(crate) struct OutOfRangeToTheEnd;

impl Bug for OutOfRangeToTheEnd {
    fn event(&mut self, event: Event, out: &mut Commands) -> Option<Event> {
        let Event::OutOfRange {
            partition,
            epoch,
            high_watermark,
            ..
        } = event
        else {
            return Some(event);
        };
        out.push_back(Command::Seek {
            partition,
            epoch,
            position: high_watermark,
        });
        None
    }
}
