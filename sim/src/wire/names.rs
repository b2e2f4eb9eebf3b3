//! The names of topics, groups, members and instances, as brokers know them, with what is set of
//! topics.

use super::EdgeOptions;
use super::settings::{
    BrokerSetting, MIN_INSYNC, Setting, Source, TopicSettings, number, of_brokers,
};
use crate::cluster::{Placement, Shared};
use crate::protocol::{GroupIndex, GroupMemberId, Node};
use crate::topology::PartitionIndex;
use kafka_protocol::messages::BrokerId as KafkaBroker;
use kafka_protocol::protocol::StrBytes;
use plimsoll_codec::{OFFSETS_TOPIC, Wire};
use plimsoll_oracle::BrokerId;
use plimsoll_scenarios::{Purpose, Rng};
use std::collections::BTreeMap;
use uuid::Uuid;

/// All names, as brokers know them.
#[derive(Debug)]
pub(super) struct Names {
    /// Those that clients know too.
    pub(super) known: plimsoll_codec::Names,
    /// What is set of each topic, by its name.
    pub(super) settings: BTreeMap<String, TopicSettings>,
    /// The partitions of `__consumer_offsets`.
    offsets: Vec<PartitionIndex>,
    pub(super) placement: Placement,
    pub(super) broker_settings: Vec<BrokerSetting>,
    /// The racks of the brokers, dealt out in turn.
    racks: Vec<StrBytes>,
    rng: Rng,
    producers: i64,
}

impl Names {
    pub(super) fn new(options: &EdgeOptions<'_>) -> Self {
        let settings = options.settings;
        let mut names = Self {
            known: plimsoll_codec::Names::new(),
            settings: BTreeMap::new(),
            offsets: settings.offsets.iter().collect(),
            placement: settings.placement,
            broker_settings: of_brokers(settings),
            racks: options.racks.iter().cloned().map(Into::into).collect(),
            rng: Rng::substream(options.seed, Purpose::Ties, 1),
            producers: 0,
        };
        for node in 0..settings.placement.brokers {
            names.known.told_broker(kafka_broker(Node(node)));
        }
        // `OffsetConfig`: what brokers create the topic with.
        let settings = [
            ("cleanup.policy", "compact"),
            ("segment.bytes", "104857600"),
        ];
        let settings = settings.map(|(name, value)| (name, value.to_owned()));
        names.add_topic(OFFSETS_TOPIC, names.offsets.clone(), settings.into());
        names
    }

    pub(super) fn advertise(&mut self, broker: BrokerId, host: String, port: u16) {
        let id = KafkaBroker(broker.0 as i32);
        self.known.take_address(id, &host.into(), port.into());
    }

    /// Returns where clients reach a broker.
    pub(super) fn address(&self, broker: Node) -> (StrBytes, i32) {
        let known = self.known.address(broker).cloned();
        known.map_or_else(Default::default, |(host, port)| (host, port.into()))
    }

    /// Returns the rack in which a broker stands, where that is set.
    pub(super) fn rack(&self, broker: Node) -> Option<&StrBytes> {
        self.racks.iter().cycle().nth(broker.0.into())
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
        self.known.add_topic(name, id);
        self.known.add_partitions(name, &partitions);
        self.settings.insert(name.to_owned(), settings);
        id
    }

    /// Takes a topic out. Returns its partitions.
    pub(super) fn remove_topic(&mut self, name: &str) -> Option<Vec<PartitionIndex>> {
        self.settings.remove(name);
        self.known.remove_topic(name)
    }

    /// Tells brokers what they obey of the settings of a topic.
    pub(super) fn apply_settings(&self, topic: &str, shared: &mut Shared<Wire>) {
        let Some((known, settings)) = self.known.topic(topic).zip(self.settings.get(topic)) else {
            return;
        };
        let own = settings.contains_key(MIN_INSYNC);
        let min_insync = own.then(|| number(settings, MIN_INSYNC) as u32);
        for partition in &known.partitions {
            shared.set_min_insync(*partition, min_insync);
        }
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

    /// Returns a group's number.
    pub(super) fn group(&mut self, shared: &mut Shared<Wire>, name: &str) -> GroupIndex {
        if let Some(group) = self.known.group(name) {
            return group;
        }
        // `String.hashCode` and `Utils.abs`.
        let hash = name.encode_utf16().fold(0_i32, |hash, unit| {
            hash.wrapping_mul(31).wrapping_add(unit.into())
        });
        let offsets = (hash & i32::MAX) as usize % self.offsets.len();
        let group = shared.register_group(self.offsets[offsets]);
        self.known.add_group(name, group);
        group
    }

    /// Returns the id of a member, which is made when its coordinator first tells of it: its name for
    /// itself, or its instance id, and a UUID (`ClassicGroup.generateMemberId`).
    pub(super) fn member_id(&mut self, member: GroupMemberId, prefix: &str) -> StrBytes {
        if let Some(id) = self.known.known_member_id(member) {
            return id;
        }
        let id = StrBytes::from_string(format!("{prefix}-{}", self.uuid()));
        self.known.bind_member(id.clone(), member);
        id
    }
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
