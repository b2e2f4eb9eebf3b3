//! `[[faults]]` as it stands in a file.

use super::name::FaultName;
use super::random::RawRandom;
use super::target::{BrokerName, MemberName};
use super::when::When;
use super::words::{By, FailureWord};
use super::{
    BrokerTarget, Direction, Fault, FaultKind, FaultSpec, MemberTarget, RequestKind, Trigger,
};
use crate::scenario::errors::{Place, Problem, place};
use crate::scenario::ids;
use crate::scenario::topics::{PartitionName, Topic, topic_number};
use crate::scenario::units::Share;
use crate::scenario::value::{Table, Value};
use crate::{ErrorName, FaultId, MessageId};
use plimsoll_core::{Instant, Outcome, TopicPartition};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

/// One fault, or a description of random ones.
#[derive(Debug, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Fault")]
pub(in crate::scenario) struct RawFault {
    /// What happens: the kind of fault.
    r#do: Option<Value<FaultName>>,
    /// When it happens, as a time since the start.
    at: Option<Value<Duration>>,
    /// When it happens, as a condition: "commit-in-flight", "the 10th effect".
    when: Option<Value<When>>,
    /// The how manieth time that the condition comes true; default 1.
    #[schemars(range(min = 1))]
    nth: Option<u32>,
    /// How long after the condition; default "0s".
    after: Option<Value<Duration>>,
    /// How long it lasts; default: until everything is healed.
    r#for: Option<Value<Duration>>,
    /// Which member: "consumer-1", "triggering" (default: the one that the condition was about, or
    /// the owner of the most partitions) or "owner of orders-0".
    member: Option<Value<MemberName>>,
    /// Which broker: "broker-1", "coordinator" or "leader of orders-0"; default for faults between
    /// members and brokers: all.
    broker: Option<Value<BrokerName>>,
    /// For `slow`: how many times as long; for `delay` and `throttle`: how much longer.
    by: Option<Value<By>>,
    /// The kind of request, for `lose-response` and `error`.
    request: Option<Value<RequestKind>>,
    /// Kafka's name of the error, for `error`.
    error: Option<Value<ErrorName>>,
    /// How many of them, for `handler-outage`, `error` and `retention`; default 1, all.
    share: Option<Value<Share>>,
    /// How handlers fail, for `handler-outage`; default "retryable".
    outcome: Option<Value<FailureWord>>,
    /// Which way, for `partition`; default "both".
    direction: Option<Value<Direction>>,
    /// Which topic, for `add-partitions`; default: the first.
    topic: Option<String>,
    /// How many more partitions, for `add-partitions`; default 1.
    #[schemars(range(min = 1))]
    count: Option<u32>,
    /// Which partition, for `leader-move` and `retention`.
    partition: Option<Value<PartitionName>>,
    /// Which message, for `undecodable`.
    message: Option<u32>,
    /// A number from which its random choices follow; default: the lowest that is free.
    id: Option<u32>,
    /// A description of random faults: `[faults.random]`.
    random: Option<Table<RawRandom>>,
}

/// `[[faults]]`, or `[faults.random]` alone.
#[derive(Debug, Default)]
pub(in crate::scenario) struct RawFaults {
    entries: Vec<Table<RawFault>>,
    /// Whether it is a table, `[faults]`, and no list.
    alone: bool,
}

impl<'de> Deserialize<'de> for RawFaults {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = RawFaults;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`[[faults]]`, or `[faults.random]`")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<RawFaults, A::Error> {
                Ok(RawFaults {
                    entries: Deserialize::deserialize(SeqAccessDeserializer::new(seq))?,
                    alone: false,
                })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RawFaults, A::Error> {
                let entry = RawFault::deserialize(MapAccessDeserializer::new(map))?;
                Ok(RawFaults {
                    entries: vec![Table(entry)],
                    alone: true,
                })
            }
        }

        deserializer.deserialize_any(Reader)
    }
}

impl JsonSchema for RawFaults {
    fn schema_name() -> Cow<'static, str> {
        "Faults".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let fault = generator.subschema_for::<RawFault>();
        json_schema!({ "anyOf": [{ "type": "array", "items": fault }, fault] })
    }
}

impl RawFaults {
    /// The faults, and where each of them stands in the file.
    pub(in crate::scenario) fn resolve(
        self,
        topics: &[Topic],
        problems: &mut Vec<Problem>,
    ) -> (Vec<FaultSpec>, Vec<Place>) {
        let explicit = self.entries.iter().filter(|entry| entry.0.is_explicit());
        let given: Vec<_> = explicit.map(|entry| entry.0.id).collect();
        let mut ids = ids::complete(&given).into_iter();
        let (mut specs, mut places) = (Vec::new(), Vec::new());
        for (index, Table(mut raw)) in self.entries.into_iter().enumerate() {
            let at = if self.alone {
                place!["faults"]
            } else {
                place!["faults", index]
            };
            // `[faults.random]` below a `[[faults]]` is a part of that entry for TOML, and another
            // entry for whoever wrote it.
            let random = raw.random.take();
            if raw.is_explicit() || random.is_none() {
                let id = FaultId(ids.next().unwrap_or_default());
                let mut reader = Reader {
                    raw,
                    at: &at,
                    topics,
                    problems,
                };
                specs.extend(reader.fault(id).map(FaultSpec::Explicit));
                places.resize(specs.len(), at.clone());
            }
            if let Some(Table(random)) = random {
                let mut at = at;
                at.push("random".into());
                specs.push(FaultSpec::Random(random.resolve(&at, problems)));
                places.push(at);
            }
        }
        (specs, places)
    }
}

impl RawFault {
    fn is_explicit(&self) -> bool {
        self.id.is_some() || !self.given(&EVERY_KEY).is_empty()
    }

    /// Which of these keys it has.
    fn given(&self, keys: &[&'static str]) -> Vec<&'static str> {
        let has = |key: &str| match key {
            "do" => self.r#do.is_some(),
            "at" => self.at.is_some(),
            "when" => self.when.is_some(),
            "nth" => self.nth.is_some(),
            "after" => self.after.is_some(),
            "for" => self.r#for.is_some(),
            "member" => self.member.is_some(),
            "broker" => self.broker.is_some(),
            "by" => self.by.is_some(),
            "request" => self.request.is_some(),
            "error" => self.error.is_some(),
            "share" => self.share.is_some(),
            "outcome" => self.outcome.is_some(),
            "direction" => self.direction.is_some(),
            "topic" => self.topic.is_some(),
            "count" => self.count.is_some(),
            "partition" => self.partition.is_some(),
            "message" => self.message.is_some(),
            _ => false,
        };
        keys.iter().copied().filter(|key| has(key)).collect()
    }
}

/// Those that belong to kinds of faults.
const OWN_KEYS: [&str; 13] = [
    "for",
    "member",
    "broker",
    "by",
    "request",
    "error",
    "share",
    "outcome",
    "direction",
    "topic",
    "count",
    "partition",
    "message",
];

const EVERY_KEY: [&str; 18] = [
    "do",
    "at",
    "when",
    "nth",
    "after",
    "for",
    "member",
    "broker",
    "by",
    "request",
    "error",
    "share",
    "outcome",
    "direction",
    "topic",
    "count",
    "partition",
    "message",
];

/// Reads one entry; what is wrong with it becomes a problem.
struct Reader<'a> {
    raw: RawFault,
    at: &'a Place,
    topics: &'a [Topic],
    problems: &'a mut Vec<Problem>,
}

impl Reader<'_> {
    fn fault(&mut self, id: FaultId) -> Option<Fault> {
        let Some(Value(name)) = self.raw.r#do else {
            let words: Vec<_> = FaultName::all().map(FaultName::name).collect();
            let help = format!("one of {}", words.join(", "));
            let problem = Problem::new(self.at.clone(), "a fault without `do`")
                .expected("expected `do`, what happens");
            self.problems.push(problem.help(help));
            return None;
        };
        if !self.check_keys(name) {
            return None;
        }
        let trigger = self.trigger(name)?;
        Some(Fault {
            id,
            trigger,
            kind: self.kind(name)?,
            duration: self.raw.r#for.map(|value| value.0),
        })
    }

    /// Whether all needed keys are there, and no others than the kind's own.
    fn check_keys(&mut self, name: FaultName) -> bool {
        let keys = name.keys();
        let given = self.raw.given(&OWN_KEYS);
        let before = self.problems.len();
        let word = name.name();
        for &key in keys.needed.iter().filter(|key| !given.contains(key)) {
            self.problem("do", format!("`{word}` without `{key}`"))
                .expected = format!("expected `{key}` beside it");
        }
        let known: Vec<_> = keys.needed.iter().chain(keys.optional).copied().collect();
        for &key in given.iter().filter(|key| !known.contains(key)) {
            let (message, expected) = if key == "for" {
                let message = format!("`{word}` is over at once: it has no duration");
                (message, "expected no `for`".into())
            } else {
                let expected = match known.as_slice() {
                    [] => "expected no other key".into(),
                    known => format!("expected {}", known.join(", ")),
                };
                (format!("`{word}` has no `{key}`"), expected)
            };
            self.problem(key, message).expected = expected;
        }
        self.problems.len() == before
    }

    fn trigger(&mut self, name: FaultName) -> Option<Trigger> {
        let RawFault {
            at,
            when,
            nth,
            after,
            ..
        } = self.raw;
        if name == FaultName::Undecodable {
            for key in self.raw.given(&["at", "when", "nth", "after"]) {
                self.problem(key, "a message is undecodable at any time".into())
                    .expected = "expected no time and no condition".into();
            }
            return Some(Trigger::At(Instant::ZERO));
        }
        match (at, when) {
            (Some(_), Some(_)) => {
                self.problem("when", "a fault has a time or a condition".into())
                    .expected = "expected `at` or `when`, not both".into();
                None
            }
            (None, None) => {
                let message = format!("when does `{}` happen?", name.name());
                self.problem("do", message).expected =
                    "expected `at = \"12s\"` or `when = \"commit-in-flight\"` beside it".into();
                None
            }
            (Some(Value(at)), None) => {
                for key in self.raw.given(&["nth", "after"]) {
                    self.problem(key, format!("`{key}` belongs to `when`"))
                        .expected = "expected only `at`".into();
                }
                Some(Trigger::At(Instant::ZERO + at))
            }
            (None, Some(Value(when))) => {
                if when.nth.is_some() && nth.is_some() {
                    self.problem("nth", "`when` says how often already".into())
                        .expected = "expected no `nth`".into();
                }
                Some(Trigger::When {
                    condition: when.condition,
                    count: when.nth.or(nth).unwrap_or(1),
                    delay: after.map_or(Duration::ZERO, |value| value.0),
                })
            }
        }
    }

    /// All needed keys are there.
    fn kind(&mut self, name: FaultName) -> Option<FaultKind> {
        let share = self.raw.share.map_or(1.0, |value| value.0.0);
        Some(match name {
            FaultName::Crash => FaultKind::Crash(self.member()),
            FaultName::Stop => FaultKind::Stop(self.member()),
            FaultName::Pause => FaultKind::Pause(self.member()),
            FaultName::Slow => FaultKind::Slow(self.member(), self.factor()?),
            FaultName::Join => FaultKind::Join(self.joining()?),
            FaultName::RollingRestart => FaultKind::RollingRestart,
            FaultName::CrashAfterEffect => FaultKind::CrashAfterEffect(self.member()),
            FaultName::HandlerOutage => FaultKind::HandlerOutage {
                outcome: match self.raw.outcome {
                    Some(Value(FailureWord::Permanent)) => Outcome::Permanent,
                    _ => Outcome::Retryable,
                },
                share,
            },
            FaultName::HandlerHang => FaultKind::HandlerHang(self.member()),
            FaultName::Undecodable => FaultKind::Undecodable(MessageId(self.raw.message?)),
            FaultName::Partition => FaultKind::Partition {
                member: self.member(),
                broker: self.broker(),
                direction: self.raw.direction.map_or(Direction::Both, |value| value.0),
            },
            FaultName::Isolate => FaultKind::Isolate(self.broker()?),
            FaultName::Delay => FaultKind::Delay {
                member: self.member(),
                broker: self.broker(),
                by: self.time()?,
            },
            FaultName::Cut => FaultKind::Cut {
                member: self.member(),
                broker: self.broker(),
            },
            FaultName::LoseResponse => FaultKind::LoseResponse(self.member(), self.raw.request?.0),
            FaultName::BrokerCrash => FaultKind::BrokerCrash(self.broker()?),
            FaultName::BrokerStop => FaultKind::BrokerStop(self.broker()?),
            FaultName::BrokerPause => FaultKind::BrokerPause(self.broker()?),
            FaultName::RollingBrokerRestart => FaultKind::RollingBrokerRestart,
            FaultName::LeaderMove => FaultKind::LeaderMove(self.partition()?),
            FaultName::CoordinatorMove => FaultKind::CoordinatorMove,
            FaultName::Error => FaultKind::Error {
                broker: self.broker(),
                request: self.raw.request?.0,
                error: self.raw.error?.0,
                share,
            },
            FaultName::Throttle => FaultKind::Throttle(self.broker()?, self.time()?),
            FaultName::AddPartitions => FaultKind::AddPartitions {
                topic: self.topic(),
                count: self.raw.count.unwrap_or(1),
            },
            FaultName::Retention => FaultKind::Retention(self.partition()?, share),
        })
    }

    fn member(&mut self) -> MemberTarget {
        let place = self.key("member");
        self.raw
            .member
            .as_ref()
            .map_or(MemberTarget::Triggering, |name| {
                name.0.resolve(self.topics, place, self.problems)
            })
    }

    fn joining(&mut self) -> Option<crate::MemberId> {
        match &self.raw.member.as_ref()?.0 {
            MemberName::Member(member) => Some(*member),
            _ => {
                self.problem("member", "only a member by its number can join".into())
                    .expected = "expected a member such as \"consumer-3\"".into();
                None
            }
        }
    }

    fn broker(&mut self) -> Option<BrokerTarget> {
        let place = self.key("broker");
        let name = self.raw.broker.as_ref()?;
        Some(name.0.resolve(self.topics, place, self.problems))
    }

    fn partition(&mut self) -> Option<TopicPartition> {
        let place = self.key("partition");
        let name = self.raw.partition.as_ref()?;
        Some(name.0.resolve(self.topics, place, self.problems))
    }

    fn topic(&mut self) -> u32 {
        let place = self.key("topic");
        self.raw.topic.as_ref().map_or(0, |name| {
            topic_number(self.topics, name, place, self.problems)
        })
    }

    fn factor(&mut self) -> Option<u32> {
        match self.raw.by?.0 {
            By::Factor(factor) => Some(factor),
            By::Time(_) => {
                self.problem("by", "handlers are slowed by a factor".into())
                    .expected = "expected a whole number".into();
                None
            }
        }
    }

    fn time(&mut self) -> Option<Duration> {
        match self.raw.by?.0 {
            By::Time(time) => Some(time),
            By::Factor(_) => {
                self.problem("by", "answers are delayed by a time".into())
                    .expected = "expected a duration such as \"200ms\"".into();
                None
            }
        }
    }

    fn key(&self, key: &str) -> Place {
        let mut place = self.at.clone();
        place.push(key.into());
        place
    }

    fn problem(&mut self, key: &str, message: String) -> &mut Problem {
        let problem = Problem::new(self.key(key), message);
        self.problems.push(problem);
        self.problems.last_mut().expect("pushed just now")
    }
}
