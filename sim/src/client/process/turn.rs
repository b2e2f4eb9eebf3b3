//! The application's turn: what it learns when it polls, and the commands that it gives.

use super::Process;
use crate::env::Env;
use crate::recipes::Payload;
use crate::sink::HandlerCall;
use plimsoll_core::{AssignmentEpoch, Command, Event, Offset, Record, TopicPartition};

/// What the application learns.
impl Process {
    /// Gives the application what there is for it, and does what it says, until both are done.
    pub(super) fn run_application(&mut self, env: &mut Env<'_>) {
        // Where a poll returns many records, the next one comes when they are handled.
        let mut is_drained = self.application.polls_batches();
        if is_drained && !self.has_ended() && !self.application.is_closed() {
            self.obey(env);
        }
        while !self.has_ended() && !self.application.is_closed() {
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
        while self.application.may_speak() {
            if let Some(command) = self.application.poll_command() {
                self.execute(env, command);
            } else if let Some(step) = self.application.poll_step() {
                env.take_step(self.id, step);
            } else {
                self.application.note_silence();
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
        if self.application.polls_batches() {
            if is_free {
                self.note_polling(env);
            }
            let (client, mut world) = self.split(env);
            client.handle_polling(&mut world, is_free);
        }
        if is_free && self.client.has_callback() {
            self.deliver_callback(env);
            return true;
        }
        if self.application.handle_news(now) {
            return true;
        }
        is_free && self.deliver_records(env)
    }

    /// Delivers what a poll returns; returns whether that is anything.
    #[inline]
    fn deliver_records(&mut self, env: &mut Env<'_>) -> bool {
        let now = env.now();
        let Some(size) = self.application.poll_size() else {
            let records = self.client.poll_records(usize::MAX);
            let delivered = records.is_some();
            if let Some(records) = records {
                self.application.handle_event(now, records);
            }
            return delivered;
        };
        if !self.client.fetcher().has_records() {
            return false;
        }
        let mut room = size;
        while room > 0
            && let Some(event) = self.client.poll_records(room)
        {
            if let Event::Fetched { records, .. } = &event {
                room -= records.len();
            }
            self.application.handle_event(now, event);
        }
        // "before returning the fetched records, we can send off the next round of fetches"
        // (`ClassicKafkaConsumer.poll`).
        let (client, mut world) = self.split(env);
        client.fetch_next(&mut world);
        room < size
    }

    /// Tells the application of a rebalance, unless that has become moot.
    fn deliver_callback(&mut self, env: &mut Env<'_>) {
        let (client, mut world) = self.split(env);
        if let Some(callback) = client.poll_callback(&mut world) {
            self.note_polling(env);
            self.application.handle_event(env.now(), callback);
        }
    }

    /// Notes that the application polled.
    #[inline]
    fn note_polling(&mut self, env: &Env<'_>) {
        let waits = self.client.awaits_answer();
        self.application.note_polling(env.now(), waits);
    }
}

/// What the application says.
impl Process {
    fn execute(&mut self, env: &mut Env<'_>, mut command: Command<Payload>) {
        let (client, world) = self.split(env);
        if !client.lets_pass(&world, &mut command) {
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
            } => self.cancel(env, partition, offset),
            command => self.execute_in_client(env, command),
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
        let waits = self.client.awaits_answer();
        self.application.start_handler(env.now(), waits);
        self.client.handle_dispatched(partition, record.offset);
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

    fn cancel(&mut self, env: &mut Env<'_>, partition: TopicPartition, offset: Offset) {
        self.application.cancel_handler();
        if let Some(call) = env.cancel_handler(self.id, partition, offset) {
            self.late.handle_cancelled(env.now(), call);
        }
    }

    /// Lets the client do what it is told. To answer a rebalance is to poll.
    fn execute_in_client(&mut self, env: &mut Env<'_>, command: Command<Payload>) {
        let is_answer = matches!(
            command,
            Command::CompleteAssign { .. } | Command::CompleteRevoke { .. }
        );
        match command {
            Command::Close => self.application.close(),
            Command::Commit { .. } => self.application.start_commit(),
            _ => {}
        }
        let (client, mut world) = self.split(env);
        client.execute(&mut world, command);
        if is_answer {
            self.note_polling(env);
        }
    }
}
