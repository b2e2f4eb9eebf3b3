//! The records in a batch, as far as brokers look at them.

use bytes::Buf as _;

/// What brokers look at of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its number in the batch.
    pub number: u32,
    /// Its time in milliseconds since 1970; -1: none.
    pub timestamp: i64,
    /// Whether it has a key.
    pub has_key: bool,
}

/// Returns the heads of records that are not compressed, up to the first one that is none
/// (`DefaultRecord.readFrom`). `base` is the timestamp from which theirs count.
pub(crate) fn heads(mut records: &[u8], base: i64) -> impl Iterator<Item = Head> {
    std::iter::from_fn(move || {
        let length = usize::try_from(varint(&mut records)?).ok()?;
        let (mut record, rest) = records.split_at_checked(length)?;
        records = rest;
        // Attributes, of which none are used.
        record.try_get_u8().ok()?;
        Some(Head {
            timestamp: base.wrapping_add(varint(&mut record)?),
            number: u32::try_from(varint(&mut record)?).ok()?,
            has_key: varint(&mut record)? >= 0,
        })
    })
}

/// Reads a number of variable length (`ByteUtils.readVarlong`).
pub(crate) fn varint(bytes: &mut &[u8]) -> Option<i64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = bytes.try_get_u8().ok()?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some((value >> 1) as i64 ^ -((value & 1) as i64));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Makes a record with nothing in it: its length, attributes, times and number; a key of one
    /// byte or none, no value and no headers.
    fn record(delta: u8, number: u8, has_key: bool) -> Vec<u8> {
        let key: &[u8] = if has_key { &[2, b'k'] } else { &[1] };
        let rest = [&[0, delta << 1, number << 1], key, &[1, 0]].concat();
        [&[(rest.len() as u8) << 1], &rest[..]].concat()
    }

    fn head(number: u32, timestamp: i64, has_key: bool) -> Head {
        Head {
            number,
            timestamp,
            has_key,
        }
    }

    #[test]
    fn records_have_times_numbers_and_keys() {
        let records = [record(0, 0, true), record(20, 1, false)].concat();
        let heads: Vec<_> = heads(&records, 1_000).collect();
        assert_eq!(heads, [head(0, 1_000, true), head(1, 1_020, false)]);
    }

    #[test]
    fn what_are_no_records_has_no_heads() {
        let whole = [record(0, 0, false), record(20, 1, false)].concat();
        for cut in 1..whole.len() {
            assert!(heads(&whole[..cut], 0).count() <= 1, "{cut}");
        }
        for bytes in [&[0xff; 40][..], &[1], &[0x80; 3], &[2, 0]] {
            assert_eq!(heads(bytes, i64::MAX).next(), None);
        }
    }

    #[test]
    fn numbers_have_any_length() {
        let numbers = [
            (&[0][..], 0),
            (&[1], -1),
            (&[0x80, 1], 64),
            (&[0xff, 0xff, 3], -32_768),
        ];
        for (bytes, number) in numbers {
            assert_eq!(varint(&mut &*bytes), Some(number));
        }
        let greatest = [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];
        assert_eq!(varint(&mut &greatest[..]), Some(i64::MAX));
    }
}
