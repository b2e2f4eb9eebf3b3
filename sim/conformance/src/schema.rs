//! Kafka's own definitions of its messages, as `messages/` has them.

use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::{fmt, fs, io};

/// Every message that there is a definition of, by the name of its request kind.
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

/// How a value stands on the wire.
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
    /// Reads all definitions.
    ///
    /// # Errors
    /// Where a file cannot be read, or is no definition.
    pub(crate) fn read() -> io::Result<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("messages");
        let errors = fs::read_to_string(folder.join("errors.txt"))?;
        let errors = errors.lines().filter_map(|line| line.split_once(' '));
        let errors = errors.filter_map(|(code, name)| Some((code.parse().ok()?, name.to_owned())));
        let mut kinds = BTreeMap::new();
        for entry in fs::read_dir(&folder)? {
            let file = entry?.file_name();
            let request = file.to_str().and_then(|f| f.strip_suffix("Request.json"));
            let Some(name) = request else { continue };
            let read = |part: &str| definition(&folder.join(format!("{name}{part}.json")));
            let (request, response) = (read("Request")?, read("Response")?);
            let kind = Kind {
                name: name.to_owned(),
                key: request["apiKey"].as_i64().unwrap_or_default() as i16,
                request: Message::of(&request),
                response: Message::of(&response),
            };
            kinds.insert(name.to_owned(), kind);
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

    /// Returns the name of the kind with this number; the number itself where it has no definition.
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

    fn of(text: &str) -> Self {
        let number = |text: &str| text.parse().unwrap_or_default();
        if text == "none" || text.is_empty() {
            return Self::NONE;
        }
        if let Some(first) = text.strip_suffix('+') {
            let first = number(first);
            return Self {
                first,
                last: i16::MAX,
            };
        }
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        Self {
            first: number(first),
            last: number(last),
        }
    }

    pub(crate) fn contains(self, version: i16) -> bool {
        (self.first..=self.last).contains(&version)
    }

    /// Returns the nearest version that is there.
    pub(crate) fn nearest(self, version: i16) -> i16 {
        version.clamp(self.first, self.last)
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

impl Message {
    fn of(definition: &Value) -> Self {
        let common = definition["commonStructs"].as_array();
        let common = common.into_iter().flatten();
        let common = common.filter_map(|common| Some((common["name"].as_str()?, common)));
        Self {
            versions: versions(definition, "validVersions", Versions::NONE),
            flexible: versions(definition, "flexibleVersions", Versions::NONE),
            fields: fields(definition, &common.collect()),
        }
    }
}

impl Field {
    fn of(definition: &Value, common: &BTreeMap<&str, &Value>) -> Self {
        let versions = versions(definition, "versions", Versions::of("0+"));
        let tag = definition["tag"].as_u64().map(|tag| {
            let tagged = self::versions(definition, "taggedVersions", Versions::NONE);
            (tag, tagged)
        });
        let default = match &definition["default"] {
            Value::Null => None,
            Value::String(word) => Some(decimal(word)),
            other => Some(other.to_string()),
        };
        Self {
            name: definition["name"].as_str().unwrap_or_default().to_owned(),
            form: Form::of(
                definition["type"].as_str().unwrap_or_default(),
                definition,
                common,
            ),
            versions,
            nullable: self::versions(definition, "nullableVersions", Versions::NONE),
            tag,
            default: default.filter(|word| !word.is_empty()),
        }
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
    fn of(word: &str, definition: &Value, common: &BTreeMap<&str, &Value>) -> Self {
        if let Some(element) = word.strip_prefix("[]") {
            return Self::Array(Box::new(Self::of(element, definition, common)));
        }
        match word {
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
            name => {
                let here = definition.get("fields").map(|_| definition);
                let place = here.or_else(|| common.get(name).copied());
                Self::Struct(place.map_or_else(Vec::new, |place| fields(place, common)))
            }
        }
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

fn fields(definition: &Value, common: &BTreeMap<&str, &Value>) -> Vec<Field> {
    let fields = definition["fields"].as_array().into_iter().flatten();
    fields.map(|field| Field::of(field, common)).collect()
}

fn versions(definition: &Value, key: &str, default: Versions) -> Versions {
    definition[key].as_str().map_or(default, Versions::of)
}

/// Writes a hexadecimal default as all others are written.
fn decimal(word: &str) -> String {
    let hex = word.strip_prefix("0x");
    let number = hex.and_then(|hex| i64::from_str_radix(hex, 16).ok());
    number.map_or_else(|| word.to_owned(), |number| number.to_string())
}

/// Reads a file of JSON in which whole lines may be comments.
fn definition(path: &Path) -> io::Result<Value> {
    let text = fs::read_to_string(path)?;
    let lines = text.lines().filter(|line| !line.trim().starts_with("//"));
    let text: String = lines.collect::<Vec<_>>().join("\n");
    serde_json::from_str(&text).map_err(|error| io::Error::other(format!("{path:?}: {error}")))
}
