//! A Kafka consumer that loses nothing.
//!
//! ```no_run
//! use plimsoll::{Consumer, HandlerError, Message};
//!
//! # #[cfg(feature = "librdkafka")]
//! #[tokio::main]
//! async fn main() -> Result<(), plimsoll::Error> {
//!     let consumer = Consumer::builder()
//!         .brokers("localhost:9092")
//!         .group("billing")
//!         .topics(["orders"]);
//!     consumer.run(async |order: Message| {
//!         println!("{:?}", order.payload());
//!         Ok::<(), HandlerError>(())
//!     }).await
//! }
//! # #[cfg(not(feature = "librdkafka"))] fn main() {}
//! ```
//!
//! The consumer runs until the process gets SIGINT or SIGTERM, and promises meanwhile, whatever
//! brokers, networks and other members do:
//!
//! - A message counts as handled when its [`Handler`] returned `Ok`, or when the dead-letter topic
//!   has acknowledged it. Only what is below the first message that is not handled is committed,
//!   so a crash loses nothing; it repeats at most what was handled since the last commit.
//! - A message that fails is tried again, with pauses, up to a budget. It holds up its partition,
//!   its key or only itself, as [`Ordering`] says, and nothing else.
//! - When a partition goes to another member, what is in flight is finished and committed first, as
//!   far as [`revoke_deadline`](Config::revoke_deadline) allows. Meanwhile librdkafka reads no
//!   partition of the member. A clean stop repeats nothing (where messages are handled by key or unordered: only what was
//!   finished ahead of a slower one).
//! - Messages that are gone are not skipped silently: [`OutOfRangePolicy`] decides, also where a
//!   log lost its end, as its leader epochs show. A partition that is added to a topic is read from
//!   its start.
//! - A message whose bytes do not fit their checksum is not handled. Its partition stands still, and
//!   is read again after a pause: nothing is skipped, and [`metrics`] tell it.
//! - A handler may take as long as [its deadline](Config::handler_deadline) allows, whatever
//!   Kafka's own deadlines are, as long as its partition stays: the client polls meanwhile. What it fetches ahead is bounded: for
//!   each partition, and in total but for librdkafka's own queues (`max_total_bytes`).
//!
//! It reads all codecs, and speaks TLS and SASL (PLAIN, SCRAM, OAUTHBEARER; not GSSAPI). To build it,
//! there must be a C and a C++ compiler, `make`, `pkg-config` and the headers of OpenSSL (on Debian
//! and Ubuntu: `g++ make pkg-config libssl-dev`). With the feature `ssl-vendored` an OpenSSL is
//! compiled along, for which there must be Perl; `default-features = false, features =
//! ["librdkafka"]` leaves TLS, SCRAM and OAUTHBEARER out.
//!
//! Where to look: [`Consumer::builder`] for the settings, [`Handler`] for the code that you write,
//! [`metrics`] for what can be watched, [`Health`] for probes, [`shutdown`] for the signals that stop a consumer. The
//! decisions are made by `plimsoll-core`, a state machine without I/O, and a [`Driver`] carries
//! them out; with a [`GroupClient`] of your own, the driver needs no librdkafka (`default-features
//! = false`).

mod attempt;
#[cfg(feature = "librdkafka")]
mod builder;
mod client;
pub mod commit_metadata;
mod driver;
mod error;
mod handler;
mod health;
#[cfg(feature = "librdkafka")]
mod librdkafka;
mod message;
pub mod metrics;
pub mod shutdown;
mod watched;

pub use attempt::Cancellation;
pub use client::GroupClient;
pub use driver::{Core, Driver};
pub use error::{ClientError, Error, SettingError};
pub use handler::{Handler, HandlerError};
pub use health::{Health, Phase, Report};
pub use message::{Batch, Header, Message};
pub use plimsoll_core::{
    CommitPolicy, Config, ConfigError, InitialPosition, Ordering, OutOfRangePolicy,
    RefusedLetterPolicy, RetryPolicy,
};
pub use watched::{Watch, Watched};
#[cfg(feature = "librdkafka")]
pub use {
    builder::{Assignor, Builder, Consumer, NeedsBrokers, NeedsGroup, NeedsTopics},
    librdkafka::LibrdkafkaClient,
};
