//! What the driver does with commands, and whether they may be given.

use crate::ledger::{Pending, Stage, Task};
use crate::rare::Rare;
use crate::world::World;
use plimsoll_core::{
    AssignmentEpoch, Command, CommitId, CommitOffset, Instant, Machine, NextOffset, Offset,
    Outcome, RebalanceId, Start, TopicPartition,
};

impl World {
    pub(crate) fn obey(&mut self) {
        while let Some(command) = self.consumer.poll_command() {
            assert!(!self.closed, "{command:?} after Close");
            self.do_one(command);
        }
        self.stop_waiting_for_writes();
        self.check();
    }

    /// Ignores dead-letter writes past the deadline of a drain: they cannot be cancelled.
    fn stop_waiting_for_writes(&mut self) {
        for (id, ledger) in &mut self.owned {
            if ledger.draining.is_none_or(|due| self.now < due) {
                continue;
            }
            for (task, void) in &mut self.writing {
                if task.partition == *id && Some(task.epoch) == ledger.epoch && !*void {
                    *void = true;
                    ledger.entry(task.offset).stage = Stage::Dropped;
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
                self.saw(attempt == 3, Rare::RetriedTwice);
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
            Command::Pause { partition } => {
                let ledger = self.ledger(partition);
                let again = std::mem::take(&mut ledger.resumed_behind);
                ledger.paused = true;
                self.saw(again, Rare::PausedAgain);
                self.seen.insert(Rare::Paused);
            }
            Command::Resume { partition } => {
                let owned = self.owned.len();
                let ledger = self.ledger(partition);
                assert!(ledger.has_room(&config, owned), "resumed too early");
                ledger.paused = false;
                self.seen.insert(Rare::Resumed);
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
        let Stage::Running { since } = ledger.entry(offset).stage else {
            panic!("{offset} does not run");
        };
        if config.handler_deadline.is_some_and(|d| now >= since + d) {
            ledger.ended(offset, Outcome::Retryable, &config, now);
            self.seen.insert(Rare::CancelledByHandlerDeadline);
        } else {
            let due = ledger.draining.expect("cancelled for no reason");
            assert!(now >= due, "cancelled before the deadline of the drain");
            ledger.entry(offset).stage = Stage::Dropped;
            self.seen.insert(Rare::CancelledByDrain);
        }
    }

    fn committed(&mut self, commit: CommitId, offsets: Vec<CommitOffset>) {
        assert!(self.commit.is_none(), "two commits in flight");
        assert!(commit > self.last_commit, "a commit that was sent before");
        assert!(!offsets.is_empty());
        let drains = self.closing.is_some() || !self.revokes.is_empty();
        assert!(drains || self.now >= self.no_commit_before, "a tight loop");
        assert!(offsets.is_sorted_by(|a, b| a.partition < b.partition));
        let mut carried = Vec::new();
        for offset in offsets {
            let ledger = self.ledger(offset.partition);
            assert_eq!(offset.next, ledger.next(), "a commit is the watermark");
            let is_new = Some(offset.next.get()) != ledger.committed;
            assert!(is_new || ledger.doubted, "nothing new");
            assert!(offset.next.get() >= ledger.floor, "a commit that rewinds");
            assert_eq!(offset.founding_partitions, ledger.founding);
            if ledger.committed > Some(offset.next.get()) {
                // The log was cut: in doubt until this commit is answered.
                ledger.committed = None;
            }
            ledger.floor = offset.next.get();
            ledger.last_commit = Some(commit);
            carried.push((offset, ledger.serial));
        }
        self.last_commit = commit;
        self.commit = Some((commit, carried));
        self.commit_sent = self.now;
    }

    fn assign_done(&mut self, rebalance: RebalanceId, starts: Vec<Start>) {
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
        assert!(self.owned.is_empty(), "partitions that were not given up");
        self.closing = Some(pending);
        self.closed = true;
        self.seen.insert(Rare::Closed);
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
            let given_up = ledger.committed != watermark && !tried;
            self.saw(given_up, Rare::CommitGivenUp);
            self.forget(id, false);
        }
    }

    pub(crate) fn saw(&mut self, it: bool, rare: Rare) {
        if it {
            self.seen.insert(rare);
        }
    }

    /// Removes a partition that is not owned any more. If `cancels`, its handlers must be
    /// cancelled.
    pub(crate) fn forget(&mut self, id: TopicPartition, cancels: bool) {
        if self.owned.remove(&id).is_some() && cancels {
            let running = self.running.iter().filter(|t| t.partition == id);
            self.to_cancel.extend(running.map(|t| (id, t.offset)));
        }
    }

    /// Checks what must hold whenever the consumer has no more commands.
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
            assert!(!ledger.records.iter().any(|r| r.stage == Stage::Condemned));
            if !ledger.halted && !ledger.resumed_behind {
                assert!(
                    ledger.paused || !ledger.is_full(&config, self.owned.len()),
                    "unbounded"
                );
                assert!(
                    !ledger.paused || !ledger.has_room(&config, self.owned.len()),
                    "left paused"
                );
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

    /// Checks that no record that may run waits while a handler is free.
    fn check_nothing_idles(&self) {
        if self.running.len() >= self.config.max_in_flight {
            return;
        }
        for ledger in self.owned.values().filter(|l| l.draining.is_none()) {
            let first = ledger.unfinished().next();
            let waits = first.is_some_and(|record| record.stage == Stage::Waiting);
            assert!(!waits, "the first record waits with handlers free");
        }
    }
}
