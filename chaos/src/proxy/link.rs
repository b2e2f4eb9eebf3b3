//! The link of one member and one broker: what of it is broken, and for how long.

use super::once::Once;
use crate::address::BrokerAddress;
use plimsoll_access::Access;
use plimsoll_oracle::{MemberId, RequestKind};
use plimsoll_scenarios::scenario::Direction;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// What all connections of one member with one broker share.
#[derive(Debug)]
pub(super) struct Link {
    pub member: Arc<Member>,
    pub broker: Arc<Broker>,
    state: watch::Sender<LinkState>,
}

#[derive(Debug, Default)]
pub(super) struct LinkState {
    request_blocks: u32,
    response_blocks: u32,
    delay: Duration,
    cuts: u64,
}

/// One of the two ways through a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    ToBroker,
    ToMember,
}

impl Link {
    pub(super) fn new(member: Arc<Member>, broker: Arc<Broker>) -> Self {
        Self {
            member,
            broker,
            state: watch::Sender::default(),
        }
    }

    pub(super) fn block(&self, direction: Direction) {
        self.state.send_modify(|state| {
            for blocks in state.blocks_mut(direction) {
                *blocks += 1;
            }
        });
    }

    pub(super) fn unblock(&self, direction: Direction) {
        self.state.send_modify(|state| {
            for blocks in state.blocks_mut(direction) {
                *blocks = blocks.saturating_sub(1);
            }
        });
    }

    pub(super) fn delay(&self, by: Duration) {
        self.state.send_modify(|state| state.delay = by);
    }

    pub(super) fn cut(&self) {
        self.state.send_modify(|state| state.cuts += 1);
    }

    /// Returns the number of cuts so far.
    pub(super) fn cuts(&self) -> u64 {
        self.state.borrow().cuts
    }

    pub(super) fn is_blocked(&self, way: Way) -> bool {
        self.state.borrow().is_blocked(way)
    }

    /// Returns the time for which what goes this way is kept before it is sent on.
    pub(super) fn latency(&self, way: Way) -> Duration {
        let delay = self.state.borrow().delay;
        match way {
            Way::ToBroker => delay,
            Way::ToMember => delay.saturating_add(self.broker.throttled()),
        }
    }

    /// Waits for the link to be cut once more than `cuts` times.
    pub(super) async fn cut_again(&self, cuts: u64) {
        self.until(|state| state.cuts != cuts).await;
    }

    /// Waits until nothing blocks this way, or the link was cut once more than `cuts` times.
    pub(super) async fn unblocked(&self, way: Way, cuts: u64) {
        self.until(|state| !state.is_blocked(way) || state.cuts != cuts)
            .await;
    }

    async fn until(&self, is_so: impl FnMut(&LinkState) -> bool) {
        // It fails only where the sender is gone, which is a part of the link.
        let _ = self.state.subscribe().wait_for(is_so).await;
    }
}

impl LinkState {
    fn is_blocked(&self, way: Way) -> bool {
        match way {
            Way::ToBroker => self.request_blocks > 0,
            Way::ToMember => self.response_blocks > 0,
        }
    }

    fn blocks_mut(&mut self, direction: Direction) -> impl Iterator<Item = &mut u32> {
        let requests = direction != Direction::Responses;
        let responses = direction != Direction::Requests;
        let requests = requests.then_some(&mut self.request_blocks);
        let responses = responses.then_some(&mut self.response_blocks);
        requests.into_iter().chain(responses)
    }
}

/// What all links of one broker share.
#[derive(Debug)]
pub(super) struct Broker {
    pub address: BrokerAddress,
    /// The way to it.
    pub access: Access,
    /// The delay of its responses, in nanoseconds.
    throttle: AtomicU64,
}

impl Broker {
    pub(super) fn new(address: BrokerAddress, access: Access) -> Arc<Self> {
        Arc::new(Self {
            address,
            access,
            throttle: AtomicU64::new(0),
        })
    }

    pub(super) fn throttle(&self, by: Duration) {
        let nanos = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
        self.throttle.store(nanos, Ordering::Relaxed);
    }

    fn throttled(&self) -> Duration {
        Duration::from_nanos(self.throttle.load(Ordering::Relaxed))
    }
}

/// What all links of one member share.
#[derive(Debug)]
pub(super) struct Member {
    pub id: MemberId,
    /// The number of assignments that it has got.
    assignments: AtomicU64,
    /// The kinds of request whose next response will be lost.
    losses: Mutex<Vec<RequestKind>>,
    /// The API keys of what could not be read.
    pub unreadable: Once<i16>,
}

impl Member {
    pub(super) fn new(id: MemberId) -> Self {
        Self {
            id,
            assignments: AtomicU64::new(0),
            losses: Mutex::default(),
            unreadable: Once::default(),
        }
    }

    /// Returns the number of assignments that the member has got.
    pub(super) fn assignments(&self) -> u64 {
        self.assignments.load(Ordering::SeqCst)
    }

    pub(super) fn got_assignment(&self) {
        self.assignments.fetch_add(1, Ordering::SeqCst);
    }

    pub(super) fn lose_response(&self, kind: RequestKind) {
        self.losses
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(kind);
    }

    /// Returns whether a response of this kind is to be lost, and forgets it: the next one is not.
    pub(super) fn loses(&self, kind: RequestKind) -> bool {
        let mut losses = self.losses.lock().unwrap_or_else(PoisonError::into_inner);
        let found = losses.iter().position(|lost| *lost == kind);
        found.map(|index| losses.swap_remove(index)).is_some()
    }
}
