//! A plan: a scenario with every random choice made.

mod absence;
mod faults;
mod liveness;
mod messages;
mod terms;
mod zipf;

pub use liveness::Probes;

use crate::scenario::{Fault, FaultSpec, Lasts, Message, Scenario, Settings, Trigger, Workload};
use plimsoll_core::Instant;
use std::sync::Arc;
use std::time::Duration;

/// A scenario with every random choice made: what a backend executes.
///
/// Messages and faults carry ids, and what is still drawn while the plan runs (latencies, handler
/// times) comes from substreams of the seed by those ids: deleting one entry leaves the others as
/// they were. The shrinker depends on that.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// From which every substream follows.
    pub seed: u64,
    /// What does not depend on the seed.
    pub settings: Arc<Settings>,
    /// What is produced, by time.
    pub messages: Vec<Message>,
    /// When each member starts; `None`: a fault starts it.
    pub starts: Vec<Option<Instant>>,
    /// What goes wrong.
    pub faults: Vec<Fault>,
    /// When everything is healed, and the liveness phase begins.
    pub heal_at: Instant,
}

impl Plan {
    /// Makes the random choices of a scenario.
    ///
    /// The plan's settings say nothing any more that its other parts say: shares of failures are
    /// resolved to the fates of messages, `undecodable` faults too, and `safety` is the moment of
    /// healing. That moment is the scenario's `duration`, or else one second after the last
    /// message is produced and the last timed fault is over.
    pub fn draw(scenario: &Scenario, seed: u64) -> Self {
        let mut settings = scenario.settings.clone();
        let faults = faults::draw(scenario, seed);
        let messages = messages::draw(scenario, seed);
        let heal_at = match settings.safety {
            Some(duration) => Instant::ZERO + duration,
            None => last_moment(&messages, &faults, &settings) + HEALING_DELAY,
        };
        let starts = settings.consumers.starts.iter();
        let starts = starts.map(|start| start.map(|at| Instant::ZERO + at));
        let starts = starts.collect();
        settings.safety = Some(heal_at.since_start());
        let handler = &mut settings.handler;
        for share in [
            &mut handler.retryable,
            &mut handler.permanent,
            &mut handler.panic,
            &mut handler.hang,
        ] {
            *share = 0.0;
        }
        handler.messages.clear();
        Self {
            seed,
            settings: Arc::new(settings),
            messages,
            starts,
            faults,
            heal_at,
        }
    }

    /// Returns the plan as a scenario with nothing left to draw: drawing it with its own seed gives
    /// an equal plan.
    pub fn to_scenario(&self) -> Scenario {
        let mut settings = Settings::clone(&self.settings);
        settings.safety = Some(self.heal_at.since_start());
        let starts = self.starts.iter();
        settings.consumers.starts = starts
            .map(|start| start.map(Instant::since_start))
            .collect();
        let faults = self.faults.iter().cloned();
        Scenario {
            settings,
            workload: Workload::Explicit(self.messages.clone()),
            faults: faults.map(FaultSpec::Explicit).collect(),
            seed: Some(self.seed),
        }
    }

    /// Returns when everything is healed where the scenario states no duration.
    pub(crate) fn implied_healing(&self) -> Instant {
        last_moment(&self.messages, &self.faults, &self.settings) + HEALING_DELAY
    }
}

/// From the last thing that a scenario does to the healing, where it states no duration.
const HEALING_DELAY: Duration = Duration::from_secs(1);

/// Returns when the last message is produced and the last timed fault is over.
fn last_moment(messages: &[Message], faults: &[Fault], settings: &Settings) -> Instant {
    let produced = messages.iter().map(|message| message.at).max();
    let over = faults.iter().filter_map(|fault| match fault.trigger {
        Trigger::At(at) => {
            let steps = match fault.kind.lasts() {
                Lasts::MemberByMember => settings.consumers.starts.len() as u32,
                Lasts::BrokerByBroker => settings.cluster.brokers,
                Lasts::AMoment | Lasts::AWhile | Lasts::Always => 1,
            };
            Some(at + fault.duration.unwrap_or_default() * steps)
        }
        Trigger::When { .. } => None,
    });
    produced.into_iter().chain(over).max().unwrap_or_default()
}
