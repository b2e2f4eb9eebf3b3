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
//! Beside the rates stands the processor time of this process: where other programs take a part of
//! the machine, it tells more than they do. To profile one of the four, name it.
//!
//! `cargo bench -p plimsoll-benches --bench consumer_throughput [-- RECORDS [ROUNDS]] [ARM...]`

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
    let is_named = |arm: &Arm| arguments.iter().any(|argument| argument == arm.0);
    let mut arms: Vec<Arm> = ARMS.into_iter().filter(is_named).collect();
    if arms.is_empty() {
        arms = ARMS.to_vec();
    }
    match measure(&arms, records, rounds) {
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

fn measure(arms: &[Arm], records: u32, rounds: usize) -> Result<(), ChaosError> {
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
    let result = compare(&kafka, arms, records, rounds);
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

/// The rates that are compared: of each arm that is Plimsoll's to each that is bare, and of its own.
const PAIRS: [(&str, &str); 5] = [
    ("plimsoll", "messages"),
    ("plimsoll", "batches"),
    ("native", "messages"),
    ("native", "batches"),
    ("native", "plimsoll"),
];

fn compare(kafka: &Kafka, arms: &[Arm], records: u32, rounds: usize) -> Result<(), ChaosError> {
    let backlog = kafka.backlog(records, RECORD_BYTES)?;
    // Brokers and page cache warm up.
    for (_, consume) in arms {
        consume(&backlog)?;
    }
    let line = |texts: Vec<String>| texts.iter().map(|text| format!("{text:>10}")).collect();
    let heads: String = line(arms.iter().map(|(name, _)| (*name).to_owned()).collect());
    println!("records/s: {heads}");
    let mut all_rates = Vec::new();
    let mut worked = vec![Duration::ZERO; arms.len()];
    for round in 0..rounds {
        let mut rates = vec![0.0; arms.len()];
        for turn in 0..arms.len() {
            // They take turns in going first.
            let arm = (round + turn) % arms.len();
            let before = processor_time();
            let took = arms[arm].1(&backlog)?;
            worked[arm] += processor_time().saturating_sub(before);
            rates[arm] = f64::from(records) / took.as_secs_f64();
        }
        let rates_line: String = line(rates.iter().map(|rate| format!("{rate:.0}")).collect());
        println!("           {rates_line}");
        all_rates.push(rates);
    }
    // Of all rounds together, since the system counts in hundredths of a second.
    let all = f64::from(records) * rounds as f64;
    let each = worked.iter().map(|time| time.as_nanos() as f64 / all);
    let each: String = line(each.map(|nanos| format!("{nanos:.0}")).collect());
    println!("CPU ns each:{each}");
    print_ratios(arms, &all_rates);
    Ok(())
}

/// Prints the ratios of the rates of all rounds, as far as both arms took part.
fn print_ratios(arms: &[Arm], rates: &[Vec<f64>]) {
    for (own, other) in PAIRS {
        let place = |name| arms.iter().position(|arm| arm.0 == name);
        let (Some(a), Some(b)) = (place(own), place(other)) else {
            continue;
        };
        let mut ratios: Vec<f64> = rates.iter().map(|rates| rates[a] / rates[b]).collect();
        ratios.sort_by(f64::total_cmp);
        if let [first, .., last] = ratios.as_slice() {
            let median = ratios[ratios.len() / 2];
            println!("{own} / {other}: median {median:.3}, from {first:.3} to {last:.3}");
        }
    }
}

/// Returns the processor time that this process has used, in all of its threads, to a hundredth of a
/// second; zero where the system has no such file.
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Behind the name in brackets: user time and system time are fields 14 and 15 of all, in ticks.
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let ticks = fields.split_whitespace().skip(11).take(2);
    let ticks: u64 = ticks.filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    Duration::from_millis(10 * ticks)
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
