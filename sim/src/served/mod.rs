//! Simulated brokers for clients from outside: the cluster without a plan, in the manner of
//! quinn-proto. It has no socket and no clock: frames and moments go in, frames come out, and the
//! same calls at the same moments give the same frames.
//!
//! ```
//! use bytes::Bytes;
//! use plimsoll_core::Instant;
//! use plimsoll_oracle::BrokerId;
//! use plimsoll_sim::served::{Options, Output, ServedCluster};
//!
//! let mut cluster = ServedCluster::new(Options::default());
//! let broker = BrokerId(1);
//! cluster.advertise(broker, "localhost".into(), 9092);
//! let now = Instant::from_millis(1);
//! let client = cluster.connect(now, broker, "localhost".into()).expect("it listens");
//! // ApiVersions v0, request 7, of a client without a name.
//! let request = [0, 18, 0, 0, 0, 0, 0, 7, 255, 255];
//! cluster.receive(now, client, Bytes::copy_from_slice(&request));
//! let answers = std::iter::from_fn(|| cluster.poll_output());
//! let answer = answers.filter_map(|output| match output {
//!     Output::Frame(_, frame) => Some(frame),
//!     _ => None,
//! });
//! assert_eq!(answer.last().expect("an answer")[..4], [0, 0, 0, 7]);
//! ```

mod cluster;
mod env;
mod faults;
mod host;
mod observed;
mod options;
mod planned;
mod report;
mod retention;
#[cfg(test)]
mod tests;
mod world;

pub use cluster::{ConnectionId, Output, ServedCluster};
pub use faults::{Failing, Faulty, Unknown};
pub use observed::{CommitSeen, Seen};
pub use options::Options;
pub use planned::{in_plan, kafka_id};
pub use report::{
    BrokerReport, BrokerState, GroupReport, OffsetReport, PartitionReport, Report, TopicReport,
};
