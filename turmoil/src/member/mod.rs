//! A process of a member: the production driver over the client crate and the network of the run.

mod handler;
mod seam;
mod wire;

pub use handler::Sink;

use crate::Parts;
use crate::gate::Gate;
use crate::parts::{AnyCore, AnySeams};
use crate::world::Shared;
use plimsoll::{ClientError, Driver, Watched};
use plimsoll_native::{NativeClient, Settings};
use plimsoll_oracle::MemberId;
use plimsoll_scenarios::{Plan, Purpose, Rng};
use seam::Seam;
use std::sync::Arc;
use tokio::sync::oneshot;
use wire::Wire;

/// The state with which a process begins.
#[derive(Clone)]
pub(crate) struct Birth {
    pub(crate) member: MemberId,
    /// Its number among all processes of its member, from 1.
    pub(crate) number: u64,
    pub(crate) gate: Gate,
    pub(crate) world: Shared,
    pub(crate) plan: Arc<Plan>,
    pub(crate) parts: Parts,
}

/// Runs the process until it ends or is killed.
pub(crate) async fn live(birth: Birth, stopped: oneshot::Receiver<()>) {
    let (member, number, world) = (birth.member, birth.number, birth.world.clone());
    let gate = birth.gate.clone();
    let ended = gate.before(consume(birth, stopped)).await;
    world.with(|world| world.ended(member, number, ended));
}

/// Consumes until it is asked to stop.
async fn consume(birth: Birth, stopped: oneshot::Receiver<()>) -> Result<(), ClientError> {
    let wire = Wire::new(&birth);
    let settings = settings(&birth.plan, birth.member);
    let seams = AnySeams((birth.parts.seams)());
    let client = NativeClient::with_seams(wire, settings, seams);
    let client = client.map_err(|error| ClientError::Fatal {
        reason: error.to_string(),
    })?;
    let mut config = birth.plan.settings.consumers.config;
    // As many streams as there are processes.
    let process = birth.number << 16 | u64::from(birth.member.0);
    config.jitter_seed = Rng::substream(birth.plan.seed, Purpose::Jitter, process).next_u64();
    let client = Watched::new(client, Seam::new(&birth));
    let core = AnyCore((birth.parts.core)(config));
    let driver = Driver::with_core(client, handler::handler(&birth), core);
    driver.run(asked_to_stop(stopped)).await
}

/// Waits until the process is asked to stop.
async fn asked_to_stop(stopped: oneshot::Receiver<()>) {
    if stopped.await.is_err() {
        std::future::pending().await
    }
}

/// Returns the settings of a member's client.
fn settings(plan: &Plan, member: MemberId) -> Settings {
    let consumers = &plan.settings.consumers;
    let brokers = (0..plan.settings.cluster.brokers).map(plimsoll_oracle::BrokerId);
    let brokers = brokers.map(|broker| crate::broker_address(broker).to_string());
    let topics = plan.settings.topics.iter().map(|topic| topic.name.clone());
    let brokers = brokers.collect::<Vec<_>>().join(",");
    let mut settings = Settings::new(brokers, consumers.group.clone(), topics);
    settings.client_id = member.to_string();
    settings.assignor = consumers.assignor;
    settings.dead_letter_topic = Some(crate::DEAD_LETTERS.to_owned());
    let instance = consumers.instance(member.0);
    settings.instance = instance.map(|instance| format!("instance-{instance}"));
    settings.session_timeout = consumers.session_timeout;
    settings.heartbeat = consumers.heartbeat;
    settings.poll_deadline = consumers.poll_deadline;
    settings.fetch_wait_max = consumers.fetch_wait_max;
    settings.prefetch = consumers.prefetch.max(1);
    settings.request_timeout = consumers.request_timeout;
    settings.retry_backoff = consumers.retry_backoff;
    settings.metadata_refresh = consumers.metadata_refresh;
    settings
}
