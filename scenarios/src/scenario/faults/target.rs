//! Whom a fault hits, by the words of a file.

use super::{BrokerTarget, MemberTarget};
use crate::MemberId;
use crate::scenario::errors::{Place, Problem};
use crate::scenario::topics::{PartitionName, Topic, partition_word};
use crate::scenario::value::{Refused, Written};
use schemars::{Schema, json_schema};

/// `consumer-1`, `triggering` or `owner of orders-0`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum MemberName {
    Member(MemberId),
    Triggering,
    OwnerOf(PartitionName),
}

/// `broker-1`, `coordinator` or `leader of orders-0`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum BrokerName {
    Broker(u32),
    Coordinator,
    LeaderOf(PartitionName),
}

impl Written for MemberName {
    const EXPECTED: &'static str = r#""consumer-1", "triggering" or "owner of orders-0""#;

    fn from_text(text: &str) -> Result<Self, Refused> {
        let unknown = || Refused::Unknown {
            what: "member",
            word: text.into(),
            known: vec!["consumer-1", "triggering", "owner of orders-0"],
        };
        match text {
            // `subject` is the old word, from before it meant only the consumer under test.
            "triggering" | "subject" => Ok(Self::Triggering),
            _ => {
                if let Some(partition) = text.strip_prefix("owner of ") {
                    PartitionName::from_text(partition).map(Self::OwnerOf)
                } else {
                    let number = counted_from_1(text, "consumer-").ok_or_else(unknown)?;
                    Ok(Self::Member(MemberId(number)))
                }
            }
        }
    }

    fn schema() -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^(consumer-[1-9][0-9]*|triggering|subject|owner of .+-[0-9]+)$",
            "examples": ["consumer-1", "triggering", "owner of orders-0"],
        })
    }
}

impl Written for BrokerName {
    const EXPECTED: &'static str = r#""broker-1", "coordinator" or "leader of orders-0""#;

    fn from_text(text: &str) -> Result<Self, Refused> {
        let unknown = || Refused::Unknown {
            what: "broker",
            word: text.into(),
            known: vec!["broker-1", "coordinator", "leader of orders-0"],
        };
        match text {
            "coordinator" => Ok(Self::Coordinator),
            _ => {
                if let Some(partition) = text.strip_prefix("leader of ") {
                    PartitionName::from_text(partition).map(Self::LeaderOf)
                } else {
                    let number = counted_from_1(text, "broker-").ok_or_else(unknown)?;
                    Ok(Self::Broker(number))
                }
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

impl MemberName {
    pub(super) fn resolve(
        &self,
        topics: &[Topic],
        place: Place,
        problems: &mut Vec<Problem>,
    ) -> MemberTarget {
        match self {
            Self::Member(member) => MemberTarget::Member(*member),
            Self::Triggering => MemberTarget::Triggering,
            Self::OwnerOf(name) => MemberTarget::OwnerOf(name.resolve(topics, place, problems)),
        }
    }
}

impl BrokerName {
    pub(super) fn resolve(
        &self,
        topics: &[Topic],
        place: Place,
        problems: &mut Vec<Problem>,
    ) -> BrokerTarget {
        match self {
            Self::Broker(broker) => BrokerTarget::Broker(*broker),
            Self::Coordinator => BrokerTarget::Coordinator,
            Self::LeaderOf(name) => BrokerTarget::LeaderOf(name.resolve(topics, place, problems)),
        }
    }
}

/// A member, as a file names it.
pub(super) fn member_word(topics: &[Topic], target: MemberTarget) -> String {
    match target {
        MemberTarget::Member(member) => member.to_string(),
        MemberTarget::Triggering => "triggering".into(),
        MemberTarget::OwnerOf(partition) => {
            format!("owner of {}", partition_word(topics, partition))
        }
    }
}

/// A broker, as a file names it.
pub(super) fn broker_word(topics: &[Topic], target: BrokerTarget) -> String {
    match target {
        BrokerTarget::Broker(broker) => broker_name(broker),
        BrokerTarget::Coordinator => "coordinator".into(),
        BrokerTarget::LeaderOf(partition) => {
            format!("leader of {}", partition_word(topics, partition))
        }
    }
}

pub(in crate::scenario) fn broker_name(broker: u32) -> String {
    format!("broker-{}", broker + 1)
}

/// The number behind `prefix`, which people count from 1.
fn counted_from_1(text: &str, prefix: &str) -> Option<u32> {
    let number: u32 = text.strip_prefix(prefix)?.parse().ok()?;
    number.checked_sub(1)
}
