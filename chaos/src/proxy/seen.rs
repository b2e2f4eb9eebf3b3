//! What the proxy reports.

use crate::channel::Reply;
use crate::known::Wishes;
use plimsoll_oracle::{MemberId, RequestKind};

/// What the proxy reports. It waits for the answer before it sends on what it reports of: what the
/// trace says of that stands before all that follows from it.
#[derive(Debug)]
pub(crate) enum Report {
    /// What one frame shows, in this order.
    Passed {
        member: MemberId,
        seen: Vec<Seen>,
        noted: Reply<()>,
    },
    /// What a broker acknowledged to a member that produced it.
    Produced {
        member: MemberId,
        last: Produced,
        noted: Reply<()>,
    },
}

/// The last record of what was produced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Produced {
    pub topic: String,
    pub partition: u32,
    pub offset: u64,
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
        /// Whether the member had closed the connection when the broker got the commit.
        late: bool,
    },
    /// A commit whose connection ended before its answer was sent to the member.
    CommitUnanswered,
    /// A response that [`super::Proxy::lose_response`] swallowed.
    ResponseLost { request: RequestKind },
    /// A JoinGroup request, with the partitions that the member says it owns: those of its first
    /// protocol's subscription, empty where that does not tell.
    Joining {
        owned: Vec<(String, u32)>,
        /// What the member asks of the group.
        wishes: Wishes,
    },
    /// A JoinGroup response without error.
    Joined { generation: i32 },
    /// A JoinGroup response of a broker that does not coordinate the group, or not yet.
    JoinRefused,
    /// A SyncGroup response without error.
    Synced { partitions: Vec<(String, u32)> },
    /// A TxnOffsetCommit request.
    CommitInTransaction,
    /// A request of a group protocol that the proxy hides, such as ConsumerGroupHeartbeat
    /// (KIP-848): its client did not heed which APIs there are.
    Hidden,
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

impl Seen {
    /// Takes refusals out of the answer to a commit, which reaches no member: it learned of none,
    /// and its commit is told as unanswered.
    pub(super) fn without_refusals(mut self) -> Self {
        if let Self::CommitAnswered { offsets, .. } = &mut self {
            offsets.retain(|offset| offset.error == 0);
        }
        self
    }
}
