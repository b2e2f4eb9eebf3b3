//! Elements of HTML and SVG that cannot hold a text which is not escaped.
//!
//! The names of tags and attributes, and what [`Element::constant`] takes, are constants of the
//! program; all else is text, and is escaped where it is put in. So a topic may be called
//! `<script>`, and no caller has to think of it.

use std::fmt::{self, Display, Write};

/// An element that grows part by part.
#[derive(Clone, Debug)]
pub(crate) struct Element {
    tag: &'static str,
    attributes: String,
    content: String,
}

/// Elements that have no content, and no end tag.
const VOID: [&str; 4] = ["br", "col", "link", "meta"];

/// Elements within a line of text: no line of the file ends behind them, because the end of a line
/// is a space.
const IN_A_LINE: [&str; 10] = [
    "a", "b", "code", "span", "strong", "svg", "text", "title", "tspan", "wbr",
];

impl Element {
    /// Makes an empty element.
    pub(crate) const fn new(tag: &'static str) -> Self {
        Self {
            tag,
            attributes: String::new(),
            content: String::new(),
        }
    }

    /// Adds an attribute.
    #[must_use]
    pub(crate) fn with(mut self, name: &'static str, value: impl Display) -> Self {
        self.attributes.push(' ');
        self.attributes.push_str(name);
        self.attributes.push_str("=\"");
        escape(&mut self.attributes, value);
        self.attributes.push('"');
        self
    }

    /// Adds the attribute `class`: one class, or several with spaces between them.
    #[must_use]
    pub(crate) fn class(self, classes: impl Display) -> Self {
        self.with("class", classes)
    }

    /// Adds text.
    #[must_use]
    pub(crate) fn text(mut self, text: impl Display) -> Self {
        escape(&mut self.content, text);
        self
    }

    /// Adds markup that is a constant of the program, such as a style sheet.
    #[must_use]
    pub(crate) fn constant(mut self, markup: &'static str) -> Self {
        self.content.push_str(markup);
        self
    }

    /// Adds an element.
    #[must_use]
    pub(crate) fn child(mut self, child: Self) -> Self {
        write!(self.content, "{child}").expect("writing to a string");
        self
    }

    /// Adds elements.
    #[must_use]
    pub(crate) fn children(self, children: impl IntoIterator<Item = Self>) -> Self {
        children.into_iter().fold(self, Self::child)
    }

    /// Adds an element that only has a text.
    #[must_use]
    pub(crate) fn line(self, tag: &'static str, text: impl Display) -> Self {
        self.child(Self::new(tag).text(text))
    }
}

/// The markup of the element.
impl Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            tag,
            attributes,
            content,
        } = self;
        write!(f, "<{tag}{attributes}>")?;
        if !VOID.contains(tag) {
            write!(f, "{content}</{tag}>")?;
        }
        if !IN_A_LINE.contains(tag) {
            f.write_char('\n')?;
        }
        Ok(())
    }
}

/// Appends a text in which nothing is markup, neither between tags nor in an attribute.
fn escape(into: &mut String, text: impl Display) {
    write!(Escaped(into), "{text}").expect("writing to a string");
}

struct Escaped<'a>(&'a mut String);

impl Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for letter in text.chars() {
            match letter {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                // HTML allows no other control characters, and a terminal may obey them.
                '\n' | '\t' => self.0.push(letter),
                _ if letter.is_control() => self.0.push('\u{fffd}'),
                _ => self.0.push(letter),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_text_is_markup() {
        let hostile = "</td><script>alert(\"&'\")</script>\u{1b}[31m";
        let cell = Element::new("td").with("title", hostile).text(hostile);
        let escaped = "&lt;/td&gt;&lt;script&gt;alert(&quot;&amp;&#39;&quot;)&lt;/script&gt;\
                       \u{fffd}[31m";
        assert_eq!(
            cell.to_string(),
            format!("<td title=\"{escaped}\">{escaped}</td>\n")
        );
    }

    #[test]
    fn elements_hold_elements() {
        let row = Element::new("tr")
            .class("bad")
            .children([1, 2].map(|number| Element::new("td").text(number)));
        assert_eq!(
            row.to_string(),
            "<tr class=\"bad\"><td>1</td>\n<td>2</td>\n</tr>\n"
        );
        assert_eq!(Element::new("br").to_string(), "<br>\n");
    }
}
