//! What a trace says, as tables: read in one pass, and shared by every checker.
//!
//! Logical time is the index of an entry, so "before" is `<`. [`NEVER`] is later than every entry,
//! so "not finished before this commit" is one comparison. The tables keep their memory from one
//! run to the next.

use crate::{Entry, MemberId, Terms, Trace};
use plimsoll_core::{InitialPosition, Instant, Ordering, Outcome, TopicPartition};

/// Instead of the index of an entry: it did not happen.
pub(super) const NEVER: u32 = u32::MAX;

/// Everything that one trace says.
#[derive(Debug, Default)]
pub(super) struct History {
    pub(super) slots: Slots,
    pub(super) partitions: Vec<Partition>,
    /// How many of `partitions` belong to this run; the others are memory for later runs.
    pub(super) live: usize,
    pub(super) assignments: Vec<Assignment>,
    pub(super) attempts: Vec<Attempt>,
    /// Those of `attempts` at records that were already finished.
    pub(super) repeats: Vec<u32>,
    pub(super) dead_letters: Vec<DeadLetter>,
    pub(super) acks: Vec<Ack>,
    pub(super) commits: Vec<Commit>,
    pub(super) rewinds: Vec<Rewind>,
    pub(super) stops: Vec<Stop>,
    pub(super) healed: u32,
    pub(super) quiet: u32,
    pub(super) ended: u32,
    pub(super) lag: u64,
    by_key: Vec<(u32, u32)>,
}

/// One partition of a topic.
#[derive(Debug, Default)]
pub(super) struct Partition {
    pub(super) id: TopicPartition,
    /// Whether the topic had it before the group first owned any of its partitions.
    pub(super) founding: bool,
    /// By offset. The harness makes its topics, so offsets begin at 0.
    pub(super) records: Vec<Record>,
    /// By member: its newest assignment of this partition.
    pub(super) holdings: Vec<Holding>,
    /// The first assignment to anybody.
    pub(super) first: u32,
    /// The newest assignment to anybody.
    pub(super) current: u32,
    /// How often it was assigned, or moved back by no will of the consumer.
    pub(super) chances: u32,
    pub(super) log_start: u64,
    pub(super) log_end: u64,
    /// The group's committed offset, and the entry that set it.
    pub(super) committed: u64,
    pub(super) committed_by: u32,
    /// From where its newest owner reads, and the entry that set it.
    pub(super) position: u64,
    pub(super) position_by: u32,
}

/// One offset of a partition.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record {
    pub(super) message: u32,
    /// [`Record::NO_KEY`]: none.
    pub(super) key: u32,
    pub(super) stored: u32,
    /// The producer learned that this very message is stored here.
    pub(super) acked: u32,
    /// The first effect of an attempt that went well, or the acknowledged dead letter.
    pub(super) finished: u32,
    pub(super) dead_lettered: u32,
    /// Since when nobody owes it: retention removed it, or (0) the group starts behind it.
    pub(super) excused: u32,
    /// Since when the scenario itself moved the group's offset beyond it.
    pub(super) skipped: u32,
    /// The moment from which every earlier record of its key is finished or not owed.
    pub(super) free_from: u32,
    /// The offset of the record before it of the same key; [`NEVER`]: none.
    pub(super) before: u32,
    /// The newest of `attempts` at it.
    pub(super) last_attempt: u32,
    pub(super) deliveries: u32,
    pub(super) oks: u32,
}

impl Record {
    pub(super) const NO_KEY: u32 = u32::MAX;
    pub(super) const UNSEEN: Self = Self {
        message: NEVER,
        key: Self::NO_KEY,
        stored: NEVER,
        acked: NEVER,
        finished: NEVER,
        dead_lettered: NEVER,
        excused: NEVER,
        skipped: NEVER,
        free_from: 0,
        before: NEVER,
        last_attempt: NEVER,
        deliveries: 0,
        oks: 0,
    };

    /// From when on it stands in nobody's way: finished, removed, or skipped by the scenario.
    #[inline]
    pub(super) fn settled(&self) -> u32 {
        self.finished.min(self.excused).min(self.skipped)
    }
}

/// What one member last knew of one partition.
#[derive(Clone, Copy, Debug)]
pub(super) struct Holding {
    /// Its newest assignment.
    pub(super) assignment: u32,
    /// When it learned that this assignment is over.
    pub(super) withdrawn: u32,
    /// The lowest position to which it moved back under this assignment.
    pub(super) sought: u64,
}

impl Holding {
    pub(super) const NONE: Self = Self {
        assignment: NEVER,
        withdrawn: NEVER,
        sought: u64::MAX,
    };
}

/// One partition given to one member.
#[derive(Clone, Copy, Debug)]
pub(super) struct Assignment {
    pub(super) slot: u32,
    pub(super) member: MemberId,
    pub(super) entry: u32,
    pub(super) position: u64,
    /// -1 where it could not be seen.
    pub(super) generation: i32,
    /// What disrupted it: revoked, lost, given to another, or its process crashed or was stopped.
    pub(super) ended: u32,
}

/// One call of a handler.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attempt {
    pub(super) entry: u32,
    pub(super) slot: u32,
    pub(super) offset: u32,
    pub(super) member: MemberId,
    /// The member's newest assignment of the partition at that moment.
    pub(super) assignment: u32,
    /// When its member had learned that this assignment is over.
    pub(super) withdrawn: u32,
    /// As the sink counts.
    pub(super) number: u32,
    /// The attempt before it at the same record.
    pub(super) previous: u32,
    /// How often the record was delivered so far, this attempt included.
    pub(super) deliveries: u32,
    /// How often the record went well so far, this attempt included.
    pub(super) oks: u32,
    /// The partition's chances at the attempt's last entry.
    pub(super) chances: u32,
    /// The entry of its outcome.
    pub(super) ended: u32,
    /// `None`: stopped, or still running.
    pub(super) outcome: Option<Outcome>,
}

/// A record's acknowledged copy in the dead-letter topic.
#[derive(Clone, Copy, Debug)]
pub(super) struct DeadLetter {
    pub(super) entry: u32,
    pub(super) slot: u32,
    pub(super) offset: u32,
    pub(super) member: MemberId,
    pub(super) assignment: u32,
}

/// A promise of the cluster.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ack {
    pub(super) entry: u32,
    pub(super) slot: u32,
    pub(super) offset: u32,
    pub(super) message: u32,
}

/// One partition's part of an accepted commit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Commit {
    pub(super) entry: u32,
    pub(super) slot: u32,
    pub(super) member: MemberId,
    pub(super) next: u64,
    /// What was committed before, and by which entry.
    pub(super) previous: u64,
    pub(super) previous_by: u32,
    /// The lowest position to which the member had moved back.
    pub(super) sought: u64,
    /// The member's own newest assignment of the partition, and anybody's.
    pub(super) own: u32,
    pub(super) current: u32,
}

/// The group was moved back by no will of its members: records from `to` on come again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rewind {
    pub(super) entry: u32,
    pub(super) slot: u32,
    pub(super) to: u64,
}

/// A graceful stop.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stop {
    pub(super) entry: u32,
    pub(super) member: MemberId,
    pub(super) stopped: u32,
    /// It crashed, stood still or lost partitions meanwhile.
    pub(super) disturbed: bool,
}

/// The numbers of partitions.
#[derive(Debug, Default)]
pub(super) struct Slots(Vec<Vec<u32>>);

impl Slots {
    pub(super) fn get(&self, id: TopicPartition) -> Option<u32> {
        let slot = *self.0.get(id.topic as usize)?.get(id.partition as usize)?;
        (slot != NEVER).then_some(slot)
    }

    pub(super) fn set(&mut self, id: TopicPartition, slot: u32) {
        let (topic, partition) = (id.topic as usize, id.partition as usize);
        if self.0.len() <= topic {
            self.0.resize_with(topic + 1, Vec::new);
        }
        let row = &mut self.0[topic];
        if row.len() <= partition {
            row.resize(partition + 1, NEVER);
        }
        row[partition] = slot;
    }

    pub(super) fn clear(&mut self) {
        for row in &mut self.0 {
            row.fill(NEVER);
        }
    }
}

impl Partition {
    /// How many records stand below `next`.
    #[inline]
    pub(super) fn below(&self, next: u64) -> usize {
        next.min(self.records.len() as u64) as usize
    }

    /// The record at `offset`, which is made where it is new.
    #[inline]
    pub(super) fn record(&mut self, offset: u64) -> &mut Record {
        let index = offset as usize;
        if index >= self.records.len() {
            self.records.resize(index + 1, Record::UNSEEN);
        }
        &mut self.records[index]
    }

    #[inline]
    pub(super) fn holding(&self, member: MemberId) -> Holding {
        let holding = self.holdings.get(member.0 as usize);
        holding.copied().unwrap_or(Holding::NONE)
    }

    pub(super) fn holding_mut(&mut self, member: MemberId) -> &mut Holding {
        let index = member.0 as usize;
        if self.holdings.len() <= index {
            self.holdings.resize(index + 1, Holding::NONE);
        }
        &mut self.holdings[index]
    }
}

impl History {
    /// Forgets the run before, and reads this one.
    pub(super) fn read(&mut self, terms: &Terms, trace: &Trace) {
        self.clear();
        for (index, Entry { event, .. }) in trace.entries().iter().enumerate() {
            self.observe(terms, index as u32, event);
        }
        if terms.config.initial == InitialPosition::Latest {
            self.excuse_before_start();
        }
        if terms.config.ordering != Ordering::Unordered {
            self.link_keys();
        }
    }

    pub(super) fn partitions(&self) -> &[Partition] {
        &self.partitions[..self.live]
    }

    pub(super) fn partition(&self, slot: u32) -> &Partition {
        &self.partitions[slot as usize]
    }

    pub(super) fn record(&self, slot: u32, offset: u32) -> &Record {
        &self.partitions[slot as usize].records[offset as usize]
    }

    /// The assignment of this number, unless it is [`NEVER`].
    pub(super) fn assignment(&self, number: u32) -> Option<&Assignment> {
        self.assignments.get(number as usize)
    }

    /// The attempts at a record, newest first.
    pub(super) fn attempts_at(&self, record: &Record) -> impl Iterator<Item = &Attempt> {
        let newest = self.attempts.get(record.last_attempt as usize);
        std::iter::successors(newest, |attempt| {
            self.attempts.get(attempt.previous as usize)
        })
    }

    fn clear(&mut self) {
        self.slots.clear();
        self.live = 0;
        self.assignments.clear();
        self.attempts.clear();
        self.repeats.clear();
        self.dead_letters.clear();
        self.acks.clear();
        self.commits.clear();
        self.rewinds.clear();
        self.stops.clear();
        self.healed = NEVER;
        self.quiet = NEVER;
        self.ended = NEVER;
        self.lag = 0;
    }

    /// A group that starts at the end of a partition owes nothing of what was there before; a
    /// partition that was added later is owed from its start.
    fn excuse_before_start(&mut self) {
        for partition in &mut self.partitions[..self.live] {
            if !partition.founding {
                continue;
            }
            let first = self.assignments.get(partition.first as usize);
            let start = first.map_or(u64::MAX, |first| first.position);
            let below = partition.below(start);
            for record in &mut partition.records[..below] {
                record.excused = 0;
            }
        }
    }

    /// Chains the records of each key, and finds when each one's predecessors were settled.
    fn link_keys(&mut self) {
        let by_key = &mut self.by_key;
        for partition in &mut self.partitions[..self.live] {
            by_key.clear();
            let keyed = partition.records.iter().zip(0u32..);
            by_key.extend(
                keyed
                    .filter(|(record, _)| record.key != Record::NO_KEY)
                    .map(|(record, index)| (record.key, index)),
            );
            by_key.sort_unstable();
            for pair in by_key.windows(2) {
                let ((key, before), (next_key, index)) = (pair[0], pair[1]);
                if key != next_key {
                    continue;
                }
                let earlier = &partition.records[before as usize];
                let free_from = earlier.free_from.max(earlier.settled());
                let record = &mut partition.records[index as usize];
                record.before = before;
                record.free_from = free_from;
            }
        }
    }
}

/// The moment of an entry; the end of time for [`NEVER`].
pub(super) fn at(trace: &Trace, entry: u32) -> Instant {
    let entry = trace.entries().get(entry as usize);
    entry.map_or(Instant::FAR_FUTURE, |entry| entry.at)
}
