//! A broken promise, and how it is told.

use crate::{Property, Scenario};
use plimsoll_oracle::Word;
use plimsoll_oracle::story::{Moment, Story, seconds};
use std::fmt;
use textwrap::{Options, WordSplitter};

/// The width of what is told, in columns.
const WIDTH: usize = 100;

/// A broken promise, and what shows it. Printed, it tells all of it.
#[derive(Clone, Debug)]
pub struct Failure {
    pub(crate) property: Property,
    pub(crate) seed: u64,
    pub(crate) also_broken: Vec<Property>,
    /// The name of the scenario that found it.
    pub(crate) trial: String,
    pub(crate) story: Story,
    /// The numbers of messages and faults that are left, and of the runs that it took to find that;
    /// `None`: it was not shrunk.
    pub(crate) size: Option<(usize, usize, u32)>,
    pub(crate) scenario: Scenario,
}

impl Failure {
    /// Returns the promise that was broken; of several, the first in the order of [`Property`].
    #[must_use]
    pub fn property(&self) -> Property {
        self.property
    }

    /// Returns whether the run broke this promise.
    #[must_use]
    pub fn breaks(&self, property: Property) -> bool {
        self.property == property || self.also_broken.contains(&property)
    }

    /// Returns the seed whose run broke it.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Returns the smallest scenario that was found to break it, with nothing left to draw. Its
    /// file ([`Scenario::to_toml`]) can be kept for [`Trial::from_file`](crate::Trial::from_file).
    #[must_use]
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }
}

/// Tells what broke, why, the events that show it, the promise, and how to see it again.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            property,
            seed,
            trial,
            story,
            ..
        } = self;
        writeln!(f, "{property} is violated in {trial}, with seed {seed}\n")?;
        entry(f, "What broke", &format!("{}.", story.broke))?;
        entry(f, "Cause", &story.cause.to_string())?;
        if let Some(at_stake) = &story.at_stake {
            entry(f, "At stake", &at_stake.to_string())?;
        }
        timeline(f, &story.moments)?;
        entry(f, "Promise", property.description())?;
        if !self.also_broken.is_empty() {
            let names = self.also_broken.iter().map(|property| property.word());
            let names: Vec<&str> = names.collect();
            entry(f, "Also broken", &names.join(", "))?;
        }
        if let Some((messages, faults, runs)) = self.size {
            let (messages, faults) = (counted(messages, "message"), counted(faults, "fault"));
            entry(
                f,
                "Shrunk",
                &format!("to {messages} and {faults}, in {runs} runs"),
            )?;
        }
        let again = format!(
            "`.seed({seed})` in the place of `.seeds(...)`; or keep the scenario below as a file, \
             for `Trial::from_file`"
        );
        entry(f, "Again with", &again)?;
        write!(f, "\n{}", self.scenario.to_toml())
    }
}

fn counted(number: usize, noun: &str) -> String {
    match number {
        0 => format!("no {noun}"),
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    }
}

/// Writes an entry: what it is, and its text.
fn entry(f: &mut fmt::Formatter<'_>, what: &str, text: &str) -> fmt::Result {
    paragraph(f, &format!("  {what:<13}"), text)
}

/// Writes the events, each on a line; those that show the violation are marked.
fn timeline(f: &mut fmt::Formatter<'_>, moments: &[Moment]) -> fmt::Result {
    let actor = moments.iter().map(|moment| moment.actor.len()).max();
    let actor = actor.unwrap_or(0);
    writeln!(f)?;
    for moment in moments {
        let mark = if moment.shows { ">" } else { " " };
        let at = seconds(moment.at);
        let first = format!("  {mark} {at:>9}  {:<actor$}  ", moment.actor);
        paragraph(f, &first, &moment.what)?;
    }
    writeln!(f)
}

/// Writes text behind its first words; further lines begin below it.
fn paragraph(f: &mut fmt::Formatter<'_>, first: &str, text: &str) -> fmt::Result {
    let indent = " ".repeat(first.len());
    let options = Options::new(WIDTH)
        .initial_indent(first)
        .subsequent_indent(&indent)
        .word_splitter(WordSplitter::NoHyphenation)
        .break_words(false);
    writeln!(f, "{}", textwrap::fill(text, options))
}
