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

use super::errors::{Problem, place};
use super::form::{Flag, Inline, Maybe, Name, Number, OneOf, Positive};
use super::measures::OrNever;
use super::policies::{Commit, Retry};
use super::starts::{Members, Starts};
use super::table::{Exclusive, Keys, Rules, keys, table};
use super::units::{Bytes, duration};
use super::value::written_as_words;
use super::{Settings, write::Section};
use crate::{Client, Subject};
use plimsoll_core::{
    CommitPolicy, Config, InitialPosition, Ordering, OutOfRangePolicy, RetryPolicy,
};
use plimsoll_protocol::Assignor;
use std::time::Duration;

table! {
    /// The consumer group under test.
    pub struct Consumers {
        /// The name of the group (`group.id`).
        pub group: String as Name = "group".into();
        /// The time at which each member starts, in place of `members`. The first entry is
        /// consumer-1. A member with "on join" starts by a fault `join`.
        pub starts: Vec<Option<Duration>> as Starts = vec![Some(Duration::ZERO); 2],
            /// The number of members, where all start with the run.
            members as Members;
        /// The consumer that stands trial, unless the command line names another.
        pub subject: Subject as OneOf = Subject::Plimsoll;
        /// The client library beneath the subject `plimsoll` on real and embedded brokers.
        /// Simulated clients behave like librdkafka either way.
        pub client: Client as OneOf = Client::Librdkafka;
        /// The time without a heartbeat after which the group drops a member
        /// (`session.timeout.ms`).
        pub session_timeout: Duration as Positive<Duration> = Duration::from_secs(10);
        /// The time between two heartbeats (`heartbeat.interval.ms`), below `session_timeout`.
        pub heartbeat: Duration as Positive<Duration> = Duration::from_secs(3);
        /// The time without a poll after which a member leaves the group (`max.poll.interval.ms`),
        /// not below `session_timeout`. It is the group's rebalance timeout too, as in the Java
        /// client and librdkafka.
        pub poll_deadline: Duration as Positive<Duration> = Duration::from_secs(60);
        /// The longest time for which a broker holds a fetch back that has no record
        /// (`fetch.wait.max.ms`), below `request_timeout`.
        pub fetch_wait_max: Duration as Duration = Duration::from_secs(2);
        /// The deadline of a request (`socket.timeout.ms`).
        pub request_timeout: Duration as Positive<Duration> = Duration::from_secs(10);
        /// The pause before a failed request is sent again (`retry.backoff.ms`).
        pub retry_backoff: Duration as Positive<Duration> = Duration::from_millis(100);
        /// The time between two refreshes of metadata (`topic.metadata.refresh.interval.ms`;
        /// Sarama: `Metadata.RefreshFrequency`).
        pub metadata_refresh: Duration as Positive<Duration> = Duration::from_secs(300);
        /// The rule by which partitions are given to members (`partition.assignment.strategy`).
        pub assignor: Assignor as OneOf = Assignor::Range;
        /// Whether members are static (`group.instance.id`).
        pub static_ids: bool as Flag = false;
        /// The number of different `group.instance.id`s, where members have the same by mistake:
        /// with 2, consumer-3 has that of consumer-1. All members are static then.
        pub instance_ids: Option<u32> as Maybe<Number<1>> = None;
        /// The number of records that a member fetches ahead for each partition
        /// (`queued.min.messages`).
        pub prefetch: u32 as Number<1> = 1_000;
        with {
            /// Ordering, initial position, commit policy, retries, deadlines and buffers: what the
            /// subject is configured with. Recipes take from it what they have a setting for.
            pub config: Config;
        }
    }
}

keys! {
    /// What a consumer is configured with.
    for Config except jitter_seed except refused_letters {
        /// The records of a partition that may be handled at the same time: one, one for each key,
        /// or any.
        ordering: Ordering as OneOf = ..;
        /// The position at which a group starts that committed nothing.
        initial: InitialPosition as OneOf = ..;
        /// The position to go to from one that is outside of what the partition holds, or none.
        out_of_range: OutOfRangePolicy as OneOf = ..;
        /// Whether a record that cannot be handled goes to a dead-letter topic.
        dead_letters: bool as Flag = ..;
        /// The occasions of commits, besides revocations and shutdowns.
        commit: CommitPolicy as Inline<Commit> = ..;
        /// The attempts at a record that fails, and the pauses between them.
        retry: RetryPolicy as Inline<Retry> = ..;
        /// The time after which a handler is cancelled. The attempt then counts as a failure.
        handler_deadline: Option<Duration> as OrNever = ..;
        /// The number of handlers that may run at once in a member.
        max_in_flight: usize as Number<1> = ..;
        /// The number of unfinished records of a partition at which it is paused.
        max_buffered_records: usize as Number<1> = ..;
        /// The number of offsets by which fetching may run ahead of the first unfinished record.
        max_span: usize as Number<1> = ..;
        /// The size of the unfinished records of a partition at which it is paused.
        max_buffered_bytes: usize as Positive<Bytes> = ..;
        /// The size of the unfinished records of all partitions of a member. Each partition has an
        /// equal share, at which it is paused.
        max_total_bytes: usize as Positive<Bytes> = ..;
        /// The time that a revocation gives the handlers in flight. The last commit may take a
        /// quarter of it in addition, and at least a second: the sum must be below
        /// `poll_deadline`. The default is at most half of `poll_deadline`.
        revoke_deadline: Duration as Duration = ..;
        /// The time that a shutdown gives the handlers in flight.
        shutdown_deadline: Duration as Duration = ..;
    }
}

written_as_words!(Assignor, Client);

impl Rules for Consumers {
    const EXCLUSIVE: &'static [Exclusive] = &[Exclusive {
        keys: &["starts", "members"],
        why: "`starts` has one entry for each member",
    }];

    fn implied(&self) -> Self {
        let mut implied = Self::default();
        implied.config.revoke_deadline = revoke_deadline_of(self.poll_deadline);
        implied
    }
}

/// Returns the revoke deadline of a group that states only its poll deadline: the usual one, or
/// what leaves time for the last commit of a revocation.
fn revoke_deadline_of(poll_deadline: Duration) -> Duration {
    let of = |revoke_deadline| Config {
        revoke_deadline,
        ..Config::default()
    };
    let usual = Config::default().revoke_deadline.min(poll_deadline / 2);
    if of(usual).longest_revocation() < poll_deadline {
        return usual;
    }
    poll_deadline.saturating_sub(of(Duration::ZERO).longest_revocation()) / 2
}

impl Consumers {
    /// Returns the number of a member's `group.instance.id`, where members are static.
    pub fn instance(&self, member: u32) -> Option<u32> {
        match self.instance_ids {
            Some(ids) => Some(member % ids),
            None => self.static_ids.then_some(member),
        }
    }

    pub(super) fn check(&self, settings: &Settings, problems: &mut Vec<Problem>) {
        let before = problems.len();
        self.check_values(&place!["consumers"], problems);
        if problems.len() == before
            && let Err(error) = self.config.validate()
        {
            let steps = error.field.split('.').map(String::from);
            let place = place!["consumers"].into_iter().chain(steps).collect();
            let problem = Problem::new(place, error.to_string());
            problems.push(problem.expected(format!("expected {}", error.expected)));
        }
        self.check_times(problems);
        self.check_session_timeout(settings, problems);
    }

    /// Notes times that contradict each other: Kafka refuses to create such a consumer, or
    /// librdkafka or Plimsoll does.
    fn check_times(&self, problems: &mut Vec<Problem>) {
        let at = |key: &str| place!["consumers", key];
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
        let request = ("request_timeout", self.request_timeout);
        below(("heartbeat", self.heartbeat), session, false);
        below(session, ("poll_deadline", self.poll_deadline), true);
        below(("fetch_wait_max", self.fetch_wait_max), request, false);
        let revocation = self.config.longest_revocation();
        if revocation >= self.poll_deadline {
            let message = format!(
                "`revoke_deadline` ({}) and the time for the last commit make {}, which must be \
                 below `poll_deadline` ({})",
                duration(self.config.revoke_deadline),
                duration(revocation),
                duration(self.poll_deadline),
            );
            problems.push(
                Problem::new(at("revoke_deadline"), message)
                    .or_at(at("poll_deadline"))
                    .expected("expected a shorter `revoke_deadline`, or a longer `poll_deadline`")
                    .help(
                        "the last commit of a revocation may take a quarter of `revoke_deadline`, \
                         and at least 1s; at `poll_deadline` the group gives the member up",
                    ),
            );
        }
    }

    fn check_session_timeout(&self, settings: &Settings, problems: &mut Vec<Problem>) {
        let broker = &settings.cluster.settings;
        let min = broker.group_min_session_timeout;
        let max = broker.group_max_session_timeout;
        if min > max || (min..=max).contains(&self.session_timeout) {
            return;
        }
        let limit = |name: &str| place!["cluster", "settings", name];
        let message = format!(
            "brokers refuse a session timeout of {}",
            duration(self.session_timeout)
        );
        problems.push(
            Problem::new(place!["consumers", "session_timeout"], message)
                .or_at(limit("group.min.session.timeout.ms"))
                .or_at(limit("group.max.session.timeout.ms"))
                .expected(format!("expected {} to {}", duration(min), duration(max)))
                .help(
                    "\"group.min.session.timeout.ms\" and \"group.max.session.timeout.ms\" in \
                     [cluster.settings] are the limits",
                ),
        );
    }

    pub(super) fn write_table(&self, file: &mut String) {
        let mut section = Section::new("[consumers]");
        self.write(&mut section);
        section.finish(file, false);
    }
}
