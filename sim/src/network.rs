//! Links between nodes: latency, order, and what faults do to them.
//!
//! A channel of a link keeps its order, what was sent on it before its sender died still arrives, and
//! what cannot pass is held until it can or until the channel's connection breaks.
//!
//! To close a connection does not break it. The kernel keeps what was sent on it, and sends it
//! again after pauses that double (Linux: `tcp_retransmit_timer`; `tcp_orphan_retries` ends it
//! after 100 seconds and more). So after a partition heals, requests of a closed connection arrive
//! within as long as they had been held, before or after what is sent on the next connection; and
//! the broker answers into the void. Seen with a real kernel behind a packet filter.

use crate::latency::{Latency, publication};
use crate::protocol::{
    Channel, Channels, Correlation, Dialect, Lean, Message, Node, PerNode, Request, Sharing,
};
use plimsoll_core::Instant;
use plimsoll_oracle::RequestKind;
use plimsoll_scenarios::scenario::Distribution;
use plimsoll_scenarios::{Purpose, Rng};
use std::time::Duration;

/// A message on its way.
#[derive(Debug)]
pub(crate) struct Envelope<D: Dialect = Lean> {
    pub from: Node,
    pub to: Node,
    pub channel: Channel,
    /// Number of the channel's connection when the message was sent.
    connection: u32,
    /// Number of the message among those of the link.
    sequence: u32,
    /// Whether the receiver's kernel has it, for a process that stands still.
    pub in_kernel: bool,
    pub message: Message<D>,
}

/// The way of a message through the network. The message itself goes from its sender to where it
/// waits without passing through here: it is large.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Passage {
    /// The time of arrival.
    At(Instant, Stamp),
    /// The time at which the sender learns that no process listens at the receiver's host.
    Refused(Instant),
    /// Neither: it is to be held until the link is not blocked any more.
    Blocked(Stamp),
}

/// The place of a message on a link.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stamp {
    from: Node,
    to: Node,
    channel: Channel,
    connection: u32,
    sequence: u32,
}

impl Stamp {
    /// Returns a message on its way.
    #[inline]
    pub(crate) fn envelope<D: Dialect>(self, message: Message<D>) -> Envelope<D> {
        let Self {
            from,
            to,
            channel,
            connection,
            sequence,
        } = self;
        Envelope {
            from,
            to,
            channel,
            connection,
            sequence,
            in_kernel: false,
            message,
        }
    }
}

/// The arrival of a message that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    Now,
    /// Now, on a connection that its sender has closed since: no answer reaches it.
    Late,
    /// When the link is not blocked any more.
    Later,
    /// Its connection is broken.
    Never,
}

/// All links of a run.
#[derive(Debug, Default)]
pub(crate) struct Network<D: Dialect = Lean> {
    /// Links, by sender and receiver. All that a message needs is in its link: it is looked up once.
    links: PerNode<PerNode<Link<D>>>,
    latency: Latency,
    /// Whether brokers come to the controller's news late.
    has_late_news: bool,
    /// `lose-response` faults that wait for a request of their kind.
    losses: Vec<Loss>,
}

/// One direction between two nodes.
#[derive(Debug)]
struct Link<D: Dialect> {
    rng: Rng,
    /// Whether a process listens at the receiver.
    is_listening: bool,
    /// Number of faults that block the link.
    blocks: u32,
    /// Added latency, in nanoseconds.
    delay: u64,
    /// The latency that a `throttle` adds to everything that the sender sends, in nanoseconds.
    throttle: u64,
    /// Number of messages sent so far.
    sent: u32,
    /// Whether the receiver has yet to learn that the sender's process died: the link was blocked.
    notice_owed: bool,
    /// What is known of each channel.
    lanes: [Lane; Channel::COUNT],
    held: Vec<Held<D>>,
}

/// A channel of a link.
#[derive(Clone, Copy, Debug)]
struct Lane {
    /// Number of its connection; it increases when that breaks, or is closed.
    connection: u32,
    /// Number of the oldest connection of which something may still arrive: those before it broke.
    oldest: u32,
    /// Whether anything has passed on the connection: nothing is sent before it is made.
    established: bool,
    /// Time at which the last message arrives: none may overtake it.
    last: Instant,
}

impl Lane {
    const UNUSED: Self = Self {
        connection: 0,
        oldest: 0,
        established: false,
        last: Instant::ZERO,
    };

    /// Notes that the connection broke: what is in flight on it is gone.
    fn break_off(&mut self) {
        self.connection += 1;
        self.oldest = self.connection;
        self.established = false;
    }

    /// Notes that the sender closed the connection. The next one does not wait for it.
    fn close(&mut self) {
        self.connection += 1;
        self.established = false;
        self.last = Instant::ZERO;
    }
}

/// A message that waits for a blocked link.
#[derive(Debug)]
struct Held<D: Dialect> {
    since: Instant,
    envelope: Envelope<D>,
}

/// The messages that a link held which is open again.
#[derive(Debug, Default)]
pub(crate) struct Released<D: Dialect = Lean> {
    /// What is to be sent on now, in this order.
    pub open: Vec<Envelope<D>>,
    /// What was sent on connections that are closed by now, with the times at which the kernel gets
    /// it through.
    pub closed: Vec<(Instant, Envelope<D>)>,
}

#[derive(Debug)]
struct Loss {
    member: Node,
    sharing: Sharing,
    kind: RequestKind,
    /// The request whose response will be lost; `None` until one comes by.
    request: Option<(Node, Correlation)>,
}

impl<D: Dialect> Network<D> {
    /// Creates a network of `nodes` nodes on which no process listens yet.
    pub(crate) fn new(seed: u64, nodes: usize, latency: Distribution) -> Self {
        let link = |from: Node, to: Node| Link {
            rng: Rng::substream(
                seed,
                Purpose::Link,
                u64::from(from.0) * 64 + u64::from(to.0),
            ),
            is_listening: false,
            blocks: 0,
            delay: 0,
            throttle: 0,
            sent: 0,
            notice_owed: false,
            lanes: [Lane::UNUSED; Channel::COUNT],
            held: Vec::new(),
        };
        Self {
            links: PerNode::new(nodes, |from| PerNode::new(nodes, |to| link(from, to))),
            latency: Latency::new(latency),
            has_late_news: false,
            losses: Vec::new(),
        }
    }

    /// Lets brokers come late to the controller's news, as on machines that have much else to do.
    pub(crate) fn let_news_be_late(&mut self) {
        self.has_late_news = true;
    }

    /// Sends a message, and returns what becomes of it.
    #[inline]
    pub(crate) fn send(
        &mut self,
        now: Instant,
        from: Node,
        to: Node,
        channel: Channel,
        message: &Message<D>,
    ) -> Passage {
        let link = &mut self.links[from][to];
        link.sent += 1;
        let stamp = Stamp {
            from,
            to,
            channel,
            connection: link.lanes[channel as usize].connection,
            sequence: link.sent,
        };
        if link.blocks > 0 {
            return Passage::Blocked(stamp);
        }
        let latency = self.latency.sample(&mut link.rng);
        let mut at = now.as_nanos() + latency + link.delay + link.throttle;
        if self.has_late_news && matches!(message, Message::MetadataUpdate { .. }) {
            at += publication(&mut link.rng);
        }
        if !link.is_listening {
            return Passage::Refused(Instant::from_nanos(at + latency));
        }
        let lane = &mut link.lanes[channel as usize];
        // Strictly later: the queue would shuffle what arrives at one moment.
        let at = Instant::from_nanos(at.max(lane.last.as_nanos() + 1));
        lane.last = at;
        lane.established = true;
        Passage::At(at, stamp)
    }

    /// Returns whether a message that is due now arrives, or what becomes of it.
    #[inline]
    pub(crate) fn arrival(&self, envelope: &Envelope<D>) -> Arrival {
        let link = &self.links[envelope.from][envelope.to];
        let lane = &link.lanes[envelope.channel as usize];
        // Neither a block nor a break takes back what the kernel has.
        if !envelope.in_kernel {
            if envelope.connection < lane.oldest {
                return Arrival::Never;
            }
            if link.blocks > 0 {
                return Arrival::Later;
            }
        }
        match envelope.connection == lane.connection {
            true => Arrival::Now,
            false => Arrival::Late,
        }
    }

    /// Keeps a message until its link is not blocked any more.
    pub(crate) fn hold(&mut self, now: Instant, envelope: Envelope<D>) {
        let link = self.link(envelope.from, envelope.to);
        link.held.push(Held {
            since: now,
            envelope,
        });
    }

    /// Notes that a process listens. Returns the peers that learn only now that the process before
    /// it is gone.
    pub(crate) fn process_started(&mut self, node: Node) -> Vec<Node> {
        self.listen(node, true);
        let mut peers: Vec<Node> = self.peers(node).collect();
        peers.retain(|peer| std::mem::take(&mut self.link(node, *peer).notice_owed));
        peers
    }

    /// Notes that a process died: what was on its way to it is gone; what it sent still arrives.
    /// Returns when each peer learns of it, for the peers that can.
    pub(crate) fn process_died(&mut self, now: Instant, node: Node) -> Vec<(Instant, Node)> {
        self.listen(node, false);
        let latency = Duration::from_nanos(self.latency.min);
        let mut notices = Vec::new();
        for peer in self.peers(node) {
            self.break_link(peer, node, Channels::ALL);
            let link = self.link(node, peer);
            link.notice_owed = link.blocks > 0;
            let last = link.lanes.iter().map(|lane| lane.last).max();
            let at = last.unwrap_or(now).max(now + latency);
            for lane in &mut link.lanes {
                lane.established = false;
                if !link.notice_owed {
                    // What the next process sends comes after the notice.
                    lane.last = at;
                }
            }
            if !link.notice_owed {
                notices.push((at, peer));
            }
        }
        notices
    }

    /// Notes whether a process listens at a node.
    fn listen(&mut self, node: Node, listens: bool) {
        for from in self.links.values_mut() {
            from[node].is_listening = listens;
        }
    }

    fn peers(&self, node: Node) -> impl Iterator<Item = Node> + use<D> {
        self.links.ids().filter(move |peer| *peer != node)
    }

    /// Breaks channels between two nodes; what is in flight on them is gone.
    pub(crate) fn cut(&mut self, a: Node, b: Node, channels: Channels) {
        self.break_link(a, b, channels);
        self.break_link(b, a, channels);
    }

    /// Closes channels of a client with a broker. What the client sent on them may still arrive, since
    /// its kernel goes on to send it (tcp(7): `tcp_retries2`, `tcp_orphan_retries`); no answer does.
    /// What was to be sent on a connection that was never made is gone.
    pub(crate) fn close(&mut self, client: Node, broker: Node, channels: Channels) {
        let link = self.link(client, broker);
        let lanes = link.lanes;
        let is_made = channels
            .iter()
            .any(|channel| lanes[channel as usize].established);
        link.held.retain(|Held { envelope, .. }| {
            let lane = &lanes[envelope.channel as usize];
            let is_sent = envelope.connection != lane.connection || is_made;
            !channels.contains(envelope.channel) || is_sent && envelope.message.has_effect()
        });
        for channel in channels.iter() {
            link.lanes[channel as usize].close();
        }
        self.break_link(broker, client, channels);
    }

    fn break_link(&mut self, from: Node, to: Node, channels: Channels) {
        let link = self.link(from, to);
        for channel in channels.iter() {
            link.lanes[channel as usize].break_off();
        }
        link.held
            .retain(|held| !channels.contains(held.envelope.channel));
    }

    /// Blocks one direction; blocks add up.
    pub(crate) fn block(&mut self, from: Node, to: Node) {
        self.link(from, to).blocks += 1;
    }

    /// Takes one block away. Returns the held messages where it was the last block.
    pub(crate) fn unblock(&mut self, now: Instant, from: Node, to: Node) -> Released<D> {
        let link = &mut self.links[from][to];
        link.blocks = link.blocks.saturating_sub(1);
        let mut released = Released::default();
        if link.blocks > 0 {
            return released;
        }
        let mut held = std::mem::take(&mut link.held);
        // What was in flight when the block began is held later than what was sent during it.
        held.sort_by_key(|held| held.envelope.sequence);
        let mut arrivals = [None; Channel::COUNT];
        for Held { since, envelope } in held {
            let lane = &link.lanes[envelope.channel as usize];
            if envelope.connection == lane.connection {
                released.open.push(envelope);
            } else if envelope.connection >= lane.oldest {
                let arrival = &mut arrivals[envelope.channel as usize];
                let at = match *arrival {
                    Some(last) => last + Duration::from_nanos(1),
                    None => {
                        let pause = now.saturating_since(since).as_nanos() as u64;
                        let latency = self.latency.sample(&mut link.rng) + link.delay;
                        now + Duration::from_nanos(latency + link.rng.below(pause + 1))
                    }
                };
                *arrival = Some(at);
                released.closed.push((at, envelope));
            }
        }
        released
    }

    /// Adds a delay to one direction (zero: takes it away).
    pub(crate) fn delay(&mut self, from: Node, to: Node, by: Duration) {
        self.link(from, to).delay = by.as_nanos() as u64;
    }

    /// Delays everything that a node sends (zero: no more).
    pub(crate) fn throttle(&mut self, node: Node, by: Duration) {
        for link in self.links[node].values_mut() {
            link.throttle = by.as_nanos() as u64;
        }
    }

    /// Makes the network lose the response to the member's next request of this kind, with the
    /// connection on which it comes.
    pub(crate) fn lose_response(&mut self, member: Node, sharing: Sharing, kind: RequestKind) {
        self.losses.push(Loss {
            member,
            sharing,
            kind,
            request: None,
        });
    }

    /// Ends all `lose-response` faults.
    pub(crate) fn lose_no_response(&mut self) {
        self.losses.clear();
    }

    /// Notes a request that arrived at a broker, for the `lose-response` faults.
    #[inline]
    pub(crate) fn note_request(
        &mut self,
        from: Node,
        to: Node,
        correlation: Correlation,
        request: &Request<D>,
    ) {
        if self.losses.is_empty() {
            return;
        }
        let kind = request.kind();
        let waiting = self
            .losses
            .iter_mut()
            .find(|loss| loss.request.is_none() && loss.member == from && Some(loss.kind) == kind);
        if let Some(loss) = waiting {
            loss.request = Some((to, correlation));
        }
    }

    /// Returns the kind of the request that a response answers, where the response is to be lost
    /// now, and how its connection is shared.
    #[inline]
    pub(crate) fn loses(
        &mut self,
        from: Node,
        to: Node,
        correlation: Correlation,
    ) -> Option<(RequestKind, Sharing)> {
        if self.losses.is_empty() {
            return None;
        }
        let index = self
            .losses
            .iter()
            .position(|loss| loss.member == to && loss.request == Some((from, correlation)))?;
        let Loss { kind, sharing, .. } = self.losses.swap_remove(index);
        Some((kind, sharing))
    }

    fn link(&mut self, from: Node, to: Node) -> &mut Link<D> {
        &mut self.links[from][to]
    }
}
