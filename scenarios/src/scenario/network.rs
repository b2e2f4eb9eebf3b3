//! `[network]`: how the network behaves when nothing is wrong.
//!
//! ```toml
//! [network]
//! latency = "200us..2ms"
//! slow = { share = 0.01, time = "50ms..200ms" }
//! ```

use super::distribution::{Distribution, Slower, Usual};
use super::errors::{Problem, place};
use super::table::{Keys, Rules, table};
use super::write::Section;
use std::time::Duration;

table! {
    /// The network between clients and brokers, and among brokers.
    pub struct Network {
        /// The time of one message, one way. Messages of one connection and direction keep their
        /// order.
        pub latency: Distribution as Usual
            = Distribution::even(Duration::from_micros(200), Duration::from_millis(2)),
            /// A share of messages that take longer.
            slow as Slower;
    }
}

impl Rules for Network {}

impl Network {
    pub(super) fn check(&self, problems: &mut Vec<Problem>) {
        self.check_values(&place!["network"], problems);
    }

    pub(super) fn write_table(&self, file: &mut String) {
        let mut section = Section::new("[network]");
        self.write(&mut section);
        section.finish(file, false);
    }
}
