//! A cluster under load: 50 connections, 200 MB, and how much memory that takes.
//!
//! `cargo bench -p plimsoll-serve` serves a cluster of its own; with an address, as in `cargo bench
//! -p plimsoll-serve -- HOST:PORT`, it loads the brokers there. A topic has a partition for each
//! pair of a producer and a consumer. A consumer removes what it has read, as retention would, and
//! a producer waits for a consumer that is far behind: so logs keep little, and memory must stay
//! flat.

mod client;

use client::{Client, Produced};
use plimsoll_serve::{Options, Served, serve};
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

/// The pairs of a producer and a consumer, each with a connection of its own.
const PAIRS: u32 = 25;

/// The bytes of values in one batch: 64 records of 1 KiB.
const BATCH: u64 = 64 << 10;

/// The batches that one producer writes: all of them together write 200 MiB.
const BATCHES: u64 = (200 << 20) / BATCH / PAIRS as u64;

/// The number of batches that a producer may be ahead of its consumer, and of those that a consumer
/// reads before it removes them.
const AHEAD: u64 = 8;

/// The progress of a partition's producer and of its consumer.
#[derive(Default)]
struct Lane {
    written: AtomicU64,
    read: AtomicU64,
    /// The most records that the log kept at any time.
    most_kept: AtomicU64,
}

fn main() {
    // `cargo bench` passes arguments of its own.
    let address = std::env::args()
        .skip(1)
        .find(|argument| !argument.starts_with('-'));
    let started = Instant::now();
    let (served, bootstrap) = match address {
        Some(address) => (None, address),
        None => {
            let served = serve(Options::default()).expect("there are free ports");
            let bootstrap = served.bootstrap();
            (Some(served), bootstrap)
        }
    };
    let mut client = Client::connect(&bootstrap);
    client.api_versions();
    println!("start to first answer  {:.1} ms", millis(started.elapsed()));
    let topic = format!("load-{}", std::process::id());
    client.create_topic(&topic, PAIRS);
    let leaders = client.leaders(&topic, PAIRS);
    let lanes: Vec<Arc<Lane>> = (0..PAIRS).map(|_| Arc::default()).collect();
    let before = memory();
    let began = Instant::now();
    let mut workers = Vec::new();
    for (partition, (lane, leader)) in (0..).zip(lanes.iter().zip(leaders)) {
        let (topics, leaders) = ((topic.clone(), topic.clone()), (leader.clone(), leader));
        let (first, second) = (lane.clone(), lane.clone());
        workers.push(thread::spawn(move || {
            write(&topics.0, partition, &leaders.0, &first)
        }));
        workers.push(thread::spawn(move || {
            read(&topics.1, partition, &leaders.1, &second)
        }));
    }
    watch(&lanes, served.as_ref());
    for worker in workers {
        worker.join().expect("it has done its part");
    }
    tell(&lanes, began.elapsed(), before);
}

/// Writes all batches of a partition.
fn write(topic: &str, partition: u32, leader: &str, lane: &Lane) {
    let mut client = Client::connect(leader);
    let batch = client::batch(BATCH);
    for written in 1..=BATCHES {
        while written > lane.read.load(SeqCst) + AHEAD {
            thread::sleep(Duration::from_millis(1));
        }
        client.produce(topic, partition, &batch);
        lane.written.store(written, SeqCst);
    }
}

/// Reads all of a partition, and removes what it has read.
fn read(topic: &str, partition: u32, leader: &str, lane: &Lane) {
    let mut client = Client::connect(leader);
    let records = client::RECORDS * BATCHES;
    let (mut next, mut removed) = (0, 0);
    while next < records {
        let Produced {
            log_start,
            high_watermark,
            end,
        } = client.fetch(topic, partition, next);
        lane.most_kept.fetch_max(high_watermark - log_start, SeqCst);
        next = end.unwrap_or(next);
        lane.read.store(next / client::RECORDS, SeqCst);
        if next - removed >= AHEAD * client::RECORDS {
            client.remove(topic, partition, next);
            removed = next;
        }
    }
}

/// Prints memory while it runs, at each quarter of the bytes.
fn watch(lanes: &[Arc<Lane>], served: Option<&Served>) {
    let all = BATCHES * u64::from(PAIRS);
    for quarter in 1..=4 {
        let written = || lanes.iter().map(|lane| lane.read.load(SeqCst)).sum::<u64>();
        while written() * 4 < all * quarter {
            thread::sleep(Duration::from_millis(5));
        }
        if served.is_some() {
            println!("memory after {:>3} %     {:.0} MiB", quarter * 25, memory());
        }
    }
}

/// Prints what came of it.
fn tell(lanes: &[Arc<Lane>], took: Duration, before: f64) {
    let mib = (BATCH * BATCHES * u64::from(PAIRS)) as f64 / f64::from(1 << 20);
    let kept = lanes.iter().map(|lane| lane.most_kept.load(SeqCst));
    let kept = (kept.sum::<u64>() << 10) as f64 / f64::from(1 << 20);
    println!("memory before          {before:.0} MiB, of the whole process");
    println!("most in the logs       {kept:.0} MiB of {mib:.0}");
    println!("connections            {}", PAIRS * 2);
    println!("time                   {:.2} s", took.as_secs_f64());
    println!(
        "written and read       {:.0} MiB/s",
        mib / took.as_secs_f64()
    );
    assert!(kept < mib / 4.0, "the logs keep what was removed");
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// Returns the memory of this process, in MiB; 0 where the system does not tell.
fn memory() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kib.unwrap_or(0.0) / 1024.0
}
