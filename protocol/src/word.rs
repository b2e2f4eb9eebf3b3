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
/// [`Display`](std::fmt::Display). Behind `else` may stand a value for numbers that have no word:
/// it is none of the list, and borrows the word of another one.
///
/// ```
/// use plimsoll_protocol::{Word, words};
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
            $(else $(#[doc = $rest:literal])+ $other:ident($number:ty) = $like:ident,)?
        }
    ) => {
        $(#[$attribute])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $visibility enum $type {
            $($(#[doc = $text])+ $value,)+
            $($(#[doc = $rest])+ $other($number),)?
        }

        $crate::words! {
            impl $type: $what {
                $($(#[doc = $text])+ $value = $word,)+
                $(else $other = $like,)?
            }
        }

        /// The word, and of a value without one the number too.
        impl ::std::fmt::Display for $type {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str($crate::Word::word(*self))?;
                $(if let Self::$other(number) = self {
                    ::std::write!(f, " ({number})")?;
                })?
                Ok(())
            }
        }
    };
    (
        impl $type:ident: $what:literal {
            $($(#[doc = $text:literal])+ $value:ident = $word:literal,)+
            $(else $other:ident = $like:ident,)?
        }
    ) => {
        impl $crate::Word for $type {
            const WHAT: &'static str = $what;
            const ALL: &'static [Self] = &[$(Self::$value),+];

            fn word(self) -> &'static str {
                match self {
                    $(Self::$value => $word,)+
                    $(Self::$other(_) => Self::$like.word(),)?
                }
            }

            fn description(self) -> &'static str {
                match self {
                    $(Self::$value => concat!($($text),+).trim_ascii_start(),)+
                    $(Self::$other(_) => Self::$like.description(),)?
                }
            }
        }
    };
}
