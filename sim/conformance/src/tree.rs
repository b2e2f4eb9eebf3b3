//! What a message says, as text: `Topics=[Name=$t Partitions=[PartitionIndex=0 CommittedOffset=5]]`.
//!
//! A structure is its fields by Kafka's names, in braces where it is no element of a list; a list
//! stands in brackets, its elements behind commas. An error stands for itself: `UNKNOWN_MEMBER_ID` is `ErrorCode=UNKNOWN_MEMBER_ID`.

use std::fmt::{self, Write as _};

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Tree {
    Null,
    Word(String),
    /// A name that stands for what was seen first in its place, without its dollar sign.
    Variable(String),
    List(Vec<Tree>),
    Fields(Fields),
}

/// The fields of a structure, in the order of the text.
pub(crate) type Fields = Vec<(String, Tree)>;

/// The name of the field that is written without it.
pub(crate) const ERROR: &str = "ErrorCode";

/// The longest line that is written.
const WIDTH: usize = 100;

impl Tree {
    pub(crate) fn word(text: impl Into<String>) -> Self {
        Self::Word(text.into())
    }

    /// Returns the field of this name, where it is a structure that has it.
    pub(crate) fn get(&self, name: &str) -> Option<&Tree> {
        let Self::Fields(fields) = self else {
            return None;
        };
        let mut fields = fields.iter();
        fields
            .find(|(field, _)| field == name)
            .map(|(_, tree)| tree)
    }

    pub(crate) fn as_word(&self) -> Option<&str> {
        match self {
            Self::Word(word) => Some(word),
            _ => None,
        }
    }

    pub(crate) fn elements(&self) -> &[Tree] {
        match self {
            Self::List(elements) => elements,
            _ => &[],
        }
    }

    /// Calls `see` for every value in it, with the name of the nearest field.
    pub(crate) fn walk(&self, field: &str, see: &mut impl FnMut(&str, &Tree)) {
        see(field, self);
        match self {
            Self::List(elements) => elements.iter().for_each(|element| element.walk(field, see)),
            Self::Fields(fields) => fields.iter().for_each(|(name, tree)| tree.walk(name, see)),
            _ => {}
        }
    }

    /// Calls `change` for every value in it.
    ///
    /// # Errors
    /// The first of `change`.
    pub(crate) fn walk_mut<E>(
        &mut self,
        change: &mut impl FnMut(&mut Tree) -> Result<(), E>,
    ) -> Result<(), E> {
        change(self)?;
        match self {
            Self::List(elements) => elements
                .iter_mut()
                .try_for_each(|tree| tree.walk_mut(change)),
            Self::Fields(fields) => {
                let mut values = fields.iter_mut().map(|(_, tree)| tree);
                values.try_for_each(|tree| tree.walk_mut(change))
            }
            _ => Ok(()),
        }
    }
}

/// Writes the fields behind a prefix, in as many lines as they need.
pub(crate) fn write(prefix: &str, fields: &Fields) -> String {
    let mut text = format!("{prefix} ");
    write_fields(&mut text, fields, 3);
    text
}

/// Writes fields where the last line of the text ends, and breaks lines with this indent.
fn write_fields(text: &mut String, fields: &Fields, indent: usize) {
    for (name, tree) in fields {
        let line = text.rfind('\n').map_or(0, |end| end + 1);
        let is_new =
            text[line..].trim_end().ends_with(['<', '>']) || text[line..].trim().is_empty();
        let inline = Named(name, tree).to_string();
        let fits = text.len() - line + 1 + inline.len() <= WIDTH;
        let fits_alone = indent + inline.len() <= WIDTH;
        if !fits && fits_alone && !is_new {
            break_line(text, indent);
        } else if !text.ends_with(' ') {
            text.push(' ');
        }
        match tree {
            Tree::List(elements) if !fits && !fits_alone => {
                let _ = write!(text, "{name}=[");
                for (index, element) in elements.iter().enumerate() {
                    break_line(text, indent + 2);
                    match element {
                        Tree::Fields(fields) => write_fields(text, fields, indent + 2),
                        scalar => {
                            let _ = write!(text, "{scalar}");
                        }
                    }
                    if index + 1 < elements.len() {
                        text.push(',');
                    }
                }
                break_line(text, indent);
                text.push(']');
            }
            _ => text.push_str(&inline),
        }
    }
    if fields.is_empty() {
        text.push_str("{}");
    }
}

fn break_line(text: &mut String, indent: usize) {
    text.truncate(text.trim_end_matches(' ').len());
    text.push('\n');
    text.push_str(&" ".repeat(indent));
}

/// A field with its name.
struct Named<'a>(&'a str, &'a Tree);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(name, tree) = self;
        if *name == ERROR {
            return write!(f, "{tree}");
        }
        match tree {
            Tree::Fields(fields) if !fields.is_empty() => write!(f, "{name}={{{tree}}}"),
            _ => write!(f, "{name}={tree}"),
        }
    }
}

impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Variable(name) => write!(f, "${name}"),
            Self::Word(word) if is_bare(word) => f.write_str(word),
            Self::Word(word) => write!(f, "\"{word}\""),
            Self::List(elements) => {
                f.write_char('[')?;
                for (index, element) in elements.iter().enumerate() {
                    if index > 0 {
                        f.write_str(", ")?;
                    }
                    write!(f, "{element}")?;
                }
                f.write_char(']')
            }
            Self::Fields(fields) if fields.is_empty() => f.write_str("{}"),
            Self::Fields(fields) => {
                for (index, (name, tree)) in fields.iter().enumerate() {
                    if index > 0 {
                        f.write_char(' ')?;
                    }
                    write!(f, "{}", Named(name, tree))?;
                }
                Ok(())
            }
        }
    }
}

fn is_bare(word: &str) -> bool {
    !word.is_empty() && word != "null" && !word.starts_with('$') && word.chars().all(is_plain)
}

fn is_plain(c: char) -> bool {
    !c.is_whitespace() && !",[]{}=\"".contains(c)
}

/// Reads the fields of a structure.
///
/// # Errors
/// Says what was expected where the text is none.
pub(crate) fn read(text: &str) -> Result<Fields, String> {
    let mut reader = Reader { rest: text };
    let fields = reader.fields()?;
    reader.skip();
    match reader.rest {
        "" => Ok(fields),
        rest => Err(format!(
            "expected a field, as in `Name=word`, at `{}`",
            start_of(rest)
        )),
    }
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn fields(&mut self) -> Result<Fields, String> {
        let mut fields = Vec::new();
        loop {
            self.skip();
            if self.take("{}") {
                continue;
            }
            if !self.rest.starts_with(|c| is_plain(c) || c == '"') {
                return Ok(fields);
            }
            let first = self.scalar()?;
            match (first, self.take("=")) {
                (Tree::Word(name), true) => fields.push((name, self.value()?)),
                (other, true) => {
                    return Err(format!("expected the name of a field, not `{other}`"));
                }
                (error, false) => fields.push((ERROR.to_owned(), error)),
            }
        }
    }

    fn value(&mut self) -> Result<Tree, String> {
        if self.take("{") {
            let fields = self.fields()?;
            self.skip();
            return match self.take("}") {
                true => Ok(Tree::Fields(fields)),
                false => Err(format!("expected `}}` at `{}`", start_of(self.rest))),
            };
        }
        if !self.take("[") {
            return self.scalar();
        }
        let mut elements = Vec::new();
        loop {
            self.skip();
            if elements.is_empty() && self.take("]") {
                return Ok(Tree::List(elements));
            }
            elements.push(self.element()?);
            self.skip();
            if self.take("]") {
                return Ok(Tree::List(elements));
            }
            if !self.take(",") {
                return Err(format!("expected `,` or `]` at `{}`", start_of(self.rest)));
            }
        }
    }

    /// Reads an element of a list: a structure, or one value alone.
    fn element(&mut self) -> Result<Tree, String> {
        let mut fields = self.fields()?;
        match fields.as_slice() {
            [(name, _)] if name == ERROR => Ok(fields.remove(0).1),
            _ => Ok(Tree::Fields(fields)),
        }
    }

    fn scalar(&mut self) -> Result<Tree, String> {
        if let Some(rest) = self.rest.strip_prefix('"') {
            let Some((word, rest)) = rest.split_once('"') else {
                return Err(format!(
                    "expected a closing `\"` behind `{}`",
                    start_of(rest)
                ));
            };
            self.rest = rest;
            return Ok(Tree::word(word));
        }
        let end = self.rest.find(|c| !is_plain(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        if word.is_empty() {
            return Err(format!("expected a value at `{}`", start_of(self.rest)));
        }
        self.rest = rest;
        Ok(match (word, word.strip_prefix('$')) {
            ("null", _) => Tree::Null,
            (_, Some(variable)) => Tree::Variable(variable.to_owned()),
            (word, None) => Tree::word(word),
        })
    }

    fn take(&mut self, text: &str) -> bool {
        let rest = self.rest.strip_prefix(text);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn skip(&mut self) {
        self.rest = self.rest.trim_start();
    }
}

/// Returns the beginning of a text, to say where something was expected.
fn start_of(text: &str) -> &str {
    let end = text
        .char_indices()
        .nth(30)
        .map_or(text.len(), |(end, _)| end);
    if text.is_empty() {
        "the end"
    } else {
        &text[..end]
    }
}

#[cfg(test)]
mod tests {
    use super::{Tree, read, write};

    #[test]
    fn what_is_written_is_read_as_it_was() {
        let texts = [
            "a< NONE",
            "a< UNKNOWN_MEMBER_ID MemberId=$m1",
            "a< Name=\"a b\" Other=null Empty=\"\" List=[] Inner={A=1 B=[x, y]}",
            "a< Topics=[Name=$t Partitions=[Index=0, Index=1 NOT_COORDINATOR], Name=$t2]",
        ];
        for text in texts {
            let fields = read(&text[3..]).expect("it can be read");
            assert_eq!(write("a<", &fields), text);
        }
    }

    #[test]
    fn a_long_list_has_a_line_for_each_element() {
        let element = Tree::Fields(vec![("Name".into(), Tree::word("x".repeat(60)))]);
        let fields = vec![("Topics".into(), Tree::List(vec![element.clone(), element]))];
        let text = write("a<", &fields);
        let name = "x".repeat(60);
        let wanted = format!("a< Topics=[\n     Name={name},\n     Name={name}\n   ]");
        assert_eq!(text, wanted);
        assert_eq!(read(&text[3..]).expect("it can be read"), fields);
    }
}
