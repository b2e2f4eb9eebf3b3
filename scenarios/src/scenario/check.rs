//! What must be true of a whole scenario, however it was made.

use super::errors::{Place, Problem, place};
use super::units::duration;
use super::{FaultSpec, Scenario, Settings, Workload, faults, topics};
use plimsoll_core::TopicPartition;
use plimsoll_oracle::MessageId;
use std::time::Duration;

/// Notes everything that is wrong.
pub(super) fn scenario(scenario: &Scenario, problems: &mut Vec<Problem>) {
    let settings = &scenario.settings;
    real_time(settings, problems);
    settings.cluster.check(problems);
    topics::check(&settings.topics, problems);
    settings.consumers.check(settings, problems);
    settings.handler.check(problems);
    settings.network.check(problems);
    settings.producer.check(problems);
    settings.expect.check(problems);
    let capacity = capacity(scenario);
    scenario.workload.check(&capacity, problems);
    for (index, (message, _)) in settings.handler.messages.iter().enumerate() {
        let at = place!["handler", "messages", index, "message"];
        self::message(MessageId(*message), &scenario.workload, at, problems);
    }
    faults::check(scenario, &capacity, problems);
}

/// Notes a scenario that is too long for real time. What is drawn must not decide on that, so
/// the file says how long it takes.
fn real_time(settings: &Settings, problems: &mut Vec<Problem>) {
    const LIMIT: Duration = Duration::from_secs(20);
    if !settings.real_time {
        return;
    }
    let limit = duration(LIMIT);
    match settings.safety {
        None => problems.push(
            Problem::new(place!["real_time"], "`real_time` without `duration`")
                .expected(format!("expected a `duration` below {limit} beside it")),
        ),
        Some(safety) if safety >= LIMIT => {
            let message = format!("{} is too long for real time", duration(safety));
            problems.push(
                Problem::new(place!["duration"], message)
                    .or_at(place!["real_time"])
                    .expected(format!("expected less than {limit}, as `real_time` is set")),
            );
        }
        Some(_) => {}
    }
}

/// Notes a problem at `place`: a partition that is not among those that its topic can have.
pub(super) fn partition(
    partition: TopicPartition,
    capacity: &[u32],
    place: Place,
    problems: &mut Vec<Problem>,
) {
    let count = capacity.get(partition.topic as usize).copied().unwrap_or(0);
    if partition.partition >= count {
        let number = partition.partition;
        let message = format!("there is no partition {number}: the topic has {count}");
        let expected = match count {
            0 => "expected a topic".into(),
            1 => "expected partition 0".into(),
            _ => format!("expected 0 to {}", count - 1),
        };
        problems.push(Problem::new(place, message).expected(expected));
    }
}

/// Notes a problem at `place`: a message that is not produced.
pub(super) fn message(
    id: MessageId,
    workload: &Workload,
    place: Place,
    problems: &mut Vec<Problem>,
) {
    let (exists, expected) = match workload {
        Workload::Drawn(traffic) => (
            (1..=traffic.messages).contains(&id.0),
            format!("expected 1 to {}", traffic.messages),
        ),
        Workload::Explicit(messages) => (
            messages.iter().any(|message| message.id == id),
            "expected the id of one of [[messages]]".into(),
        ),
    };
    if !exists {
        let message = format!("there is no message {}", id.0);
        problems.push(Problem::new(place, message).expected(expected));
    }
}

/// Counts by topic the partitions that it can have, with those that faults add.
fn capacity(scenario: &Scenario) -> Vec<u32> {
    let topics = &scenario.settings.topics;
    let mut capacity: Vec<_> = topics.iter().map(|topic| topic.partitions).collect();
    for spec in &scenario.faults {
        if let FaultSpec::Explicit(fault) = spec
            && let Some((topic, count)) = fault.kind.added_partitions()
            && let Some(capacity) = capacity.get_mut(topic.0 as usize)
        {
            *capacity = capacity.saturating_add(count.0);
        }
    }
    capacity
}
