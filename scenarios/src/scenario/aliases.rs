//! What a file may say instead of the language's own words: Kafka's names of consumer settings, and
//! `commit = "5s"`.
//!
//! A document is put into the language's words before it is read, with every span as it was.

use super::Consumers;
use super::table::Keys as _;
use std::borrow::Cow;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

/// Kafka's and librdkafka's names of settings that `[consumers]` has by another name.
const KAFKAS: &[(&str, &str)] = &[
    ("group.id", "group"),
    ("session.timeout.ms", "session_timeout"),
    ("heartbeat.interval.ms", "heartbeat"),
    ("max.poll.interval.ms", "poll_deadline"),
    ("fetch.wait.max.ms", "fetch_wait_max"),
    ("fetch.max.wait.ms", "fetch_wait_max"),
    ("socket.timeout.ms", "request_timeout"),
    ("request.timeout.ms", "request_timeout"),
    ("retry.backoff.ms", "retry_backoff"),
    ("topic.metadata.refresh.interval.ms", "metadata_refresh"),
    ("metadata.max.age.ms", "metadata_refresh"),
    ("partition.assignment.strategy", "assignor"),
    ("auto.offset.reset", "initial"),
    ("auto.commit.interval.ms", "commit"),
];

/// Puts a document into the language's words.
pub(super) fn resolve(document: &mut DeTable<'_>) {
    if let Some(settings) = table_at(document, &["cluster", "settings"]) {
        join_names(settings, |_| true);
    }
    let Some(consumers) = table_at(document, &["consumers"]) else {
        return;
    };
    let keys = Consumers::default().keys();
    join_names(consumers, |key| keys.iter().all(|known| known.name != key));
    for (kafkas, ours) in KAFKAS {
        let dotted: Vec<&str> = kafkas.split('.').collect();
        // `group.id` without quotes stands in a table `group`.
        if consumers.contains_key(*ours) && dotted[0] != *ours {
            continue;
        }
        let found = consumers.remove_entry(*kafkas);
        if let Some((key, value)) = found.or_else(|| take(consumers, &dotted)) {
            let value = if kafkas.ends_with(".ms") {
                in_milliseconds(value)
            } else {
                value
            };
            consumers.insert(Spanned::new(key.span(), Cow::Borrowed(*ours)), value);
        }
    }
    if let Some(commit) = consumers.get_mut("commit")
        && let DeValue::String(_) = commit.get_ref()
    {
        let span = commit.span();
        let mut table = DeTable::new();
        table.insert(
            Spanned::new(span.clone(), Cow::Borrowed("interval")),
            commit.clone(),
        );
        *commit = Spanned::new(span, DeValue::Table(table));
    }
}

/// Puts Kafka's dotted names together, where `is_name` says that their first part begins one. They
/// need quotes in TOML; without, they are tables in tables, and the name is clear all the same.
fn join_names(table: &mut DeTable<'_>, is_name: impl Fn(&str) -> bool) {
    while let Some((key, inner)) = table.iter().find_map(|(key, value)| {
        let inner = value.get_ref().as_table()?;
        is_name(key.get_ref()).then(|| (key.clone(), inner.clone()))
    }) {
        table.remove(&key);
        for (name, value) in inner {
            let joined = format!("{}.{}", key.get_ref(), name.get_ref());
            table.insert(Spanned::new(name.span(), joined.into()), value);
        }
    }
}

/// Takes a value out of tables in tables, and those that are empty then.
fn take<'i>(
    table: &mut DeTable<'i>,
    path: &[&str],
) -> Option<(Spanned<Cow<'i, str>>, Spanned<DeValue<'i>>)> {
    let (first, rest) = path.split_first()?;
    if rest.is_empty() {
        let is_value = table.get(*first)?.get_ref().as_table().is_none();
        return is_value.then(|| table.remove_entry(*first))?;
    }
    let inner = table_at(table, &[first])?;
    let taken = take(inner, rest)?;
    if inner.is_empty() {
        table.remove(*first);
    }
    Some(taken)
}

/// Gives a bare number the unit that Kafka's name says.
fn in_milliseconds(value: Spanned<DeValue<'_>>) -> Spanned<DeValue<'_>> {
    let span = value.span();
    match value.get_ref() {
        DeValue::Integer(number) => {
            let text = format!("{number}ms");
            Spanned::new(span, DeValue::String(DeString::Owned(text)))
        }
        _ => value,
    }
}

fn table_at<'a, 'i>(document: &'a mut DeTable<'i>, path: &[&str]) -> Option<&'a mut DeTable<'i>> {
    let mut table = document;
    for step in path {
        table = match table.get_mut(*step)?.get_mut() {
            DeValue::Table(inner) => inner,
            _ => return None,
        };
    }
    Some(table)
}
