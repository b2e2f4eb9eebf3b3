//! The part of the manual that the table of faults says.

use super::argument::Key;
use super::{FaultName, Lasts};
use plimsoll_oracle::Word;
use std::fmt::Write as _;
use std::path::Path;

/// Makes the lines between the marks in `language.md`.
fn generated() -> String {
    let mut text = String::from(
        "| `do` | what happens | its own keys (those in parentheses have defaults) | `for` |\n\
         |---|---|---|---|\n",
    );
    for name in FaultName::ALL.iter().copied() {
        let keys: Vec<_> = name.keys().iter().map(key).collect();
        let lasts = match name.lasts() {
            Lasts::AMoment => "no",
            Lasts::AWhile => "may",
            Lasts::MemberByMember | Lasts::BrokerByBroker => "must",
            Lasts::Always => "no, nor a time",
        };
        let (word, description, keys) = (name.word(), name.description(), keys.join(", "));
        writeln!(text, "| `{word}` | {description} | {keys} | {lasts} |").expect("it is a string");
    }
    text += "\n| key | what it says |\n|---|---|\n";
    for (key, meaning, kinds) in meanings() {
        let of = match kinds.is_empty() {
            true => String::new(),
            false => format!(" of {}", kinds.join(", ")),
        };
        writeln!(text, "| `{key}`{of} | {meaning} |").expect("it is a string");
    }
    let undrawable: Vec<_> = FaultName::ALL
        .iter()
        .copied()
        .filter(|name| !name.is_drawable())
        .map(|name| format!("`{}`", name.word()))
        .collect();
    writeln!(
        text,
        "\nRandom faults are of every kind but {}.",
        undrawable.join(", ")
    )
    .expect("it is a string");
    text
}

fn key(key: &Key) -> String {
    match &key.default {
        None => format!("`{}`", key.name),
        Some(default) => format!("(`{}`: {default})", key.name),
    }
}

/// Lists each key and each meaning of it, with the kinds that mean this where others mean another.
fn meanings() -> Vec<(&'static str, &'static str, Vec<String>)> {
    let mut meanings: Vec<(&str, &str, Vec<String>)> = Vec::new();
    for name in FaultName::ALL.iter().copied() {
        for key in name.keys() {
            let kind = format!("`{}`", name.word());
            let known = meanings
                .iter_mut()
                .find(|(other, meaning, _)| (*other, *meaning) == (key.name, key.meaning));
            match known {
                Some((.., kinds)) => kinds.push(kind),
                None => meanings.push((key.name, key.meaning, vec![kind])),
            }
        }
    }
    let keys: Vec<_> = meanings.iter().map(|(key, ..)| *key).collect();
    for (key, _, kinds) in &mut meanings {
        if keys.iter().filter(|other| *other == key).count() == 1 {
            kinds.clear();
        }
    }
    meanings.sort_by_key(|(key, ..)| *key);
    meanings
}

/// Compares; `UPDATE_MANUAL=1 cargo test -p plimsoll-scenarios manual` writes it anew.
#[test]
fn the_manual_has_the_table_of_faults() {
    const BEGIN: &str =
        "<!-- From faults/table.rs: UPDATE_MANUAL=1 cargo test writes it anew. -->\n";
    const END: &str = "<!-- End of what is generated. -->\n";
    let path = Path::new("src/scenario/language.md");
    let text = std::fs::read_to_string(path).expect("the manual is there");
    let (before, rest) = text.split_once(BEGIN).expect("there is a mark");
    let (_, after) = rest.split_once(END).expect("there is another mark");
    let expected = format!("{before}{BEGIN}\n{}\n{END}{after}", generated());
    if std::env::var_os("UPDATE_MANUAL").is_some() {
        std::fs::write(path, expected).expect("the manual can be written");
    } else {
        assert!(
            text == expected,
            "set UPDATE_MANUAL=1 to write the manual anew"
        );
    }
}
