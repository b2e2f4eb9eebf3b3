//! Members, as faults name them.

use super::{Argument, Checking, Dice, Reading};
use crate::scenario::topics::{PartitionName, Topic, partition_word};
use crate::scenario::units::duration;
use crate::scenario::value::{Refused, Written};
use crate::scenario::write::quoted;
use plimsoll_core::TopicPartition;
use plimsoll_oracle::MemberId;
use schemars::{Schema, json_schema};

/// Which member a fault hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberTarget {
    /// This one.
    Member(MemberId),
    /// The member that the trigger was about; for a timed fault, the owner of the most partitions.
    Triggering,
    /// The owner of a partition at that moment.
    OwnerOf(TopicPartition),
}

impl Argument for MemberTarget {
    fn meaning() -> &'static str {
        "the member: \"consumer-1\", \"owner of orders-0\", or \"triggering\", the member that the \
         condition was about (at a time: the owner of the most partitions)"
    }

    fn schema() -> Schema {
        TargetName::schema()
    }

    fn read(given: &toml::Value, reading: &mut Reading<'_>) -> Option<Self> {
        Some(match reading.value(given)? {
            TargetName::Member(member) => Self::Member(member),
            TargetName::Triggering => Self::Triggering,
            TargetName::OwnerOf(name) => Self::OwnerOf(reading.partition(&name)),
        })
    }

    fn write(&self, topics: &[Topic]) -> String {
        quoted(&match self {
            Self::Member(member) => member.to_string(),
            Self::Triggering => "triggering".into(),
            Self::OwnerOf(partition) => format!("owner of {}", partition_word(topics, *partition)),
        })
    }

    fn check(&self, checking: &mut Checking<'_>) {
        match self {
            Self::Member(member) => checking.member(*member),
            Self::Triggering => {}
            Self::OwnerOf(partition) => checking.partition(*partition),
        }
    }

    fn drawing() -> Option<fn(&mut Dice<'_>) -> Self> {
        Some(|dice| {
            let members = dice.settings.consumers.starts.len() as u32;
            Self::Member(MemberId(dice.below(members)))
        })
    }

    fn member_mut(&mut self) -> Option<&mut MemberTarget> {
        Some(self)
    }

    fn member_id_mut(&mut self) -> Option<&mut MemberId> {
        match self {
            Self::Member(member) => Some(member),
            Self::Triggering | Self::OwnerOf(_) => None,
        }
    }

    fn partition_mut(&mut self) -> Option<&mut TopicPartition> {
        match self {
            Self::OwnerOf(partition) => Some(partition),
            Self::Member(_) | Self::Triggering => None,
        }
    }
}

/// The member that a fault starts.
impl Argument for MemberId {
    fn meaning() -> &'static str {
        "the member, one of those that start \"on join\""
    }

    fn schema() -> Schema {
        <Self as Written>::schema()
    }

    fn read(given: &toml::Value, reading: &mut Reading<'_>) -> Option<Self> {
        reading.value(given)
    }

    fn write(&self, _: &[Topic]) -> String {
        quoted(&self.to_string())
    }

    fn check(&self, checking: &mut Checking<'_>) {
        checking.member(*self);
        let starts = &checking.scenario.settings.consumers.starts;
        if let Some(Some(start)) = starts.get(self.0 as usize) {
            let message = format!("{self} starts by itself, at {}", duration(*start));
            checking.problem(message, "expected a member whose start is \"on join\"");
        }
    }

    fn drawing() -> Option<fn(&mut Dice<'_>) -> Self> {
        None
    }

    fn member_id_mut(&mut self) -> Option<&mut MemberId> {
        Some(self)
    }
}

impl Checking<'_> {
    /// Notes a member that does not exist.
    fn member(&mut self, member: MemberId) {
        let members = self.scenario.settings.consumers.starts.len();
        if (member.0 as usize) < members {
            return;
        }
        let expected = match members {
            1 => "expected consumer-1".into(),
            _ => format!("expected consumer-1 to consumer-{members}"),
        };
        self.problem(format!("there is no {member}"), &expected);
    }
}

/// `consumer-1`, `triggering` or `owner of orders-0`.
#[derive(Clone, Debug, PartialEq, Eq)]
enum TargetName {
    Member(MemberId),
    Triggering,
    OwnerOf(PartitionName),
}

impl Written for TargetName {
    const EXPECTED: &'static str = r#""consumer-1", "triggering" or "owner of orders-0""#;

    fn from_text(text: &str) -> Result<Self, Refused> {
        match text {
            // `subject` is the old word: there it meant two things in one file.
            "triggering" | "subject" => Ok(Self::Triggering),
            _ => {
                if let Some(partition) = text.strip_prefix("owner of ") {
                    return PartitionName::from_text(partition).map(Self::OwnerOf);
                }
                MemberId::from_text(text)
                    .map(Self::Member)
                    .map_err(|_| Refused::Unknown {
                        what: "member",
                        word: text.into(),
                        known: vec!["consumer-1", "triggering", "owner of orders-0"],
                    })
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

impl Written for MemberId {
    const EXPECTED: &'static str = r#"a member by its number, such as "consumer-3""#;

    fn from_text(text: &str) -> Result<Self, Refused> {
        let number = counted_from_1(text, "consumer-").ok_or(Refused::Malformed)?;
        Ok(Self(number))
    }

    fn schema() -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^consumer-[1-9][0-9]*$",
            "examples": ["consumer-3"],
        })
    }
}

/// Returns the number behind `prefix`, which people count from 1, counted from 0.
pub(super) fn counted_from_1(text: &str, prefix: &str) -> Option<u32> {
    let number: u32 = text.strip_prefix(prefix)?.parse().ok()?;
    number.checked_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_old_word_means_the_triggering_member() {
        let read = |text| TargetName::from_text(text).ok();
        assert_eq!(read("subject"), Some(TargetName::Triggering));
        assert_eq!(read("triggering"), Some(TargetName::Triggering));
    }
}
