//! Offsets, and the one confusion that the types rule out: the offset of a
//! record is not the offset that a commit carries.

use std::fmt;

/// The offset of a record in its partition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Offset(u64);

impl Offset {
    /// Creates the offset `value`.
    pub const fn new(value: u64) -> Self {
        Self(value)
    }

    /// Returns the offset as Kafka's protocol counts it.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Returns the next offset that a commit carries once this record is finished.
    pub const fn next(self) -> NextOffset {
        NextOffset(self.0 + 1)
    }
}

/// The offset that a commit carries: one past the last finished record.
///
/// It is a type of its own because `commit(o)` and `commit(o + 1)` have been
/// mistaken for each other in most client libraries, each time losing or
/// repeating a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NextOffset(u64);

impl NextOffset {
    /// The start of a partition from which nothing was removed.
    pub const ZERO: Self = Self(0);

    /// Creates the next offset `value`: the offset of the first record that is not finished.
    pub const fn new(value: u64) -> Self {
        Self(value)
    }

    /// Returns the next offset as Kafka's protocol counts it.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Returns the offset of the first record that a commit of this next offset does not cover.
    pub const fn first_unfinished(self) -> Offset {
        Offset(self.0)
    }

    /// Returns whether a commit of this next offset says that `offset` is finished.
    pub const fn covers(self, offset: Offset) -> bool {
        offset.0 < self.0
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for NextOffset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A partition of a topic; the driver gives each topic name a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicPartition {
    /// The topic's number in the driver's table of names.
    pub topic: u32,
    /// Kafka's partition number.
    pub partition: u32,
}

impl TopicPartition {
    /// Creates the name of partition `partition` of topic number `topic`.
    pub const fn new(topic: u32, partition: u32) -> Self {
        Self { topic, partition }
    }
}
