//! What does Plimsoll's consumer cost, over librdkafka and over the client in Rust alone, beside
//! bare librdkafka loops? A million records of 100 bytes from real brokers, with an empty handler
//! and the same settings. One loop takes message by message from one queue, the other one takes
//! batches from the queue of each partition.
//!
//! The four take turns, so that a machine that becomes slower does so for all; each line is one
//! round, and the last ones are the medians of their ratios. The brokers are those that
//! `PLIMSOLL_TEST_BOOTSTRAP` names, else three in containers, and without an engine simulated ones
//! that this process serves, which take a part of its time: the warning says so.
//!
//! `cargo bench -p plimsoll-benches --bench consumer_throughput [-- RECORDS [ROUNDS]]`

use plimsoll_chaos::{
    Access, Backlog, ChaosError, ClusterSource, Declared, Kafka, Load, Options, Reach,
    SubjectCommand,
};
use plimsoll_core::CommitPolicy;
use plimsoll_librdkafka::PartitionQueue;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::Message as _;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use std::hint::black_box;
use std::ops::ControlFlow;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

const RECORDS: u32 = 1_000_000;
const RECORD_BYTES: usize = 100;
const ROUNDS: usize = 9;

/// The largest batch of a loop that takes batches.
const BATCH: usize = 512;

/// The commit interval of all.
const COMMIT_INTERVAL: Duration = Duration::from_secs(5);

/// The longest wait of one poll.
const POLL: Duration = Duration::from_millis(100);

/// The time after which a loop that gets nothing is stuck.
const WITHIN: Duration = Duration::from_secs(300);

fn main() -> ExitCode {
    // Cargo adds `--bench`; with `cargo test` nothing is measured.
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if !arguments.iter().any(|argument| argument == "--bench") {
        return ExitCode::SUCCESS;
    }
    let mut numbers = arguments
        .iter()
        .filter_map(|argument| argument.parse().ok());
    let records = numbers.next().unwrap_or(RECORDS);
    let rounds = numbers.next().map_or(ROUNDS, |rounds| rounds as usize);
    match measure(records, rounds) {
        Ok(()) => ExitCode::SUCCESS,
        Err(ChaosError::Environment(reason)) => {
            eprintln!("SKIPPED, nothing was measured: {reason}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(records: u32, rounds: usize) -> Result<(), ChaosError> {
    let source = match std::env::var("PLIMSOLL_TEST_BOOTSTRAP") {
        Ok(servers) => ClusterSource::Bootstrap {
            servers,
            access: Access::default(),
        },
        Err(_) => ClusterSource::at_hand()?,
    };
    if source == ClusterSource::Embedded {
        eprintln!("no engine: these are simulated brokers, within this process");
    }
    let options = Options {
        source,
        reach: Reach::default(),
        subject: SubjectCommand::Own("unused".into()),
        declared: Declared::default(),
    };
    let kafka = Kafka::start(options, Load::default())?;
    let result = compare(&kafka, records, rounds);
    kafka.shut_down();
    result
}

/// A way to consume a backlog: its name, and the function that returns the time that it took.
type Arm = (&'static str, fn(&Backlog) -> Result<Duration, ChaosError>);

const ARMS: [Arm; 4] = [
    ("plimsoll", consume),
    ("native", consume_natively),
    ("messages", consume_messages),
    ("batches", consume_batches),
];

fn compare(kafka: &Kafka, records: u32, rounds: usize) -> Result<(), ChaosError> {
    let backlog = kafka.backlog(records, RECORD_BYTES)?;
    // Brokers and page cache warm up.
    for (_, consume) in ARMS {
        consume(&backlog)?;
    }
    let names = ARMS.map(|(name, _)| format!("{name:>10}"));
    println!("records/s: {}", names.concat());
    // Of each that is Plimsoll's, to each that is bare.
    let pairs = [(0, 2), (0, 3), (1, 2), (1, 3), (1, 0)];
    let mut ratios = pairs.map(|_| Vec::new());
    for round in 0..rounds {
        let mut rates = [0.0; ARMS.len()];
        for turn in 0..ARMS.len() {
            // They take turns in going first.
            let arm = (round + turn) % ARMS.len();
            let took = ARMS[arm].1(&backlog)?;
            rates[arm] = f64::from(records) / took.as_secs_f64();
        }
        println!(
            "           {}",
            rates.map(|rate| format!("{rate:>10.0}")).concat()
        );
        for (ratios, (own, other)) in ratios.iter_mut().zip(pairs) {
            ratios.push(rates[own] / rates[other]);
        }
    }
    for (mut ratios, (own, other)) in ratios.into_iter().zip(pairs) {
        ratios.sort_by(f64::total_cmp);
        if let [first, .., last] = ratios.as_slice() {
            let median = ratios[ratios.len() / 2];
            let (own, other) = (ARMS[own].0, ARMS[other].0);
            println!("{own} / {other}: median {median:.3}, from {first:.3} to {last:.3}");
        }
    }
    Ok(())
}

const COMMITS: CommitPolicy = CommitPolicy {
    interval: Some(COMMIT_INTERVAL),
    every: None,
};

/// Consumes the backlog by Plimsoll's consumer, over librdkafka.
fn consume(backlog: &Backlog) -> Result<Duration, ChaosError> {
    backlog.consume(COMMITS)
}

/// Consumes the backlog by Plimsoll's consumer, over the client in Rust alone.
fn consume_natively(backlog: &Backlog) -> Result<Duration, ChaosError> {
    backlog.consume_natively(COMMITS)
}

/// Consumes the backlog in the loop that one writes with nothing but librdkafka: it polls, and lets
/// librdkafka commit. Returns the time from the first record to the last.
fn consume_messages(backlog: &Backlog) -> Result<Duration, ChaosError> {
    let consumer = bare(backlog)?;
    consumer.subscribe(&[backlog.topic()]).map_err(internal)?;
    let mut clock = Clock::new(backlog);
    while !clock.is_over() {
        match consumer.poll(POLL) {
            Some(message) => {
                black_box(message.map_err(internal)?.payload());
                clock.tick(1);
            }
            // Nothing came, or a rebalance did.
            None => clock.check()?,
        }
    }
    Ok(clock.took())
}

/// Consumes the backlog in the fastest loop over librdkafka: by batches, from the queue of each
/// partition.
fn consume_batches(backlog: &Backlog) -> Result<Duration, ChaosError> {
    let consumer = Arc::new(bare(backlog)?);
    let topic = backlog.topic();
    let metadata = consumer
        .fetch_metadata(Some(topic), WITHIN)
        .map_err(internal)?;
    let partitions = metadata
        .topics()
        .iter()
        .flat_map(|topic| topic.partitions());
    let mut list = TopicPartitionList::new();
    let mut queues = Vec::new();
    for partition in partitions {
        let id = partition.id();
        list.add_partition_offset(topic, id, Offset::Beginning)
            .map_err(internal)?;
        queues.extend(PartitionQueue::new(&consumer, topic, id, || {}));
    }
    consumer.assign(&list).map_err(internal)?;
    let mut clock = Clock::new(backlog);
    while !clock.is_over() {
        consumer.poll(Duration::ZERO);
        let mut taken = 0;
        for queue in &mut queues {
            queue.read(BATCH, |message| {
                if let Ok(message) = message {
                    black_box(message.payload());
                    taken += 1;
                }
                ControlFlow::Continue(())
            });
        }
        clock.tick(taken);
        if taken == 0 {
            clock.check()?;
            std::thread::sleep(Duration::from_micros(100));
        }
    }
    Ok(clock.took())
}

fn bare(backlog: &Backlog) -> Result<BaseConsumer, ChaosError> {
    let consumer = ClientConfig::new()
        .set("bootstrap.servers", backlog.bootstrap())
        .set("group.id", backlog.new_group())
        .set("auto.offset.reset", "earliest")
        .set("partition.assignment.strategy", "cooperative-sticky")
        // What the consumer sets too, where librdkafka's defaults hold up a fast reader.
        .set("queued.max.messages.kbytes", "8192")
        .set("fetch.queue.backoff.ms", "20")
        .set("enable.auto.commit", "true")
        .set(
            "auto.commit.interval.ms",
            COMMIT_INTERVAL.as_millis().to_string(),
        )
        .create();
    consumer.map_err(internal)
}

fn internal(error: KafkaError) -> ChaosError {
    ChaosError::Internal(error.to_string())
}

/// Counts the records of a bare loop, and takes its time.
struct Clock {
    left: u32,
    created: Instant,
    began: Option<Instant>,
}

impl Clock {
    fn new(backlog: &Backlog) -> Self {
        Self {
            left: backlog.records(),
            created: Instant::now(),
            began: None,
        }
    }

    fn tick(&mut self, records: u32) {
        if records > 0 {
            self.began.get_or_insert_with(Instant::now);
            self.left = self.left.saturating_sub(records);
        }
    }

    fn is_over(&self) -> bool {
        self.left == 0
    }

    /// Fails where the loop gets nothing any more.
    fn check(&self) -> Result<(), ChaosError> {
        if self.created.elapsed() <= WITHIN {
            return Ok(());
        }
        let text = format!("a bare loop got no more within {} s", WITHIN.as_secs());
        Err(ChaosError::Environment(text))
    }

    /// Returns the time since the first record.
    fn took(&self) -> Duration {
        self.began.map(|began| began.elapsed()).unwrap_or_default()
    }
}
