//! When a fault happens: `when = "the 10th effect"`.
//!
//! The grammar: `[filler] [ordinal] condition`. A condition is its words with spaces or hyphens
//! (`commit-in-flight`, `commit in flight`); fillers (`when`, `after`, `the`, `a`, `an`, `is`,
//! `was`, `are`) mean nothing; an ordinal (`10th`, `first`) is what the key `nth` says.

use super::Condition;
use crate::scenario::value::{Refused, Written, written_as_words};
use plimsoll_oracle::Word;
use schemars::{Schema, json_schema};

written_as_words!(Condition);

/// A condition, perhaps with how often it must come true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct When {
    pub condition: Condition,
    pub nth: Option<u32>,
}

impl Written for When {
    const EXPECTED: &'static str = r#"a condition such as "commit-in-flight" or "10th effect""#;

    fn from_text(text: &str) -> Result<Self, Refused> {
        let text = text.to_lowercase();
        let mut tokens: Vec<_> = text
            .split([' ', '-', '\t'])
            .filter(|token| !token.is_empty() && !FILLERS.contains(token))
            .collect();
        let nth = tokens.first().and_then(|token| ordinal(token));
        if nth.is_some() {
            tokens.remove(0);
        }
        let condition = tokens.join("-");
        Condition::from_text(&condition).map(|condition| Self { condition, nth })
    }

    fn schema() -> Schema {
        json_schema!({
            "anyOf": [Condition::schema(), { "type": "string", "pattern": Self::pattern() }],
            "examples": ["commit-in-flight", "a commit is in flight", "the 10th effect"],
        })
    }
}

impl When {
    /// Returns the regular expression of phrases.
    fn pattern() -> String {
        let conditions = Condition::ALL.iter().map(|condition| {
            let tokens: Vec<_> = condition.word().split('-').map(any_case).collect();
            tokens.join(&format!("{GAP}+{}", fillers()))
        });
        let condition = conditions.collect::<Vec<_>>().join("|");
        let (fillers, ordinal) = (fillers(), ordinals());
        let filler = any_of(&FILLERS);
        format!(
            "^{GAP}*{fillers}(?:{ordinal}{GAP}+{fillers})?(?:{condition})(?:{GAP}+{filler})*{GAP}*$"
        )
    }

    /// Returns the regular expression with which phrases begin that have an ordinal.
    pub(super) fn counted_pattern() -> String {
        format!("^{GAP}*{}{}{GAP}", fillers(), ordinals())
    }

    /// Writes it as a file says it.
    pub(super) fn to_text(self) -> String {
        let word = self.condition.word();
        match self.nth {
            None | Some(1) => word.into(),
            Some(nth) => format!("{nth}{} {word}", suffix(nth)),
        }
    }
}

const FILLERS: [&str; 8] = ["when", "after", "the", "a", "an", "is", "was", "are"];

const ORDINALS: [&str; 10] = [
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth",
];

const ENDINGS: [&str; 4] = ["st", "nd", "rd", "th"];

fn ordinal(token: &str) -> Option<u32> {
    if let Some(index) = ORDINALS.iter().position(|word| *word == token) {
        return Some(index as u32 + 1);
    }
    let digits = token.find(|c: char| !c.is_ascii_digit())?;
    let (number, rest) = token.split_at(digits);
    ENDINGS.contains(&rest).then_some(number.parse().ok()?)
}

fn suffix(number: u32) -> &'static str {
    match (number % 10, number % 100) {
        (1, tens) if tens != 11 => "st",
        (2, tens) if tens != 12 => "nd",
        (3, tens) if tens != 13 => "rd",
        _ => "th",
    }
}

/// Regular expression of what stands between words.
const GAP: &str = r"[ \t-]";

/// Matches any number of words that mean nothing, with the gap behind each.
fn fillers() -> String {
    format!("(?:{}{GAP}+)*", any_of(&FILLERS))
}

fn ordinals() -> String {
    format!(
        "(?:{}|0*[1-9][0-9]*{})",
        any_of(&ORDINALS),
        any_of(&ENDINGS)
    )
}

fn any_of(words: &[&str]) -> String {
    let words: Vec<_> = words.iter().map(|word| any_case(word)).collect();
    format!("(?:{})", words.join("|"))
}

/// Matches a word in capital letters or not: JSON schemas have no flag for that.
fn any_case(word: &str) -> String {
    word.chars()
        .map(|letter| format!("[{}{letter}]", letter.to_ascii_uppercase()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn means(text: &str, condition: Condition, nth: Option<u32>) {
        assert_eq!(
            When::from_text(text).ok(),
            Some(When { condition, nth }),
            "{text}"
        );
    }

    #[test]
    fn phrases_mean_conditions() {
        means("commit-in-flight", Condition::CommitInFlight, None);
        means("a commit is in flight", Condition::CommitInFlight, None);
        means(
            "when a commit is in flight",
            Condition::CommitInFlight,
            None,
        );
        means("after the 10th effect", Condition::Effect, Some(10));
        means(
            "the second commit accepted",
            Condition::CommitAccepted,
            Some(2),
        );
        means("1st revoked-in-flight", Condition::RevokedInFlight, Some(1));
    }

    #[test]
    fn what_is_no_condition_is_refused() {
        for text in [
            "",
            "10th",
            "10x effect",
            "effect 10th",
            "commits in flight",
            "0.5th effect",
        ] {
            assert!(When::from_text(text).is_err(), "{text}");
        }
    }

    #[test]
    fn ordinals_are_written_as_people_write_them() {
        let text = |nth| {
            let when = When {
                condition: Condition::Effect,
                nth: Some(nth),
            };
            when.to_text()
        };
        let written = [1, 2, 3, 4, 11, 12, 13, 21, 102, 111].map(text);
        assert_eq!(
            written,
            [
                "effect",
                "2nd effect",
                "3rd effect",
                "4th effect",
                "11th effect",
                "12th effect",
                "13th effect",
                "21st effect",
                "102nd effect",
                "111th effect",
            ]
        );
    }
}
