//! What members of a group say of themselves and are given, in the consumers' own protocol
//! (`ConsumerProtocol`).

use crate::Names;
use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use kafka_protocol::messages::consumer_protocol_assignment::TopicPartition as Assigned;
use kafka_protocol::messages::consumer_protocol_subscription::TopicPartition as Owned;
use kafka_protocol::messages::{
    ConsumerProtocolAssignment, ConsumerProtocolSubscription, TopicName,
};
use kafka_protocol::protocol::{Decodable, Encodable, StrBytes};
use plimsoll_protocol::{Generation, PartitionIndex};

/// The version in which it is written.
const VERSION: i16 = 3;

/// What a member says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscribed {
    /// The topics to which it has subscribed.
    pub topics: Vec<StrBytes>,
    /// The partitions that it owns when it joins (KIP-429).
    pub owned: Vec<PartitionIndex>,
    /// The generation whose assignment they are (KIP-792); -1: none.
    pub since: Generation,
}

impl Subscribed {
    /// Writes it; `None`: a partition has no name.
    pub fn write(self, names: &Names) -> Option<Bytes> {
        let owned = by_topic(names, &self.owned)?;
        let owned = owned.map(|(topic, partitions)| {
            Owned::default()
                .with_topic(topic)
                .with_partitions(partitions)
        });
        let said = ConsumerProtocolSubscription::default()
            .with_topics(self.topics)
            .with_owned_partitions(owned.collect())
            .with_generation_id(self.since);
        versioned(&said)
    }

    /// Reads it; `None`: it makes no sense, or names a partition that is not known.
    pub fn read(names: &Names, mut bytes: Bytes) -> Option<Self> {
        let said: ConsumerProtocolSubscription = unversioned(&mut bytes)?;
        let owned = said.owned_partitions.into_iter();
        Some(Self {
            topics: said.topics,
            owned: partitions(names, owned.map(|owned| (owned.topic, owned.partitions)))?,
            since: said.generation_id,
        })
    }
}

/// Writes the partitions that a member is given; `None`: one has no name.
pub fn write_assignment(names: &Names, assigned: &[PartitionIndex]) -> Option<Bytes> {
    let assigned = by_topic(names, assigned)?;
    let assigned = assigned.map(|(topic, partitions)| {
        Assigned::default()
            .with_topic(topic)
            .with_partitions(partitions)
    });
    versioned(&ConsumerProtocolAssignment::default().with_assigned_partitions(assigned.collect()))
}

/// Reads the partitions that a member is given; `None`: that makes no sense, or one is not known.
pub fn read_assignment(names: &Names, mut bytes: Bytes) -> Option<Vec<PartitionIndex>> {
    // A member that gets nothing may get no bytes.
    if bytes.is_empty() {
        return Some(Vec::new());
    }
    let given: ConsumerProtocolAssignment = unversioned(&mut bytes)?;
    let assigned = given.assigned_partitions.into_iter();
    partitions(
        names,
        assigned.map(|assigned| (assigned.topic, assigned.partitions)),
    )
}

/// Returns the numbers of partitions, under the names of their topics.
fn by_topic(
    names: &Names,
    partitions: &[PartitionIndex],
) -> Option<impl Iterator<Item = (TopicName, Vec<i32>)> + use<>> {
    let partitions = partitions.iter().map(|partition| (*partition, ()));
    let topics = names.by_topic(partitions)?.into_iter();
    Some(topics.map(|(topic, partitions)| {
        let numbers = partitions.into_iter().map(|(number, ())| number);
        (topic, numbers.collect())
    }))
}

/// Returns the partitions that have these numbers in their topics.
fn partitions(
    names: &Names,
    topics: impl Iterator<Item = (TopicName, Vec<i32>)>,
) -> Option<Vec<PartitionIndex>> {
    let partitions = topics.flat_map(|(topic, numbers)| {
        let numbers = numbers.into_iter();
        numbers.map(move |number| names.partition(&topic, number))
    });
    partitions.collect()
}

/// Writes what the protocol says, behind its version.
fn versioned(said: &impl Encodable) -> Option<Bytes> {
    let mut bytes = BytesMut::new();
    bytes.put_i16(VERSION);
    said.encode(&mut bytes, VERSION).ok()?;
    Some(bytes.freeze())
}

/// Reads what the protocol says in a version, or, of a later one, as far as it is known
/// (`ConsumerProtocol.deserializeVersion`).
fn unversioned<T: Decodable>(bytes: &mut Bytes) -> Option<T> {
    let version = bytes.try_get_i16().ok()?;
    T::decode(bytes, version.min(VERSION)).ok()
}
