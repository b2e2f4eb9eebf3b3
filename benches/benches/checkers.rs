//! What judging costs: all checkers, and the hash, over a trace as long as one of the reference
//! scenario: 200 messages, 6 partitions, 3 members, commits each second, failing handlers, one
//! crash with duplicates and two rebalances.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use plimsoll_core::{
    AssignmentEpoch, CommitPolicy, Instant, NextOffset, Offset, Ordering, Outcome, TopicPartition,
};
use plimsoll_oracle::check::{Coverage, Judge};
use plimsoll_oracle::{MemberId, MessageId, Sometimes, Trace, TraceEvent};
use plimsoll_scenarios::Plan;
use plimsoll_scenarios::scenario::{
    Cluster, Consumers, Expect, Handler, Network, Producer, Settings, Topic,
};
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

const MESSAGES: u32 = 200;
const PARTITIONS: u32 = 6;
const MEMBERS: u32 = 3;

fn checkers(c: &mut Criterion) {
    let (terms, trace) = (plan().terms(), Recorder::default().run());
    let entries = trace.entries().len();
    let mut judge = Judge::new();
    let verdict = judge.judge(&terms, &trace, &[]);
    assert_eq!(verdict.violations().count(), 0, "{verdict:#?}");

    let mut group = c.benchmark_group(format!("trace of {entries} entries"));
    group.throughput(Throughput::Elements(entries as u64));
    group.bench_function("judge", |b| {
        b.iter(|| black_box(judge.judge(black_box(&terms), black_box(&trace), &[])));
    });
    group.bench_function("fingerprint", |b| {
        b.iter(|| black_box(black_box(&trace).fingerprint()));
    });
    let mut coverage = Coverage::default();
    coverage.add(&trace);
    let repeated = coverage
        .counts()
        .find(|(rare, _)| *rare == Sometimes::Duplicate);
    assert!(repeated.is_some_and(|(_, count)| count > 0));
    group.bench_function("coverage", |b| b.iter(|| coverage.add(black_box(&trace))));
    group.finish();
}

fn plan() -> Plan {
    let mut consumers = Consumers::default();
    consumers.config.ordering = Ordering::Key;
    // The trace tries again at once.
    consumers.config.retry.backoff = Duration::ZERO;
    consumers.config.commit = CommitPolicy {
        interval: Some(Duration::from_secs(1)),
        every: None,
    };
    let settings = Settings {
        name: "checkers".into(),
        description: String::new(),
        safety: None,
        real_time: false,
        cluster: Cluster::default(),
        topics: vec![Topic {
            name: "orders".into(),
            partitions: PARTITIONS,
        }],
        producer: Producer::default(),
        consumers,
        handler: Handler::default(),
        network: Network::default(),
        expect: Expect::default(),
    };
    Plan {
        seed: 1,
        settings: Arc::new(settings),
        messages: Vec::new(),
        starts: vec![Some(Instant::ZERO); MEMBERS as usize],
        faults: Vec::new(),
        heal_at: Instant::from_millis(60_000),
    }
}

/// A writer of the trace that a correct consumer leaves.
#[derive(Default)]
struct Recorder {
    trace: Trace,
    now: u64,
    stored: [u64; PARTITIONS as usize],
    finished: [u64; PARTITIONS as usize],
    committed: [u64; PARTITIONS as usize],
    owners: [MemberId; PARTITIONS as usize],
    attempts: Vec<u32>,
    /// The message, by partition and offset.
    by_place: Vec<Vec<u32>>,
}

impl Recorder {
    fn run(mut self) -> Trace {
        self.attempts.resize(MESSAGES as usize, 0);
        self.by_place.resize(PARTITIONS as usize, Vec::new());
        for member in 0..MEMBERS {
            let member = MemberId(member);
            self.push(TraceEvent::MemberStarted { member });
        }
        self.assign([0, 1, 2]);
        for message in 0..MESSAGES {
            self.produce(message);
            self.handle((message % PARTITIONS) as usize);
            self.now += 300_000_000;
            match message {
                // No commit for a while: then there is something to repeat.
                78..81 => {}
                81 => self.crash(),
                120 => self.rebalance([0, 1, 2]),
                _ => self.commit(),
            }
        }
        self.push(TraceEvent::Healed);
        self.push(TraceEvent::Quiet);
        self.push(TraceEvent::Ended { lag: 0 });
        self.trace
    }

    /// Crashes the first member after its effects and before its commit; the others repeat them.
    fn crash(&mut self) {
        let before = self.finished;
        for partition in 0..PARTITIONS as usize {
            if self.owners[partition] == MemberId(0) {
                self.finished[partition] = self.committed[partition];
            }
        }
        let member = MemberId(0);
        self.push(TraceEvent::MemberCrashed { member });
        self.now += 10_000_000_000;
        self.push(TraceEvent::MemberStarted { member });
        self.rebalance([1, 1, 2]);
        for (partition, before) in before.into_iter().enumerate() {
            while self.finished[partition] < before {
                self.handle(partition);
            }
        }
    }

    fn rebalance(&mut self, to: [u32; MEMBERS as usize]) {
        for index in 0..PARTITIONS {
            let partition = TopicPartition::new(0, index);
            let member = self.owners[index as usize];
            self.push(TraceEvent::Revoked {
                member,
                partition,
                in_flight: 0,
            });
            self.push(TraceEvent::Released { member, partition });
        }
        self.assign(to);
    }

    fn assign(&mut self, to: [u32; MEMBERS as usize]) {
        for index in 0..PARTITIONS {
            let member = MemberId(to[(index % MEMBERS) as usize]);
            self.owners[index as usize] = member;
            self.push(TraceEvent::Assigned {
                member,
                partition: TopicPartition::new(0, index),
                epoch: AssignmentEpoch(1),
                position: NextOffset::new(self.finished[index as usize]),
                generation: 1,
            });
        }
    }

    fn produce(&mut self, number: u32) {
        let partition = TopicPartition::new(0, number % PARTITIONS);
        let place = &mut self.stored[partition.partition as usize];
        let offset = Offset::new(*place);
        self.by_place[partition.partition as usize].push(number);
        *place += 1;
        let message = MessageId(number);
        self.push(TraceEvent::Stored {
            message,
            partition,
            offset,
            key: Some(number % 20),
        });
        self.push(TraceEvent::Acknowledged {
            message,
            partition,
            offset,
        });
    }

    fn handle(&mut self, index: usize) {
        let offset = Offset::new(self.finished[index]);
        let number = self.by_place[index][self.finished[index] as usize];
        let outcomes: &[Outcome] = match number % 20 {
            7 => &[Outcome::Retryable, Outcome::Ok],
            _ => &[Outcome::Ok],
        };
        for &outcome in outcomes {
            let attempt = &mut self.attempts[number as usize];
            *attempt += 1;
            let attempt = *attempt;
            let member = self.owners[index];
            let partition = TopicPartition::new(0, index as u32);
            let message = MessageId(number);
            self.push(TraceEvent::HandlerStarted {
                member,
                partition,
                offset,
                message,
                attempt,
            });
            self.push(TraceEvent::Effect {
                member,
                partition,
                offset,
                message,
                key: Some(number % 20),
                attempt,
                outcome,
            });
        }
        self.finished[index] += 1;
    }

    fn commit(&mut self) {
        for member in (0..MEMBERS).map(MemberId) {
            let dirty = |recorder: &Self, partition: usize| {
                recorder.owners[partition] == member
                    && recorder.committed[partition] < recorder.finished[partition]
            };
            if !(0..PARTITIONS as usize).any(|partition| dirty(self, partition)) {
                continue;
            }
            self.push(TraceEvent::CommitSent { member });
            for partition in 0..PARTITIONS {
                if dirty(self, partition as usize) {
                    let next = self.finished[partition as usize];
                    self.committed[partition as usize] = next;
                    self.push(TraceEvent::Committed {
                        member,
                        partition: TopicPartition::new(0, partition),
                        next: NextOffset::new(next),
                        generation: 1,
                        rebalancing: false,
                    });
                }
            }
        }
    }

    fn push(&mut self, event: TraceEvent) {
        self.now += 1_000_000;
        self.trace.push(Instant::from_nanos(self.now), event);
    }
}

criterion_group!(benches, checkers);
criterion_main!(benches);
