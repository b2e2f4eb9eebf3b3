//! Attempts at messages, counted, and how each one ends: by the seed, its message, its number, and
//! what faults do to handlers. Backend `kafka` has the same.

use plimsoll_core::Outcome;
use plimsoll_oracle::{FaultId, MemberId, MessageId};
use plimsoll_scenarios::Plan;
use plimsoll_scenarios::scenario::{Fate, outage_hits};
use std::time::Duration;

/// The attempts at messages so far, and what faults do to the next ones.
#[derive(Debug, Default)]
pub struct Attempts {
    /// By message id.
    messages: Vec<Tried>,
    /// By member: what faults do to its handlers.
    spells: Vec<Spell>,
    outages: Vec<Outage>,
}

/// A message, as far as handlers have come with it.
#[derive(Clone, Copy, Debug, Default)]
struct Tried {
    /// The fate that its handler meets.
    fate: Fate,
    /// The number of attempts at it so far.
    attempts: u32,
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
struct Outage {
    fault: FaultId,
    outcome: Outcome,
    share: f64,
    /// Whether any attempt has failed by it.
    used: bool,
}

/// How an attempt ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// With this outcome.
    Outcome(Outcome),
    /// With an error, when the hang has ended.
    Hang,
    /// Never.
    Never,
}

impl Attempts {
    /// Counts none so far.
    pub fn new(plan: &Plan) -> Self {
        let ids = plan.messages.iter().map(|message| message.id.0 as usize);
        let mut messages = vec![Tried::default(); ids.max().map_or(0, |highest| highest + 1)];
        for message in &plan.messages {
            messages[message.id.0 as usize].fate = message.fate;
        }
        Self {
            messages,
            spells: vec![Spell::NONE; plan.starts.len()],
            outages: Vec::new(),
        }
    }

    /// Counts an attempt at a message; returns its number.
    pub fn count(&mut self, message: MessageId) -> u32 {
        let index = message.0 as usize;
        if index >= self.messages.len() {
            // A message after the healing: the plan does not list those.
            self.messages.resize(index + 1, Tried::default());
        }
        self.messages[index].attempts += 1;
        self.messages[index].attempts
    }

    /// Returns how an attempt ends that a handler of the member makes now, and the time that it
    /// takes.
    pub fn end(
        &mut self,
        plan: &Plan,
        member: MemberId,
        message: MessageId,
        attempt: u32,
    ) -> (End, Duration) {
        let fate = self.messages[message.0 as usize].fate;
        let spell = &mut self.spells[member.0 as usize];
        spell.slowed |= spell.slow > 1;
        let slow = spell.slow;
        let end = match fate.outcome(attempt) {
            None => End::Never,
            Some(_) if spell.hanging > 0 => {
                spell.hung = true;
                End::Hang
            }
            Some(Outcome::Ok) => {
                let outage = self.outage(plan.seed, message, attempt);
                End::Outcome(outage.unwrap_or(Outcome::Ok))
            }
            Some(outcome) => End::Outcome(outcome),
        };
        let takes = match fate {
            Fate::Undecodable => Duration::ZERO,
            _ => {
                let handler = &plan.settings.handler;
                handler.duration(plan.seed, message, attempt) * slow
            }
        };
        (end, takes)
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

    /// Ends a hang. Returns whether it was the member's last: then those that hung come back.
    pub fn unhang(&mut self, member: MemberId) -> bool {
        let spell = &mut self.spells[member.0 as usize];
        spell.hanging = spell.hanging.saturating_sub(1);
        spell.hung &= spell.hanging > 0;
        spell.hanging == 0
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
