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

use super::errors::{Place, Problem, place};
use super::fate::{Fate, RawFate};
use super::units::{self, Share, Span};
use super::value::{Table, Value};
use super::write::{self, Section};
use crate::{Purpose, Rng};
use schemars::JsonSchema;
use serde::Deserialize;
use std::time::Duration;

/// How handlers behave.
#[derive(Clone, Debug, PartialEq)]
pub struct Handler {
    /// How long one attempt takes.
    pub time: Distribution,
    /// The share of attempts that fail, and may succeed when tried again.
    pub retryable: f64,
    /// The share of messages that fail at each attempt and say so.
    pub permanent: f64,
    /// The share of attempts that panic.
    pub panic: f64,
    /// The share of attempts that never come back.
    pub hang: f64,
    /// Messages whose fate does not depend on the seed (`[[handler.messages]]`):
    /// the message's number, and its fate.
    pub messages: Vec<(u32, Fate)>,
}

/// A duration to draw: even between two bounds, with a slower share.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Distribution {
    /// The shortest.
    pub min: Duration,
    /// The longest of the usual ones.
    pub max: Duration,
    /// The share of slow ones, 0 to 1.
    pub slow_share: f64,
    /// The shortest of the slow ones.
    pub slow_min: Duration,
    /// The longest of the slow ones.
    pub slow_max: Duration,
}

impl Distribution {
    /// Even between two bounds, nothing slow.
    pub const fn even(min: Duration, max: Duration) -> Self {
        Self {
            min,
            max,
            slow_share: 0.0,
            slow_min: Duration::ZERO,
            slow_max: Duration::ZERO,
        }
    }

    /// Draws one.
    #[inline]
    pub fn sample(&self, rng: &mut Rng) -> Duration {
        if rng.chance(self.slow_share) {
            rng.between(self.slow_min, self.slow_max)
        } else {
            rng.between(self.min, self.max)
        }
    }
}

impl Handler {
    /// How long attempt `attempt` (from 1) at message `message` takes under `seed`.
    pub fn duration(
        &self,
        seed: u64,
        message: plimsoll_oracle::MessageId,
        attempt: u32,
    ) -> Duration {
        let id = u64::from(message.0) << 32 | u64::from(attempt);
        self.time
            .sample(&mut Rng::substream(seed, Purpose::HandlerTime, id))
    }
}

impl Default for Handler {
    fn default() -> Self {
        Self {
            time: Distribution::even(Duration::from_millis(1), Duration::from_millis(20)),
            retryable: 0.0,
            permanent: 0.0,
            panic: 0.0,
            hang: 0.0,
            messages: Vec::new(),
        }
    }
}

/// How long handlers take and how they fail.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Handler")]
pub(super) struct RawHandler {
    /// How long one attempt takes; default "1ms..20ms".
    time: Option<Value<Span<Duration>>>,
    /// A share of attempts that take longer.
    slow: Option<Table<RawSlow>>,
    /// The share of attempts that fail, and may succeed when tried again.
    retryable: Option<Value<Share>>,
    /// The share of messages that fail at each attempt and say so.
    permanent: Option<Value<Share>>,
    /// The share of attempts that panic.
    panic: Option<Value<Share>>,
    /// The share of attempts that never come back.
    hang: Option<Value<Share>>,
    /// Messages whose fate does not depend on the seed.
    messages: Option<Vec<Table<RawFatedMessage>>>,
}

/// A share that takes longer.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Slow")]
pub(super) struct RawSlow {
    /// How many.
    share: Value<Share>,
    /// How long they take.
    time: Value<Span<Duration>>,
}

/// A message whose fate does not depend on the seed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "FatedMessage")]
pub(super) struct RawFatedMessage {
    /// The message's number, from 1 in the order in which they are produced.
    message: u32,
    /// The first so many attempts fail; "always": all of them.
    fails: Option<Value<super::fate::Times>>,
    /// Every attempt fails, and says that it always will.
    permanent: Option<bool>,
    /// The first so many attempts panic; "always": all of them.
    panics: Option<Value<super::fate::Times>>,
    /// The first so many attempts never come back; "always": none of them.
    hangs: Option<Value<super::fate::Times>>,
    /// No handler can decode the record.
    undecodable: Option<bool>,
}

impl RawHandler {
    pub(super) fn resolve(self, problems: &mut Vec<Problem>) -> Handler {
        let share = |value: Option<Value<Share>>| value.map_or(0.0, |value| value.0.0);
        let messages = self.messages.unwrap_or_default().into_iter().enumerate();
        Handler {
            time: Handler::default().time.overridden(self.time, self.slow),
            retryable: share(self.retryable),
            permanent: share(self.permanent),
            panic: share(self.panic),
            hang: share(self.hang),
            messages: messages
                .map(|(index, Table(raw))| {
                    let at = place!["handler", "messages", index];
                    let fate = RawFate {
                        fails: raw.fails,
                        permanent: raw.permanent,
                        panics: raw.panics,
                        hangs: raw.hangs,
                        undecodable: raw.undecodable,
                    };
                    (raw.message, fate.resolve(&at, problems))
                })
                .collect(),
        }
    }
}

impl Handler {
    pub(super) fn check(&self, problems: &mut Vec<Problem>) {
        let at = |key: &str| place!["handler", key];
        self.time.check(&place!["handler"], "time", problems);
        let shares = [
            ("retryable", self.retryable),
            ("permanent", self.permanent),
            ("panic", self.panic),
            ("hang", self.hang),
        ];
        for (key, share) in shares {
            check_share(share, at(key), problems);
        }
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

    pub(super) fn write(&self, file: &mut String) {
        let mut section = Section::new("[handler]");
        let default = Self::default();
        self.time.write("time", &default.time, &mut section);
        for (key, share) in [
            ("retryable", self.retryable),
            ("permanent", self.permanent),
            ("panic", self.panic),
            ("hang", self.hang),
        ] {
            section.differing(key, (share, 0.0), write::plain);
        }
        section.finish(file, false);
        for (message, fate) in &self.messages {
            let mut section = Section::new("[[handler.messages]]");
            section.line("message", message);
            fate.write(&mut section);
            section.finish(file, true);
        }
    }
}

impl Distribution {
    /// This one, but for what a file says.
    pub(super) fn overridden(
        mut self,
        usual: Option<Value<Span<Duration>>>,
        slow: Option<Table<RawSlow>>,
    ) -> Self {
        if let Some(Value(Span { min, max })) = usual {
            (self.min, self.max) = (min, max);
        }
        if let Some(Table(RawSlow { share, time })) = slow {
            self.slow_share = share.0.0;
            (self.slow_min, self.slow_max) = (time.0.min, time.0.max);
        }
        self
    }

    pub(super) fn check(&self, table: &Place, key: &str, problems: &mut Vec<Problem>) {
        let at = |steps: &[&str]| {
            let steps = steps.iter().map(ToString::to_string);
            table.iter().cloned().chain(steps).collect::<Place>()
        };
        check_share(self.slow_share, at(&["slow", "share"]), problems);
        let ranges = [
            (self.min, self.max, at(&[key])),
            (self.slow_min, self.slow_max, at(&["slow", "time"])),
        ];
        for (min, max, place) in ranges {
            if min > max {
                problems.push(
                    Problem::new(place, "the range ends before it begins")
                        .expected("expected the shorter time first"),
                );
            }
        }
    }

    /// The lines `key` and `slow`.
    pub(super) fn write(&self, key: &str, default: &Self, section: &mut Section) {
        if (self.min, self.max) != (default.min, default.max) {
            section.text(key, &units::durations(self.min, self.max));
        }
        let slow = |d: &Self| (d.slow_share, d.slow_min, d.slow_max);
        if slow(self) != slow(default) {
            let time = units::durations(self.slow_min, self.slow_max);
            let share = self.slow_share;
            section.line("slow", format!("{{ share = {share}, time = \"{time}\" }}"));
        }
    }
}

pub(super) fn check_share(share: f64, place: Place, problems: &mut Vec<Problem>) {
    if !(0.0..=1.0).contains(&share) {
        problems
            .push(Problem::new(place, format!("{share} is no share")).expected("expected 0 to 1"));
    }
}
