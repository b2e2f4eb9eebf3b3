//! `[consumers]` as it stands in a file.

use super::consumers::{Assignor, Consumers};
use super::errors::{Problem, place};
use super::units::{self, Bytes, OrNever, Share, Span};
use super::value::{Refused, Table, Value, Written};
use super::write::{self, Section};
use crate::Subject;
use plimsoll_core::{
    CommitPolicy, Config, InitialPosition, Ordering, OutOfRangePolicy, RetryPolicy,
};
use schemars::{JsonSchema, Schema, json_schema};
use serde::Deserialize;
use std::time::Duration;

/// The consumer group under test.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Consumers")]
pub(super) struct RawConsumers {
    /// `group.id`; default "group".
    group: Option<String>,
    /// How many members, all from the start; default 2.
    #[schemars(range(min = 1, max = 64))]
    members: Option<u32>,
    /// When each member starts, in place of `members`; "on join": a `join` fault starts it.
    starts: Option<Vec<Value<Start>>>,
    /// Which consumer stands trial, unless the command line names another; default "plimsoll".
    subject: Option<Value<Subject>>,
    /// Which records of a partition may be handled at the same time; default "partition".
    ordering: Option<Value<Ordering>>,
    /// Where a group starts that committed nothing; default "earliest".
    initial: Option<Value<InitialPosition>>,
    /// What to do when a position is outside of what the partition holds; default "earliest".
    out_of_range: Option<Value<OutOfRangePolicy>>,
    /// Whether a record that cannot be handled goes to a dead-letter topic; default true.
    dead_letters: Option<bool>,
    /// `session.timeout.ms`; default "10s".
    session_timeout: Option<Value<Duration>>,
    /// `heartbeat.interval.ms`; default "3s".
    heartbeat: Option<Value<Duration>>,
    /// `max.poll.interval.ms`, also the group's rebalance timeout; default "60s".
    poll_deadline: Option<Value<Duration>>,
    /// `partition.assignment.strategy`; default "range".
    assignor: Option<Value<Assignor>>,
    /// Whether members are static (`group.instance.id`); default false.
    static_ids: Option<bool>,
    /// `fetch.wait.max.ms`; default "2s".
    fetch_wait_max: Option<Value<Duration>>,
    /// `queued.min.messages`: how many records a member fetches ahead for each partition; default
    /// 1000.
    prefetch: Option<u32>,
    /// The deadline of a request; default "10s".
    request_timeout: Option<Value<Duration>>,
    /// `retry.backoff.ms`; default "100ms".
    retry_backoff: Option<Value<Duration>>,
    /// `topic.metadata.refresh.interval.ms`; default "5m".
    metadata_refresh: Option<Value<Duration>>,
    /// A handler that takes longer is cancelled, and the attempt counts as a failure; default
    /// "60s", or "never".
    handler_deadline: Option<Value<OrNever>>,
    /// How many handlers may run at once in a member; default 64.
    max_in_flight: Option<u32>,
    /// How many unfinished records a partition may hold before it is paused; default 1000.
    max_buffered_records: Option<u32>,
    /// How many bytes of unfinished records a partition may hold before it is paused; default
    /// "16MiB".
    max_buffered_bytes: Option<Value<Bytes>>,
    /// How many offsets fetching may run ahead of the first unfinished record; default 100000.
    max_span: Option<u32>,
    /// How long a revocation waits for handlers in flight, below `poll_deadline`; default "30s",
    /// or half of a shorter `poll_deadline`.
    revoke_deadline: Option<Value<Duration>>,
    /// How long a shutdown waits for handlers in flight; default "30s".
    shutdown_deadline: Option<Value<Duration>>,
    /// When offsets are committed.
    commit: Option<Table<RawCommit>>,
    /// How a failed record is tried again.
    retry: Option<Table<RawRetry>>,
}

/// When offsets are committed, besides on a revocation and on a shutdown.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Commit")]
struct RawCommit {
    /// At the latest so long after a record finished, or "never"; default "5s", or "never" where
    /// `every` is given.
    interval: Option<Value<OrNever>>,
    /// As soon as so many records finished; default: not by count.
    every: Option<u32>,
}

/// How a failed record is tried again.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Retry")]
struct RawRetry {
    /// How often the handler is called for a record; default 10.
    attempts: Option<u32>,
    /// The first pause, which doubles, and the longest; default "100ms..10s".
    backoff: Option<Value<Span<Duration>>>,
    /// The share of a pause by which it may be shortened; default 0.2.
    jitter: Option<Value<Share>>,
}

/// When a member starts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start(Option<Duration>);

const ON_JOIN: &str = "on join";

impl Written for Start {
    const EXPECTED: &'static str = r#"a time such as "20s", or "on join""#;

    fn from_text(text: &str) -> Result<Self, Refused> {
        match text {
            ON_JOIN => Ok(Self(None)),
            time => Duration::from_text(time).map(|time| Self(Some(time))),
        }
    }

    fn schema() -> Schema {
        json_schema!({ "anyOf": [Duration::schema(), { "const": ON_JOIN }] })
    }
}

impl RawConsumers {
    pub(super) fn resolve(self, problems: &mut Vec<Problem>) -> Consumers {
        let default = Consumers::default();
        if self.members.is_some() && self.starts.is_some() {
            let message = "`starts` has one entry a member: `members` says it twice";
            problems.push(
                Problem::new(place!["consumers", "members"], message)
                    .expected("expected `members` or `starts`, not both"),
            );
        }
        // As many as fit: more are refused later, and would only take memory until then.
        let all_at_once = |members: u32| vec![Some(Duration::ZERO); members.min(1_000) as usize];
        let starts = match (&self.starts, self.members) {
            (Some(starts), _) => starts.iter().map(|start| start.0.0).collect(),
            (None, Some(members)) => all_at_once(members),
            (None, None) => default.starts,
        };
        let poll_deadline = time(&self.poll_deadline, default.poll_deadline);
        Consumers {
            starts,
            config: self.config(poll_deadline),
            session_timeout: time(&self.session_timeout, default.session_timeout),
            heartbeat: time(&self.heartbeat, default.heartbeat),
            poll_deadline,
            fetch_wait_max: time(&self.fetch_wait_max, default.fetch_wait_max),
            request_timeout: time(&self.request_timeout, default.request_timeout),
            retry_backoff: time(&self.retry_backoff, default.retry_backoff),
            metadata_refresh: time(&self.metadata_refresh, default.metadata_refresh),
            subject: self.subject.map_or(default.subject, |value| value.0),
            assignor: self.assignor.map_or(default.assignor, |value| value.0),
            static_ids: self.static_ids.unwrap_or(default.static_ids),
            prefetch: self.prefetch.unwrap_or(default.prefetch),
            group: self.group.unwrap_or(default.group),
        }
    }

    fn config(&self, poll_deadline: Duration) -> Config {
        let default = Config::default();
        let number = |value: Option<u32>, or| value.map_or(or, |value| value as usize);
        Config {
            ordering: self.ordering.map_or(default.ordering, |value| value.0),
            initial: self.initial.map_or(default.initial, |value| value.0),
            out_of_range: self.out_of_range.map_or(default.out_of_range, |v| v.0),
            dead_letters: self.dead_letters.unwrap_or(default.dead_letters),
            handler_deadline: self
                .handler_deadline
                .map_or(default.handler_deadline, |value| value.0.0),
            max_in_flight: number(self.max_in_flight, default.max_in_flight),
            max_buffered_records: number(self.max_buffered_records, default.max_buffered_records),
            max_buffered_bytes: self
                .max_buffered_bytes
                .map_or(default.max_buffered_bytes, |value| {
                    usize::try_from(value.0.0).unwrap_or(usize::MAX)
                }),
            max_span: number(self.max_span, default.max_span),
            revoke_deadline: time(&self.revoke_deadline, revoke_deadline_of(poll_deadline)),
            shutdown_deadline: time(&self.shutdown_deadline, default.shutdown_deadline),
            commit: self
                .commit
                .as_ref()
                .map_or(default.commit, |raw| raw.0.resolve()),
            retry: self
                .retry
                .as_ref()
                .map_or(default.retry, |raw| raw.0.resolve()),
            jitter_seed: default.jitter_seed,
        }
    }
}

impl RawCommit {
    fn resolve(&self) -> CommitPolicy {
        let default = match self.every {
            Some(_) => None,
            None => Config::default().commit.interval,
        };
        CommitPolicy {
            interval: self.interval.map_or(default, |value| value.0.0),
            every: self.every,
        }
    }
}

impl RawRetry {
    fn resolve(&self) -> RetryPolicy {
        let default = Config::default().retry;
        let (backoff, max_backoff) = match self.backoff {
            Some(Value(Span { min, max })) => (min, max),
            None => (default.backoff, default.max_backoff),
        };
        RetryPolicy {
            attempts: self.attempts.unwrap_or(default.attempts),
            backoff,
            max_backoff,
            jitter: self.jitter.map_or(default.jitter, |value| value.0.0 as f32),
        }
    }
}

fn time(value: &Option<Value<Duration>>, or: Duration) -> Duration {
    value.as_ref().map_or(or, |value| value.0)
}

/// The revoke deadline of a group that states only its poll deadline.
fn revoke_deadline_of(poll_deadline: Duration) -> Duration {
    Config::default().revoke_deadline.min(poll_deadline / 2)
}

impl Consumers {
    pub(super) fn write(&self, file: &mut String) {
        let mut section = Section::new("[consumers]");
        let default = Self::default();
        if self.group != default.group {
            section.text("group", &self.group);
        }
        self.write_starts(&default, &mut section);
        section.differing("subject", (self.subject, default.subject), write::word);
        for (key, time, default) in [
            (
                "session_timeout",
                self.session_timeout,
                default.session_timeout,
            ),
            ("heartbeat", self.heartbeat, default.heartbeat),
            ("poll_deadline", self.poll_deadline, default.poll_deadline),
            (
                "fetch_wait_max",
                self.fetch_wait_max,
                default.fetch_wait_max,
            ),
            (
                "request_timeout",
                self.request_timeout,
                default.request_timeout,
            ),
            ("retry_backoff", self.retry_backoff, default.retry_backoff),
            (
                "metadata_refresh",
                self.metadata_refresh,
                default.metadata_refresh,
            ),
        ] {
            section.differing(key, (time, default), write::time);
        }
        section.differing("assignor", (self.assignor, default.assignor), write::word);
        let static_ids = (self.static_ids, default.static_ids);
        section.differing("static_ids", static_ids, write::plain);
        section.differing("prefetch", (self.prefetch, default.prefetch), write::plain);
        write_config(&self.config, self.poll_deadline, &mut section);
        section.finish(file, false);
    }

    fn write_starts(&self, default: &Self, section: &mut Section) {
        let starts = &self.starts;
        if *starts == default.starts {
        } else if !starts.is_empty() && starts.iter().all(|start| *start == Some(Duration::ZERO)) {
            section.line("members", starts.len());
        } else {
            let on_join = || format!("\"{ON_JOIN}\"");
            let starts = starts
                .iter()
                .map(|start| start.map_or_else(on_join, write::time));
            section.line("starts", write::list(starts));
        }
    }
}

fn write_config(config: &Config, poll_deadline: Duration, section: &mut Section) {
    let default = Config::default();
    section.differing("ordering", (config.ordering, default.ordering), write::word);
    section.differing("initial", (config.initial, default.initial), write::word);
    let out_of_range = (config.out_of_range, default.out_of_range);
    section.differing("out_of_range", out_of_range, write::word);
    let dead_letters = (config.dead_letters, default.dead_letters);
    section.differing("dead_letters", dead_letters, write::plain);
    if config.commit != default.commit {
        section.line("commit", commit(config.commit));
    }
    if config.retry != default.retry {
        section.line("retry", retry(config.retry));
    }
    let handler_deadline = (config.handler_deadline, default.handler_deadline);
    section.differing("handler_deadline", handler_deadline, write::or_never);
    for (key, number, default) in [
        ("max_in_flight", config.max_in_flight, default.max_in_flight),
        (
            "max_buffered_records",
            config.max_buffered_records,
            default.max_buffered_records,
        ),
        ("max_span", config.max_span, default.max_span),
    ] {
        section.differing(key, (number, default), write::plain);
    }
    let bytes = (config.max_buffered_bytes, default.max_buffered_bytes);
    section.differing("max_buffered_bytes", bytes, |bytes| {
        format!("\"{}\"", units::bytes(bytes as u64))
    });
    let revoke = (config.revoke_deadline, revoke_deadline_of(poll_deadline));
    section.differing("revoke_deadline", revoke, write::time);
    let shutdown = (config.shutdown_deadline, default.shutdown_deadline);
    section.differing("shutdown_deadline", shutdown, write::time);
}

fn commit(policy: CommitPolicy) -> String {
    let interval = write::or_never(policy.interval);
    match (policy.interval, policy.every) {
        (_, None) => format!("{{ interval = {interval} }}"),
        (None, Some(every)) => format!("{{ every = {every} }}"),
        (Some(_), Some(every)) => format!("{{ interval = {interval}, every = {every} }}"),
    }
}

fn retry(policy: RetryPolicy) -> String {
    let default = Config::default().retry;
    let mut parts = Vec::new();
    if policy.attempts != default.attempts {
        parts.push(format!("attempts = {}", policy.attempts));
    }
    let backoff = (policy.backoff, policy.max_backoff);
    if backoff != (default.backoff, default.max_backoff) {
        parts.push(format!(
            "backoff = \"{}\"",
            units::durations(backoff.0, backoff.1)
        ));
    }
    if policy.jitter != default.jitter {
        parts.push(format!("jitter = {}", policy.jitter));
    }
    format!("{{ {} }}", parts.join(", "))
}
