//! The application's turn: what it learns when it polls, and the commands that it gives.

use super::Process;
use crate::env::Env;
use crate::recipes::Payload;
use crate::sink::HandlerCall;
use plimsoll_core::{AssignmentEpoch, Command, Offset, Record, TopicPartition};

/// What the application learns.
impl Process {
    /// Gives the application what there is for it, and does what it says, until both are done.
    pub(super) fn run_application(&mut self, env: &mut Env<'_>) {
        let mut is_drained = false;
        while !self.has_ended() && !self.application.is_closed() {
            let delivered = self.deliver(env);
            if !delivered && is_drained {
                return;
            }
            let mut idle = !delivered;
            loop {
                if let Some(command) = self.application.poll_command() {
                    idle = false;
                    self.execute(env, command);
                    if self.application.is_closed() {
                        return;
                    }
                } else if let Some(step) = self.application.poll_step() {
                    idle = false;
                    env.take_step(self.id, step);
                } else {
                    break;
                }
            }
            if idle {
                return;
            }
            // There is no command any more before the next event.
            is_drained = true;
        }
    }

    /// Delivers one event, if there is one.
    fn deliver(&mut self, env: &mut Env<'_>) -> bool {
        let now = env.now();
        let is_free = self.application.is_free();
        if is_free && self.client.has_callback() {
            self.deliver_callback(env);
            return true;
        }
        if self.application.handle_news(now) {
            return true;
        }
        if is_free && let Some(records) = self.client.poll_records() {
            self.application.handle_event(now, records);
            return true;
        }
        false
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
        if matches!(command, Command::Close) {
            self.application.close();
        }
        let (client, mut world) = self.split(env);
        client.execute(&mut world, command);
        if is_answer {
            self.note_polling(env);
        }
    }
}
