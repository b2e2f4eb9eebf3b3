//! Serves a simulated Kafka cluster over TCP: any client that speaks Kafka's protocol works with
//! it. Its faults are called from Rust, or over HTTP ([`http`]), or a scenario plays
//! ([`Options::of`]).
//!
//! ```
//! use plimsoll_serve::{BrokerId, Clients, Direction, ErrorName, Faulty, RequestKind};
//! use plimsoll_serve::{Options, serve};
//!
//! let cluster = serve(Options::default()).expect("there are free ports");
//! println!("bootstrap.servers={}", cluster.bootstrap());
//!
//! // The next commit fails, of any group and member.
//! let commits = Faulty {
//!     request: RequestKind::OffsetCommit,
//!     broker: None,
//!     group: Some("billing".into()),
//!     client_id: None,
//!     count: 1,
//! };
//! cluster.call(|cluster, _| cluster.fail(commits, ErrorName::NotCoordinator));
//!
//! // A client gets no answers for a while; what it asks is done.
//! let client = Clients {
//!     client_id: Some("consumer-1".into()),
//!     broker: None,
//! };
//! let held = cluster.hold(client, Direction::Responses);
//! cluster.end(held);
//!
//! cluster
//!     .call(|cluster, now| cluster.crash(now, BrokerId(1)))
//!     .expect("there is such a broker");
//! cluster.heal();
//! for entry in cluster.trace(0) {
//!     println!("{} {}", entry.at, entry.event);
//! }
//! // The cluster ends with its handle.
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
pub mod inside;
mod listener;
mod network;
mod options;
mod play;
pub mod produce;
mod served;
mod trace;
mod watch;
mod world;

pub use error::ServeError;
pub use network::{Clients, NetworkFault};
pub use options::Options;
pub use plimsoll_oracle::{BrokerId, ErrorName, RequestKind};
pub use plimsoll_scenarios::Plan;
pub use plimsoll_scenarios::scenario::Direction;
pub use plimsoll_sim::served::{Faulty, ServedCluster, Unknown};
pub use served::{Served, serve};
pub use trace::{Entry, Event};
