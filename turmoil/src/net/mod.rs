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
    /// Whether a host may have something to send. To look takes all sockets of all hosts.
    is_touched: bool,
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
            is_touched: false,
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
pub(crate) fn block(now: Instant, ways: &[Way]) {
    with(|net| ways.iter().for_each(|way| net.links.block(now, *way)));
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
    with(|net| {
        net.is_touched = true;
        net.activity.notify_one();
    });
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
            if std::mem::take(&mut self.is_touched) {
                self.send(now);
            }
            while let Some(packet) = self.links.arrived(now) {
                self.guard.deliver(packet);
                self.is_touched = true;
            }
            if !self.is_touched {
                return self.links.next_at();
            }
        }
    }

    /// Sends on their way what the hosts have to send.
    fn send(&mut self, now: Instant) {
        self.guard.egress_all(&mut self.egress);
        for packet in self.egress.drain(..) {
            let way = Way {
                from: host_at(packet.src),
                to: host_at(packet.dst),
            };
            self.links.send(now, way, packet);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::SocketAddr;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    const SERVER: HostNumber = HostNumber(1);
    const CLIENT: HostNumber = HostNumber(2);
    const THERE: Way = Way {
        from: CLIENT,
        to: SERVER,
    };

    /// Runs in a network of a server that answers each byte with the same one, and a client.
    fn run<F: Future>(client: impl FnOnce(Clock, SocketAddr) -> F) -> F::Output {
        let latency = Distribution::even(Duration::from_millis(5), Duration::from_millis(5));
        let network = Network::enter([SERVER, CLIENT], 3, latency);
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.enable_time().start_paused(true).build();
        let runtime = runtime.expect("it needs nothing of the system");
        let at = SocketAddr::new(address(SERVER), 9092);
        let output = runtime.block_on(async {
            let clock = Clock::start();
            tokio::spawn(network.pump(clock));
            let listener = Listener::bind(SERVER, at).await.expect("the port is free");
            tokio::spawn(async move {
                while let Ok((mut stream, peer)) = listener.accept().await {
                    assert_eq!(host_at(peer.ip()), CLIENT);
                    tokio::spawn(async move {
                        while let Ok(byte) = stream.read_u8().await {
                            stream.write_u8(byte).await.expect("the client reads");
                        }
                    });
                }
            });
            client(clock, at).await
        });
        drop(runtime);
        output
    }

    #[test]
    fn what_is_asked_is_answered_after_both_latencies() {
        let took = run(async |clock, at| {
            let mut stream = Stream::connect(CLIENT, at).await.expect("it listens");
            let asked = clock.now();
            stream.write_u8(7).await.expect("it is connected");
            assert_eq!(stream.read_u8().await.expect("an answer"), 7);
            clock.now().saturating_since(asked)
        });
        assert_eq!(took, Duration::from_millis(10));
    }

    #[test]
    fn what_a_fault_holds_arrives_afterwards_and_so_does_a_new_connection() {
        run(async |clock, at| {
            let mut stream = Stream::connect(CLIENT, at).await.expect("it listens");
            block(clock.now(), &[THERE]);
            stream.write_u8(7).await.expect("the kernel takes it");
            let within = Duration::from_secs(60);
            let answer = tokio::time::timeout(within, stream.read_u8()).await;
            assert!(answer.is_err(), "{answer:?}");
            let new = tokio::time::timeout(within, Stream::connect(CLIENT, at)).await;
            assert!(new.is_err(), "{new:?}");
            let healed = clock.now();
            unblock(healed, &[THERE]);
            assert_eq!(stream.read_u8().await.expect("an answer"), 7);
            let took = clock.now().saturating_since(healed);
            assert_eq!(took, Duration::from_millis(10));
            assert!(Stream::connect(CLIENT, at).await.is_ok());
        });
    }

    #[test]
    fn a_port_that_nothing_listens_at_refuses() {
        run(async |_, at| {
            let elsewhere = SocketAddr::new(at.ip(), 1);
            let refused = Stream::connect(CLIENT, elsewhere).await.map(|_| ());
            let refused = refused.expect_err("nothing listens");
            assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
        });
    }
}
