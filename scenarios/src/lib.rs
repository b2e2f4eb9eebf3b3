//! What may go wrong, what happened, and what it means: the scenario language, plans, traces,
//! checkers, verdicts and the shrinker. Nothing here knows a backend.

mod backend;
pub mod check;
mod error_name;
mod plan;
mod regression;
mod rng;
pub mod scenario;
pub mod schedule;
pub mod shrink;
mod sometimes;
mod subject;
mod trace;
mod verdict;

pub use backend::{Backend, BackendError, Refusal};
pub use error_name::ErrorName;
pub use plan::{FaultId, MemberId, MessageId, Plan};
pub use regression::Regression;
pub use rng::{Purpose, Rng};
pub use scenario::{Scenario, Settings};
pub use sometimes::Sometimes;
pub use subject::Subject;
pub use trace::{Entry, Fingerprint, Timeline, Trace, TraceError, TraceEvent};
pub use verdict::{Judgement, Property, Verdict, Violation};
