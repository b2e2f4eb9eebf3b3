//! The files in which failures are kept: how they are called, and that none overwrites another.

use crate::error::CliError;
use crate::trial::Trial;
use crate::{files, shell};
use plimsoll_oracle::Word;
use plimsoll_scenarios::Regression;
use std::env;
use std::path::{Component, Path, PathBuf};

/// Writes the regression of a failure of `trial` into `folder`, and returns its path.
///
/// A file that is there already is never overwritten: one of the same content is the regression,
/// one of other content keeps its name, and the regression gets a number.
///
/// # Errors
/// Where the file system refuses.
pub(crate) fn write(
    folder: &Path,
    trial: &Trial,
    regression: &Regression,
) -> Result<PathBuf, CliError> {
    let stem = stem(trial, regression);
    for name in numbered(&stem) {
        let path = folder.join(name + ".toml");
        if files::write_new(&path, &regression.to_toml(&path))? {
            return Ok(path);
        }
    }
    unreachable!("the numbers do not end")
}

/// Returns a name and, one after the other, the same name with a number.
pub(crate) fn numbered(stem: &str) -> impl Iterator<Item = String> {
    let numbers = (2u64..).map(move |number| format!("{stem}-{number}"));
    std::iter::once(stem.to_owned()).chain(numbers)
}

/// Returns the name of a regression's file without its ending: scenario, subject, property and
/// seed, as in `crash-consumer-killed-auto-commit-no-loss-17`. A regression that is shrunk further,
/// or fails once more, keeps its name, and gets the property if that is another one.
fn stem(trial: &Trial, regression: &Regression) -> String {
    let property = regression.property.word();
    let is_regression = trial.scenario.settings.expect.trace.is_some();
    let own = Path::new(&trial.label).file_stem();
    match own.map(|own| legal(&own.to_string_lossy())) {
        Some(own) if is_regression && own.contains(property) => own,
        Some(own) if is_regression => format!("{own}-{property}"),
        _ => {
            let subject = regression.scenario.settings.consumers.subject;
            let scenario = scenario_name(&trial.label);
            format!("{scenario}-{subject}-{property}-{}", regression.seed)
        }
    }
}

/// Returns the name of a scenario with its folders, as a part of a file's name: of an embedded one
/// as it is called, of a file below the current folder its path, of another file its own folder.
pub(crate) fn scenario_name(label: &str) -> String {
    let path = Path::new(label.strip_suffix(".toml").unwrap_or(label));
    let here = env::current_dir().unwrap_or_default();
    let path = path.strip_prefix(&here).unwrap_or(path);
    let parts = path.components();
    let parts: Vec<String> = parts
        .filter_map(|part| match part {
            Component::Normal(part) => Some(legal(&part.to_string_lossy())),
            _ => None,
        })
        .collect();
    let first = match path.is_absolute() {
        true => parts.len().saturating_sub(2),
        false => 0,
    };
    parts[first..].join("-")
}

/// Replaces what file systems or shells take for something else. Letters of all languages stay.
pub(crate) fn legal(name: &str) -> String {
    let is_legal = |letter: char| match letter.is_ascii() {
        true => letter.is_ascii_alphanumeric() || "-_.".contains(letter),
        false => !letter.is_whitespace() && !letter.is_control(),
    };
    name.replace(|letter| !is_legal(letter), "-")
}

/// Returns the command that replays a regression.
pub(crate) fn replay_command(path: &Path) -> String {
    format!(
        "plimsoll replay {}",
        shell::quoted(&path.display().to_string())
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_carry_the_folders_of_their_scenario() {
        assert_eq!(
            scenario_name("crash/consumer-killed"),
            "crash-consumer-killed"
        );
        assert_eq!(scenario_name("reference"), "reference");
        assert_eq!(scenario_name("./payments/eu/late.toml"), "payments-eu-late");
        assert_eq!(scenario_name("../payments/late.toml"), "payments-late");
        assert_eq!(
            scenario_name("/srv/kafka/payments/late.toml"),
            "payments-late"
        );
        let here = env::current_dir().expect("there is one");
        let below = here.join("a/b/c.toml");
        assert_eq!(scenario_name(below.to_str().expect("UTF-8")), "a-b-c");
    }

    #[test]
    fn letters_of_all_languages_survive() {
        assert_eq!(legal("zahlungen für märz"), "zahlungen-für-märz");
        assert_eq!(legal("支払い_1.2"), "支払い_1.2");
        assert_eq!(legal("a/b\\c:d\u{0}e\u{3000}f"), "a-b-c-d-e-f");
    }
}
