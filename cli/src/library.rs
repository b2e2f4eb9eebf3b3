//! Where scenarios come from: the file system, and the library inside the program.

use crate::error::CliError;
use plimsoll_oracle::nearest;
use plimsoll_scenarios::scenario::ScenarioError;
use plimsoll_scenarios::{LIBRARY, Scenario};
use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};

/// A scenario and its name.
#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    /// The name on the command line: a path, or the name of an embedded scenario.
    pub label: String,
    /// The scenario.
    pub scenario: Scenario,
    /// Whether an argument named it, and not a folder of several.
    pub alone: bool,
}

/// The text of a scenario, not parsed yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Source {
    /// The name on the command line: a path, or the name of an embedded scenario.
    pub label: String,
    text: Cow<'static, str>,
    alone: bool,
}

impl Source {
    /// Parses the text.
    ///
    /// # Errors
    /// Where the file has a mistake.
    pub(crate) fn parse(&self) -> Result<Loaded, ScenarioError> {
        let scenario = Scenario::parse(&self.label, &self.text)?;
        Ok(Loaded {
            label: self.label.clone(),
            scenario,
            alone: self.alone,
        })
    }

    fn embedded((name, text): &(&'static str, &'static str)) -> Self {
        Self {
            label: (*name).to_owned(),
            text: Cow::Borrowed(text),
            alone: false,
        }
    }

    fn file(path: &Path) -> Result<Self, CliError> {
        let text = fs::read(path).map_err(|error| unreadable(path, &error))?;
        let text = String::from_utf8(text).map_err(|_| {
            CliError::usage(
                format!("{} is not UTF-8 text", path.display()),
                "A scenario is a TOML file.",
            )
        })?;
        Ok(Self {
            label: path.display().to_string(),
            text: Cow::Owned(text),
            alone: false,
        })
    }
}

/// Parses the scenarios that the arguments name; without arguments, the whole library.
///
/// # Errors
/// Where an argument names nothing, or scenarios have mistakes: then all mistakes at once.
pub(crate) fn load(arguments: &[String]) -> Result<Vec<Loaded>, CliError> {
    let sources = sources(arguments)?;
    let (mut scenarios, mut errors) = (Vec::new(), Vec::new());
    for source in &sources {
        match source.parse() {
            Ok(loaded) => scenarios.push(loaded),
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() {
        Ok(scenarios)
    } else {
        let files = sources.len();
        Err(CliError::Scenarios { errors, files })
    }
}

/// Parses the one scenario that the argument names.
///
/// # Errors
/// As [`load`], and where the argument names several.
pub(crate) fn load_one(argument: &str) -> Result<Loaded, CliError> {
    let mut scenarios = load(&[argument.to_owned()])?;
    match (scenarios.pop(), scenarios.is_empty()) {
        (Some(scenario), true) => Ok(scenario),
        _ => Err(CliError::usage(
            format!("{argument} names several scenarios"),
            "This command takes one scenario.",
        )),
    }
}

/// Finds the scenarios that the arguments name; without arguments, the whole library.
///
/// # Errors
/// Where an argument names nothing that can be read.
pub(crate) fn sources(arguments: &[String]) -> Result<Vec<Source>, CliError> {
    if arguments.is_empty() {
        return Ok(LIBRARY.iter().map(Source::embedded).collect());
    }
    let mut found: Vec<Source> = Vec::new();
    for argument in arguments {
        let mut named = resolve(argument)?;
        if let [only] = named.as_mut_slice() {
            only.alone = true;
        }
        for source in named {
            match found.iter_mut().find(|known| known.label == source.label) {
                Some(known) => known.alone |= source.alone,
                None => found.push(source),
            }
        }
    }
    Ok(found)
}

/// Finds the scenarios that one argument names. A path that exists wins over the name of an
/// embedded scenario.
fn resolve(argument: &str) -> Result<Vec<Source>, CliError> {
    let path = Path::new(argument);
    if path.is_dir() {
        return folder(path);
    }
    if path.exists() {
        return Ok(vec![Source::file(path)?]);
    }
    let embedded: Vec<Source> = LIBRARY
        .iter()
        .filter(|(name, _)| is_named_by(name, argument))
        .map(Source::embedded)
        .collect();
    if embedded.is_empty() {
        Err(unknown(argument))
    } else {
        Ok(embedded)
    }
}

/// Tells whether a word names an embedded scenario: its full name, its stem, or its folder.
fn is_named_by(name: &str, word: &str) -> bool {
    let (folder, stem) = name.rsplit_once('/').unwrap_or(("", name));
    name == word || stem == word || (!folder.is_empty() && folder == word.trim_end_matches('/'))
}

fn unknown(argument: &str) -> CliError {
    let names = LIBRARY.iter().flat_map(|(name, _)| {
        let (folder, stem) = name.rsplit_once('/').unwrap_or((name, name));
        [*name, stem, folder]
    });
    let hint = match nearest(argument, names) {
        Some(name) => format!("There is an embedded scenario or folder named `{name}`."),
        None => "`plimsoll list` shows the embedded scenarios.".to_owned(),
    };
    CliError::usage(
        format!("`{argument}` is neither a file, nor a folder, nor an embedded scenario"),
        hint,
    )
}

fn folder(root: &Path) -> Result<Vec<Source>, CliError> {
    let mut paths = Vec::new();
    collect(root, &mut paths)?;
    paths.sort();
    if paths.is_empty() {
        return Err(CliError::usage(
            format!("no scenario in {}", root.display()),
            "A scenario is a file with a name that ends in `.toml`.",
        ));
    }
    paths.iter().map(|path| Source::file(path)).collect()
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) -> Result<(), CliError> {
    let entries = fs::read_dir(folder).map_err(|error| unreadable(folder, &error))?;
    for entry in entries {
        let path = entry.map_err(|error| unreadable(folder, &error))?.path();
        if path.is_dir() {
            collect(&path, paths)?;
        } else if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            paths.push(path);
        }
    }
    Ok(())
}

fn unreadable(path: &Path, error: &std::io::Error) -> CliError {
    CliError::usage(
        format!("cannot read {}: {error}", path.display()),
        "`plimsoll list` shows the scenarios that need no file.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_stem_and_folder_name_an_embedded_scenario() {
        assert!(is_named_by("network/cut", "network/cut"));
        assert!(is_named_by("network/cut", "cut"));
        assert!(is_named_by("network/cut", "network/"));
        assert!(is_named_by("reference", "reference"));
        assert!(!is_named_by("network/cut", "net"));
        assert!(!is_named_by("reference", ""));
    }
}
