//! What the settings of a topic ask of the batches that producers send (`UnifiedLog.append`,
//! `LogValidator`).

use super::settings::{TopicSettings, number, words};
use crate::protocol::Batch as _;
use kafka_protocol::ResponseError;
use plimsoll_codec::{Malformed, RecordBatch, RecordHead};

/// What the settings of a topic ask of a batch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    max_message_bytes: i64,
    /// Whether each record has a key.
    is_compacted: bool,
    timestamps: Timestamps,
}

/// Which timestamps records have (`message.timestamp.type`).
#[derive(Clone, Copy, Debug)]
enum Timestamps {
    /// Those of their producer, which differ from the broker's time by at most these
    /// milliseconds.
    Create { before: i64, after: i64 },
    /// That of their append.
    Append,
}

/// Why a batch is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum BadBatch {
    /// The request has not one batch of format 2 for a partition
    /// (`ProduceRequest.validateRecords`).
    Unfit,
    TooLarge,
    /// Its checksum is another one.
    Corrupt,
    /// Its records are not as many as it says, or none.
    Inconsistent,
    /// Some of its records are refused, for this reason (KIP-467).
    Records(ResponseError, Vec<i32>),
}

impl From<Malformed> for BadBatch {
    fn from(malformed: Malformed) -> Self {
        match malformed {
            Malformed::Unfit => Self::Unfit,
            Malformed::Corrupt => Self::Corrupt,
        }
    }
}

impl BadBatch {
    pub(super) fn error(&self) -> ResponseError {
        match self {
            Self::Unfit | Self::Inconsistent => ResponseError::InvalidRecord,
            Self::TooLarge => ResponseError::MessageTooLarge,
            Self::Corrupt => ResponseError::CorruptMessage,
            Self::Records(error, _) => *error,
        }
    }

    /// Returns whether it is seen at the log, by the leader alone, and not at the request.
    pub(super) fn is_of_log(&self) -> bool {
        !matches!(self, Self::Unfit)
    }

    /// Returns whether the answer tells where the log starts
    /// (`ReplicaManager.appendRecordsToLocalLog`).
    pub(super) fn tells_start(&self) -> bool {
        matches!(self, Self::Inconsistent | Self::Records(..))
    }

    /// Returns the numbers of the records that are refused.
    pub(super) fn records(&self) -> &[i32] {
        match self {
            Self::Records(_, records) => records,
            _ => &[],
        }
    }
}

impl Rules {
    /// Returns what these settings ask.
    pub(super) fn of(settings: &TopicSettings) -> Self {
        let is = |name, word| words(settings, name).any(|own| own == word);
        Self {
            max_message_bytes: number(settings, "max.message.bytes"),
            is_compacted: is("cleanup.policy", "compact"),
            timestamps: match is("message.timestamp.type", "LogAppendTime") {
                true => Timestamps::Append,
                false => Timestamps::Create {
                    before: number(settings, "message.timestamp.before.max.ms"),
                    after: number(settings, "message.timestamp.after.max.ms"),
                },
            },
        }
    }

    /// Returns a batch as it is appended. `time` is the broker's, in milliseconds since 1970;
    /// without it no timestamp is looked at.
    pub(super) fn admit(
        &self,
        batch: RecordBatch,
        time: Option<i64>,
    ) -> Result<RecordBatch, BadBatch> {
        if i64::from(batch.size()) > self.max_message_bytes {
            return Err(BadBatch::TooLarge);
        }
        if !batch.is_intact() {
            return Err(BadBatch::Corrupt);
        }
        let Some(count) = batch.count() else {
            return Err(BadBatch::Inconsistent);
        };
        if let Some(heads) = batch.heads() {
            self.check(heads, count, time)?;
        }
        Ok(match (self.timestamps, time) {
            (Timestamps::Append, Some(time)) => batch.appended_at(time),
            _ => batch,
        })
    }

    /// Returns the time of an append that an answer tells.
    pub(super) fn append_time(&self, time: Option<i64>) -> Option<i64> {
        time.filter(|_| matches!(self.timestamps, Timestamps::Append))
    }

    /// Checks records one by one (`LogValidator.validateRecord`).
    fn check(
        &self,
        heads: impl Iterator<Item = RecordHead>,
        count: u32,
        time: Option<i64>,
    ) -> Result<(), BadBatch> {
        let mut found = 0;
        let mut refused = Vec::new();
        let mut error = ResponseError::InvalidRecord;
        for head in heads {
            if self.is_compacted && !head.has_key {
                refused.push(found);
            } else if time.is_some_and(|time| !self.timestamps.allow(head.timestamp, time)) {
                refused.push(found);
                // `LogValidator.processRecordErrors`: it outweighs the others.
                error = ResponseError::InvalidTimestamp;
            }
            found += 1;
        }
        match (refused.is_empty(), u32::try_from(found) == Ok(count)) {
            (_, false) => Err(BadBatch::Inconsistent),
            (false, true) => Err(BadBatch::Records(error, refused)),
            (true, true) => Ok(()),
        }
    }
}

impl Timestamps {
    /// Returns whether a record may have a timestamp
    /// (`LogValidator.recordHasInvalidTimestamp`; -1: it has none).
    fn allow(self, timestamp: i64, time: i64) -> bool {
        match self {
            Self::Append => true,
            Self::Create { before, after } => {
                let age = time.saturating_sub(timestamp);
                timestamp == -1 || age <= before && age.saturating_neg() <= after
            }
        }
    }
}
