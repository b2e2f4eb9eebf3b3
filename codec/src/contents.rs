//! The contents of a batch, as an application has them: keys, values and headers, in their order
//! and as often as they are there.

use crate::RecordBatch;
use crate::compression::plain;
use crate::record::varint;
use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use kafka_protocol::records::Compression;
use std::borrow::Cow;
use std::fmt;

/// A header: its name, as far as it is text, and its value, if it has one.
pub type Header<'a> = (Cow<'a, str>, Option<&'a [u8]>);

/// A record (`DefaultRecord`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Its number in the batch: that of its offset behind the first one.
    pub number: u32,
    /// Its time in milliseconds since 1970; -1: none.
    pub timestamp: i64,
    /// Its key, if it has one.
    pub key: Option<&'a [u8]>,
    /// Its value; `None`: it is a tombstone.
    pub value: Option<&'a [u8]>,
    /// Its headers.
    pub headers: Vec<Header<'a>>,
}

/// The reason why a batch cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// A compression that is not known, by its number.
    Compression(u8),
    /// Bytes that no compression made, with the reason.
    Damaged(String),
    /// Fewer records than it says.
    Cut,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Compression(number) => write!(formatter, "compression {number} is not known"),
            Self::Damaged(why) => write!(formatter, "it cannot be decompressed: {why}"),
            Self::Cut => formatter.write_str("it holds fewer records than it says"),
        }
    }
}

impl std::error::Error for Unreadable {}

/// Returns the bytes of a batch's records, decompressed.
///
/// # Errors
/// Where they cannot be, or would be more than [`MOST_BYTES`](crate::MOST_BYTES).
pub fn decompressed(batch: &RecordBatch) -> Result<Bytes, Unreadable> {
    let compression = match batch.compression() {
        0 => return Ok(batch.records()),
        1 => Compression::Gzip,
        2 => Compression::Snappy,
        3 => Compression::Lz4,
        4 => Compression::Zstd,
        number => return Err(Unreadable::Compression(number)),
    };
    plain(&batch.records(), compression).map_err(|why| Unreadable::Damaged(why.to_string()))
}

/// Reads the records of a batch out of their decompressed bytes, one by one; an error where there
/// are fewer than the batch says.
pub fn read<'a>(batch: &RecordBatch, bytes: &'a [u8]) -> Records<'a> {
    Records {
        // No more than there is room for.
        left: (batch.declared() as usize).min(bytes.len() / SHORTEST + 1),
        bytes,
        base: batch.base_timestamp(),
        append_time: batch.append_time(),
    }
}

/// The length of the shortest record, in bytes: seven numbers of one byte each.
const SHORTEST: usize = 7;

/// The records of a batch, in their order.
#[derive(Clone, Debug)]
pub struct Records<'a> {
    bytes: &'a [u8],
    left: usize,
    base: i64,
    append_time: Option<i64>,
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<Record<'a>, Unreadable>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let Some(mut record) = record(&mut self.bytes, self.base) else {
            self.left = 0;
            return Some(Err(Unreadable::Cut));
        };
        if let Some(time) = self.append_time {
            record.timestamp = time;
        }
        Some(Ok(record))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

/// Of those that can be read.
impl ExactSizeIterator for Records<'_> {}

fn record<'a>(bytes: &mut &'a [u8], base: i64) -> Option<Record<'a>> {
    let mut record = slice(bytes)?;
    // Attributes, of which none are used.
    record.try_get_u8().ok()?;
    let timestamp = base.wrapping_add(varint(&mut record)?);
    let number = u32::try_from(varint(&mut record)?).ok()?;
    let key = nullable(&mut record)?;
    let value = nullable(&mut record)?;
    let mut headers = Vec::new();
    for _ in 0..varint(&mut record)? {
        let name = String::from_utf8_lossy(slice(&mut record)?);
        headers.push((name, nullable(&mut record)?));
    }
    Some(Record {
        number,
        timestamp,
        key,
        value,
        headers,
    })
}

/// Reads bytes behind their length; the inner `None`: there are none, which is not the same as no
/// bytes.
fn nullable<'a>(bytes: &mut &'a [u8]) -> Option<Option<&'a [u8]>> {
    let length = varint(bytes)?;
    if length < 0 {
        return Some(None);
    }
    let (slice, rest) = bytes.split_at_checked(usize::try_from(length).ok()?)?;
    *bytes = rest;
    Some(Some(slice))
}

fn slice<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    nullable(bytes)?
}

/// Writes a batch of one record, with its time in milliseconds since 1970, of a producer that is
/// not idempotent.
pub fn write_one(record: &Record<'_>) -> RecordBatch {
    let mut body = BytesMut::new();
    body.put_u8(0);
    put_varint(&mut body, 0);
    put_varint(&mut body, 0);
    put_nullable(&mut body, record.key);
    put_nullable(&mut body, record.value);
    put_varint(&mut body, record.headers.len() as i64);
    for (name, value) in &record.headers {
        put_nullable(&mut body, Some(name.as_bytes()));
        put_nullable(&mut body, *value);
    }
    let mut records = BytesMut::with_capacity(body.len() + 5);
    put_nullable(&mut records, Some(&body));
    RecordBatch::of_one(&records, record.timestamp)
}

fn put_nullable(into: &mut BytesMut, bytes: Option<&[u8]>) {
    match bytes {
        Some(bytes) => {
            put_varint(into, bytes.len() as i64);
            into.put_slice(bytes);
        }
        None => put_varint(into, -1),
    }
}

/// Writes a number of variable length (`ByteUtils.writeVarlong`).
fn put_varint(into: &mut BytesMut, number: i64) {
    let mut rest = (number << 1 ^ number >> 63) as u64;
    while rest > 0x7f {
        into.put_u8(rest as u8 | 0x80);
        rest >>= 7;
    }
    into.put_u8(rest as u8);
}

#[cfg(test)]
mod tests {
    use super::*;
    use kafka_protocol::records::RecordBatchDecoder;

    fn letter<'a>() -> Record<'a> {
        Record {
            number: 0,
            timestamp: 1_700_000_000_000,
            key: Some(b"key"),
            value: Some(&[7; 300]),
            headers: vec![
                ("trace".into(), Some(b"1")),
                ("empty".into(), None),
                ("trace".into(), Some(b"2")),
            ],
        }
    }

    #[test]
    fn what_is_written_is_read_again_with_each_of_its_headers() {
        for record in [
            letter(),
            Record {
                key: None,
                value: None,
                headers: Vec::new(),
                ..letter()
            },
        ] {
            let batch = write_one(&record);
            assert!(batch.is_intact());
            let bytes = decompressed(&batch).expect("it is not compressed");
            let read: Result<Vec<_>, _> = read(&batch, &bytes).collect();
            assert_eq!(read, Ok(vec![record]));
        }
    }

    #[test]
    fn another_codec_reads_what_is_written() {
        let batch = write_one(&letter());
        let mut bytes = batch.bytes();
        let sets = RecordBatchDecoder::decode_all(&mut bytes).expect("it is a batch");
        let record = &sets[0].records[0];
        assert_eq!(record.key.as_deref(), letter().key);
        assert_eq!(record.value.as_deref(), letter().value);
        assert_eq!(record.timestamp, letter().timestamp);
        // It knows each name once.
        assert_eq!(record.headers.len(), 2);
    }

    #[test]
    fn what_is_cut_is_no_batch_with_fewer_records() {
        let batch = write_one(&letter());
        let bytes = batch.records();
        for length in 0..bytes.len() {
            let read: Result<Vec<_>, _> = read(&batch, &bytes[..length]).collect();
            assert_eq!(read, Err(Unreadable::Cut));
        }
    }
}
