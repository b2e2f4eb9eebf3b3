//! The names of topics, groups, members, instances and brokers, which are numbers in messages.

use crate::Wire;
use kafka_protocol::messages::{BrokerId, GroupId, TopicName};
use kafka_protocol::protocol::StrBytes;
use plimsoll_protocol::{
    ErrorName, GroupIndex, GroupMemberId, Node, PartitionIndex, ProtocolType, VotedProtocol,
};
use std::collections::BTreeMap;
use uuid::Uuid;

/// The topic of commits and group states.
pub const OFFSETS_TOPIC: &str = "__consumer_offsets";

/// A topic.
#[derive(Clone, Debug)]
pub struct Topic {
    /// Its id; nil: no answer has told it.
    pub id: Uuid,
    /// Its partitions, in order: those that there are, and those that there can be.
    pub partitions: Vec<PartitionIndex>,
    /// The error of the topic in the last answer that told of it, if there was one.
    pub error: Option<ErrorName>,
}

/// All names.
#[derive(Clone, Debug)]
pub struct Names {
    topics: BTreeMap<String, Topic>,
    partitions: BTreeMap<PartitionIndex, (String, i32)>,
    /// Groups, by name, and by number.
    groups: BTreeMap<String, GroupIndex>,
    group_names: Vec<String>,
    members: Numbers,
    instances: Numbers,
    protocol_types: Numbers,
    nodes: BTreeMap<BrokerId, Node>,
    /// Where brokers are reached, as far as that is known, by node.
    addresses: Vec<Option<(StrBytes, u16)>>,
    /// A topic that has more partitions than there is room for.
    overgrown: Option<String>,
}

/// What belongs to partitions, under their topics.
pub type ByTopic<T> = Vec<(TopicName, Vec<(i32, T)>)>;

/// Names with numbers.
#[derive(Clone, Debug, Default)]
struct Numbers {
    by_name: BTreeMap<StrBytes, u32>,
    by_number: BTreeMap<u32, StrBytes>,
}

impl Numbers {
    fn bind(&mut self, name: StrBytes, number: u32) {
        self.by_name.insert(name.clone(), number);
        self.by_number.insert(number, name);
    }

    fn number(&mut self, name: &StrBytes) -> u32 {
        if let Some(number) = self.by_name.get(name) {
            return *number;
        }
        let number = self.by_name.len() as u32;
        self.bind(name.clone(), number);
        number
    }

    fn name(&self, number: u32) -> StrBytes {
        self.by_number.get(&number).cloned().unwrap_or_default()
    }
}

impl Names {
    /// Creates the names that all know: of no member, and of the protocol of consumers.
    pub fn new() -> Self {
        let mut names = Self {
            topics: BTreeMap::new(),
            partitions: BTreeMap::new(),
            groups: BTreeMap::new(),
            group_names: Vec::new(),
            members: Numbers::default(),
            instances: Numbers::default(),
            protocol_types: Numbers::default(),
            nodes: BTreeMap::new(),
            addresses: Vec::new(),
            overgrown: None,
        };
        names.bind_member(StrBytes::default(), GroupMemberId::EMPTY);
        names
            .protocol_types
            .bind("consumer".into(), ProtocolType::CONSUMER.0.into());
        names
    }

    /// Adds a topic, without partitions.
    pub fn add_topic(&mut self, name: &str, id: Uuid) {
        let topic = Topic {
            id,
            partitions: Vec::new(),
            error: None,
        };
        self.topics.insert(name.to_owned(), topic);
    }

    /// Adds partitions to a topic.
    pub fn add_partitions(&mut self, name: &str, added: &[PartitionIndex]) {
        let Some(topic) = self.topics.get_mut(name) else {
            return;
        };
        for index in added {
            let number = topic.partitions.len() as i32;
            self.partitions.insert(*index, (name.to_owned(), number));
            topic.partitions.push(*index);
        }
    }

    /// Takes a topic out. Returns its partitions.
    pub fn remove_topic(&mut self, name: &str) -> Option<Vec<PartitionIndex>> {
        Some(self.topics.remove(name)?.partitions)
    }

    /// Returns the topics, by name.
    pub fn topics(&self) -> impl Iterator<Item = (&String, &Topic)> {
        self.topics.iter()
    }

    /// Returns the topic with a name.
    pub fn topic(&self, name: &str) -> Option<&Topic> {
        self.topics.get(name)
    }

    /// Returns the name of the topic with an id.
    pub fn topic_with(&self, id: Uuid) -> Option<&str> {
        let mut topics = self.topics.iter();
        topics
            .find(|(_, topic)| topic.id == id)
            .map(|(name, _)| name.as_str())
    }

    /// Returns the partition with a number in a topic.
    pub fn partition(&self, topic: &str, partition: i32) -> Option<PartitionIndex> {
        let number = usize::try_from(partition).ok()?;
        self.topics.get(topic)?.partitions.get(number).copied()
    }

    /// Returns the topic of a partition, and its number there.
    pub fn place(&self, partition: PartitionIndex) -> Option<(TopicName, i32)> {
        let (topic, number) = self.partitions.get(&partition)?;
        Some((topic_name(topic), *number))
    }

    /// Puts what belongs to partitions under their topics: neighbours of one topic come together.
    pub fn by_topic<T>(
        &self,
        parts: impl IntoIterator<Item = (PartitionIndex, T)>,
    ) -> Option<ByTopic<T>> {
        let mut topics = ByTopic::<T>::new();
        for (partition, part) in parts {
            let (topic, number) = self.place(partition)?;
            match topics.last_mut() {
                Some((last, parts)) if *last == topic => parts.push((number, part)),
                _ => topics.push((topic, vec![(number, part)])),
            }
        }
        Some(topics)
    }

    /// Returns the partition of a topic that is named, or has an id.
    pub(crate) fn told_partition(
        &self,
        name: &TopicName,
        id: Uuid,
        number: i32,
    ) -> Option<PartitionIndex> {
        match self.topic_with(id).filter(|_| !id.is_nil()) {
            Some(name) => self.partition(name, number),
            None => self.partition(name, number),
        }
    }

    /// Returns the partition of a topic that a broker describes. Notes a topic that has more than
    /// there is room for.
    pub(crate) fn described_partition(
        &mut self,
        topic: &str,
        number: i32,
    ) -> Option<PartitionIndex> {
        let partition = self.partition(topic, number);
        if partition.is_none() {
            self.overgrown = Some(topic.to_owned());
        }
        partition
    }

    /// Takes the name of a topic that has more partitions than there is room for.
    pub fn take_overgrown(&mut self) -> Option<String> {
        self.overgrown.take()
    }

    /// Takes the id of a topic, or the error with which a broker tells of it.
    pub(crate) fn take_topic(&mut self, name: &str, told: Result<Uuid, ErrorName>) {
        let Some(topic) = self.topics.get_mut(name) else {
            return;
        };
        topic.error = told.err();
        if let Some(id) = told.ok().filter(|id| !id.is_nil()) {
            topic.id = id;
        }
    }

    /// Returns the id of a topic, where that is known.
    pub fn topic_id(&self, name: &str) -> Option<Uuid> {
        let id = self.topics.get(name)?.id;
        (!id.is_nil()).then_some(id)
    }

    /// Returns the groups, by name.
    pub fn groups(&self) -> impl Iterator<Item = (&String, &GroupIndex)> {
        self.groups.iter()
    }

    /// Returns a group's number, if it has one.
    pub fn group(&self, name: &str) -> Option<GroupIndex> {
        self.groups.get(name).copied()
    }

    /// Adds a group, whose number is the next one.
    pub fn add_group(&mut self, name: &str, group: GroupIndex) {
        self.groups.insert(name.to_owned(), group);
        self.group_names.push(name.to_owned());
    }

    /// Returns the name of a group; empty: it has none.
    pub fn group_name(&self, group: GroupIndex) -> &str {
        self.group_names
            .get(group.0 as usize)
            .map_or("", String::as_str)
    }

    /// Returns the id of a group that is known.
    pub(crate) fn group_id(&self, group: GroupIndex) -> Option<GroupId> {
        let name = self.group_names.get(group.0 as usize)?;
        Some(StrBytes::from_string(name.clone()).into())
    }

    /// Gives an id to a member.
    pub fn bind_member(&mut self, name: StrBytes, member: GroupMemberId) {
        self.members.bind(name, member.0);
    }

    /// Returns the member with an id; one that no coordinator gave is no member's.
    pub fn member(&self, name: &StrBytes) -> GroupMemberId {
        match name.is_empty() {
            true => GroupMemberId::EMPTY,
            false => GroupMemberId(self.members.by_name.get(name).copied().unwrap_or(u32::MAX)),
        }
    }

    /// Returns the id of a member, where it has one by now.
    pub fn known_member_id(&self, member: GroupMemberId) -> Option<StrBytes> {
        self.members.by_number.get(&member.0).cloned()
    }

    /// Returns the member with an id that a coordinator tells its client.
    pub(crate) fn told_member(&mut self, name: &StrBytes) -> GroupMemberId {
        GroupMemberId(self.members.number(name))
    }

    /// Gives a name to an instance.
    pub fn bind_instance(&mut self, name: StrBytes, instance: u32) {
        self.instances.bind(name, instance);
    }

    /// Returns the number of an instance, which gets one where it has none.
    pub fn instance(&mut self, name: &Option<StrBytes>) -> Option<u32> {
        name.as_ref().map(|name| self.instances.number(name))
    }

    /// Returns the name of an instance.
    pub fn instance_name(&self, instance: Option<u32>) -> Option<StrBytes> {
        instance.map(|instance| self.instances.name(instance))
    }

    /// Returns the number of a type of protocols, which gets one where it has none.
    pub fn protocol_type(&mut self, name: &StrBytes) -> Option<ProtocolType> {
        (!name.is_empty()).then(|| ProtocolType(self.protocol_types.number(name) as u16))
    }

    /// Returns the name of a type of protocols.
    pub fn protocol_type_name(&self, of: ProtocolType) -> StrBytes {
        self.protocol_types.name(of.0.into())
    }

    /// Returns the names of the protocol for which members voted, with its type.
    pub fn voted(
        &self,
        protocol: Option<VotedProtocol<Wire>>,
    ) -> (Option<StrBytes>, Option<StrBytes>) {
        let names = protocol.map(|(kind, name)| (self.protocol_type_name(kind), name));
        names.unzip()
    }

    /// Returns the protocol for which members voted, of its names.
    pub(crate) fn told_protocol(
        &mut self,
        kind: Option<StrBytes>,
        name: Option<StrBytes>,
    ) -> Option<VotedProtocol<Wire>> {
        let kind = self.protocol_type(&kind.unwrap_or_default());
        kind.zip(name)
    }

    /// Returns the broker with Kafka's number, which becomes the next one where it is new; `None`:
    /// there are more than can be told apart.
    pub fn told_broker(&mut self, id: BrokerId) -> Option<Node> {
        if let Some(node) = self.nodes.get(&id) {
            return Some(*node);
        }
        let node = u16::try_from(self.addresses.len()).ok()?;
        self.addresses.push(None);
        self.nodes.insert(id, Node(node));
        Some(Node(node))
    }

    /// Takes the address of the broker with Kafka's number. Returns the broker.
    pub fn take_address(&mut self, id: BrokerId, host: &StrBytes, port: i32) -> Option<Node> {
        let node = self.told_broker(id)?;
        let port = u16::try_from(port).ok()?;
        self.addresses[usize::from(node.0)] = Some((host.clone(), port));
        Some(node)
    }

    /// Returns the host and the port at which clients reach a broker, where they are known.
    pub fn address(&self, broker: Node) -> Option<&(StrBytes, u16)> {
        self.addresses.get(usize::from(broker.0))?.as_ref()
    }
}

impl Default for Names {
    fn default() -> Self {
        Self::new()
    }
}

/// Returns a topic's name as it stands in messages.
pub fn topic_name(name: &str) -> TopicName {
    TopicName(StrBytes::from_string(name.to_owned()))
}
