//! The tables of `language.md` that list keys: made from the declarations.
//!
//! To write them anew: `UPDATE_MANUAL=1 cargo test -p plimsoll-scenarios manual`.

use super::distribution::Slow;
use super::fate::FatedMessage;
use super::form::in_words;
use super::messages::GivenMessage;
use super::policies::{Commit, Retry};
use super::table::{Key, Keys};
use super::workload::GivenWorkload;
use super::{BrokerSettings, Cluster, Consumers, Expect, Handler, Network, Topic};
use schemars::SchemaGenerator;
use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

#[test]
fn the_manual_lists_every_key() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/scenario/language.md");
    let manual = fs::read_to_string(&path).expect("the manual can be read");
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

/// Returns the manual with its lists of keys made anew: what stands between `<!-- keys: T -->` and
/// `<!-- end of keys -->`.
fn with_keys(manual: &str) -> String {
    const BEGIN: &str = "<!-- keys: ";
    const END: &str = "<!-- end of keys -->";
    let mut pieces = manual.split(BEGIN);
    let mut text = pieces.next().unwrap_or_default().to_owned();
    let mut left = lists();
    for piece in pieces {
        let (name, rest) = piece.split_once(" -->").expect("the marker is closed");
        let (_, after) = rest.split_once(END).expect("the list is closed");
        let index = left.iter().position(|(table, _)| *table == name);
        let (_, list) = left.remove(index.expect("each table is listed once"));
        text += &format!("{BEGIN}{name} -->\n{list}{END}{after}");
    }
    let left: Vec<_> = left.into_iter().map(|(name, _)| name).collect();
    assert!(left.is_empty(), "not in the manual: {left:?}");
    text
}

/// Returns the name and the keys of each table.
fn lists() -> Vec<(&'static str, String)> {
    vec![
        list::<Cluster>(),
        list::<BrokerSettings>(),
        list::<Topic>(),
        list::<GivenWorkload>(),
        list::<GivenMessage>(),
        list::<Consumers>(),
        list::<Commit>(),
        list::<Retry>(),
        list::<Handler>(),
        list::<FatedMessage>(),
        list::<Network>(),
        list::<Slow>(),
        list::<Expect>(),
    ]
}

fn list<T: Keys>() -> (&'static str, String) {
    let mut list = "| key | value | default | |\n|---|---|---|---|\n".to_owned();
    for key in T::default().keys() {
        let values = in_words((key.schema)(&mut SchemaGenerator::default()).as_value());
        let (name, default, about) = (key.name, default_of(&key), key.about);
        writeln!(list, "| `{name}` | {values} | {default} | {about} |").expect("it is a string");
    }
    (T::NAME, list)
}

fn default_of(key: &Key) -> String {
    match &key.text {
        _ if key.required => "(needed)".into(),
        Some(text) if !text.starts_with('{') => format!("`{text}`"),
        _ => String::new(),
    }
}
