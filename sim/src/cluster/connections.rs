//! Connections with peers: a broker works at one request of a connection at a time.
//!
//! `SocketServer` mutes a channel from the moment at which it read a request until the response is
//! sent; what the peer sent meanwhile waits in the socket (`Processor.processCompletedReceives`
//! calls `selector.mute`, `Processor.processCompletedSends` tries to unmute). So a heartbeat waits
//! behind a fetch that waits for records, and a fetch behind a join that waits for other members,
//! where a client sends both over one connection. What waits is gone when the connection breaks
//! (`Selector.close` discards it once a send failed). Where the client closed it, or died, its
//! bytes are in the socket, and are read once the answer before them is sent into the void; here
//! that is at once.

use super::broker::Broker;
use super::env::ClusterEnv;
use crate::protocol::{Channel, Channels, Correlation, Dialect, Node, PerNode, Request, Response};
use std::collections::VecDeque;

/// All connections of a broker.
#[derive(Debug, Default)]
pub(super) struct Connections<D: Dialect> {
    /// Connections, by node and channel, of the nodes that ever spoke.
    connections: PerNode<[Connection<D>; Channel::COUNT]>,
    /// Connections that became free while requests waited.
    ready: VecDeque<(Node, Channel)>,
}

#[derive(Debug, Default)]
struct Connection<D: Dialect> {
    /// Number of the connection; it increases when the connection breaks.
    number: u32,
    /// The request at which the broker works.
    current: Option<Correlation>,
    waiting: VecDeque<(Correlation, Turn<D>)>,
    /// The answers to the parts of that request, as far as there are any, and how many there are.
    parts: (Vec<Option<Response<D>>>, usize),
}

/// What happens when it is a request's turn.
#[derive(Debug)]
pub(super) enum Turn<D: Dialect> {
    /// The broker does what the request asks.
    Request(Request<D>),
    /// It answers this, because a fault lets the request fail.
    Answer(Response<D>),
}

/// The way of an answer: one request on one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    /// The node that asked.
    pub node: Node,
    /// The channel on which it asked.
    pub channel: Channel,
    /// The number of the request.
    pub correlation: Correlation,
    /// The number of the request's part, where it has several.
    pub part: Option<u32>,
    connection: u32,
}

impl Reply {
    /// The number of no connection.
    const CLOSED: u32 = u32::MAX;

    /// Returns where the answer to a request goes whose connection its client has closed: nowhere.
    pub(super) fn to_closed(node: Node, channel: Channel, correlation: Correlation) -> Self {
        Self {
            node,
            channel,
            correlation,
            part: None,
            connection: Self::CLOSED,
        }
    }

    /// Returns where the answer to a part of the request goes.
    pub(super) fn of_part(self, part: u32) -> Self {
        let part = Some(part);
        Self { part, ..self }
    }

    /// Returns whether the client had closed the connection when the request arrived.
    pub(super) fn is_closed(&self) -> bool {
        self.connection == Self::CLOSED
    }
}

impl<D: Dialect> Connections<D> {
    /// Begins a request that arrived, where it is its turn. Returns where its answer goes; `None`:
    /// it has to wait.
    #[inline]
    pub(super) fn begin(
        &mut self,
        node: Node,
        channel: Channel,
        correlation: Correlation,
    ) -> Option<Reply> {
        self.connections.reach(node);
        let connection = self.connection(node, channel);
        if connection.current.is_some() {
            return None;
        }
        connection.current = Some(correlation);
        Some(Reply {
            node,
            channel,
            correlation,
            part: None,
            connection: connection.number,
        })
    }

    /// Keeps a request until it is its turn.
    pub(super) fn keep_waiting(
        &mut self,
        node: Node,
        channel: Channel,
        correlation: Correlation,
        turn: Turn<D>,
    ) {
        let connection = self.connection(node, channel);
        connection.waiting.push_back((correlation, turn));
    }

    /// Returns whether the turn of a request that waited may have come.
    #[inline]
    pub(super) fn any_is_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Begins the next request whose turn came.
    pub(super) fn next(&mut self) -> Option<(Reply, Turn<D>)> {
        while let Some((node, channel)) = self.ready.pop_front() {
            let connection = self.connection(node, channel);
            if connection.current.is_none()
                && let Some((correlation, turn)) = connection.waiting.pop_front()
            {
                let reply = self.begin(node, channel, correlation)?;
                return Some((reply, turn));
            }
        }
        None
    }

    /// Returns whether an answer can still be sent, and none was.
    #[inline]
    pub(super) fn awaits(&mut self, reply: Reply) -> bool {
        !reply.is_closed() && self.connection(reply.node, reply.channel).awaits(reply)
    }

    /// Prepares for the answers to this number of parts of a request.
    pub(super) fn expect_parts(&mut self, reply: Reply, parts: usize) {
        if self.awaits(reply) {
            let connection = self.connection(reply.node, reply.channel);
            connection.parts = ((0..parts).map(|_| None).collect(), 0);
        }
    }

    /// Takes the answer to a part of a request. Returns all answers with the last of them.
    pub(super) fn gather(
        &mut self,
        reply: Reply,
        part: u32,
        response: Response<D>,
    ) -> Option<Vec<Response<D>>> {
        if !self.awaits(reply) {
            return None;
        }
        let (answers, count) = &mut self.connection(reply.node, reply.channel).parts;
        let answer = answers.get_mut(part as usize)?;
        *count += usize::from(answer.is_none());
        *answer = Some(response);
        if *count < answers.len() {
            return None;
        }
        Some(std::mem::take(answers).into_iter().flatten().collect())
    }

    /// Finishes a request. Returns whether an answer can still be sent.
    #[inline]
    pub(super) fn finish(&mut self, reply: Reply) -> bool {
        if reply.is_closed() {
            return false;
        }
        let connection = self.connection(reply.node, reply.channel);
        if !connection.awaits(reply) {
            return false;
        }
        connection.current = None;
        if !connection.waiting.is_empty() {
            self.ready.push_back((reply.node, reply.channel));
        }
        true
    }

    /// Takes the next request that waits on a connection which its client has closed.
    fn next_of_closed(&mut self, node: Node, channel: Channel) -> Option<(Correlation, Turn<D>)> {
        let connections = self.connections.get_mut(node)?;
        connections[channel as usize].waiting.pop_front()
    }

    /// Drops connections with a node, with what waited there: answers that are still on their way to
    /// it find nothing, also where the node is given to another client.
    pub(super) fn disconnect(&mut self, node: Node, channels: Channels) {
        let Some(connections) = self.connections.get_mut(node) else {
            return;
        };
        for channel in channels.iter() {
            let connection = &mut connections[channel as usize];
            connection.number += 1;
            connection.current = None;
            connection.waiting.clear();
            connection.parts = Default::default();
        }
    }

    /// Drops all connections: the process died.
    pub(super) fn disconnect_all(&mut self) {
        for node in self.connections.ids() {
            self.disconnect(node, Channels::ALL);
        }
        self.ready.clear();
    }

    #[inline]
    fn connection(&mut self, node: Node, channel: Channel) -> &mut Connection<D> {
        &mut self.connections[node][channel as usize]
    }
}

impl<D: Dialect> Connection<D> {
    /// Returns whether it works at the request that this answers.
    #[inline]
    fn awaits(&self, reply: Reply) -> bool {
        self.number == reply.connection && self.current == Some(reply.correlation)
    }
}

/// Turns.
impl<D: Dialect> Broker<D> {
    /// Takes a request that arrived: now, or when it is its turn.
    #[inline]
    pub(super) fn take_request(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        (from, channel): (Node, Channel),
        correlation: Correlation,
        request: Request<D>,
    ) {
        match self.connections.begin(from, channel, correlation) {
            Some(reply) => self.handle_request(env, reply, request),
            None => {
                let turn = Turn::Request(request);
                self.connections
                    .keep_waiting(from, channel, correlation, turn);
            }
        }
    }

    /// Answers a request that a fault lets fail, when it is its turn.
    pub(crate) fn handle_failed_request(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        (from, channel): (Node, Channel),
        correlation: Correlation,
        answer: Response<D>,
    ) {
        if !self.is_open() {
            return env.cut(self.node, from);
        }
        match self.connections.begin(from, channel, correlation) {
            Some(reply) => self.reply(env, reply, answer),
            None => {
                let turn = Turn::Answer(answer);
                self.connections
                    .keep_waiting(from, channel, correlation, turn);
            }
        }
    }

    /// Does what waits on connections that their client has closed, as far as it has an effect. On
    /// that of the group it waits behind a join, and would be refused after that.
    pub(crate) fn handle_closed(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        client: Node,
        channels: Channels,
    ) {
        let lanes = channels.iter();
        for channel in lanes.filter(|channel| *channel != Channel::Coordinator) {
            while let Some((correlation, turn)) = self.connections.next_of_closed(client, channel) {
                if let Turn::Request(request) = turn
                    && request.has_effect()
                {
                    let reply = Reply::to_closed(client, channel, correlation);
                    self.handle_request(env, reply, request);
                }
            }
        }
        self.handle_waiting_requests(env);
    }

    /// Handles the requests whose turn came, if any did.
    #[inline]
    pub(super) fn handle_waiting_requests(&mut self, env: &mut impl ClusterEnv<D>) {
        if self.connections.any_is_ready() {
            self.handle_ready_requests(env);
        }
    }

    /// Handles requests that waited, as far as their turn came. The look whether there are any
    /// follows each event, and is not to pay for this.
    #[inline(never)]
    fn handle_ready_requests(&mut self, env: &mut impl ClusterEnv<D>) {
        while let Some((reply, turn)) = self.connections.next() {
            match turn {
                Turn::Request(request) => self.handle_request(env, reply, request),
                Turn::Answer(answer) => self.reply(env, reply, answer),
            }
        }
    }
}
