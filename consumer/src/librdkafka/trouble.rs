//! What becomes of a partition whose records cannot be read.
//!
//! librdkafka tells an error, and goes on. After a batch under a wrong CRC that is wrong: it goes on
//! at some other place of the answer, and takes what stands there for a batch and its offset
//! (`rd_kafka_msgset_reader_v2` of 2.12.1 gives `rd_kafka_buf_skip_to`, which wants a place, a
//! length). So the first error ends the reading of a partition. It begins anew after a pause, with
//! the record that is next. Nothing is skipped, however long that takes: bytes that were flipped on
//! the way are read well the next time, and others once the partition has another leader.

use std::time::{Duration, Instant};

/// The bounds of the pause before reading begins anew: it doubles each time.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// The time without an error after which reading counts as well again, also where no record came.
const QUIET: Duration = Duration::from_secs(5);

/// The trouble that reading a partition has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Trouble {
    stage: Stage,
    pause: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Nothing is read until then.
    Stopped(Instant),
    /// Nothing is read until librdkafka was told where to begin.
    Due,
    /// It is read again since then.
    Begun(Instant),
}

impl Trouble {
    /// Returns the trouble after an error.
    pub(super) fn after(before: Option<Self>, now: Instant) -> Self {
        let pause = before.map_or(PAUSES.0, |before| PAUSES.1.min(before.pause * 2));
        Self {
            stage: Stage::Stopped(now + pause),
            pause,
        }
    }

    /// Returns the pause before reading begins anew.
    pub(super) const fn pause(self) -> Duration {
        self.pause
    }

    /// Returns whether nothing is read.
    pub(super) const fn stops(self) -> bool {
        !matches!(self.stage, Stage::Begun(_))
    }

    /// Returns whether it is time for reading to begin anew, once.
    pub(super) fn take_due(&mut self, now: Instant) -> bool {
        let is_due = matches!(self.stage, Stage::Stopped(until) if now >= until);
        if is_due {
            self.stage = Stage::Due;
        }
        is_due
    }

    /// Notes that reading has begun anew.
    pub(super) fn begin(&mut self, now: Instant) {
        self.stage = Stage::Begun(now);
    }

    /// Returns whether it was long enough without an error.
    pub(super) fn is_over(self, now: Instant) -> bool {
        matches!(self.stage, Stage::Begun(since) if now >= since + QUIET)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_stops_and_begins_anew_after_pauses_that_grow() {
        let mut now = Instant::now();
        let mut trouble = None;
        let mut pauses = Vec::new();
        for _ in 0..7 {
            let mut next = Trouble::after(trouble, now);
            assert!(next.stops() && !next.take_due(now));
            now += next.pause();
            assert!(next.take_due(now) && !next.take_due(now) && next.stops());
            next.begin(now);
            assert!(!next.stops() && !next.is_over(now));
            assert!(next.is_over(now + QUIET));
            pauses.push(next.pause().as_secs());
            trouble = Some(next);
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 30, 30]);
    }
}
