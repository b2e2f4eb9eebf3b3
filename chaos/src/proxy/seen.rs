//! What the proxy reports.

use plimsoll_oracle::{MemberId, RequestKind};
use std::future::Future;
use std::pin::Pin;

/// The receiver of what passes. Called with no lock held.
pub(crate) trait Watcher: Send + Sync {
    /// Takes in what is about to pass: what this records stands before all that follows from it.
    fn saw(&self, member: MemberId, seen: Seen);

    /// Takes in that a broker acknowledged what this member produced; awaited before the member
    /// learns it.
    fn produced<'a>(
        &'a self,
        member: MemberId,
        topic: &'a str,
        partition: u32,
        last_offset: u64,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>>;
}

/// One thing that passed; the page of this module says when each is reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// An OffsetCommit request.
    CommitSent { broker: u32 },
    /// What a broker did with a commit.
    CommitAnswered {
        generation: i32,
        offsets: Vec<CommitAnswer>,
    },
    /// A commit whose connection ended before its answer was sent to the member.
    CommitUnanswered,
    /// A response that [`Proxy::lose_response`] swallowed.
    ResponseLost { request: RequestKind },
    /// A JoinGroup request, with the partitions that the member says it owns: those of its first
    /// protocol's subscription, empty where that does not tell.
    Joining { owned: Vec<(String, u32)> },
    /// A JoinGroup response without error.
    Joined { generation: i32 },
    /// A SyncGroup response without error.
    Synced { partitions: Vec<(String, u32)> },
    /// A LeaveGroup request.
    Left,
    /// An answer to a Heartbeat, OffsetCommit, SyncGroup or JoinGroup with UNKNOWN_MEMBER_ID,
    /// ILLEGAL_GENERATION or FENCED_INSTANCE_ID.
    Fenced { request: RequestKind, error: i16 },
    /// An answer to a Heartbeat with REBALANCE_IN_PROGRESS.
    RebalanceAsked,
    /// A Fetch request for this partition from this offset. Partitions that stay in their fetch
    /// session unnamed (KIP-227) are reported once after each `Synced`.
    Fetching {
        topic: String,
        partition: u32,
        offset: u64,
    },
    /// An answer to a Fetch with OFFSET_OUT_OF_RANGE.
    OutOfRange { topic: String, partition: u32 },
}

/// One partition's part of an answered commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CommitAnswer {
    pub topic: String,
    pub partition: u32,
    /// The next offset that was to be committed.
    pub next: u64,
    /// Kafka's error code; 0 where the broker accepted it.
    pub error: i16,
}
