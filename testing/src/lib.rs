//! A handler on trial, in an ordinary test: the handler that you would put in production, in the
//! production consumer, on a simulated Kafka in which processes crash, groups rebalance, brokers
//! die and writes fail.
//!
//! ```
//! use plimsoll::{HandlerError, Message};
//! use plimsoll_testing::Trial;
//!
//! // #[test]
//! fn bills_every_order() {
//!     Trial::new("quick/member-killed")
//!         .handler(async |order: Message| {
//!             let text = str::from_utf8(order.payload().unwrap_or_default());
//!             let _order = text.map_err(HandlerError::permanent)?;
//!             Ok::<(), HandlerError>(())
//!         })
//!         .seeds(20)
//!         .run()
//!         .assert_held();
//! }
//! # bills_every_order();
//! ```
//!
//! Each seed is another course of the scenario: other crashes, latencies and failures, and the same
//! ones each time. There is no Kafka, no socket and no wall clock: `tokio::time` shows simulated
//! time, and minutes of it pass in milliseconds. What comes out is judged by the properties of
//! [`Property`]: nothing lost, nothing committed that is not finished, nothing out of order, ...
//!
//! # Where effects are observed
//!
//! By default the effect of a message is at its handler's end: where the handler returns `Ok`, its
//! effect is written to the *sink*, which stands for the system downstream.
//!
//! That believes the handler, and the mistakes worth finding are those where it should not be
//! believed. A process ([`Trial::process`]) that takes the [sink](Process::sink) writes to it by
//! itself, where production code calls a database or a service:
//!
//! ```should_panic
//! use plimsoll::{HandlerError, Message};
//! use plimsoll_testing::Trial;
//!
//! // Wrong: it says that it is done before the effect is there.
//! Trial::new("quick/member-killed")
//!     .process(|process| {
//!         let sink = process.sink();
//!         move |order: Message| {
//!             let sink = sink.clone();
//!             async move {
//!                 tokio::spawn(async move { sink.write(&order).await });
//!                 Ok::<(), HandlerError>(())
//!             }
//!         }
//!     })
//!     .run()
//!     .assert_held(); // commit-covers-only-finished is violated ...
//! ```
//!
//! A write takes the time, and fails, as the scenario says in `[handler]` and by its faults: that
//! is what these mean here. The handler gets the failure, and does with it what it would do in
//! production. A process may die before a write, in the middle of it, and between the write and the
//! handler's end. A message that rightly has no effect is told by [`Sink::skip`].
//!
//! A handler that fails after its effect gets the message again, as in production, and does it
//! twice: `bounded-duplicates` tells. What may fail comes before the effect.
//!
//! # State
//!
//! [`Trial::process`] runs at each start of a process, as `main` would: what it makes is lost with
//! the process. A [`Store`] from [`Process::store`] is a database: it belongs to the run, all
//! members share it, and it survives every crash. A `static`, or what is captured from outside,
//! would survive too, and be shared by all seeds: the same seed would not give the same run.
//!
//! # When it fails
//!
//! [`Report::assert_held`] panics with the broken promise, its cause, the few events that show it,
//! the seed, and the smallest scenario that still fails, as TOML. Put `.seed(7)` in the place of
//! `.seeds(200)` to run that course alone, or save the scenario and keep it as a test of its own by
//! [`Trial::from_file`]: a seed that stands in it is the one that runs.
//!
//! # What runs
//!
//! The driver, the core, handlers as tasks, retries, dead letters, metrics and the graceful stop
//! are those of production; the scenario's `[consumers]` says how the consumer is set, and
//! `plimsoll help language` prints what else a scenario can say. Only the client is the
//! simulator's. All of a process runs on one thread. `spawn_blocking`, threads, real clocks, files
//! and sockets are outside of simulated time: a handler that waits for them hangs or is not the
//! same twice.
//!
//! With the feature `proptest`, [`scenarios`] gives property tests scenarios beyond the library.

mod court;
mod failure;
mod message;
mod process;
mod report;
mod source;
mod store;
#[cfg(feature = "proptest")]
mod strategy;
mod trial;

pub use failure::Failure;
pub use message::{Content, Draft};
pub use plimsoll_oracle::Property;
pub use plimsoll_scenarios::Scenario;
pub use plimsoll_sim_driver::Sink;
pub use process::Process;
pub use report::Report;
pub use store::Store;
#[cfg(feature = "proptest")]
pub use strategy::scenarios;
pub use trial::{NeedsHandler, Trial, Tried};
