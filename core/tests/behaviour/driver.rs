//! A driver for tests: short words in, lines of text out.

use plimsoll_core::{
    Assignment, AssignmentEpoch, Command, CommitId, CommitOutcome, CommitPolicy, Config, Consumer,
    DeadLetterReason, Event, Instant, KeyHash, Machine, NextOffset, Offset, Outcome, RebalanceId,
    Record, RetryPolicy, TopicPartition,
};
use std::collections::BTreeMap;
use std::time::Duration;

/// Returns settings with round numbers and without jitter.
pub(crate) fn config() -> Config {
    Config {
        commit: CommitPolicy {
            interval: Some(Duration::from_secs(5)),
            every: None,
        },
        retry: RetryPolicy {
            attempts: 3,
            backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(1),
            jitter: 0.0,
        },
        handler_deadline: None,
        revoke_deadline: Duration::from_secs(10),
        shutdown_deadline: Duration::from_secs(10),
        ..Config::default()
    }
}

/// A consumer, with the epochs and attempts that its driver has to remember.
pub(crate) struct Driver {
    pub consumer: Consumer<()>,
    pub now: Instant,
    epochs: BTreeMap<u32, AssignmentEpoch>,
    attempts: BTreeMap<(u32, u64), u32>,
}

impl Driver {
    pub(crate) fn new(config: Config) -> Self {
        Self {
            consumer: Consumer::new(config),
            now: Instant::ZERO,
            epochs: BTreeMap::new(),
            attempts: BTreeMap::new(),
        }
    }

    /// Creates a driver that owns partition 0, of which 10 is committed as the next offset.
    pub(crate) fn owning_one(config: Config) -> Self {
        let mut driver = Self::new(config);
        let lines = driver.assign(1, &[committed(0, 10)]);
        assert_eq!(lines, ["assigned 1: 0@10"]);
        driver
    }

    /// Moves the clock to `millis`, and fires what is due on the way.
    pub(crate) fn at(&mut self, millis: u64) -> Vec<String> {
        let until = Instant::from_millis(millis);
        let mut lines = Vec::new();
        while let Some(due) = self.consumer.poll_timeout().filter(|due| *due <= until) {
            self.now = self.now.max(due);
            self.consumer.handle_timeout(self.now);
            lines.extend(self.commands());
            let next = self.timer();
            assert!(
                next.is_none_or(|next| next > self.now),
                "a timer that spins"
            );
        }
        self.now = until;
        lines
    }

    pub(crate) fn assign(&mut self, rebalance: u32, partitions: &[Assignment]) -> Vec<String> {
        self.tell(Event::Assigned {
            rebalance: RebalanceId(rebalance),
            partitions: partitions.to_vec(),
        })
    }

    pub(crate) fn revoke(&mut self, rebalance: u32, partitions: &[u32]) -> Vec<String> {
        self.tell(Event::Revoked {
            rebalance: RebalanceId(rebalance),
            partitions: partitions.iter().map(|p| id(*p)).collect(),
        })
    }

    pub(crate) fn lose(&mut self, rebalance: u32, partitions: &[u32]) -> Vec<String> {
        self.tell(Event::Lost {
            rebalance: RebalanceId(rebalance),
            partitions: partitions.iter().map(|p| id(*p)).collect(),
        })
    }

    /// Fetches records without keys.
    pub(crate) fn fetch(
        &mut self,
        partition: u32,
        offsets: impl IntoIterator<Item = u64>,
    ) -> Vec<String> {
        self.fetch_keyed(partition, offsets.into_iter().map(|offset| (offset, None)))
    }

    pub(crate) fn fetch_keyed(
        &mut self,
        partition: u32,
        records: impl IntoIterator<Item = (u64, Option<u64>)>,
    ) -> Vec<String> {
        let records = records.into_iter().map(|(offset, key)| Record {
            offset: Offset::new(offset),
            key: key.map(KeyHash),
            bytes: 10,
            payload: (),
        });
        let records = records.collect();
        self.tell(Event::Fetched {
            partition: id(partition),
            epoch: self.epochs[&partition],
            records,
        })
    }

    pub(crate) fn ok(&mut self, partition: u32, offset: u64) -> Vec<String> {
        self.processed(partition, offset, Outcome::Ok)
    }

    /// Ends the last attempt that was dispatched.
    pub(crate) fn processed(
        &mut self,
        partition: u32,
        offset: u64,
        outcome: Outcome,
    ) -> Vec<String> {
        let attempt = self.attempts.get(&(partition, offset)).copied();
        self.tell(Event::Processed {
            partition: id(partition),
            epoch: self.epochs[&partition],
            offset: Offset::new(offset),
            attempt: attempt.unwrap_or(1),
            outcome,
        })
    }

    pub(crate) fn dead_lettered(
        &mut self,
        partition: u32,
        offset: u64,
        acknowledged: bool,
    ) -> Vec<String> {
        self.tell(Event::DeadLettered {
            partition: id(partition),
            epoch: self.epochs[&partition],
            offset: Offset::new(offset),
            acknowledged,
        })
    }

    pub(crate) fn dead_letter_refused(&mut self, partition: u32, offset: u64) -> Vec<String> {
        self.tell(Event::DeadLetterRefused {
            partition: id(partition),
            epoch: self.epochs[&partition],
            offset: Offset::new(offset),
        })
    }

    pub(crate) fn passed(&mut self, partition: u32, position: u64) -> Vec<String> {
        self.tell(Event::Passed {
            partition: id(partition),
            epoch: self.epochs[&partition],
            position: NextOffset::new(position),
        })
    }

    pub(crate) fn out_of_range(
        &mut self,
        partition: u32,
        position: u64,
        log: std::ops::Range<u64>,
    ) -> Vec<String> {
        self.tell(Event::OutOfRange {
            partition: id(partition),
            epoch: self.epochs[&partition],
            position: NextOffset::new(position),
            log_start: NextOffset::new(log.start),
            high_watermark: NextOffset::new(log.end),
        })
    }

    pub(crate) fn commit_ends(&mut self, commit: u32, outcome: CommitOutcome) -> Vec<String> {
        self.tell(Event::CommitFinished {
            commit: CommitId(commit),
            outcome,
        })
    }

    pub(crate) fn timer(&self) -> Option<Instant> {
        self.consumer.poll_timeout()
    }

    pub(crate) fn shutdown(&mut self) -> Vec<String> {
        self.tell(Event::Shutdown)
    }

    pub(crate) fn tell(&mut self, event: Event<()>) -> Vec<String> {
        self.consumer.handle_event(self.now, event);
        self.commands()
    }

    fn commands(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        while let Some(command) = self.consumer.poll_command() {
            match &command {
                Command::CompleteAssign { starts, .. } => {
                    for start in starts {
                        self.epochs.insert(start.partition.partition, start.epoch);
                    }
                }
                Command::Dispatch {
                    partition,
                    attempt,
                    record,
                    ..
                } => {
                    let key = (partition.partition, record.offset.get());
                    self.attempts.insert(key, *attempt);
                }
                _ => {}
            }
            lines.push(line(&command));
        }
        lines
    }
}

pub(crate) fn id(partition: u32) -> TopicPartition {
    TopicPartition::new(0, partition)
}

/// Returns a partition with offsets 0 to 99, of which `next` is committed.
pub(crate) fn committed(partition: u32, next: u64) -> Assignment {
    Assignment {
        committed: Some(NextOffset::new(next)),
        ..uncommitted(partition)
    }
}

/// Returns a partition with offsets 0 to 99 of a topic for which nothing was ever committed.
pub(crate) fn uncommitted(partition: u32) -> Assignment {
    Assignment {
        partition: id(partition),
        committed: None,
        log_start: NextOffset::ZERO,
        high_watermark: NextOffset::new(100),
        founding_partitions: None,
        partitions: 4,
    }
}

fn line(command: &Command<()>) -> String {
    match command {
        Command::Dispatch {
            partition,
            attempt,
            record,
            ..
        } => format!(
            "handle {}/{} #{attempt}",
            partition.partition, record.offset
        ),
        Command::Cancel {
            partition, offset, ..
        } => format!("cancel {}/{offset}", partition.partition),
        Command::DeadLetter {
            partition,
            record,
            attempts,
            reason,
            ..
        } => {
            let why = match reason {
                DeadLetterReason::AttemptsExhausted => "exhausted",
                DeadLetterReason::Permanent => "permanent",
            };
            let (partition, offset) = (partition.partition, record.offset);
            format!("dead-letter {partition}/{offset} after {attempts}, {why}")
        }
        Command::Commit { commit, offsets } => {
            let offsets = offsets.iter();
            let offsets = offsets.map(|o| format!(" {}={}", o.partition.partition, o.next));
            format!("commit {}:{}", commit.0, offsets.collect::<String>())
        }
        Command::Pause { partition } => format!("pause {}", partition.partition),
        Command::Resume { partition } => format!("resume {}", partition.partition),
        Command::Seek {
            partition,
            position,
            ..
        } => format!("seek {} to {position}", partition.partition),
        Command::CompleteAssign { rebalance, starts } => {
            let starts = starts.iter();
            let starts = starts.map(|s| format!(" {}@{}", s.partition.partition, s.position));
            format!("assigned {}:{}", rebalance.0, starts.collect::<String>())
        }
        Command::CompleteRevoke { rebalance } => format!("revoked {}", rebalance.0),
        Command::Close => "close".to_owned(),
    }
}
