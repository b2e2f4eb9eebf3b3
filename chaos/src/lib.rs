//! Backend `kafka`: the same plans as in the simulator, against real brokers and real processes,
//! judged by the same checkers.

#[cfg(not(unix))]
compile_error!("members are killed and stopped by signals, which only Unix has");

mod address;
mod admin;
mod backend;
mod backlog;
mod channel;
mod cluster;
mod contract;
mod course;
mod error;
mod faults;
mod leaders;
mod lock;
mod log;
mod members;
mod membership;
mod names;
mod options;
mod own;
mod per_member;
mod post;
mod processes;
mod proxy;
mod recorder;
mod refusal;
mod run;
mod sink;
mod stalls;
mod stdout;
mod subject;
mod tail;
mod testing;
mod workload;
mod world;

pub use backend::Kafka;
pub use backlog::Backlog;
pub use error::ChaosError;
pub use options::{ClusterSource, Options, SubjectCommand};
pub use own::member_main;
#[doc(hidden)]
pub use testing::kafka_for_tests;
