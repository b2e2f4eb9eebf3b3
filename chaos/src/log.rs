//! Where each message stands, as the reader of the topics has seen it.

use crate::lock::lock;
use plimsoll_core::{Offset, TopicPartition};
use plimsoll_oracle::MessageId;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;
use tokio::sync::Notify;

/// The messages that the reader of the topics has seen, by partition and offset.
#[derive(Debug, Default)]
pub(crate) struct Log {
    records: Mutex<BTreeMap<TopicPartition, BTreeMap<u64, StoredMessage>>>,
    changed: Notify,
}

/// A message in a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StoredMessage {
    pub message: MessageId,
    pub key: Option<u32>,
}

impl Log {
    /// Adds a record that became readable.
    pub(crate) fn insert(&self, partition: TopicPartition, offset: Offset, record: StoredMessage) {
        lock(&self.records)
            .entry(partition)
            .or_default()
            .insert(offset.get(), record);
        self.changed.notify_waiters();
    }

    /// Returns the record at this offset, if it was read.
    pub(crate) fn get(&self, partition: TopicPartition, offset: Offset) -> Option<StoredMessage> {
        let records = lock(&self.records);
        records.get(&partition)?.get(&offset.get()).copied()
    }

    /// Returns where a message stands, if it was read; of several places the first.
    pub(crate) fn find(&self, message: MessageId) -> Option<(TopicPartition, Offset)> {
        let records = lock(&self.records);
        records.iter().find_map(|(partition, records)| {
            let mut records = records.iter();
            let (offset, _) = records.find(|(_, record)| record.message == message)?;
            Some((*partition, Offset::new(*offset)))
        })
    }

    /// Returns the offset after the last record that was read.
    pub(crate) fn end(&self, partition: TopicPartition) -> Offset {
        let records = lock(&self.records);
        let last = records.get(&partition).and_then(|r| r.last_key_value());
        Offset::new(last.map_or(0, |(offset, _)| offset + 1))
    }

    /// Waits for the record at this offset; returns `None` where it is not read in time.
    pub(crate) async fn wait_for(
        &self,
        partition: TopicPartition,
        offset: Offset,
        within: Duration,
    ) -> Option<StoredMessage> {
        self.wait(within, || self.get(partition, offset)).await
    }

    /// Waits for a message, and returns its offset; `None` where it is not read in time.
    pub(crate) async fn wait_for_message(
        &self,
        message: MessageId,
        within: Duration,
    ) -> Option<Offset> {
        let found = self.wait(within, || self.find(message)).await;
        found.map(|(_, offset)| offset)
    }

    async fn wait<T>(&self, within: Duration, look: impl Fn() -> Option<T>) -> Option<T> {
        let found = async {
            loop {
                let changed = self.changed.notified();
                tokio::pin!(changed);
                // Registered before the look, so that nothing is missed in between.
                changed.as_mut().enable();
                if let Some(found) = look() {
                    return found;
                }
                changed.await;
            }
        };
        tokio::time::timeout(within, found).await.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORDERS: TopicPartition = TopicPartition::new(0, 1);

    #[tokio::test]
    async fn a_record_is_waited_for_but_not_for_ever() {
        let log = Log::default();
        let offset = Offset::new(7);
        let record = StoredMessage {
            message: MessageId(3),
            key: None,
        };
        let soon = Duration::from_millis(10);
        assert_eq!(log.wait_for(ORDERS, offset, soon).await, None);
        let (found, ()) = tokio::join!(
            log.wait_for(ORDERS, offset, Duration::from_secs(5)),
            async { log.insert(ORDERS, offset, record) },
        );
        assert_eq!(found, Some(record));
        assert_eq!(log.find(MessageId(3)), Some((ORDERS, offset)));
    }
}
