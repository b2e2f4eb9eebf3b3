//! The broker, the topic of a test, and what the test's consumers handled.

use crate::subject::{Builder, builder};
use plimsoll::{Error, Handler, HandlerError, Message};
use rdkafka::ClientConfig;
use rdkafka::admin::{
    AdminClient, AdminOptions, AlterConfig, NewPartitions, NewTopic, ResourceSpecifier,
    TopicReplication,
};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::message::ToBytes;
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::{Offset, TopicPartitionList};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

tokio::task_local! {
    /// The brokers of the test that runs.
    pub(crate) static BROKERS: String;
}

/// Runs a test against these brokers, on a runtime of its own.
pub(crate) fn on_two_threads<F: Future<Output = ()>>(brokers: &str, test: impl FnOnce() -> F) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let test = BROKERS.scope(brokers.to_owned(), test());
    runtime.expect("threads").block_on(test);
}

/// The longest time that a test waits for something.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A topic of a test's own, and a group of the same name.
pub(crate) struct Topic {
    brokers: String,
    pub name: String,
}

impl Topic {
    /// Creates a new topic, on the brokers of the test.
    pub(crate) async fn create(test: &str, partitions: i32) -> Self {
        let topic = Self::named(test);
        topic.create_partitions(partitions).await;
        topic
    }

    /// Creates the topic, which has a name already.
    pub(crate) async fn create_partitions(&self, partitions: i32) {
        self.create_as(&self.name, partitions, &[]).await;
    }

    /// Returns the name of a new topic, on the brokers of the test.
    pub(crate) fn named(test: &str) -> Self {
        let filter = tracing_subscriber::EnvFilter::from_default_env();
        let log = tracing_subscriber::fmt().with_env_filter(filter);
        // Fails in each test but the first of the process.
        let _ = log.with_test_writer().try_init();
        Self {
            name: format!("{test}-{}", unique()),
            brokers: BROKERS.get(),
        }
    }

    /// Creates the topic of dead letters, which takes messages of up to 1,000 bytes.
    pub(crate) async fn create_small_dead_letters(&self) {
        let limit = [("max.message.bytes", "1000")];
        self.create_as(&self.dead_letters(), 1, &limit).await;
    }

    /// Lets the topic of dead letters take messages of any size.
    pub(crate) async fn enlarge_dead_letters(&self) {
        let topic = self.dead_letters();
        let change = AlterConfig::new(ResourceSpecifier::Topic(&topic));
        let change = change.set("max.message.bytes", "1000000");
        let changed = self.admin().alter_configs([&change], &options()).await;
        changed.expect("the broker answers")[0]
            .as_ref()
            .expect("the setting is changed");
    }

    /// Returns the name of the topic of dead letters.
    pub(crate) fn dead_letters(&self) -> String {
        format!("{}.dead-letters", self.name)
    }

    async fn create_as(&self, name: &str, partitions: i32, settings: &[(&str, &str)]) {
        let new = NewTopic::new(name, partitions, TopicReplication::Fixed(1));
        let new = settings
            .iter()
            .fold(new, |new, (key, value)| new.set(key, value));
        let created = self.admin().create_topics(&[new], &options()).await;
        created.expect("the broker answers")[0]
            .as_ref()
            .expect("the topic is created");
    }

    pub(crate) async fn add_partitions(&self, total: usize) {
        let more = NewPartitions::new(&self.name, total);
        let created = self.admin().create_partitions(&[more], &options()).await;
        created.expect("the broker answers")[0]
            .as_ref()
            .expect("partitions are created");
    }

    /// Deletes the records of partition 0 before an offset.
    pub(crate) async fn delete_records(&self, before: i64) {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&self.name, 0, Offset::Offset(before))
            .unwrap();
        let deleted = self.admin().delete_records(&list, &options()).await;
        deleted.expect("the broker answers").elements()[0]
            .error()
            .expect("records are deleted");
    }

    /// Produces messages to their partitions; each has its number as its value.
    pub(crate) async fn produce(&self, numbers: Range<u32>, partition: impl Fn(u32) -> i32) {
        self.produce_by(&self.client(), numbers, partition).await;
    }

    /// Produces messages by a producer with these settings.
    pub(crate) async fn produce_by(
        &self,
        producer: &ClientConfig,
        numbers: Range<u32>,
        partition: impl Fn(u32) -> i32,
    ) {
        let producer: FutureProducer = producer.create().unwrap();
        let sent: Vec<_> = numbers
            .map(|number| {
                let (key, value) = ((number % 10).to_string(), number.to_string());
                let record = FutureRecord::to(&self.name);
                let record = record
                    .partition(partition(number))
                    .key(&key)
                    .payload(&value);
                producer
                    .send_result(record)
                    .map_err(|(error, _)| error)
                    .expect("room in the queue")
            })
            .collect();
        for delivery in sent {
            delivery.await.unwrap().expect("the broker acknowledges");
        }
    }

    /// Produces one message to partition 0.
    pub(crate) async fn produce_one(&self, value: &[u8]) {
        let record = FutureRecord::<(), _>::to(&self.name).payload(value);
        self.produce_record(record).await;
    }

    /// Produces a record to partition 0, in a batch of its own.
    pub(crate) async fn produce_record<K: ToBytes + ?Sized>(
        &self,
        record: FutureRecord<'_, K, [u8]>,
    ) {
        let producer: FutureProducer = self.client().create().unwrap();
        let sent = producer.send(record.partition(0), PATIENCE).await;
        sent.expect("the broker acknowledges");
    }

    /// Returns the offsets that the group committed, by partition.
    pub(crate) fn committed(&self, partitions: i32) -> Vec<Option<i64>> {
        let found = self.find_committed(partitions);
        let partitions = 0..found.count();
        partitions.map(|index| offset_of(&found, index)).collect()
    }

    /// Sets what the group has committed to the start of each partition. It must have no member.
    pub(crate) fn reset(&self, partitions: i32) {
        let mut starts = TopicPartitionList::new();
        for partition in 0..partitions {
            let start = Offset::Offset(0);
            starts
                .add_partition_offset(&self.name, partition, start)
                .unwrap();
        }
        self.commit_list(&starts);
    }

    pub(crate) fn commit_list(&self, list: &TopicPartitionList) {
        let committed = self.bare().commit(list, CommitMode::Sync);
        committed.expect("the group has no member");
    }

    pub(crate) fn find_committed(&self, partitions: i32) -> TopicPartitionList {
        let mut list = TopicPartitionList::new();
        list.add_partition_range(&self.name, 0, partitions - 1);
        let found = self.bare().committed_offsets(list, PATIENCE);
        found.expect("the broker answers")
    }

    /// Returns a client of the group that is no member.
    pub(crate) fn bare(&self) -> BaseConsumer {
        self.client().set("group.id", &self.name).create().unwrap()
    }

    /// Returns a consumer with short times.
    pub(crate) fn consumer(&self) -> Builder {
        self.consumer_in(&self.name, [self.name.clone()])
    }

    /// Returns a consumer of topics, in a group.
    pub(crate) fn consumer_in(
        &self,
        group: &str,
        topics: impl IntoIterator<Item = String>,
    ) -> Builder {
        builder(&self.brokers, group, topics)
            .commit_interval(Duration::from_millis(500))
            .set("session.timeout.ms", "6000")
            .set("heartbeat.interval.ms", "500")
            .set("topic.metadata.refresh.interval.ms", "1000")
            .set("fetch.wait.max.ms", "100")
    }

    pub(crate) fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.brokers);
        config
    }

    fn admin(&self) -> AdminClient<DefaultClientContext> {
        self.client().create().unwrap()
    }
}

/// Returns the offset of an element of a list, if it is one.
pub(crate) fn offset_of(list: &TopicPartitionList, index: usize) -> Option<i64> {
    match list.elements()[index].offset() {
        Offset::Offset(offset) => Some(offset),
        _ => None,
    }
}

fn options() -> AdminOptions {
    AdminOptions::new()
        .operation_timeout(Some(PATIENCE))
        .request_timeout(Some(PATIENCE))
}

fn unique() -> String {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap();
    format!(
        "{}-{}",
        now.as_micros(),
        COUNTER.fetch_add(1, Ordering::Relaxed)
    )
}

/// The messages that were handled, each with the number of times.
#[derive(Clone, Default)]
pub(crate) struct Handled(Arc<Mutex<BTreeMap<u32, u32>>>);

impl Handled {
    pub(crate) fn note(&self, message: &Message) {
        self.add(message.payload());
    }

    /// Notes the message with this value.
    pub(crate) fn add(&self, value: Option<&[u8]>) {
        *self.0.lock().unwrap().entry(parse(value)).or_default() += 1;
    }

    pub(crate) fn numbers(&self) -> Vec<u32> {
        self.0.lock().unwrap().keys().copied().collect()
    }

    /// Returns the number of calls after the first one of each message.
    pub(crate) fn repeated(&self) -> u32 {
        self.0.lock().unwrap().values().map(|times| times - 1).sum()
    }

    /// Waits until `messages` different messages are handled.
    pub(crate) async fn wait_for(&self, messages: usize) {
        let all = wait_until(|| self.0.lock().unwrap().len() >= messages).await;
        assert!(
            all,
            "{} of {messages} messages after {PATIENCE:?}",
            self.numbers().len()
        );
    }

    /// Returns a handler that takes a set time.
    pub(crate) fn handler(&self, takes: Duration) -> impl Handler + use<> {
        let handled = self.clone();
        move |message: Message| {
            let handled = handled.clone();
            async move {
                if !takes.is_zero() {
                    tokio::time::sleep(takes).await;
                }
                handled.note(&message);
                Ok::<(), HandlerError>(())
            }
        }
    }
}

/// Returns the number that a message has as its value.
pub(crate) fn number(message: &Message) -> u32 {
    parse(message.payload())
}

fn parse(value: Option<&[u8]>) -> u32 {
    let text = str::from_utf8(value.expect("a value")).expect("a text");
    text.parse().expect("a number")
}

/// Waits until a condition is true; returns `false` where it was not in time.
pub(crate) async fn wait_until(mut condition: impl FnMut() -> bool) -> bool {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !condition() {
        if tokio::time::Instant::now() > deadline {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    true
}

/// A running consumer.
pub(crate) struct Member {
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), Error>>,
}

impl Member {
    pub(crate) fn start(consumer: Builder, handler: impl Handler) -> Self {
        let (stop, stopped) = oneshot::channel();
        let consumer = consumer.build().expect("valid settings");
        let stopped = async { stopped.await.unwrap_or_default() };
        let task = tokio::spawn(consumer.run_until(stopped, handler));
        Self { stop, task }
    }

    /// Asks the consumer to stop, and waits for its end.
    pub(crate) async fn stop(self) {
        let Self { stop, task } = self;
        let _ = stop.send(());
        end(task).await.expect("the consumer ends without an error");
    }

    /// Waits until the consumer ends by itself.
    pub(crate) async fn end(self) -> Result<(), Error> {
        let Self { stop: _stop, task } = self;
        end(task).await
    }

    /// Ends the consumer like a crash, as far as one can within the process.
    pub(crate) fn abort(self) {
        self.task.abort();
    }
}

async fn end(task: JoinHandle<Result<(), Error>>) -> Result<(), Error> {
    let ended = tokio::time::timeout(PATIENCE, task).await;
    ended
        .expect("the consumer ends")
        .expect("the consumer does not panic")
}
