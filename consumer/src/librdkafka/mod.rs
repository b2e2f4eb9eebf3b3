//! The client over librdkafka.
//!
//! Four threads: one polls all the time (`thread`), one looks up what a new assignment needs
//! (`lookups`), one waits for the outcome of commits (`commits`), one asks for the ends of logs
//! and whether topics are there (`lag`). They share the consumer, and all but the last talk to the driver by `outbox`.

mod commits;
mod config;
mod context;
mod dead_letters;
mod fetching;
mod generations;
mod lag;
mod leader_epochs;
mod leaving;
mod lookups;
mod outbox;
mod rebalances;
mod thread;
mod threads;
mod topics;
mod trouble;

use self::context::{Context, RawConsumer};
use self::dead_letters::DeadLetters;
use self::fetching::BatchLimits;
use self::leader_epochs::LeaderEpochs;
use self::outbox::{Inbox, News, Waker};
use self::rebalances::Rebalances;
use self::thread::{Order, PollThread};
use self::topics::Topics;
use crate::{ClientError, Error, GroupClient, Message};
use plimsoll_core::{Command, Config, Event, NextOffset, PartitionStatus, TopicPartition};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;
use tokio::time::Instant;

pub(crate) use self::config::Settings;
pub(crate) use self::dead_letters::RefusedLetters;

/// The longest time for leaving the group. After that the session times out instead.
const CLOSE_DEADLINE: Duration = Duration::from_secs(10);

/// The largest batch of records. A batch stays in memory as long as one of its records.
const MAX_BATCH: BatchLimits = BatchLimits {
    records: 512,
    bytes: 256 << 10,
};

/// A member of a consumer group, over librdkafka. Made by
/// [`Consumer::into_parts`](crate::Consumer::into_parts).
///
/// It joins the group when the first event is asked for. When it is dropped before
/// [`Command::Close`] was carried out, it leaves the group in the background.
pub struct LibrdkafkaClient {
    settings: Settings,
    topics: Arc<Topics>,
    inbox: Inbox,
    orders: Sender<Order>,
    waker: Arc<Waker>,
    dead_letters: Option<DeadLetters>,
    lag: Sender<Vec<PartitionStatus>>,
    lifecycle: Lifecycle,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lifecycle {
    New,
    Running,
    Closing { deadline: Instant },
    Closed,
}

impl LibrdkafkaClient {
    /// Starts the threads. The settings have been checked.
    pub(crate) fn new(settings: Settings) -> Result<Self, Error> {
        let topics = Arc::new(Topics::new(&settings.topics));
        let leader_epochs = Arc::<LeaderEpochs>::default();
        let waker = Arc::new(Waker::default());
        let context = Context::new(Arc::clone(&topics), settings.checks_generations());
        let consumer = settings.consumer().create_with_context(context);
        let mut consumer: RawConsumer = consumer.map_err(config::refused)?;
        let wake = Arc::clone(&waker);
        consumer.set_nonempty_callback(move || wake.wake());
        let consumer = Arc::new(consumer);

        let (outbox, inbox) = outbox::channel(Arc::clone(&waker));
        let dead_letters = if settings.config.dead_letters {
            let refused = settings.refused_letters.clone();
            let made = DeadLetters::new(settings.producer(), refused, outbox.clone());
            Some(made.map_err(config::refused)?)
        } else {
            None
        };
        let (orders, receiver) = channel();
        let (found, wake) = (orders.clone(), Arc::clone(&waker));
        let lookups = lookups::spawn(
            Arc::clone(&consumer),
            Arc::clone(&topics),
            outbox.clone(),
            move |answer| {
                let _ = found.send(Order::Found(answer));
                wake.wake();
            },
        )?;
        let (refused, wake) = (orders.clone(), Arc::clone(&waker));
        let commits = commits::spawn(
            Arc::clone(&consumer),
            Arc::clone(&topics),
            Arc::clone(&leader_epochs),
            outbox.clone(),
            move |carried| {
                let _ = refused.send(Order::Refused(carried));
                wake.wake();
            },
        )?;
        let lag = lag::spawn(&consumer, Arc::clone(&topics), outbox.clone())?;
        let poll = PollThread {
            consumer,
            topics: Arc::clone(&topics),
            leader_epochs,
            waker: Arc::clone(&waker),
            orders: receiver,
            outbox: outbox.clone(),
            lookups,
            commits,
            limits: limits(&settings.config),
            is_static: settings.instance.is_some(),
            fetching: BTreeMap::new(),
            last_read: TopicPartition::default(),
            rebalances: Rebalances::default(),
        };
        let run = PollThread::run;
        threads::spawn("plimsoll-poll", outbox, poll, run, PollThread::close)?;
        Ok(Self {
            settings,
            topics,
            inbox,
            orders,
            waker,
            dead_letters,
            lag,
            lifecycle: Lifecycle::New,
        })
    }

    fn order(&self, order: Order) {
        // If the thread has ended, the next event says so.
        let _ = self.orders.send(order);
        self.waker.wake();
    }

    fn close(&mut self) {
        if let Lifecycle::New | Lifecycle::Running = self.lifecycle {
            let deadline = Instant::now() + CLOSE_DEADLINE;
            self.lifecycle = Lifecycle::Closing { deadline };
            self.order(Order::Close);
        }
    }
}

impl GroupClient for LibrdkafkaClient {
    async fn next_event(&mut self) -> Result<Option<Event<Message>>, ClientError> {
        if self.lifecycle == Lifecycle::New {
            self.lifecycle = Lifecycle::Running;
            self.order(Order::Subscribe);
        }
        let news = match self.lifecycle {
            Lifecycle::Closed => return Ok(None),
            Lifecycle::Closing { deadline } => {
                match tokio::time::timeout_at(deadline, self.inbox.next()).await {
                    Ok(news) => news,
                    Err(_) => {
                        tracing::warn!(
                            "could not leave the group in time; the session will time out"
                        );
                        Some(News::Closed)
                    }
                }
            }
            Lifecycle::New | Lifecycle::Running => self.inbox.next().await,
        };
        match news {
            Some(News::Event(event, _)) => Ok(Some(event)),
            Some(News::Failed(error)) => Err(error),
            Some(News::Closed) => {
                self.lifecycle = Lifecycle::Closed;
                Ok(None)
            }
            None => Err(ClientError::Ended),
        }
    }

    fn submit(&mut self, command: Command<Message>) {
        match command {
            Command::Close => self.close(),
            Command::DeadLetter {
                partition,
                epoch,
                record,
                ..
            } => {
                let topic = self.settings.dead_letter_topic(record.payload.topic());
                if let Some(dead_letters) = &mut self.dead_letters {
                    dead_letters.write(topic, partition, epoch, record);
                }
            }
            command => self.order(Order::Command(command)),
        }
    }

    fn group(&self) -> &str {
        &self.settings.group
    }

    fn topic(&self, number: u32) -> Option<&str> {
        self.topics.name(number).map(|name| &**name)
    }

    fn ask_log_ends(&mut self, partitions: Vec<PartitionStatus>) {
        // If the thread has ended, so has the consumer.
        let _ = self.lag.send(partitions);
    }

    fn high_watermark(&self, partition: TopicPartition) -> Option<NextOffset> {
        self.topics.high_watermark(partition)
    }

    fn is_unavailable(&self, topic: u32) -> bool {
        self.topics.is_unavailable(topic)
    }

    fn is_group_unavailable(&self) -> bool {
        self.topics.is_group_unavailable()
    }

    fn is_failing(&self, partition: TopicPartition) -> bool {
        self.topics.is_failing(partition)
    }
}

/// Returns the limits of a batch: at most half of what makes the core pause a partition.
fn limits(config: &Config) -> BatchLimits {
    let BatchLimits { records, bytes } = MAX_BATCH;
    BatchLimits {
        records: records.min(config.max_buffered_records.div_ceil(2)),
        bytes: bytes.min(config.max_buffered_bytes.div_ceil(2)),
    }
}

impl Drop for LibrdkafkaClient {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for LibrdkafkaClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LibrdkafkaClient")
            .field("group", &self.settings.group)
            .field("topics", &self.settings.topics)
            .field("lifecycle", &self.lifecycle)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Consumer;
    use rdkafka::mocking::MockCluster;
    use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

    /// Asks for events until the group is refused, or is not.
    async fn until_refused(client: &mut LibrdkafkaClient, is_refused: bool) {
        let wait = async {
            while client.is_group_unavailable() != is_refused {
                let time = Duration::from_millis(50);
                if let Ok(event) = tokio::time::timeout(time, client.next_event()).await {
                    event.expect("it goes on");
                }
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(30), wait).await;
        waited.unwrap_or_else(|_| panic!("refused: {is_refused}, in 30 s"));
    }

    /// Librdkafka's own brokers refuse what they are told to.
    #[tokio::test]
    async fn a_group_that_may_not_be_joined_is_told_until_it_may() {
        let cluster = MockCluster::new(1).expect("brokers");
        cluster.create_topic("orders", 1, 1).expect("a topic");
        let refusal = RDKafkaRespErr::RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED;
        cluster.request_errors(RDKafkaApiKey::JoinGroup, &[refusal; 100]);
        let consumer = Consumer::builder().brokers(cluster.bootstrap_servers());
        let consumer = consumer.group("billing").topics(["orders"]);
        let (mut client, _) = consumer.build().expect("a consumer").into_parts();
        until_refused(&mut client, true).await;
        cluster.clear_request_errors(RDKafkaApiKey::JoinGroup);
        until_refused(&mut client, false).await;
    }
}
