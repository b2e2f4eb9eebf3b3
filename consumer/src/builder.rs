//! How a consumer is made: what it needs first, then what one may want otherwise.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use plimsoll_core::{Config, InitialPosition, Ordering, OutOfRangePolicy};

use crate::librdkafka::{LibrdkafkaClient, Settings};
use crate::{Driver, Error, GroupClient, Handler, shutdown};

/// A consumer that has not begun.
#[derive(Debug)]
pub struct Consumer {
    client: LibrdkafkaClient,
    config: Config,
}

impl Consumer {
    /// Begins to describe a consumer: say where the brokers are, the group, and the topics.
    #[must_use]
    pub fn builder() -> NeedsBrokers {
        NeedsBrokers(())
    }

    /// Consumes until the process is asked to stop, by SIGINT or SIGTERM; then finishes what is in
    /// flight, commits, and leaves the group.
    ///
    /// # Errors
    /// Where the client cannot go on.
    pub async fn run(self, handler: impl Handler) -> Result<(), Error> {
        self.run_until(shutdown::signal(), handler).await
    }

    /// Consumes until `shutdown` is ready. Signals are left alone.
    ///
    /// # Errors
    /// Where the client cannot go on.
    pub async fn run_until(
        self,
        shutdown: impl Future<Output = ()>,
        handler: impl Handler,
    ) -> Result<(), Error> {
        let driver = Driver::new(self.client, handler, self.config);
        Ok(driver.run(shutdown).await?)
    }

    /// The client and the settings, to be driven by a [`Driver`] of one's own: with the client
    /// wrapped in another [`GroupClient`], for example.
    #[must_use]
    pub fn into_parts(self) -> (LibrdkafkaClient, Config) {
        (self.client, self.config)
    }

    /// The name of its group.
    #[must_use]
    pub fn group(&self) -> &str {
        self.client.group()
    }
}

/// A consumer that needs brokers.
#[derive(Clone, Debug)]
pub struct NeedsBrokers(());

impl NeedsBrokers {
    /// Where to begin: one or more brokers as `HOST:PORT`, separated by commas. The others are
    /// found through these.
    #[must_use]
    pub fn brokers(self, brokers: impl Into<String>) -> NeedsGroup {
        NeedsGroup {
            brokers: brokers.into(),
        }
    }
}

/// A consumer that needs a group.
#[derive(Clone, Debug)]
pub struct NeedsGroup {
    brokers: String,
}

impl NeedsGroup {
    /// The consumer group: each message goes to one of its members.
    #[must_use]
    pub fn group(self, group: impl Into<String>) -> NeedsTopics {
        NeedsTopics {
            brokers: self.brokers,
            group: group.into(),
        }
    }
}

/// A consumer that needs topics.
#[derive(Clone, Debug)]
pub struct NeedsTopics {
    brokers: String,
    group: String,
}

impl NeedsTopics {
    /// The topics to consume.
    pub fn topics<T: Into<String>>(self, topics: impl IntoIterator<Item = T>) -> Builder {
        Builder(Settings {
            brokers: self.brokers,
            group: self.group,
            topics: topics.into_iter().map(Into::into).collect(),
            instance: None,
            assignor: Assignor::CooperativeSticky.name(),
            dead_letter_topic: None,
            config: Config::default(),
            raw: BTreeMap::new(),
        })
    }
}

/// How a group shares out its partitions. All members must agree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Assignor {
    /// Only partitions that move are interrupted by a rebalance.
    #[default]
    CooperativeSticky,
    /// By ranges of each topic; all partitions are interrupted by a rebalance.
    Range,
    /// One by one; all partitions are interrupted by a rebalance.
    RoundRobin,
}

impl Assignor {
    const fn name(self) -> &'static str {
        match self {
            Self::CooperativeSticky => "cooperative-sticky",
            Self::Range => "range",
            Self::RoundRobin => "roundrobin",
        }
    }
}

/// A consumer that has all that it needs. Everything else has a default that loses nothing.
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until it is built or run"]
pub struct Builder(Settings);

impl Builder {
    /// Which messages of a partition may be handled at the same time. By default one after
    /// another.
    pub fn ordering(mut self, ordering: Ordering) -> Self {
        self.0.config.ordering = ordering;
        self
    }

    /// How many messages may be handled at once, over all partitions.
    pub fn max_in_flight(mut self, handlers: usize) -> Self {
        self.0.config.max_in_flight = handlers;
        self
    }

    /// Where a group begins that has committed nothing yet. By default with the first message
    /// that the topic holds. Later on it never matters.
    pub fn start_at(mut self, position: InitialPosition) -> Self {
        self.0.config.initial = position;
        self
    }

    /// What to do when messages that were not handled yet are gone from the topic. By default it
    /// goes on with the first one that is left.
    pub fn out_of_range(mut self, policy: OutOfRangePolicy) -> Self {
        self.0.config.out_of_range = policy;
        self
    }

    /// How long a finished message may wait for its commit: what a crash may repeat.
    pub fn commit_interval(mut self, interval: Duration) -> Self {
        self.0.config.commit.interval = Some(interval);
        self
    }

    /// How often a handler is called for a message before it goes to the dead-letter topic.
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.0.config.retry.attempts = attempts;
        self
    }

    /// How long a handler may take; `None`: as long as it wants.
    pub fn handler_deadline(mut self, deadline: Option<Duration>) -> Self {
        self.0.config.handler_deadline = deadline;
        self
    }

    /// The topic for messages that cannot be handled. By default each topic has its own, named
    /// after it: `orders.dead-letters`.
    ///
    /// A dead letter has the key, the value and the headers of the message, and the headers
    /// `plimsoll-topic`, `plimsoll-partition`, `plimsoll-offset`, `plimsoll-error` and
    /// `plimsoll-attempts`.
    pub fn dead_letter_topic(mut self, topic: impl Into<String>) -> Self {
        self.0.config.dead_letters = true;
        self.0.dead_letter_topic = Some(topic.into());
        self
    }

    /// Goes on trying a message that fails, without end; what comes behind it waits.
    pub fn without_dead_letters(mut self) -> Self {
        self.0.config.dead_letters = false;
        self
    }

    /// Makes it a static member: when it restarts within the session timeout, it gets its
    /// partitions back without a rebalance. No two members may share a name.
    pub fn instance_id(mut self, name: impl Into<String>) -> Self {
        self.0.instance = Some(name.into());
        self
    }

    /// How the group shares out its partitions.
    pub fn assignor(mut self, assignor: Assignor) -> Self {
        self.0.assignor = assignor.name();
        self
    }

    /// Everything that the core can be told, at once; overrides what was chosen before.
    pub fn config(mut self, config: Config) -> Self {
        self.0.config = config;
        self
    }

    /// A setting of librdkafka, by its name: security, for example. Those that would break a
    /// promise are refused when the consumer is built.
    pub fn set(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.raw.insert(name.into(), value.into());
        self
    }

    /// Makes the consumer, which joins its group when it runs.
    ///
    /// # Errors
    /// Where a setting is not one that it can keep to: the error names it, and what to do.
    pub fn build(self) -> Result<Consumer, Error> {
        self.0.check()?;
        let mut config = self.0.config;
        if config.jitter_seed == Config::default().jitter_seed {
            // The members of a group should not all try again at the same moment.
            config.jitter_seed = RandomState::new().build_hasher().finish();
        }
        let client = LibrdkafkaClient::new(self.0)?;
        Ok(Consumer { client, config })
    }

    /// Makes the consumer and [runs](Consumer::run) it.
    ///
    /// # Errors
    /// Those of [`build`](Self::build) and of [`Consumer::run`].
    pub async fn run(self, handler: impl Handler) -> Result<(), Error> {
        self.build()?.run(handler).await
    }

    /// Makes the consumer and runs it [until](Consumer::run_until) `shutdown` is ready.
    ///
    /// # Errors
    /// Those of [`build`](Self::build) and of [`Consumer::run_until`].
    pub async fn run_until(
        self,
        shutdown: impl Future<Output = ()>,
        handler: impl Handler,
    ) -> Result<(), Error> {
        self.build()?.run_until(shutdown, handler).await
    }
}
