//! The values that keys of `plimsoll.toml` may have.

use crate::args::SeedRange;
use crate::terminal::When;
use clap::ValueEnum as _;
use plimsoll_scenarios::scenario::Override;
use serde::Deserializer;
use serde::de::{self, SeqAccess, Unexpected, Visitor};
use serde_json::json;
use std::fmt;
use std::marker::PhantomData;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

/// A value of a key.
pub(super) trait Value: Sized {
    /// The values that it may have, in words.
    const EXPECTED: &'static str;

    /// Reads what stands in the file; `None` for a value that it may not have.
    fn read(given: Given<'_>) -> Option<Self>;

    /// Returns the JSON schema of its values.
    fn schema() -> serde_json::Value;

    /// Puts a path below a folder.
    fn below(self, _folder: &Path) -> Self {
        self
    }
}

/// What stands in the file.
#[derive(Clone, Copy)]
pub(super) enum Given<'a> {
    Text(&'a str),
    Number(i64),
    Flag(bool),
    Texts(&'a [String]),
}

impl Value for SeedRange {
    const EXPECTED: &'static str =
        "a number of seeds such as 1000, or a range such as \"200..300\"";

    fn read(given: Given<'_>) -> Option<Self> {
        match given {
            Given::Text(text) => text.parse().ok(),
            Given::Number(number) => number.to_string().parse().ok(),
            Given::Flag(_) | Given::Texts(_) => None,
        }
    }

    fn schema() -> serde_json::Value {
        let range = json!({ "type": "string", "pattern": "^[0-9]+(\\.\\.[0-9]+)?$" });
        json!({ "anyOf": [{ "type": "integer", "minimum": 1 }, range] })
    }
}

impl Value for NonZeroUsize {
    const EXPECTED: &'static str = "a whole number from 1";

    fn read(given: Given<'_>) -> Option<Self> {
        match given {
            Given::Number(number) => Self::new(number.try_into().ok()?),
            Given::Text(_) | Given::Flag(_) | Given::Texts(_) => None,
        }
    }

    fn schema() -> serde_json::Value {
        json!({ "type": "integer", "minimum": 1 })
    }
}

impl Value for bool {
    const EXPECTED: &'static str = "true or false";

    fn read(given: Given<'_>) -> Option<Self> {
        match given {
            Given::Flag(flag) => Some(flag),
            Given::Text(_) | Given::Number(_) | Given::Texts(_) => None,
        }
    }

    fn schema() -> serde_json::Value {
        json!({ "type": "boolean" })
    }
}

impl Value for PathBuf {
    const EXPECTED: &'static str = "a path such as \"regressions\", from the folder of the file";

    fn read(given: Given<'_>) -> Option<Self> {
        match given {
            Given::Text(text) if !text.is_empty() => Some(text.into()),
            _ => None,
        }
    }

    fn schema() -> serde_json::Value {
        json!({ "type": "string", "minLength": 1 })
    }

    fn below(self, folder: &Path) -> Self {
        folder.join(self)
    }
}

impl Value for When {
    const EXPECTED: &'static str = "\"auto\", \"always\" or \"never\"";

    fn read(given: Given<'_>) -> Option<Self> {
        match given {
            Given::Text(text) => Self::from_str(text, false).ok(),
            Given::Number(_) | Given::Flag(_) | Given::Texts(_) => None,
        }
    }

    fn schema() -> serde_json::Value {
        json!({ "enum": ["auto", "always", "never"] })
    }
}

impl Value for Vec<String> {
    const EXPECTED: &'static str = "a list of keys such as [\"consumers.commit\"]";

    fn read(given: Given<'_>) -> Option<Self> {
        match given {
            Given::Texts(texts) => Some(texts.to_vec()),
            Given::Text(_) | Given::Number(_) | Given::Flag(_) => None,
        }
    }

    fn schema() -> serde_json::Value {
        json!({ "type": "array", "items": { "type": "string" } })
    }
}

impl Value for Vec<Override> {
    const EXPECTED: &'static str = "a list such as [\"consumers.commit.interval=5s\"]";

    fn read(given: Given<'_>) -> Option<Self> {
        match given {
            Given::Texts(texts) => texts.iter().map(|text| text.parse().ok()).collect(),
            Given::Text(_) | Given::Number(_) | Given::Flag(_) => None,
        }
    }

    fn schema() -> serde_json::Value {
        json!({ "type": "array", "items": { "type": "string", "pattern": "=" } })
    }
}

/// Reads the value of a key.
pub(super) fn read<'de, T: Value, D: Deserializer<'de>>(d: D) -> Result<Option<T>, D::Error> {
    struct Reader<T>(PhantomData<T>);

    impl<'de, T: Value> Visitor<'de> for Reader<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(T::EXPECTED)
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
            let wrong = || E::invalid_value(Unexpected::Str(text), &self);
            T::read(Given::Text(text)).ok_or_else(wrong)
        }

        fn visit_i64<E: de::Error>(self, number: i64) -> Result<T, E> {
            let wrong = || E::invalid_value(Unexpected::Signed(number), &self);
            T::read(Given::Number(number)).ok_or_else(wrong)
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<T, A::Error> {
            let mut texts: Vec<String> = Vec::new();
            while let Some(text) = list.next_element()? {
                texts.push(text);
            }
            let wrong = || de::Error::invalid_value(Unexpected::Seq, &self);
            T::read(Given::Texts(&texts)).ok_or_else(wrong)
        }

        fn visit_bool<E: de::Error>(self, flag: bool) -> Result<T, E> {
            let wrong = || E::invalid_value(Unexpected::Bool(flag), &self);
            T::read(Given::Flag(flag)).ok_or_else(wrong)
        }
    }

    d.deserialize_any(Reader(PhantomData)).map(Some)
}
