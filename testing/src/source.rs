//! Where the scenario of a trial comes from.

use plimsoll_oracle::nearest;
use plimsoll_scenarios::scenario::ScenarioError;
use plimsoll_scenarios::{LIBRARY, Scenario};
use std::fs;
use std::path::Path;

/// Returns the scenario of the library with this name.
#[track_caller]
pub(crate) fn library(name: &str) -> Scenario {
    let names = || LIBRARY.iter().map(|(name, _)| *name);
    let Some((_, text)) = LIBRARY.iter().find(|(known, _)| *known == name) else {
        let meant = nearest(name, names());
        let meant = meant.map_or_else(String::new, |meant| format!(" Did you mean \"{meant}\"?"));
        panic!(
            "The library has no scenario \"{name}\".{meant} (`plimsoll list` names them; a file is \
             read by `Trial::from_file`.)"
        );
    };
    parsed(Scenario::parse(name, text))
}

/// Reads the scenario of a file.
#[track_caller]
pub(crate) fn file(path: &Path) -> Scenario {
    match fs::read_to_string(path) {
        Ok(text) => parsed(Scenario::parse(&path.display().to_string(), &text)),
        Err(error) => panic!("{} cannot be read: {error}", path.display()),
    }
}

/// Reads a scenario that stands in a test.
#[track_caller]
pub(crate) fn inline(text: &str) -> Scenario {
    parsed(Scenario::parse("inline", text))
}

#[track_caller]
fn parsed(scenario: Result<Scenario, ScenarioError>) -> Scenario {
    match scenario {
        Ok(scenario) => scenario,
        Err(error) => panic!("{:?}", miette::Report::new(error)),
    }
}
