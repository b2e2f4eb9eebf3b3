//! The text in the metadata of commits, for clients: a version, and what the group has to know
//! later. One client goes on with what another one committed, so all write the same.

/// The name of the format, and its version. A later one gets another number: an older consumer
/// of the same group then knows that it does not know the rest.
const VERSION: &str = "plimsoll/1";

/// Writes the number of partitions that a topic had when the group first committed for it.
#[must_use]
pub fn write(founding_partitions: u32) -> String {
    format!("{VERSION} {founding_partitions}")
}

/// Reads the number of partitions that a topic had when the group first committed for it.
///
/// A commit of another client, or of another version, counts as 0: then every partition counts as
/// added later, and nothing is skipped.
#[must_use]
pub fn read(metadata: &str) -> u32 {
    let number = metadata.strip_prefix(VERSION).map(str::trim_start);
    number.and_then(|text| text.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_anything_else_is_zero() {
        for number in [0, 4, u32::MAX] {
            assert_eq!(read(&write(number)), number);
        }
        for other in [
            "",
            "4",
            "plimsoll/2 4",
            "plimsoll/1",
            "plimsoll/1 x",
            "plimsoll/1 -4",
        ] {
            assert_eq!(read(other), 0, "{other:?}");
        }
    }
}
