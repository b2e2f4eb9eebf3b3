//! The time of a run: that of the paused runtime, counted from the run's beginning.

use plimsoll_core::Instant;
use tokio::time;

/// The time of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    began: time::Instant,
}

impl Clock {
    /// Begins a run, within its runtime.
    pub(crate) fn start() -> Self {
        Self {
            began: time::Instant::now(),
        }
    }

    /// Returns the time.
    pub(crate) fn now(self) -> Instant {
        Instant::ZERO + self.began.elapsed()
    }

    /// Waits until a moment of the run; without one, for ever. tokio's timers fire at whole
    /// milliseconds, none too early (`TimeSource::deadline_to_tick`).
    pub(crate) async fn sleep_until(self, at: Option<Instant>) {
        match at.and_then(|at| self.began.checked_add(at.since_start())) {
            Some(at) => time::sleep_until(at).await,
            None => std::future::pending().await,
        }
    }
}
