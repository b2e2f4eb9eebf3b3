//! Handlers, and the downstream system that they write to: where effects are observed.
//!
//! A handler runs in its member's process and ends with one call to the sink, whose answer is its
//! outcome: a function of the seed, the message and the attempt, which the sink counts.

use plimsoll_core::{AssignmentEpoch, Instant, Offset, Outcome, TopicPartition};
use plimsoll_oracle::{FaultId, MemberId, MessageId, TraceEvent};
use plimsoll_scenarios::Plan;
use plimsoll_scenarios::scenario::{Fate, outage_hits};

/// Number of a running handler, never used twice in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct HandlerId(pub u32);

/// A call of a handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HandlerCall {
    pub member: MemberId,
    pub partition: TopicPartition,
    /// Epoch of the assignment under which the consumer dispatched the record.
    pub epoch: AssignmentEpoch,
    pub offset: Offset,
    /// Number of the attempt, as the consumer counts within one assignment.
    pub attempt: u32,
    pub message: MessageId,
    pub key: Option<u32>,
}

/// The sink, and the handlers in flight.
#[derive(Debug, Default)]
pub(crate) struct Sink {
    /// By message id: what its handler does, and the number of its attempts so far.
    messages: Vec<(Fate, u32)>,
    running: Vec<Running>,
    next: u32,
    /// By member: what faults do to its handlers.
    spells: Vec<Spell>,
    outages: Vec<Outage>,
}

/// What faults do to the handlers of a member that begin now.
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
    /// The handler's outcome; `None`: it never comes back.
    outcome: Option<Outcome>,
}

#[derive(Clone, Copy, Debug)]
struct Outage {
    fault: FaultId,
    outcome: Outcome,
    share: f64,
    /// Whether any attempt has failed by it.
    used: bool,
}

/// A handler that began.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Started {
    /// The trace's entry about its start.
    pub observation: TraceEvent,
    /// The time at which the handler comes back; `None`: never.
    pub done: Option<(Instant, HandlerId)>,
}

impl Sink {
    /// Creates a sink that has seen nothing.
    pub(crate) fn new(plan: &Plan) -> Self {
        let highest = plan
            .messages
            .iter()
            .map(|message| message.id.0 as usize + 1)
            .max();
        let mut messages = vec![(Fate::Ok, 0); highest.unwrap_or(0)];
        for message in &plan.messages {
            messages[message.id.0 as usize].0 = message.fate;
        }
        Self {
            messages,
            spells: vec![Spell::NONE; plan.starts.len()],
            ..Self::default()
        }
    }

    /// Starts a handler.
    pub(crate) fn start(&mut self, plan: &Plan, now: Instant, call: HandlerCall) -> Started {
        let message = call.message.0 as usize;
        if message >= self.messages.len() {
            // A message after the healing: the plan does not list those.
            self.messages.resize(message + 1, (Fate::Ok, 0));
        }
        let (fate, attempts) = &mut self.messages[message];
        *attempts += 1;
        let (fate, attempt) = (*fate, *attempts);
        let id = HandlerId(self.next);
        self.next += 1;
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
        self.running.push(Running {
            id,
            call,
            attempt,
            outcome,
        });
        let takes = match fate {
            Fate::Undecodable => std::time::Duration::ZERO,
            _ => {
                plan.settings
                    .handler
                    .duration(plan.seed, call.message, attempt)
                    * slow
            }
        };
        Started {
            observation: TraceEvent::HandlerStarted {
                member: call.member,
                partition: call.partition,
                offset: call.offset,
                message: call.message,
                attempt,
            },
            done: outcome.is_some().then_some((now + takes, id)),
        }
    }

    /// Finishes a handler, which reaches the sink: returns what the trace says, and what the
    /// consumer will learn. `None` where it was stopped before.
    pub(crate) fn finish(&mut self, id: HandlerId) -> Option<(TraceEvent, HandlerCall, Outcome)> {
        let index = self.running.iter().position(|running| running.id == id)?;
        let Running {
            call,
            attempt,
            outcome,
            ..
        } = self.running.swap_remove(index);
        let outcome = outcome?;
        let effect = TraceEvent::Effect {
            member: call.member,
            partition: call.partition,
            offset: call.offset,
            message: call.message,
            key: call.key,
            attempt,
            outcome,
        };
        Some((effect, call, outcome))
    }

    /// Returns the member that runs a handler.
    pub(crate) fn member_of(&self, id: HandlerId) -> Option<MemberId> {
        self.running
            .iter()
            .find(|running| running.id == id)
            .map(|running| running.call.member)
    }

    /// Stops a handler, if it runs; returns what the trace says of it, and its call.
    pub(crate) fn cancel(
        &mut self,
        member: MemberId,
        partition: TopicPartition,
        offset: Offset,
    ) -> Option<(TraceEvent, HandlerCall)> {
        let index = self.running.iter().position(|running| {
            let call = &running.call;
            call.member == member && call.partition == partition && call.offset == offset
        })?;
        let running = self.running.swap_remove(index);
        Some((stopped(&running), running.call))
    }

    /// Stops all handlers of a process that died.
    pub(crate) fn kill(&mut self, member: MemberId, mut observe: impl FnMut(TraceEvent)) {
        self.running.retain(|running| {
            let lives = running.call.member != member;
            if !lives {
                observe(stopped(running));
            }
            lives
        });
    }

    /// Returns whether no handler runs.
    pub(crate) fn is_idle(&self) -> bool {
        self.running.is_empty()
    }

    /// Returns the number of a partition's handlers that run in a member's process.
    pub(crate) fn in_flight(&self, member: MemberId, partition: TopicPartition) -> u32 {
        let running = self.running.iter();
        running
            .filter(|r| r.call.member == member && r.call.partition == partition)
            .count() as u32
    }

    /// Makes a member's handlers take `factor` times as long.
    pub(crate) fn slow(&mut self, member: MemberId, factor: u32) {
        self.spells[member.0 as usize].slow = factor;
    }

    /// Lets a member's handlers take their own time again. Returns whether any took longer.
    pub(crate) fn unslow(&mut self, member: MemberId) -> bool {
        let spell = &mut self.spells[member.0 as usize];
        spell.slow = 1;
        std::mem::take(&mut spell.slowed)
    }

    /// Makes a member's handlers hang, those that begin from now on.
    pub(crate) fn hang(&mut self, member: MemberId) {
        self.spells[member.0 as usize].hanging += 1;
    }

    /// Returns whether a handler of the member has begun under a hang that has not ended.
    pub(crate) fn has_hung(&self, member: MemberId) -> bool {
        self.spells[member.0 as usize].hung
    }

    /// Ends a hang: the handlers that hung come back now, with an error. Returns them.
    pub(crate) fn unhang(&mut self, member: MemberId) -> Vec<HandlerId> {
        let spell = &mut self.spells[member.0 as usize];
        spell.hanging = spell.hanging.saturating_sub(1);
        if spell.hanging > 0 {
            return Vec::new();
        }
        spell.hung = false;
        let hung = self
            .running
            .iter_mut()
            .filter(|r| r.call.member == member && r.outcome.is_none());
        hung.map(|running| {
            running.outcome = Some(Outcome::Retryable);
            running.id
        })
        .collect()
    }

    /// Makes a share of all attempts fail from now on.
    pub(crate) fn begin_outage(&mut self, fault: FaultId, outcome: Outcome, share: f64) {
        self.outages.push(Outage {
            fault,
            outcome,
            share,
            used: false,
        });
    }

    /// Ends an outage. Returns whether any attempt failed by it.
    pub(crate) fn end_outage(&mut self, fault: FaultId) -> bool {
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

fn stopped(running: &Running) -> TraceEvent {
    TraceEvent::HandlerStopped {
        member: running.call.member,
        partition: running.call.partition,
        offset: running.call.offset,
        attempt: running.attempt,
    }
}
