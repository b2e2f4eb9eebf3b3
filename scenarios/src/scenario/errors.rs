//! Mistakes in a scenario file: where, what was expected, and the nearest valid word.

use miette::{Diagnostic, NamedSource, SourceSpan};
use plimsoll_oracle::nearest;
use std::fmt;
use std::ops::Range;

/// The mistakes in a scenario file, or in another one that is read like it; at least one.
///
/// As a miette diagnostic it shows the place of each in the file's text.
#[derive(Debug, thiserror::Error)]
#[error("{}", .mistakes[0].message)]
pub struct ScenarioError {
    source_code: NamedSource<String>,
    mistakes: Vec<Mistake>,
}

/// One mistake in a scenario file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Diagnostic)]
#[error("{message}")]
pub struct Mistake {
    /// What is wrong, in one sentence.
    pub message: String,
    /// What was expected at that place.
    pub expected: String,
    /// What to do, with the nearest valid word if there is one.
    #[help]
    pub help: Option<String>,
    /// The words of the language that it is about, the nearest first.
    pub words: Vec<String>,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    #[label("{expected}")]
    span: SourceSpan,
}

impl Mistake {
    /// Adds words of the language that it is about, behind those that it has.
    pub(super) fn concerning(mut self, words: Vec<String>) -> Self {
        self.words.extend(words);
        self
    }
}

impl ScenarioError {
    /// Gathers the mistakes of a file, of which there must be one.
    pub(super) fn new(name: &str, text: &str, mut mistakes: Vec<Mistake>) -> Self {
        mistakes.sort_by_key(|mistake| mistake.span.offset());
        Self {
            source_code: NamedSource::new(name, text.into()).with_language("toml"),
            mistakes,
        }
    }

    /// Returns the name under which the file was parsed.
    pub fn file(&self) -> &str {
        self.source_code.name()
    }

    /// Returns the text of the file, with its name.
    pub const fn source(&self) -> &NamedSource<String> {
        &self.source_code
    }

    /// Returns every mistake that was found, from the top of the file.
    pub fn mistakes(&self) -> &[Mistake] {
        &self.mistakes
    }
}

/// The first mistake, and the others as related ones.
impl Diagnostic for ScenarioError {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.mistakes[0].help()
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        Some(&self.source_code)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = miette::LabeledSpan> + '_>> {
        self.mistakes[0].labels()
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        let others = self.mistakes[1..].iter();
        Some(Box::new(others.map(|mistake| mistake as &dyn Diagnostic)))
    }
}

/// Where something stands in a scenario: keys and indices from the top, for example `consumers`,
/// `heartbeat`.
pub(super) type Place = Vec<String>;

/// Builds a [`Place`].
macro_rules! place {
    ($($step:expr),* $(,)?) => { vec![$($step.to_string()),*] };
}
pub(super) use place;

/// Something that is wrong with a scenario, wherever it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The first of these that the file has is shown.
    pub(super) places: Vec<Place>,
    pub(super) message: String,
    pub(super) expected: String,
    pub(super) help: Option<String>,
    /// The word that is meant, perhaps.
    pub(super) near: Option<String>,
}

impl Problem {
    pub(super) fn new(place: Place, message: impl Into<String>) -> Self {
        Self {
            places: vec![place],
            message: message.into(),
            expected: "here".into(),
            help: None,
            near: None,
        }
    }

    /// Adds where else to point, if the first place is not written in the file.
    pub(super) fn or_at(mut self, place: Place) -> Self {
        self.places.push(place);
        self
    }

    /// Says what was expected there.
    pub(super) fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = expected.into();
        self
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Names the nearest of `words` to `word`, as help.
    pub(super) fn nearest<'w>(self, word: &str, words: impl IntoIterator<Item = &'w str>) -> Self {
        match nearest(word, words) {
            Some(near) => self.did_you_mean(near),
            None => self,
        }
    }

    /// Names the word that is meant, perhaps, as help.
    pub(super) fn did_you_mean(mut self, near: &str) -> Self {
        self.help = Some(format!("did you mean `{near}`?"));
        self.near = Some(near.into());
        self
    }

    /// Places the mistake in the file's text.
    pub(super) fn at(self, text: &str, span: Range<usize>) -> Mistake {
        let (line, column) = line_and_column(text, span.start);
        Mistake {
            message: self.message,
            expected: self.expected,
            help: self.help,
            words: self.near.into_iter().collect(),
            line,
            column,
            span: span.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (
        before.matches('\n').count() + 1,
        before[start..].chars().count() + 1,
    )
}
