//! `plimsoll.toml`: what a project says once, instead of with each command.
//!
//! It is looked for in the folder of the command and those above it, up to the one that has `.git`,
//! or to the home directory: so a clone behaves alike wherever it lies. The command line comes
//! before a profile, the profile before what stands outside of profiles, and this before the
//! defaults. A profile is used where the command or `PLIMSOLL_PROFILE` names it, and not because
//! the environment looks like that of a CI: what is run is what is asked for.

mod keys;
mod over;
mod value;

pub(crate) use keys::Config;

use crate::args::ConfigArgs;
use crate::error::CliError;
use keys::File;
use plimsoll_oracle::nearest;
use plimsoll_scenarios::scenario::read_toml;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::{env, fs};

/// The name of the file.
pub(crate) const NAME: &str = "plimsoll.toml";

/// The file that `plimsoll init --config` writes.
pub(crate) const START: &str = include_str!("start.toml");

/// The variable that names a profile.
const PROFILE: &str = "PLIMSOLL_PROFILE";

/// A configuration, and where it comes from.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    /// What it says.
    pub config: Config,
    /// A sentence on the file that was read; empty where there is none.
    pub source: String,
}

/// Finds the file, reads it, and puts the profile over it.
///
/// # Errors
/// Where the file has a mistake or cannot be read, or there is no such profile.
pub(crate) fn load(args: &ConfigArgs) -> Result<Loaded, CliError> {
    let profile = args.profile.clone().or_else(|| {
        let named = env::var(PROFILE).ok();
        named.filter(|name| !name.is_empty())
    });
    match (find(), profile) {
        (Some(folder), profile) => read(&folder, profile.as_deref()),
        (None, None) => Ok(Loaded::default()),
        (None, Some(profile)) => Err(CliError::usage(
            format!("there is no {NAME} with a profile `{profile}`"),
            format!("`plimsoll init --config` writes a {NAME} to begin with."),
        )),
    }
}

/// Returns the folder of the file, as seen from the folder of the command.
fn find() -> Option<PathBuf> {
    let here = env::current_dir().ok()?;
    let home = env::home_dir().and_then(|home| home.canonicalize().ok());
    let mut way = PathBuf::new();
    for folder in here.ancestors() {
        if way.join(NAME).is_file() {
            return Some(way);
        }
        if home.as_deref() == Some(folder) || folder.join(".git").exists() {
            return None;
        }
        way.push("..");
    }
    None
}

fn read(folder: &Path, profile: Option<&str>) -> Result<Loaded, CliError> {
    let path = folder.join(NAME);
    let name = path.display().to_string();
    let text = fs::read_to_string(&path)
        .map_err(|error| CliError::Environment(format!("cannot read {name}: {error}")))?;
    let file: File = read_toml(&name, &text, NAME).map_err(CliError::Config)?;
    let (config, mut profiles) = file.into_parts();
    let (config, source) = match profile {
        None => (config, format!("Read {name}.\n")),
        Some(profile) => {
            let chosen = profiles.remove(profile);
            let names = profiles.keys().map(String::as_str);
            let chosen = chosen.ok_or_else(|| unknown(profile, &name, names))?;
            let source = format!("Read {name}, with its profile `{profile}`.\n");
            (chosen.over(config), source)
        }
    };
    Ok(Loaded {
        config: config.below(folder),
        source,
    })
}

fn unknown<'a>(profile: &str, file: &str, names: impl Iterator<Item = &'a str>) -> CliError {
    let names: Vec<&str> = names.collect();
    let help = match (nearest(profile, names.iter().copied()), names.as_slice()) {
        (Some(name), _) => format!("did you mean `{name}`?"),
        (None, []) => format!("it has none; `[profile.{profile}]` begins one"),
        (None, names) => format!("it has {}", names.join(", ")),
    };
    CliError::usage(format!("{file} has no profile `{profile}`"), help)
}

/// Returns the JSON schema of the file, for editors.
pub(crate) fn schema() -> Value {
    let keys = Config::schema();
    let profile = json!({
        "type": "object",
        "description": "What stands in the profile of this name comes before what stands outside.",
        "properties": keys,
        "additionalProperties": false,
    });
    let mut properties = keys;
    properties["profile"] = json!({
        "type": "object",
        "description": "Profiles, by name: `--profile ci` uses `[profile.ci]`.",
        "additionalProperties": profile,
    });
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": concat!("urn:plimsoll:config:", env!("CARGO_PKG_VERSION")),
        "title": NAME,
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Everything in it is a comment, and each line works without its `#`.
    #[test]
    fn the_file_to_begin_with_has_every_key_and_says_nothing_yet() {
        let file: File = read_toml(NAME, START, NAME).expect("it is right");
        assert_eq!(file.into_parts().0, Config::default());
        let uncommented: String = START
            .lines()
            .map(|line| match line.strip_prefix("# ") {
                Some(rest) if rest.contains(" = ") || rest.starts_with('[') => rest,
                _ => "",
            })
            .flat_map(|line| [line, "\n"])
            .collect();
        let file: File = read_toml(NAME, &uncommented, NAME).expect("it is right");
        let (config, profiles) = file.into_parts();
        let stated = config.stated();
        for key in Config::keys() {
            assert!(stated.contains(&&*key.name), "{}", key.name);
        }
        assert!(profiles.contains_key("ci"), "{uncommented}");
    }
}
