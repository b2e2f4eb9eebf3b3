//! What messages between two nodes travel on.

/// A stream of messages between two nodes, in order. A broker takes the requests of one stream one
/// by one, in order: what comes behind a fetch that waits for records, or behind a join that waits
/// for other members, waits as well (`SocketServer`: `Processor.processCompletedReceives` mutes the
/// channel, `processCompletedSends` unmutes it). Between brokers and controller, each is a
/// connection. Of a client, several may be one ([`Sharing`]): what it sends travels on the stream
/// that stands for its connection ([`Sharing::lane`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Channel {
    /// Produce, Metadata, ListOffsets, FindCoordinator; between brokers and the controller: all.
    Data,
    /// Fetch.
    Fetch,
    /// Everything about the group.
    Coordinator,
}

impl Channel {
    /// Number of channels.
    pub const COUNT: usize = 3;

    /// All channels, by their numbers.
    const ALL: [Self; Self::COUNT] = [Self::Data, Self::Fetch, Self::Coordinator];
}

/// Channels between two nodes that break together, as bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Channels(u8);

impl Channels {
    /// All channels.
    pub const ALL: Self = Self::of(&Channel::ALL);

    const fn of(channels: &[Channel]) -> Self {
        let mut bits = 0;
        let mut index = 0;
        while index < channels.len() {
            bits |= 1 << channels[index] as u8;
            index += 1;
        }
        Self(bits)
    }

    /// Returns whether a channel is among them.
    #[inline]
    pub const fn contains(self, channel: Channel) -> bool {
        self.0 & 1 << channel as u8 != 0
    }

    /// Returns the channels.
    pub fn iter(self) -> impl Iterator<Item = Channel> {
        let all = Channel::ALL.into_iter();
        all.filter(move |channel| self.contains(*channel))
    }
}

/// The TCP connections of a client with a broker: which channels are one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// One connection for all (Sarama: `client.Leader` and `client.Coordinator` return the same
    /// `Broker`).
    All,
    /// One for what concerns the group, another one for the rest (librdkafka: `rd_kafka_cgrp_new`
    /// adds the logical broker "GroupCoordinator"; Java: `AbstractCoordinator` connects to the node
    /// `Integer.MAX_VALUE - nodeId`).
    GroupApart,
}

impl Sharing {
    /// Returns the channels that share a connection with this one.
    #[inline]
    pub const fn connection(self, channel: Channel) -> Channels {
        match (self, channel) {
            (Self::All, _) => Channels::ALL,
            (Self::GroupApart, Channel::Coordinator) => Channels::of(&[Channel::Coordinator]),
            (Self::GroupApart, Channel::Data | Channel::Fetch) => {
                Channels::of(&[Channel::Data, Channel::Fetch])
            }
        }
    }

    /// Returns the channel on which travels what belongs on this one.
    #[inline]
    pub const fn lane(self, channel: Channel) -> Channel {
        match (self, channel) {
            (Self::GroupApart, Channel::Coordinator) => Channel::Coordinator,
            (Self::All | Self::GroupApart, _) => Channel::Fetch,
        }
    }
}
