//! Forms: how values of a type stand in a file. Each says in one place how a value is read and
//! written, and which values there are.

use super::errors::{Place, Problem};
use super::explain::article;
use super::table::{Given, Rules};
use super::value::{self, Written};
use super::write;
use plimsoll_oracle::Word;
use schemars::{Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use serde_json::{Value, json};
use std::fmt::Display;
use std::marker::PhantomData;

/// How a value of the type `T` stands in a file, behind one key.
pub(super) trait Form<T> {
    /// Reads it into `place`.
    fn read<'de, D: Deserializer<'de>>(deserializer: D, place: &mut T) -> Result<(), D::Error>;

    /// Returns it as TOML; `None`: the key does not stand there.
    fn write(value: &T) -> Option<String>;

    /// Returns what the values are, as a schema. What JSON schema cannot say is left out, and what
    /// depends on other keys.
    fn describe(generator: &mut SchemaGenerator) -> Schema;

    /// Returns whether it is one of the values: a program can make any.
    fn allows(_value: &T) -> bool {
        true
    }

    /// Notes what is wrong with it. The key stands in the table at `at`.
    fn check(value: &T, at: &Place, key: &str, problems: &mut Vec<Problem>) {
        if !Self::allows(value) {
            let text = Self::write(value).unwrap_or_default();
            let problem = Problem::new(step(at, key), format!("`{key}` cannot be {text}"));
            let values = in_words(Self::describe(&mut SchemaGenerator::default()).as_value());
            problems.push(problem.expected(format!("expected {values}")));
        }
    }
}

/// Returns the place of a key of the table at `at`.
pub(super) fn step(at: &Place, key: &str) -> Place {
    let mut place = at.clone();
    place.push(key.into());
    place
}

/// A value that is written as text, as a number, or as either, and that means a `T`.
pub(super) trait Measure<T>: Written {
    fn value(self) -> T;

    /// Returns it as TOML.
    fn text(value: &T) -> String;

    /// Returns whether it is one of the values.
    fn is_allowed(_value: &T) -> bool {
        true
    }
}

impl<T, M: Measure<T>> Form<T> for M {
    fn read<'de, D: Deserializer<'de>>(d: D, place: &mut T) -> Result<(), D::Error> {
        *place = value::Value::<M>::deserialize(d)?.0.value();
        Ok(())
    }

    fn write(value: &T) -> Option<String> {
        Some(M::text(value))
    }

    fn describe(_: &mut SchemaGenerator) -> Schema {
        M::schema()
    }

    fn allows(value: &T) -> bool {
        M::is_allowed(value)
    }
}

/// Any text.
pub(super) enum Text {}

/// Text that is not empty.
pub(super) enum Name {}

/// `true` or `false`.
pub(super) enum Flag {}

/// A whole number.
pub(super) enum Number<const MIN: u32 = 0, const MAX: u32 = { u32::MAX }> {}

/// One of a few words.
pub(super) enum OneOf {}

/// A list of words.
pub(super) enum ListOf {}

/// A key that need not stand there.
pub(super) struct Maybe<F>(PhantomData<F>);

/// A measure that is more than nothing.
pub(super) struct Positive<M>(PhantomData<M>);

/// A table in braces, which is written as the table `R`.
pub(super) struct Inline<R>(PhantomData<R>);

/// A table of its own below this one, which is written and checked by itself.
pub(super) enum Below {}

/// Says what the values of a schema are, in words that continue `expected ...`.
pub(super) fn in_words(schema: &Value) -> String {
    if let Some(title) = schema["title"].as_str() {
        let is_noun = title.starts_with(char::is_alphabetic);
        return if is_noun {
            article(title)
        } else {
            title.into()
        };
    }
    if let Some(words) = schema["enum"].as_array() {
        let words: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
        return words.join(", ");
    }
    let number = |key: &str| schema[key].as_u64().unwrap_or_default();
    match schema["type"].as_str() {
        Some("integer" | "number") => match (number("minimum"), number("maximum")) {
            (0, UNLIMITED) => "a whole number".into(),
            (min, UNLIMITED) => format!("at least {min}"),
            (min, max) => format!("{min} to {max}"),
        },
        Some("boolean") => "true or false".into(),
        Some("array") => "a list".into(),
        Some("string") => "text".into(),
        _ => "a table".into(),
    }
}

/// The maximum of a number that has none of its own.
const UNLIMITED: u64 = u32::MAX as u64;

impl Form<String> for Text {
    fn read<'de, D: Deserializer<'de>>(d: D, place: &mut String) -> Result<(), D::Error> {
        *place = String::deserialize(d)?;
        Ok(())
    }

    fn write(value: &String) -> Option<String> {
        Some(write::quoted(value))
    }

    fn describe(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}

impl Form<String> for Name {
    fn read<'de, D: Deserializer<'de>>(d: D, place: &mut String) -> Result<(), D::Error> {
        Text::read(d, place)
    }

    fn write(value: &String) -> Option<String> {
        Text::write(value)
    }

    fn describe(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "title": "name", "type": "string", "minLength": 1 })
    }

    fn allows(value: &String) -> bool {
        !value.is_empty()
    }
}

impl Form<bool> for Flag {
    fn read<'de, D: Deserializer<'de>>(d: D, place: &mut bool) -> Result<(), D::Error> {
        *place = bool::deserialize(d)?;
        Ok(())
    }

    fn write(value: &bool) -> Option<String> {
        Some(value.to_string())
    }

    fn describe(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "boolean" })
    }
}

/// A number in a file has 32 bits, whatever the program keeps it in.
impl<T, const MIN: u32, const MAX: u32> Form<T> for Number<MIN, MAX>
where
    T: Copy + Display + TryFrom<u32> + TryInto<u32>,
{
    fn read<'de, D: Deserializer<'de>>(d: D, place: &mut T) -> Result<(), D::Error> {
        let number = u32::deserialize(d)?;
        *place = T::try_from(number).map_err(|_| D::Error::custom("it is too large"))?;
        Ok(())
    }

    fn write(value: &T) -> Option<String> {
        Some(value.to_string())
    }

    fn describe(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": MIN, "maximum": MAX })
    }

    fn allows(value: &T) -> bool {
        let number = (*value).try_into();
        number.is_ok_and(|number| (MIN..=MAX).contains(&number))
    }
}

impl<T: Word + Written> Form<T> for OneOf {
    fn read<'de, D: Deserializer<'de>>(d: D, place: &mut T) -> Result<(), D::Error> {
        *place = value::Value::deserialize(d)?.0;
        Ok(())
    }

    fn write(value: &T) -> Option<String> {
        Some(write::word(*value))
    }

    fn describe(_: &mut SchemaGenerator) -> Schema {
        T::schema()
    }
}

impl<T: Word + Written> Form<Vec<T>> for ListOf {
    fn read<'de, D: Deserializer<'de>>(d: D, place: &mut Vec<T>) -> Result<(), D::Error> {
        let values = Vec::<value::Value<T>>::deserialize(d)?;
        *place = values.into_iter().map(|value| value.0).collect();
        Ok(())
    }

    fn write(values: &Vec<T>) -> Option<String> {
        Some(write::words(values))
    }

    fn describe(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "title": format!("list, each {}", article(T::WHAT)),
            "type": "array",
            "items": T::schema(),
        })
    }
}

impl<T: Default, F: Form<T>> Form<Option<T>> for Maybe<F> {
    fn read<'de, D: Deserializer<'de>>(d: D, place: &mut Option<T>) -> Result<(), D::Error> {
        F::read(d, place.insert(T::default()))
    }

    fn write(value: &Option<T>) -> Option<String> {
        F::write(value.as_ref()?)
    }

    fn describe(generator: &mut SchemaGenerator) -> Schema {
        F::describe(generator)
    }

    fn allows(value: &Option<T>) -> bool {
        value.as_ref().is_none_or(F::allows)
    }
}

/// A measure that can be nothing at all.
pub(super) trait Nothing<T>: Measure<T> {
    fn is_nothing(value: &T) -> bool;
}

impl<T, M: Nothing<T>> Form<T> for Positive<M> {
    fn read<'de, D: Deserializer<'de>>(d: D, place: &mut T) -> Result<(), D::Error> {
        M::read(d, place)
    }

    fn write(value: &T) -> Option<String> {
        M::write(value)
    }

    fn describe(_: &mut SchemaGenerator) -> Schema {
        Self::schema()
    }

    fn allows(value: &T) -> bool {
        M::allows(value) && !M::is_nothing(value)
    }
}

impl<M: Written> Positive<M> {
    /// Returns the schema of the measure without 0. Each of the two says something of numbers or of
    /// texts, and nothing of the others.
    pub(super) fn schema() -> Schema {
        let mut schema = M::schema();
        let title = schema.get("title").and_then(|title| title.as_str());
        let title = format!("{} above 0", title.unwrap_or_default());
        schema.insert("title".into(), title.into());
        let above_0 = json!([{ "exclusiveMinimum": 0 }, { "pattern": "[1-9]" }]);
        schema.insert("allOf".into(), above_0);
        schema
    }
}

impl<T: Clone + From<R>, R: Rules + From<T>> Form<T> for Inline<R> {
    fn read<'de, D: Deserializer<'de>>(d: D, place: &mut T) -> Result<(), D::Error> {
        *place = Given::<R>::deserialize(d)?.0.into();
        Ok(())
    }

    fn write(value: &T) -> Option<String> {
        let table = R::from(value.clone());
        let written = table.written().map(|(key, text)| format!("{key} = {text}"));
        Some(format!("{{ {} }}", written.collect::<Vec<_>>().join(", ")))
    }

    fn describe(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<Given<R>>()
    }

    fn check(value: &T, at: &Place, key: &str, problems: &mut Vec<Problem>) {
        R::from(value.clone()).check_values(&step(at, key), problems);
    }
}

impl<R: Rules> Form<R> for Below {
    fn read<'de, D: Deserializer<'de>>(d: D, place: &mut R) -> Result<(), D::Error> {
        *place = Given::deserialize(d)?.0;
        Ok(())
    }

    fn write(_: &R) -> Option<String> {
        None
    }

    fn describe(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<Given<R>>()
    }
}
