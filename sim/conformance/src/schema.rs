//! The forms of Kafka's messages, as the tables in `messages/` have them.

use std::collections::BTreeMap;
use std::iter::Peekable;
use std::path::Path;
use std::str::{FromStr, Lines, SplitWhitespace};
use std::{fmt, fs, io};

/// Every message that there is a table of, by the name of its request kind.
pub(crate) struct Schema {
    kinds: BTreeMap<String, Kind>,
    errors: BTreeMap<i64, String>,
}

/// A request and its response.
pub(crate) struct Kind {
    pub(crate) name: String,
    pub(crate) key: i16,
    pub(crate) request: Message,
    pub(crate) response: Message,
}

/// One message in all its versions.
pub(crate) struct Message {
    pub(crate) versions: Versions,
    pub(crate) flexible: Versions,
    pub(crate) fields: Vec<Field>,
}

/// One field of a message or of a structure in it.
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) form: Form,
    pub(crate) versions: Versions,
    pub(crate) nullable: Versions,
    /// The number by which the field is found among the tagged ones, in the versions that tag it.
    pub(crate) tag: Option<(u64, Versions)>,
    /// The word for its default; absent where it is what its type has: zero, or empty.
    pub(crate) default: Option<String>,
}

/// The form of a value on the wire.
pub(crate) enum Form {
    Bool,
    /// An integer of this number of bytes.
    Int(usize),
    Float,
    Uuid,
    String,
    Bytes,
    Records,
    Array(Box<Form>),
    Struct(Vec<Field>),
}

/// Versions of a message, as `3+`, `2-5`, `4` or `none`.
#[derive(Clone, Copy)]
pub(crate) struct Versions {
    pub(crate) first: i16,
    pub(crate) last: i16,
}

impl Schema {
    /// Reads all tables.
    ///
    /// # Errors
    /// Where a file cannot be read, or is no table.
    pub(crate) fn read() -> io::Result<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("messages");
        let errors = fs::read_to_string(folder.join("errors.txt"))?;
        let errors = errors.lines().filter_map(|line| line.split_once(' '));
        let errors = errors.filter_map(|(code, name)| Some((code.parse().ok()?, name.to_owned())));
        let mut kinds = BTreeMap::new();
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            let Some(name) = path.file_stem().and_then(|name| name.to_str()) else {
                continue;
            };
            if name != "errors" {
                let table = fs::read_to_string(&path)?;
                let kind = Kind::of(name, &table)
                    .ok_or_else(|| io::Error::other(format!("{} is no table", path.display())))?;
                kinds.insert(name.to_owned(), kind);
            }
        }
        Ok(Self {
            kinds,
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

impl Versions {
    const NONE: Self = Self { first: 0, last: -1 };

    pub(crate) fn contains(self, version: i16) -> bool {
        (self.first..=self.last).contains(&version)
    }

    /// Returns the nearest version that is there.
    pub(crate) fn nearest(self, version: i16) -> i16 {
        version.clamp(self.first, self.last)
    }
}

impl FromStr for Versions {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "none" {
            return Ok(Self::NONE);
        }
        if let Some(first) = text.strip_suffix('+') {
            return Ok(Self {
                first: first.parse()?,
                last: i16::MAX,
            });
        }
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        Ok(Self {
            first: first.parse()?,
            last: last.parse()?,
        })
    }
}

impl fmt::Display for Versions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.last {
            i16::MAX => write!(f, "v{}+", self.first),
            last => write!(f, "v{}-{last}", self.first),
        }
    }
}

/// The lines of a table that are not read yet.
type Rest<'a> = Peekable<Lines<'a>>;

impl Kind {
    fn of(name: &str, table: &str) -> Option<Self> {
        let mut lines = table.lines().peekable();
        let key = lines.next()?.strip_prefix("key ")?.parse().ok()?;
        Some(Self {
            name: name.to_owned(),
            key,
            request: Message::of("request", &mut lines)?,
            response: Message::of("response", &mut lines)?,
        })
    }
}

impl Message {
    /// Reads a message: a line with its versions, and its fields.
    fn of(word: &str, lines: &mut Rest<'_>) -> Option<Self> {
        let mut words = lines.next()?.split_whitespace();
        let (begins, versions) = (words.next()? == word, parsed(&mut words)?);
        (begins && words.next()? == "flexible").then_some(())?;
        Some(Self {
            versions,
            flexible: parsed(&mut words)?,
            fields: fields(1, lines)?,
        })
    }
}

impl Field {
    /// Reads a field: its name, its type and its versions, what else there is to say of it, and
    /// behind a structure, further in, its fields.
    fn of(depth: usize, lines: &mut Rest<'_>) -> Option<Self> {
        let mut words = lines.next()?.split_whitespace();
        let (name, form) = (words.next()?.to_owned(), words.next()?);
        let mut field = Self {
            name,
            form: Form::Bool,
            versions: parsed(&mut words)?,
            nullable: Versions::NONE,
            tag: None,
            default: None,
        };
        while let Some(word) = words.next() {
            match word {
                "nullable" => field.nullable = parsed(&mut words)?,
                "tag" => field.tag = Some((parsed(&mut words)?, parsed(&mut words)?)),
                "default" => field.default = Some(words.next()?.to_owned()),
                _ => return None,
            }
        }
        field.form = Form::of(form, depth, lines)?;
        Some(field)
    }

    /// Returns whether a byte before the structure says that it is there. A list may be null too,
    /// but its elements may not.
    pub(crate) fn is_marked(&self, version: i16) -> bool {
        matches!(self.form, Form::Struct(_)) && self.nullable.contains(version)
    }

    /// Returns the number by which the field is tagged in this version.
    pub(crate) fn tag_in(&self, version: i16) -> Option<u64> {
        let (tag, tagged) = self.tag?;
        tagged.contains(version).then_some(tag)
    }
}

impl Form {
    fn of(word: &str, depth: usize, lines: &mut Rest<'_>) -> Option<Self> {
        if let Some(element) = word.strip_prefix("[]") {
            return Some(Self::Array(Box::new(Self::of(element, depth, lines)?)));
        }
        Some(match word {
            "bool" => Self::Bool,
            "int8" => Self::Int(1),
            "int16" | "uint16" => Self::Int(2),
            "int32" | "uint32" => Self::Int(4),
            "int64" => Self::Int(8),
            "float64" => Self::Float,
            "uuid" => Self::Uuid,
            "string" => Self::String,
            "bytes" => Self::Bytes,
            "records" => Self::Records,
            "struct" => Self::Struct(fields(depth + 1, lines)?),
            _ => return None,
        })
    }

    /// Returns the fields of the structure that a value is, or a list of.
    pub(crate) fn fields(&self) -> Option<&[Field]> {
        match self {
            Self::Struct(fields) => Some(fields),
            Self::Array(element) => element.fields(),
            _ => None,
        }
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

/// Reads the lines at this depth: two spaces each.
fn fields(depth: usize, lines: &mut Rest<'_>) -> Option<Vec<Field>> {
    let mut fields = Vec::new();
    let indent = |line: &&str| line.len() - line.trim_start().len() == 2 * depth;
    while lines.peek().is_some_and(indent) {
        fields.push(Field::of(depth, lines)?);
    }
    Some(fields)
}

fn parsed<T: FromStr>(words: &mut SplitWhitespace<'_>) -> Option<T> {
    words.next()?.parse().ok()
}
