//! What a user chooses.

use plimsoll_access::Access;
use plimsoll_client::Behaviour;
use plimsoll_protocol::{Assignor, GroupIndex};
use std::time::Duration;

/// The settings of a client, by Kafka's names where Kafka has one.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `bootstrap.servers`: one or more as `HOST:PORT`, separated by commas.
    pub brokers: String,
    /// `security.protocol` and what belongs to it, of TLS and SASL; by default plain text.
    pub access: Access,
    /// `group.id`.
    pub group: String,
    /// The topics to consume.
    pub topics: Vec<String>,
    /// `client.id`.
    pub client_id: String,
    /// `group.instance.id`, of a static member.
    pub instance: Option<String>,
    /// `partition.assignment.strategy`.
    pub assignor: Assignor,
    /// The topic of dead letters; `None`: that of the first topic, `orders.dead-letters`.
    pub dead_letter_topic: Option<String>,
    /// `session.timeout.ms`.
    pub session_timeout: Duration,
    /// `heartbeat.interval.ms`.
    pub heartbeat: Duration,
    /// `max.poll.interval.ms`: the longest time that a member has to join again.
    pub poll_deadline: Duration,
    /// `request.timeout.ms`.
    pub request_timeout: Duration,
    /// `retry.backoff.ms`.
    pub retry_backoff: Duration,
    /// `topic.metadata.refresh.interval.ms`.
    pub metadata_refresh: Duration,
    /// `queued.min.messages`: the number of records of a partition with which it is fetched no
    /// more, until some are taken.
    pub prefetch: u32,
    /// `queued.max.messages.kbytes`, in bytes: the size of the records of a partition with which it
    /// is fetched no more, until some are taken.
    pub prefetch_bytes: u64,
    /// `fetch.wait.max.ms`.
    pub fetch_wait_max: Duration,
    /// `max.partition.fetch.bytes`.
    pub partition_fetch_bytes: u32,
}

/// A setting that is missing or wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("setting `{name}`: {problem}")]
pub struct SettingError {
    /// The name of the setting.
    pub name: &'static str,
    /// What is wrong, and what is expected.
    pub problem: String,
}

impl Settings {
    /// Creates settings with the defaults of librdkafka, and of Plimsoll's consumer over it.
    pub fn new<T: Into<String>>(
        brokers: impl Into<String>,
        group: impl Into<String>,
        topics: impl IntoIterator<Item = T>,
    ) -> Self {
        Self {
            brokers: brokers.into(),
            access: Access::default(),
            group: group.into(),
            topics: topics.into_iter().map(Into::into).collect(),
            client_id: "plimsoll".to_owned(),
            instance: None,
            assignor: Assignor::CooperativeSticky,
            dead_letter_topic: None,
            session_timeout: Duration::from_secs(45),
            heartbeat: Duration::from_secs(3),
            poll_deadline: Duration::from_secs(300),
            request_timeout: Duration::from_secs(30),
            retry_backoff: Duration::from_millis(100),
            metadata_refresh: Duration::from_secs(300),
            prefetch: 100_000,
            prefetch_bytes: 8 << 20,
            fetch_wait_max: Duration::from_millis(500),
            partition_fetch_bytes: 1 << 20,
        }
    }

    /// Returns the topic to which dead letters go.
    pub(crate) fn dead_letters(&self) -> String {
        let first = self.topics.first().map_or("", String::as_str);
        let own = self.dead_letter_topic.clone();
        own.unwrap_or_else(|| format!("{first}.dead-letters"))
    }

    /// Returns the addresses of the first brokers to ask.
    pub(crate) fn addresses(&self) -> Result<Vec<(String, u16)>, SettingError> {
        let addresses = self.brokers.split(',').map(str::trim);
        let addresses = addresses.map(|address| {
            let known = address.rsplit_once(':').and_then(|(host, port)| {
                let host = host.trim_start_matches('[').trim_end_matches(']');
                Some((host.to_owned(), port.parse().ok()?))
            });
            let expected = || format!("`{address}` is no address; expected HOST:PORT");
            known
                .filter(|(host, _)| !host.is_empty())
                .ok_or_else(|| error("brokers", expected()))
        });
        addresses.collect()
    }

    /// Checks what would else show only on the way.
    pub(crate) fn check(&self) -> Result<(), SettingError> {
        self.addresses()?;
        if self.group.trim().is_empty() {
            return Err(error("group", "is empty; expected the name of the group"));
        }
        if self.topics.is_empty() {
            return Err(error("topics", "is empty; expected one or more names"));
        }
        for (index, topic) in self.topics.iter().enumerate() {
            if self.topics[..index].contains(topic) {
                return Err(error("topics", format!("`{topic}` is named twice")));
            }
        }
        if self.topics.contains(&self.dead_letters()) {
            let problem = "is consumed too: its dead letters would come back without end";
            return Err(error("dead_letter_topic", problem));
        }
        if self.dead_letter_topic.is_none() && self.topics.len() > 1 {
            let problem = "is needed where there is more than one topic";
            return Err(error("dead_letter_topic", problem));
        }
        if self.heartbeat >= self.session_timeout {
            let problem = "must be less than the session timeout";
            return Err(error("heartbeat", problem));
        }
        Ok(())
    }

    /// Returns what a member is told of them.
    pub(crate) fn of_member(&self) -> plimsoll_client::Settings {
        plimsoll_client::Settings {
            behaviour: Behaviour::PLIMSOLL,
            group: GroupIndex::FIRST,
            instance: self.instance.as_ref().map(|_| INSTANCE),
            assignor: self.assignor,
            session_timeout: self.session_timeout,
            heartbeat: self.heartbeat,
            poll_deadline: self.poll_deadline,
            request_timeout: self.request_timeout,
            retry_backoff: self.retry_backoff,
            prefetch: self.prefetch,
            prefetch_bytes: self.prefetch_bytes,
            records_at_once: RECORDS_AT_ONCE,
            fetch_wait_max: self.fetch_wait_max,
            partition_fetch_bytes: self.partition_fetch_bytes,
        }
    }
}

/// The greatest number of records that the driver gets at once: half of those with which the core
/// pauses a partition, by default.
const RECORDS_AT_ONCE: u32 = 512;

/// The number of the member's instance id.
pub(crate) const INSTANCE: u32 = 0;

fn error(name: &'static str, problem: impl Into<String>) -> SettingError {
    SettingError {
        name,
        problem: problem.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings::new("one:9092, [::1]:9093", "group", ["orders"])
    }

    #[test]
    fn addresses_are_read_one_by_one() {
        let expected = [("one".to_owned(), 9092), ("::1".to_owned(), 9093)];
        assert_eq!(settings().addresses(), Ok(expected.to_vec()));
        for brokers in ["", "one", "one:x", ":9092", "one:9092,"] {
            let wrong = Settings {
                brokers: brokers.to_owned(),
                ..settings()
            };
            let error = wrong.check().expect_err(brokers);
            assert_eq!(error.name, "brokers", "{error}");
        }
    }

    #[test]
    fn settings_that_would_lose_or_repeat_are_refused() {
        assert_eq!(settings().check(), Ok(()));
        let change = |change: fn(&mut Settings)| {
            let mut settings = settings();
            change(&mut settings);
            settings.check().expect_err("it is wrong").name
        };
        assert_eq!(change(|s| s.group.clear()), "group");
        assert_eq!(change(|s| s.topics.clear()), "topics");
        assert_eq!(change(|s| s.topics.push("orders".into())), "topics");
        let loops = |s: &mut Settings| s.dead_letter_topic = Some("orders".into());
        assert_eq!(change(loops), "dead_letter_topic");
        let several = |s: &mut Settings| s.topics.push("refunds".into());
        assert_eq!(change(several), "dead_letter_topic");
        assert_eq!(change(|s| s.heartbeat = s.session_timeout), "heartbeat");
    }
}
