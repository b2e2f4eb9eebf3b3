//! Batches of records, in message format 2 (`DefaultRecordBatch` in Kafka).
//!
//! A batch is written as its fields with other values than a plain one, and its records as words:
//! `Records=[ProducerId=$p1 ProducerEpoch=0 BaseSequence=0 Values=[a, key:b, c@2000]]`. A record is
//! its value; a key stands before it, and a timestamp behind it. `x*5000` is 5000 times an `x`.
//! `Crc=damaged` and `Magic=1` damage a batch.

use crate::codec::{Bytes, put_varint};
use crate::schema::nearest;
use crate::tree::{Fields, Tree};

/// The timestamp of records that say none, in milliseconds.
const TIMESTAMP: i64 = 1000;
/// The bytes of a batch before those that the checksum covers.
const BEFORE_CRC: usize = 21;
/// The bytes before those that the length counts: base offset and length.
const BEFORE_LENGTH: usize = 12;
/// The length from which on a repeated letter is written as one.
const LONG: usize = 100;

const FIELDS: [&str; 9] = [
    "BaseOffset",
    "ProducerId",
    "ProducerEpoch",
    "BaseSequence",
    "Transactional",
    "Control",
    "Crc",
    "Magic",
    "Values",
];

struct Record {
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    timestamp: i64,
}

/// Returns the bytes of a batch.
///
/// # Errors
/// Says what was expected where it has a field that batches have not, or a value that is none.
pub(crate) fn encode(batch: &Tree) -> Result<Vec<u8>, String> {
    let Tree::Fields(fields) = batch else {
        return Err(format!(
            "expected a batch, as in `Values=[a, b]`, not `{batch}`"
        ));
    };
    for (name, _) in fields {
        if !FIELDS.contains(&name.as_str()) {
            return Err(format!(
                "a batch has no field `{name}`{}",
                nearest(name, FIELDS)
            ));
        }
    }
    let number = |name: &str, default: i64| match batch.get(name).and_then(Tree::as_word) {
        Some(word) => word
            .parse()
            .map_err(|_| format!("expected a number as {name}, not `{word}`")),
        None => Ok(default),
    };
    let values = batch.get("Values").map_or(&[][..], Tree::elements);
    let records: Vec<Record> = values.iter().map(Record::of).collect::<Result<_, _>>()?;
    let base = records.first().map_or(TIMESTAMP, |record| record.timestamp);
    let last = records.iter().map(|record| record.timestamp).max();

    // What the checksum covers.
    let mut covered = Vec::new();
    let transactional = batch.get("Transactional").is_some();
    covered.extend(if transactional { 0x10_i16 } else { 0 }.to_be_bytes());
    covered.extend((records.len() as i32 - 1).to_be_bytes());
    covered.extend(base.to_be_bytes());
    covered.extend(last.unwrap_or(base).to_be_bytes());
    covered.extend(number("ProducerId", -1)?.to_be_bytes());
    covered.extend((number("ProducerEpoch", -1)? as i16).to_be_bytes());
    covered.extend((number("BaseSequence", -1)? as i32).to_be_bytes());
    covered.extend((records.len() as i32).to_be_bytes());
    for (delta, record) in records.iter().enumerate() {
        let mut body = vec![0];
        put_zigzag(&mut body, record.timestamp - base);
        put_zigzag(&mut body, delta as i64);
        for part in [&record.key, &record.value] {
            put_zigzag(
                &mut body,
                part.as_ref().map_or(-1, |bytes| bytes.len() as i64),
            );
            body.extend(part.iter().flatten());
        }
        put_zigzag(&mut body, 0);
        put_zigzag(&mut covered, body.len() as i64);
        covered.append(&mut body);
    }

    let crc = crc32c::crc32c(&covered);
    let damage = u32::from(batch.get("Crc").is_some());
    let mut bytes = number("BaseOffset", 0)?.to_be_bytes().to_vec();
    let length = BEFORE_CRC - BEFORE_LENGTH + covered.len();
    bytes.extend((length as i32).to_be_bytes());
    bytes.extend((-1_i32).to_be_bytes());
    bytes.push(number("Magic", 2)? as u8);
    bytes.extend((crc ^ damage).to_be_bytes());
    bytes.append(&mut covered);
    Ok(bytes)
}

/// Reads batches. The last one may be cut, as a broker cuts what it sends; it is left out then.
///
/// # Errors
/// Where they are damaged.
pub(crate) fn decode(bytes: &[u8]) -> Result<Vec<Tree>, String> {
    let mut rest = Bytes(bytes);
    let mut batches = Vec::new();
    while rest.0.len() > BEFORE_LENGTH {
        let base = rest.int(8)?;
        let length = rest.int(4)? as usize;
        let Ok(body) = rest.take(length) else {
            break;
        };
        batches.push(Tree::Fields(batch(base, body)?));
    }
    Ok(batches)
}

fn batch(base_offset: i64, body: &[u8]) -> Result<Fields, String> {
    let mut body = Bytes(body);
    let _leader_epoch = body.int(4)?;
    let (magic, crc) = (body.int(1)?, body.int(4)? as u32);
    let is_damaged = crc32c::crc32c(body.0) != crc;
    let attributes = body.int(2)?;
    let _last_delta = body.int(4)?;
    let base_timestamp = body.int(8)?;
    let _max_timestamp = body.int(8)?;
    let producer = (body.int(8)?, body.int(2)?, body.int(4)?);
    let is_control = attributes & 0x20 != 0;
    let mut values = Vec::new();
    for _ in 0..body.int(4)? {
        let _length = zigzag(&mut body)?;
        let _attributes = body.int(1)?;
        let timestamp = base_timestamp + zigzag(&mut body)?;
        let _offset_delta = zigzag(&mut body)?;
        let mut parts = [None, None];
        for part in &mut parts {
            let length = zigzag(&mut body)?;
            *part = usize::try_from(length)
                .ok()
                .map(|length| body.take(length))
                .transpose()?;
        }
        for _ in 0..zigzag(&mut body)? {
            let key = zigzag(&mut body)?;
            body.take(key as usize)?;
            let value = zigzag(&mut body)?;
            body.take(value.max(0) as usize)?;
        }
        let [key, value] = parts;
        values.push(match key {
            // A control record's key is its version and its type.
            Some([_, _, _, kind]) if is_control => {
                Tree::word(if *kind == 1 { "COMMIT" } else { "ABORT" })
            }
            _ => Tree::word(record(key, value, timestamp)),
        });
    }
    let mut fields = vec![("BaseOffset".to_owned(), Tree::word(base_offset.to_string()))];
    let mut add = |name: &str, value: String| fields.push((name.to_owned(), Tree::word(value)));
    if magic != 2 {
        add("Magic", magic.to_string());
    }
    if is_damaged {
        add("Crc", "damaged".into());
    }
    let (id, epoch, sequence) = producer;
    if id >= 0 {
        add("ProducerId", id.to_string());
        add("ProducerEpoch", epoch.to_string());
        add("BaseSequence", sequence.to_string());
    }
    if attributes & 0x10 != 0 {
        add("Transactional", "true".into());
    }
    if is_control {
        add("Control", "true".into());
    }
    fields.push(("Values".to_owned(), Tree::List(values)));
    Ok(fields)
}

impl Record {
    fn of(tree: &Tree) -> Result<Self, String> {
        let word = match tree {
            Tree::Word(word) => word,
            Tree::Null => {
                return Ok(Self {
                    key: None,
                    value: None,
                    timestamp: TIMESTAMP,
                });
            }
            other => {
                return Err(format!(
                    "expected a record, as in `key:value@2000`, not `{other}`"
                ));
            }
        };
        let (word, timestamp) = match word.rsplit_once('@') {
            Some((word, timestamp)) => {
                let number = timestamp.parse();
                let expected = |_| format!("expected a timestamp behind `@`, not `{timestamp}`");
                (word, number.map_err(expected)?)
            }
            None => (word.as_str(), TIMESTAMP),
        };
        let (key, value) = match word.split_once(':') {
            Some((key, value)) => (Some(expand(key)), value),
            None => (None, word),
        };
        Ok(Self {
            key,
            value: Some(expand(value)),
            timestamp,
        })
    }
}

/// Writes a record as it is read.
fn record(key: Option<&[u8]>, value: Option<&[u8]>, timestamp: i64) -> String {
    let key = key.map_or_else(String::new, |key| text(key) + ":");
    let value = value.map_or_else(|| "null".to_owned(), text);
    let timestamp = match timestamp {
        TIMESTAMP => String::new(),
        other => format!("@{other}"),
    };
    key + &value + &timestamp
}

/// Returns the bytes that a word stands for: `0x0a0b`, `x*5000`, or its letters.
pub(crate) fn expand(word: &str) -> Vec<u8> {
    if let Some(bytes) = word.strip_prefix("0x").and_then(hex) {
        return bytes;
    }
    let repeated = word.split_once('*').filter(|(letter, _)| letter.len() == 1);
    match repeated.and_then(|(letter, times)| Some((letter, times.parse().ok()?))) {
        Some((letter, times)) => letter.repeat(times).into_bytes(),
        None => word.as_bytes().to_vec(),
    }
}

/// Reads pairs of hexadecimal digits.
pub(crate) fn hex(digits: &str) -> Option<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2);
    let byte = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok();
    pairs.map(byte).collect()
}

/// Writes bytes as the word that [`expand`] reads.
pub(crate) fn text(bytes: &[u8]) -> String {
    let printable = |text: &&str| !text.contains(|c: char| c.is_control() || c == '"');
    match (bytes, str::from_utf8(bytes).ok().filter(printable)) {
        ([first, rest @ ..], Some(_)) if rest.len() >= LONG && rest.iter().all(|b| b == first) => {
            format!("{}*{}", char::from(*first), bytes.len())
        }
        (_, Some(text)) => text.to_owned(),
        (bytes, None) => {
            let digits = bytes.iter().map(|byte| format!("{byte:02x}"));
            format!("0x{}", digits.collect::<String>())
        }
    }
}

fn put_zigzag(bytes: &mut Vec<u8>, number: i64) {
    put_varint(bytes, (number << 1 ^ number >> 63).cast_unsigned());
}

fn zigzag(bytes: &mut Bytes<'_>) -> Result<i64, String> {
    let number = bytes.varint()?;
    Ok((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
}

#[cfg(test)]
mod tests {
    use super::{decode, encode, expand, text};
    use crate::tree::{Tree, read};

    #[test]
    fn a_batch_is_read_as_it_was_written() {
        let batch =
            "BaseOffset=7 ProducerId=4 ProducerEpoch=1 BaseSequence=2 Values=[a, k:b, c@2000]";
        let batch = Tree::Fields(read(batch).expect("it is a batch"));
        let bytes = encode(&batch).expect("it can be encoded");
        assert_eq!(decode(&bytes), Ok(vec![batch]));
        let cut = &bytes[..bytes.len() - 1];
        assert_eq!(decode(cut), Ok(Vec::new()), "a broker cuts the last batch");
    }

    #[test]
    fn words_stand_for_bytes() {
        for word in ["plain", "0x00ff", "x*5000"] {
            assert_eq!(text(&expand(word)), word);
        }
    }
}
