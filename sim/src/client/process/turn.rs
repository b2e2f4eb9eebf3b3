//! The application's turn: what it learns when it polls, and the commands that it gives.

use super::Process;
use crate::env::Env;
use crate::recipes::Payload;
use crate::sink::HandlerCall;
use crate::topology::PartitionIndex;
use plimsoll_client::{Callback, DeadLetterCopy};
use plimsoll_core::{
    AssignmentEpoch, Command, Event, NextOffset, RebalanceId, Record, Start, TopicPartition,
};
use plimsoll_oracle::TraceEvent;
use plimsoll_scenarios::scenario::Moment;

/// What the application learns.
impl Process {
    /// Gives the application what there is for it, and does what it says, until both are done.
    pub(super) fn run_application(&mut self, env: &mut Env<'_>) {
        // Where a poll returns many records, the next one comes when they are handled.
        let mut is_drained = self.application.polls_batches();
        if is_drained && !self.ended && !self.application.is_closed() {
            self.obey(env);
        }
        while !self.ended && !self.application.is_closed() {
            let delivered = self.deliver(env);
            if !delivered && is_drained {
                return;
            }
            let idle = !self.obey(env) && !delivered;
            if idle {
                return;
            }
            // There is no command any more before the next event.
            is_drained = true;
        }
    }

    /// Does what the application says, until it says nothing more; returns whether it said
    /// anything.
    fn obey(&mut self, env: &mut Env<'_>) -> bool {
        let mut said = false;
        while !self.application.is_closed() {
            if let Some(command) = self.application.poll_command() {
                self.execute(env, command);
            } else if let Some(step) = self.application.poll_step() {
                env.take_step(self.id, step);
            } else {
                break;
            }
            said = true;
        }
        said
    }

    /// Delivers one event, if there is one.
    fn deliver(&mut self, env: &mut Env<'_>) -> bool {
        let now = env.now();
        let is_free = self.application.is_free();
        if is_free && self.application.polls_batches() {
            self.note_polling(env);
        }
        if self.group.handle_polling(now, &self.view, is_free) {
            self.carry_out(env);
        }
        if is_free && self.group.rebalance().has_callback() {
            self.deliver_callback(env);
            return true;
        }
        if self.application.handle_news(now) {
            return true;
        }
        is_free && !self.group.rebalance().is_under_way() && self.deliver_records(env)
    }

    /// Delivers what a poll returns; returns whether that is anything.
    fn deliver_records(&mut self, env: &mut Env<'_>) -> bool {
        let now = env.now();
        let size = self.application.poll_size();
        let (mut room, mut delivered) = (size.unwrap_or(usize::MAX), false);
        while room > 0
            && let Some((index, epoch, records)) = self.fetcher.poll_records(room)
        {
            room = size.map_or(0, |_| room - records.len());
            let event = Event::Fetched {
                partition: self.view.topology.partition(index),
                epoch,
                records,
            };
            self.application.handle_event(now, event);
            delivered = true;
        }
        if delivered && size.is_some() {
            // "before returning the fetched records, we can send off the next round of fetches"
            // (`ClassicKafkaConsumer.poll`).
            self.fetcher.fetch_all(now, &self.view);
            self.carry_out(env);
        }
        delivered
    }

    /// Tells the application of a rebalance, unless that has become moot.
    fn deliver_callback(&mut self, env: &mut Env<'_>) {
        let now = env.now();
        let Some((rebalance, mut callback)) = self.group.poll_callback(now, &self.view) else {
            return self.carry_out(env);
        };
        let told = &mut callback;
        if !self.passes(env, |seams, parts| seams.callback(parts, rebalance, told)) {
            return self.carry_out(env);
        }
        let event = match callback {
            Callback::Assigned(partitions) => Event::Assigned {
                rebalance,
                partitions,
            },
            Callback::Revoked(indices) => {
                self.stop_fetching(env, &indices);
                Event::Revoked {
                    rebalance,
                    partitions: self.names(&indices),
                }
            }
            Callback::Lost(indices) => {
                self.lose(env, &indices);
                Event::Lost {
                    rebalance,
                    partitions: self.names(&indices),
                }
            }
        };
        self.note_polling(env);
        self.application.handle_event(now, event);
    }

    /// Fetches partitions no more that the application is to give up.
    fn stop_fetching(&mut self, env: &mut Env<'_>, partitions: &[PartitionIndex]) {
        for index in partitions {
            let has_buffered = self.fetcher.has_buffered(*index);
            self.fetcher.unassign(*index);
            if self.fetcher.is_held(*index) {
                let moment = || has_buffered.then_some(Moment::RevokedBuffered);
                env.moments.note(self.id, moment);
                let partition = self.view.topology.partition(*index);
                env.observe(TraceEvent::Revoked {
                    member: self.id,
                    partition,
                    in_flight: env.sink.in_flight(self.id, partition),
                });
            }
        }
    }

    /// Fetches partitions no more that are gone.
    fn lose(&mut self, env: &mut Env<'_>, partitions: &[PartitionIndex]) {
        for index in partitions {
            self.fetcher.unassign(*index);
            if self.fetcher.release(*index) {
                env.observe(TraceEvent::Lost {
                    member: self.id,
                    partition: self.view.topology.partition(*index),
                });
            }
        }
    }

    /// Tells the application what became of a copy of a record.
    pub(super) fn end_dead_letter(
        &mut self,
        env: &mut Env<'_>,
        copy: DeadLetterCopy<Payload>,
        acknowledged: bool,
    ) {
        let DeadLetterCopy {
            partition,
            epoch,
            record: Record {
                offset, payload, ..
            },
        } = copy;
        if acknowledged {
            env.observe(TraceEvent::DeadLetterAcknowledged {
                member: self.id,
                partition,
                offset,
                message: payload.message,
                epoch: Some(epoch),
            });
        }
        self.application.tell(Event::DeadLettered {
            partition,
            epoch,
            offset,
            acknowledged,
        });
    }

    /// Notes that the application polled.
    #[inline]
    fn note_polling(&mut self, env: &Env<'_>) {
        let waits = self.group.rebalance().awaits_answer();
        self.application.note_polling(env.now(), waits);
    }

    fn names(&self, partitions: &[PartitionIndex]) -> Vec<TopicPartition> {
        let partitions = partitions.iter();
        partitions
            .map(|index| self.view.topology.partition(*index))
            .collect()
    }
}

/// What the application says.
impl Process {
    fn execute(&mut self, env: &mut Env<'_>, mut command: Command<Payload>) {
        if !self.passes(env, |seams, parts| seams.command(parts, &mut command)) {
            return;
        }
        match command {
            Command::Dispatch {
                partition,
                epoch,
                attempt,
                record,
            } => self.dispatch(env, (partition, epoch), attempt, &record),
            Command::Cancel {
                partition, offset, ..
            } => {
                self.application.cancel_handler();
                if let Some(call) = env.cancel_handler(self.id, partition, offset) {
                    self.late.handle_cancelled(env.now(), call);
                }
            }
            Command::DeadLetter {
                partition,
                epoch,
                record,
                ..
            } => {
                let copy = DeadLetterCopy {
                    partition,
                    epoch,
                    record,
                };
                self.dead_letters.write(&self.view, copy);
                self.carry_out(env);
            }
            Command::Commit { commit, offsets } => {
                let (now, stamp) = (env.now(), self.group.stamp());
                self.application.start_commit();
                self.commits
                    .commit(now, &self.view, stamp, commit, &offsets);
                self.carry_out(env);
            }
            Command::Pause { partition } => {
                if let Some(index) = self.view.topology.index(partition) {
                    self.fetcher.pause(index);
                }
            }
            Command::Resume { partition } => {
                if let Some(index) = self.view.topology.index(partition) {
                    self.fetcher.resume(env.now(), &self.view, index);
                    self.carry_out(env);
                }
            }
            Command::Seek {
                partition,
                epoch,
                position,
            } => self.seek(env, partition, epoch, position),
            Command::CompleteAssign { rebalance, starts } => {
                self.complete_assign(env, rebalance, starts);
                self.note_polling(env);
            }
            Command::CompleteRevoke { rebalance } => {
                self.complete_revoke(env, rebalance);
                self.note_polling(env);
            }
            Command::Close => self.close(env),
        }
    }

    #[inline]
    fn dispatch(
        &mut self,
        env: &mut Env<'_>,
        (partition, epoch): (TopicPartition, AssignmentEpoch),
        attempt: u32,
        record: &Record<Payload>,
    ) {
        let waits = self.group.rebalance().awaits_answer();
        self.application.start_handler(env.now(), waits);
        if let Some(index) = self.view.topology.index(partition) {
            self.fetcher.handle_dispatched(index, record.offset);
        }
        env.start_handler(HandlerCall {
            member: self.id,
            partition,
            epoch,
            offset: record.offset,
            attempt,
            message: record.payload.message,
            key: record.payload.key,
        });
    }

    /// Moves a partition to where the application says.
    fn seek(
        &mut self,
        env: &mut Env<'_>,
        partition: TopicPartition,
        epoch: AssignmentEpoch,
        to: NextOffset,
    ) {
        let Some(index) = self.view.topology.index(partition) else {
            return;
        };
        let of = (index, epoch);
        if let Some(from) = self.fetcher.seek(env.now(), &self.view, of, to) {
            env.observe(TraceEvent::PositionReset {
                member: self.id,
                partition,
                from,
                to,
            });
            self.carry_out(env);
        }
    }

    /// Fetches what was assigned from where the application begins.
    fn complete_assign(&mut self, env: &mut Env<'_>, rebalance: RebalanceId, starts: Vec<Start>) {
        if !self.group.handle_assign_answer(rebalance) {
            return;
        }
        for start in starts {
            let Some(index) = self.view.topology.index(start.partition) else {
                continue;
            };
            self.fetcher.assign(index, start.epoch, start.position);
            if !self.commits.is_settled() {
                self.fetcher.hold_back(index);
            }
            env.observe(TraceEvent::Assigned {
                member: self.id,
                partition: start.partition,
                epoch: start.epoch,
                position: start.position,
                generation: self.group.synced(),
            });
        }
        let now = env.now();
        self.fetcher.fetch_all(now, &self.view);
        self.carry_out(env);
        self.settle(now);
        self.carry_out(env);
    }

    /// Releases what the application gave up, or forgot because it was gone.
    fn complete_revoke(&mut self, env: &mut Env<'_>, rebalance: RebalanceId) {
        let given_up = self.group.handle_revoke_answer(rebalance);
        for index in given_up {
            if self.fetcher.release(index) {
                env.observe(TraceEvent::Released {
                    member: self.id,
                    partition: self.view.topology.partition(index),
                });
            }
        }
        self.settle(env.now());
        self.carry_out(env);
    }

    /// Leaves the group, once no commit is outstanding: the application is done.
    fn close(&mut self, env: &mut Env<'_>) {
        self.application.close();
        self.fetcher.unassign_all();
        self.start.forget();
        self.group.close(env.now());
        self.settle(env.now());
        self.carry_out(env);
    }
}
