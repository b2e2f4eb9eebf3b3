//! The judge: what was observed of a run, on which terms it is judged, and the verdict.
//!
//! A backend leaves a [`Trace`]. [`Judge::judge`](check::Judge::judge) reads it on the [`Terms`] of
//! the run, and gives a [`Verdict`]. Nothing here knows where a trace comes from: no scenario, no
//! plan, no backend.

pub mod check;
mod core_words;
mod error_name;
mod ids;
mod request_kind;
mod sometimes;
mod terms;
mod trace;
mod verdict;
mod word;

pub use error_name::ErrorName;
pub use ids::{BrokerId, FaultId, MemberId, MessageId};
pub use request_kind::RequestKind;
pub use sometimes::Sometimes;
pub use terms::{FaultTerms, Hindrance, PartitionName, Terms, TopicTerms};
pub use trace::{Entry, Fingerprint, Timeline, Trace, TraceError, TraceEvent};
pub use verdict::{Judgement, Property, Verdict, Violation};
pub use word::{Word, nearest};
