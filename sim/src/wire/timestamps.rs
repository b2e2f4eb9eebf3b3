//! Timestamps of the records in a batch.

use bytes::Buf as _;

/// Returns the first record, from number `from` on, that has a timestamp or a later one: its number
/// and its timestamp. `base` is the timestamp from which those of the records count; `None`: there
/// is no such record, or what lies there are no records (`DefaultRecord.readFrom`).
pub(super) fn first_since(
    mut records: &[u8],
    base: i64,
    timestamp: i64,
    from: u32,
) -> Option<(u32, i64)> {
    while !records.is_empty() {
        let length = usize::try_from(varint(&mut records)?).ok()?;
        let (mut record, rest) = records.split_at_checked(length)?;
        records = rest;
        // Attributes, of which none are used.
        record.try_get_u8().ok()?;
        let at = base.wrapping_add(varint(&mut record)?);
        let number = u32::try_from(varint(&mut record)?).ok()?;
        if at >= timestamp && number >= from {
            return Some((number, at));
        }
    }
    None
}

/// Reads a number of variable length (`ByteUtils.readVarlong`).
fn varint(bytes: &mut &[u8]) -> Option<i64> {
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

    /// Makes a record with nothing in it: its length, attributes, times and number.
    fn record(delta: u8, number: u8) -> [u8; 7] {
        [12, 0, delta << 1, number << 1, 1, 1, 0]
    }

    #[test]
    fn the_first_record_that_is_late_enough_is_found() {
        let records = [record(0, 0), record(20, 1), record(10, 2)].concat();
        let find = |timestamp, from| first_since(&records, 1_000, timestamp, from);
        assert_eq!(find(0, 0), Some((0, 1_000)));
        assert_eq!(find(1_001, 0), Some((1, 1_020)));
        assert_eq!(find(1_020, 0), Some((1, 1_020)));
        assert_eq!(find(1_005, 2), Some((2, 1_010)));
        assert_eq!(find(1_021, 0), None);
    }

    #[test]
    fn what_are_no_records_has_none() {
        let whole = [record(0, 0), record(20, 1)].concat();
        for cut in 1..whole.len() {
            let found = first_since(&whole[..cut], 0, 20, 0);
            assert_eq!(found, None, "{cut}");
        }
        for bytes in [&[0xff; 40][..], &[1], &[0x80; 3], &[2, 0]] {
            assert_eq!(first_since(bytes, i64::MAX, 1, 0), None);
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
