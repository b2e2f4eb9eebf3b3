//! How a consumer is, for probes of readiness and liveness.

use std::sync::{Arc, Mutex, PoisonError};

/// The state of a consumer, which may be asked for from anywhere while it runs. It is brought up to
/// date twice a second.
///
/// ```no_run
/// # async fn example(consumer: plimsoll::Consumer, handler: impl plimsoll::Handler) {
/// let health = consumer.health();
/// tokio::spawn(consumer.run(handler));
/// // In the handler of a probe:
/// let is_ready = health.report().is_ready();
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Health(Arc<Mutex<Report>>);

/// The state of a consumer at a moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// The part of its life.
    pub phase: Phase,
    /// The number of partitions that it owns. A group may have more members than partitions.
    pub partitions: usize,
    /// The partitions that stand still, by topic and number: their records cannot be read, or their
    /// position is out of range and the policy is to halt.
    pub standing_still: Vec<(String, u32)>,
    /// The topics that are not there, or may not be read.
    pub unavailable_topics: Vec<String>,
    /// Whether the group refuses the member for want of a right.
    pub group_unavailable: bool,
}

/// A part of a consumer's life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// Before it runs.
    #[default]
    New,
    /// While it consumes, or finishes what is in flight.
    Running,
    /// After its end, whatever that was.
    Ended,
}

impl Health {
    /// Returns the state.
    #[must_use]
    pub fn report(&self) -> Report {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn set(&self, report: Report) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = report;
    }
}

impl Report {
    /// Returns whether the consumer runs and can read all that it is to read.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.phase == Phase::Running
            && self.standing_still.is_empty()
            && self.unavailable_topics.is_empty()
            && !self.group_unavailable
    }
}

/// Tells the end of a run when it is dropped.
#[derive(Debug)]
pub(crate) struct Running(pub(crate) Health);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.set(Report {
            phase: Phase::Ended,
            ..Report::default()
        });
    }
}
