//! A hash of a trace: equal hashes mean equal bytes.
//!
//! Hashed is a canonical form: for each entry its time, the number of its kind, and its fields in
//! the order of [`super::layout`], each in little-endian bytes; `None` is one byte 0, a value that
//! may be absent follows one byte 1. Names of errors and requests go in as their text, so that the
//! order of their enums means nothing.

use super::layout::with_layout;
use super::{Entry, Trace, TraceEvent};
use crate::{BrokerId, ErrorName, FaultId, MemberId, MessageId, Missed, RequestKind, Word};
use plimsoll_core::{AssignmentEpoch, NextOffset, Offset, Outcome, TopicPartition};
use std::fmt;
use xxhash_rust::xxh3::Xxh3;

/// A 128-bit hash (XXH3) over every field of every entry, the same on every machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint(pub u128);

/// 32 hexadecimal digits.
impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl Trace {
    /// Returns the hash of this trace.
    pub fn fingerprint(&self) -> Fingerprint {
        let mut block = Block::new();
        for entry in &self.entries {
            block.entry(entry);
        }
        block.finish()
    }
}

/// Bytes before they are hashed, gathered because the hash likes large pieces.
struct Block {
    bytes: [u8; Self::SIZE],
    used: usize,
    hash: Xxh3,
}

impl Block {
    const SIZE: usize = 4096;
    /// A number of bytes that no entry exceeds.
    const LARGEST_ENTRY: usize = 128;

    fn new() -> Self {
        Self {
            bytes: [0; Self::SIZE],
            used: 0,
            hash: Xxh3::new(),
        }
    }

    #[inline]
    fn entry(&mut self, entry: &Entry) {
        if self.used > Self::SIZE - Self::LARGEST_ENTRY {
            self.flush();
        }
        entry.at.as_nanos().put(self);
        put_event(&entry.event, self);
    }

    #[inline]
    fn put<const N: usize>(&mut self, bytes: [u8; N]) {
        self.bytes[self.used..self.used + N].copy_from_slice(&bytes);
        self.used += N;
    }

    fn put_text(&mut self, text: &str) {
        self.put([text.len() as u8]);
        self.bytes[self.used..self.used + text.len()].copy_from_slice(text.as_bytes());
        self.used += text.len();
    }

    fn flush(&mut self) {
        self.hash.update(&self.bytes[..self.used]);
        self.used = 0;
    }

    fn finish(mut self) -> Fingerprint {
        self.flush();
        Fingerprint(self.hash.digest128())
    }
}

macro_rules! put_event {
    ($($number:literal $kind:ident $name:literal { $($field:ident),* })*) => {
        #[inline]
        fn put_event(event: &TraceEvent, block: &mut Block) {
            match event {
                $(TraceEvent::$kind { $($field),* } => {
                    block.put([$number]);
                    $($field.put(block);)*
                })*
            }
        }
    };
}

with_layout!(put_event);

/// A value with a canonical form.
trait Canonical {
    fn put(&self, block: &mut Block);
}

macro_rules! canonical {
    ($($type:ty: $value:ident => $bytes:expr;)*) => {
        $(impl Canonical for $type {
            #[inline]
            fn put(&self, block: &mut Block) {
                let $value = self;
                block.put($bytes);
            }
        })*
    };
}

canonical! {
    u32: value => value.to_le_bytes();
    i32: value => value.to_le_bytes();
    u64: value => value.to_le_bytes();
    bool: value => [u8::from(*value)];
    MessageId: id => id.0.to_le_bytes();
    MemberId: id => id.0.to_le_bytes();
    BrokerId: id => id.0.to_le_bytes();
    FaultId: id => id.0.to_le_bytes();
    AssignmentEpoch: epoch => epoch.0.to_le_bytes();
    Offset: offset => offset.get().to_le_bytes();
    NextOffset: next => next.get().to_le_bytes();
    Outcome: outcome => [match outcome {
        Outcome::Ok => 0,
        Outcome::Retryable => 1,
        Outcome::Permanent => 2,
    }];
}

impl Canonical for TopicPartition {
    #[inline]
    fn put(&self, block: &mut Block) {
        self.topic.put(block);
        self.partition.put(block);
    }
}

impl<T: Canonical> Canonical for Option<T> {
    #[inline]
    fn put(&self, block: &mut Block) {
        match self {
            None => block.put([0]),
            Some(value) => {
                block.put([1]);
                value.put(block);
            }
        }
    }
}

impl Canonical for ErrorName {
    fn put(&self, block: &mut Block) {
        block.put_text(self.word());
    }
}

impl Canonical for Missed {
    fn put(&self, block: &mut Block) {
        block.put_text(self.word());
    }
}

impl Canonical for RequestKind {
    fn put(&self, block: &mut Block) {
        block.put_text(self.word());
    }
}
