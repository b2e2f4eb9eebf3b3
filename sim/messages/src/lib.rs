//! The forms of the messages of Kafka's protocol, as the tables in `tables/` have them: one file a
//! request kind, each with all its versions.
//!
//! ```
//! let heartbeat = plimsoll_messages::kind(12).expect("a table");
//! assert_eq!(heartbeat.name, "Heartbeat");
//! // A group whose name would be longer than the message.
//! assert!(!heartbeat.request.fits(0, &[0x7f, 0xff, b'g']));
//! ```

mod fits;

use std::collections::BTreeMap;
use std::fmt;
use std::iter::Peekable;
use std::str::{FromStr, Lines, SplitWhitespace};
use std::sync::{LazyLock, OnceLock};

/// Returns every kind of request that there is a table of.
pub fn kinds() -> Vec<Kind> {
    let kinds = TABLES.iter().map(|(name, table)| Kind::of(name, table));
    // A test reads them all.
    kinds.flatten().collect()
}

/// Returns the kind with this number, if there is a table of it. A table is read when its kind is
/// asked for first: a process that serves need not wait for all of them.
pub fn kind(key: i16) -> Option<&'static Kind> {
    type Unread = (&'static str, &'static str, OnceLock<Option<Kind>>);
    static KINDS: LazyLock<BTreeMap<i16, Unread>> = LazyLock::new(|| {
        let keyed = |&(name, table)| Some((key_of(table)?, (name, table, OnceLock::new())));
        TABLES.iter().filter_map(keyed).collect()
    });
    let (name, table, kind) = KINDS.get(&key)?;
    kind.get_or_init(|| Kind::of(name, table)).as_ref()
}

/// Names the tables.
macro_rules! tables {
    ($($name:ident)*) => {
        &[$((stringify!($name), include_str!(concat!("tables/", stringify!($name), ".txt")))),*]
    };
}

/// The tables, by the names of their kinds.
const TABLES: &[(&str, &str)] = tables! {
    AddOffsetsToTxn
    AddPartitionsToTxn
    AlterConfigs
    AlterPartitionReassignments
    ApiVersions
    CreatePartitions
    CreateTopics
    DeleteGroups
    DeleteRecords
    DeleteTopics
    DescribeAcls
    DescribeClientQuotas
    DescribeCluster
    DescribeConfigs
    DescribeGroups
    DescribeLogDirs
    DescribeProducers
    DescribeTopicPartitions
    DescribeTransactions
    ElectLeaders
    EndTxn
    Fetch
    FindCoordinator
    Heartbeat
    IncrementalAlterConfigs
    InitProducerId
    JoinGroup
    LeaveGroup
    ListConfigResources
    ListGroups
    ListOffsets
    ListPartitionReassignments
    ListTransactions
    Metadata
    OffsetCommit
    OffsetDelete
    OffsetFetch
    OffsetForLeaderEpoch
    Produce
    SaslAuthenticate
    SaslHandshake
    SyncGroup
    TxnOffsetCommit
};

/// A request and its response.
#[derive(Debug)]
pub struct Kind {
    /// Kafka's name of it.
    pub name: String,
    /// Its number.
    pub key: i16,
    /// The form of the request.
    pub request: Message,
    /// The form of the response.
    pub response: Message,
}

/// One message in all its versions.
#[derive(Debug)]
pub struct Message {
    /// The versions that there are.
    pub versions: Versions,
    /// The versions with compact lengths and tagged fields (KIP-482).
    pub flexible: Versions,
    /// The fields, in their order on the wire.
    pub fields: Vec<Field>,
}

/// One field of a message or of a structure in it.
#[derive(Debug)]
pub struct Field {
    /// Kafka's name of it.
    pub name: String,
    /// The form of its value.
    pub form: Form,
    /// The versions that have it.
    pub versions: Versions,
    /// The versions in which it may be null.
    pub nullable: Versions,
    /// The number by which the field is found among the tagged ones, in the versions that tag it.
    pub tag: Option<(u64, Versions)>,
    /// The word for its default; absent where it is what its type has: zero, or empty.
    pub default: Option<String>,
}

/// The form of a value on the wire.
#[derive(Debug)]
pub enum Form {
    /// A byte that is 0 or 1.
    Bool,
    /// An integer of this number of bytes.
    Int(usize),
    /// A number of 8 bytes with a point.
    Float,
    /// 16 bytes.
    Uuid,
    /// A length of 2 bytes, and as many of UTF-8.
    String,
    /// A length of 4 bytes, and as many.
    Bytes,
    /// The same, of batches of records.
    Records,
    /// A length of 4 bytes, and as many values.
    Array(Box<Form>),
    /// Fields, one behind the other.
    Struct(Vec<Field>),
}

/// Versions of a message, as `3+`, `2-5`, `4` or `none`.
#[derive(Clone, Copy, Debug)]
pub struct Versions {
    /// The first one.
    pub first: i16,
    /// The last one; below the first one where there is none.
    pub last: i16,
}

impl Versions {
    const NONE: Self = Self { first: 0, last: -1 };

    /// Returns whether a version is among them.
    pub fn contains(self, version: i16) -> bool {
        (self.first..=self.last).contains(&version)
    }

    /// Returns the nearest version that is there.
    pub fn nearest(self, version: i16) -> i16 {
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
        lines.next();
        Some(Self {
            name: name.to_owned(),
            key: key_of(table)?,
            request: Message::of("request", &mut lines)?,
            response: Message::of("response", &mut lines)?,
        })
    }
}

/// Reads the number of a kind, which stands in the first line of its table.
fn key_of(table: &str) -> Option<i16> {
    table.lines().next()?.strip_prefix("key ")?.parse().ok()
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
    pub fn is_marked(&self, version: i16) -> bool {
        matches!(self.form, Form::Struct(_)) && self.nullable.contains(version)
    }

    /// Returns the number by which the field is tagged in this version.
    pub fn tag_in(&self, version: i16) -> Option<u64> {
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
    pub fn fields(&self) -> Option<&[Field]> {
        match self {
            Self::Struct(fields) => Some(fields),
            Self::Array(element) => element.fields(),
            _ => None,
        }
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn every_file_is_a_table_that_can_be_read() {
        let files = fs::read_dir("src/tables").expect("the folder").count();
        assert_eq!((TABLES.len(), kinds().len()), (files, files));
    }
}
