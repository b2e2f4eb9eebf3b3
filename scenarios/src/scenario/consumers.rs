//! `[consumers]`: the group under test.
//!
//! ```toml
//! [consumers]
//! group = "billing"
//! starts = ["0s", "20s", "on join"]
//! subject = "plimsoll"
//! ordering = "key"
//! session_timeout = "10s"
//! poll_deadline = "60s"
//! assignor = "cooperative-sticky"
//! commit = { interval = "5s", every = 100 }
//! retry = { attempts = 5, backoff = "100ms..10s", jitter = 0.2 }
//! ```

use crate::Subject;
use plimsoll_core::Config;
use std::time::Duration;

/// The consumer group under test.
#[derive(Clone, Debug, PartialEq)]
pub struct Consumers {
    /// `group.id`.
    pub group: String,
    /// Which consumer stands trial, unless the command line names another.
    pub subject: Subject,
    /// When each member starts, counted from the start of the run; `None`: a `join` fault starts
    /// it. The index is the member's number (reports and files write `consumer-1` for index 0).
    pub starts: Vec<Option<Duration>>,
    /// Ordering, initial position, commit policy, retries, deadlines and buffers: what the subject
    /// is configured with. Recipes take from it what they have a setting for.
    pub config: Config,
    /// `session.timeout.ms`.
    pub session_timeout: Duration,
    /// `heartbeat.interval.ms`.
    pub heartbeat: Duration,
    /// `max.poll.interval.ms`: also the group's rebalance timeout, as in the Java client and
    /// librdkafka.
    pub poll_deadline: Duration,
    /// `partition.assignment.strategy`.
    pub assignor: Assignor,
    /// Whether members are static (`group.instance.id`).
    pub static_ids: bool,
    /// `fetch.wait.max.ms`.
    pub fetch_wait_max: Duration,
    /// `queued.min.messages`: how many records a member fetches ahead for each partition.
    pub prefetch: u32,
    /// The deadline of a request (`socket.timeout.ms`).
    pub request_timeout: Duration,
    /// `retry.backoff.ms`.
    pub retry_backoff: Duration,
    /// `topic.metadata.refresh.interval.ms` (Sarama: `Metadata.RefreshFrequency`).
    pub metadata_refresh: Duration,
}

plimsoll_oracle::words! {
    /// How partitions are given to members.
    pub enum Assignor: "assignor" {
        /// Eager: contiguous ranges.
        Range = "range",
        /// Eager: one by one, in turn.
        RoundRobin = "roundrobin",
        /// Cooperative: partitions stay where they are unless balance asks for a move.
        CooperativeSticky = "cooperative-sticky",
    }
}

super::value::written_as_words!(Assignor);

impl Default for Consumers {
    fn default() -> Self {
        Self {
            group: "group".into(),
            subject: Subject::Plimsoll,
            starts: vec![Some(Duration::ZERO); 2],
            config: Config::default(),
            session_timeout: Duration::from_secs(10),
            heartbeat: Duration::from_secs(3),
            poll_deadline: Duration::from_secs(60),
            assignor: Assignor::Range,
            static_ids: false,
            fetch_wait_max: Duration::from_secs(2),
            prefetch: 1_000,
            request_timeout: Duration::from_secs(10),
            retry_backoff: Duration::from_millis(100),
            metadata_refresh: Duration::from_secs(300),
        }
    }
}
