//! What must be true of a whole scenario, however it was made.

use super::errors::{Place, Problem, place};
use super::handler::check_share;
use super::units::duration;
use super::{Consumers, FaultSpec, Scenario, Settings, Workload, faults, topics};
use crate::MessageId;
use plimsoll_core::TopicPartition;
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

/// Nobody waits for minutes to see what real Kafka does. What is drawn must not decide on that, so
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

/// A partition that is not among those that its topic can have is a problem at `place`.
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

/// A message that is not produced is a problem at `place`.
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

/// By topic: how many partitions it can have, with those that faults add.
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

impl Consumers {
    fn check(&self, settings: &Settings, problems: &mut Vec<Problem>) {
        self.check_numbers(problems);
        self.check_timeouts(settings, problems);
    }

    fn check_numbers(&self, problems: &mut Vec<Problem>) {
        let at = |key: &str| place!["consumers", key];
        let members = self.starts.len();
        if !(1..=64).contains(&members) {
            problems.push(
                Problem::new(at("members"), format!("{members} members"))
                    .or_at(at("starts"))
                    .expected("expected 1 to 64"),
            );
        }
        if self.group.is_empty() {
            let problem = Problem::new(at("group"), "a group without a name");
            problems.push(problem.expected("expected a name"));
        }
        let config = &self.config;
        for (key, number) in [
            ("prefetch", self.prefetch as usize),
            ("max_in_flight", config.max_in_flight),
            ("max_buffered_records", config.max_buffered_records),
            ("max_buffered_bytes", config.max_buffered_bytes),
            ("max_span", config.max_span),
        ] {
            if number == 0 {
                let problem = Problem::new(at(key), format!("`{key}` is 0"));
                problems.push(problem.expected("expected at least 1"));
            }
        }
        let retry = |key: &str| place!["consumers", "retry", key];
        if config.retry.attempts == 0 {
            let problem = Problem::new(retry("attempts"), "a record is never handled");
            problems.push(problem.expected("expected at least 1"));
        }
        if config.retry.backoff > config.retry.max_backoff {
            let problem = Problem::new(
                retry("backoff"),
                "the first pause is longer than the longest",
            );
            problems.push(problem.expected("expected the shorter time first"));
        }
        check_share(config.retry.jitter.into(), retry("jitter"), problems);
        if config.commit.every == Some(0) {
            let problem = Problem::new(
                place!["consumers", "commit", "every"],
                "a commit every 0 records",
            );
            problems.push(problem.expected("expected at least 1"));
        }
        if config.commit.interval == Some(Duration::ZERO) {
            let place = place!["consumers", "commit", "interval"];
            let problem = Problem::new(place, "a commit every 0 s");
            problems.push(problem.expected("expected a longer interval, or `every = 1`"));
        }
    }

    fn check_timeouts(&self, settings: &Settings, problems: &mut Vec<Problem>) {
        let at = |key: &str| place!["consumers", key];
        for (key, time) in [
            ("session_timeout", self.session_timeout),
            ("heartbeat", self.heartbeat),
            ("poll_deadline", self.poll_deadline),
            ("request_timeout", self.request_timeout),
            ("metadata_refresh", self.metadata_refresh),
            ("retry_backoff", self.retry_backoff),
        ] {
            if time.is_zero() {
                let problem = Problem::new(at(key), format!("`{key}` is zero"));
                problems.push(problem.expected("expected a longer time"));
            }
        }
        // Kafka refuses to create such a consumer, or librdkafka does.
        let mut below = |low: (&str, Duration), high: (&str, Duration), or_equal: bool| {
            if low.1 < high.1 || (or_equal && low.1 == high.1) {
                return;
            }
            let relation = if or_equal { "at most" } else { "below" };
            let (low_time, high_time) = (duration(low.1), duration(high.1));
            let message = format!(
                "`{}` ({low_time}) must be {relation} `{}` ({high_time})",
                low.0, high.0
            );
            problems.push(
                Problem::new(at(low.0), message)
                    .or_at(at(high.0))
                    .expected(format!("expected `{}` {relation} `{}`", low.0, high.0)),
            );
        };
        let session = ("session_timeout", self.session_timeout);
        let poll = ("poll_deadline", self.poll_deadline);
        below(("heartbeat", self.heartbeat), session, false);
        below(session, poll, true);
        below(
            ("revoke_deadline", self.config.revoke_deadline),
            poll,
            false,
        );
        let request = ("request_timeout", self.request_timeout);
        below(("fetch_wait_max", self.fetch_wait_max), request, false);

        let broker = &settings.cluster.settings;
        let (min, max) = (
            broker.group_min_session_timeout,
            broker.group_max_session_timeout,
        );
        if !(min..=max).contains(&self.session_timeout) && min <= max {
            let message = format!(
                "brokers refuse a session timeout of {}",
                duration(self.session_timeout)
            );
            problems.push(
                Problem::new(at("session_timeout"), message)
                    .or_at(place![
                        "cluster",
                        "settings",
                        "group.min.session.timeout.ms"
                    ])
                    .or_at(place![
                        "cluster",
                        "settings",
                        "group.max.session.timeout.ms"
                    ])
                    .expected(format!("expected {} to {}", duration(min), duration(max)))
                    .help(
                        "\"group.min.session.timeout.ms\" and \"group.max.session.timeout.ms\" in \
                         [cluster.settings] are the limits",
                    ),
            );
        }
    }
}
