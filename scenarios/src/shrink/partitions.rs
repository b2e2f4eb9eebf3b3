//! Fewer topics and partitions.

use super::Search;
use crate::Plan;
use crate::scenario::{FaultKind, TopicNumber};
use plimsoll_core::TopicPartition;
use std::sync::Arc;

/// Folds everything into one partition, or topics into one another; then it removes the
/// partitions of a topic that nothing names, and folds the others.
pub(super) fn pass(search: &mut Search<'_>) {
    if search.attempt_with(fold_all) {
        return;
    }
    for gone in (1..search.best.settings.topics.len() as u32).rev() {
        let _ = (0..gone).any(|heir| search.attempt_with(|plan| fold_topic(plan, gone, heir)));
    }
    for topic in 0..search.best.settings.topics.len() as u32 {
        shrink_topic(search, topic);
    }
}

/// Leaves one partition, to which none is added.
fn fold_all(plan: &mut Plan) {
    plan.faults
        .retain(|fault| !matches!(fault.kind, FaultKind::AddPartitions { .. }));
    for_each_partition(plan, &mut |partition| {
        *partition = TopicPartition::new(0, 0)
    });
    let topics = &mut Arc::make_mut(&mut plan.settings).topics;
    topics.truncate(1);
    topics[0].partitions = 1;
}

fn shrink_topic(search: &mut Search<'_>, topic: u32) {
    let partitions = search.best.settings.topics[topic as usize].partitions;
    search.attempt_with(|plan| close_gaps(plan, topic));
    for count in 1..partitions {
        if search.attempt_with(|plan| fold_partitions(plan, topic, count)) {
            return;
        }
    }
}

/// Moves what stood in partition p to p modulo `count`; partitions that a fault adds come after.
fn fold_partitions(plan: &mut Plan, topic: u32, count: u32) {
    let before = plan.settings.topics[topic as usize].partitions;
    if count >= before {
        return;
    }
    rename(plan, topic, |partition| {
        match partition.checked_sub(before) {
            None => partition % count,
            Some(added) => count + added,
        }
    });
    Arc::make_mut(&mut plan.settings).topics[topic as usize].partitions = count;
}

/// Removes the partitions that neither a message nor a fault names; one stays.
fn close_gaps(plan: &mut Plan, topic: u32) {
    let before = plan.settings.topics[topic as usize].partitions;
    let mut named = vec![false; before as usize];
    for_each_partition(plan, &mut |partition| {
        if partition.topic == topic && partition.partition < before {
            named[partition.partition as usize] = true;
        }
    });
    let count = (named.iter().filter(|&&named| named).count() as u32).max(1);
    rename(plan, topic, |partition| {
        match partition.checked_sub(before) {
            None => named[..partition as usize]
                .iter()
                .filter(|&&named| named)
                .count() as u32,
            Some(added) => count + added,
        }
    });
    Arc::make_mut(&mut plan.settings).topics[topic as usize].partitions = count;
}

fn rename(plan: &mut Plan, topic: u32, new_name: impl Fn(u32) -> u32) {
    for_each_partition(plan, &mut |partition| {
        if partition.topic == topic {
            partition.partition = new_name(partition.partition);
        }
    });
}

/// Moves what is in topic `gone` to topic `heir`, an earlier one, and removes `gone`.
fn fold_topic(plan: &mut Plan, gone: u32, heir: u32) {
    let partitions = plan.settings.topics[heir as usize].partitions;
    for_each_partition(plan, &mut |partition| {
        if partition.topic == gone {
            *partition = TopicPartition::new(heir, partition.partition % partitions);
        } else if partition.topic > gone {
            partition.topic -= 1;
        }
    });
    let arguments = plan
        .faults
        .iter_mut()
        .flat_map(|fault| fault.kind.arguments_mut());
    for TopicNumber(topic) in arguments.filter_map(|argument| argument.topic_mut()) {
        if *topic == gone {
            *topic = heir;
        } else if *topic > gone {
            *topic -= 1;
        }
    }
    Arc::make_mut(&mut plan.settings)
        .topics
        .remove(gone as usize);
}

/// Visits each partition that a message or a fault names.
fn for_each_partition(plan: &mut Plan, visit: &mut dyn FnMut(&mut TopicPartition)) {
    for message in &mut plan.messages {
        visit(&mut message.partition);
    }
    let arguments = plan
        .faults
        .iter_mut()
        .flat_map(|fault| fault.kind.arguments_mut());
    arguments
        .filter_map(|argument| argument.partition_mut())
        .for_each(visit);
}
