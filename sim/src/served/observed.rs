//! What becomes of the logs, as an observer of the cluster is told it.

use super::cluster::ServedCluster;
use super::env::Said;
use crate::protocol::{Commit, Content, LogEntry};
use crate::topology::PartitionIndex;
use plimsoll_codec::{RecordBatch, Wire};
use plimsoll_core::{NextOffset, Offset};

/// A change of a log. Partitions go by the names of their topics and their numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// A batch became readable.
    Stored {
        /// The partition.
        partition: (String, i32),
        /// The first offset of the batch.
        offset: Offset,
        /// The batch.
        batch: RecordBatch,
    },
    /// A commit of one partition became readable for coordinators.
    Committed(CommitSeen),
    /// All that could be read from this offset on is lost.
    Truncated {
        /// The partition.
        partition: (String, i32),
        /// The end of the log.
        log_end: NextOffset,
    },
    /// The records below this offset were removed.
    Removed {
        /// The partition.
        partition: (String, i32),
        /// The first offset that is left.
        log_start: NextOffset,
    },
}

/// A commit of one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitSeen {
    /// The name of the client for itself.
    pub client_id: Option<String>,
    /// The partition.
    pub partition: (String, i32),
    /// The next offset.
    pub next: NextOffset,
    /// The generation in the request; -1: of no member, as tools commit.
    pub generation: i32,
    /// Whether the group was rebalancing when the coordinator accepted it.
    pub rebalancing: bool,
    /// Whether its member had closed the connection when it arrived.
    pub late: bool,
}

impl ServedCluster {
    /// Puts what was said of a log into names; `None` where the partition has none, or no one is
    /// to learn of it.
    pub(super) fn seen(&self, said: Said<Wire>) -> Option<Seen> {
        match said {
            Said::Stored { partition, entry } => self.stored(partition, entry),
            Said::Truncated { partition, log_end } => Some(Seen::Truncated {
                partition: self.edge.place(partition)?,
                log_end,
            }),
            Said::Removed {
                partition,
                log_start,
            } => Some(Seen::Removed {
                partition: self.edge.place(partition)?,
                log_start,
            }),
            _ => None,
        }
    }

    fn stored(&self, partition: PartitionIndex, entry: LogEntry<Wire>) -> Option<Seen> {
        match entry.content {
            Content::Batch(batch) => Some(Seen::Stored {
                partition: self.edge.place(partition)?,
                offset: entry.offset,
                batch,
            }),
            Content::Commit(commit) => self.committed(&commit).map(Seen::Committed),
            _ => None,
        }
    }

    fn committed(&self, commit: &Commit<Wire>) -> Option<CommitSeen> {
        Some(CommitSeen {
            client_id: self.client_at(commit.by).map(str::to_owned),
            partition: self.edge.place(commit.offset.partition)?,
            next: commit.offset.next,
            generation: commit.generation,
            rebalancing: commit.rebalancing,
            late: commit.late,
        })
    }
}
