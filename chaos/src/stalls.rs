//! Whether the machine kept a run from its time. The world notes here what passes and no fault
//! explains (`world/unexplained`). Members whose machine stalls miss heartbeats and
//! deadlines without a fault of theirs or of the plan: what such a run shows proves nothing.

use crate::admin::Admin;
use crate::lock::lock;
use crate::names::Names;
use std::borrow::Cow;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;

/// The time between two looks.
const TICK: Duration = Duration::from_millis(100);

/// The delay from which on it disturbs a run. Consumers are told heartbeats of 1 s at the least.
const LONG: Duration = Duration::from_secs(1);

/// The longest delay of a run so far that no fault explains.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stalls(Arc<Mutex<Option<Stall>>>);

#[derive(Clone, Debug)]
struct Stall {
    took: Duration,
    what: Cow<'static, str>,
}

impl Stalls {
    /// Returns the longest delay as a sentence, if one was long enough to disturb the run.
    pub(crate) fn told(&self) -> Option<String> {
        let longest = lock(&self.0).clone()?;
        let seconds = longest.took.as_secs_f64();
        Some(format!("{} {seconds:.1}s", longest.what))
    }

    /// Notes a delay; `what` completes a sentence that ends with its length.
    pub(crate) fn note(&self, took: Duration, what: impl Into<Cow<'static, str>>) {
        let mut longest = lock(&self.0);
        let is_longest = longest.as_ref().is_none_or(|stall| stall.took < took);
        if took >= LONG && is_longest {
            let what = what.into();
            *longest = Some(Stall { took, what });
        }
    }

    /// Looks again and again whether this program's own timers are late, until the run ends.
    pub(crate) async fn watch_timers(self) {
        loop {
            let due = Instant::now() + TICK;
            tokio::time::sleep_until(due).await;
            self.note(due.elapsed(), "a timer of the harness was late by");
        }
    }

    /// Asks the brokers again and again, until the run ends, and notes how long they take. For
    /// plans that leave the brokers alone.
    pub(crate) async fn watch_brokers(self, admin: Admin, names: Arc<Names>) {
        loop {
            // Each question is a connection, and each run asks.
            tokio::time::sleep(TICK * 2).await;
            let asked = Instant::now();
            match admin.coordinator(&names.group).await {
                Ok(_) => self.note(asked.elapsed(), "the brokers took for an answer"),
                Err(why) => self.note(asked.elapsed(), format!("{why}; this took")),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_machine_that_stands_still_is_noticed() {
        let stalls = Stalls::default();
        let watch = tokio::spawn(stalls.clone().watch_timers());
        tokio::time::sleep(TICK * 3).await;
        assert_eq!(stalls.told(), None);
        // This test has one thread: nothing else goes on meanwhile.
        std::thread::sleep(LONG + TICK * 3);
        tokio::time::sleep(TICK * 2).await;
        let told = stalls.told().expect("it is noticed");
        assert!(
            told.starts_with("a timer of the harness was late by 1."),
            "{told}"
        );
        watch.abort();
    }

    #[test]
    fn the_longest_delay_is_told_and_a_short_one_is_none() {
        let stalls = Stalls::default();
        stalls.note(LONG / 2, "short");
        assert_eq!(stalls.told(), None);
        stalls.note(LONG * 3, "the longest took");
        stalls.note(LONG * 2, "long");
        assert_eq!(stalls.told().as_deref(), Some("the longest took 3.0s"));
    }
}
