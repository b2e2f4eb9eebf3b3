//! A Kafka client in Rust alone, for the consumer `plimsoll`.
//!
//! ```no_run
//! use plimsoll::{Config, Driver, HandlerError, Message};
//! use plimsoll_native::{NativeClient, Settings};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let settings = Settings::new("localhost:9092", "billing", ["orders"]);
//! let client = NativeClient::new(settings)?;
//! let handler = async |order: Message| {
//!     println!("{:?}", order.payload());
//!     Ok::<(), HandlerError>(())
//! };
//! let driver = Driver::new(client, handler, Config::default());
//! driver.run(plimsoll::shutdown::signal()).await?;
//! # Ok(())
//! # }
//! ```
//!
//! How brokers are reached is said in the words of librdkafka or of Java's clients:
//!
//! ```
//! # use plimsoll_native::{Access, Settings};
//! # fn example() -> Result<(), String> {
//! let mut settings = Settings::new("broker:9093", "billing", ["orders"]);
//! settings.access = Access::of([
//!     ("security.protocol", "SASL_SSL"),
//!     ("sasl.mechanism", "SCRAM-SHA-512"),
//!     ("sasl.username", "billing"),
//!     ("sasl.password", "secret"),
//! ])?;
//! # Ok(())
//! # }
//! ```
//!
//! It is the client that Plimsoll simulates (`plimsoll-client`), with sockets: one task has its
//! state, and one for each connection reads and writes. Where streams come from is a trait
//! ([`Connect`]), so that another network can take the place of TCP.
//!
//! Of transactions it reads what they committed (`isolation.level=read_committed`, librdkafka's
//! default). What it cannot read, a batch that is damaged or expands to more than 100 MB, holds its
//! partition, visibly, and is tried again.
//!
//! What it cannot do, it says. All members of a group subscribe to the same topics, and dead
//! letters of all topics go to partition 0 of one topic. Clusters have up to 16 brokers.

mod bootstrap;
mod client;
mod connect;
mod connection;
mod network;
mod news;
mod settings;
mod speaker;
mod task;

pub use client::NativeClient;
pub use connect::{Connect, Tcp};
pub use plimsoll_access::Access;
pub use plimsoll_protocol::Assignor;
pub use settings::{SettingError, Settings};
pub use speaker::WireSpeaker;
