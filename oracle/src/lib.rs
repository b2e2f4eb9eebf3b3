//! The judge: what was observed of a run, on which terms it is judged, and the verdict.
//!
//! A backend leaves a [`Trace`]. [`Judge::judge`](check::Judge::judge) reads it on the [`Terms`] of
//! the run, and gives a [`Verdict`]. Nothing here knows where a trace comes from: no scenario, no
//! plan, no backend.
//!
//! ```
//! use plimsoll_core::Config;
//! use plimsoll_oracle::check::Judge;
//! use plimsoll_oracle::{Property, Terms, TopicTerms, Trace};
//! use std::time::Duration;
//!
//! // A record becomes readable, and consumer-1 commits it without having handled it.
//! let (_, trace) = Trace::read_jsonl(
//!     r#"{"format":"plimsoll-trace","version":1,"plimsoll":"0.1.0","scenario":"late","seed":7,"subject":"plimsoll","backend":"sim","members":["consumer-1"],"brokers":[],"topics":[{"name":"orders","partitions":1}],"faults":[]}
//!        {"at_ns":0,"event":"stored","message":7,"topic":0,"partition":0,"offset":0,"key":null}
//!        {"at_ns":5,"event":"committed","member":0,"topic":0,"partition":0,"next":1,"generation":1,"rebalancing":false}"#,
//! )?;
//! let terms = Terms {
//!     topics: vec![TopicTerms { name: "orders".into(), partitions: 1 }],
//!     config: Config::default(),
//!     acks_all: true,
//!     settling: Duration::from_secs(33),
//!     crossing: Duration::ZERO,
//!     liveness_within: Duration::from_secs(60),
//!     may_orphan: false,
//!     duplicates_slack: Duration::from_secs(2),
//!     repeats_after_failure: false,
//!     shutdown_within: Duration::from_secs(40),
//!     exits_allowed: false,
//!     progress_within: Duration::from_secs(25),
//!     undecodable: Vec::new(),
//!     faults: Vec::new(),
//!     unknown: Vec::new(),
//! };
//! let verdict = Judge::new().judge(&terms, &trace, &[]);
//! assert!(verdict.violates(Property::CommitCoversOnlyFinished));
//! # Ok::<(), plimsoll_oracle::TraceError>(())
//! ```

pub mod check;
mod ids;
mod missed;
mod promises;
mod sometimes;
pub mod story;
mod terms;
mod trace;
mod unknown;
mod verdict;

pub use ids::{BrokerId, FaultId, MemberId, MessageId};
pub use missed::Missed;
pub use plimsoll_protocol::{ErrorName, RequestKind, Word, nearest, words};
pub use promises::promise;
pub use sometimes::Sometimes;
pub use terms::{FaultTerms, Hindrance, PartitionName, Terms, TopicTerms};
pub use trace::{
    Entry, Fingerprint, Header, NamedFault, NamedTopic, Names, Timeline, Trace, TraceError,
    TraceEvent,
};
pub use unknown::Setting;
pub use verdict::{Judgement, Measures, Property, Verdict, Violation};
