//! Fixed lists of words: what files, reports, traces and the command line call a value.

use std::fmt::Debug;

/// One of a fixed list of values, each of which has a word.
///
/// [`words!`](crate::words) declares such an enum, so that a value, its word and its description
/// stand in one place.
pub trait Word: Copy + Debug + Eq + 'static {
    /// What a word of this list names, such as `error`; continues `unknown ...`.
    const WHAT: &'static str;

    /// Every value, in the order of listings.
    const ALL: &'static [Self];

    /// Returns the word of this value.
    fn word(self) -> &'static str;

    /// Returns what this value means, in one sentence.
    fn description(self) -> &'static str;

    /// Returns the value of a word; `None` where the word is none of the list.
    fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|value| value.word() == word)
    }
}

/// Declares an enum whose values have words, or gives words to an enum of another crate.
///
/// A value's doc comment is its description, and the words are its
/// [`Display`](std::fmt::Display).
///
/// ```
/// use plimsoll_oracle::{Word, words};
///
/// words! {
///     /// Which way a fault works.
///     pub enum Direction: "direction" {
///         /// What the member sends.
///         Requests = "requests",
///         /// What the member receives.
///         Responses = "responses",
///     }
/// }
///
/// assert_eq!(Direction::from_word("requests"), Some(Direction::Requests));
/// assert_eq!(Direction::Responses.description(), "What the member receives.");
/// ```
#[macro_export]
macro_rules! words {
    (
        $(#[$attribute:meta])*
        $visibility:vis enum $type:ident: $what:literal {
            $($(#[doc = $text:literal])+ $value:ident = $word:literal,)+
        }
    ) => {
        $(#[$attribute])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $visibility enum $type {
            $($(#[doc = $text])+ $value,)+
        }

        $crate::words! {
            impl $type: $what { $($(#[doc = $text])+ $value = $word,)+ }
        }

        /// The word.
        impl ::std::fmt::Display for $type {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str($crate::Word::word(*self))
            }
        }
    };
    (
        impl $type:ident: $what:literal {
            $($(#[doc = $text:literal])+ $value:ident = $word:literal,)+
        }
    ) => {
        impl $crate::Word for $type {
            const WHAT: &'static str = $what;
            const ALL: &'static [Self] = &[$(Self::$value),+];

            fn word(self) -> &'static str {
                match self {
                    $(Self::$value => $word,)+
                }
            }

            fn description(self) -> &'static str {
                match self {
                    $(Self::$value => concat!($($text),+).trim_ascii_start(),)+
                }
            }
        }
    };
}

/// Returns the word of `known` that was most likely meant by `word`, if one is near enough.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    known
        .into_iter()
        .map(|candidate| {
            let lower = candidate.to_lowercase();
            let similarity = strsim::jaro_winkler(&word, &lower);
            let edits = strsim::osa_distance(&word, &lower);
            (similarity, edits, candidate)
        })
        .filter(|(similarity, edits, candidate)| {
            *similarity >= 0.8 || *edits <= 2.min(candidate.chars().count() / 2)
        })
        .max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)))
        .map(|(_, _, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn the_nearest_word_is_the_one_that_was_meant() {
        let known = ["no-loss", "no-rewind", "no-zombie", "liveness"];
        assert_eq!(nearest("no-lost", known), Some("no-loss"));
        assert_eq!(nearest("LIVENES", known), Some("liveness"));
        assert_eq!(nearest("exactly-once", known), None);
        assert_eq!(nearest("", known), None);
    }
}
