//! Files of TOML: text to tables, tables to what serde makes of them, and every mistake on the way.
//!
//! serde reads the tables. Where it refuses one, every table is read once more by itself, so that
//! all broken ones are reported, not only the first.

use super::errors::{Mistake, ScenarioError};
use super::explain::{refused, syntax};
use serde::de::DeserializeOwned;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Reads another file than a scenario, whose mistakes are told as those of scenarios are. `kind` is
/// what files of its kind are called, and `name` this one.
///
/// # Errors
/// Where the text is not what is expected: every mistake that could be found, each with its place.
pub fn read_toml<T: DeserializeOwned>(
    name: &str,
    text: &str,
    kind: &'static str,
) -> Result<T, ScenarioError> {
    let file = File { name, text, kind };
    file.read(&file.parse()?)
}

/// A file of TOML.
#[derive(Clone, Copy)]
pub(super) struct File<'t> {
    /// Its name in messages: a path.
    pub name: &'t str,
    /// Its text.
    pub text: &'t str,
    /// The name of its kind, in the plural.
    pub kind: &'static str,
}

impl<'t> File<'t> {
    /// Makes a file without a name, of no kind.
    pub(super) fn of(text: &'t str) -> Self {
        Self {
            name: "",
            text,
            kind: "",
        }
    }

    /// Parses the text.
    pub(super) fn parse(self) -> Result<Spanned<DeTable<'t>>, ScenarioError> {
        let (document, errors) = DeTable::parse_recoverable(self.text);
        if errors.is_empty() {
            return Ok(document);
        }
        let mistakes = errors.iter().map(|error| syntax(self.text, error));
        Err(self.error(mistakes.collect()))
    }

    /// Reads its tables.
    pub(super) fn read<T: DeserializeOwned>(
        self,
        document: &Spanned<DeTable<'_>>,
    ) -> Result<T, ScenarioError> {
        read(document.clone()).map_err(|error| {
            let mut mistakes = self.read_by_parts::<T>(document);
            if mistakes.is_empty() {
                mistakes.push(refused(self, document, &error));
            }
            self.error(mistakes)
        })
    }

    fn error(self, mistakes: Vec<Mistake>) -> ScenarioError {
        ScenarioError::new(self.name, self.text, mistakes)
    }

    /// Returns what is wrong with each table, and with each entry of a list of tables, by itself.
    fn read_by_parts<T: DeserializeOwned>(self, document: &Spanned<DeTable<'_>>) -> Vec<Mistake> {
        let mut mistakes = Vec::new();
        for (key, value) in document.get_ref() {
            for part in parts(value) {
                let mut table = DeTable::new();
                table.insert(key.clone(), part);
                // serde stops at the first mistake: without its key, it goes on to the next.
                let mut is_whole = true;
                while let Err(error) = read::<T>(Spanned::new(document.span(), table.clone())) {
                    let is_key = error.message().starts_with("unknown field");
                    // Where a value was taken out, what is said of others may come from that.
                    if is_key || is_whole {
                        mistakes.push(refused(self, document, &error));
                    }
                    is_whole &= is_key;
                    let span = error.span();
                    if !span.is_some_and(|span| remove(&mut table, &span)) {
                        break;
                    }
                }
            }
        }
        mistakes
    }
}

fn read<T: DeserializeOwned>(document: Spanned<DeTable<'_>>) -> Result<T, toml::de::Error> {
    T::deserialize(toml::Deserializer::from(document))
}

/// Takes a list of tables apart; anything else is one part.
fn parts<'i>(value: &Spanned<DeValue<'i>>) -> Vec<Spanned<DeValue<'i>>> {
    match value.get_ref() {
        DeValue::Array(entries) if entries.iter().all(|entry| entry.get_ref().is_table()) => {
            let one = |entry: &Spanned<DeValue<'i>>| {
                let only = [entry.clone()].into_iter().collect();
                Spanned::new(value.span(), DeValue::Array(only))
            };
            entries.iter().map(one).collect()
        }
        _ => vec![value.clone()],
    }
}

/// Removes the key that stands at `span`, or whose value does; false if there is none.
fn remove(table: &mut DeTable<'_>, span: &Range<usize>) -> bool {
    let mut entries = table.iter();
    let stands_there = entries.find(|(key, value)| key.span() == *span || value.span() == *span);
    if let Some(key) = stands_there.map(|(key, _)| key.clone()) {
        return table.remove(&key).is_some();
    }
    table.iter_mut().any(|(_, value)| match value.get_mut() {
        DeValue::Table(inner) => remove(inner, span),
        DeValue::Array(entries) => entries.iter_mut().any(|entry| match entry.get_mut() {
            DeValue::Table(inner) => remove(inner, span),
            _ => false,
        }),
        _ => false,
    })
}
