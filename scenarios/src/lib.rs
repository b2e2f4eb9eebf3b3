//! What may go wrong: the scenario language, plans, the shrinker and regressions. Nothing here
//! knows a backend.

mod backend;
mod library;
mod plan;
mod regression;
mod rng;
pub mod scenario;
pub mod schedule;
pub mod shrink;
mod subject;

pub use backend::{Backend, BackendError, Refusal};
pub use library::LIBRARY;
pub use plan::{Plan, Probes};
pub use regression::Regression;
pub use rng::{Purpose, Rng};
pub use scenario::{Scenario, Settings};
pub use subject::{Client, Subject};
