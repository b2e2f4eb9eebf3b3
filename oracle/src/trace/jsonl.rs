//! A trace as JSON lines, for other programs to read: one object an entry, in order.
//!
//! Each line has `at_ns` (nanoseconds since the start of the run), `event` (the kind's name) and
//! the fields of that kind; a partition is two fields, `topic` (its number in the scenario) and
//! `partition`; what is absent is `null`. Members, brokers, messages and faults are numbers, from
//! 0. Names are those of [`super::layout`].

use super::layout::with_layout;
use super::{Entry, Trace, TraceEvent};
use crate::{BrokerId, ErrorName, FaultId, MemberId, MessageId, Missed, RequestKind, Word};
use plimsoll_core::{AssignmentEpoch, Instant, NextOffset, Offset, Outcome, TopicPartition};
use serde_json::{Map, Value};
use std::io;

/// A line that is no entry.
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
    pub fn write_jsonl(&self, out: &mut impl io::Write) -> io::Result<()> {
        let mut line = String::new();
        for entry in &self.entries {
            line.clear();
            write_entry(entry, &mut line);
            out.write_all(line.as_bytes())?;
        }
        Ok(())
    }

    /// Reads what [`Trace::write_jsonl`] wrote; empty lines are skipped.
    ///
    /// # Errors
    /// The first line that is no entry, or that is earlier than the line before.
    pub fn read_jsonl(text: &str) -> Result<Self, TraceError> {
        let mut trace = Self::new();
        for (line, json) in (1..).zip(text.lines()) {
            if json.trim().is_empty() {
                continue;
            }
            let entry = read_entry(json).map_err(|reason| TraceError { line, reason })?;
            if trace.entries.last().is_some_and(|last| entry.at < last.at) {
                let reason = "it is earlier than the line before".into();
                return Err(TraceError { line, reason });
            }
            trace.entries.push(entry);
        }
        Ok(trace)
    }
}

fn write_entry(entry: &Entry, line: &mut String) {
    line.push_str("{\"at_ns\":");
    entry.at.as_nanos().write_value(line);
    write_event(&entry.event, line);
    line.push_str("}\n");
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
        fn write_event(event: &TraceEvent, line: &mut String) {
            match event {
                $(TraceEvent::$kind { $($field),* } => {
                    line.push_str(concat!(",\"event\":\"", $name, "\""));
                    $($field.write(stringify!($field), line);)*
                })*
            }
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
    };
}

with_layout!(json_event);

/// A field of an entry.
trait Field: Sized {
    fn write(&self, name: &str, line: &mut String);
    fn read(name: &str, fields: &Map<String, Value>) -> Result<Self, String>;
}

/// One JSON value.
trait Json: Sized {
    const EXPECTED: &'static str;

    fn write_value(&self, line: &mut String);
    fn read_value(value: &Value) -> Option<Self>;
}

impl<T: Json> Field for T {
    fn write(&self, name: &str, line: &mut String) {
        line.push_str(",\"");
        line.push_str(name);
        line.push_str("\":");
        self.write_value(line);
    }

    fn read(name: &str, fields: &Map<String, Value>) -> Result<Self, String> {
        let value = fields.get(name).unwrap_or(&Value::Null);
        T::read_value(value).ok_or_else(|| format!("expected {} in `{name}`", T::EXPECTED))
    }
}

impl Field for TopicPartition {
    fn write(&self, name: &str, line: &mut String) {
        self.topic.write("topic", line);
        self.partition.write(name, line);
    }

    fn read(name: &str, fields: &Map<String, Value>) -> Result<Self, String> {
        let topic = u32::read("topic", fields)?;
        Ok(Self::new(topic, u32::read(name, fields)?))
    }
}

impl<T: Json> Json for Option<T> {
    const EXPECTED: &'static str = T::EXPECTED;

    fn write_value(&self, line: &mut String) {
        match self {
            Some(value) => value.write_value(line),
            None => line.push_str("null"),
        }
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

            fn write_value(&self, line: &mut String) {
                use std::fmt::Write;
                // Writing to a String cannot fail.
                let _ = write!(line, "{}", $get(*self));
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

    fn write_value(&self, line: &mut String) {
        line.push_str(if *self { "true" } else { "false" });
    }

    fn read_value(value: &Value) -> Option<Self> {
        value.as_bool()
    }
}

macro_rules! json_word {
    ($($type:ty: $expected:literal;)*) => {
        $(impl Json for $type {
            const EXPECTED: &'static str = $expected;

            fn write_value(&self, line: &mut String) {
                line.push('"');
                line.push_str(self.word());
                line.push('"');
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
