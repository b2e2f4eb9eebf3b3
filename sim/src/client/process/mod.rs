//! A process of a member: its client, what is around that, and the application on top of it.

mod turn;
mod world;

use super::application::{Application, PollDeadline};
use super::first_broker;
use super::late::Late;
use super::speaker::LeanSpeaker;
use crate::env::Env;
use crate::program::Program;
use crate::protocol::{
    Channel, Channels, Correlation, Node, Response, SCENARIO_GROUP, Sharing, Value,
};
use crate::recipes::SubjectSpec;
use crate::sink::HandlerCall;
use plimsoll_client::{Behaviour, Cluster, Seams, Settings};
use plimsoll_core::{Event, Instant, Outcome, TopicPartition};
use plimsoll_oracle::MemberId;
use plimsoll_scenarios::scenario::Consumers;
use plimsoll_scenarios::{Purpose, Rng};
use std::time::Duration;

/// The client of a process. What stands at its seams, if anything does, is known when it runs.
type Client = plimsoll_client::Member<LeanSpeaker, Option<Box<dyn Seams<LeanSpeaker>>>>;

/// The longest time that passes between a client's first timer and its first request, beside what
/// its library takes. Without it the member that joins first would see first, for ever, what all of
/// them look at in a beat.
const BOOTSTRAP: Duration = Duration::from_millis(20);

/// A process of a member.
pub(super) struct Process {
    id: MemberId,
    node: Node,
    /// Which of its requests share a connection with a broker.
    sharing: Sharing,
    client: Client,
    application: Application,
    late: Late,
    /// Whether it was asked to stop.
    stopping: bool,
}

impl Process {
    /// Creates a process that has not started.
    pub(super) fn new(
        env: &Env<'_>,
        id: MemberId,
        spec: SubjectSpec,
        starts: u32,
        first_correlation: u32,
    ) -> Self {
        let node = env.member_node(id);
        let consumers = &env.plan.settings.consumers;
        let (brokers, first) = first_broker(env.plan, node);
        let process = u64::from(id.0) << 32 | u64::from(starts);
        let mut bootstrap = Rng::substream(env.plan.seed, Purpose::Bootstrap, process);
        let cluster = Cluster {
            topology: env.topology.clone(),
            brokers,
            first,
            first_at: env.now()
                + spec.behaviour.bootstrap
                + bootstrap.between(Duration::ZERO, BOOTSTRAP),
            metadata_refresh: consumers.metadata_refresh,
        };
        let mut config = consumers.config;
        config.jitter_seed = Rng::substream(env.plan.seed, Purpose::Jitter, process).next_u64();
        let (machine, own_handlers) = match env.programs {
            None => ((spec.build)(&config), None),
            Some(programs) => {
                let Program { machine, handlers } = programs.start(id, &config);
                (machine, Some(handlers))
            }
        };
        Self {
            id,
            node,
            sharing: spec.behaviour.sharing,
            client: Client::with_seams(
                env.now(),
                settings(consumers, id, spec.behaviour),
                LeanSpeaker { member: id },
                cluster,
                spec.seams.map(|stand| stand()),
                first_correlation,
            ),
            application: Application::new(
                machine,
                own_handlers,
                spec.polling,
                PollDeadline {
                    interval: consumers.poll_deadline,
                    began: env.now(),
                    looks: spec.behaviour.poll_looks,
                },
            ),
            late: Late::new(env.plan.seed, process),
            stopping: false,
        }
    }

    /// Returns whether it ended by itself.
    #[inline]
    pub(super) fn has_ended(&self) -> bool {
        self.client.end().is_some()
    }

    /// Returns the number that the next request would have.
    pub(super) fn next_correlation(&self) -> u32 {
        self.client.next_correlation()
    }

    /// Returns whether it fetches this partition now.
    pub(super) fn owns(&self, partition: TopicPartition) -> bool {
        let index = self.client.view().topology.index(partition);
        index.is_some_and(|index| self.client.fetcher().is_assigned(index))
    }

    /// Returns the number of partitions that it fetches now.
    pub(super) fn owned(&self) -> usize {
        self.client.fetcher().assigned().len()
    }

    /// Returns the earliest deadline.
    #[inline]
    pub(super) fn next_timeout(&self) -> Instant {
        self.client
            .poll_timeout()
            .min(self.application.poll_timeout())
            .min(self.late.poll_timeout())
    }
}

/// What arrives.
impl Process {
    /// Begins with what librdkafka calls bootstrap: metadata, then the coordinator, then the group.
    pub(super) fn start(&mut self, env: &mut Env<'_>) {
        let (client, mut world) = self.split(env);
        client.start(&mut world);
    }

    /// Asks the subject to stop.
    pub(super) fn stop(&mut self, env: &mut Env<'_>) {
        self.stopping = true;
        self.application.tell(Event::Shutdown);
        self.run_application(env);
    }

    /// Handles a response.
    pub(super) fn handle_response(
        &mut self,
        env: &mut Env<'_>,
        from: (Node, Channel),
        correlation: Correlation,
        response: Response,
    ) {
        let (client, mut world) = self.split(env);
        if client.handle_response(&mut world, from, correlation, response) {
            self.run_application(env);
        }
    }

    /// Handles the loss of connections with a broker, and of what was in flight on them.
    pub(super) fn handle_disconnected(
        &mut self,
        env: &mut Env<'_>,
        peer: Node,
        channels: Channels,
    ) {
        let (client, mut world) = self.split(env);
        client.handle_disconnected(&mut world, peer, channels);
        self.run_application(env);
    }

    /// Handles the result of a handler.
    pub(super) fn handle_processed(
        &mut self,
        env: &mut Env<'_>,
        call: HandlerCall,
        outcome: Outcome,
    ) {
        let waits = self.client.awaits_answer();
        let result = Event::Processed {
            partition: call.partition,
            epoch: call.epoch,
            offset: call.offset,
            attempt: call.attempt,
            outcome,
        };
        self.application.handle_processed(env.now(), waits, result);
        self.run_application(env);
    }

    /// Does what is due: some deadline may have passed.
    pub(super) fn handle_timeout(&mut self, env: &mut Env<'_>) {
        let now = env.now();
        let (client, mut world) = self.split(env);
        client.handle_timeout(&mut world);
        if self.application.take_missed_poll_deadline(now) {
            let (client, mut world) = self.split(env);
            client.handle_missed_poll(&mut world);
        }
        self.application.handle_timeout(now);
        while let Some(result) = self.late.poll(now) {
            self.application.tell(result);
        }
        self.run_application(env);
    }
}

/// Returns the settings of a member's client. Its fetches are limited by numbers of records.
fn settings(consumers: &Consumers, id: MemberId, behaviour: Behaviour) -> Settings {
    let longest_wait = behaviour.longest_fetch_wait.unwrap_or(Duration::MAX);
    Settings {
        behaviour,
        group: SCENARIO_GROUP,
        instance: consumers.instance(id.0),
        assignor: consumers.assignor,
        session_timeout: consumers.session_timeout,
        heartbeat: consumers.heartbeat,
        poll_deadline: consumers.poll_deadline,
        request_timeout: consumers.request_timeout,
        retry_backoff: consumers.retry_backoff,
        prefetch: consumers.prefetch,
        prefetch_bytes: u64::MAX,
        records_at_once: u32::MAX,
        fetch_wait_max: consumers.fetch_wait_max.min(longest_wait),
        partition_fetch_bytes: consumers.prefetch.saturating_mul(Value::SIZE),
    }
}
