//! Simulated Kafka: backend `sim`.

mod actor;
mod actors;
mod client;
mod cluster;
mod cluster_env;
mod end;
mod engine;
mod env;
mod faults;
mod host;
mod latency;
mod network;
mod nodes;
pub mod program;
mod protocol;
pub mod recipes;
#[cfg(feature = "wire")]
pub mod served;
pub mod sink;
mod table;
mod topology;
#[cfg(feature = "wire")]
mod wire;
mod world;

use crate::engine::Queue;
use crate::env::Event;
use crate::program::Programs;
use crate::recipes::SubjectSpec;
use plimsoll_oracle::Trace;
use plimsoll_scenarios::{Backend, BackendError, Plan, Refusal, Subject};

/// The backend `sim`: a discrete-event simulation of a Kafka cluster and its clients.
///
/// Reused from run to run, it keeps its memory.
#[derive(Debug)]
pub struct Simulator {
    /// The subject to try, whatever a plan names; `spec` comes before it.
    subject: Option<Subject>,
    spec: Option<SubjectSpec>,
    /// How subjects are built and driven, by what plans name.
    specs: fn(Subject) -> Option<SubjectSpec>,
    /// Whether clients and brokers speak in the bytes of Kafka's protocol.
    #[cfg(feature = "wire")]
    is_encoded: bool,
    queue: Queue<Event>,
}

impl Simulator {
    /// Creates a simulator whose subject is the one that each plan names.
    pub fn new() -> Self {
        Self::with_specs(SubjectSpec::of)
    }

    /// Creates a simulator whose subject is the one that each plan names, and which finds there how
    /// that is built and driven.
    pub fn with_specs(specs: fn(Subject) -> Option<SubjectSpec>) -> Self {
        Self {
            subject: None,
            spec: None,
            specs,
            #[cfg(feature = "wire")]
            is_encoded: false,
            queue: Queue::new(),
        }
    }

    /// Creates a simulator that tries this subject, whatever the plan names.
    pub fn with_subject(subject: Subject) -> Self {
        Self {
            subject: Some(subject),
            ..Self::new()
        }
    }

    /// Creates a simulator that tries a subject of your own.
    pub fn with_spec(spec: SubjectSpec) -> Self {
        Self {
            spec: Some(spec),
            ..Self::new()
        }
    }

    /// Has clients and brokers speak in the bytes of Kafka's protocol, which costs time and changes
    /// no trace: what it would change, the simulator's messages say otherwise than Kafka's.
    #[cfg(feature = "wire")]
    #[must_use]
    pub fn encoded(self) -> Self {
        Self {
            is_encoded: true,
            ..self
        }
    }

    /// Runs a plan whose members' processes are these programs, with the client of the plan's
    /// subject below them.
    ///
    /// # Errors
    /// Fails where the simulator does not know the subject.
    pub fn run_programs(
        &mut self,
        plan: &Plan,
        programs: &dyn Programs,
        trace: &mut Trace,
    ) -> Result<(), BackendError> {
        let spec = self.spec(plan).map_err(BackendError::Subject)?;
        world::run(plan, spec, Some(programs), &mut self.queue, trace);
        Ok(())
    }

    /// Returns the number of events of all runs so far.
    pub fn events(&self) -> u64 {
        self.queue.popped()
    }

    /// Returns how the subject is built and driven, or why it cannot be.
    fn spec(&self, plan: &Plan) -> Result<SubjectSpec, String> {
        let subject = self.subject.unwrap_or(plan.settings.consumers.subject);
        let spec = self.spec.or_else(|| (self.specs)(subject));
        spec.ok_or_else(|| format!("this simulator is built without the subject {subject}"))
    }
}

impl Default for Simulator {
    fn default() -> Self {
        Self::new()
    }
}

impl Backend for Simulator {
    fn name(&self) -> &'static str {
        "sim"
    }

    /// Refuses only subjects that it does not know: it can do every fault of the language.
    fn refuses(&self, plan: &Plan) -> Option<Refusal> {
        let reason = self.spec(plan).err()?;
        Some(Refusal {
            fault: None,
            reason,
        })
    }

    /// Runs a plan, which fails only where messages are to be bytes and cannot be.
    fn run(&mut self, plan: &Plan, trace: &mut Trace) -> Result<(), BackendError> {
        let spec = self.spec(plan).map_err(BackendError::Subject)?;
        #[cfg(feature = "wire")]
        if self.is_encoded {
            return match world::run_encoded(plan, spec, &mut self.queue, trace) {
                Some(failure) => Err(BackendError::Internal(failure)),
                None => Ok(()),
            };
        }
        world::run(plan, spec, None, &mut self.queue, trace);
        Ok(())
    }
}
