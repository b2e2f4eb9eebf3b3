//! The producer of the workload: what arrives there, and what follows in its parts.

use super::first_broker;
use super::speaker::LeanNumbering;
use crate::actor::Actor;
use crate::env::Env;
use crate::protocol::{Channel, Channels, Lean, Message, Node, Request, Response, Value};
use plimsoll_client::accumulator::{Accumulator, Action, Continuation, Settings, Ticket};
use plimsoll_client::{
    Ask, Behaviour, Connections, Failure, Metadata, Renewal, Requests, channel_of, read,
};
use plimsoll_core::Instant;
use plimsoll_oracle::{MessageId, TraceEvent};
use plimsoll_scenarios::scenario;
use std::time::Duration;

/// The client that it is.
const BEHAVIOUR: Behaviour = Behaviour::LIBRDKAFKA;

/// `metadata.max.age.ms`.
const METADATA_MAX_AGE: Duration = Duration::from_secs(300);

/// The producer of the workload.
#[derive(Debug)]
pub(crate) struct Producer {
    node: Node,
    request_timeout: Duration,
    requests: Requests<Continuation>,
    connections: Connections,
    metadata: Metadata,
    accumulator: Accumulator<LeanNumbering>,
}

impl Producer {
    /// Creates a producer that has sent nothing.
    pub(crate) fn new(env: &Env<'_>) -> Self {
        let settings = &env.plan.settings.producer;
        let (node, partitions) = (env.producer(), env.topology.len());
        Self {
            node,
            request_timeout: settings.request_timeout,
            requests: Requests::new(BEHAVIOUR.sharing, 0),
            connections: Connections::new(&BEHAVIOUR, env.brokers().count()),
            metadata: Metadata::new(
                env.now(),
                first_broker(env.plan, node),
                partitions,
                Renewal::After(METADATA_MAX_AGE),
                settings.retry_backoff,
            ),
            accumulator: Accumulator::new(
                LeanNumbering,
                Settings {
                    acks: settings.acks,
                    idempotence: settings.idempotence,
                    delivery_timeout: settings.delivery_timeout,
                    request_timeout: settings.request_timeout,
                    retry_backoff: settings.retry_backoff,
                },
                partitions,
            ),
        }
    }

    /// Returns whether every message that it got is acknowledged or given up.
    pub(crate) fn is_done(&self) -> bool {
        self.accumulator.is_done()
    }

    /// Takes a message, to be sent.
    pub(crate) fn produce(&mut self, env: &mut Env<'_>, message: &scenario::Message) {
        let Some(index) = env.topology.index(message.partition) else {
            debug_assert!(false, "a message for a partition that never exists");
            return;
        };
        let ticket = Ticket(message.id.0);
        let batch = Value::Message {
            id: message.id,
            key: message.key,
            bytes: message.bytes,
            sequence: None,
        };
        let (metadata, connections) = (&self.metadata, &self.connections);
        self.accumulator
            .add(env.now(), metadata, connections, index, ticket, batch);
        self.carry_out(env);
    }

    /// Goes on with a request that was answered, or lost.
    fn go_on(&mut self, env: &mut Env<'_>, then: Continuation, result: Result<Response, Failure>) {
        let (now, connections) = (env.now(), &self.connections);
        match then {
            Continuation::Metadata => {
                if self.metadata.handle_answer(now, read(result)) {
                    while let Some(broker) = self.metadata.poll_gone(&mut self.connections) {
                        env.close(self.node, broker, Channels::ALL);
                    }
                    let connections = &self.connections;
                    self.accumulator
                        .handle_metadata(now, &self.metadata, connections);
                }
            }
            Continuation::Produce(index, message) => {
                let (answer, metadata) = (read(result), &self.metadata);
                self.accumulator
                    .handle_answer(now, metadata, connections, index, message, answer);
            }
        }
        self.carry_out(env);
    }

    /// Does what the parts want. Metadata comes first: what an action of the accumulator leads to
    /// is done before its next one.
    fn carry_out(&mut self, env: &mut Env<'_>) {
        loop {
            if let Some(broker) = self.metadata.poll_action() {
                let ask = Ask {
                    to: broker,
                    timeout: self.request_timeout,
                    request: Request::Metadata,
                    then: Continuation::Metadata,
                };
                self.ask(env, ask);
                continue;
            }
            match self.accumulator.poll_action() {
                Some(Action::Ask(ask)) => self.ask(env, ask),
                Some(Action::Say(to, request)) => {
                    let (channel, correlation) = (channel_of(&request), self.requests.number());
                    env.request(self.node, to, channel, correlation, request);
                }
                Some(Action::RefreshMetadata) => {
                    self.metadata.refresh(env.now(), &self.connections);
                }
                Some(Action::Acknowledge(Ticket(message), index, offset)) => {
                    let partition = env.topology.partition(index);
                    env.observe(TraceEvent::Acknowledged {
                        message: MessageId(message),
                        partition,
                        offset,
                    });
                }
                Some(Action::GiveUp(Ticket(message))) => env.observe(TraceEvent::ProduceFailed {
                    message: MessageId(message),
                }),
                None => return,
            }
        }
    }

    #[inline]
    fn ask(&mut self, env: &mut Env<'_>, ask: Ask<Lean, Continuation>) {
        let channel = channel_of(&ask.request);
        let to = (ask.to, channel);
        self.connections.handle_request(env.now(), to, &ask.request);
        let correlation = self.requests.add(env.now(), to, ask.timeout, ask.then);
        env.request(self.node, ask.to, channel, correlation, ask.request);
    }
}

/// The producer belongs to the harness: it runs from the beginning to the end.
impl Actor<Lean, Env<'_>> for Producer {
    fn start(&mut self, _env: &mut Env<'_>) {}

    fn stop(&mut self, _env: &mut Env<'_>) {}

    fn crash(&mut self, _env: &mut Env<'_>) {}

    #[inline]
    fn handle_message(
        &mut self,
        env: &mut Env<'_>,
        from: Node,
        channel: Channel,
        message: Message,
    ) {
        if let Message::Response(correlation, response) = message
            && let Some(then) = self.requests.take_answered(correlation)
        {
            self.connections.handle_answer(from, channel);
            self.go_on(env, then, Ok(response));
        }
    }

    fn handle_disconnected(&mut self, env: &mut Env<'_>, peer: Node, channels: Channels) {
        self.connections.handle_broken(env.now(), peer, channels);
        let before = self.requests.next_correlation();
        let mut lost_any = false;
        while let Some((then, failure)) = self.requests.take_lost(peer, channels, before) {
            lost_any = true;
            self.go_on(env, then, Err(failure));
        }
        if !lost_any {
            self.accumulator.handle_disconnected();
            self.carry_out(env);
        }
    }

    fn handle_timeout(&mut self, env: &mut Env<'_>) {
        let now = env.now();
        while let Some((peer, connection)) = self.requests.poll_overdue(now) {
            env.close(self.node, peer, connection);
        }
        self.metadata.handle_timeout(now, &self.connections);
        self.carry_out(env);
        let (metadata, connections) = (&self.metadata, &self.connections);
        self.accumulator.handle_timeout(now, metadata, connections);
        self.carry_out(env);
    }

    fn next_timeout(&self) -> Option<Instant> {
        let at = self
            .requests
            .poll_timeout()
            .min(self.metadata.poll_timeout())
            .min(self.accumulator.poll_timeout());
        (at < Instant::FAR_FUTURE).then_some(at)
    }

    fn is_running(&self) -> bool {
        true
    }
}
