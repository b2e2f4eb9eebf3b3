//! The links between hosts: how long what is sent takes, and what holds it up.
//!
//! Nothing is ever lost on a link, and each direction keeps its order: what faults hold goes on
//! when they end, also what was sent on a connection that one end has closed meanwhile, as a kernel
//! sends again what was not acknowledged (`tcp_retransmit_timer`).

use plimsoll_core::Instant;
use plimsoll_scenarios::scenario::Distribution;
use plimsoll_scenarios::{Purpose, Rng};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// The number of a host, which is in its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct HostNumber(pub(crate) u16);

/// One direction between two hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Way {
    pub(crate) from: HostNumber,
    pub(crate) to: HostNumber,
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
    held: VecDeque<P>,
}

impl<P> Links<P> {
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
    pub(crate) fn block(&mut self, way: Way) {
        let on_it = |_: &(Instant, u64), (on, _): &mut (Way, P)| *on == way;
        let stopped = self.flying.extract_if(.., on_it);
        let stopped: Vec<P> = stopped.map(|(_, (_, packet))| packet).collect();
        let link = self.link(way);
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
        for packet in std::mem::take(&mut link.held) {
            self.send(now, way, packet);
        }
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

    fn links() -> Links<u32> {
        let millis = Duration::from_millis;
        Links::new(7, Distribution::even(millis(1), millis(9)))
    }

    fn arrived(links: &mut Links<u32>, now: Instant) -> Vec<u32> {
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
        links.block(THERE);
        links.block(THERE);
        links.send(at(1), THERE, 1);
        links.send(at(1), BACK, 2);
        assert_eq!(arrived(&mut links, at(20)), [2]);
        links.unblock(at(20), THERE);
        assert_eq!(links.next_at(), None);
        links.unblock(at(30), THERE);
        assert!(links.next_at().is_some_and(|next| next > at(30)));
        assert_eq!(arrived(&mut links, at(50)), [0, 1]);
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
