//! Whether a message can have headers at all.
//!
//! librdkafka takes nearly as long to say that there are none as for everything else about a
//! message. But where the next record lies so close behind a message that no header fits in
//! between, it has none. That is so in most batches without headers, and needs no unsafe look.

use rdkafka::message::{BorrowedMessage, Message as _};

/// The fewest bytes that headers take in a record: their number, and the lengths of the name and
/// of the value of one that has neither.
const FEWEST: usize = 3;

/// Whether a message can have headers, as far as another one tells. Both are in memory at this
/// moment, so they do not overlap.
pub(super) fn are_possible(
    message: &BorrowedMessage<'_>,
    other: Option<&BorrowedMessage<'_>>,
) -> bool {
    other.is_none_or(|other| do_fit(message.payload(), other.key(), other.payload()))
}

/// Whether headers fit behind a value, before the record of another key and value begins.
fn do_fit(value: Option<&[u8]>, other_key: Option<&[u8]>, other_value: Option<&[u8]>) -> bool {
    let (Some(value), Some(other_value)) = (value, other_value) else {
        return true;
    };
    // What is empty has no place in memory.
    if value.is_empty() || other_value.is_empty() || other_key.is_some_and(<[u8]>::is_empty) {
        return true;
    }
    let end = value.as_ptr_range().end.addr();
    let first = other_key.unwrap_or(other_value).as_ptr().addr();
    let fewest = FEWEST + fewest_before(other_key.map(<[u8]>::len), other_value.len());
    match first.checked_sub(end) {
        Some(between) => between >= fewest,
        None => true,
    }
}

/// The fewest bytes that a record has before its key, or before its value where it has no key.
fn fewest_before(key: Option<usize>, value: usize) -> usize {
    // Attributes, and the distances of time and offset from those of the batch.
    let fixed = 3;
    let key_length = varint(key.unwrap_or(0));
    let rest = fixed + key_length + key.unwrap_or(0) + varint(value) + value;
    let value_length = if key.is_none() { varint(value) } else { 0 };
    varint(rest) + fixed + key_length + value_length
}

/// How many bytes a length takes: seven bits in each, and one bit for the sign.
const fn varint(length: usize) -> usize {
    let bits = usize::BITS - length.leading_zeros() + 1;
    bits.div_ceil(7) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two records one after the other, as Kafka's format has them, with so many bytes of headers
    /// behind the first value; both of the distances take `distance` bytes.
    fn records(headers: usize, distance: usize, key: Option<&[u8]>) -> bool {
        let mut buffer = vec![b'v'; 100];
        buffer.extend(vec![b'h'; headers]);
        let rest = 1 + 2 * distance + 1 + key.map_or(0, <[u8]>::len) + 2 + 100 + headers;
        buffer.extend(vec![b'l'; varint(rest)]);
        buffer.extend(vec![b'd'; 1 + 2 * distance]);
        buffer.push(b'k');
        let key_start = buffer.len();
        buffer.extend(key.unwrap_or_default());
        let key = key.map(|key| key_start..key_start + key.len());
        buffer.extend([b'l'; 2]);
        let value = buffer.len()..buffer.len() + 100;
        buffer.extend([b'v'; 100]);
        do_fit(
            Some(&buffer[..100]),
            key.map(|key| &buffer[key]),
            Some(&buffer[value]),
        )
    }

    #[test]
    fn a_length_takes_as_many_bytes_as_in_a_record() {
        let lengths = [0, 63, 64, 8_191, 8_192, 1 << 20, 1 << 30];
        assert_eq!(lengths.map(varint), [1, 1, 2, 2, 3, 4, 5]);
    }

    #[test]
    fn headers_are_found_possible_wherever_there_are_some() {
        for key in [None, Some(&b"key"[..])] {
            for distance in 1..=5 {
                for headers in 3..40 {
                    assert!(records(headers, distance, key));
                }
            }
        }
    }

    #[test]
    fn most_records_without_headers_are_told_from_those_that_may_have_some() {
        for key in [None, Some(&b"key"[..])] {
            assert!(!records(1, 1, key));
        }
        assert!(do_fit(Some(b"v"), None, None));
        assert!(do_fit(Some(b""), Some(b"k"), Some(b"v")));
        assert!(do_fit(Some(b"v"), Some(b""), Some(b"v")));
    }
}
