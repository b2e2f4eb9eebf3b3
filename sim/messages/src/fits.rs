//! Whether bytes are a message, before a reader takes memory by the lengths in them.

use crate::{Field, Form, Message};

impl Message {
    /// Returns whether bytes begin with this message in one of its versions, whole: what every
    /// length in it announces is there. Takes no memory, and no more steps than there are bytes and
    /// fields.
    pub fn fits(&self, version: i16, bytes: &[u8]) -> bool {
        let mut walk = Walk {
            version,
            flexible: self.flexible.contains(version),
            rest: bytes,
        };
        walk.fields(&self.fields).is_some()
    }
}

/// A walk through a message; each step is `None` where the bytes end before it.
struct Walk<'a> {
    version: i16,
    flexible: bool,
    rest: &'a [u8],
}

impl<'a> Walk<'a> {
    fn fields(&mut self, fields: &[Field]) -> Option<()> {
        for field in fields {
            if field.versions.contains(self.version) && field.tag_in(self.version).is_none() {
                self.value(field, &field.form)?;
            }
        }
        if !self.flexible {
            return Some(());
        }
        for _ in 0..self.varint()? {
            let (tag, size) = (self.varint()?, self.varint()?);
            let bytes = self.take(size as usize)?;
            let mut known = fields.iter();
            if let Some(field) = known.find(|field| field.tag_in(self.version) == Some(tag.into()))
            {
                let mut inner = Walk {
                    rest: bytes,
                    ..*self
                };
                inner.value(field, &field.form)?;
                // `kafka-protocol` goes on behind the value, not behind the size: what lies between
                // would be read as other fields than are walked here.
                inner.rest.is_empty().then_some(())?;
            }
        }
        Some(())
    }

    fn value(&mut self, field: &Field, form: &Form) -> Option<()> {
        match form {
            Form::Bool => self.skip(1),
            Form::Int(size) => self.skip(*size),
            Form::Float => self.skip(8),
            Form::Uuid => self.skip(16),
            Form::String => self.sized(2),
            Form::Bytes | Form::Records => self.sized(4),
            Form::Struct(_) if field.is_marked(self.version) && self.take(1)?[0] >= 0x80 => {
                Some(())
            }
            Form::Struct(fields) => self.fields(fields),
            Form::Array(element) => {
                let length = self.length(4)?;
                // Each takes one byte at least, so that a walk does not go on without one.
                if length > self.rest.len() {
                    return None;
                }
                (0..length).try_for_each(|_| self.value(field, element))
            }
        }
    }

    fn sized(&mut self, width: usize) -> Option<()> {
        let length = self.length(width)?;
        self.skip(length)
    }

    /// Reads a length, which is nothing where the value is null.
    fn length(&mut self, width: usize) -> Option<usize> {
        if self.flexible {
            return Some((self.varint()? as usize).saturating_sub(1));
        }
        let bytes = self.take(width)?;
        let sign = if bytes[0] >= 0x80 { -1 } else { 0 };
        let length = bytes
            .iter()
            .fold(sign, |number: i64, byte| number << 8 | i64::from(*byte));
        Some(usize::try_from(length).unwrap_or(0))
    }

    /// Reads a number of 32 bits at most, seven of which are in a byte, the lowest first.
    fn varint(&mut self) -> Option<u32> {
        let mut number = 0_u64;
        for shift in (0..35).step_by(7) {
            let byte = self.take(1)?[0];
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return u32::try_from(number).ok();
            }
        }
        None
    }

    fn skip(&mut self, size: usize) -> Option<()> {
        self.take(size).map(|_| ())
    }

    fn take(&mut self, size: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(size)?;
        self.rest = rest;
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use crate::{Message, kinds};

    fn request(kind: &str) -> Message {
        let mut kinds = kinds().into_iter();
        let found = kinds.find(|known| known.name == kind);
        found.expect("a table").request
    }

    #[test]
    fn lengths_are_within_the_message() {
        let metadata = request("Metadata");
        // An array of one topic, "ab", and more behind it.
        let whole = [0, 0, 0, 1, 0, 2, b'a', b'b', 9];
        assert!(metadata.fits(0, &whole));
        for cut in 0..8 {
            assert!(!metadata.fits(0, &whole[..cut]), "{cut} bytes");
        }
        assert!(!metadata.fits(0, &[0x7f, 0xff, 0xff, 0xff, 0, 2, b'a', b'b']));
        assert!(metadata.fits(1, &[0xff, 0xff, 0xff, 0xff]), "null: all");
    }

    #[test]
    fn lengths_of_flexible_versions_are_one_more() {
        let metadata = request("Metadata");
        // One topic "ab" without tags, three flags, no tags.
        let whole = [2, 3, b'a', b'b', 0, 1, 0, 0, 0];
        assert!(metadata.fits(9, &whole));
        for cut in 0..9 {
            assert!(!metadata.fits(9, &whole[..cut]), "{cut} bytes");
        }
        let huge = [0xff, 0xff, 0xff, 0xff, 0x0f, 3, b'a', b'b', 0, 1, 0, 0, 0];
        assert!(!metadata.fits(9, &huge));
    }

    #[test]
    fn what_is_tagged_is_walked_too() {
        let fetch = request("Fetch");
        // v12: a replica, waits, limits and a session; no topics, none to forget, no rack, one tag.
        let mut bytes = [0; 25].to_vec();
        bytes.extend([1, 1, 1, 1]);
        let cluster_id = |length: u8| [&bytes[..], &[0, 3, length, b'a', b'b']].concat();
        assert!(fetch.fits(12, &cluster_id(3)));
        assert!(!fetch.fits(12, &cluster_id(9)));
    }
}
