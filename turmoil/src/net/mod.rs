//! The network of a run: hosts of `turmoil-net`, whose TCP carries the bytes, and the [`links`]
//! between them, which say when a packet arrives.
//!
//! `turmoil-net` has no clock: it gives out what its hosts send, and takes what they are to get. So
//! there are no ticks; the [`pump`] sleeps until the next packet arrives or a host sends something.
//! Like `turmoil-net` itself, a network belongs to its thread.

mod links;
mod stream;

pub(crate) use links::{HostNumber, Way};
pub(crate) use stream::{Listener, Stream};

use crate::clock::Clock;
use links::Links;
use plimsoll_core::Instant;
use plimsoll_scenarios::scenario::Distribution;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use turmoil_net::{EnterGuard, HostId, KernelConfig, Net, Packet};

/// The size of the largest packet in bytes: most frames are one.
const MTU: u32 = 65_535;

thread_local! {
    static ENTERED: RefCell<Option<Entered>> = const { RefCell::new(None) };
}

/// The network that this thread is in.
struct Entered {
    guard: EnterGuard,
    hosts: BTreeMap<HostNumber, HostId>,
    links: Links<Packet>,
    /// What is read out of the hosts; empty between two calls.
    egress: Vec<Packet>,
    /// Wakes the pump.
    activity: Arc<Notify>,
}

/// The network of a run, which this thread is in for as long as this lives. Its sockets must be
/// gone before.
#[derive(Debug)]
pub(crate) struct Network {
    activity: Arc<Notify>,
}

impl Network {
    /// Makes the hosts with these numbers, and enters their network.
    ///
    /// # Panics
    /// Where the thread is in a network already.
    pub(crate) fn enter(
        hosts: impl IntoIterator<Item = HostNumber>,
        seed: u64,
        latency: Distribution,
    ) -> Self {
        // What was not acknowledged is sent again there after so many looks at what is to be sent,
        // however little time that is. Nothing is lost here, so nothing need be sent again.
        let config = KernelConfig::default()
            .mtu(MTU)
            .retx_threshold(u32::MAX)
            .retx_max(u32::MAX);
        let mut net = Net::with_config(config);
        let hosts = hosts.into_iter();
        let hosts = hosts.map(|number| (number, net.add_host(address(number))));
        let hosts = hosts.collect();
        let activity = Arc::<Notify>::default();
        let entered = Entered {
            guard: net.enter(),
            hosts,
            links: Links::new(seed, latency),
            egress: Vec::new(),
            activity: activity.clone(),
        };
        ENTERED.set(Some(entered));
        Self { activity }
    }

    /// Returns what carries the packets, for as long as it is polled.
    pub(crate) fn pump(&self, clock: Clock) -> impl Future<Output = ()> + Send + 'static {
        pump(self.activity.clone(), clock)
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        ENTERED.set(None);
    }
}

/// Returns the address of a host.
pub(crate) fn address(host: HostNumber) -> IpAddr {
    let [high, low] = host.0.to_be_bytes();
    IpAddr::V4(Ipv4Addr::new(10, 0, high, low))
}

/// Returns the host at an address.
pub(crate) fn host_at(address: IpAddr) -> HostNumber {
    match address {
        IpAddr::V4(address) => {
            let [_, _, high, low] = address.octets();
            HostNumber(u16::from_be_bytes([high, low]))
        }
        IpAddr::V6(_) => HostNumber(0),
    }
}

/// Lets nothing pass these ways, until as many calls of [`unblock`].
pub(crate) fn block(ways: &[Way]) {
    with(|net| ways.iter().for_each(|way| net.links.block(*way)));
}

/// Takes one block of each of these ways away.
pub(crate) fn unblock(now: Instant, ways: &[Way]) {
    with(|net| ways.iter().for_each(|way| net.links.unblock(now, *way)));
    touch();
}

/// Adds to the latency of these ways; zero ends it.
pub(crate) fn delay(ways: &[Way], by: Duration) {
    with(|net| ways.iter().for_each(|way| net.links.delay(*way, by)));
}

/// Lets what follows happen at a host.
fn enter(host: HostNumber) {
    with(|net| {
        if let Some(id) = net.hosts.get(&host) {
            net.guard.set_current(*id);
        }
    });
}

/// Says that a host may have something to send.
fn touch() {
    with(|net| net.activity.notify_one());
}

/// Does something with the network of this thread. At the end of a run, there is none any more.
fn with<R>(act: impl FnOnce(&mut Entered) -> R) -> Option<R> {
    ENTERED.with_borrow_mut(|entered| entered.as_mut().map(act))
}

/// Carries the packets, for as long as it is polled.
async fn pump(activity: Arc<Notify>, clock: Clock) {
    loop {
        let now = clock.now();
        let next = with(|net| net.carry(now)).flatten();
        tokio::select! {
            biased;
            () = activity.notified() => {}
            () = clock.sleep_until(next) => {}
        }
    }
}

impl Entered {
    /// Carries what has arrived by now, and what was sent, on its way. Returns when the next packet
    /// arrives.
    fn carry(&mut self, now: Instant) -> Option<Instant> {
        loop {
            self.guard.egress_all(&mut self.egress);
            for packet in self.egress.drain(..) {
                let way = Way {
                    from: host_at(packet.src),
                    to: host_at(packet.dst),
                };
                self.links.send(now, way, packet);
            }
            let mut any = false;
            while let Some(packet) = self.links.arrived(now) {
                self.guard.deliver(packet);
                any = true;
            }
            if !any {
                return self.links.next_at();
            }
        }
    }
}
