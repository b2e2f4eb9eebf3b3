//! The links between hosts: how long what is sent takes, and what holds it up.
//!
//! Nothing is ever lost on a link, and each direction keeps its order: what faults hold goes on
//! when they end. What was sent on a connection that one end has closed meanwhile comes later, as in
//! the simulator: its kernel sends again what was not acknowledged, after ever longer pauses
//! (`tcp_retransmit_timer`), and may be overtaken by what a new connection carries.

use plimsoll_core::Instant;
use plimsoll_scenarios::scenario::Distribution;
use plimsoll_scenarios::{Purpose, Rng};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;
use turmoil_net::{Packet, Transport};

/// The number of a host, which is in its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct HostNumber(pub(crate) u16);

/// One direction between two hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Way {
    pub(crate) from: HostNumber,
    pub(crate) to: HostNumber,
}

/// A packet, as links look at it.
pub(crate) trait Segment {
    /// Returns the ports of its connection, from and to.
    fn connection(&self) -> (u16, u16);

    /// Returns whether it is the last of its direction (FIN, or RST).
    fn closes(&self) -> bool;
}

impl Segment for Packet {
    fn connection(&self) -> (u16, u16) {
        match &self.payload {
            Transport::Tcp(segment) => (segment.src_port, segment.dst_port),
            Transport::Udp(_) => (0, 0),
        }
    }

    fn closes(&self) -> bool {
        matches!(&self.payload, Transport::Tcp(segment) if segment.flags.fin || segment.flags.rst)
    }
}

/// All links, and the packets (`P`) on them.
#[derive(Debug)]
pub(crate) struct Links<P> {
    seed: u64,
    latency: Distribution,
    links: BTreeMap<Way, Link<P>>,
    /// The packets that arrive at some time, in the order in which they do.
    flying: BTreeMap<(Instant, u64), (Way, P)>,
    /// The number of all packets that were sent.
    sent: u64,
}

#[derive(Debug)]
struct Link<P> {
    rng: Rng,
    /// The number of faults that hold what passes.
    blocks: u32,
    /// What a fault adds to the latency.
    delay: Duration,
    /// The arrival of the last packet.
    last: Instant,
    /// The moment of the first block, while there is one.
    held_since: Instant,
    held: VecDeque<P>,
}

impl<P: Segment> Links<P> {
    pub(crate) fn new(seed: u64, latency: Distribution) -> Self {
        Self {
            seed,
            latency,
            links: BTreeMap::new(),
            flying: BTreeMap::new(),
            sent: 0,
        }
    }

    /// Sends a packet on its way.
    pub(crate) fn send(&mut self, now: Instant, way: Way, packet: P) {
        let latency = self.latency;
        let link = self.link(way);
        if link.blocks > 0 {
            link.held.push_back(packet);
            return;
        }
        let at = now + latency.sample(&mut link.rng) + link.delay;
        link.last = link.last.max(at);
        let at = link.last;
        self.fly(at, way, packet);
    }

    fn fly(&mut self, at: Instant, way: Way, packet: P) {
        self.sent += 1;
        self.flying.insert((at, self.sent), (way, packet));
    }

    /// Takes out the next packet that has arrived by now.
    pub(crate) fn arrived(&mut self, now: Instant) -> Option<P> {
        let next = self.flying.first_entry()?;
        (next.key().0 <= now).then(|| next.remove().1)
    }

    /// Returns when the next packet arrives.
    pub(crate) fn next_at(&self) -> Option<Instant> {
        let next = self.flying.first_key_value();
        next.map(|((at, _), _)| *at)
    }

    /// Lets nothing pass, not even what is on its way, until as many calls of
    /// [`unblock`](Self::unblock).
    pub(crate) fn block(&mut self, now: Instant, way: Way) {
        let on_it = |_: &(Instant, u64), (on, _): &mut (Way, P)| *on == way;
        let stopped = self.flying.extract_if(.., on_it);
        let stopped: Vec<P> = stopped.map(|(_, (_, packet))| packet).collect();
        let link = self.link(way);
        if link.blocks == 0 {
            link.held_since = now;
        }
        link.blocks += 1;
        link.held.extend(stopped);
    }

    /// Takes one block away; after the last one, what was held goes on.
    pub(crate) fn unblock(&mut self, now: Instant, way: Way) {
        let link = self.link(way);
        link.blocks = link.blocks.saturating_sub(1);
        if link.blocks > 0 {
            return;
        }
        let held = std::mem::take(&mut link.held);
        let closes = held.iter().filter(|packet| packet.closes());
        let closed: BTreeMap<_, _> = closes
            .map(|packet| (packet.connection(), self.comes_again(now, way)))
            .collect();
        for packet in held {
            match closed.get(&packet.connection()) {
                Some(at) => self.fly(*at, way, packet),
                None => self.send(now, way, packet),
            }
        }
    }

    /// Draws when a kernel sends again what was held until now: its pauses have become as long as
    /// the time since the first block.
    fn comes_again(&mut self, now: Instant, way: Way) -> Instant {
        let latency = self.latency;
        let link = self.link(way);
        let pause = link
            .rng
            .between(Duration::ZERO, now.saturating_since(link.held_since));
        now + latency.sample(&mut link.rng) + link.delay + pause
    }

    /// Adds to the latency of what is sent from now on; zero ends it.
    pub(crate) fn delay(&mut self, way: Way, by: Duration) {
        self.link(way).delay = by;
    }

    fn link(&mut self, way: Way) -> &mut Link<P> {
        let seed = self.seed;
        self.links.entry(way).or_insert_with(|| {
            let id = u64::from(way.from.0) << 16 | u64::from(way.to.0);
            Link {
                rng: Rng::substream(seed, Purpose::Link, id),
                blocks: 0,
                delay: Duration::ZERO,
                last: Instant::ZERO,
                held_since: Instant::ZERO,
                held: VecDeque::new(),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const THERE: Way = Way {
        from: HostNumber(1),
        to: HostNumber(2),
    };
    const BACK: Way = Way {
        from: HostNumber(2),
        to: HostNumber(1),
    };

    fn at(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    /// A packet on the only connection, which never closes it.
    impl Segment for u32 {
        fn connection(&self) -> (u16, u16) {
            (0, 0)
        }

        fn closes(&self) -> bool {
            false
        }
    }

    /// A packet of the connection with this port; the last one closes it.
    impl Segment for (u16, &'static str) {
        fn connection(&self) -> (u16, u16) {
            (self.0, 0)
        }

        fn closes(&self) -> bool {
            self.1 == "FIN"
        }
    }

    fn links<P: Segment>() -> Links<P> {
        let millis = Duration::from_millis;
        Links::new(7, Distribution::even(millis(1), millis(9)))
    }

    fn arrived<P: Segment>(links: &mut Links<P>, now: Instant) -> Vec<P> {
        std::iter::from_fn(|| links.arrived(now)).collect()
    }

    #[test]
    fn each_direction_keeps_its_order() {
        let mut links = links();
        (0..50).for_each(|packet| links.send(at(0), THERE, packet));
        assert!(arrived(&mut links, at(0)).is_empty());
        assert_eq!(arrived(&mut links, at(9)), Vec::from_iter(0..50));
    }

    #[test]
    fn what_is_held_goes_on_with_the_end_of_the_last_block() {
        let mut links = links();
        links.send(at(0), THERE, 0);
        links.block(at(0), THERE);
        links.block(at(0), THERE);
        links.send(at(1), THERE, 1);
        links.send(at(1), BACK, 2);
        assert_eq!(arrived(&mut links, at(20)), [2]);
        links.unblock(at(20), THERE);
        assert_eq!(links.next_at(), None);
        links.unblock(at(30), THERE);
        assert!(links.next_at().is_some_and(|next| next > at(30)));
        assert_eq!(arrived(&mut links, at(50)), [0, 1]);
    }

    /// So a commit on a closed connection may reach its broker after a newer one.
    #[test]
    fn what_was_sent_on_a_closed_connection_comes_late_and_in_order() {
        let mut links = links();
        links.block(at(0), THERE);
        links.send(at(1), THERE, (1, "old"));
        links.send(at(5), THERE, (1, "FIN"));
        links.send(at(6), THERE, (2, "new"));
        links.unblock(at(1_000), THERE);
        let all = arrived(&mut links, at(3_000));
        assert_eq!(all, [(2, "new"), (1, "old"), (1, "FIN")]);
    }

    #[test]
    fn a_delay_adds_to_what_is_sent_while_it_lasts() {
        let mut links = links();
        links.delay(THERE, Duration::from_millis(100));
        links.send(at(0), THERE, 0);
        links.delay(THERE, Duration::ZERO);
        links.send(at(0), THERE, 1);
        assert!(arrived(&mut links, at(99)).is_empty(), "it would overtake");
        assert_eq!(arrived(&mut links, at(109)), [0, 1]);
    }
}
