//! Whole frames, of every kind and version that is served: they ask for what there is, so that
//! damage gets past the decoder.

use bytes::{BufMut as _, Bytes};
use plimsoll_messages::{Field, Form, Kind, kinds};
use std::fmt;

/// A frame without damage.
pub(crate) struct Frame {
    kind: String,
    version: i16,
    pub(crate) bytes: Bytes,
    /// The place of a batch of records in it.
    pub(crate) batch: Option<usize>,
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} v{}", self.kind, self.version)
    }
}

/// Whole frames.
pub(crate) struct Corpus {
    /// One frame of each version of each kind.
    pub(crate) frames: Vec<Frame>,
    /// A question that no damage to other connections changes the answer to.
    pub(crate) question: Frame,
    pub(crate) produce: Frame,
    pub(crate) fetch: Frame,
}

/// The topic that there is.
const TOPIC: &str = "orders";

/// The topic that comes and goes.
const PASSING: &str = "passing";

impl Corpus {
    /// Makes the frames of all that a broker serves, as it says in its answer to
    /// [`api_versions`](Self::api_versions); its answer to [`metadata`](Self::metadata) has the id
    /// of the topic.
    pub(crate) fn new(served: &[u8], topics: &[u8]) -> Self {
        let kinds = kinds();
        let mut writer = Writer {
            topic_id: id_in(topics),
            topic: TOPIC,
        };
        // Its number, no error, and how many kinds there are.
        let mut frames = Vec::new();
        for range in served[10..].chunks_exact(6) {
            let number = |place| i16::from_be_bytes([range[place], range[place + 1]]);
            let kind = kinds.iter().find(|kind| kind.key == number(0));
            let kind = kind.expect("a table");
            writer.topic = match &*kind.name {
                "CreateTopics" | "DeleteTopics" => PASSING,
                _ => TOPIC,
            };
            frames.extend((number(2)..=number(4)).map(|version| writer.frame(kind, version)));
        }
        let writer = Writer {
            topic: TOPIC,
            ..writer
        };
        let one = |name, version| writer.frame(of(&kinds, name), version);
        Self {
            frames,
            question: one("ApiVersions", 3),
            produce: one("Produce", 9),
            fetch: one("Fetch", 12),
        }
    }

    /// Returns a fetch that once took the process: a tagged field claims more bytes than its value
    /// has, and behind that value a list is huge.
    pub(crate) fn long_tag() -> Bytes {
        let mut frame = vec![0, 1, 0, 17, 0, 0, 0, 9, 0, 1, b'c', 0];
        frame.extend([0; 4 + 4 + 4 + 1 + 4 + 4]);
        frame.push(2);
        frame.extend([0; 16]);
        frame.push(2);
        frame.extend([0; 4 + 4 + 8 + 4 + 8 + 4]);
        // One tag, 0, 16 bytes and what reads as: no tags of the topic, a huge list to forget.
        frame.extend([1, 0, 22]);
        frame.extend([0; 16]);
        frame.extend([0, 0xff, 0xff, 0xff, 0xff, 0x0f]);
        // Behind that, as the claimed size has it: no tags of the topic, none to forget, no rack,
        // no tags.
        frame.extend([0, 1, 1, 0]);
        frame.into()
    }

    /// Asks what is served.
    pub(crate) fn api_versions() -> Bytes {
        first("ApiVersions", 0)
    }

    /// Asks for the topic.
    pub(crate) fn create_topics() -> Bytes {
        first("CreateTopics", 5)
    }

    /// Asks for the topic's id.
    pub(crate) fn metadata() -> Bytes {
        first("Metadata", 12)
    }
}

fn first(name: &str, version: i16) -> Bytes {
    let writer = Writer {
        topic_id: [0; 16],
        topic: TOPIC,
    };
    writer.frame(of(&kinds(), name), version).bytes
}

fn of<'a>(kinds: &'a [Kind], name: &str) -> &'a Kind {
    let kind = kinds.iter().find(|kind| kind.name == name);
    kind.expect("a table")
}

/// Returns the topic's id, which stands behind its name.
fn id_in(topics: &[u8]) -> [u8; 16] {
    let mut names = topics.windows(TOPIC.len());
    let name = names.position(|name| name == TOPIC.as_bytes());
    let rest = &topics[name.expect("the topic") + TOPIC.len()..];
    rest[..16].try_into().expect("16 bytes")
}

/// What writes frames: every list has one element, and tagged fields are left out.
struct Writer {
    topic_id: [u8; 16],
    topic: &'static str,
}

impl Writer {
    fn frame(&self, kind: &Kind, version: i16) -> Frame {
        let flexible = kind.request.flexible.contains(version);
        let mut bytes = [kind.key.to_be_bytes(), version.to_be_bytes()].concat();
        bytes.extend([0, 0, 0, 9, 0, 1, b'c']);
        if flexible {
            bytes.push(0);
        }
        self.put(&mut bytes, &kind.request.fields, version, flexible);
        let batch = batch();
        Frame {
            kind: kind.name.clone(),
            version,
            batch: bytes.windows(batch.len()).position(|part| part == batch),
            bytes: bytes.into(),
        }
    }

    fn put(&self, frame: &mut Vec<u8>, fields: &[Field], version: i16, flexible: bool) {
        for field in fields {
            if field.versions.contains(version) && field.tag_in(version).is_none() {
                if field.is_marked(version) {
                    frame.push(1);
                }
                let name = (&*field.name, field.nullable.contains(version));
                self.put_value(frame, name, &field.form, version, flexible);
            }
        }
        if flexible {
            frame.push(0);
        }
    }

    fn put_value(
        &self,
        frame: &mut Vec<u8>,
        (name, nullable): (&str, bool),
        form: &Form,
        version: i16,
        flexible: bool,
    ) {
        match form {
            Form::Bool => frame.push(0),
            Form::Int(size) => frame.extend(&number(name).to_be_bytes()[8 - size..]),
            Form::Float => frame.extend([0; 8]),
            Form::Uuid => frame.extend(self.topic_id),
            Form::String if nullable && is_left_out(name) => match flexible {
                true => frame.push(0),
                false => frame.extend([0xff, 0xff]),
            },
            Form::String => {
                let word = self.word(name).as_bytes();
                match flexible {
                    true => frame.push(word.len() as u8 + 1),
                    false => frame.extend([0, word.len() as u8]),
                }
                frame.extend(word);
            }
            Form::Bytes | Form::Records => {
                let bytes = match form {
                    Form::Records => batch(),
                    _ => self.subscription(),
                };
                match flexible {
                    true => frame.push(bytes.len() as u8 + 1),
                    false => frame.extend((bytes.len() as u32).to_be_bytes()),
                }
                frame.extend(bytes);
            }
            Form::Struct(fields) => self.put(frame, fields, version, flexible),
            Form::Array(element) => {
                match flexible {
                    true => frame.push(2),
                    false => frame.extend(1_u32.to_be_bytes()),
                }
                self.put_value(frame, (name, false), element, version, flexible);
            }
        }
    }

    /// Returns the text of a field.
    fn word(&self, name: &str) -> &str {
        match name {
            "Name" | "Topic" | "TopicName" | "TopicNames" | "Topics" | "ResourceName" => self.topic,
            "MemberId" => "",
            "ProtocolType" => "consumer",
            "ConfigName" | "ConfigurationKeys" => "retention.ms",
            "Value" => "1",
            _ => "billing",
        }
    }

    /// Returns what a consumer says of itself: version 0, the one topic, no data.
    fn subscription(&self) -> Vec<u8> {
        let mut bytes = vec![0, 0, 0, 0, 0, 1, 0, self.topic.len() as u8];
        bytes.extend(self.topic.as_bytes());
        bytes.extend([0xff; 4]);
        bytes
    }
}

/// Returns whether a text says something special where it is there: an id of a transaction, which
/// no broker coordinates, or the name of a static member.
fn is_left_out(name: &str) -> bool {
    ["TransactionalId", "GroupInstanceId"].contains(&name)
}

/// Returns the number in a field.
fn number(name: &str) -> i64 {
    match name {
        "Acks"
        | "ReplicaId"
        | "Timestamp"
        | "CurrentLeaderEpoch"
        | "LastFetchedEpoch"
        | "GenerationId"
        | "GenerationIdOrMemberEpoch"
        | "ProducerId"
        | "ProducerEpoch" => -1,
        "SessionTimeoutMs" | "RebalanceTimeoutMs" => 10_000,
        "MaxBytes" | "PartitionMaxBytes" | "ResponsePartitionLimit" => 1 << 20,
        "NumPartitions" | "ReplicationFactor" | "BrokerIds" | "EndpointType" => 1,
        // Of a topic.
        "ResourceType" | "Count" => 2,
        _ => 0,
    }
}

/// Returns a batch with one record.
fn batch() -> Vec<u8> {
    // Length, attributes, times and number; no key, the value `v`, no headers.
    let record = [14, 0, 0, 0, 1, 2, b'v', 0];
    let mut tail = Vec::new();
    // Attributes, last offset and both timestamps.
    tail.put_u16(0);
    tail.put_u32(0);
    tail.put_i64(1_000);
    tail.put_i64(1_000);
    // No producer; one record.
    tail.put_i64(-1);
    tail.put_i16(-1);
    tail.put_i32(-1);
    tail.put_u32(1);
    tail.extend(record);
    let mut batch = Vec::new();
    batch.put_u64(0);
    batch.put_u32(4 + 1 + 4 + tail.len() as u32);
    batch.put_i32(-1);
    batch.put_u8(2);
    batch.put_u32(crc32c::crc32c(&tail));
    batch.extend(tail);
    batch
}
