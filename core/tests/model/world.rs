//! A driver that obeys every command and writes everything down.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use plimsoll_core::{
    Assignment, AssignmentEpoch, Command, CommitId, CommitOffset, CommitOutcome, Config, Consumer,
    Event, InitialPosition, Instant, KeyHash, Machine, NextOffset, Offset, OutOfRangePolicy,
    Outcome, RebalanceId, Record, TopicPartition,
};

use crate::ledger::{Ledger, State};
use crate::steps::Step;

/// A handler or a write that the driver has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Task {
    partition: TopicPartition,
    epoch: AssignmentEpoch,
    offset: Offset,
    attempt: u32,
}

/// A partition's log, with gaps. All of it can be fetched.
#[derive(Clone, Copy, Debug)]
struct Log {
    start: u64,
    end: u64,
}

/// A revocation or the shutdown, not yet answered.
#[derive(Debug)]
struct Pending {
    partitions: Vec<(TopicPartition, u32)>,
    give_up_at: Instant,
}

/// The consumer, its driver, and what a careful observer knows.
#[derive(Debug)]
pub struct World {
    config: Config,
    consumer: Consumer<u64>,
    now: Instant,
    logs: BTreeMap<TopicPartition, Log>,
    owned: BTreeMap<TopicPartition, Ledger>,
    running: Vec<Task>,
    /// With whether the log was cut since: then the write means nothing any more.
    writing: Vec<(Task, bool)>,
    /// Handlers that were cancelled, and may end all the same.
    zombies: Vec<Task>,
    /// What the consumer must cancel before its next event.
    to_cancel: BTreeSet<(TopicPartition, Offset)>,
    commit: Option<(CommitId, Vec<(CommitOffset, u32)>)>,
    last_commit: CommitId,
    /// With the last commit before each of them.
    assigns: BTreeMap<RebalanceId, Vec<(TopicPartition, u32)>>,
    revokes: BTreeMap<RebalanceId, Pending>,
    closing: Option<Pending>,
    closed: bool,
    counter: u32,
}

impl World {
    pub fn new(config: Config) -> Self {
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
            assigns: BTreeMap::new(),
            revokes: BTreeMap::new(),
            closing: None,
            closed: false,
            counter: 0,
        }
    }

    pub fn step(&mut self, step: Step) {
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

    /// The world is kind from now on: everything succeeds, and in the end all is finished,
    /// committed and answered.
    pub fn finish_everything(&mut self) {
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
            let by_time_or_count = self.config.commit.interval.is_some();
            if by_time_or_count {
                assert_eq!(ledger.committed, Some(ledger.watermark()), "{id:?}");
            }
        }
    }

    fn assign(&mut self, partitions: u8, behind: Option<u64>, founding: Option<u32>) {
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
                log_end: NextOffset::new(log.end),
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
    }

    fn revoke(&mut self, partitions: u8) {
        self.counter += 1;
        let rebalance = RebalanceId(self.counter);
        let partitions = chosen(partitions);
        let pending = self.drain(&partitions, self.config.revoke_deadline);
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
            self.closing = Some(self.drain(&all, self.config.shutdown_deadline));
        }
        self.tell(Event::Shutdown);
    }

    fn drain(&mut self, partitions: &[TopicPartition], deadline: Duration) -> Pending {
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
            give_up_at: cancel_at + (deadline / 4).max(Duration::from_secs(1)),
        }
    }

    fn fetch(&mut self, which: usize, back: u64, count: u64) {
        let Some(id) = self.fetching(which) else {
            return;
        };
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
        for record in &records {
            ledger.fetched(record.offset.get(), record.key, record.bytes);
        }
        ledger.resumed_behind = false;
        self.tell(Event::Fetched {
            partition: id,
            epoch,
            records,
        });
    }

    fn fetch_stale(&mut self, which: usize, count: u64) {
        let id = TopicPartition::new(0, (which % 3) as u32);
        let old = self.owned.get(&id).and_then(|ledger| ledger.epoch);
        self.tell(Event::Fetched {
            partition: id,
            epoch: AssignmentEpoch(old.map_or(1, |epoch| epoch.0 - 1)),
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
        let (task, void) = write;
        self.writing.retain(|w| *w != write);
        let now = self.now;
        if let Some(ledger) = self.owned.get_mut(&task.partition)
            && ledger.epoch == Some(task.epoch)
            && !void
        {
            ledger.written(task.offset, acknowledged, now);
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
        for (offset, serial) in offsets {
            if let Some(ledger) = self.owned.get_mut(&offset.partition)
                && ledger.serial == serial
                && outcome == CommitOutcome::Ok
            {
                ledger.committed = Some(offset.next.get());
            }
        }
        self.tell(Event::CommitFinished { commit, outcome });
    }

    /// Retention removes the next `beyond` offsets.
    fn expire(&mut self, which: usize, beyond: u64) {
        let Some(id) = self.fetching(which) else {
            return;
        };
        let position = self.ledger(id).position;
        let log = self.logs.get_mut(&id).expect("a log");
        if position < log.start {
            return;
        }
        log.start = position + beyond;
        log.end = log.end.max(log.start + 5);
        self.refuse(id, position);
    }

    /// A new leader has fewer records than were fetched.
    fn truncate(&mut self, which: usize, below: u64) {
        let Some(id) = self.fetching(which) else {
            return;
        };
        let position = self.ledger(id).position;
        let log = self.logs.get_mut(&id).expect("a log");
        let end = position.saturating_sub(below);
        if end < log.start || end == position {
            return;
        }
        log.end = end;
        self.refuse(id, position);
        // New records take the offsets of those that are gone.
        self.logs.get_mut(&id).expect("a log").end = end + 20;
    }

    fn refuse(&mut self, id: TopicPartition, refused: u64) {
        let log = self.log(id);
        let policy = self.config.out_of_range;
        let ledger = self.ledger(id);
        let (Some(epoch), None) = (ledger.epoch, ledger.draining) else {
            return;
        };
        let position = ledger.position;
        let target = match policy {
            OutOfRangePolicy::Earliest => log.start,
            OutOfRangePolicy::Latest => log.end,
            OutOfRangePolicy::Halt => position,
        };
        if !(log.start..=log.end).contains(&position) && !ledger.halted {
            if policy == OutOfRangePolicy::Halt {
                ledger.halted = true;
            } else if position < log.start {
                ledger.position = target;
            } else {
                let cut = ledger.cut(target);
                let cut = cut.into_iter().map(|offset| (id, Offset::new(offset)));
                self.to_cancel.extend(cut);
                for (task, void) in &mut self.writing {
                    *void |= task.partition == id && task.epoch == epoch;
                }
            }
        }
        self.tell(Event::OutOfRange {
            partition: id,
            epoch,
            position: NextOffset::new(refused),
            log_start: NextOffset::new(log.start),
            log_end: NextOffset::new(log.end),
        });
    }

    /// Fires every timer on the way.
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

    fn tell(&mut self, event: Event<u64>) {
        self.consumer.handle_event(self.now, event);
        self.obey();
    }

    fn obey(&mut self) {
        while let Some(command) = self.consumer.poll_command() {
            assert!(!self.closed, "{command:?} after Close");
            self.do_one(command);
        }
        self.stop_waiting_for_writes();
        self.check();
    }

    /// A dead-letter write cannot be cancelled: past the deadline of a drain it is ignored.
    fn stop_waiting_for_writes(&mut self) {
        for (id, ledger) in &mut self.owned {
            if ledger.draining.is_none_or(|due| self.now < due) {
                continue;
            }
            for (task, void) in &mut self.writing {
                if task.partition == *id && Some(task.epoch) == ledger.epoch && !*void {
                    *void = true;
                    ledger.entry(task.offset).state = State::Dropped;
                }
            }
        }
    }

    fn do_one(&mut self, command: Command<u64>) {
        let (config, now) = (self.config, self.now);
        match command {
            Command::Dispatch {
                partition,
                epoch,
                attempt,
                record,
            } => {
                let ledger = self.ledger_of(partition, epoch);
                ledger.start(record.offset, attempt, &config, now);
                self.running.push(Task {
                    partition,
                    epoch,
                    offset: record.offset,
                    attempt,
                });
            }
            Command::Cancel {
                partition,
                epoch,
                offset,
            } => self.cancelled(partition, epoch, offset),
            Command::DeadLetter {
                partition,
                epoch,
                record,
                attempts,
                ..
            } => {
                let ledger = self.ledger_of(partition, epoch);
                ledger.write(record.offset, attempts, &config, now);
                let task = Task {
                    partition,
                    epoch,
                    offset: record.offset,
                    attempt: attempts,
                };
                self.writing.push((task, false));
            }
            Command::Commit { commit, offsets } => self.committed(commit, offsets),
            Command::Pause { partition } => self.ledger(partition).paused = true,
            Command::Resume { partition } => {
                let ledger = self.ledger(partition);
                assert!(ledger.has_room(&config), "resumed too early");
                ledger.paused = false;
            }
            Command::Seek {
                partition,
                epoch,
                position,
            } => {
                let ledger = self.ledger_of(partition, epoch);
                assert_eq!(position.get(), ledger.position);
            }
            Command::CompleteAssign { rebalance, starts } => self.assign_done(rebalance, starts),
            Command::CompleteRevoke { rebalance } => self.revoke_done(rebalance),
            Command::Close => self.close(),
        }
    }

    fn cancelled(&mut self, id: TopicPartition, epoch: AssignmentEpoch, offset: Offset) {
        let is_it = |t: &Task| (t.partition, t.epoch, t.offset) == (id, epoch, offset);
        let task = *self.running.iter().find(|t| is_it(t)).expect("it runs");
        self.running.retain(|t| *t != task);
        self.zombies.push(task);
        if self.to_cancel.remove(&(id, offset)) {
            return;
        }
        let (config, now) = (self.config, self.now);
        let ledger = self.ledger_of(id, epoch);
        let State::Running { since } = ledger.entry(offset).state else {
            panic!("{offset} does not run");
        };
        if config.handler_deadline.is_some_and(|d| now >= since + d) {
            ledger.ended(offset, Outcome::Retryable, &config, now);
        } else {
            let due = ledger.draining.expect("cancelled for no reason");
            assert!(now >= due, "cancelled before the deadline of the drain");
            ledger.entry(offset).state = State::Dropped;
        }
    }

    fn committed(&mut self, commit: CommitId, offsets: Vec<CommitOffset>) {
        assert!(self.commit.is_none(), "two commits in flight");
        assert!(commit > self.last_commit, "a commit that was sent before");
        assert!(!offsets.is_empty());
        assert!(offsets.is_sorted_by(|a, b| a.partition < b.partition));
        let mut carried = Vec::new();
        for offset in offsets {
            let ledger = self.ledger(offset.partition);
            assert_eq!(offset.next, ledger.next(), "a commit is the watermark");
            assert_ne!(Some(offset.next.get()), ledger.committed, "nothing new");
            assert!(offset.next.get() >= ledger.floor, "a commit that rewinds");
            assert_eq!(offset.founding_partitions, ledger.founding);
            ledger.floor = offset.next.get();
            ledger.last_commit = Some(commit);
            carried.push((offset, ledger.serial));
        }
        self.last_commit = commit;
        self.commit = Some((commit, carried));
    }

    fn assign_done(&mut self, rebalance: RebalanceId, starts: Vec<plimsoll_core::Start>) {
        let entries = self
            .assigns
            .remove(&rebalance)
            .expect("an assignment to answer");
        let closing = self.closing.is_some();
        let mut expected = Vec::new();
        for (id, serial) in entries {
            let Some(ledger) = self.owned.get(&id).filter(|l| l.serial == serial) else {
                continue;
            };
            let held = ledger.starts_at_end && ledger.committed.is_none();
            assert!(!held || ledger.draining.is_some(), "fetches too early");
            if ledger.draining.is_none() || closing {
                expected.push((id, NextOffset::new(ledger.position)));
            }
        }
        let starting = |id| starts.iter().any(|s| s.partition == id);
        if closing {
            expected.retain(|(id, _)| starting(*id));
        }
        let got: Vec<_> = starts.iter().map(|s| (s.partition, s.position)).collect();
        assert_eq!(got, expected);
        for start in starts {
            let ledger = self.ledger(start.partition);
            assert_eq!(ledger.epoch, None, "started twice");
            ledger.epoch = Some(start.epoch);
        }
    }

    fn revoke_done(&mut self, rebalance: RebalanceId) {
        let pending = self
            .revokes
            .remove(&rebalance)
            .expect("something to answer");
        self.given_up(&pending);
    }

    fn close(&mut self) {
        assert!(self.revokes.is_empty() && self.assigns.is_empty());
        let pending = self.closing.take().expect("asked to close");
        self.given_up(&pending);
        assert!(self.owned.is_empty(), "partitions that nobody gave up");
        self.closing = Some(pending);
        self.closed = true;
    }

    /// Checks that the partitions were left as they should be, and forgets them.
    fn given_up(&mut self, pending: &Pending) {
        // The end of a shutdown ends everything.
        let give_up_at = match &self.closing {
            Some(closing) => closing.give_up_at.min(pending.give_up_at),
            None => pending.give_up_at,
        };
        for &(id, serial) in &pending.partitions {
            let Some(ledger) = self.owned.get(&id).filter(|l| l.serial == serial) else {
                continue;
            };
            assert!(!self.running.iter().any(|t| t.partition == id), "a zombie");
            let in_flight = self.commit.as_ref().map(|(commit, _)| *commit);
            let watermark = Some(ledger.watermark());
            let tried = watermark == Some(ledger.floor)
                && ledger.last_commit.is_some()
                && ledger.last_commit != in_flight;
            assert!(
                ledger.committed == watermark || tried || self.now >= give_up_at,
                "given up without a commit: {ledger:?}"
            );
            self.forget(id, false);
        }
    }

    /// The partition is not owned any more; what runs must be cancelled if `cancels`.
    fn forget(&mut self, id: TopicPartition, cancels: bool) {
        if self.owned.remove(&id).is_some() && cancels {
            let running = self.running.iter().filter(|t| t.partition == id);
            self.to_cancel.extend(running.map(|t| (id, t.offset)));
        }
    }

    /// What must hold whenever the consumer has nothing more to say.
    fn check(&mut self) {
        let (config, now) = (self.config, self.now);
        assert!(
            self.to_cancel.is_empty(),
            "not cancelled: {:?}",
            self.to_cancel
        );
        assert!(self.running.len() <= config.max_in_flight);
        assert_eq!(self.consumer.in_flight(), self.running.len());
        let due = |at: Instant| now > at;
        assert!(
            !self.revokes.values().any(|r| due(r.give_up_at)),
            "revoke overdue"
        );
        assert!(self.closed || !self.closing.iter().any(|c| due(c.give_up_at)));
        for (id, ledger) in &self.owned {
            let overdue = |t: &&Task| t.partition == *id && ledger.draining.is_some_and(due);
            assert_eq!(self.running.iter().find(overdue), None, "not cancelled");
            if ledger.draining.is_some() {
                continue;
            }
            let buffered = self.consumer.partition(*id).expect("owned");
            let (records, bytes) = ledger.buffered();
            assert_eq!(buffered.buffered_records, records);
            assert_eq!(buffered.buffered_bytes, bytes);
            assert_eq!(buffered.watermark, ledger.next());
            assert_eq!(buffered.halted, ledger.halted);
            assert!(!ledger.records.iter().any(|r| r.state == State::Condemned));
            if !ledger.halted && !ledger.resumed_behind {
                assert!(ledger.paused || !ledger.is_full(&config), "unbounded");
                assert!(!ledger.paused || !ledger.has_room(&config), "left paused");
            }
        }
        for entries in self.assigns.values() {
            let waits = entries.iter().any(|(id, serial)| {
                self.owned.get(id).is_some_and(|l| {
                    l.serial == *serial
                        && l.starts_at_end
                        && l.committed.is_none()
                        && l.draining.is_none()
                })
            });
            assert!(waits, "an assignment waits for nothing");
        }
        self.check_nothing_idles();
    }

    /// With a free handler, nothing that may run waits.
    fn check_nothing_idles(&self) {
        if self.running.len() >= self.config.max_in_flight {
            return;
        }
        for ledger in self.owned.values().filter(|l| l.draining.is_none()) {
            let first = ledger.unfinished().next();
            let waits = first.is_some_and(|record| record.state == State::Waiting);
            assert!(!waits, "the first record waits with handlers free");
        }
    }

    /// One of the partitions that the driver may fetch.
    fn fetching(&self, which: usize) -> Option<TopicPartition> {
        let id = TopicPartition::new(0, (which % 3) as u32);
        let ledger = self.owned.get(&id)?;
        (ledger.epoch.is_some() && !self.closed).then_some(id)
    }

    fn log(&self, id: TopicPartition) -> Log {
        self.logs[&id]
    }

    fn ledger(&mut self, id: TopicPartition) -> &mut Ledger {
        let ledger = self.owned.get_mut(&id);
        ledger.unwrap_or_else(|| panic!("{id:?} is not owned"))
    }

    fn ledger_of(&mut self, id: TopicPartition, epoch: AssignmentEpoch) -> &mut Ledger {
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

/// Every fourth offset is missing, and now and then a stretch.
fn exists(offset: u64) -> bool {
    offset % 4 != 2 && offset / 10 % 5 != 2
}

fn last_record(log: Log) -> u64 {
    (log.start..log.end)
        .rev()
        .find(|o| exists(*o))
        .map_or(log.start, |o| o + 1)
}

fn records(offsets: std::ops::Range<u64>) -> Vec<Record<u64>> {
    let records = offsets.filter(|offset| exists(*offset)).map(|offset| {
        let mixed = offset.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
        Record {
            offset: Offset::new(offset),
            key: (mixed % 5 != 0).then_some(KeyHash(mixed % 5)),
            bytes: (mixed % 60) as u32,
            payload: offset,
        }
    });
    records.collect()
}
