//! What does the core cost a record, from the fetched batch to the commit that covers it?

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use plimsoll_core::{
    Assignment, AssignmentEpoch, Command, CommitOutcome, CommitPolicy, Config, Consumer, Event,
    Instant, KeyHash, Machine, NextOffset, Offset, Ordering, Outcome, RebalanceId, Record,
    TopicPartition,
};
use std::hint::black_box;

const PARTITION: TopicPartition = TopicPartition::new(0, 0);
const BATCH: u64 = 100;
/// Far more keys than a batch holds.
const KEYS: u64 = 5_000;
/// The number of records that are finished behind the one that is stuck.
const BEHIND: u64 = 10_000;

/// The smallest possible driver: it handles each record as soon as it is dispatched, and every
/// commit succeeds.
struct Driver {
    consumer: Consumer<u64>,
    epoch: AssignmentEpoch,
    next: u64,
    /// The offset of a record that is never finished.
    stuck: Option<Offset>,
    committed: NextOffset,
}

impl Driver {
    fn new(ordering: Ordering, stuck: Option<u64>) -> Self {
        let mut consumer = Consumer::new(Config {
            ordering,
            commit: CommitPolicy {
                interval: None,
                every: Some(BATCH as u32),
            },
            max_buffered_records: usize::MAX,
            max_buffered_bytes: usize::MAX,
            max_span: usize::MAX,
            ..Config::default()
        });
        consumer.handle_event(
            Instant::ZERO,
            Event::Assigned {
                rebalance: RebalanceId(1),
                partitions: vec![Assignment {
                    partition: PARTITION,
                    committed: Some(NextOffset::ZERO),
                    log_start: NextOffset::ZERO,
                    high_watermark: NextOffset::ZERO,
                    founding_partitions: Some(1),
                    partitions: 1,
                }],
            },
        );
        let Some(Command::CompleteAssign { starts, .. }) = consumer.poll_command() else {
            unreachable!("an assignment with a committed offset is completed at once");
        };
        Self {
            consumer,
            epoch: starts[0].epoch,
            next: 0,
            stuck: stuck.map(Offset::new),
            committed: NextOffset::ZERO,
        }
    }

    fn fetch(&mut self, count: u64) {
        let records = (self.next..self.next + count).map(|offset| Record {
            offset: Offset::new(offset),
            key: Some(KeyHash(offset.wrapping_mul(0x9e37_79b9_7f4a_7c15) % KEYS)),
            bytes: 100,
            payload: offset,
        });
        let records = records.collect();
        self.next += count;
        self.handle(Event::Fetched {
            partition: PARTITION,
            epoch: self.epoch,
            records,
        });
    }

    fn handle(&mut self, event: Event<u64>) {
        self.consumer.handle_event(Instant::ZERO, event);
    }

    fn run(&mut self) {
        while let Some(command) = self.consumer.poll_command() {
            match command {
                Command::Dispatch {
                    attempt, record, ..
                } if Some(record.offset) != self.stuck => self.processed(record.offset, attempt),
                Command::Commit { commit, offsets } => {
                    self.committed = offsets[0].next;
                    self.handle(Event::CommitFinished {
                        commit,
                        outcome: CommitOutcome::Ok,
                    });
                }
                _ => {}
            }
        }
    }

    fn processed(&mut self, offset: Offset, attempt: u32) {
        self.handle(Event::Processed {
            partition: PARTITION,
            epoch: self.epoch,
            offset,
            attempt,
            outcome: Outcome::Ok,
        });
    }
}

fn batches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("core/batch of 100");
    group.throughput(Throughput::Elements(BATCH));
    for (name, ordering) in [
        ("by partition", Ordering::Partition),
        ("by key", Ordering::Key),
        ("unordered", Ordering::Unordered),
    ] {
        let mut driver = Driver::new(ordering, None);
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                driver.fetch(BATCH);
                driver.run();
                black_box(driver.committed)
            });
        });
        assert_eq!(driver.committed, NextOffset::new(driver.next));
    }
    group.finish();
}

fn backlog(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("core/backlog of 10,000");
    group.throughput(Throughput::Elements(BEHIND));
    for (name, ordering) in [
        ("by partition", Ordering::Partition),
        ("by key", Ordering::Key),
        ("unordered", Ordering::Unordered),
    ] {
        let mut driver = Driver::new(ordering, None);
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                driver.fetch(BEHIND);
                driver.run();
                black_box(driver.committed)
            });
        });
    }
    group.finish();
}

fn gap(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("core/gap");
    group.throughput(Throughput::Elements(BEHIND));
    group.bench_function("10,000 finished behind one that is stuck", |bencher| {
        bencher.iter_batched_ref(
            || Driver::new(Ordering::Unordered, Some(0)),
            |driver| {
                for _ in 0..BEHIND / BATCH {
                    driver.fetch(BATCH);
                    driver.run();
                }
                driver.processed(Offset::new(0), 1);
                driver.run();
                assert_eq!(driver.committed, NextOffset::new(BEHIND));
            },
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

criterion_group!(benches, batches, backlog, gap);
criterion_main!(benches);
