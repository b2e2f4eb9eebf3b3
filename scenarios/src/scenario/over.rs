//! Settings that a command line states over those of a scenario: `consumers.commit.interval=5s`.

use super::reading::File;
use super::write::quoted;
use std::fmt;
use std::str::FromStr;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A setting that stands over the one of a scenario, whether or not that states it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    key: String,
    /// The value, as TOML.
    value: String,
}

impl Override {
    /// Returns its key, as in "consumers.commit.interval".
    pub fn key(&self) -> &str {
        &self.key
    }
}

/// `KEY=VALUE`. A value that is no TOML is taken for a text, so that "5s" needs no quotes.
impl FromStr for Override {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || "expected KEY=VALUE, as in consumers.commit.interval=5s".to_owned();
        let (key, value) = text.split_once('=').ok_or_else(expected)?;
        let (key, value) = (key.trim(), value.trim());
        let is_word = |part: &str| {
            let legal = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
            !part.is_empty() && part.chars().all(legal)
        };
        if !key.split('.').all(is_word) || value.is_empty() {
            return Err(expected());
        }
        let is_toml = DeTable::parse(&format!("value = {value}")).is_ok_and(|table| {
            // A value of several lines would be several settings.
            table.get_ref().len() == 1 && !value.contains('\n')
        });
        Ok(Self {
            key: key.to_owned(),
            value: if is_toml {
                value.to_owned()
            } else {
                quoted(value)
            },
        })
    }
}

/// The setting as a line of TOML.
impl fmt::Display for Override {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {}", self.key, self.value)
    }
}

/// Adds settings to the text of a file, a line each, so that mistakes in them have a place.
pub(super) fn added(text: &str, overrides: &[Override]) -> String {
    let lines = overrides.iter().map(|over| format!("\n{over}"));
    lines.fold(text.to_owned(), |text, line| text + &line)
}

/// Puts the lines behind `text` of a file into its document, in place of what that says.
pub(super) fn resolve<'t>(document: &mut DeTable<'t>, lines: &'t str, overrides: &[Override]) {
    // Each was read when it was made.
    let Ok(stated) = File::of(lines).parse() else {
        return;
    };
    for over in overrides {
        let path: Vec<&str> = over.key.split('.').collect();
        put(document, stated.get_ref(), &path);
    }
}

fn put<'t>(into: &mut DeTable<'t>, from: &DeTable<'t>, path: &[&str]) {
    let Some((first, rest)) = path.split_first() else {
        return;
    };
    let Some((key, value)) = from.get_key_value(*first) else {
        return;
    };
    let (false, DeValue::Table(inner)) = (rest.is_empty(), value.get_ref()) else {
        into.insert(key.clone(), value.clone());
        return;
    };
    if !into.get(*first).is_some_and(|old| old.get_ref().is_table()) {
        let empty = Spanned::new(value.span(), DeValue::Table(DeTable::new()));
        into.insert(key.clone(), empty);
    }
    if let Some(DeValue::Table(table)) = into.get_mut(*first).map(Spanned::get_mut) {
        put(table, inner, rest);
    }
}

#[cfg(test)]
mod tests {
    use crate::Scenario;
    use crate::scenario::{Override, ScenarioError};
    use plimsoll_core::CommitPolicy;
    use std::time::Duration;

    const FILE: &str = "[workload]\nmessages = 3\n\n[consumers]\nheartbeat = \"1s\"\n\
                        commit = { interval = \"1s\", every = 7 }\n";

    fn with(overrides: &[&str]) -> Result<Scenario, ScenarioError> {
        let overrides = overrides.iter().map(|text| text.parse());
        let overrides: Result<Vec<Override>, _> = overrides.collect();
        Scenario::parse_with("little.toml", FILE, &overrides.expect("they can be read"))
    }

    #[test]
    fn a_setting_stands_over_that_of_the_file() {
        let scenario = with(&["consumers.commit.interval=5s", "cluster.min_insync=1"]);
        let settings = scenario.expect("it is right").settings;
        let both = CommitPolicy {
            interval: Some(Duration::from_secs(5)),
            every: Some(7),
        };
        assert_eq!(settings.consumers.config.commit, both);
        assert_eq!(settings.consumers.heartbeat, Duration::from_secs(1));
        assert_eq!(settings.cluster.min_insync, 1);
        let scenario = with(&[
            "consumers.commit={ every = 2 }",
            "consumers.dead_letters=false",
        ]);
        let config = scenario.expect("it is right").settings.consumers.config;
        assert_eq!(
            (config.commit.interval, config.commit.every),
            (None, Some(2))
        );
        assert!(!config.dead_letters);
    }

    #[test]
    fn a_mistake_in_one_is_shown_as_one_in_the_file() {
        let error = with(&["consumers.commit.interval=soon"]).expect_err("it is none");
        let told = format!("{:?}", error.mistakes());
        assert!(told.contains("soon") || told.contains("interval"), "{told}");
        let error = with(&["consumers.comit.interval=5s"]).expect_err("there is no such key");
        let told = format!("{:?}", error.mistakes());
        assert!(told.contains("comit"), "{told}");
        for wrong in [
            "consumers",
            "=5s",
            "consumers..commit=5s",
            "consumers.commit=",
        ] {
            assert!(wrong.parse::<Override>().is_err(), "{wrong}");
        }
    }
}
