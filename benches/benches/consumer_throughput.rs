//! What does Plimsoll's consumer cost beside a bare librdkafka loop? A million records of 100
//! bytes from three real brokers, with an empty handler and the same settings.
//!
//! The two take turns, so that a machine that becomes slower does so for both; each line is one
//! pair, and the last one the median of their ratios. Needs a container engine; without one it
//! says so and measures nothing.
//!
//! `cargo bench -p plimsoll-benches --bench consumer_throughput [-- RECORDS [PAIRS]]`

use plimsoll_chaos::{
    Backlog, ChaosError, ClusterSource, Declared, Kafka, Load, Options, Reach, SubjectCommand,
};
use plimsoll_core::CommitPolicy;
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::Message as _;
use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

const RECORDS: u32 = 1_000_000;
const RECORD_BYTES: usize = 100;
const PAIRS: usize = 9;

/// The commit interval of both.
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
    let pairs = numbers.next().map_or(PAIRS, |pairs| pairs as usize);
    match measure(records, pairs) {
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

fn measure(records: u32, pairs: usize) -> Result<(), ChaosError> {
    let options = Options {
        source: ClusterSource::Containers,
        reach: Reach::default(),
        subject: SubjectCommand::Own("unused".into()),
        declared: Declared::default(),
    };
    let kafka = Kafka::start(options, Load::default())?;
    let result = compare(&kafka, records, pairs);
    kafka.shut_down();
    result
}

fn compare(kafka: &Kafka, records: u32, pairs: usize) -> Result<(), ChaosError> {
    let backlog = kafka.backlog(records, RECORD_BYTES)?;
    let commit = CommitPolicy {
        interval: Some(COMMIT_INTERVAL),
        every: None,
    };
    // Brokers and page cache warm up.
    consume_bare(&backlog)?;
    backlog.consume(commit)?;
    let rate = |took: Duration| f64::from(records) / took.as_secs_f64();
    println!("plimsoll records/s   bare records/s   ratio");
    let mut ratios = Vec::with_capacity(pairs);
    for pair in 0..pairs {
        // They take turns in going first.
        let (plimsoll, bare) = if pair % 2 == 0 {
            let plimsoll = backlog.consume(commit)?;
            (plimsoll, consume_bare(&backlog)?)
        } else {
            let bare = consume_bare(&backlog)?;
            (backlog.consume(commit)?, bare)
        };
        let ratio = rate(plimsoll) / rate(bare);
        println!(
            "{:>18.0}   {:>14.0}   {ratio:.3}",
            rate(plimsoll),
            rate(bare)
        );
        ratios.push(ratio);
    }
    ratios.sort_by(f64::total_cmp);
    if let [first, .., last] = ratios.as_slice() {
        let median = ratios[ratios.len() / 2];
        println!("\nratio: median {median:.3}, from {first:.3} to {last:.3} ({pairs} pairs)");
    }
    Ok(())
}

/// Consumes the backlog in the loop that one writes with nothing but librdkafka: it polls, and lets
/// librdkafka commit. Returns the time from the first record to the last.
fn consume_bare(backlog: &Backlog) -> Result<Duration, ChaosError> {
    let internal = |error: rdkafka::error::KafkaError| ChaosError::Internal(error.to_string());
    let consumer: BaseConsumer = ClientConfig::new()
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
        .create()
        .map_err(internal)?;
    consumer.subscribe(&[backlog.topic()]).map_err(internal)?;
    let mut began = None;
    let mut seen = 0;
    let began_to_poll = Instant::now();
    while seen < backlog.records() {
        let Some(message) = consumer.poll(POLL) else {
            // Nothing came, or a rebalance did.
            if began_to_poll.elapsed() > WITHIN {
                let text = format!("the bare loop got no more within {} s", WITHIN.as_secs());
                return Err(ChaosError::Environment(text));
            }
            continue;
        };
        black_box(message.map_err(internal)?.payload());
        began.get_or_insert_with(Instant::now);
        seen += 1;
    }
    Ok(began
        .map(|began: Instant| began.elapsed())
        .unwrap_or_default())
}
