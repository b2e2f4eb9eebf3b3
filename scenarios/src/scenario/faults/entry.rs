//! `[[faults]]` as it stands in a file.

use super::argument::{Key, Reading};
use super::kind::{FaultKind, FaultName, Lasts};
use super::random::RawRandom;
use super::when::When;
use super::{Fault, FaultSpec, Trigger};
use crate::scenario::errors::{Place, Problem, place};
use crate::scenario::ids;
use crate::scenario::topics::Topic;
use crate::scenario::value::{Refused, Table, Value, Written};
use plimsoll_core::Instant;
use plimsoll_oracle::{FaultId, Word};
use schemars::Schema;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use std::fmt;
use std::time::Duration;

/// One fault, or a description of random ones.
#[derive(Debug, Default)]
struct RawFault {
    kind: Option<FaultName>,
    at: Option<Duration>,
    when: Option<When>,
    nth: Option<u32>,
    after: Option<Duration>,
    duration: Option<Duration>,
    id: Option<u32>,
    random: Option<RawRandom>,
    /// The arguments, which only their kind can read.
    arguments: toml::Table,
}

/// `[[faults]]`, or `[faults.random]` alone.
#[derive(Debug, Default)]
pub(in crate::scenario) struct RawFaults {
    entries: Vec<RawFault>,
    /// Whether it is a table, `[faults]`, and no list.
    alone: bool,
}

/// The keys of every kind of fault.
pub(super) const COMMON_KEYS: [&str; 8] =
    ["do", "at", "when", "nth", "after", "for", "id", "random"];

/// A key of an entry: a common one, or the key of an argument of some kind.
struct EntryKey(String);

impl Written for EntryKey {
    const EXPECTED: &'static str = "a key";

    fn from_text(text: &str) -> Result<Self, Refused> {
        let arguments = FaultName::ALL.iter().copied().flat_map(FaultName::keys);
        let mut known: Vec<_> = COMMON_KEYS.to_vec();
        known.extend(arguments.map(|key| key.name));
        if known.contains(&text) {
            return Ok(Self(text.into()));
        }
        known.sort_unstable();
        known.dedup();
        Err(Refused::Unknown {
            what: "field",
            word: text.into(),
            known,
        })
    }

    fn schema() -> Schema {
        Schema::default()
    }
}

impl<'de> Deserialize<'de> for RawFault {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = RawFault;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawFault, A::Error> {
                let mut raw = RawFault::default();
                while let Some(Value(EntryKey(key))) = map.next_key()? {
                    match key.as_str() {
                        "do" => raw.kind = Some(map.next_value::<Value<_>>()?.0),
                        "at" => raw.at = Some(map.next_value::<Value<_>>()?.0),
                        "when" => raw.when = Some(map.next_value::<Value<_>>()?.0),
                        "nth" => raw.nth = Some(map.next_value()?),
                        "after" => raw.after = Some(map.next_value::<Value<_>>()?.0),
                        "for" => raw.duration = Some(map.next_value::<Value<_>>()?.0),
                        "id" => raw.id = Some(map.next_value()?),
                        "random" => raw.random = Some(map.next_value::<Table<_>>()?.0),
                        _ => {
                            raw.arguments.insert(key, map.next_value()?);
                        }
                    }
                }
                Ok(raw)
            }
        }

        deserializer.deserialize_any(Reader)
    }
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
                Ok(RawFaults {
                    entries: vec![Deserialize::deserialize(MapAccessDeserializer::new(map))?],
                    alone: true,
                })
            }
        }

        deserializer.deserialize_any(Reader)
    }
}

impl RawFaults {
    /// Returns the faults, and the place of each in the file.
    pub(in crate::scenario) fn resolve(
        self,
        topics: &[Topic],
        problems: &mut Vec<Problem>,
    ) -> (Vec<FaultSpec>, Vec<Place>) {
        let explicit = self.entries.iter().filter(|entry| entry.is_explicit());
        let given: Vec<_> = explicit.map(|entry| entry.id).collect();
        let mut ids = ids::complete(&given).into_iter();
        let (mut specs, mut places) = (Vec::new(), Vec::new());
        for (index, mut raw) in self.entries.into_iter().enumerate() {
            let at = if self.alone {
                place!["faults"]
            } else {
                place!["faults", index]
            };
            // `[faults.random]` below a `[[faults]]` is a part of that entry for TOML, and another
            // entry for the person who wrote it.
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
            if let Some(random) = random {
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
    /// Tells whether it says anything of a fault of its own.
    fn is_explicit(&self) -> bool {
        self.id.is_some()
            || self.kind.is_some()
            || self.duration.is_some()
            || !self.arguments.is_empty()
            || !self.timing().is_empty()
    }

    /// Lists the keys that it has which say when.
    fn timing(&self) -> Vec<&'static str> {
        let given = [
            ("at", self.at.is_some()),
            ("when", self.when.is_some()),
            ("nth", self.nth.is_some()),
            ("after", self.after.is_some()),
        ];
        let given = given.into_iter().filter(|(_, given)| *given);
        given.map(|(key, _)| key).collect()
    }
}

/// Reads one entry; what is wrong with it becomes a problem.
struct Reader<'a> {
    raw: RawFault,
    at: &'a Place,
    topics: &'a [Topic],
    problems: &'a mut Vec<Problem>,
}

impl Reader<'_> {
    /// Reads the entry as one fault.
    fn fault(&mut self, id: FaultId) -> Option<Fault> {
        let Some(name) = self.raw.kind else {
            let words: Vec<_> = FaultName::ALL
                .iter()
                .copied()
                .map(FaultName::word)
                .collect();
            let help = format!("one of {}", words.join(", "));
            let problem = Problem::new(self.at.clone(), "a fault without `do`")
                .expected("expected `do`, what happens");
            self.problems.push(problem.help(help));
            return None;
        };
        if !self.check_keys(name) {
            return None;
        }
        let trigger = self.trigger(name);
        let kind = FaultKind::read(
            name,
            &mut Reading {
                topics: self.topics,
                given: &self.raw.arguments,
                place: self.at.clone(),
                problems: self.problems,
            },
        );
        Some(Fault {
            id,
            trigger: trigger?,
            kind: kind?,
            duration: self.raw.duration,
        })
    }

    /// Tells whether all needed keys are there, and no others than the kind's own.
    fn check_keys(&mut self, name: FaultName) -> bool {
        let before = self.problems.len();
        let word = name.word();
        let (needed, optional) = own_keys(name);
        let mut given: Vec<_> = self.raw.arguments.keys().cloned().collect();
        given.extend(self.raw.duration.map(|_| "for".into()));
        for key in needed.iter().filter(|key| !given.iter().any(|g| g == *key)) {
            self.problem("do", format!("`{word}` without `{key}`"))
                .expected = format!("expected `{key}` beside it");
        }
        let known = [needed, optional].concat();
        for key in given.iter().filter(|key| !known.contains(&key.as_str())) {
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
        if name.lasts() == Lasts::Always {
            for key in self.raw.timing() {
                let message = format!("`{}` holds from the start to the end", name.word());
                self.problem(key, message).expected = "expected no time and no condition".into();
            }
            return Some(Trigger::At(Instant::ZERO));
        }
        let RawFault {
            at,
            when,
            nth,
            after,
            ..
        } = self.raw;
        match (at, when) {
            (Some(_), Some(_)) => {
                self.problem("when", "a fault has a time or a condition".into())
                    .expected = "expected `at` or `when`, not both".into();
                None
            }
            (None, None) => {
                let message = format!("when does `{}` happen?", name.word());
                self.problem("do", message).expected =
                    "expected `at = \"12s\"` or `when = \"commit-in-flight\"` beside it".into();
                None
            }
            (Some(at), None) => {
                for key in self.raw.timing().into_iter().filter(|key| *key != "at") {
                    self.problem(key, format!("`{key}` belongs to `when`"))
                        .expected = "expected only `at`".into();
                }
                Some(Trigger::At(Instant::ZERO + at))
            }
            (None, Some(when)) => {
                if when.nth.is_some() && nth.is_some() {
                    self.problem("nth", "`when` says how often already".into())
                        .expected = "expected no `nth`".into();
                }
                Some(Trigger::When {
                    condition: when.condition,
                    count: when.nth.or(nth).unwrap_or(1),
                    delay: after.unwrap_or_default(),
                })
            }
        }
    }

    fn problem(&mut self, key: &str, message: String) -> &mut Problem {
        let mut place = self.at.clone();
        place.push(key.into());
        self.problems.push(Problem::new(place, message));
        self.problems.last_mut().expect("pushed just now")
    }
}

/// Lists the keys of a kind besides those that say when: those that a file must write, and those
/// that it may.
fn own_keys(name: FaultName) -> (Vec<&'static str>, Vec<&'static str>) {
    let (optional, needed): (Vec<_>, Vec<_>) = name
        .keys()
        .into_iter()
        .partition(|key| key.default.is_some());
    let names = |keys: Vec<Key>| keys.into_iter().map(|key| key.name).collect();
    let (mut needed, mut optional): (Vec<_>, Vec<_>) = (names(needed), names(optional));
    match name.lasts() {
        Lasts::AMoment | Lasts::Always => {}
        Lasts::AWhile => optional.push("for"),
        Lasts::MemberByMember | Lasts::BrokerByBroker => needed.push("for"),
    }
    (needed, optional)
}
