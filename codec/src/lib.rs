//! Kafka's protocol as bytes, as clients write and read it.
//!
//! [`encode`] makes the frame of a request of `plimsoll-protocol`, and what it leaves ([`Sent`])
//! reads the frame of the answer. Both go through the [`Names`] of topics, groups, members and
//! brokers, which are numbers in messages. What brokers carry and never read is bytes ([`Wire`]).
//! [`frames`] is for requests in Kafka's own words.
//!
//! The brokers' side, which reads what is written here and writes what is read here, is a part of
//! the simulator.

mod aborted;
#[cfg(feature = "records")]
pub mod batch;
mod call;
#[cfg(feature = "records")]
mod compression;
pub mod consumer_protocol;
#[cfg(feature = "records")]
pub mod contents;
mod dialect;
pub mod frames;
mod names;
mod record;

pub use aborted::Aborted;
pub use call::list_offsets::at_timestamp;
pub use call::offset_commit::{committed_offset, offset_of};
pub use call::offset_fetch::NOTHING_COMMITTED;
pub use call::places::CONSUMER;
pub use call::{BY_ID, Sent, Versions, encode, encode_in, key_of};
#[cfg(feature = "records")]
pub use compression::MOST_BYTES;
pub use dialect::{Client, Malformed, Metadata, RecordBatch, Supported, Wire};
pub use names::{ByTopic, Names, OFFSETS_TOPIC, Topic, topic_name};
pub use record::Head as RecordHead;
