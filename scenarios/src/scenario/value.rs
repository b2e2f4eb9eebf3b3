//! Values, words and tables of a scenario file, for serde and for the schema.
//!
//! serde derives the tables; what stands here makes their values say what was expected when they
//! are refused.

use crate::Subject;
use plimsoll_core::{InitialPosition, Ordering, OutOfRangePolicy};
use plimsoll_oracle::{ErrorName, Property, RequestKind, Sometimes, Word};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{
    self, Deserialize, Deserializer, MapAccess, Visitor, value::MapAccessDeserializer,
};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

/// Why a text is not a value.
#[derive(Debug)]
pub(super) enum Refused {
    /// It does not look like one.
    Malformed,
    /// It looks like one, but this is wrong with it.
    Because(String),
    /// It is none of these words.
    Unknown {
        /// What the words are; continues `unknown ...`.
        what: &'static str,
        /// What was understood.
        word: String,
        known: Vec<&'static str>,
    },
}

/// A value that is written as text, as a number, or as either.
pub(super) trait Written: Sized {
    /// What was expected where another thing stands; continues `expected ...`.
    const EXPECTED: &'static str;

    fn from_text(text: &str) -> Result<Self, Refused>;

    fn from_integer(_value: i64) -> Option<Self> {
        None
    }

    fn from_float(_value: f64) -> Option<Self> {
        None
    }

    fn schema() -> Schema;
}

/// Implements [`Written`] for enums whose values have words.
///
/// A blanket implementation cannot be: [`Word`] is of another crate.
macro_rules! written_as_words {
    ($($type:ty),+ $(,)?) => {
        $(impl $crate::scenario::value::Written for $type {
            const EXPECTED: &'static str = <$type as ::plimsoll_oracle::Word>::WHAT;

            fn from_text(text: &str) -> Result<Self, $crate::scenario::value::Refused> {
                $crate::scenario::value::word_from_text(text)
            }

            fn schema() -> ::schemars::Schema {
                $crate::scenario::value::schema_of_words::<$type>()
            }
        })+
    };
}
pub(super) use written_as_words;

written_as_words!(
    Property,
    Sometimes,
    Subject,
    ErrorName,
    RequestKind,
    Ordering,
    InitialPosition,
    OutOfRangePolicy,
);

pub(super) fn word_from_text<T: Word>(text: &str) -> Result<T, Refused> {
    T::from_word(text).ok_or_else(|| Refused::Unknown {
        what: T::WHAT,
        word: text.into(),
        known: T::ALL.iter().map(|value| value.word()).collect(),
    })
}

pub(super) fn schema_of_words<T: Word>() -> Schema {
    let words: Vec<_> = T::ALL.iter().map(|value| value.word()).collect();
    json_schema!({ "type": "string", "enum": words })
}

/// A value in a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value<T>(pub T);

impl<'de, T: Written> Deserialize<'de> for Value<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader<T>(PhantomData<T>);

        impl<T: Written> Visitor<'_> for Reader<T> {
            type Value = Value<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(T::EXPECTED)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                T::from_text(text)
                    .map(Value)
                    .map_err(|refused| match refused {
                        Refused::Malformed => E::invalid_value(de::Unexpected::Str(text), &self),
                        Refused::Because(reason) => {
                            E::custom(format!("{reason}: {text:?}, expected {}", T::EXPECTED))
                        }
                        Refused::Unknown { what, word, known } => {
                            let known: Vec<_> =
                                known.iter().map(|word| format!("`{word}`")).collect();
                            let known = known.join(", ");
                            E::custom(format!("unknown {what} `{word}`, expected one of {known}"))
                        }
                    })
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Self::Value, E> {
                T::from_integer(value)
                    .map(Value)
                    .ok_or_else(|| E::invalid_value(de::Unexpected::Signed(value), &self))
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Self::Value, E> {
                i64::try_from(value)
                    .ok()
                    .and_then(T::from_integer)
                    .map(Value)
                    .ok_or_else(|| E::invalid_value(de::Unexpected::Unsigned(value), &self))
            }

            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Self::Value, E> {
                T::from_float(value)
                    .map(Value)
                    .ok_or_else(|| E::invalid_value(de::Unexpected::Float(value), &self))
            }
        }

        deserializer.deserialize_any(Reader(PhantomData))
    }
}

impl<T: Written> JsonSchema for Value<T> {
    fn schema_name() -> Cow<'static, str> {
        T::EXPECTED.into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        T::schema()
    }
}

/// A table in a file. serde alone would read an array as a table without names.
#[derive(Clone, Debug, Default)]
pub(super) struct Table<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Table<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Reader<T> {
            type Value = Table<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Table)
            }
        }

        deserializer.deserialize_any(Reader(PhantomData))
    }
}

impl<T: JsonSchema> JsonSchema for Table<T> {
    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}
