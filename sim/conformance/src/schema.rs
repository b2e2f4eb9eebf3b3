//! Kafka's request kinds and errors, by name, for those who write scripts.

use plimsoll_messages::Kind;
use std::collections::BTreeMap;
use std::io;

/// Every message that there is a table of, by the name of its request kind.
pub(crate) struct Schema {
    kinds: BTreeMap<String, Kind>,
    errors: BTreeMap<i64, String>,
}

impl Schema {
    /// Reads the names of errors.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub(crate) fn read() -> io::Result<Self> {
        let errors = std::fs::read_to_string("errors.txt")?;
        let errors = errors.lines().filter_map(|line| line.split_once(' '));
        let errors = errors.filter_map(|(code, name)| Some((code.parse().ok()?, name.to_owned())));
        let kinds = plimsoll_messages::kinds().into_iter();
        Ok(Self {
            kinds: kinds.map(|kind| (kind.name.clone(), kind)).collect(),
            errors: errors.collect(),
        })
    }

    /// Returns the kind of this name.
    ///
    /// # Errors
    /// Says which one is meant where there is none.
    pub(crate) fn kind(&self, name: &str) -> Result<&Kind, String> {
        let nearest = || nearest(name, self.kinds.keys().map(String::as_str));
        let unknown = || format!("`{name}` is no kind of request{}", nearest());
        self.kinds.get(name).ok_or_else(unknown)
    }

    /// Returns the name of the kind with this number; the number itself where it has no table.
    pub(crate) fn name_of(&self, key: &str) -> String {
        let mut kinds = self.kinds.values();
        let found = kinds.find(|kind| kind.key.to_string() == key);
        found.map_or_else(|| key.to_owned(), |kind| kind.name.clone())
    }

    /// Returns Kafka's name of an error; the number itself where it has none.
    pub(crate) fn error(&self, code: i64) -> String {
        let name = self.errors.get(&code);
        name.map_or_else(|| code.to_string(), Clone::clone)
    }

    /// Checks that the word is Kafka's name of an error.
    ///
    /// # Errors
    /// Says which one is meant where it is none.
    pub(crate) fn check_error(&self, word: &str) -> Result<(), String> {
        let mut names = self.errors.values().map(String::as_str);
        if names.clone().any(|name| name == word) {
            return Ok(());
        }
        let nearest = nearest(word, &mut names);
        Err(format!("`{word}` is no error of Kafka's{nearest}"))
    }
}

/// Says which of the known words is meant.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    let likeness = |candidate: &&&str| {
        let (word, candidate) = (word.to_lowercase(), candidate.to_lowercase());
        (strsim::jaro_winkler(&word, &candidate) * 1000.0) as u32
    };
    let nearest = known
        .iter()
        .filter(|candidate| likeness(candidate) >= ALIKE);
    match nearest.max_by_key(likeness) {
        Some(nearest) => format!("; did you mean `{nearest}`?"),
        None if known.len() > FEW => String::new(),
        None => format!("; expected one of {}", known.join(", ")),
    }
}

/// The likeness, of a thousand, from which on a word may be meant by another.
const ALIKE: u32 = 800;

/// The number of words up to which all are told where none is meant.
const FEW: usize = 20;
