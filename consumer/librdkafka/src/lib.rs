//! What Plimsoll's consumer calls in librdkafka itself, because the crate `rdkafka` does not offer
//! it: messages in batches, with the errors between them in librdkafka's own words,
//! headers whose names are any bytes, leader epochs, and whether the group has let the member go.
//!
//! All `unsafe` code of the workspace stands here; each block says why it is sound.

mod epochs;
mod membership;
mod message;
mod position;
mod queue;

pub use epochs::{leader_epochs, set_leader_epochs};
pub use membership::is_dismissed;
pub use message::{Header, Message};
pub use position::{high_watermark, read_positions};
pub use queue::{PartitionError, PartitionQueue};
