//! The simulated clients: the producer, and the members of the group.
//!
//! A [`Member`] is a process that can die; what lives in it is a [`process`], a client (the crate
//! `plimsoll-client`) with the subject on top of it, which is the [`application`]. What real
//! clients do [`late`], and no subject may rely on, is here too. The [`Producer`] is a process of
//! its own kind. Both say what brokers carry through a [`speaker`].

mod application;
mod late;
mod member;
mod process;
mod producer;
mod speaker;
#[cfg(test)]
mod tests;

pub(crate) use member::Member;
pub(crate) use producer::Producer;
pub use speaker::LeanSpeaker;

use crate::protocol::{Channel, Node, Request, Sharing};
use plimsoll_scenarios::{Plan, Purpose, Rng};

/// Returns the number of brokers, and the one that a client asks first.
fn first_broker(plan: &Plan, client: Node) -> (u16, Node) {
    let brokers = plan.settings.cluster.brokers as u16;
    let mut rng = Rng::substream(plan.seed, Purpose::Client, u64::from(client.0));
    (brokers, Node(rng.below(u64::from(brokers)) as u16))
}

/// Returns the channel on which a member sends a request: the one that stands for its connection.
///
/// Dead letters wait behind nothing else: a producer is a client of its own.
#[inline]
fn lane_of(sharing: Sharing, channel: Channel, request: &Request) -> Channel {
    match request {
        Request::Produce { .. } => Channel::Data,
        _ => sharing.lane(channel),
    }
}
