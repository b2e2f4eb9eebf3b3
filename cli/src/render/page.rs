//! Text for people: lines that fit the width, marks and colours.
//!
//! Colours are escape sequences in the text; `main` prints it through a stream that takes them out
//! where they are not wanted.

use anstyle::{AnsiColor, Style};
use textwrap::{Options, WordSeparator, WordSplitter, WrapAlgorithm};

/// What was kept.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
/// What failed.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// What was not tried, or is not sure.
pub(crate) const DOUBTFUL: Style = AnsiColor::Yellow.on_default();
/// What stands out.
pub(crate) const BOLD: Style = Style::new().bold();
/// What need not be read.
pub(crate) const FAINT: Style = Style::new().dimmed();

/// Puts a text into a style.
pub(crate) fn styled(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// Returns the number of columns that a text takes; escape sequences take none.
pub(crate) fn columns(text: &str) -> usize {
    textwrap::core::display_width(text)
}

/// Fills a text up with spaces to a number of columns.
pub(crate) fn padded(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(columns(text))))
}

/// Fills a text up with spaces before it to a number of columns.
pub(crate) fn padded_left(text: &str, width: usize) -> String {
    format!("{}{text}", " ".repeat(width.saturating_sub(columns(text))))
}

/// The space at which no line ends; it is printed as any other.
const NO_BREAK: &str = "\u{a0}";

/// Keeps settings together with their values: no line ends beside an equals sign.
pub(crate) fn unbroken(settings: &str) -> String {
    settings.replace(" = ", &format!("{NO_BREAK}={NO_BREAK}"))
}

/// A text that grows line by line.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    text: String,
    width: usize,
}

impl Page {
    /// Makes an empty page of this width, in columns.
    pub(crate) const fn new(width: usize) -> Self {
        Self {
            text: String::new(),
            width,
        }
    }

    /// Returns its width, in columns.
    pub(crate) const fn width(&self) -> usize {
        self.width
    }

    /// Adds a line as it is, whatever its width.
    pub(crate) fn line(&mut self, line: &str) {
        self.text += line.trim_end();
        self.text.push('\n');
    }

    /// Adds an empty line, except at the top and after another one.
    pub(crate) fn gap(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }

    /// Adds a text in lines that fit; `first` stands before the first line, and as many spaces
    /// before the others. Only a word that is wider than the page sticks out.
    pub(crate) fn paragraph(&mut self, first: &str, text: &str) {
        let rest = " ".repeat(columns(first));
        let options = Options::new(self.width)
            .initial_indent(first)
            .subsequent_indent(&rest)
            .break_words(false)
            .word_separator(WordSeparator::AsciiSpace)
            .word_splitter(WordSplitter::NoHyphenation)
            .wrap_algorithm(WrapAlgorithm::FirstFit);
        for line in textwrap::wrap(text, options) {
            self.line(&line.replace(NO_BREAK, " "));
        }
    }

    /// Returns the text.
    pub(crate) fn into_text(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_between_words() {
        let mut page = Page::new(20);
        page.paragraph("  why: ", "commit-covers-only-finished, no-loss and others");
        let text = "  why: commit-covers-only-finished,\n       no-loss and\n       others\n";
        assert_eq!(page.into_text(), text);
    }

    #[test]
    fn settings_stay_beside_their_values() {
        let mut page = Page::new(20);
        page.paragraph("  ", &unbroken("at = \"1s\", do = \"crash\", for = \"5s\""));
        let text = "  at = \"1s\",\n  do = \"crash\",\n  for = \"5s\"\n";
        assert_eq!(page.into_text(), text);
    }

    #[test]
    fn wide_letters_take_two_columns_and_colours_none() {
        assert_eq!(columns("支払い"), 6);
        assert_eq!(columns("zahlung-für-märz"), 16);
        assert_eq!(columns(&styled(BAD, "no")), 2);
        assert_eq!(padded("支", 4), "支  ");
        assert_eq!(padded_left("支", 4), "  支");
    }

    #[test]
    fn gaps_are_one_line_high() {
        let mut page = Page::new(20);
        page.gap();
        page.line("one ");
        page.gap();
        page.gap();
        page.line("two");
        assert_eq!(page.into_text(), "one\n\ntwo\n");
    }
}
