//! Where scenarios come from: the file system, and the library inside the program.

use crate::config;
use crate::error::CliError;
use plimsoll_oracle::nearest;
use plimsoll_scenarios::scenario::{Override, ScenarioError};
use plimsoll_scenarios::{LIBRARY, Scenario};
use std::borrow::Cow;
use std::fmt;
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

/// What a command line names.
#[derive(Clone, Debug, Default)]
pub(crate) struct Found<T> {
    /// The scenarios.
    pub scenarios: Vec<T>,
    /// What stood beside them in folders.
    pub skipped: Skipped,
}

/// What is left out of the folders that a command line names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Skipped {
    /// TOML files that are no scenarios.
    pub files: Vec<PathBuf>,
    /// Folders that belong to tools, and whose files are not looked at.
    pub folders: Vec<PathBuf>,
}

impl Skipped {
    fn is_empty(&self) -> bool {
        self.files.is_empty() && self.folders.is_empty()
    }
}

/// Says what is left out, in a sentence; nothing, where nothing is.
impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return Ok(());
        }
        let count = |paths: &[PathBuf], noun: &str| match paths.len() {
            1 => format!("1 {noun}"),
            many => format!("{many} {noun}s"),
        };
        let (files, folders) = (
            count(&self.files, "TOML file"),
            count(&self.folders, "folder"),
        );
        match (self.files.len(), self.folders.len()) {
            (_, 0) => write!(f, "Skipped {files} without a scenario: ")?,
            (0, _) => write!(f, "Skipped {folders} of tools: ")?,
            _ => write!(
                f,
                "Skipped {files} without a scenario and {folders} of tools: "
            )?,
        }
        let paths = self.files.iter().chain(&self.folders);
        let all = self.files.len() + self.folders.len();
        let named = paths.take(NAMED).map(|path| path.display().to_string());
        let named: Vec<String> = named.collect();
        let end = if all > NAMED { ", ..." } else { "." };
        write!(f, "{}{end}", named.join(", "))
    }
}

/// The number of paths that a sentence about what is left out names.
const NAMED: usize = 4;

/// The folders of tools, which are not searched; neither are hidden ones.
const OF_TOOLS: [&str; 2] = ["node_modules", "target"];

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
        self.parse_with(&[])
    }

    fn parse_with(&self, set: &[Override]) -> Result<Loaded, ScenarioError> {
        let scenario = Scenario::parse_with(&self.label, &self.text, set)?;
        Ok(Loaded {
            label: self.label.clone(),
            scenario,
            alone: self.alone,
        })
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
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
pub(crate) fn load(arguments: &[String]) -> Result<Found<Loaded>, CliError> {
    load_with(arguments, &[])
}

/// Parses the scenarios that the arguments name, with settings that stand over theirs.
///
/// # Errors
/// As [`load`].
pub(crate) fn load_with(arguments: &[String], set: &[Override]) -> Result<Found<Loaded>, CliError> {
    let Found {
        scenarios: sources,
        skipped,
    } = sources(arguments)?;
    let (mut scenarios, mut errors) = (Vec::new(), Vec::new());
    for source in &sources {
        match source.parse_with(set) {
            Ok(loaded) => scenarios.push(loaded),
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() {
        Ok(Found { scenarios, skipped })
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
    load_one_with(argument, &[])
}

/// Parses the one scenario that the argument names, with settings that stand over its own.
///
/// # Errors
/// As [`load_one`].
pub(crate) fn load_one_with(argument: &str, set: &[Override]) -> Result<Loaded, CliError> {
    only(argument, load_with(&[argument.to_owned()], set)?.scenarios)
}

/// Finds the one scenario that the argument names.
///
/// # Errors
/// As [`sources`], and where the argument names several.
pub(crate) fn source_of_one(argument: &str) -> Result<Source, CliError> {
    only(argument, sources(&[argument.to_owned()])?.scenarios)
}

fn only<T>(argument: &str, mut named: Vec<T>) -> Result<T, CliError> {
    match (named.pop(), named.is_empty()) {
        (Some(one), true) => Ok(one),
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
pub(crate) fn sources(arguments: &[String]) -> Result<Found<Source>, CliError> {
    let mut skipped = Skipped::default();
    if arguments.is_empty() {
        return Ok(Found {
            scenarios: LIBRARY.iter().map(Source::embedded).collect(),
            skipped,
        });
    }
    let mut found: Vec<Source> = Vec::new();
    for argument in arguments {
        let mut named = resolve(argument, &mut skipped)?;
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
    Ok(Found {
        scenarios: found,
        skipped,
    })
}

/// Finds the scenarios that one argument names. A path that exists wins over the name of an
/// embedded scenario.
fn resolve(argument: &str, skipped: &mut Skipped) -> Result<Vec<Source>, CliError> {
    let path = Path::new(argument);
    if path.is_dir() {
        return folder(path, skipped);
    }
    if path.exists() && path.file_name().is_some_and(|name| name == config::NAME) {
        return Err(CliError::usage(
            format!("{argument} is the configuration, and no scenario"),
            "Commands that run or check something read it anyway, and show its mistakes.",
        ));
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

/// Finds the scenarios in a folder and those below it, and adds what is left out to `skipped`.
fn folder(root: &Path, skipped: &mut Skipped) -> Result<Vec<Source>, CliError> {
    let mut paths = Vec::new();
    let mut here = Skipped::default();
    collect(root, &mut paths, &mut here.folders)?;
    paths.sort();
    here.folders.sort();
    let mut scenarios = Vec::new();
    for path in paths {
        match Source::file(&path)? {
            source if Scenario::is_meant(&source.text) => scenarios.push(source),
            _ => here.files.push(path),
        }
    }
    if scenarios.is_empty() {
        let help = "A scenario is a file with a name that ends in `.toml`.";
        return Err(CliError::usage(
            format!("no scenario in {}", root.display()),
            format!("{help} {here}").trim_end(),
        ));
    }
    skipped.files.extend(here.files);
    skipped.folders.extend(here.folders);
    Ok(scenarios)
}

fn collect(
    folder: &Path,
    paths: &mut Vec<PathBuf>,
    left_out: &mut Vec<PathBuf>,
) -> Result<(), CliError> {
    let entries = fs::read_dir(folder).map_err(|error| unreadable(folder, &error))?;
    for entry in entries {
        let entry = entry.map_err(|error| unreadable(folder, &error))?;
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        if path.is_dir() {
            if name.starts_with('.') || OF_TOOLS.contains(&&*name) {
                left_out.push(path);
            } else {
                collect(&path, paths, left_out)?;
            }
        } else if name.ends_with(".toml") && name != config::NAME {
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
