//! What logs no longer keep, by age and by size (`UnifiedLog.deleteOldSegments`).

use super::cluster::ServedCluster;
use crate::protocol::{Batch as _, Content, Dialect, LogEntry, OffsetsRequest, Request, Wanted};
use crate::topology::PartitionIndex;
use crate::wire::Retention;
use plimsoll_core::Instant;
use std::time::Duration;

/// The moment at which logs are looked at first (`LogManager.INITIAL_TASK_DELAY_MS`).
pub(super) const FIRST: Instant = Instant::from_millis(30_000);

/// A part of a log, which goes as a whole (`LogSegment`).
#[derive(Clone, Copy, Debug, Default)]
struct Segment {
    size: i64,
    /// The greatest of its timestamps, where there is one.
    latest: Option<i64>,
    /// The offset behind it.
    end: u64,
}

impl ServedCluster {
    /// Removes what logs no longer keep, where it is time to look. Leaders are asked; their
    /// followers learn it from them.
    pub(super) fn clean_up(&mut self, now: Instant) {
        if now < self.clean_up_at {
            return;
        }
        self.clean_up_at = now + self.retention_check;
        let time = self.time(now);
        let mut removals = Vec::new();
        for (partition, retention) in self.edge.retentions() {
            let mut brokers = self.world.brokers.iter();
            let leader = brokers.find(|(_, broker)| broker.leads(partition));
            if let Some((node, broker)) = leader
                && let Some(entries) = broker.hosted(partition)
                && let Some(below) = removable(entries, retention, time)
            {
                removals.push((node, removal(partition, below)));
            }
        }
        for (leader, removal) in removals {
            self.tell(leader, removal);
        }
    }
}

fn removal<D: Dialect>(partition: PartitionIndex, below: u64) -> Request<D> {
    let wanted = Wanted::Removal {
        below: Some(below),
        timeout: Duration::ZERO,
    };
    Request::Offsets(OffsetsRequest::new(partition, -1, wanted))
}

/// Returns the offset below which a log keeps nothing: first by age, then by size.
fn removable<D: Dialect>(
    entries: &[LogEntry<D>],
    retention: Retention,
    time: Option<i64>,
) -> Option<u64> {
    let segments = segments(entries, retention.segment_bytes);
    let is_old = |segment: &&Segment| match (time, segment.latest) {
        (Some(time), Some(latest)) => retention.ms >= 0 && time - latest > retention.ms,
        _ => false,
    };
    let old = segments.iter().take_while(is_old).count();
    let left = &segments[old..];
    let mut excess = left.iter().map(|segment| segment.size).sum::<i64>() - retention.bytes;
    let is_too_much = |segment: &&Segment| {
        let goes = retention.bytes >= 0 && excess >= segment.size;
        excess -= segment.size;
        goes
    };
    let gone = old + left.iter().take_while(is_too_much).count();
    Some(segments[..gone].last()?.end)
}

/// Cuts a log into segments, as they were filled one by one (`LogSegment.shouldRoll`).
fn segments<D: Dialect>(entries: &[LogEntry<D>], segment_bytes: i64) -> Vec<Segment> {
    let mut segments = Vec::<Segment>::new();
    for entry in entries {
        let size = i64::from(entry.size());
        let timestamp = match &entry.content {
            Content::Batch(batch) => batch.max_timestamp(),
            _ => None,
        };
        match segments.last_mut() {
            Some(last) if last.size + size <= segment_bytes => {
                last.size += size;
                last.latest = last.latest.max(timestamp);
                last.end = entry.end();
            }
            _ => segments.push(Segment {
                size,
                latest: timestamp,
                end: entry.end(),
            }),
        }
    }
    segments
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::batched::{Batched, Records};
    use plimsoll_core::Offset;

    /// Returns a log of batches of 10 bytes with one record each, at these times.
    fn log(times: &[&'static [i64]]) -> Vec<LogEntry<Batched>> {
        let entries = (0..).zip(times).map(|(offset, timestamps)| LogEntry {
            offset: Offset::new(offset),
            leader_epoch: 0,
            content: Content::Batch(Records {
                size: 10,
                ..Records::timed(timestamps)
            }),
        });
        entries.collect()
    }

    const KEEPS_ALL: Retention = Retention {
        ms: -1,
        bytes: -1,
        segment_bytes: 20,
    };

    #[test]
    fn whole_segments_go_by_their_latest_time() {
        let log = log(&[&[1], &[5], &[2], &[3], &[4]]);
        let retention = Retention { ms: 2, ..KEEPS_ALL };
        let removable = |time| removable(&log, retention, time);
        assert_eq!(removable(Some(7)), None, "5 is in the first segment");
        assert_eq!(removable(Some(8)), Some(5), "the last one too");
        assert_eq!(removable(None), None, "nobody knows what time it is");
        let without_times = [LogEntry {
            content: Content::Batch(Records::plain(1)),
            ..log[0].clone()
        }];
        assert_eq!(super::removable(&without_times, retention, Some(99)), None);
    }

    #[test]
    fn segments_go_by_size_while_enough_is_left() {
        let log = log(&[&[1][..]; 7]);
        let removable = |bytes| removable(&log, Retention { bytes, ..KEEPS_ALL }, Some(9));
        assert_eq!(removable(51), None);
        assert_eq!(removable(50), Some(2));
        assert_eq!(removable(30), Some(4));
        assert_eq!(removable(0), Some(7));
        assert_eq!(removable(-1), None);
    }

    #[test]
    fn what_is_left_by_age_is_measured_by_size() {
        let log = log(&[&[1], &[1], &[9], &[9], &[9], &[9]]);
        let retention = Retention {
            ms: 5,
            bytes: 40,
            ..KEEPS_ALL
        };
        assert_eq!(removable(&log, retention, Some(10)), Some(2));
        let smaller = Retention {
            bytes: 20,
            ..retention
        };
        assert_eq!(removable(&log, smaller, Some(10)), Some(4));
    }
}
