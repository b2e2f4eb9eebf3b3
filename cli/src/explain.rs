//! `plimsoll explain`: what a word of Plimsoll means.
//!
//! It says what is written elsewhere: the properties' promises, the lists of words and the manual.

use crate::args::ExplainArgs;
use crate::config::{self, Config};
use crate::error::CliError;
use crate::exit::Exit;
use crate::library::{self, Loaded};
use crate::outcome::Outcome;
use crate::words;
use plimsoll_oracle::{Property, Sometimes, Word, nearest, promise};
use plimsoll_scenarios::Subject;
use plimsoll_scenarios::scenario::{self, FaultName, FaultSpec, Lasts, ManualKey};
use std::fmt::Write as _;

/// The number of scenarios that are named; the others are counted.
const NAMED: usize = 4;

/// The width of a line, as that of the promises.
const WIDTH: usize = 79;

/// Runs `plimsoll explain`: says everything that the word means, in the order property, fault, rare
/// thing, consumer, setting.
///
/// # Errors
/// Where it means nothing.
pub(crate) fn explain(args: &ExplainArgs) -> Result<Outcome, CliError> {
    let word = args.word.trim_matches(['[', ']']);
    let library = library::load(&[])?.scenarios;
    let mut said: Vec<String> = Vec::new();
    said.extend(Property::from_word(word).map(|property| head(property) + promise(property)));
    said.extend(FaultName::from_word(word).map(|fault| explain_fault(fault, &library)));
    said.extend(Sometimes::from_word(word).map(|rare| explain_sometimes(rare, &library)));
    said.extend(Subject::from_word(word).map(|subject| explain_subject(subject, &library)));
    said.extend(explain_setting(word));
    said.extend(explain_config(word));
    if said.is_empty() {
        return Err(unknown(word));
    }
    Ok(Outcome::new(said.join("\n"), Exit::Met))
}

fn explain_fault(fault: FaultName, library: &[Loaded]) -> String {
    let mut text = head(fault);
    writeln!(text, "{}\n", filled(fault.description())).expect("a string grows");
    text += "    [[faults]]\n";
    match fault.lasts() {
        Lasts::Always => {}
        _ => text += "    at = \"10s\"\n",
    }
    writeln!(text, "    do = \"{}\"", fault.word()).expect("a string grows");
    match fault.lasts() {
        Lasts::AMoment | Lasts::Always => {}
        Lasts::AWhile => text += "    for = \"5s\"  # without it, until everything is healed\n",
        Lasts::MemberByMember | Lasts::BrokerByBroker => {
            text += "    for = \"5s\"  # from one to the next\n";
        }
    }
    let keys = fault.manual_keys();
    if !keys.is_empty() {
        text += "\nIts own keys:\n\n";
        text += &listed(&keys);
    }
    let uses = |loaded: &&Loaded| {
        let mut faults = loaded.scenario.faults.iter();
        faults.any(|spec| match spec {
            FaultSpec::Explicit(explicit) => explicit.kind.name() == fault,
            FaultSpec::Random(_) => false,
        })
    };
    text + &scenarios("Happens in", library.iter().filter(uses))
}

fn explain_sometimes(rare: Sometimes, library: &[Loaded]) -> String {
    let text = head(rare) + &filled(rare.description()) + "\n";
    let expects = |loaded: &&Loaded| loaded.scenario.settings.expect.sometimes.contains(&rare);
    text + &scenarios("Expected in", library.iter().filter(expects))
}

fn explain_subject(subject: Subject, library: &[Loaded]) -> String {
    let text = head(subject) + &filled(subject.description()) + "\n";
    let tries = |loaded: &&Loaded| loaded.scenario.settings.consumers.subject == subject;
    text + &scenarios("Tried in", library.iter().filter(tries))
}

/// Explains a table, or a key in every table that has it; a key also by Kafka's name.
fn explain_setting(word: &str) -> Vec<String> {
    let said = words::settings(word).into_iter();
    said.map(|(head, keys)| format!("{head}\n\n{}", listed(&keys)))
        .collect()
}

/// Explains `plimsoll.toml`, or a key of it.
fn explain_config(word: &str) -> Option<String> {
    let keys = Config::keys();
    if word == config::NAME {
        let rules = "It is looked for in the folder of the command and those above it, up to the \
                     one that has `.git`, or to the home directory. Its paths are relative to it. \
                     The command line comes before it.";
        let profiles = "`[profile.ci]` has the same keys, which come before those above: with \
                        `--profile ci`, or with PLIMSOLL_PROFILE=ci in the environment.";
        return Some(format!(
            "{word}: the configuration of a project\n\n{}\n\n{}\n{}\n\n`plimsoll init --config` \
             writes one to begin with.\n",
            filled(rules),
            listed(&keys),
            filled(profiles)
        ));
    }
    let key = keys.into_iter().find(|key| key.name == word)?;
    let key = listed(&[key]);
    Some(format!("{word}: a key of {}\n\n{key}", config::NAME))
}

fn head<T: Word>(value: T) -> String {
    format!("{}: a {}\n\n", value.word(), T::WHAT)
}

/// Lists keys: what each may be, and what it means below that.
fn listed(keys: &[ManualKey]) -> String {
    let mut text = String::new();
    for key in keys {
        let default = match &key.default {
            _ if key.required => " (needed)".into(),
            Some(default) => format!(" (default: {default})"),
            None => String::new(),
        };
        let values = key.values.replace('`', "");
        let value = format!("{}: {values}{default}", key.name);
        let meaning = textwrap::Options::new(WIDTH)
            .initial_indent("        ")
            .subsequent_indent("        ");
        let value_options = textwrap::Options::new(WIDTH)
            .initial_indent("    ")
            .subsequent_indent("      ");
        text += &textwrap::fill(&value, value_options);
        text += "\n";
        text += &textwrap::fill(&key.about, meaning);
        text += "\n";
    }
    text
}

/// Names the first of some scenarios; an empty text where there is none.
fn scenarios<'a>(what: &str, shown: impl Iterator<Item = &'a Loaded>) -> String {
    let labels: Vec<&str> = shown.map(|loaded| loaded.label.as_str()).collect();
    if labels.is_empty() {
        return String::new();
    }
    let named = labels[..labels.len().min(NAMED)].join(", ");
    let more = match labels.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    format!("\n{}\n", filled(&format!("{what} {named}{more}.")))
}

fn filled(text: &str) -> String {
    textwrap::fill(text, WIDTH)
}

fn unknown(word: &str) -> CliError {
    let settings = scenario::settings();
    let keys = settings.iter().flat_map(|table| &table.keys);
    let words = Property::ALL.iter().map(|value| value.word());
    let words = words.chain(FaultName::ALL.iter().map(|value| value.word()));
    let words = words.chain(Sometimes::ALL.iter().map(|value| value.word()));
    let words = words.chain(Subject::ALL.iter().map(|value| value.word()));
    let of_config = Config::keys();
    let words = words.chain(keys.chain(&of_config).map(|key| &*key.name));
    let words = words.chain([config::NAME]);
    let hint = match nearest(word, words) {
        Some(word) => format!("Did you mean `plimsoll explain {word}`?"),
        None => "`plimsoll list --properties`, `--faults`, `--sometimes` and `--subjects` list \
                 words; `plimsoll help language` lists settings."
            .into(),
    };
    CliError::usage(
        format!(
            "`{word}` is neither a property, nor a fault, nor a rare thing, nor a consumer, nor a \
             setting"
        ),
        hint,
    )
}
