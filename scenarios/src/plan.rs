//! A plan: a scenario with every random choice made.

use crate::scenario::{Fault, Message, Scenario, Settings};
use plimsoll_core::Instant;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Unique among the messages of a plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(pub u32);

/// A member of the group, counted from 0: one process, through all its restarts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemberId(pub u32);

/// Unique among the faults of a plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FaultId(pub u32);

/// `consumer-1` for member 0, as reports and scenario files write it.
impl fmt::Display for MemberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "consumer-{}", self.0 + 1)
    }
}

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
    pub fn draw(_scenario: &Scenario, _seed: u64) -> Self {
        unimplemented!("drawing a plan")
    }

    /// The plan as a scenario with nothing left to draw: drawing it with its own seed gives an
    /// equal plan.
    pub fn to_scenario(&self) -> Scenario {
        unimplemented!("plan to scenario")
    }

    /// The latest moment at which the run may end.
    pub fn deadline(&self) -> Instant {
        self.heal_at + self.settings.expect.liveness_within + Duration::from_secs(1)
    }
}
