//! What serde and the TOML parser say about a file, in the words of a mistake, and where things
//! stand in its text.

use super::errors::{Mistake, Place, Problem};
use super::reading::File;
use super::topics::one_of;
use plimsoll_oracle::nearest;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Explains what the TOML parser refuses.
pub(super) fn syntax(text: &str, error: &toml::de::Error) -> Mistake {
    let (message, expected) = match error.message().split_once(", expected ") {
        Some((message, "literal string")) => (message, "expected text in quotes".into()),
        Some((message, expected)) => (message, format!("expected {expected}")),
        None if error.message() == "duplicate key" => {
            (error.message(), "expected every key once".into())
        }
        None => (error.message(), "expected something else".into()),
    };
    Problem::new(Place::new(), format!("this is not TOML: {message}"))
        .expected(expected)
        .at(text, error.span().unwrap_or(0..0))
}

/// Explains what serde refuses.
pub(super) fn refused(
    file: File<'_>,
    document: &Spanned<DeTable<'_>>,
    error: &toml::de::Error,
) -> Mistake {
    let span = error.span().unwrap_or(0..0);
    let site = Site {
        kind: file.kind,
        ..Site::of(document.get_ref(), &span, String::new())
    };
    let words = words_at(document.get_ref(), &span);
    problem(error.message(), &site)
        .at(file.text, span)
        .concerning(words)
}

/// Returns the words of the language that what stands at `span` is about, the nearest first: its
/// key and the tables around it, or the fault, whose keys mean nothing without it.
pub(super) fn words_at(document: &DeTable<'_>, span: &Range<usize>) -> Vec<String> {
    let faults = document
        .get("faults")
        .and_then(|faults| faults.get_ref().as_array());
    let fault = faults.and_then(|faults| faults.iter().find(|fault| holds(fault, span)));
    if let Some(fault) = fault {
        let table = fault.get_ref().as_table();
        let kind = table.and_then(|table| table.get("do")?.get_ref().as_str());
        return kind.into_iter().map(str::to_owned).collect();
    }
    let Site { table, key, .. } = Site::of(document, span, String::new());
    let mut words: Vec<String> = [key, table.clone()].into();
    words.extend(table.rsplit('.').map(str::to_owned));
    words.retain(|word| !word.is_empty());
    words
}

/// Explains what serde refuses of a value by itself, which stands at `place`.
pub(super) fn refused_value(place: Place, message: &str) -> Problem {
    let site = Site {
        table: String::new(),
        key: place.last().cloned().unwrap_or_default(),
        kind: "",
    };
    let mut problem = problem(message, &site);
    problem.places = vec![place];
    problem
}

fn problem(message: &str, site: &Site) -> Problem {
    let new = |message: String| Problem::new(Place::new(), message);
    if let Some(rest) = message.strip_prefix("unknown field ") {
        let (word, known) = words(rest);
        let problem = new(format!("unknown key `{word}` {}", site.within()));
        return with_words(problem, word, &known, &site.a_key());
    }
    if let Some(rest) = message.strip_prefix("unknown ")
        && let Some(start) = rest.find('`')
    {
        let what = rest[..start].trim();
        let (word, known) = words(&rest[start..]);
        return with_words(
            new(format!("unknown {what} `{word}`")),
            word,
            &known,
            &article(what),
        );
    }
    if let Some(rest) = message.strip_prefix("missing field ") {
        return new(format!("{rest} is missing {}", site.within()))
            .expected(format!("expected {rest}"));
    }
    let wrong = message
        .strip_prefix("invalid type: ")
        .or_else(|| message.strip_prefix("invalid value: "));
    if let Some((found, expected)) = wrong.and_then(|rest| rest.split_once(", expected ")) {
        let message = format!("`{}` cannot be {}", site.key, found_plainly(found));
        let expected = match (found, expected) {
            ("map", "a sequence") => format!("`[[{}]]`", site.key),
            _ => expected_plainly(expected).into(),
        };
        return new(message).expected(format!("expected {expected}"));
    }
    match message.split_once(", expected ") {
        Some((message, expected)) => new(message.into()).expected(format!("expected {expected}")),
        None => new(message.into()).expected("expected something else"),
    }
}

/// Words that people try, and those of the language that mean the same.
const SYNONYMS: &[(&str, &str)] = &[
    ("kill", "crash"),
    ("sigkill", "crash"),
    ("restart", "stop"),
    ("shutdown", "stop"),
    ("sigterm", "stop"),
    ("freeze", "pause"),
    ("sigstop", "pause"),
    ("disconnect", "cut"),
    ("latency", "delay"),
    ("kill-broker", "broker-crash"),
    ("restart-broker", "broker-stop"),
    ("duration", "for"),
    ("failures", "retryable"),
    ("failure_rate", "retryable"),
    ("enable.auto.commit", "subject"),
];

/// Says which words are known: all if they are few, else the nearest, else all again.
fn with_words(problem: Problem, word: &str, known: &[&str], what: &str) -> Problem {
    const FEW: usize = 4;
    let synonym = SYNONYMS
        .iter()
        .find(|(tried, meant)| *tried == word && known.contains(meant));
    let near = synonym
        .map(|(_, meant)| *meant)
        .or_else(|| nearest(word, known.iter().copied()));
    let problem = match known.len() {
        0 => problem.expected("expected nothing"),
        1..=FEW => problem.expected(format!("expected {}", one_of(known))),
        _ => problem.expected(format!("expected {what}")),
    };
    match near {
        Some(near) => problem.did_you_mean(near),
        None if known.len() > FEW => problem.help(format!("known are: {}", known.join(", "))),
        None => problem,
    }
}

/// Returns the first word in backquotes, and the others.
fn words(text: &str) -> (&str, Vec<&str>) {
    let (word, rest) = match text.strip_prefix('`') {
        // What stands there may hold backquotes itself; the list of words comes last.
        Some(rest) => rest
            .rsplit_once("`, expected ")
            .or_else(|| rest.rsplit_once("`, there are no fields"))
            .unwrap_or((rest, "")),
        None => (text, ""),
    };
    (word, rest.split('`').skip(1).step_by(2).collect())
}

/// Says what serde expected, as a person says it.
fn expected_plainly(expected: &str) -> &str {
    match expected {
        "u32" | "u64" | "usize" | "i64" => "a whole number from 0",
        "f64" | "f32" => "a number",
        "a boolean" => "true or false",
        "a string" => "text in quotes",
        "a sequence" => "a list",
        expected => expected,
    }
}

/// Says what serde found, as it stands in the file.
fn found_plainly(found: &str) -> &str {
    match found {
        "map" => return "a table",
        "sequence" => return "a list",
        _ => {}
    }
    for kind in ["string ", "integer ", "floating point ", "boolean "] {
        if let Some(value) = found.strip_prefix(kind) {
            return value.trim_matches('`');
        }
    }
    found
}

/// Puts `a` or `an` in front.
pub(super) fn article(what: &str) -> String {
    let vowel = what.starts_with(['a', 'e', 'i', 'o', 'u']);
    format!("{} {what}", if vowel { "an" } else { "a" })
}

/// The surroundings of a place in a file.
struct Site {
    /// The innermost table, by its dotted name; empty for the top.
    table: String,
    /// The key in it whose value is meant.
    key: String,
    /// What files of this kind are called.
    kind: &'static str,
}

impl Site {
    /// Finds the site of `span`, which is in `table`, which is called `path`.
    fn of(table: &DeTable<'_>, span: &Range<usize>, path: String) -> Self {
        let is_a_key = table.iter().any(|(key, _)| key.span() == *span);
        for (key, value) in table.iter().filter(|_| !is_a_key) {
            if !holds(value, span) {
                continue;
            }
            let entry = match value.get_ref() {
                DeValue::Table(_) => Some(value),
                DeValue::Array(entries) => entries.iter().find(|entry| holds(entry, span)),
                _ => None,
            };
            let inner = entry.and_then(|entry| Some((entry.span(), entry.get_ref().as_table()?)));
            return match inner {
                // The table itself, or its header, is what is meant: where keys are missing, by its
                // name; where it should be another thing, by its key. Both are the same word.
                Some((whole, inner)) if whole != *span || !inner.is_empty() => {
                    let separator = if path.is_empty() { "" } else { "." };
                    let key = key.get_ref().to_string();
                    let mut site = Self::of(inner, span, format!("{path}{separator}{key}"));
                    if site.key.is_empty() {
                        site.key = key;
                    }
                    site
                }
                _ => Self {
                    table: path,
                    key: key.get_ref().to_string(),
                    kind: "",
                },
            };
        }
        Self {
            table: path,
            key: String::new(),
            kind: "",
        }
    }

    fn within(&self) -> String {
        match self.table.as_str() {
            "" => "at the top of the file".into(),
            table => format!("in `{table}`"),
        }
    }

    fn a_key(&self) -> String {
        match self.table.as_str() {
            "" => format!("a key or a table of {}", self.kind),
            table => format!("a key of `{table}`"),
        }
    }
}

/// Returns whether a place is in a value, which for tables need not be one piece of text.
fn holds(value: &Spanned<DeValue<'_>>, span: &Range<usize>) -> bool {
    let within = |outer: Range<usize>| outer.start <= span.start && span.end <= outer.end;
    within(value.span())
        || match value.get_ref() {
            DeValue::Table(table) => {
                let mut entries = table.iter();
                entries.any(|(key, value)| within(key.span()) || holds(value, span))
            }
            DeValue::Array(entries) => entries.iter().any(|entry| holds(entry, span)),
            _ => false,
        }
}

/// Finds where the first of `places` that exists stands, or else the nearest table around the
/// first.
pub(super) fn span_of(document: &Spanned<DeTable<'_>>, places: &[Place]) -> Range<usize> {
    let walks: Vec<_> = places.iter().map(|place| walk(document, place)).collect();
    let mut candidates = walks.iter().zip(places);
    let whole = candidates.find(|((depth, _), place)| *depth == place.len());
    let found = whole.map(|(walk, _)| walk).or(walks.first());
    found.map_or(0..0, |(_, span)| span.clone())
}

/// Returns the number of steps of `place` that exist, and where the last of them stands.
fn walk(document: &Spanned<DeTable<'_>>, place: &Place) -> (usize, Range<usize>) {
    let mut depth = 0;
    let mut span = 0..0;
    let mut current: Option<&DeValue<'_>> = None;
    for step in place {
        let next = match current {
            None => document.get_ref().get(step.as_str()),
            Some(DeValue::Table(table)) => table.get(step.as_str()),
            Some(DeValue::Array(array)) => step.parse::<usize>().ok().and_then(|i| array.get(i)),
            Some(_) => None,
        };
        let Some(next) = next else { break };
        depth += 1;
        span = next.span();
        current = Some(next.get_ref());
    }
    (depth, span)
}
