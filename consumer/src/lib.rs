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

#[cfg(feature = "librdkafka")]
mod builder;
mod client;
mod driver;
mod error;
mod handler;
#[cfg(feature = "librdkafka")]
mod librdkafka;
mod message;
pub mod metrics;
pub mod shutdown;

pub use client::GroupClient;
pub use driver::Driver;
pub use error::{ClientError, Error, SettingError};
pub use handler::{Handler, HandlerError};
pub use message::{Batch, Header, Message};
pub use plimsoll_core::{
    CommitPolicy, Config, ConfigError, InitialPosition, Ordering, OutOfRangePolicy, RetryPolicy,
};
#[cfg(feature = "librdkafka")]
pub use {
    builder::{Assignor, Builder, Consumer, NeedsBrokers, NeedsGroup, NeedsTopics},
    librdkafka::LibrdkafkaClient,
};
