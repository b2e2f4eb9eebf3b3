//! The manual: `language.md`, and what it lists of keys, made from the declarations.

use super::distribution::Slow;
use super::fate::FatedMessage;
use super::form::in_words;
use super::messages::GivenMessage;
use super::policies::{Commit, Retry};
use super::table::Keys;
use super::workload::GivenWorkload;
use super::{BrokerSettings, Cluster, Consumers, Expect, Handler, Network, Topic};
use schemars::SchemaGenerator;
use serde_json::Value;
use std::borrow::Cow;

/// The manual of scenario files, in Markdown.
pub const LANGUAGE: &str = include_str!("language.md");

/// What the manual says of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManualKey {
    /// The word in front of `=`.
    pub name: Cow<'static, str>,
    /// The values that it may have, in words.
    pub values: String,
    /// The value where a file does not state it, as TOML; `None`: there is none, or it is a table.
    pub default: Option<String>,
    /// Whether every file must state it.
    pub required: bool,
    /// Its meaning.
    pub about: Cow<'static, str>,
}

/// A table of the language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManualTable {
    /// Where it stands in a file, such as `[cluster]`; [`TOP`] for what stands in no table.
    pub place: &'static str,
    /// Its keys.
    pub keys: Vec<ManualKey>,
}

/// The place of keys that stand in no table.
pub const TOP: &str = "the top of a file";

/// Returns every table of settings with its keys, first those in no table; those of faults are
/// [`FaultName::manual_keys`](super::FaultName::manual_keys).
pub fn settings() -> Vec<ManualTable> {
    let tables = tables().into_iter().map(|(_, table)| table);
    [top()].into_iter().chain(tables).collect()
}

/// Lists the keys that stand in no table.
fn top() -> ManualTable {
    let schema = super::schema();
    let properties = schema["properties"].as_object().into_iter().flatten();
    let is_value =
        |(_, schema): &(&String, &Value)| !["a table", "a list"].contains(&&*in_words(schema));
    let keys = properties.filter(is_value).map(|(name, schema)| ManualKey {
        name: name.clone().into(),
        values: in_words(schema),
        default: None,
        required: false,
        // As a comment it had several lines.
        about: schema["description"]
            .as_str()
            .unwrap_or_default()
            .replace('\n', " ")
            .into(),
    });
    ManualTable {
        place: TOP,
        keys: keys.collect(),
    }
}

/// Returns each table with its name in the schema.
fn tables() -> Vec<(&'static str, ManualTable)> {
    vec![
        table::<Cluster>("[cluster]"),
        table::<BrokerSettings>("[cluster.settings]"),
        table::<Topic>("[[topics]]"),
        table::<GivenWorkload>("[workload]"),
        table::<GivenMessage>("[[messages]]"),
        table::<Consumers>("[consumers]"),
        table::<Commit>("commit = { .. } of [consumers]"),
        table::<Retry>("retry = { .. } of [consumers]"),
        table::<Handler>("[handler]"),
        table::<FatedMessage>("[[handler.messages]]"),
        table::<Network>("[network]"),
        table::<Slow>("slow = { .. } of [handler] and [network]"),
        table::<Expect>("[expect]"),
    ]
}

fn table<T: Keys>(place: &'static str) -> (&'static str, ManualTable) {
    let keys = T::default().keys().into_iter().map(|key| ManualKey {
        name: key.name.into(),
        values: in_words((key.schema)(&mut SchemaGenerator::default()).as_value()),
        default: key
            .text
            .filter(|text| !key.required && !text.starts_with('{')),
        required: key.required,
        about: key.about.into(),
    });
    let keys = keys.collect();
    (T::NAME, ManualTable { place, keys })
}

/// The lists of the manual. To write them anew:
/// `UPDATE_MANUAL=1 cargo test -p plimsoll-scenarios manual`.
#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write as _;
    use std::path::Path;
    use std::{env, fs};

    #[test]
    fn the_manual_lists_every_key() {
        let path = Path::new("src/scenario/language.md");
        let manual = fs::read_to_string(path).expect("the manual can be read");
        let listed = with_keys(&manual);
        if listed == manual {
            return;
        }
        if env::var_os("UPDATE_MANUAL").is_some() {
            fs::write(path, listed).expect("the manual can be written");
            return;
        }
        panic!("language.md is old; to write it anew, run this test with UPDATE_MANUAL=1");
    }

    /// Returns the manual with its lists of keys made anew: what stands between `<!-- keys: T -->`
    /// and `<!-- end of keys -->`.
    fn with_keys(manual: &str) -> String {
        const BEGIN: &str = "<!-- keys: ";
        const END: &str = "<!-- end of keys -->";
        let mut pieces = manual.split(BEGIN);
        let mut text = pieces.next().unwrap_or_default().to_owned();
        let mut left = tables();
        for piece in pieces {
            let (name, rest) = piece.split_once(" -->").expect("the marker is closed");
            let (_, after) = rest.split_once(END).expect("the list is closed");
            let index = left.iter().position(|(table, _)| *table == name);
            let (_, table) = left.remove(index.expect("each table is listed once"));
            let list = list(&table);
            text += &format!("{BEGIN}{name} -->\n{list}{END}{after}");
        }
        let left: Vec<_> = left.into_iter().map(|(name, _)| name).collect();
        assert!(left.is_empty(), "not in the manual: {left:?}");
        text
    }

    fn list(table: &ManualTable) -> String {
        let mut list = "| key | value | default | |\n|---|---|---|---|\n".to_owned();
        for key in &table.keys {
            let default = match &key.default {
                _ if key.required => "(needed)".into(),
                Some(text) => format!("`{text}`"),
                None => String::new(),
            };
            let (name, values, about) = (&key.name, &key.values, &key.about);
            writeln!(list, "| `{name}` | {values} | {default} | {about} |")
                .expect("it is a string");
        }
        list
    }
}
