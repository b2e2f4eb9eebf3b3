//! A trace as JSON lines, for other programs to read: a header, then one object an entry, in order.
//!
//! The [`Header`] says which run it is of, and what the numbers in the other lines stand for. Each
//! of these has `at_ns` (nanoseconds since the start of the run), `event` (the kind's name) and the
//! fields of that kind; a partition is two fields, `topic` (its number in the scenario) and
//! `partition`; what is absent is `null`. Members, brokers, messages and faults are numbers, from
//! 0. Names are those of [`super::layout`].

use super::layout::with_layout;
use super::{Entry, Header, Trace, TraceEvent};
use crate::{BrokerId, ErrorName, FaultId, MemberId, MessageId, Missed, RequestKind, Word};
use plimsoll_core::{AssignmentEpoch, Instant, NextOffset, Offset, Outcome, TopicPartition};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value, json};
use std::borrow::Cow;
use std::io;

/// A line that is none of a trace.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct TraceError {
    /// The number of the line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub reason: String,
}

impl Trace {
    /// Writes the trace as JSON lines.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write_jsonl(&self, header: &Header, out: &mut impl io::Write) -> io::Result<()> {
        serde_json::to_writer(&mut *out, &header.line())?;
        out.write_all(b"\n")?;
        for entry in &self.entries {
            serde_json::to_writer(&mut *out, entry)?;
            out.write_all(b"\n")?;
        }
        Ok(())
    }

    /// Reads what [`Trace::write_jsonl`] wrote; empty lines are skipped.
    ///
    /// # Errors
    /// A first line that is no header; the first of the others that is no entry, or that is
    /// earlier than the line before.
    pub fn read_jsonl(text: &str) -> Result<(Header, Self), TraceError> {
        let lines = (1..).zip(text.lines());
        let mut lines = lines.filter(|(_, json)| !json.trim().is_empty());
        let (line, json) = lines.next().unwrap_or((1, "null"));
        let header = Header::read(json).map_err(|reason| TraceError { line, reason })?;
        let mut trace = Self::new();
        for (line, json) in lines {
            let entry = read_entry(json).map_err(|reason| TraceError { line, reason })?;
            if trace.entries.last().is_some_and(|last| entry.at < last.at) {
                let reason = "it is earlier than the line before".into();
                return Err(TraceError { line, reason });
            }
            trace.entries.push(entry);
        }
        Ok((header, trace))
    }
}

/// The object of its line: an event has this one shape in every document.
impl Serialize for Entry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_map(None)?;
        self.at.as_nanos().write("at_ns", &mut fields)?;
        write_event(&self.event, &mut fields)?;
        fields.end()
    }
}

impl JsonSchema for Entry {
    fn schema_name() -> Cow<'static, str> {
        "TraceEvent".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object", "oneOf": kinds() })
    }
}

/// Describes the line of one kind of event.
fn kind(name: &str, mut fields: Map<String, Value>) -> Value {
    fields.insert("event".into(), json!({ "const": name }));
    fields.insert("at_ns".into(), u64::schema());
    let required: Vec<&String> = fields.keys().collect();
    json!({ "title": name, "required": required, "properties": fields })
}

fn read_entry(json: &str) -> Result<Entry, String> {
    let fields: Map<String, Value> = serde_json::from_str(json).map_err(|e| e.to_string())?;
    let at = u64::read("at_ns", &fields)?;
    let kind = fields.get("event").and_then(Value::as_str);
    let kind = kind.ok_or("expected a text in `event`")?;
    Ok(Entry {
        at: Instant::from_nanos(at),
        event: read_event(kind, &fields)?,
    })
}

macro_rules! json_event {
    ($($number:literal $kind:ident $name:literal { $($field:ident),* })*) => {
        fn write_event<M: SerializeMap>(event: &TraceEvent, out: &mut M) -> Result<(), M::Error> {
            match event {
                $(TraceEvent::$kind { $($field),* } => {
                    out.serialize_entry("event", $name)?;
                    $($field.write(stringify!($field), out)?;)*
                })*
            }
            Ok(())
        }

        fn read_event(kind: &str, fields: &Map<String, Value>) -> Result<TraceEvent, String> {
            // Not used by the kinds without fields.
            let _ = fields;
            match kind {
                $($name => Ok(TraceEvent::$kind {
                    $($field: Field::read(stringify!($field), fields)?),*
                }),)*
                _ => Err(format!("no event is called `{kind}`")),
            }
        }

        fn kinds() -> Vec<Value> {
            vec![$({
                let mut fields = Map::new();
                // Made for the types of its fields.
                let _ = TraceEvent::$kind {
                    $($field: Field::describe(stringify!($field), &mut fields)),*
                };
                kind($name, std::mem::take(&mut fields))
            }),*]
        }
    };
}

with_layout!(json_event);

/// A field of an entry.
trait Field: Sized {
    fn write<M: SerializeMap>(&self, name: &str, out: &mut M) -> Result<(), M::Error>;
    fn read(name: &str, fields: &Map<String, Value>) -> Result<Self, String>;
    /// Adds what the field is in JSON, and returns a value of its type, whichever.
    fn describe(name: &str, fields: &mut Map<String, Value>) -> Self;
}

/// One JSON value.
trait Json: Sized {
    const EXPECTED: &'static str;

    /// Returns a value of the type, whichever.
    fn any() -> Self;
    fn schema() -> Value;
    fn value(&self) -> impl Serialize;
    fn read_value(value: &Value) -> Option<Self>;
}

impl<T: Json> Field for T {
    fn write<M: SerializeMap>(&self, name: &str, out: &mut M) -> Result<(), M::Error> {
        out.serialize_entry(name, &self.value())
    }

    fn read(name: &str, fields: &Map<String, Value>) -> Result<Self, String> {
        let value = fields.get(name).unwrap_or(&Value::Null);
        T::read_value(value).ok_or_else(|| format!("expected {} in `{name}`", T::EXPECTED))
    }

    fn describe(name: &str, fields: &mut Map<String, Value>) -> Self {
        fields.insert(name.into(), T::schema());
        T::any()
    }
}

impl Field for TopicPartition {
    fn write<M: SerializeMap>(&self, name: &str, out: &mut M) -> Result<(), M::Error> {
        self.topic.write("topic", out)?;
        self.partition.write(name, out)
    }

    fn read(name: &str, fields: &Map<String, Value>) -> Result<Self, String> {
        let topic = u32::read("topic", fields)?;
        Ok(Self::new(topic, u32::read(name, fields)?))
    }

    fn describe(name: &str, fields: &mut Map<String, Value>) -> Self {
        let topic = u32::describe("topic", fields);
        Self::new(topic, u32::describe(name, fields))
    }
}

impl<T: Json> Json for Option<T> {
    const EXPECTED: &'static str = T::EXPECTED;

    fn any() -> Self {
        None
    }

    fn schema() -> Value {
        json!({ "anyOf": [T::schema(), { "type": "null" }] })
    }

    fn value(&self) -> impl Serialize {
        self.as_ref().map(Json::value)
    }

    fn read_value(value: &Value) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            _ => T::read_value(value).map(Some),
        }
    }
}

macro_rules! json_number {
    ($($type:ty: $get:expr, $make:expr;)*) => {
        $(impl Json for $type {
            const EXPECTED: &'static str = "a whole number";

            fn any() -> Self {
                $make(0)
            }

            fn schema() -> Value {
                json!({ "type": "integer" })
            }

            fn value(&self) -> impl Serialize {
                $get(*self)
            }

            fn read_value(value: &Value) -> Option<Self> {
                let number = value.as_i64().map(i128::from);
                let number = number.or_else(|| value.as_u64().map(i128::from))?;
                number.try_into().ok().map($make)
            }
        })*
    };
}

json_number! {
    u32: std::convert::identity, std::convert::identity::<u32>;
    i32: std::convert::identity, std::convert::identity::<i32>;
    u64: std::convert::identity, std::convert::identity::<u64>;
    MessageId: |id: MessageId| id.0, MessageId;
    MemberId: |id: MemberId| id.0, MemberId;
    BrokerId: |id: BrokerId| id.0, BrokerId;
    FaultId: |id: FaultId| id.0, FaultId;
    AssignmentEpoch: |epoch: AssignmentEpoch| epoch.0, AssignmentEpoch;
    Offset: Offset::get, Offset::new;
    NextOffset: NextOffset::get, NextOffset::new;
}

impl Json for bool {
    const EXPECTED: &'static str = "true or false";

    fn any() -> Self {
        false
    }

    fn schema() -> Value {
        json!({ "type": "boolean" })
    }

    fn value(&self) -> impl Serialize {
        *self
    }

    fn read_value(value: &Value) -> Option<Self> {
        value.as_bool()
    }
}

macro_rules! json_word {
    ($($type:ty: $expected:literal;)*) => {
        $(impl Json for $type {
            const EXPECTED: &'static str = $expected;

            fn any() -> Self {
                Self::ALL[0]
            }

            fn schema() -> Value {
                let words = Self::ALL.iter().map(|value| value.word());
                json!({ "enum": words.collect::<Vec<_>>() })
            }

            fn value(&self) -> impl Serialize {
                self.word()
            }

            fn read_value(value: &Value) -> Option<Self> {
                Self::from_word(value.as_str()?)
            }
        })*
    };
}

json_word! {
    Outcome: "`ok`, `retryable` or `permanent`";
    ErrorName: "the name of an error of Kafka's";
    RequestKind: "the name of a request of Kafka's";
    Missed: "why a fault did not happen";
}
