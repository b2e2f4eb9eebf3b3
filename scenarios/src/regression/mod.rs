//! Regressions: shrunk failures, kept as scenario files that replay byte for byte.
//!
//! A regression is a scenario file with nothing left to draw: a seed, every message and fault,
//! the properties that it violates, and the hash of its trace. It is read like any scenario, by
//! [`Scenario::parse`].

mod description;

use crate::scenario::Expected;
use crate::{Plan, Scenario, Subject};
use plimsoll_oracle::{Fingerprint, Property, Verdict};
use std::fmt::Write as _;
use std::path::Path;

/// A failure to keep.
#[derive(Clone, Debug)]
pub struct Regression {
    /// Which property it was found, and shrunk, for.
    pub property: Property,
    /// The run, with what it must show.
    pub scenario: Scenario,
    /// The seed that found it, and under which it runs.
    pub seed: u64,
    /// What it shows of what the scenario showed, a line a property.
    violations: Vec<String>,
}

impl Regression {
    /// Makes the regression of `plan`, run with `subject`: it broke what `verdict` says, `property`
    /// among it, and left a trace with this fingerprint. The scenario from which it was shrunk broke
    /// the properties of `found`: what only the smaller schedule breaks (because its messages or
    /// its time are too few, perhaps) is no finding about the scenario, and is not told as one.
    pub fn from_plan(
        plan: &Plan,
        property: Property,
        found: &[Property],
        verdict: &Verdict,
        fingerprint: Fingerprint,
        subject: Subject,
    ) -> Self {
        let mut scenario = plan.to_scenario();
        scenario.seed = Some(plan.seed);
        scenario.settings.consumers.subject = subject;
        scenario.settings.description = description::of(plan);
        if plan.heal_at == plan.implied_healing() {
            scenario.settings.safety = None;
        }
        let expect = &mut scenario.settings.expect;
        let violated = verdict.violations().map(|(property, _)| property);
        expect.verdict = Expected::Violated(violated.collect());
        expect.trace = Some(fingerprint.to_string());
        // Rare things are what many seeds must show together; this is one.
        expect.sometimes.clear();
        // It replays what the simulator did, and its times are shrunk.
        scenario.settings.real_time = false;
        let line = |(property, violation): (Property, &plimsoll_oracle::Violation)| {
            format!("{property}: {}", violation.summary)
        };
        Self {
            property,
            scenario,
            seed: plan.seed,
            violations: verdict
                .violations()
                .filter(|(violated, _)| *violated == property || found.contains(violated))
                .map(line)
                .collect(),
        }
    }

    /// Returns the hash of its trace.
    pub fn trace(&self) -> &str {
        self.scenario
            .settings
            .expect
            .trace
            .as_deref()
            .unwrap_or_default()
    }

    /// Writes the file's text: a comment that says what broke, how it was found and how to see it
    /// again, and the scenario. `path` is where it will stand; its stem becomes the scenario's
    /// name.
    pub fn to_toml(&self, path: &Path) -> String {
        let mut scenario = self.scenario.clone();
        if let Some(stem) = path.file_stem() {
            scenario.settings.name = stem.to_string_lossy().into_owned();
        }
        self.header(path) + "\n" + &scenario.to_toml()
    }

    fn header(&self, path: &Path) -> String {
        let mut text = String::new();
        for violation in &self.violations {
            comment(&mut text, violation);
        }
        let settings = &self.scenario.settings;
        let found = format!(
            "Found by the scenario {} with subject {} and seed {}, and shrunk by Plimsoll {}. \
             To see it again:",
            settings.name,
            settings.consumers.subject,
            self.seed,
            env!("CARGO_PKG_VERSION"),
        );
        text.push_str("#\n");
        comment(&mut text, &found);
        let path = path.display().to_string().replace(char::is_control, "?");
        let quote = if path.contains(' ') { "'" } else { "" };
        writeln!(text, "#\n#     plimsoll replay {quote}{path}{quote}").expect(INFALLIBLE);
        text
    }
}

/// Appends `words` as lines of a comment. TOML allows no control characters there, and what
/// subjects and topics are called ends up in summaries, so they are split away as white space is.
fn comment(text: &mut String, words: &str) {
    let mut width = usize::MAX;
    for word in words.split(|letter: char| letter.is_whitespace() || letter.is_control()) {
        if word.is_empty() {
            continue;
        }
        let length = word.chars().count();
        if width.saturating_add(1 + length) > WIDTH {
            text.push_str(if width == usize::MAX { "#" } else { "\n#" });
            width = 1;
        }
        write!(text, " {word}").expect(INFALLIBLE);
        width += 1 + length;
    }
    text.push('\n');
}

const WIDTH: usize = 100;
const INFALLIBLE: &str = "writing to a string";

#[cfg(test)]
mod tests {
    use super::comment;

    #[test]
    fn comments_are_wrapped_and_hold_no_control_characters() {
        let mut text = String::new();
        comment(&mut text, "one\u{0}two\nthree\r\n\tfour");
        assert_eq!(text, "# one two three four\n");

        text.clear();
        comment(&mut text, &"word ".repeat(50));
        assert_eq!(text.lines().count(), 3);
        assert!(
            text.lines()
                .all(|line| line.starts_with("# word") && line.len() <= 100)
        );
    }
}
