//! Handlers, and the downstream system that they write to: where effects are observed.
//!
//! A handler runs in its member's process and ends with one call to the sink, whose answer is its
//! outcome: a function of the seed, the message and the attempt, which the sink counts. One that is
//! the subject's `own` calls the sink and ends as it says. Backend `turmoil` has the same sink.

mod own;

use own::Own;
use plimsoll_core::{AssignmentEpoch, Instant, Offset, Outcome, TopicPartition};
use plimsoll_oracle::{FaultId, MemberId, MessageId, TraceEvent};
use plimsoll_scenarios::Plan;
use plimsoll_scenarios::scenario::{Fate, outage_hits};
use std::time::Duration;

/// Number of a running handler, never used twice in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HandlerId(pub u32);

/// A call of a handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HandlerCall {
    /// The member whose process runs it.
    pub member: MemberId,
    /// The record's partition.
    pub partition: TopicPartition,
    /// Epoch of the assignment under which the consumer dispatched the record.
    pub epoch: AssignmentEpoch,
    /// The record's offset.
    pub offset: Offset,
    /// Number of the attempt, as the consumer counts within one assignment.
    pub attempt: u32,
    /// The message that the record carries.
    pub message: MessageId,
    /// The message's key, if it has one.
    pub key: Option<u32>,
}

/// The sink, and the handlers in flight.
#[derive(Debug, Default)]
pub struct Sink {
    /// By message id.
    messages: Vec<Handled>,
    running: Vec<Running>,
    next: u32,
    /// By member: what faults do to its handlers.
    spells: Vec<Spell>,
    outages: Vec<Outage>,
}

/// The sink's knowledge of a message.
#[derive(Clone, Copy, Debug, Default)]
struct Handled {
    /// What its handler does.
    fate: Fate,
    /// The number of attempts at it so far.
    attempts: u32,
    /// Whether a handler that is the subject's own has finished it.
    is_done: bool,
}

/// The effect of faults on the handlers of a member that begin now.
#[derive(Clone, Copy, Debug)]
struct Spell {
    /// The factor by which they take longer.
    slow: u32,
    /// Whether a handler has begun that takes longer.
    slowed: bool,
    /// The number of hangs. Above zero, they do not come back.
    hanging: u32,
    /// Whether a handler has begun that does not come back.
    hung: bool,
}

#[derive(Clone, Copy, Debug)]
struct Running {
    id: HandlerId,
    call: HandlerCall,
    /// Number of the attempt, as the sink counts over the whole run.
    attempt: u32,
    /// The answer of the sink, which is the simulator's handler's outcome; `None`: it never comes.
    outcome: Option<Outcome>,
    /// How far it has come, where it is the subject's own.
    own: Option<Own>,
}

#[derive(Clone, Copy, Debug)]
struct Outage {
    fault: FaultId,
    outcome: Outcome,
    share: f64,
    /// Whether any attempt has failed by it.
    used: bool,
}

/// The answer of the sink to a handler.
#[derive(Clone, Copy, Debug)]
pub struct Answer {
    /// The trace's entry about it, if there is one.
    pub observation: Option<TraceEvent>,
    /// The handler that gets it.
    pub call: HandlerCall,
    /// What it says.
    pub outcome: Outcome,
}

/// A handler that began.
#[derive(Clone, Copy, Debug)]
pub struct Started {
    /// The trace's entry about its start.
    pub observation: TraceEvent,
    /// Its number.
    pub handler: HandlerId,
    /// The time at which the handler comes back; `None`: not by itself.
    pub done: Option<(Instant, HandlerId)>,
}

impl Sink {
    /// Creates a sink that has seen nothing.
    pub fn new(plan: &Plan) -> Self {
        let highest = plan
            .messages
            .iter()
            .map(|message| message.id.0 as usize + 1)
            .max();
        let mut messages = vec![Handled::default(); highest.unwrap_or(0)];
        for message in &plan.messages {
            messages[message.id.0 as usize].fate = message.fate;
        }
        Self {
            messages,
            spells: vec![Spell::NONE; plan.starts.len()],
            ..Self::default()
        }
    }

    /// Starts a handler.
    pub fn start(&mut self, plan: &Plan, now: Instant, call: HandlerCall) -> Started {
        let (fate, attempt) = self.count(call.message);
        let (outcome, takes) = self.draw(plan, &call, fate, attempt);
        let id = HandlerId(self.next);
        Started {
            observation: self.run(call, attempt, outcome, None),
            handler: id,
            done: outcome.is_some().then_some((now + takes, id)),
        }
    }

    /// Counts an attempt at a message; returns what its handler does, and the attempt's number.
    fn count(&mut self, message: MessageId) -> (Fate, u32) {
        let index = message.0 as usize;
        if index >= self.messages.len() {
            // A message after the healing: the plan does not list those.
            self.messages.resize(index + 1, Handled::default());
        }
        let handled = &mut self.messages[index];
        handled.attempts += 1;
        (handled.fate, handled.attempts)
    }

    /// Draws the answer to an attempt (`None`: it never comes), and the time that it takes.
    fn draw(
        &mut self,
        plan: &Plan,
        call: &HandlerCall,
        fate: Fate,
        attempt: u32,
    ) -> (Option<Outcome>, Duration) {
        let mut outcome = fate.outcome(attempt);
        let spell = &mut self.spells[call.member.0 as usize];
        spell.slowed |= spell.slow > 1;
        let slow = spell.slow;
        if spell.hanging > 0 {
            spell.hung = true;
            outcome = None;
        }
        if outcome == Some(Outcome::Ok) {
            outcome = Some(
                self.outage(plan.seed, call.message, attempt)
                    .unwrap_or(Outcome::Ok),
            );
        }
        let takes = match fate {
            Fate::Undecodable => Duration::ZERO,
            _ => {
                let handler = &plan.settings.handler;
                handler.duration(plan.seed, call.message, attempt) * slow
            }
        };
        (outcome, takes)
    }

    /// Adds a handler to those that run; returns the trace's entry about its start.
    fn run(
        &mut self,
        call: HandlerCall,
        attempt: u32,
        outcome: Option<Outcome>,
        own: Option<Own>,
    ) -> TraceEvent {
        self.running.push(Running {
            id: HandlerId(self.next),
            call,
            attempt,
            outcome,
            own,
        });
        self.next += 1;
        TraceEvent::HandlerStarted {
            member: call.member,
            partition: call.partition,
            offset: call.offset,
            message: call.message,
            attempt,
        }
    }

    /// Gives a handler the answer of the sink, which is the end of the simulator's handlers. `None`
    /// where it was stopped before.
    pub fn finish(&mut self, id: HandlerId) -> Option<Answer> {
        let index = self.running.iter().position(|running| running.id == id)?;
        let running = self.running[index];
        let outcome = running.outcome?;
        let observation = match running.own {
            Some(_) => self.answer(index, outcome),
            None => Some(self.running.swap_remove(index).effect(outcome)),
        };
        Some(Answer {
            observation,
            call: running.call,
            outcome,
        })
    }

    /// Returns the member that runs a handler.
    pub fn member_of(&self, id: HandlerId) -> Option<MemberId> {
        self.running
            .iter()
            .find(|running| running.id == id)
            .map(|running| running.call.member)
    }

    /// Stops a handler, if it runs; returns what the trace says of it, and its call.
    pub fn cancel(
        &mut self,
        member: MemberId,
        partition: TopicPartition,
        offset: Offset,
    ) -> Option<(Option<TraceEvent>, HandlerCall)> {
        let index = self.running.iter().position(|running| {
            let call = &running.call;
            let is_meant =
                call.member == member && call.partition == partition && call.offset == offset;
            is_meant && !running.has_returned()
        })?;
        let running = self.running[index];
        match running.own {
            Some(_) => self.leave_behind(index),
            None => drop(self.running.swap_remove(index)),
        }
        Some((running.stopped(), running.call))
    }

    /// Stops all handlers of a process that died.
    pub fn kill(&mut self, member: MemberId, mut observe: impl FnMut(TraceEvent)) {
        self.running.retain(|running| {
            let lives = running.call.member != member;
            if !lives {
                running.stopped().into_iter().for_each(&mut observe);
            }
            lives
        });
    }

    /// Returns whether no handler runs, nor work that one left behind is at the sink.
    pub fn is_idle(&self) -> bool {
        let mut running = self.running.iter();
        running.all(|r| r.has_returned() && r.own.is_none_or(|own| !own.calls))
    }

    /// Returns the number of a partition's handlers that run in a member's process.
    pub fn in_flight(&self, member: MemberId, partition: TopicPartition) -> u32 {
        let running = self.running.iter();
        running
            .filter(|r| r.call.member == member && r.call.partition == partition)
            .filter(|r| !r.has_returned())
            .count() as u32
    }

    /// Makes a member's handlers take `factor` times as long.
    pub fn slow(&mut self, member: MemberId, factor: u32) {
        self.spells[member.0 as usize].slow = factor;
    }

    /// Lets a member's handlers take their own time again. Returns whether any took longer.
    pub fn unslow(&mut self, member: MemberId) -> bool {
        let spell = &mut self.spells[member.0 as usize];
        spell.slow = 1;
        std::mem::take(&mut spell.slowed)
    }

    /// Makes a member's handlers hang, those that begin from now on.
    pub fn hang(&mut self, member: MemberId) {
        self.spells[member.0 as usize].hanging += 1;
    }

    /// Returns whether a handler of the member has begun under a hang that has not ended.
    pub fn has_hung(&self, member: MemberId) -> bool {
        self.spells[member.0 as usize].hung
    }

    /// Ends a hang: the handlers that hung come back now, with an error. Returns them.
    pub fn unhang(&mut self, member: MemberId) -> Vec<HandlerId> {
        let spell = &mut self.spells[member.0 as usize];
        spell.hanging = spell.hanging.saturating_sub(1);
        if spell.hanging > 0 {
            return Vec::new();
        }
        spell.hung = false;
        let hung = self
            .running
            .iter_mut()
            .filter(|r| r.call.member == member && r.outcome.is_none())
            .filter(|r| r.own.is_none_or(|own| own.calls));
        hung.map(|running| {
            running.outcome = Some(Outcome::Retryable);
            running.id
        })
        .collect()
    }

    /// Makes a share of all attempts fail from now on.
    pub fn begin_outage(&mut self, fault: FaultId, outcome: Outcome, share: f64) {
        self.outages.push(Outage {
            fault,
            outcome,
            share,
            used: false,
        });
    }

    /// Ends an outage. Returns whether any attempt failed by it.
    pub fn end_outage(&mut self, fault: FaultId) -> bool {
        let mut outages = self.outages.iter();
        let index = outages.position(|outage| outage.fault == fault);
        // The rest keep their order: the first that hits says how an attempt fails.
        index.is_some_and(|index| self.outages.remove(index).used)
    }

    fn outage(&mut self, seed: u64, message: MessageId, attempt: u32) -> Option<Outcome> {
        let mut outages = self.outages.iter_mut();
        let outage = outages
            .find(|outage| outage_hits(seed, outage.fault, message, attempt, outage.share))?;
        outage.used = true;
        Some(outage.outcome)
    }
}

impl Spell {
    const NONE: Self = Self {
        slow: 1,
        slowed: false,
        hanging: 0,
        hung: false,
    };
}

impl Running {
    /// Returns whether it ended, and may only have left work behind.
    fn has_returned(&self) -> bool {
        self.own.is_some_and(|own| own.has_returned)
    }

    fn effect(&self, outcome: Outcome) -> TraceEvent {
        TraceEvent::Effect {
            member: self.call.member,
            partition: self.call.partition,
            offset: self.call.offset,
            message: self.call.message,
            key: self.call.key,
            attempt: self.attempt,
            outcome,
        }
    }

    /// Returns what the trace says of a handler that is stopped: nothing where it has told how it
    /// ended.
    fn stopped(&self) -> Option<TraceEvent> {
        let is_told = self.own.is_some_and(|own| own.has_effect || own.is_stopped);
        (!is_told).then_some(TraceEvent::HandlerStopped {
            member: self.call.member,
            partition: self.call.partition,
            offset: self.call.offset,
            attempt: self.attempt,
        })
    }
}
