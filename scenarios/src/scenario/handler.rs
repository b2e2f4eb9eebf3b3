//! `[handler]`: how long handlers take and how they fail.
//!
//! ```toml
//! [handler]
//! time = "5ms..50ms"
//! slow = { share = "1%", time = "1s..4s" }
//! retryable = "5%"
//!
//! [[handler.messages]]
//! message = 3
//! fails = "always"
//! ```

use super::distribution::{Distribution, Slower, Usual};
use super::errors::{Place, Problem, place};
use super::fate::{Fate, FatedMessage, FatedMessages};
use super::table::{Keys, Rules, table};
use super::units::Share;
use super::write::Section;
use crate::{Purpose, Rng};
use plimsoll_oracle::MessageId;
use std::time::Duration;

table! {
    /// The times and the failures of handlers.
    pub struct Handler {
        /// The time that one attempt takes.
        pub time: Distribution as Usual
            = Distribution::even(Duration::from_millis(1), Duration::from_millis(20)),
            /// A share of attempts that take longer.
            slow as Slower;
        /// The share of attempts that fail, and may succeed when tried again.
        pub retryable: f64 as Share = 0.0;
        /// The share of messages that fail at each attempt and say so.
        pub permanent: f64 as Share = 0.0;
        /// The share of attempts that panic.
        pub panic: f64 as Share = 0.0;
        /// The share of attempts that never come back.
        pub hang: f64 as Share = 0.0;
        /// Messages whose fate does not depend on the seed: the number of each, and its fate.
        pub messages: Vec<(u32, Fate)> as FatedMessages = Vec::new();
    }
}

impl Handler {
    /// Returns the time that attempt `attempt` (from 1) at message `message` takes under `seed`.
    pub fn duration(&self, seed: u64, message: MessageId, attempt: u32) -> Duration {
        let id = u64::from(message.0) << 32 | u64::from(attempt);
        self.time
            .sample(&mut Rng::substream(seed, Purpose::HandlerTime, id))
    }
}

impl Rules for Handler {}

impl Handler {
    pub(super) fn check(&self, problems: &mut Vec<Problem>) {
        self.check_values(&place!["handler"], problems);
        let at = |key: &str| place!["handler", key];
        let shares = [
            ("retryable", self.retryable),
            ("permanent", self.permanent),
            ("panic", self.panic),
            ("hang", self.hang),
        ];
        let sum: f64 = shares.iter().map(|(_, share)| share).sum();
        // Ten shares of 0.1 add up to a little more than 1.
        if sum > 1.0 + 1e-9 {
            let message = format!("the shares of failures add up to {sum}");
            let mut problem = Problem::new(at("retryable"), message)
                .expected("expected at most 1 together with the other shares");
            for (key, _) in &shares[1..] {
                problem = problem.or_at(at(key));
            }
            problems.push(problem);
        }
        for (index, (message, _)) in self.messages.iter().enumerate() {
            if self.messages[..index].iter().any(|(m, _)| m == message) {
                let place = place!["handler", "messages", index, "message"];
                let text = format!("message {message} has two fates");
                problems.push(Problem::new(place, text).expected("expected another message"));
            }
        }
    }

    pub(super) fn write_tables(&self, file: &mut String) {
        let mut section = Section::new("[handler]");
        self.write(&mut section);
        section.finish(file, false);
        for &(message, fate) in &self.messages {
            let mut section = Section::new("[[handler.messages]]");
            let fate = fate.into();
            FatedMessage { message, fate }.write(&mut section);
            section.finish(file, true);
        }
    }
}

/// Notes a share that is none.
pub(super) fn check_share(share: f64, place: Place, problems: &mut Vec<Problem>) {
    if !(0.0..=1.0).contains(&share) {
        problems
            .push(Problem::new(place, format!("{share} is no share")).expected("expected 0 to 1"));
    }
}
