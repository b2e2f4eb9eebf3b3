//! The proxy between members and brokers: it reports what passes, and breaks it.
//!
//! Each pair of a member and a broker has a listener of its own, so the port that a connection came
//! in by tells the member, whatever the language of the client. What brokers say of
//! their addresses is rewritten, so that a member never leaves its own listeners.
//!
//! It reports into a channel, and waits until the report was noted ([`Report`]):
//! - a request when it was read from the member, before anything can hold it;
//! - what a *broker did* ([`Seen::CommitAnswered`]) when its answer was read from the broker,
//!   even where a block or a delay then holds that answer back;
//! - what a *member learns* ([`Seen::Joined`], [`Seen::JoinRefused`], [`Seen::Synced`],
//!   [`Seen::Fenced`], [`Seen::RebalanceAsked`], [`Seen::OutOfRange`]) just before it is sent to the member;
//! - [`Seen::CommitUnanswered`] when the member's connection ended, once for each commit whose
//!   answer was not sent to it, whether or not the broker had answered by then.
//!
//! A broker may still accept a commit whose member is gone: what a process sent before it was
//! killed arrives. So the proxy stays connected with the broker for as long as it owes answers to
//! commits, and `CommitAnswered` may follow `CommitUnanswered`.

mod connection;
mod frame;
mod gateway;
#[cfg(feature = "kafka-tests")]
pub mod kafka_tests;
mod link;
mod listener;
mod observe;
mod once;
mod rewrite;
mod seen;
mod session;
#[cfg(any(test, feature = "kafka-tests"))]
mod testing;
#[cfg(test)]
mod tests;
mod versions;

pub(crate) use gateway::Gateway;
pub(crate) use seen::{CommitAnswer, Produced, Report, Seen};

use crate::address::BrokerAddress;
use crate::channel::Sender;
use crate::error::ChaosError;
use crate::options::Reach;
use crate::per_member::PerMember;
use connection::Route;
use link::{Broker, Link, Member};
use plimsoll_access::Access;
use plimsoll_oracle::{BrokerId, MemberId, RequestKind};
use plimsoll_scenarios::scenario::Direction;
use rewrite::Addresses;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// All listeners of one run: one for each pair of a member and a broker.
///
/// Faults return at once and report nothing, so that a report may be answered with one. One that
/// names a member or a broker that does not exist is an error.
#[derive(Clone, Debug)]
pub(crate) struct Proxy {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    members: PerMember<MemberLinks>,
    brokers: Vec<Arc<Broker>>,
    listeners: Mutex<Vec<JoinHandle<()>>>,
    /// True, or dropped: everything ends.
    closing: watch::Sender<bool>,
}

#[derive(Debug)]
struct MemberLinks {
    member: Arc<Member>,
    /// The links, in the order of the brokers.
    links: Vec<Arc<Link>>,
    addresses: Arc<Addresses>,
}

impl Proxy {
    /// Starts the listeners of all members on this machine alone, before brokers that are reached
    /// in plain text.
    ///
    /// # Errors
    /// Where no port can be listened at.
    #[cfg(any(test, feature = "kafka-tests"))]
    pub(crate) async fn start(
        members: usize,
        brokers: &[BrokerAddress],
        reports: &Sender<Report>,
    ) -> io::Result<Self> {
        let (access, reach) = (Access::default(), Reach::default());
        Self::open(members, brokers, &access, &reach, reports).await
    }

    /// Starts the listeners of all members.
    ///
    /// # Errors
    /// Where no port can be listened at.
    pub(crate) async fn open(
        members: usize,
        brokers: &[BrokerAddress],
        access: &Access,
        reach: &Reach,
        reports: &Sender<Report>,
    ) -> io::Result<Self> {
        let brokers = brokers.iter().cloned();
        let brokers = brokers.map(|broker| Broker::new(broker, access.clone()));
        let brokers: Vec<_> = brokers.collect();
        let (closing, closed) = watch::channel(false);
        let mut listeners = Vec::new();
        let mut by_member = Vec::new();
        for id in 0..members as u32 {
            let member = Arc::new(Member::new(MemberId(id)));
            let mut sockets = Vec::new();
            let mut ports = Vec::new();
            for broker in &brokers {
                let socket = TcpListener::bind((reach.listen, 0)).await?;
                ports.push((broker.address.node_id, socket.local_addr()?.port()));
                sockets.push(socket);
            }
            let addresses = Arc::new(Addresses::new(reach, ports));
            let links: Vec<_> = brokers
                .iter()
                .map(|broker| Arc::new(Link::new(member.clone(), broker.clone())))
                .collect();
            for (socket, link) in sockets.into_iter().zip(&links) {
                let route = Route {
                    link: link.clone(),
                    addresses: addresses.clone(),
                    reports: reports.clone(),
                };
                listeners.push(tokio::spawn(listener::run(route, socket, closed.clone())));
            }
            by_member.push(MemberLinks {
                member,
                links,
                addresses,
            });
        }
        Ok(Self {
            inner: Arc::new(Inner {
                members: by_member.into_iter().collect(),
                brokers,
                listeners: Mutex::new(listeners),
                closing,
            }),
        })
    }

    /// Returns the bootstrap servers of each member: its own listeners.
    pub(crate) fn bootstraps(&self) -> PerMember<String> {
        let members = self.inner.members.values();
        members.map(|member| member.addresses.bootstrap()).collect()
    }

    /// Holds what is sent between the member and a broker, or all brokers where it is `None`. After
    /// [`Proxy::unblock`] it arrives where its connection lived on. Blocks add up.
    pub(crate) fn block(
        &self,
        member: MemberId,
        broker: Option<u32>,
        direction: Direction,
    ) -> Result<(), ChaosError> {
        self.each_link(member, broker, |link| link.block(direction))
    }

    /// Takes one block away.
    pub(crate) fn unblock(
        &self,
        member: MemberId,
        broker: Option<u32>,
        direction: Direction,
    ) -> Result<(), ChaosError> {
        self.each_link(member, broker, |link| link.unblock(direction))
    }

    /// Delays everything that is sent, each way, by a duration; zero ends the delay.
    pub(crate) fn delay(
        &self,
        member: MemberId,
        broker: Option<u32>,
        by: Duration,
    ) -> Result<(), ChaosError> {
        self.each_link(member, broker, |link| link.delay(by))
    }

    /// Delays every response of a broker, to all members, by a duration; zero ends the delay.
    pub(crate) fn throttle(&self, broker: u32, by: Duration) -> Result<(), ChaosError> {
        let mut brokers = self.inner.brokers.iter();
        let known = brokers.find(|known| known.address.index == broker);
        known.ok_or_else(|| no_broker(broker))?.throttle(by);
        Ok(())
    }

    /// Breaks the connections that there are, with what is held or on its way.
    ///
    /// The member notices at once. The broker notices as soon as it has answered the commits that
    /// it got, so that the trace has them.
    pub(crate) fn cut(&self, member: MemberId, broker: Option<u32>) -> Result<(), ChaosError> {
        self.each_link(member, broker, Link::cut)
    }

    /// Swallows the next response of this kind from any broker to the member, and breaks its
    /// connection. Responses that were read from a broker before do not count.
    pub(crate) fn lose_response(
        &self,
        member: MemberId,
        kind: RequestKind,
    ) -> Result<(), ChaosError> {
        self.links(member)?.member.lose_response(kind);
        Ok(())
    }

    /// Ends all connections and listeners. Nothing is reported any more once it returns.
    pub(crate) async fn shut_down(&self) {
        self.inner.closing.send_replace(true);
        let listeners = {
            let listeners = self.inner.listeners.lock();
            std::mem::take(&mut *listeners.unwrap_or_else(PoisonError::into_inner))
        };
        for listener in listeners {
            // A listener that panicked has ended too.
            let _ = listener.await;
        }
    }

    fn each_link(
        &self,
        member: MemberId,
        broker: Option<u32>,
        change: impl Fn(&Link),
    ) -> Result<(), ChaosError> {
        let links = &self.links(member)?.links;
        match broker {
            None => links.iter().for_each(|link| change(link)),
            Some(broker) => {
                let mut links = links.iter();
                let link = links.find(|link| link.broker.address.index == broker);
                change(link.ok_or_else(|| no_broker(broker))?);
            }
        }
        Ok(())
    }

    fn links(&self, member: MemberId) -> Result<&MemberLinks, ChaosError> {
        let links = self.inner.members.get(member);
        links.ok_or_else(|| ChaosError::Internal(format!("the proxy does not know {member}")))
    }
}

/// Makes the error for a fault of a broker that is not there: a plan may have more brokers than a
/// cluster that is there already.
fn no_broker(broker: u32) -> ChaosError {
    let broker = BrokerId(broker);
    ChaosError::Scenario(format!("the cluster has no {broker}"))
}
