//! What an observer is told of the cluster's logs: each entry once, however often leaders change.

use super::env::{ClusterEnv, Observation};
use super::log::Log;
use crate::protocol::{Dialect, LogEntry};
use crate::topology::PartitionIndex;
use plimsoll_core::NextOffset;

/// The entries of one partition of which the observer was told.
#[derive(Debug, Default)]
pub(super) struct Observed {
    /// The offset after the last of them.
    end: u64,
    /// Each epoch that wrote some of them, with the first offset of its. An offset and an epoch
    /// name one entry in all logs.
    epochs: Vec<(u32, u64)>,
    /// The newest epoch whose leader let any of them be read.
    leader_epoch: u32,
}

impl Observed {
    #[inline]
    fn add<D: Dialect>(&mut self, entry: &LogEntry<D>) {
        let last = self.epochs.last().map(|(epoch, _)| *epoch);
        if last != Some(entry.leader_epoch) {
            self.epochs.push((entry.leader_epoch, entry.offset.get()));
        }
    }

    /// Returns the offset up to which a log has these entries.
    fn end_in<D: Dialect>(&self, log: &Log<D>) -> u64 {
        let mut epochs = self.epochs.iter().peekable();
        let mut epoch = None;
        for entry in log.slice(log.start(), self.end) {
            let offset = entry.offset.get();
            while let Some((next, _)) = epochs.next_if(|(_, start)| *start <= offset) {
                epoch = Some(*next);
            }
            if epoch != Some(entry.leader_epoch) {
                return offset;
            }
        }
        self.end.min(log.end())
    }

    fn cut(&mut self, end: u64) {
        self.end = end;
        self.epochs.retain(|(_, start)| *start < end);
    }
}

/// Tells of the entries that a leader's high watermark passed: they must never be lost again
/// ([`compared`] would tell).
pub(super) fn replicated<D: Dialect>(
    env: &mut impl ClusterEnv<D>,
    partition: PartitionIndex,
    log: &Log<D>,
    leader_epoch: u32,
    high_watermark: u64,
) {
    let observed = &mut env.shared().observed[partition];
    let from = observed.end;
    if high_watermark <= from {
        return;
    }
    observed.end = high_watermark;
    observed.leader_epoch = observed.leader_epoch.max(leader_epoch);
    for entry in log.slice(from, high_watermark) {
        env.shared().observed[partition].add(entry);
        env.observe(Observation::Replicated { partition, entry });
    }
}

/// Tells where the log of a leader of this epoch has not got what could be read before, or has
/// other entries in its place. A broker that only believes that it leads, as it is slow to learn of
/// a later epoch, need not have what that epoch's leader let be read.
pub(super) fn compared<D: Dialect>(
    env: &mut impl ClusterEnv<D>,
    partition: PartitionIndex,
    log: &Log<D>,
    leader_epoch: u32,
) {
    let observed = &mut env.shared().observed[partition];
    if observed.leader_epoch > leader_epoch {
        return;
    }
    let end = observed.end_in(log);
    if end < observed.end {
        observed.cut(end);
        env.observe(Observation::Truncated {
            partition,
            log_end: NextOffset::new(end),
        });
    }
}
