//! The names of topics, groups, members and instances, which are numbers inside.

use super::dialect::Wire;
use super::settings::{
    BrokerSetting, MIN_INSYNC, Setting, Source, TopicSettings, number, of_brokers,
};
use crate::cluster::{ClusterSettings, Placement, Shared};
use crate::protocol::{GroupIndex, GroupMemberId, Node, ProtocolType, VotedProtocol};
use crate::topology::PartitionIndex;
use kafka_protocol::messages::{BrokerId as KafkaBroker, GroupId, TopicName};
use kafka_protocol::protocol::StrBytes;
use plimsoll_oracle::BrokerId;
use plimsoll_scenarios::{Purpose, Rng};
use std::collections::BTreeMap;
use uuid::Uuid;

/// The topic of commits and group states.
pub(super) const OFFSETS_TOPIC: &str = "__consumer_offsets";

/// A topic.
#[derive(Clone, Debug)]
pub(super) struct Topic {
    pub(super) id: Uuid,
    /// The partitions, in order.
    pub(super) partitions: Vec<PartitionIndex>,
    pub(super) settings: TopicSettings,
}

impl Topic {
    /// Tells brokers what they obey of its settings.
    pub(super) fn apply(&self, shared: &mut Shared<Wire>) {
        let own = self.settings.contains_key(MIN_INSYNC);
        let min_insync = own.then(|| number(&self.settings, MIN_INSYNC) as u32);
        for partition in &self.partitions {
            shared.set_min_insync(*partition, min_insync);
        }
    }
}

/// All names.
#[derive(Debug)]
pub(super) struct Names {
    pub(super) topics: BTreeMap<String, Topic>,
    partitions: BTreeMap<PartitionIndex, (String, i32)>,
    /// Groups, by name, and by number.
    pub(super) groups: BTreeMap<String, GroupIndex>,
    group_names: Vec<String>,
    members: Numbers,
    instances: Numbers,
    protocol_types: Numbers,
    addresses: BTreeMap<BrokerId, (StrBytes, u16)>,
    /// The partitions of `__consumer_offsets`.
    offsets: Vec<PartitionIndex>,
    pub(super) placement: Placement,
    pub(super) broker_settings: Vec<BrokerSetting>,
    rng: Rng,
    producers: i64,
}

/// What belongs to partitions, under their topics.
pub(super) type ByTopic<T> = Vec<(TopicName, Vec<(i32, T)>)>;

/// Names with numbers.
#[derive(Debug, Default)]
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
    pub(super) fn new(settings: &ClusterSettings, seed: u64) -> Self {
        let mut names = Self {
            topics: BTreeMap::new(),
            partitions: BTreeMap::new(),
            groups: BTreeMap::new(),
            group_names: Vec::new(),
            members: Numbers::default(),
            instances: Numbers::default(),
            protocol_types: Numbers::default(),
            addresses: BTreeMap::new(),
            offsets: settings.offsets.iter().collect(),
            placement: settings.placement,
            broker_settings: of_brokers(settings),
            rng: Rng::substream(seed, Purpose::Ties, 1),
            producers: 0,
        };
        let empty = GroupMemberId::EMPTY;
        names.members.bind(StrBytes::default(), empty.0);
        // `OffsetConfig`: what brokers create the topic with.
        let settings = [
            ("cleanup.policy", "compact"),
            ("segment.bytes", "104857600"),
        ];
        let settings = settings.map(|(name, value)| (name, value.to_owned()));
        names.add_topic(OFFSETS_TOPIC, names.offsets.clone(), settings.into());
        names
            .protocol_types
            .bind("consumer".into(), ProtocolType::CONSUMER.0.into());
        names
    }

    pub(super) fn advertise(&mut self, broker: BrokerId, host: String, port: u16) {
        self.addresses.insert(broker, (host.into(), port));
    }

    /// Returns where clients reach a broker.
    pub(super) fn address(&self, broker: KafkaBroker) -> (StrBytes, i32) {
        let broker = BrokerId(broker.0 as u32);
        let known = self.addresses.get(&broker).cloned();
        known.map_or_else(Default::default, |(host, port)| (host, port.into()))
    }

    pub(super) fn uuid(&mut self) -> Uuid {
        let (high, low) = (self.rng.next_u64(), self.rng.next_u64());
        uuid::Builder::from_random_bytes((u128::from(high) << 64 | u128::from(low)).to_be_bytes())
            .into_uuid()
    }

    pub(super) fn new_producer(&mut self) -> i64 {
        self.producers += 1;
        self.producers - 1
    }

    /// Adds a topic. Returns its id.
    pub(super) fn add_topic(
        &mut self,
        name: &str,
        partitions: Vec<PartitionIndex>,
        settings: TopicSettings,
    ) -> Uuid {
        let id = self.uuid();
        let topic = Topic {
            id,
            partitions: Vec::new(),
            settings,
        };
        self.topics.insert(name.to_owned(), topic);
        self.add_partitions(name, &partitions);
        id
    }

    /// Adds partitions to a topic.
    pub(super) fn add_partitions(&mut self, name: &str, added: &[PartitionIndex]) {
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
    pub(super) fn remove_topic(&mut self, name: &str) -> Option<Vec<PartitionIndex>> {
        Some(self.topics.remove(name)?.partitions)
    }

    /// Returns the name of the topic with an id.
    pub(super) fn topic_with(&self, id: Uuid) -> Option<&str> {
        let mut topics = self.topics.iter();
        topics
            .find(|(_, topic)| topic.id == id)
            .map(|(name, _)| name.as_str())
    }

    /// Returns what a setting is where a topic has not its own, and where that comes from.
    pub(super) fn default_of(&self, setting: &Setting) -> (StrBytes, Source) {
        let mut settings = self.broker_settings.iter();
        let of_broker = settings.find(|of_broker| of_broker.name == setting.of_broker);
        match of_broker {
            Some(of_broker) => (of_broker.value.clone().into(), of_broker.source),
            None => (StrBytes::from_static_str(setting.default), Source::Default),
        }
    }

    pub(super) fn partition(&self, topic: &str, partition: i32) -> Option<PartitionIndex> {
        let number = usize::try_from(partition).ok()?;
        self.topics.get(topic)?.partitions.get(number).copied()
    }

    /// Returns the topic of a partition, and its number there.
    pub(super) fn place(&self, partition: PartitionIndex) -> Option<(TopicName, i32)> {
        let (topic, number) = self.partitions.get(&partition)?;
        Some((topic_name(topic), *number))
    }

    /// Puts what belongs to partitions under their topics: neighbours of one topic come together.
    pub(super) fn by_topic<T>(
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
    pub(super) fn told_partition(
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

    /// Returns the id of a topic.
    pub(super) fn topic_id(&self, name: &str) -> Option<Uuid> {
        self.topics.get(name).map(|topic| topic.id)
    }

    /// Returns a group's number.
    pub(super) fn group(&mut self, shared: &mut Shared<Wire>, name: &str) -> GroupIndex {
        if let Some(group) = self.groups.get(name) {
            return *group;
        }
        // `String.hashCode` and `Utils.abs`.
        let hash = name.encode_utf16().fold(0_i32, |hash, unit| {
            hash.wrapping_mul(31).wrapping_add(unit.into())
        });
        let offsets = (hash & i32::MAX) as usize % self.offsets.len();
        let group = shared.register_group(self.offsets[offsets]);
        self.groups.insert(name.to_owned(), group);
        self.group_names.push(name.to_owned());
        group
    }

    pub(super) fn group_name(&self, group: GroupIndex) -> &str {
        self.group_names
            .get(group.0 as usize)
            .map_or("", String::as_str)
    }

    /// Returns the id of a group that is known.
    pub(super) fn group_id(&self, group: GroupIndex) -> Option<GroupId> {
        let name = self.group_names.get(group.0 as usize)?;
        Some(StrBytes::from_string(name.clone()).into())
    }

    /// Returns the member with an id; one that no coordinator gave is no member's.
    pub(super) fn member(&self, name: &StrBytes) -> GroupMemberId {
        match name.is_empty() {
            true => GroupMemberId::EMPTY,
            false => GroupMemberId(self.members.by_name.get(name).copied().unwrap_or(u32::MAX)),
        }
    }

    /// Returns the id of a member, which is made when its coordinator first tells of it: its name for
    /// itself, or its instance id, and a UUID (`ClassicGroup.generateMemberId`).
    pub(super) fn member_id(&mut self, member: GroupMemberId, prefix: &str) -> StrBytes {
        if member == GroupMemberId::EMPTY {
            return StrBytes::default();
        }
        if !self.members.by_number.contains_key(&member.0) {
            let name = format!("{prefix}-{}", self.uuid()).into();
            self.members.bind(name, member.0);
        }
        self.members.name(member.0)
    }

    /// Returns the id of a member, where it has one by now.
    pub(super) fn known_member_id(&self, member: GroupMemberId) -> Option<StrBytes> {
        self.members.by_number.get(&member.0).cloned()
    }

    /// Returns the member with an id that a coordinator tells its client.
    pub(super) fn told_member(&mut self, name: &StrBytes) -> GroupMemberId {
        GroupMemberId(self.members.number(name))
    }

    /// Gives a name to an instance that a simulated member numbers.
    pub(super) fn bind_instance(&mut self, instance: u32) {
        let name = format!("instance-{instance}").into();
        self.instances.bind(name, instance);
    }

    pub(super) fn instance(&mut self, name: &Option<StrBytes>) -> Option<u32> {
        name.as_ref().map(|name| self.instances.number(name))
    }

    pub(super) fn instance_name(&self, instance: Option<u32>) -> Option<StrBytes> {
        instance.map(|instance| self.instances.name(instance))
    }

    pub(super) fn protocol_type(&mut self, name: &StrBytes) -> Option<ProtocolType> {
        (!name.is_empty()).then(|| ProtocolType(self.protocol_types.number(name) as u16))
    }

    /// Returns the names of the protocol for which members voted, with its type.
    pub(super) fn voted(
        &self,
        protocol: Option<VotedProtocol<Wire>>,
    ) -> (Option<StrBytes>, Option<StrBytes>) {
        let names = protocol.map(|(kind, name)| (self.protocol_type_name(kind), name));
        names.unzip()
    }

    /// Returns the protocol for which members voted, of its names.
    pub(super) fn told_protocol(
        &mut self,
        kind: Option<StrBytes>,
        name: Option<StrBytes>,
    ) -> Option<VotedProtocol<Wire>> {
        let kind = self.protocol_type(&kind.unwrap_or_default());
        kind.zip(name)
    }

    pub(super) fn protocol_type_name(&self, of: ProtocolType) -> StrBytes {
        self.protocol_types.name(of.0.into())
    }
}

pub(super) fn topic_name(name: &str) -> TopicName {
    TopicName(StrBytes::from_string(name.to_owned()))
}

/// Returns the number of a broker, which counts from 1.
pub(super) fn kafka_broker(node: Node) -> KafkaBroker {
    KafkaBroker(i32::from(node.0) + 1)
}

/// Returns the broker with a number; `None`: there is none.
pub(super) fn broker_node(broker: KafkaBroker, brokers: u16) -> Option<Node> {
    let node = u16::try_from(broker.0).ok()?.checked_sub(1)?;
    (node < brokers).then_some(Node(node))
}
