//! Brokers, as faults name them.

use super::member::counted_from_1;
use super::{Argument, Checking, Dice, Reading};
use crate::scenario::topics::{PartitionName, Topic, partition_word};
use crate::scenario::value::{Refused, Written};
use crate::scenario::write::quoted;
use plimsoll_core::TopicPartition;
use plimsoll_oracle::BrokerId;
use schemars::{Schema, json_schema};

/// The broker that a fault hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BrokerTarget {
    /// This one.
    Broker(BrokerId),
    /// The leader of a partition at that moment.
    LeaderOf(TopicPartition),
    /// The group's coordinator at that moment.
    Coordinator,
}

impl Argument for BrokerTarget {
    fn meaning() -> &'static str {
        "the broker: \"broker-1\", \"leader of orders-0\" or \"coordinator\""
    }

    fn schema() -> Schema {
        BrokerName::schema()
    }

    fn read(given: &toml::Value, reading: &mut Reading<'_>) -> Option<Self> {
        let name = reading.value(given)?;
        Some(Self::named(&name, reading))
    }

    fn write(&self, topics: &[Topic]) -> String {
        quoted(&match self {
            Self::Broker(broker) => broker.to_string(),
            Self::LeaderOf(partition) => {
                format!("leader of {}", partition_word(topics, *partition))
            }
            Self::Coordinator => "coordinator".into(),
        })
    }

    fn check(&self, checking: &mut Checking<'_>) {
        let brokers = checking.scenario.settings.cluster.brokers;
        match self {
            Self::Broker(broker) if broker.0 >= brokers => {
                let expected = match brokers {
                    0 | 1 => "expected broker-1".into(),
                    _ => format!("expected broker-1 to broker-{brokers}"),
                };
                checking.problem(format!("there is no {broker}"), &expected);
            }
            Self::LeaderOf(partition) => checking.partition(*partition),
            Self::Broker(_) | Self::Coordinator => {}
        }
    }

    fn drawing() -> Option<fn(&mut Dice<'_>) -> Self> {
        Some(|dice| Self::Broker(BrokerId(dice.below(dice.settings.cluster.brokers))))
    }

    fn broker_mut(&mut self) -> Option<&mut BrokerTarget> {
        Some(self)
    }

    fn partition_mut(&mut self) -> Option<&mut TopicPartition> {
        match self {
            Self::LeaderOf(partition) => Some(partition),
            Self::Broker(_) | Self::Coordinator => None,
        }
    }
}

/// One broker; `None`: all of them.
impl Argument for Option<BrokerTarget> {
    fn meaning() -> &'static str {
        "the broker: \"broker-1\", \"leader of orders-0\", \"coordinator\" or \"all\""
    }

    fn schema() -> Schema {
        BrokerNameOrAll::schema()
    }

    fn read(given: &toml::Value, reading: &mut Reading<'_>) -> Option<Self> {
        let BrokerNameOrAll(name) = reading.value(given)?;
        Some(name.map(|name| BrokerTarget::named(&name, reading)))
    }

    fn write(&self, topics: &[Topic]) -> String {
        self.map_or_else(|| quoted(ALL), |broker| broker.write(topics))
    }

    fn check(&self, checking: &mut Checking<'_>) {
        if let Some(broker) = self {
            broker.check(checking);
        }
    }

    fn drawing() -> Option<fn(&mut Dice<'_>) -> Self> {
        Some(|dice| {
            let broker = BrokerId(dice.below(dice.settings.cluster.brokers));
            (!dice.coin()).then_some(BrokerTarget::Broker(broker))
        })
    }

    fn broker_mut(&mut self) -> Option<&mut BrokerTarget> {
        self.as_mut()
    }

    fn partition_mut(&mut self) -> Option<&mut TopicPartition> {
        self.as_mut()?.partition_mut()
    }
}

impl BrokerTarget {
    /// Looks up what a file names.
    fn named(name: &BrokerName, reading: &mut Reading<'_>) -> Self {
        match name {
            BrokerName::Broker(broker) => Self::Broker(*broker),
            BrokerName::LeaderOf(name) => Self::LeaderOf(reading.partition(name)),
            BrokerName::Coordinator => Self::Coordinator,
        }
    }
}

/// `broker-1`, `leader of orders-0` or `coordinator`.
#[derive(Clone, Debug, PartialEq, Eq)]
enum BrokerName {
    Broker(BrokerId),
    LeaderOf(PartitionName),
    Coordinator,
}

impl Written for BrokerName {
    const EXPECTED: &'static str = r#""broker-1", "coordinator" or "leader of orders-0""#;

    fn from_text(text: &str) -> Result<Self, Refused> {
        match text {
            "coordinator" => Ok(Self::Coordinator),
            _ => {
                if let Some(partition) = text.strip_prefix("leader of ") {
                    return PartitionName::from_text(partition).map(Self::LeaderOf);
                }
                let number = counted_from_1(text, "broker-").ok_or_else(|| Refused::Unknown {
                    what: "broker",
                    word: text.into(),
                    known: vec!["broker-1", "coordinator", "leader of orders-0"],
                })?;
                Ok(Self::Broker(BrokerId(number)))
            }
        }
    }

    fn schema() -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^(broker-[1-9]|coordinator|leader of .+-[0-9]+)$",
            "examples": ["broker-1", "coordinator", "leader of orders-0"],
        })
    }
}

/// The name of a broker, or `all`.
#[derive(Clone, Debug)]
struct BrokerNameOrAll(Option<BrokerName>);

const ALL: &str = "all";

impl Written for BrokerNameOrAll {
    const EXPECTED: &'static str = r#""broker-1", "coordinator", "leader of orders-0" or "all""#;

    fn from_text(text: &str) -> Result<Self, Refused> {
        match text {
            ALL => Ok(Self(None)),
            _ => BrokerName::from_text(text).map(|name| Self(Some(name))),
        }
    }

    fn schema() -> Schema {
        json_schema!({ "anyOf": [BrokerName::schema(), { "const": ALL }] })
    }
}
