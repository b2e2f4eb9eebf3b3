//! A consumer with rdkafka that commits only what is finished.

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, Rebalance};
use rdkafka::message::{BorrowedMessage, Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer, ProducerContext};
use rdkafka::{ClientContext, Message, Offset, TopicPartitionList};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use subjects::{contract, work};

/// What is known of a partition.
#[derive(Default)]
struct Place {
    /// The offset behind its last finished record.
    finished: Option<i64>,
    /// The number of failures of the record at which it stands.
    failures: u32,
    /// The time at which it goes on, if it waits after a failure.
    resume_at: Option<Instant>,
}

/// All partitions of this member; the callbacks of rebalances have it too.
#[derive(Default)]
struct Places(Mutex<HashMap<(String, i32), Place>>);

fn main() {
    // The stop only sets a flag: the record in work is finished, then the end of the consumer
    // gives all up, which commits, and leaves.
    let stopping = Arc::new(AtomicBool::new(false));
    let stop = stopping.clone();
    ctrlc::set_handler(move || stop.store(true, Relaxed)).expect("a handler of SIGTERM");
    let mut config = contract::member();
    config.set("enable.auto.commit", "false");
    // Not "latest", whatever is wanted: a group that dies before its first commit would begin
    // behind what came meanwhile, and so would a reader of a partition that was added.
    config.set("auto.offset.reset", "earliest");
    let consumer: BaseConsumer<Places> = config
        .create_with_context(Places::default())
        .expect("a consumer");
    let topics = contract::topics();
    let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
    consumer.subscribe(&topics).expect("topics");
    let mut next_commit = Instant::now();
    while !stopping.load(Relaxed) {
        if Instant::now() >= next_commit {
            commit(&consumer);
            next_commit = Instant::now() + contract::commit_interval();
        }
        resume(&consumer);
        match consumer.poll(Duration::from_millis(100)) {
            Some(Ok(message)) => finish(&consumer, &message),
            Some(Err(error)) => eprintln!("{error}"),
            None => {}
        }
    }
}

/// Does the work of a record, or sets it aside, or has it tried again.
fn finish(consumer: &BaseConsumer<Places>, message: &BorrowedMessage<'_>) {
    let (topic, partition, offset) = (message.topic(), message.partition(), message.offset());
    let result = work::work(topic, partition, offset);
    let mut places = consumer.context().0.lock().expect("no panic");
    let place = places.entry((topic.into(), partition)).or_default();
    if let Err(failed) = result {
        place.failures += 1;
        if place.failures < contract::attempts() && !failed.for_good {
            // The partition goes back to the record and waits; the others, heartbeats and
            // rebalances go on meanwhile. To sleep here would hold all of them up.
            let pause = Duration::from_millis(100 * 2u64.pow(place.failures.min(4)));
            place.resume_at = Some(Instant::now() + pause);
            let seek = consumer.seek(
                topic,
                partition,
                Offset::Offset(offset),
                Duration::from_secs(5),
            );
            let paused = consumer.pause(&list([(topic, partition)]));
            return seek.and(paused).unwrap_or_else(|error| panic!("{error}"));
        }
        set_aside(message);
    }
    place.failures = 0;
    place.finished = Some(offset + 1);
}

/// Copies a record to the dead-letter topic, and waits until all replicas have it.
fn set_aside(message: &BorrowedMessage<'_>) {
    let Some(topic) = contract::dead_letters() else {
        return; // It is skipped: your program may decide otherwise.
    };
    let mut config = contract::brokers();
    let producer: BaseProducer<Delivered> = config
        .set("acks", "all")
        .create_with_context(Delivered::default())
        .expect("a producer");
    let (partition, offset) = (
        message.partition().to_string(),
        message.offset().to_string(),
    );
    let origin = [
        ("topic", message.topic()),
        ("partition", &partition),
        ("offset", &offset),
    ];
    while !producer.context().0.load(Relaxed) {
        let headers = origin
            .iter()
            .fold(OwnedHeaders::new(), |headers, (name, value)| {
                let key = format!("plimsoll-{name}");
                headers.insert(Header {
                    key: &key,
                    value: Some(*value),
                })
            });
        let mut record = BaseRecord::to(&topic).headers(headers);
        record.payload = message.payload();
        record.key = message.key();
        if let Err((error, _)) = producer.send(record) {
            eprintln!("cannot set aside: {error}");
        }
        let _ = producer.flush(Duration::from_secs(30));
    }
}

/// Whether a copy is with all replicas.
#[derive(Default)]
struct Delivered(AtomicBool);

impl ClientContext for Delivered {}

impl ProducerContext for Delivered {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        self.0.fetch_or(result.is_ok(), Relaxed);
    }
}

/// Commits all of it each time, so the next commit makes good what a failed one left. It waits for
/// the answer: of two commits on the way, librdkafka may send the older one again behind the newer
/// one, as its own auto-commit does.
fn commit(consumer: &BaseConsumer<Places>) {
    let mut offsets = TopicPartitionList::new();
    for ((topic, partition), place) in &*consumer.context().0.lock().expect("no panic") {
        if let Some(next) = place.finished {
            offsets
                .add_partition_offset(topic, *partition, Offset::Offset(next))
                .expect("an offset");
        }
    }
    if offsets.count() > 0
        && let Err(error) = consumer.commit(&offsets, CommitMode::Sync)
    {
        eprintln!("cannot commit: {error}");
    }
}

/// Lets the partitions go on whose pause is over.
fn resume(consumer: &BaseConsumer<Places>) {
    let mut places = consumer.context().0.lock().expect("no panic");
    for ((topic, partition), place) in &mut *places {
        if place.resume_at.is_some_and(|at| at <= Instant::now()) {
            place.resume_at = None;
            consumer
                .resume(&list([(topic.as_str(), *partition)]))
                .expect("it is paused");
        }
    }
}

impl ClientContext for Places {}

impl ConsumerContext for Places {
    /// Commits before the next owner begins, and forgets what is given up. It runs inside poll(), so
    /// no record is in work. Of what was lost nothing is committed: its next owner has begun.
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        let Rebalance::Revoke(partitions) = rebalance else {
            return;
        };
        if !consumer.assignment_lost() {
            commit(consumer);
        }
        // A pause would outlast the rebalance, and stop the partition when it comes back.
        let _ = consumer.resume(partitions);
        for gone in partitions.elements() {
            let place = (gone.topic().to_owned(), gone.partition());
            self.0.lock().expect("no panic").remove(&place);
        }
    }
}

fn list<'a>(partitions: impl IntoIterator<Item = (&'a str, i32)>) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    for (topic, partition) in partitions {
        list.add_partition(topic, partition);
    }
    list
}
