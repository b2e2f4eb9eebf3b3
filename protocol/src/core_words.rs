//! Words for the enums of the core that traces and scenario files name.

use plimsoll_core::{InitialPosition, Ordering, OutOfRangePolicy, Outcome};

crate::words! {
    impl Outcome: "outcome" {
        /// The handler did its work.
        Ok = "ok",
        /// The handler failed, and may succeed when called again.
        Retryable = "retryable",
        /// The handler failed, and would fail each time.
        Permanent = "permanent",
    }
}

crate::words! {
    impl Ordering: "ordering" {
        /// One record of a partition at a time, in offset order.
        Partition = "partition",
        /// One record of a key at a time, in offset order; keys side by side.
        Key = "key",
        /// Any number of records at a time, in any order.
        Unordered = "unordered",
    }
}

crate::words! {
    impl InitialPosition: "initial position" {
        /// At the first record.
        Earliest = "earliest",
        /// After the last record.
        Latest = "latest",
    }
}

crate::words! {
    impl OutOfRangePolicy: "policy" {
        /// Go to the first record that the partition still holds.
        Earliest = "earliest",
        /// Go to the end, skipping what lies between.
        Latest = "latest",
        /// Stop reading the partition, visibly.
        Halt = "halt",
    }
}
