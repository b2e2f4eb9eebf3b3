//! Subject `plimsoll`: the core, which needs nothing around it.

use super::Payload;
use plimsoll_core::{Config, Consumer, Machine};

/// Builds a new process's consumer.
pub(super) fn build(config: &Config) -> Box<dyn Machine<Payload>> {
    Box::new(Consumer::new(*config))
}
