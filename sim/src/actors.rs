//! The actors of a run, by node.

use crate::actor::Actor;
use crate::client::{Member, Producer};
use crate::cluster::{Broker, Controller};
use crate::env::Env;
use crate::nodes::{Nodes, Place};
use crate::protocol::{Channel, Lean, Message, Node, PerBroker};
use crate::recipes::SubjectSpec;
use crate::table::PerMember;
use plimsoll_core::Instant;
use std::ops::{Index, IndexMut};

/// The actors of a run: a table with the actor of each node. Where more is asked of an actor than
/// all have in common, it is found by its kind.
pub(crate) struct Actors {
    nodes: Nodes,
    pub(crate) brokers: PerBroker<Broker<Lean>>,
    pub(crate) controller: Controller,
    pub(crate) producer: Producer,
    pub(crate) members: PerMember<Member>,
}

impl Actors {
    /// Creates the actors of a plan. Only the controller and the producer run.
    pub(crate) fn new(env: &Env<'_>, subject: SubjectSpec) -> Self {
        let members = env.plan.starts.len();
        let cluster = env.cluster_settings();
        let broker = |node| Broker::new(&cluster, node);
        Self {
            nodes: env.nodes,
            brokers: env.brokers().map(broker).collect(),
            controller: Controller::new(&cluster),
            producer: Producer::new(env),
            members: PerMember::new(members, |id| Member::new(env, id, subject)),
        }
    }

    /// Lets the actor at a node handle a message. Returns its outlook: nearly all that happens is a
    /// message, and the actor is looked up once.
    #[inline]
    pub(crate) fn handle_message(
        &mut self,
        env: &mut Env<'_>,
        node: Node,
        (from, channel): (Node, Channel),
        message: Message,
    ) -> (bool, Option<Instant>) {
        match self.nodes.place_of(node) {
            Place::Broker => handle(&mut self.brokers[node], env, from, channel, message),
            Place::Controller => handle(&mut self.controller, env, from, channel, message),
            Place::Producer => handle(&mut self.producer, env, from, channel, message),
            Place::Member(member) => handle(&mut self.members[member], env, from, channel, message),
        }
    }

    /// Returns whether the process at a node runs, and its earliest deadline.
    #[inline]
    pub(crate) fn outlook(&self, node: Node) -> (bool, Option<Instant>) {
        match self.nodes.place_of(node) {
            Place::Broker => outlook(&self.brokers[node]),
            Place::Controller => outlook(&self.controller),
            Place::Producer => outlook(&self.producer),
            Place::Member(member) => outlook(&self.members[member]),
        }
    }
}

#[inline]
fn handle<'a>(
    actor: &mut impl Actor<Lean, Env<'a>>,
    env: &mut Env<'a>,
    from: Node,
    channel: Channel,
    message: Message,
) -> (bool, Option<Instant>) {
    actor.handle_message(env, from, channel, message);
    outlook(actor)
}

#[inline]
fn outlook<'a>(actor: &impl Actor<Lean, Env<'a>>) -> (bool, Option<Instant>) {
    (actor.is_running(), actor.next_timeout())
}

impl Index<Node> for Actors {
    type Output = dyn for<'a> Actor<Lean, Env<'a>>;

    #[inline]
    fn index(&self, node: Node) -> &Self::Output {
        match self.nodes.place_of(node) {
            Place::Broker => &self.brokers[node],
            Place::Controller => &self.controller,
            Place::Producer => &self.producer,
            Place::Member(member) => &self.members[member],
        }
    }
}

impl IndexMut<Node> for Actors {
    #[inline]
    fn index_mut(&mut self, node: Node) -> &mut Self::Output {
        match self.nodes.place_of(node) {
            Place::Broker => &mut self.brokers[node],
            Place::Controller => &mut self.controller,
            Place::Producer => &mut self.producer,
            Place::Member(member) => &mut self.members[member],
        }
    }
}
