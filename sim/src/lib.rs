//! Simulated Kafka: backend `sim`.

mod client;
mod cluster;
mod engine;
mod env;
mod faults;
mod network;
mod protocol;
pub mod recipes;
mod sink;
mod topology;
mod world;

use plimsoll_scenarios::{Backend, Plan, Refusal, Subject, Trace};

/// The backend `sim`: a discrete-event simulation of a Kafka cluster and its clients.
///
/// Reused from run to run, it keeps its memory.
#[derive(Debug, Default)]
pub struct Simulator {
    subject: Option<Subject>,
    events: u64,
}

impl Simulator {
    /// A simulator whose subject is the one that each plan names.
    pub fn new() -> Self {
        Self::default()
    }

    /// A simulator that tries this subject, whatever the plan names.
    pub fn with_subject(subject: Subject) -> Self {
        Self {
            subject: Some(subject),
            events: 0,
        }
    }

    /// How many events all runs so far had.
    pub fn events(&self) -> u64 {
        self.events
    }
}

impl Backend for Simulator {
    fn name(&self) -> &'static str {
        "sim"
    }

    fn refuses(&self, _plan: &Plan) -> Option<Refusal> {
        None
    }

    fn run(&mut self, _plan: &Plan, _trace: &mut Trace) {
        let _ = self.subject;
        unimplemented!("simulator")
    }
}
