//! Kafka's kinds of requests, by Kafka's names.

use crate::Word as _;

crate::words! {
    /// A kind of request of Kafka's protocol.
    pub enum RequestKind: "request" {
        /// A producer writes records.
        Produce = "Produce",
        /// A consumer or a follower reads records.
        Fetch = "Fetch",
        /// A client asks for the first or the last offset of a partition.
        ListOffsets = "ListOffsets",
        /// A client asks for brokers, topics and leaders.
        Metadata = "Metadata",
        /// A member commits next offsets.
        OffsetCommit = "OffsetCommit",
        /// A member asks for committed offsets.
        OffsetFetch = "OffsetFetch",
        /// A client asks for the coordinator of a group.
        FindCoordinator = "FindCoordinator",
        /// A member joins a new generation of its group.
        JoinGroup = "JoinGroup",
        /// A member asks for its part of the assignment.
        SyncGroup = "SyncGroup",
        /// A member tells its coordinator that it lives.
        Heartbeat = "Heartbeat",
        /// A member leaves its group.
        LeaveGroup = "LeaveGroup",
    }
}

impl RequestKind {
    /// Returns the number of such requests in Kafka's protocol (`ApiKeys`).
    pub const fn api_key(self) -> i16 {
        match self {
            Self::Produce => 0,
            Self::Fetch => 1,
            Self::ListOffsets => 2,
            Self::Metadata => 3,
            Self::OffsetCommit => 8,
            Self::OffsetFetch => 9,
            Self::FindCoordinator => 10,
            Self::JoinGroup => 11,
            Self::Heartbeat => 12,
            Self::LeaveGroup => 13,
            Self::SyncGroup => 14,
        }
    }

    /// Returns the kind of the requests with this number, if it is one of these.
    pub fn of_api_key(key: i16) -> Option<Self> {
        let mut kinds = Self::ALL.iter().copied();
        kinds.find(|kind| kind.api_key() == key)
    }

    /// Returns whether what goes wrong with such a request may concern one partition alone.
    ///
    /// Kafka also answers OffsetCommit and OffsetFetch partition by partition, but what goes wrong
    /// there concerns the group, and with it all of them.
    pub const fn is_by_partition(self) -> bool {
        matches!(self, Self::Produce | Self::Fetch | Self::ListOffsets)
    }
}
