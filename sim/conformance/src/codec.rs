//! Messages to bytes and back, by the tables of their forms.
//!
//! It is not the codec of the simulated brokers, on purpose: a mistake that both sides of a
//! connection make is not seen.

use crate::records;
use crate::schema::{Schema, nearest};
use crate::tree::{ERROR, Fields, Tree};
use plimsoll_messages::{Field, Form, Message};

/// What a request says in fields that a script leaves out, where that is not the default of Kafka's
/// definitions: kind, field, value.
const DEFAULTS: &[(&str, &str, &str)] = &[
    ("CreateTopics", "NumPartitions", "-1"),
    ("CreateTopics", "ReplicationFactor", "-1"),
    ("CreatePartitions", "TimeoutMs", "10000"),
    ("CreatePartitions", "Assignments", "null"),
    ("DeleteRecords", "TimeoutMs", "10000"),
    ("DeleteTopics", "TimeoutMs", "10000"),
    ("DescribeConfigs", "ConfigurationKeys", "null"),
    ("DescribeTopicPartitions", "ResponsePartitionLimit", "2000"),
    ("ElectLeaders", "TimeoutMs", "10000"),
    ("Fetch", "PartitionMaxBytes", "1048576"),
    ("InitProducerId", "TransactionalId", "null"),
    ("InitProducerId", "TransactionTimeoutMs", "60000"),
    ("JoinGroup", "ProtocolType", "consumer"),
    ("JoinGroup", "RebalanceTimeoutMs", "20000"),
    ("JoinGroup", "SessionTimeoutMs", "20000"),
    ("ListOffsets", "ReplicaId", "-1"),
    ("OffsetForLeaderEpoch", "ReplicaId", "-1"),
    ("Produce", "Acks", "-1"),
    ("Produce", "TimeoutMs", "10000"),
    ("SyncGroup", "ProtocolName", "range"),
    ("SyncGroup", "ProtocolType", "consumer"),
];

/// Fields that are told even where they have their default: a reader looks for them.
const SHOWN: [&str; 13] = [
    "ApiKey",
    "BaseOffset",
    "BatchIndex",
    "CommittedOffset",
    "EndOffset",
    "HighWatermark",
    "Index",
    "LowWatermark",
    "Offset",
    "Partition",
    "PartitionId",
    "PartitionIndex",
    "ProducerId",
];

/// Returns the bytes of a request's body.
///
/// # Errors
/// Says what was expected where a field is unknown, is not in this version, or has no such value.
pub(crate) fn encode(
    kind: &str,
    message: &Message,
    version: i16,
    fields: &Fields,
) -> Result<Vec<u8>, String> {
    let mut encoder = Encoder {
        kind,
        version,
        flexible: message.flexible.contains(version),
        bytes: Vec::new(),
    };
    encoder.fields(&message.fields, fields)?;
    Ok(encoder.bytes)
}

struct Encoder<'a> {
    kind: &'a str,
    version: i16,
    flexible: bool,
    bytes: Vec<u8>,
}

impl Encoder<'_> {
    fn fields(&mut self, declared: &[Field], given: &Fields) -> Result<(), String> {
        for (name, _) in given {
            let field = declared.iter().find(|field| field.name == *name);
            let Some(field) = field else {
                return Err(unknown_field(name, self.kind, declared));
            };
            if !field.versions.contains(self.version) {
                let (kind, version) = (self.kind, self.version);
                return Err(format!(
                    "{kind} v{version} has no field {name}: it is in {}",
                    field.versions
                ));
            }
        }
        let present = declared
            .iter()
            .filter(|field| field.versions.contains(self.version));
        let (tagged, plain): (Vec<_>, Vec<_>) =
            present.partition(|field| field.tag_in(self.version).is_some());
        let value = |field: &Field| given.iter().find(|(name, _)| *name == field.name);
        for field in plain {
            match value(field) {
                Some((_, tree)) => self.value(field, &field.form, tree)?,
                None => self.default(field)?,
            }
        }
        if !self.flexible {
            return Ok(());
        }
        let tagged = tagged
            .into_iter()
            .filter_map(|field| Some((field, value(field)?)));
        let mut tagged: Vec<_> = tagged.collect();
        tagged.sort_by_key(|(field, _)| field.tag_in(self.version));
        put_varint(&mut self.bytes, tagged.len() as u64);
        for (field, (_, tree)) in tagged {
            let mut inner = Self {
                bytes: Vec::new(),
                ..*self
            };
            inner.value(field, &field.form, tree)?;
            put_varint(
                &mut self.bytes,
                field.tag_in(self.version).unwrap_or_default(),
            );
            put_varint(&mut self.bytes, inner.bytes.len() as u64);
            self.bytes.append(&mut inner.bytes);
        }
        Ok(())
    }

    fn default(&mut self, field: &Field) -> Result<(), String> {
        let mut own = DEFAULTS.iter();
        let own = own.find(|(kind, name, _)| (*kind, *name) == (self.kind, field.name.as_str()));
        let word = own.map(|(_, _, word)| *word).or(field.default.as_deref());
        let tree = match (word, &field.form) {
            (Some("null"), _) => Tree::Null,
            (_, Form::Array(_) | Form::Records) => Tree::List(Vec::new()),
            (_, Form::Struct(_)) => Tree::Fields(Vec::new()),
            (Some(word), _) => Tree::word(word),
            (None, Form::Bool) => Tree::word("false"),
            (None, Form::Int(_) | Form::Float) => Tree::word("0"),
            (None, Form::Uuid) => Tree::word("0".repeat(32)),
            (None, Form::String | Form::Bytes) => Tree::word(""),
        };
        self.value(field, &field.form, &tree)
    }

    fn value(&mut self, field: &Field, form: &Form, tree: &Tree) -> Result<(), String> {
        let expected = |what: &str| format!("expected {what} as {}, not `{tree}`", field.name);
        match (form, tree) {
            (Form::Bool, Tree::Word(word)) if word == "true" || word == "false" => {
                self.bytes.push(u8::from(word == "true"));
            }
            (Form::Bool, _) => return Err(expected("true or false")),
            (Form::Int(size), Tree::Word(word)) => {
                let number: i64 = word.parse().map_err(|_| expected("a number"))?;
                self.bytes.extend(&number.to_be_bytes()[8 - size..]);
            }
            (Form::Int(_), _) => return Err(expected("a number")),
            (Form::Float, tree) => {
                let number = tree.as_word().and_then(|word| word.parse::<f64>().ok());
                let number = number.ok_or_else(|| expected("a number"))?;
                self.bytes.extend(number.to_be_bytes());
            }
            (Form::Uuid, tree) => {
                let number = tree
                    .as_word()
                    .and_then(|word| u128::from_str_radix(word, 16).ok());
                let number = number.ok_or_else(|| expected("an id of 32 hexadecimal digits"))?;
                self.bytes.extend(number.to_be_bytes());
            }
            (Form::Struct(_), Tree::Null) => self.bytes.push(u8::MAX),
            (Form::Struct(fields), tree) => {
                if field.is_marked(self.version) {
                    self.bytes.push(1);
                }
                self.fields(fields, as_fields(tree).ok_or_else(|| expected("fields"))?)?;
            }
            (Form::Array(_), Tree::Null) => self.length(None, 4),
            (Form::Array(element), Tree::List(elements)) => {
                self.length(Some(elements.len()), 4);
                for tree in elements {
                    self.value(field, element, tree)?;
                }
            }
            (Form::Array(_), _) => return Err(expected("a list, as in `[0, 1]`")),
            (Form::String, Tree::Null) => self.length(None, 2),
            (Form::Bytes | Form::Records, Tree::Null) => self.length(None, 4),
            (Form::String, tree) => {
                let text = records::expand(tree.as_word().ok_or_else(|| expected("a word"))?);
                self.sized(&text, 2);
            }
            (Form::Bytes, Tree::Fields(_)) => {
                let bytes = subscription(tree).ok_or_else(|| expected("`{Topics=[$t]}`"))?;
                self.sized(&bytes, 4);
            }
            (Form::Bytes, tree) => {
                let word = tree.as_word().ok_or_else(|| expected("a word"))?;
                self.sized(&records::expand(word), 4);
            }
            (Form::Records, Tree::List(batches)) => {
                let batches: Result<Vec<_>, _> = batches.iter().map(records::encode).collect();
                self.sized(&batches?.concat(), 4);
            }
            (Form::Records, _) => return Err(expected("batches, as in `[Values=[a, b]]`")),
        }
        Ok(())
    }

    fn sized(&mut self, bytes: &[u8], width: usize) {
        self.length(Some(bytes.len()), width);
        self.bytes.extend(bytes);
    }

    /// Writes the length of what follows, or that it is null.
    fn length(&mut self, length: Option<usize>, width: usize) {
        if self.flexible {
            put_varint(
                &mut self.bytes,
                length.map_or(0, |length| length as u64 + 1),
            );
        } else {
            let length = length.map_or(-1, |length| length as i64);
            self.bytes.extend(&length.to_be_bytes()[8 - width..]);
        }
    }
}

/// Returns the fields of a structure; in a list, an element that is an error alone is one too.
fn as_fields(tree: &Tree) -> Option<&Fields> {
    match tree {
        Tree::Fields(fields) => Some(fields),
        _ => None,
    }
}

/// Returns the bytes with which a consumer says to which topics it subscribes, in version 0
/// (`ConsumerProtocolSubscription`): the one thing that brokers read of what members say.
fn subscription(tree: &Tree) -> Option<Vec<u8>> {
    let topics = tree.get("Topics")?.elements();
    let mut bytes = vec![0, 0];
    bytes.extend((topics.len() as i32).to_be_bytes());
    for topic in topics {
        let name = topic.as_word()?;
        bytes.extend((name.len() as i16).to_be_bytes());
        bytes.extend(name.as_bytes());
    }
    // No data of its own.
    bytes.extend((-1_i32).to_be_bytes());
    Some(bytes)
}

/// Says that there is no such field, and which one is meant.
pub(crate) fn unknown_field(name: &str, kind: &str, declared: &[Field]) -> String {
    let names = declared.iter().map(|field| field.name.as_str());
    format!("{kind} has no field `{name}` here{}", nearest(name, names))
}

/// Reads a response's body. Fields with their default, or with none, are left out.
///
/// # Errors
/// Where the bytes are no such message.
pub(crate) fn decode(
    schema: &Schema,
    message: &Message,
    version: i16,
    bytes: &[u8],
) -> Result<Fields, String> {
    let mut decoder = Decoder {
        schema,
        version,
        flexible: message.flexible.contains(version),
        bytes: Bytes(bytes),
    };
    let fields = decoder.fields(&message.fields)?;
    match decoder.bytes.0.len() {
        0 => Ok(fields),
        left => Err(format!("{left} bytes are left behind the response")),
    }
}

struct Decoder<'a> {
    schema: &'a Schema,
    version: i16,
    flexible: bool,
    bytes: Bytes<'a>,
}

impl<'a> Decoder<'a> {
    fn fields(&mut self, declared: &[Field]) -> Result<Fields, String> {
        let mut fields = Vec::new();
        let present = declared
            .iter()
            .filter(|field| field.versions.contains(self.version));
        let (tagged, plain): (Vec<_>, Vec<_>) =
            present.partition(|field| field.tag_in(self.version).is_some());
        for field in plain {
            let value = self.value(field, &field.form)?;
            if !is_default(field, &value) {
                fields.push((field.name.clone(), value));
            }
        }
        if !self.flexible {
            return Ok(fields);
        }
        for _ in 0..self.bytes.varint()? {
            let (tag, size) = (self.bytes.varint()?, self.bytes.varint()?);
            let inner = Bytes(self.bytes.take(size as usize)?);
            let field = tagged
                .iter()
                .find(|field| field.tag_in(self.version) == Some(tag));
            let Some(field) = field else {
                fields.push((format!("tag{tag}"), Tree::word(records::text(inner.0))));
                continue;
            };
            let mut inner = Self {
                bytes: inner,
                ..*self
            };
            fields.push((field.name.clone(), inner.value(field, &field.form)?));
        }
        Ok(fields)
    }

    fn value(&mut self, field: &Field, form: &Form) -> Result<Tree, String> {
        Ok(match form {
            Form::Bool => Tree::word(if self.bytes.int(1)? == 0 {
                "false"
            } else {
                "true"
            }),
            Form::Int(2) if field.name.ends_with(ERROR) => {
                Tree::word(self.schema.error(self.bytes.int(2)?))
            }
            Form::Int(size) => Tree::word(self.bytes.int(*size)?.to_string()),
            Form::Float => {
                Tree::word(f64::from_bits(self.bytes.int(8)?.cast_unsigned()).to_string())
            }
            Form::Uuid => {
                let bytes = self.bytes.take(16)?.iter();
                Tree::word(bytes.map(|byte| format!("{byte:02x}")).collect::<String>())
            }
            Form::Struct(fields) => {
                if field.is_marked(self.version) && self.bytes.int(1)? < 0 {
                    return Ok(Tree::Null);
                }
                Tree::Fields(self.fields(fields)?)
            }
            Form::Array(element) => match self.length(4)? {
                None => Tree::Null,
                Some(length) => {
                    let elements = (0..length).map(|_| self.value(field, element));
                    Tree::List(elements.collect::<Result<_, _>>()?)
                }
            },
            Form::String => self.sized(2)?.map_or(Tree::Null, word),
            Form::Bytes => self.sized(4)?.map_or(Tree::Null, word),
            Form::Records => match self.sized(4)? {
                None => Tree::Null,
                Some(bytes) => Tree::List(records::decode(bytes)?),
            },
        })
    }

    fn sized(&mut self, width: usize) -> Result<Option<&'a [u8]>, String> {
        let length = self.length(width)?;
        length.map(|length| self.bytes.take(length)).transpose()
    }

    fn length(&mut self, width: usize) -> Result<Option<usize>, String> {
        let length = match self.flexible {
            true => self.bytes.varint()?.cast_signed() - 1,
            false => self.bytes.int(width)?,
        };
        Ok(usize::try_from(length).ok())
    }
}

fn word(bytes: &[u8]) -> Tree {
    Tree::word(records::text(bytes))
}

fn is_default(field: &Field, value: &Tree) -> bool {
    if SHOWN.contains(&field.name.as_str()) {
        return false;
    }
    match (value, field.default.as_deref()) {
        (Tree::Null, _) => true,
        (_, Some("null")) => false,
        (Tree::Word(word), _) if field.name.ends_with(ERROR) => word == "NONE",
        (Tree::List(elements), _) => elements.is_empty(),
        (Tree::Fields(fields), _) => fields.is_empty(),
        (Tree::Word(word), Some(default)) => word == default,
        (Tree::Word(word), None) => match field.form {
            Form::Bool => word == "false",
            Form::Int(_) => word == "0",
            Form::Uuid => word.bytes().all(|byte| byte == b'0'),
            _ => word.is_empty(),
        },
        (Tree::Variable(_), _) => false,
    }
}

/// What is left of bytes that are read.
pub(crate) struct Bytes<'a>(pub(crate) &'a [u8]);

impl<'a> Bytes<'a> {
    pub(crate) fn take(&mut self, size: usize) -> Result<&'a [u8], String> {
        let split = self.0.split_at_checked(size);
        let (taken, rest) = split.ok_or("the response ends too early")?;
        self.0 = rest;
        Ok(taken)
    }

    /// Reads a signed integer of this number of bytes.
    pub(crate) fn int(&mut self, size: usize) -> Result<i64, String> {
        let bytes = self.take(size)?;
        let first = if bytes[0] < 0x80 { 0 } else { -1 };
        let add = |number: i64, byte: &u8| number << 8 | i64::from(*byte);
        Ok(bytes.iter().fold(first, add))
    }

    pub(crate) fn varint(&mut self) -> Result<u64, String> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?[0];
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err("a number has too many bytes".into())
    }
}

pub(crate) fn put_varint(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}
