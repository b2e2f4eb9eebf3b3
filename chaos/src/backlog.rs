//! A backlog: a topic full of small records, and the time that it takes to consume it.

use crate::backend::{Inner, Kafka};
use crate::cluster::Cluster;
use crate::error::ChaosError;
use plimsoll::{CommitPolicy, Config, Consumer, Driver, GroupClient, HandlerError, Message};
use plimsoll_native::{NativeClient, Settings};
use rdkafka::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, oneshot};

/// The number of partitions that the records are spread over.
const PARTITIONS: u32 = 4;

/// The time limit for producing all records, and for consuming them.
const WITHIN: Duration = Duration::from_secs(300);

/// A topic full of small records, on the cluster of a [`Kafka`].
#[derive(Debug)]
pub struct Backlog {
    inner: Arc<Inner>,
    cluster: Arc<Cluster>,
    topic: String,
    records: u32,
    groups: AtomicU32,
}

impl Kafka {
    /// Produces a backlog of `records` records with `bytes` bytes each.
    ///
    /// # Errors
    /// Where the cluster does not take them.
    pub fn backlog(&self, records: u32, bytes: usize) -> Result<Backlog, ChaosError> {
        let cluster = self.inner.runtime.block_on(self.inner.cluster())?;
        let backlog = Backlog {
            inner: self.inner.clone(),
            cluster,
            topic: self.inner.name("backlog"),
            records,
            groups: AtomicU32::new(0),
        };
        let admin = backlog.cluster.admin();
        let created = admin.create_topic(&backlog.topic, PARTITIONS, 1, 1);
        self.inner.runtime.block_on(created)?;
        backlog.fill(bytes)?;
        Ok(backlog)
    }
}

impl Backlog {
    /// Returns the bootstrap servers of the cluster.
    pub fn bootstrap(&self) -> String {
        self.cluster.bootstrap()
    }

    /// Returns the name of the topic.
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// Returns the number of records.
    pub const fn records(&self) -> u32 {
        self.records
    }

    /// Makes the name of a group that has not consumed the backlog yet.
    pub fn new_group(&self) -> String {
        let number = self.groups.fetch_add(1, Ordering::Relaxed);
        group(&self.topic, number)
    }

    /// Consumes all records with Plimsoll's consumer and an empty handler; returns the time from
    /// the first record to the last.
    ///
    /// # Errors
    /// Where that takes longer than five minutes.
    pub fn consume(&self, commit: CommitPolicy) -> Result<Duration, ChaosError> {
        let consumer = Consumer::builder()
            .brokers(self.bootstrap())
            .group(self.new_group())
            .topics([&self.topic])
            .config(|settings| *settings = config(commit))
            .build();
        let (client, config) = consumer.map_err(internal)?.into_parts();
        self.consume_by(client, config)
    }

    /// Consumes all records as [`consume`](Self::consume) does, over the client in Rust alone.
    ///
    /// # Errors
    /// Where that takes longer than five minutes.
    pub fn consume_natively(&self, commit: CommitPolicy) -> Result<Duration, ChaosError> {
        let settings = Settings::new(self.bootstrap(), self.new_group(), [&self.topic]);
        let client = NativeClient::new(settings).map_err(internal)?;
        self.consume_by(client, config(commit))
    }

    fn consume_by(
        &self,
        client: impl GroupClient + 'static,
        config: Config,
    ) -> Result<Duration, ChaosError> {
        let (clock, done) = Clock::new(self.records);
        let handler = move |message: Message| {
            clock.tick(message.partition(), message.offset());
            std::future::ready(Ok::<(), HandlerError>(()))
        };
        let all = Arc::new(Notify::new());
        let shutdown = all.clone();
        self.inner.runtime.block_on(async {
            let driver = Driver::new(client, handler, config);
            let run = driver.run(async move { shutdown.notified().await });
            let run = self.inner.runtime.spawn(run);
            let took = tokio::time::timeout(WITHIN, done).await;
            all.notify_one();
            // The consumer commits and leaves; that is not what is measured.
            let _ = tokio::time::timeout(WITHIN, run).await;
            match took {
                Ok(Ok(took)) => Ok(took),
                _ => Err(late("consumed")),
            }
        })
    }

    fn fill(&self, bytes: usize) -> Result<(), ChaosError> {
        let producer: BaseProducer = ClientConfig::new()
            .set("bootstrap.servers", self.bootstrap())
            .set("linger.ms", "20")
            .set("acks", "all")
            .create()
            .map_err(internal)?;
        let value = vec![b'x'; bytes];
        let end = Instant::now() + WITHIN;
        for number in 0..self.records {
            // As `in_partition` has it.
            let partition = (number % PARTITIONS) as i32;
            let mut record = BaseRecord::<(), [u8]>::to(&self.topic)
                .partition(partition)
                .payload(value.as_slice());
            while let Err((error, again)) = producer.send(record) {
                let full = KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull);
                if error != full || Instant::now() > end {
                    return Err(ChaosError::Environment(format!(
                        "the backlog cannot be produced: {error}"
                    )));
                }
                record = again;
                producer.poll(Duration::from_millis(10));
            }
        }
        producer.flush(WITHIN).map_err(|_| late("produced"))
    }
}

impl Drop for Backlog {
    /// Removes the topic and the groups from a cluster that stays.
    fn drop(&mut self) {
        let cluster = &self.cluster;
        if !cluster.stays() {
            return;
        }
        let groups = *self.groups.get_mut();
        let removed = self.inner.runtime.block_on(async {
            let admin = cluster.admin();
            for number in 0..groups {
                admin.delete_group(&group(&self.topic, number)).await?;
            }
            admin.delete_topics(&[&self.topic]).await
        });
        if let Err(error) = removed {
            tracing::warn!("a backlog or its groups stay on the cluster: {error}");
        }
    }
}

/// Returns the settings of the core.
fn config(commit: CommitPolicy) -> Config {
    Config {
        commit,
        dead_letters: false,
        ..Config::default()
    }
}

fn group(topic: &str, number: u32) -> String {
    format!("{topic}.group-{number}")
}

/// A stopwatch from the first record to the last. Partitions are handled in their order, so the last
/// record of each tells that all are: to count them would cost more than an empty handler.
struct Clock {
    records: u32,
    /// The number of partitions whose last record was not handled yet.
    left: AtomicU32,
    began: std::sync::OnceLock<Instant>,
    done: std::sync::Mutex<Option<oneshot::Sender<Duration>>>,
}

impl Clock {
    fn new(records: u32) -> (Self, oneshot::Receiver<Duration>) {
        let (done, receiver) = oneshot::channel();
        let clock = Self {
            records,
            left: AtomicU32::new(PARTITIONS.min(records)),
            began: std::sync::OnceLock::new(),
            done: std::sync::Mutex::new(Some(done)),
        };
        (clock, receiver)
    }

    /// Notes that a record is handled.
    fn tick(&self, partition: u32, offset: u64) {
        let began = self.began.get_or_init(Instant::now);
        if offset + 1 < u64::from(in_partition(self.records, partition)) {
            return;
        }
        if self.left.fetch_sub(1, Ordering::Relaxed) == 1
            && let Some(done) = crate::lock::lock(&self.done).take()
        {
            // This fails where the wait was given up.
            let _ = done.send(began.elapsed());
        }
    }
}

/// Returns the number of records in a partition.
const fn in_partition(records: u32, partition: u32) -> u32 {
    records.saturating_sub(partition).div_ceil(PARTITIONS)
}

fn internal(error: impl std::fmt::Display) -> ChaosError {
    ChaosError::Internal(error.to_string())
}

fn late(what: &str) -> ChaosError {
    ChaosError::Environment(format!(
        "the backlog was not {what} within {} s",
        WITHIN.as_secs()
    ))
}
