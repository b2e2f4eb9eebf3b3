//! The builder of a consumer: what it needs comes first, then the settings that have a default.

use crate::librdkafka::{LibrdkafkaClient, RefusedLetters, Settings};
use crate::{Driver, Error, GroupClient, Handler, HandlerError, Health, Message, shutdown};
use plimsoll_core::{Config, InitialPosition, Ordering, OutOfRangePolicy, RefusedLetterPolicy};
use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// A consumer that has not begun.
#[derive(Debug)]
pub struct Consumer {
    client: LibrdkafkaClient,
    config: Config,
    health: Health,
}

impl Consumer {
    /// Begins to describe a consumer: next come the brokers, the group, and the topics.
    #[must_use]
    pub fn builder() -> NeedsBrokers {
        NeedsBrokers(())
    }

    /// Consumes until the process is asked to stop, by SIGINT or SIGTERM; then finishes what is in
    /// flight, commits, and leaves the group.
    ///
    /// # Errors
    /// Fails where the client cannot go on.
    pub async fn run(self, handler: impl Handler) -> Result<(), Error> {
        self.run_until(shutdown::signal(), handler).await
    }

    /// Consumes until `shutdown` is ready. Signals are left alone.
    ///
    /// # Errors
    /// Fails where the client cannot go on.
    pub async fn run_until(
        self,
        shutdown: impl Future<Output = ()>,
        handler: impl Handler,
    ) -> Result<(), Error> {
        let driver = Driver::new(self.client, handler, self.config).with_health(self.health);
        Ok(driver.run(shutdown).await?)
    }

    /// Returns a handle for probes of readiness and liveness.
    #[must_use]
    pub fn health(&self) -> Health {
        self.health.clone()
    }

    /// Returns the client and the settings, for a [`Driver`] of your own: with the client wrapped
    /// in another [`GroupClient`], for example.
    #[must_use]
    pub fn into_parts(self) -> (LibrdkafkaClient, Config) {
        (self.client, self.config)
    }

    /// Returns the name of the group.
    #[must_use]
    pub fn group(&self) -> &str {
        self.client.group()
    }
}

/// A consumer that needs brokers.
#[derive(Clone, Debug)]
pub struct NeedsBrokers(());

impl NeedsBrokers {
    /// Sets the first brokers to ask: one or more as `HOST:PORT`, separated by commas. The client
    /// finds the others through them.
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
    /// Sets the consumer group: each message goes to one of its members.
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
    /// Sets the topics to consume.
    pub fn topics<T: Into<String>>(self, topics: impl IntoIterator<Item = T>) -> Builder {
        Builder(Settings {
            brokers: self.brokers,
            group: self.group,
            topics: topics.into_iter().map(Into::into).collect(),
            instance: None,
            assignor: Assignor::CooperativeSticky.name(),
            dead_letter_topic: None,
            refused_letters: RefusedLetters::default(),
            config: Config::default(),
            raw: BTreeMap::new(),
        })
    }
}

/// The strategy by which a group shares out its partitions. All members must have the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Assignor {
    /// The old assignment, as far as possible: a rebalance takes only the partitions that move. The
    /// others wait while librdkafka does, until the handlers of those that move have ended.
    #[default]
    CooperativeSticky,
    /// Ranges of each topic; a rebalance interrupts all partitions.
    Range,
    /// One partition after another, in turn; a rebalance interrupts all partitions.
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
    /// Sets which messages of a partition may be handled at the same time. By default one after
    /// another.
    pub fn ordering(mut self, ordering: Ordering) -> Self {
        self.0.config.ordering = ordering;
        self
    }

    /// Sets the largest number of messages that are handled at once, over all partitions.
    pub fn max_in_flight(mut self, handlers: usize) -> Self {
        self.0.config.max_in_flight = handlers;
        self
    }

    /// Sets the size of the messages, in bytes, that are fetched and not finished, over all
    /// partitions: 256 MiB by default. Each partition has an equal share, and at most 16 MiB; a
    /// message that is larger is read all the same.
    ///
    /// What librdkafka itself fetches ahead comes on top of it, for each partition:
    /// `queued.max.messages.kbytes`, 8 MiB by default.
    pub fn max_total_bytes(mut self, bytes: usize) -> Self {
        self.0.config.max_total_bytes = bytes;
        self
    }

    /// Sets the position at which a group begins that has committed nothing yet. By default the
    /// first message that the topic holds. Once the group has committed, this does not matter any
    /// more.
    pub fn start_at(mut self, position: InitialPosition) -> Self {
        self.0.config.initial = position;
        self
    }

    /// Sets what the consumer does when messages that were not handled yet are gone from the topic.
    /// By default it goes on with the first one that is left.
    pub fn out_of_range(mut self, policy: OutOfRangePolicy) -> Self {
        self.0.config.out_of_range = policy;
        self
    }

    /// Sets the longest time from a finished message to the next commit: a crash may repeat the
    /// work of that time.
    pub fn commit_interval(mut self, interval: Duration) -> Self {
        self.0.config.commit.interval = Some(interval);
        self
    }

    /// Sets the number of calls of the handler for a message before it goes to the dead-letter
    /// topic.
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.0.config.retry.attempts = attempts;
        self
    }

    /// Sets the longest time of a handler; `None`: no limit.
    pub fn handler_deadline(mut self, deadline: Option<Duration>) -> Self {
        self.0.config.handler_deadline = deadline;
        self
    }

    /// Sets the topic for messages that cannot be handled. By default each topic has its own, named
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

    /// Sets what becomes of a message whose dead letter is refused for good: it is too large, for
    /// example, or may not be written. By default it is written again and again, at the longest
    /// pause between retries; `plimsoll_dead_letters_refused` shows it meanwhile.
    pub fn refused_letters(mut self, policy: RefusedLetterPolicy) -> Self {
        self.0.config.refused_letters = policy;
        self
    }

    /// Has a pointer written in the place of a dead letter whose content is refused for good. It has
    /// neither key nor value nor headers of its own, and a header `plimsoll-pointer` with the size
    /// of the value: the message is to be looked up where it stands, while it stands there.
    pub fn dead_letter_pointers(mut self) -> Self {
        self.0.refused_letters.pointers = true;
        self
    }

    /// Sets a function that takes dead letters that are refused for good. After `Ok` the message is
    /// finished.
    pub fn on_refused_letter<F, R>(mut self, take: F) -> Self
    where
        F: Fn(Message) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), HandlerError>> + Send + 'static,
    {
        let callback =
            move |message| -> Pin<Box<dyn Future<Output = _> + Send>> { Box::pin(take(message)) };
        self.0.refused_letters.callback = Some(Arc::new(callback));
        self
    }

    /// Lets a message that fails be tried again without end; the messages behind it wait.
    pub fn without_dead_letters(mut self) -> Self {
        self.0.config.dead_letters = false;
        self
    }

    /// Makes the consumer a static member: when it restarts within the session timeout, it gets its
    /// partitions back without a rebalance. No two members may share a name.
    ///
    /// A member that is fenced ends with an error, and has to be started again. So does one that
    /// learns, with [`Assignor::CooperativeSticky`], that the group went on without it while it was
    /// joining: others may have had its partitions meanwhile.
    pub fn instance_id(mut self, name: impl Into<String>) -> Self {
        self.0.instance = Some(name.into());
        self
    }

    /// Sets the strategy by which the group shares out its partitions.
    pub fn assignor(mut self, assignor: Assignor) -> Self {
        self.0.assignor = assignor.name();
        self
    }

    /// Changes settings of the core, those among them that have no method here.
    pub fn config(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(&mut self.0.config);
        self
    }

    /// Sets a setting of librdkafka, by its name: security, for example (`security.protocol`,
    /// `ssl.ca.location`, `sasl.mechanism`), for which the crate's feature `ssl` is needed, which is
    /// on by default, or `ssl-vendored`. [`build`](Self::build) refuses those that would break a
    /// promise.
    pub fn set(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.raw.insert(name.into(), value.into());
        self
    }

    /// Builds the consumer, which joins its group when it runs.
    ///
    /// # Errors
    /// Fails where the consumer cannot keep to a setting: the error names it, and what to do.
    pub fn build(self) -> Result<Consumer, Error> {
        self.0.check()?;
        let mut config = self.0.config;
        if config.jitter_seed == Config::default().jitter_seed {
            // The members of a group should not all try again at the same moment.
            config.jitter_seed = RandomState::new().build_hasher().finish();
        }
        let client = LibrdkafkaClient::new(self.0)?;
        let health = Health::default();
        Ok(Consumer {
            client,
            config,
            health,
        })
    }

    /// Builds the consumer and [runs](Consumer::run) it.
    ///
    /// # Errors
    /// Fails where [`build`](Self::build) or [`Consumer::run`] does.
    pub async fn run(self, handler: impl Handler) -> Result<(), Error> {
        self.build()?.run(handler).await
    }

    /// Builds the consumer and runs it [until](Consumer::run_until) `shutdown` is ready.
    ///
    /// # Errors
    /// Fails where [`build`](Self::build) or [`Consumer::run_until`] does.
    pub async fn run_until(
        self,
        shutdown: impl Future<Output = ()>,
        handler: impl Handler,
    ) -> Result<(), Error> {
        self.build()?.run_until(shutdown, handler).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_set_before_the_core_is_configured_is_kept() {
        let brokers = Consumer::builder().brokers("localhost:9092");
        let builder = brokers.group("billing").topics(["orders"]).attempts(3);
        let Builder(settings) = builder.config(|config| config.max_in_flight = 7);
        assert_eq!(settings.config.retry.attempts, 3);
        assert_eq!(settings.config.max_in_flight, 7);
    }
}
