//! `[network]`: how the network behaves when nothing is wrong.
//!
//! ```toml
//! [network]
//! latency = "200us..2ms"
//! slow = { share = 0.01, time = "50ms..200ms" }
//! ```

use super::Distribution;
use super::errors::{Problem, place};
use super::handler::RawSlow;
use super::units::Span;
use super::value::{Table, Value};
use super::write::Section;
use schemars::JsonSchema;
use serde::Deserialize;
use std::time::Duration;

/// The network between clients and brokers, and among brokers.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// The time of one message, one way. Messages of one connection and direction keep their order.
    pub latency: Distribution,
}

impl Default for Network {
    fn default() -> Self {
        Self {
            latency: Distribution::even(Duration::from_micros(200), Duration::from_millis(2)),
        }
    }
}

/// How the network behaves when nothing is wrong.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Network")]
pub(super) struct RawNetwork {
    /// The time of one message, one way; default "200us..2ms".
    latency: Option<Value<Span<Duration>>>,
    /// A share of messages that take longer.
    slow: Option<Table<RawSlow>>,
}

impl RawNetwork {
    pub(super) fn resolve(self) -> Network {
        let default = Network::default().latency;
        Network {
            latency: default.overridden(self.latency, self.slow),
        }
    }
}

impl Network {
    pub(super) fn check(&self, problems: &mut Vec<Problem>) {
        self.latency.check(&place!["network"], "latency", problems);
    }

    pub(super) fn write(&self, file: &mut String) {
        let mut section = Section::new("[network]");
        self.latency
            .write("latency", &Self::default().latency, &mut section);
        section.finish(file, false);
    }
}
