//! Backend `kafka`: the same plans as in the simulator, against real brokers and real processes,
//! judged by the same checkers.

#[cfg(not(unix))]
compile_error!("members are killed and stopped by signals, which only Unix has");

mod address;
mod admin;
mod backend;
#[cfg(feature = "librdkafka")]
mod backlog;
mod channel;
mod cluster;
mod contract;
mod course;
mod descriptors;
mod error;
mod faults;
mod known;
mod leaders;
mod lock;
mod log;
mod logs;
mod members;
mod membership;
mod names;
mod options;
#[cfg(feature = "librdkafka")]
mod own;
mod per_member;
mod places;
#[cfg(feature = "librdkafka")]
mod post;
mod pressure;
mod processes;
mod producer;
mod proxy;
mod recorder;
mod refusal;
mod run;
mod sink;
mod stalls;
mod starvation;
mod stdout;
mod subject;
mod tail;
mod testing;
mod workload;
mod world;

pub use backend::Kafka;
#[cfg(feature = "librdkafka")]
pub use backlog::Backlog;
#[cfg(feature = "containers")]
pub use cluster::KeptCluster;
pub use cluster::{broker_settings, stated_settings};
pub use error::ChaosError;
pub use known::Declared;
pub use options::{ClusterSource, Options, Reach, SubjectCommand};
#[cfg(feature = "librdkafka")]
pub use own::member_main;
pub use places::Load;
pub use plimsoll_access::Access;
#[cfg(feature = "containers")]
#[doc(hidden)]
pub use testing::engine_for_tests;

/// The tests on real Kafka that know the inside of the crate, for `tests/kafka.rs`, whose harness
/// can leave them out.
#[cfg(feature = "kafka-tests")]
#[doc(hidden)]
pub mod kafka_tests {
    pub use crate::admin::kafka_tests as admin;
    pub use crate::cluster::kafka_tests as cluster;
    pub use crate::proxy::kafka_tests as proxy;
}
