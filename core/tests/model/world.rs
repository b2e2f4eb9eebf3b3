//! A driver that obeys every command and writes everything down.

use crate::ledger::{Batch, Ledger, Pending, Task};
use crate::log::{Log, last_record, records};
use crate::rare::Rare;
use crate::steps::Step;
use plimsoll_core::{
    Assignment, AssignmentEpoch, CommitId, CommitOffset, CommitOutcome, Config, Consumer, Event,
    InitialPosition, Instant, Machine, NextOffset, Offset, Outcome, RebalanceId, TopicPartition,
};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The consumer, its driver, and what a careful observer knows.
#[derive(Debug)]
pub(crate) struct World {
    pub config: Config,
    pub consumer: Consumer<u64>,
    pub now: Instant,
    pub logs: BTreeMap<TopicPartition, Log>,
    pub owned: BTreeMap<TopicPartition, Ledger>,
    pub running: Vec<Task>,
    /// The dead-letter writes, each with whether its answer means nothing any more.
    pub writing: Vec<(Task, bool)>,
    /// The handlers that were cancelled, and may end all the same.
    pub zombies: Vec<Task>,
    /// The handlers that the consumer must cancel before its next event.
    pub to_cancel: BTreeSet<(TopicPartition, Offset)>,
    pub commit: Option<(CommitId, Vec<(CommitOffset, u32)>)>,
    pub last_commit: CommitId,
    /// The moment at which the commit in flight was sent.
    pub commit_sent: Instant,
    /// The end of the pause after a commit that was not accepted, which only a drain may break.
    pub no_commit_before: Instant,
    /// The partitions of each unanswered assignment, with the serials of their ledgers.
    pub assigns: BTreeMap<RebalanceId, Vec<(TopicPartition, u32)>>,
    pub revokes: BTreeMap<RebalanceId, Pending>,
    pub closing: Option<Pending>,
    pub closed: bool,
    pub counter: u32,
    /// The rare things that happened.
    pub seen: BTreeSet<Rare>,
}

impl World {
    pub(crate) fn new(config: Config) -> Self {
        let log = |n| (TopicPartition::new(0, n), Log { start: 0, end: 30 });
        Self {
            config,
            consumer: Consumer::new(config),
            now: Instant::ZERO,
            logs: (0..3).map(log).collect(),
            owned: BTreeMap::new(),
            running: Vec::new(),
            writing: Vec::new(),
            zombies: Vec::new(),
            to_cancel: BTreeSet::new(),
            commit: None,
            last_commit: CommitId(0),
            commit_sent: Instant::ZERO,
            no_commit_before: Instant::ZERO,
            assigns: BTreeMap::new(),
            revokes: BTreeMap::new(),
            closing: None,
            closed: false,
            counter: 0,
            seen: BTreeSet::new(),
        }
    }

    pub(crate) fn step(&mut self, step: Step) {
        match step {
            Step::Assign {
                partitions,
                behind,
                founding,
            } => self.assign(partitions, behind, founding),
            Step::Revoke { partitions } => self.revoke(partitions),
            Step::Lose { partitions } => self.lose(partitions),
            Step::Fetch { which, count } => self.fetch(which, 0, count),
            Step::Refetch { which, back, count } => self.fetch(which, back, count),
            Step::FetchStale { which, count } => self.fetch_stale(which, count),
            Step::Handle { which, outcome } => {
                if let Some(task) = pick(&self.running, which) {
                    self.handled(task, outcome);
                }
            }
            Step::HandleAll => {
                for task in self.running.clone() {
                    self.handled(task, Outcome::Ok);
                }
            }
            Step::HandleLate { which, outcome } => {
                if let Some(task) = pick(&self.zombies, which) {
                    self.zombies.retain(|zombie| *zombie != task);
                    self.seen.insert(Rare::ResultTooLate);
                    self.tell(processed(task, outcome));
                }
            }
            Step::DeadLetter {
                which,
                acknowledged,
            } => {
                if let Some(write) = pick(&self.writing, which) {
                    self.dead_lettered(write, acknowledged);
                }
            }
            Step::Commit { outcome } => self.commit_ends(outcome),
            Step::CommitLate { outcome } => {
                let commit = CommitId(self.last_commit.0 + 7);
                self.tell(Event::CommitFinished { commit, outcome });
            }
            Step::Wait { millis } => self.wait(Duration::from_millis(millis)),
            Step::ResumeBehind { which } => {
                if let Some(id) = self.fetching(which) {
                    let ledger = self.ledger(id);
                    ledger.paused = false;
                    ledger.resumed_behind = true;
                }
            }
            Step::Pass { which, count } => self.pass(which, count),
            Step::Expire { which, beyond } => self.expire(which, beyond),
            Step::Truncate { which, below } => self.truncate(which, below),
            Step::RefuseWrongly { which } => {
                if let Some(id) = self.fetching(which) {
                    let position = self.ledger(id).position;
                    let log = self.log(id);
                    if (log.start..=log.end).contains(&position) {
                        self.refuse(id, position);
                    }
                }
            }
            Step::Shutdown => self.shutdown(),
        }
    }

    /// Lets everything succeed from now on, and checks that in the end all is finished, committed
    /// and answered.
    pub(crate) fn finish_everything(&mut self) {
        for _ in 0..3000 {
            for task in self.running.clone() {
                self.handled(task, Outcome::Ok);
            }
            for write in self.writing.clone() {
                self.dead_lettered(write, true);
            }
            self.commit_ends(CommitOutcome::Ok);
            for which in 0..3 {
                self.fetch(which, 0, 5);
            }
            if !self.running.is_empty() || !self.writing.is_empty() || self.commit.is_some() {
                continue;
            }
            let Some(due) = self.consumer.poll_timeout() else {
                break;
            };
            self.wait(due.saturating_since(self.now));
        }
        assert!(self.assigns.is_empty(), "unanswered: {:?}", self.assigns);
        assert!(self.revokes.is_empty(), "unanswered: {:?}", self.revokes);
        assert_eq!(self.closing.is_some(), self.closed, "never closed");
        if self.closed {
            return;
        }
        for (id, ledger) in &self.owned {
            assert_eq!(ledger.unfinished().count(), 0, "{id:?} is stuck");
            if !ledger.halted {
                assert!(!ledger.paused, "{id:?} stays paused");
                assert!(ledger.position >= last_record(self.logs[id]), "{id:?}");
            }
            assert_eq!(ledger.committed, Some(ledger.watermark()), "{id:?}");
        }
    }

    fn assign(&mut self, partitions: u8, behind: Option<u64>, founding: Option<u32>) {
        let again = chosen(partitions)
            .iter()
            .any(|id| self.owned.contains_key(id));
        self.saw(again, Rare::AssignedWhileOwned);
        let closing = self.closing.is_some() && !self.closed;
        self.saw(closing, Rare::AssignedWhileClosing);
        self.counter += 1;
        let rebalance = RebalanceId(self.counter);
        let mut assignments = Vec::new();
        let mut entries = Vec::new();
        for id in chosen(partitions) {
            self.forget(id, true);
            let log = self.log(id);
            let committed = behind.map(|behind| log.end.saturating_sub(behind).max(log.start));
            let added_later = founding.is_some_and(|founding| id.partition >= founding);
            let earliest = self.config.initial == InitialPosition::Earliest || added_later;
            let start = if earliest { log.start } else { log.end };
            let mut ledger = Ledger::new(
                self.counter,
                committed.unwrap_or(start),
                committed,
                founding.unwrap_or(3),
            );
            ledger.starts_at_end = committed.is_none() && !earliest;
            if self.closing.is_some() {
                ledger.drain(self.now);
            }
            if !self.closed {
                self.owned.insert(id, ledger);
                entries.push((id, self.counter));
            }
            assignments.push(Assignment {
                partition: id,
                committed: committed.map(NextOffset::new),
                log_start: NextOffset::new(log.start),
                high_watermark: NextOffset::new(log.end),
                founding_partitions: founding,
                partitions: 3,
            });
        }
        if let Some(closing) = &mut self.closing {
            closing.partitions.extend(&entries);
        }
        if !self.closed {
            self.assigns.insert(rebalance, entries);
        }
        self.tell(Event::Assigned {
            rebalance,
            partitions: assignments,
        });
        let held_back = self.assigns.contains_key(&rebalance);
        self.saw(held_back, Rare::AssignHeldBack);
    }

    fn revoke(&mut self, partitions: u8) {
        self.counter += 1;
        let rebalance = RebalanceId(self.counter);
        let partitions = chosen(partitions);
        let mut running = self.running.iter();
        let runs = running.any(|t| partitions.contains(&t.partition));
        self.saw(runs, Rare::RevokedWithHandlers);
        self.saw(self.commit.is_some(), Rare::RevokedWithCommit);
        let closing = self.closing.is_some() && !self.closed;
        self.saw(closing, Rare::RevokedWhileClosing);
        let pending = self.drain(
            &partitions,
            self.config.revoke_deadline,
            self.config.longest_revocation(),
        );
        if !self.closed {
            self.revokes.insert(rebalance, pending);
        }
        self.tell(Event::Revoked {
            rebalance,
            partitions,
        });
    }

    fn lose(&mut self, partitions: u8) {
        self.counter += 1;
        let rebalance = RebalanceId(self.counter);
        let partitions = chosen(partitions);
        for id in &partitions {
            self.forget(*id, true);
        }
        self.saw(!self.to_cancel.is_empty(), Rare::LostWithHandlers);
        let mut revoked = self.revokes.values().flat_map(|r| &r.partitions);
        let twice = revoked.any(|(id, _)| partitions.contains(id));
        self.saw(twice, Rare::LostWhileRevoked);
        if !self.closed {
            let pending = Pending {
                partitions: Vec::new(),
                give_up_at: self.now,
            };
            self.revokes.insert(rebalance, pending);
        }
        self.tell(Event::Lost {
            rebalance,
            partitions,
        });
        assert!(
            !self.revokes.contains_key(&rebalance),
            "not answered at once"
        );
    }

    fn shutdown(&mut self) {
        if self.closing.is_none() {
            let all: Vec<TopicPartition> = self.owned.keys().copied().collect();
            let longest = self.config.longest_shutdown();
            self.closing = Some(self.drain(&all, self.config.shutdown_deadline, longest));
        }
        self.tell(Event::Shutdown);
    }

    fn drain(
        &mut self,
        partitions: &[TopicPartition],
        deadline: Duration,
        longest: Duration,
    ) -> Pending {
        let cancel_at = self.now + deadline;
        let mut drained = Vec::new();
        for id in partitions {
            if let Some(ledger) = self.owned.get_mut(id) {
                ledger.drain(cancel_at);
                drained.push((*id, ledger.serial));
            }
        }
        Pending {
            partitions: drained,
            give_up_at: self.now + longest,
        }
    }

    fn fetch(&mut self, which: usize, back: u64, count: u64) {
        let config = self.config;
        let Some(id) = self.fetching(which) else {
            return;
        };
        self.counter += 1;
        let number = self.counter;
        let log = self.log(id);
        let ledger = self.ledger(id);
        if ledger.paused || ledger.halted {
            return;
        }
        let Some(epoch) = ledger.epoch else { return };
        let from = ledger.position.saturating_sub(back).max(log.start);
        if from > log.end {
            return self.refuse(id, from);
        }
        if ledger.position < log.start {
            let position = ledger.position;
            return self.refuse(id, position);
        }
        let mut records = records(from..log.end);
        records.truncate(count as usize);
        let batch = Batch {
            number,
            bytes: records.iter().map(|r| r.bytes as usize).sum(),
        };
        for record in &records {
            ledger.fetched(record.offset.get(), record.key, batch);
        }
        self.tell(Event::Fetched {
            partition: id,
            epoch,
            records,
        });
        let owned = self.owned.len();
        if let Some(ledger) = self.owned.get_mut(&id) {
            let noticed = !ledger.resumed_behind || ledger.draining.is_some();
            assert!(noticed || !ledger.is_full(&config, owned), "unnoticed");
            ledger.resumed_behind = false;
        }
    }

    fn fetch_stale(&mut self, which: usize, count: u64) {
        let id = TopicPartition::new(0, (which % 3) as u32);
        let old = self.owned.get(&id).and_then(|ledger| ledger.epoch);
        self.tell(Event::Fetched {
            partition: id,
            epoch: AssignmentEpoch(old.map_or(0, |epoch| epoch.0 - 1)),
            records: records(0..count),
        });
    }

    fn handled(&mut self, task: Task, outcome: Outcome) {
        if !self.running.contains(&task) {
            return;
        }
        self.running.retain(|running| *running != task);
        let (config, now) = (self.config, self.now);
        let ledger = self.ledger(task.partition);
        ledger.ended(task.offset, outcome, &config, now);
        self.tell(processed(task, outcome));
    }

    fn dead_lettered(&mut self, write: (Task, bool), acknowledged: bool) {
        // Writes of the same offset end in the order in which they began.
        let Task {
            partition,
            epoch,
            offset,
            ..
        } = write.0;
        let is_it =
            |(t, _): &(Task, bool)| (t.partition, t.epoch, t.offset) == (partition, epoch, offset);
        let Some(index) = self.writing.iter().position(is_it) else {
            return;
        };
        let (task, void) = self.writing.remove(index);
        let now = self.now;
        if let Some(ledger) = self.owned.get_mut(&task.partition)
            && ledger.epoch == Some(task.epoch)
            && !void
        {
            ledger.written(task.offset, acknowledged, now);
            self.saw(acknowledged, Rare::DeadLetterAcknowledged);
            self.saw(!acknowledged, Rare::DeadLetterFailed);
        }
        self.tell(Event::DeadLettered {
            partition: task.partition,
            epoch: task.epoch,
            offset: task.offset,
            acknowledged,
        });
    }

    fn commit_ends(&mut self, outcome: CommitOutcome) {
        let Some((commit, offsets)) = self.commit.take() else {
            return;
        };
        self.saw(outcome == CommitOutcome::Unknown, Rare::CommitUnknown);
        self.no_commit_before = match outcome {
            CommitOutcome::Ok => Instant::ZERO,
            _ => self.now + Duration::from_millis(100),
        };
        let waited = self.now.saturating_since(self.commit_sent);
        let may_return = outcome == CommitOutcome::Unknown || waited > Duration::from_millis(80);
        for (offset, serial) in offsets {
            let now_owned = self.owned.get(&offset.partition).map(|l| l.serial);
            let newer = now_owned.is_some_and(|now| now != serial);
            self.saw(newer, Rare::CommitSpansAssignments);
            if let Some(ledger) = self.owned.get_mut(&offset.partition)
                && ledger.serial == serial
            {
                ledger.doubted |= may_return;
                if outcome == CommitOutcome::Ok {
                    ledger.committed = Some(offset.next.get());
                }
            }
        }
        self.tell(Event::CommitFinished { commit, outcome });
    }

    /// Lets time pass, and fires every timer on the way.
    fn wait(&mut self, duration: Duration) {
        let until = self.now + duration;
        while let Some(due) = self.consumer.poll_timeout() {
            if due > until {
                break;
            }
            self.now = self.now.max(due);
            self.consumer.handle_timeout(self.now);
            self.obey();
            let next = self.consumer.poll_timeout();
            assert!(
                next.is_none_or(|next| next > self.now),
                "a timer that spins"
            );
        }
        self.now = self.now.max(until);
    }

    pub(crate) fn tell(&mut self, event: Event<u64>) {
        self.consumer.handle_event(self.now, event);
        self.obey();
    }

    /// Picks a partition, if the driver may fetch it.
    pub(crate) fn fetching(&self, which: usize) -> Option<TopicPartition> {
        let id = TopicPartition::new(0, (which % 3) as u32);
        let ledger = self.owned.get(&id)?;
        (ledger.epoch.is_some() && !self.closed).then_some(id)
    }

    pub(crate) fn log(&self, id: TopicPartition) -> Log {
        self.logs[&id]
    }

    pub(crate) fn ledger(&mut self, id: TopicPartition) -> &mut Ledger {
        let ledger = self.owned.get_mut(&id);
        ledger.unwrap_or_else(|| panic!("{id:?} is not owned"))
    }

    pub(crate) fn ledger_of(&mut self, id: TopicPartition, epoch: AssignmentEpoch) -> &mut Ledger {
        let ledger = self.ledger(id);
        assert_eq!(ledger.epoch, Some(epoch), "an old assignment");
        ledger
    }
}

fn processed(task: Task, outcome: Outcome) -> Event<u64> {
    Event::Processed {
        partition: task.partition,
        epoch: task.epoch,
        offset: task.offset,
        attempt: task.attempt,
        outcome,
    }
}

fn pick<T: Copy>(from: &[T], which: usize) -> Option<T> {
    from.get(which % from.len().max(1)).copied()
}

fn chosen(partitions: u8) -> Vec<TopicPartition> {
    let ids = (0..3).filter(|n| partitions & (1 << n) != 0);
    ids.map(|n| TopicPartition::new(0, n)).collect()
}
