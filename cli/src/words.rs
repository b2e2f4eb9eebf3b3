//! The words that `plimsoll explain` knows.

use plimsoll_oracle::{Property, Sometimes, Word};
use plimsoll_scenarios::Subject;
use plimsoll_scenarios::scenario::{self, FaultName, ManualKey, ManualTable};

/// Returns the first of these words that has a meaning in scenario files.
pub(crate) fn first_known(words: &[String]) -> Option<&str> {
    let is_known = |word: &&str| {
        Property::from_word(word).is_some()
            || FaultName::from_word(word).is_some()
            || Sometimes::from_word(word).is_some()
            || Subject::from_word(word).is_some()
            || !settings(word).is_empty()
    };
    words.iter().map(String::as_str).find(is_known)
}

/// Returns what a word means among settings, in a line and by the keys that it has or is: a table,
/// or a key in every table that has it; a key also by Kafka's name.
pub(crate) fn settings(word: &str) -> Vec<(String, Vec<ManualKey>)> {
    let mut named = Vec::new();
    for ManualTable { place, keys } in scenario::settings() {
        let kafkas = format!("`{word}`");
        let (table, of_key) = word.rsplit_once('.').unwrap_or(("", word));
        let is_meant = |key: &&ManualKey| {
            let of_table = table.is_empty() || place.contains(table);
            key.name == word
                || (key.name == of_key && of_table)
                || (word.contains('.') && key.about.contains(&kafkas))
        };
        let key = keys.iter().find(is_meant).cloned();
        if place.trim_matches(['[', ']']) == word {
            named.push((format!("{place}: a table of the language"), keys));
        }
        if let Some(key) = key {
            let at = if place == scenario::TOP { "at" } else { "in" };
            named.push((format!("{word}: a setting {at} {place}"), vec![key]));
        }
    }
    named
}
