//! What can be watched from outside, by the [`metrics`] crate's facade.
//!
//! Install a recorder, such as the one of `metrics-exporter-prometheus`, before the consumer
//! starts. The numbers are brought up to date twice a second, not with each record; the ends of
//! logs, from which lags are counted, are asked for every two seconds. What is no record, such as
//! the marker at the end of a transaction, counts until the client has moved over it.
//!
//! | name | labels | what it is |
//! |---|---|---|
//! | `kafka_consumergroup_group_lag` | group, topic, partition | records that are not committed, up to the end of the log |
//! | `plimsoll_watermark_age_seconds` | group, topic, partition | time for which the first unfinished record has held the watermark up; 0 where nothing waits |
//! | `plimsoll_buffered_records` | group, topic, partition | records that were fetched and are not finished |
//! | `plimsoll_partition_halted` | group, topic, partition | 1 where the partition stands still because its position is out of range, else 0 |
//! | `plimsoll_dead_letters_refused` | group, topic, partition | records whose dead letters are refused for good: too large, or not allowed; what waits for them stands still |
//! | `plimsoll_partition_failing` | group, topic, partition | 1 where the partition stands still because its records cannot be read (a wrong CRC, no right to read), and is tried again, else 0 |
//! | `plimsoll_topic_unavailable` | group, topic | 1 where the topic is not there, or may not be read, and is asked for again, else 0 |
//! | `plimsoll_group_unavailable` | group | 1 where the group refuses the member for want of a right, and is asked again, else 0 |
//! | `plimsoll_partitions` | group | partitions that the member owns |
//! | `plimsoll_in_flight` | group | handlers that run |
//! | `plimsoll_handlers_ending` | group | handlers that were stopped, at their deadline or in a revocation, and have not ended: the next attempt waits for them |
//! | `plimsoll_retries_waiting` | group | records that wait for their next attempt |
//! | `plimsoll_handler_calls_total` | group | handlers started |
//! | `plimsoll_records_finished_total` | group | records finished, dead letters included |
//! | `plimsoll_failed_attempts_total` | group | attempts that failed |
//! | `plimsoll_handler_timeouts_total` | group | attempts that were stopped at their deadline |
//! | `plimsoll_dead_letters_total` | group | dead letters acknowledged |
//! | `plimsoll_dead_letter_failures_total` | group | dead-letter writes that failed, and are tried again |
//! | `plimsoll_dead_letter_refusals_total` | group | dead-letter writes that were refused for good |
//! | `plimsoll_commits_total` | group, outcome | commits by outcome: `ok`, `failed`, `unknown` |

use crate::{GroupClient, Message};
use metrics::{Counter, Gauge, SharedString, counter, describe_counter, describe_gauge, gauge};
use plimsoll_core::{
    AssignmentEpoch, Consumer, Counters, Instant, NextOffset, PartitionStatus, TopicPartition,
};
use std::collections::BTreeMap;
use std::sync::Arc;

const LAG: &str = "kafka_consumergroup_group_lag";
const WATERMARK_AGE: &str = "plimsoll_watermark_age_seconds";
const BUFFERED: &str = "plimsoll_buffered_records";
const HALTED: &str = "plimsoll_partition_halted";
const REFUSED: &str = "plimsoll_dead_letters_refused";
const FAILING: &str = "plimsoll_partition_failing";
const UNAVAILABLE: &str = "plimsoll_topic_unavailable";
const GROUP_UNAVAILABLE: &str = "plimsoll_group_unavailable";
const PARTITIONS: &str = "plimsoll_partitions";
const IN_FLIGHT: &str = "plimsoll_in_flight";
const ENDING: &str = "plimsoll_handlers_ending";
const RETRIES: &str = "plimsoll_retries_waiting";
const COMMITS: &str = "plimsoll_commits_total";

/// Reads a count of the core.
type Count = fn(&Counters) -> u64;

/// A counter: its name, its description, and the core's count.
type Total = (&'static str, &'static str, Count);

const TOTALS: [Total; 7] = [
    ("plimsoll_handler_calls_total", "Handlers started", |c| {
        c.dispatched
    }),
    (
        "plimsoll_records_finished_total",
        "Records finished, dead letters included",
        |c| c.finished,
    ),
    (
        "plimsoll_failed_attempts_total",
        "Attempts that failed",
        |c| c.failed_attempts,
    ),
    (
        "plimsoll_handler_timeouts_total",
        "Attempts that were stopped at their deadline",
        |c| c.timed_out,
    ),
    (
        "plimsoll_dead_letters_total",
        "Dead letters acknowledged",
        |c| c.dead_lettered,
    ),
    (
        "plimsoll_dead_letter_failures_total",
        "Dead-letter writes that failed, and are tried again",
        |c| c.dead_letter_failures,
    ),
    (
        "plimsoll_dead_letter_refusals_total",
        "Dead-letter writes that were refused for good",
        |c| c.dead_letters_refused,
    ),
];

/// The commits by outcome: the label, and the core's count.
const OUTCOMES: [(&str, Count); 3] = [
    ("ok", |c| c.commits),
    ("failed", |c| c.commits_failed),
    ("unknown", |c| c.commits_unknown),
];

/// The handles of one consumer.
pub(crate) struct Metrics {
    group: Arc<str>,
    totals: Vec<(Counter, Count)>,
    /// The counts that the counters have so far.
    told: Counters,
    in_flight: Gauge,
    ending: Gauge,
    retries: Gauge,
    owned: Gauge,
    group_unavailable: Gauge,
    /// The gauge of each topic, by its number.
    topics: Vec<Gauge>,
    partitions: BTreeMap<TopicPartition, Partition>,
}

/// The handles of one partition.
struct Partition {
    lag: Gauge,
    watermark_age: Gauge,
    buffered: Gauge,
    halted: Gauge,
    refused: Gauge,
    failing: Gauge,
    /// The watermark, and the moment since which it has not moved.
    stands: (AssignmentEpoch, NextOffset, Instant),
}

impl Metrics {
    pub(crate) fn new(group: &str) -> Self {
        describe();
        let group: Arc<str> = group.into();
        let totals = TOTALS.iter().map(|(name, _, read)| {
            let counter = counter!(*name, "group" => Arc::clone(&group));
            (counter, *read)
        });
        let outcomes = OUTCOMES.iter().map(|(outcome, read)| {
            let counter = counter!(COMMITS, "group" => Arc::clone(&group), "outcome" => *outcome);
            (counter, *read)
        });
        Self {
            totals: totals.chain(outcomes).collect(),
            told: Counters::default(),
            in_flight: gauge!(IN_FLIGHT, "group" => Arc::clone(&group)),
            ending: gauge!(ENDING, "group" => Arc::clone(&group)),
            retries: gauge!(RETRIES, "group" => Arc::clone(&group)),
            group_unavailable: gauge!(GROUP_UNAVAILABLE, "group" => Arc::clone(&group)),
            owned: gauge!(PARTITIONS, "group" => Arc::clone(&group)),
            topics: Vec::new(),
            partitions: BTreeMap::new(),
            group,
        }
    }

    /// Brings all numbers up to date. `ending` is the number of handlers that were stopped and have
    /// not ended.
    pub(crate) fn update(
        &mut self,
        now: Instant,
        consumer: &Consumer<Message>,
        ending: usize,
        client: &impl GroupClient,
    ) {
        let counters = *consumer.counters();
        for (counter, read) in &self.totals {
            // Several consumers of a process may share a counter.
            counter.increment(read(&counters) - read(&self.told));
        }
        self.told = counters;
        self.in_flight.set(consumer.in_flight() as f64);
        self.ending.set(ending as f64);
        self.retries.set(consumer.retries() as f64);
        self.owned.set(consumer.partitions().count() as f64);
        let is_refused = client.is_group_unavailable();
        self.group_unavailable.set(f64::from(u8::from(is_refused)));
        self.update_topics(client);
        self.partitions.retain(|id, partition| {
            let owned = consumer.partition(*id).is_some();
            if !owned {
                partition.reset();
            }
            owned
        });
        for status in consumer.partitions() {
            let id = status.partition;
            let Some(topic) = client.topic(id.topic) else {
                continue;
            };
            let group = &self.group;
            let partition = self
                .partitions
                .entry(id)
                .or_insert_with(|| Partition::new(group, topic, &status, now));
            partition.update(now, &status, client.high_watermark(id));
            let is_failing = client.is_failing(id);
            partition.failing.set(f64::from(u8::from(is_failing)));
        }
    }

    fn update_topics(&mut self, client: &impl GroupClient) {
        for number in 0.. {
            let Some(topic) = client.topic(number) else {
                break;
            };
            if self.topics.len() == number as usize {
                let group = Arc::clone(&self.group);
                let gauge = gauge!(UNAVAILABLE, "group" => group, "topic" => topic.to_owned());
                self.topics.push(gauge);
            }
            let is_unavailable = client.is_unavailable(number);
            self.topics[number as usize].set(f64::from(u8::from(is_unavailable)));
        }
    }
}

impl Partition {
    fn new(group: &Arc<str>, topic: &str, status: &PartitionStatus, now: Instant) -> Self {
        // Shared: each gauge has a copy of them.
        let shared = |text: Arc<str>| SharedString::from(text);
        let partition = status.partition.partition.to_string();
        let labels = [
            ("group", shared(Arc::clone(group))),
            ("topic", shared(topic.into())),
            ("partition", shared(partition.into())),
        ];
        Self {
            lag: gauge!(LAG, &labels),
            watermark_age: gauge!(WATERMARK_AGE, &labels),
            buffered: gauge!(BUFFERED, &labels),
            halted: gauge!(HALTED, &labels),
            refused: gauge!(REFUSED, &labels),
            failing: gauge!(FAILING, &labels),
            stands: (status.epoch, status.watermark, now),
        }
    }

    fn update(
        &mut self,
        now: Instant,
        status: &PartitionStatus,
        high_watermark: Option<NextOffset>,
    ) {
        let (epoch, watermark, since) = self.stands;
        let waits = status.buffered_records > 0;
        if !waits || (epoch, watermark) != (status.epoch, status.watermark) {
            self.stands = (status.epoch, status.watermark, now);
            self.watermark_age.set(0.0);
        } else {
            self.watermark_age.set((now - since).as_secs_f64());
        }
        if let Some(high_watermark) = high_watermark {
            let committed = status.committed.unwrap_or(status.watermark);
            // What was read is in the log, even where the client has not heard of it yet.
            let end = high_watermark.max(status.position);
            self.lag
                .set(end.get().saturating_sub(committed.get()) as f64);
        }
        self.buffered.set(status.buffered_records as f64);
        self.halted.set(f64::from(u8::from(status.halted)));
        self.refused.set(status.refused_letters as f64);
    }

    /// Sets the numbers of a partition to zero, as it is not owned any more: another member reports
    /// them.
    fn reset(&self) {
        let Self {
            lag,
            watermark_age,
            buffered,
            halted,
            refused,
            failing,
            stands: _,
        } = self;
        for gauge in [lag, watermark_age, buffered, halted, refused, failing] {
            gauge.set(0.0);
        }
    }
}

fn describe() {
    describe_gauge!(
        LAG,
        "Records that are not committed, up to the end of the log"
    );
    describe_gauge!(
        WATERMARK_AGE,
        "Time for which the first unfinished record has held the watermark up; 0 where nothing waits"
    );
    describe_gauge!(BUFFERED, "Records that were fetched and are not finished");
    describe_gauge!(
        HALTED,
        "1 where the partition stands still because its position is out of range, else 0"
    );
    describe_gauge!(REFUSED, "Records whose dead letters are refused for good");
    describe_gauge!(
        FAILING,
        "1 where the partition stands still because its records cannot be read, else 0"
    );
    describe_gauge!(
        UNAVAILABLE,
        "1 where the topic is not there, or may not be read, else 0"
    );
    describe_gauge!(
        GROUP_UNAVAILABLE,
        "1 where the group refuses the member for want of a right, else 0"
    );
    describe_gauge!(PARTITIONS, "Partitions that the member owns");
    describe_gauge!(IN_FLIGHT, "Handlers that run");
    describe_gauge!(ENDING, "Handlers that were stopped and have not ended");
    describe_gauge!(RETRIES, "Records that wait for their next attempt");
    describe_counter!(COMMITS, "Commits by outcome");
    for (name, description, _) in TOTALS {
        describe_counter!(name, description);
    }
}
