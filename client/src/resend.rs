//! Requests whose bytes librdkafka sends again (`rd_kafka_buf_retry`): upon which failures, how
//! often, after which pauses, and until when.
//!
//! What is to be sent again lies in the queue of its broker's connection. The coordinator has a
//! connection of its own, which goes to another broker when that becomes the coordinator: so bytes
//! that were first sent to one broker may be sent again to the next.

use crate::Failure;
use plimsoll_core::Instant;
use plimsoll_protocol::ErrorName;
use std::time::Duration;

/// The number of times that librdkafka sends the same bytes again
/// (`RD_KAFKA_REQUEST_DEFAULT_RETRIES`).
const RESENDS: u32 = 2;

/// The longest pause before that (`retry.backoff.max.ms`).
const LONGEST_BACKOFF: Duration = Duration::from_secs(1);

/// Returns the pause before the same bytes are sent again that were sent again this often
/// (`rd_kafka_broker_buf_retry`, without its jitter).
pub(crate) fn pause_after(resends: u32, backoff: Duration) -> Duration {
    backoff
        .saturating_mul(1 << resends.min(10))
        .min(LONGEST_BACKOFF)
}

/// Returns the same pause, as long as librdkafka sends bytes again; `None`: it does not.
pub(crate) fn resend_pause(backoff: Duration, resends: u32) -> Option<Duration> {
    (resends < RESENDS).then(|| pause_after(resends, backoff))
}

/// Returns whether librdkafka sends the same bytes again upon a failure of which their handler
/// says nothing else (`rd_kafka_err_action`: `RD_KAFKA_ERR_ACTION_RETRY`).
pub(crate) const fn is_retriable(failure: Failure) -> bool {
    use ErrorName as E;
    matches!(
        failure,
        Failure::Lost
            | Failure::TimedOut
            | Failure::Refused(
                E::RequestTimedOut
                    | E::CoordinatorLoadInProgress
                    | E::NotEnoughReplicas
                    | E::NotEnoughReplicasAfterAppend
            )
    )
}

/// The time of a request, however often it is sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Resend {
    /// Its end (`rd_kafka_buf_set_abs_timeout`).
    until: Instant,
    /// Number of times that the bytes were sent again.
    resends: u32,
    /// Time at which they are sent next; [`Instant::FAR_FUTURE`]: their answer is awaited.
    due: Instant,
}

impl Resend {
    /// Creates the time of a request that is to be sent now.
    pub(crate) fn new(now: Instant, time: Duration) -> Self {
        Self {
            until: now + time,
            resends: 0,
            due: now,
        }
    }

    /// Returns whether it is to be sent now.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        self.due <= now
    }

    /// Returns whether its time has ended while it waited to be sent (`rd_kafka_buf_retry`:
    /// "Absolute timeout, check for expiry").
    pub(crate) fn is_over(&self, now: Instant) -> bool {
        self.due != Instant::FAR_FUTURE && self.until <= now
    }

    /// Notes that it is sent. Returns for how long its answer is awaited: for the rest of its time,
    /// or for the limit of any request (`rd_kafka_buf_calc_timeout`: "limited by
    /// socket.timeout.ms").
    pub(crate) fn send(&mut self, now: Instant, limit: Duration) -> Duration {
        self.due = Instant::FAR_FUTURE;
        self.until.saturating_since(now).min(limit)
    }

    /// Lets the same bytes be sent again after a pause; returns whether that may be.
    pub(crate) fn send_again(&mut self, now: Instant, backoff: Duration) -> bool {
        let pause = resend_pause(backoff, self.resends).filter(|_| self.until > now);
        if let Some(pause) = pause {
            self.resends += 1;
            self.due = now + pause;
        }
        pause.is_some()
    }

    /// Returns the time at which it is sent next, where it can be, or at which it waits no longer.
    pub(crate) fn poll_timeout(&self, can_send: bool) -> Instant {
        match self.due {
            Instant::FAR_FUTURE => Instant::FAR_FUTURE,
            due if can_send => due.min(self.until),
            _ => self.until,
        }
    }
}
