//! Serves a simulated Kafka cluster over TCP: any client that speaks Kafka's protocol works with
//! it. Its faults are called from Rust, or over HTTP ([`http`]).
//!
//! ```
//! use plimsoll_oracle::BrokerId;
//! use plimsoll_serve::{Options, serve};
//!
//! let cluster = serve(Options::default()).expect("there are free ports");
//! println!("bootstrap.servers={}", cluster.bootstrap());
//! cluster
//!     .call(|cluster, now| cluster.crash(now, BrokerId(1)))
//!     .expect("there is such a broker");
//! ```
//!
//! Nothing here knows a rule of Kafka: sockets give frames to [`ServedCluster`], which answers,
//! and the wall clock says what time it is there. All runs in one thread.

mod connection;
mod control;
mod driver;
mod error;
mod frame;
pub mod http;
mod listener;
mod network;
mod options;
mod own;
mod play;
mod served;
mod trace;
mod watch;
mod world;

pub use error::ServeError;
pub use network::{Clients, NetworkFault};
pub use options::Options;
pub use plimsoll_sim::served::ServedCluster;
pub use served::{Served, serve};
pub use trace::{Entry, Event};
