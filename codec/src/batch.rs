//! The record batches in an answer to a fetch, for those that look into them.

use crate::aborted::{Aborted, Part};
use crate::compression::plain;
use bytes::{Buf as _, Bytes};
use kafka_protocol::records::{Record, RecordBatchDecoder};

/// The length of what stands before the records of a batch, in bytes (`DefaultRecordBatch`).
const HEAD: usize = 61;

/// The length of what the length of a batch does not count: its offset, and itself.
const BEFORE: usize = 12;

/// A batch of records.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The offset after its last record; records may be missing there.
    pub next: i64,
    producer: i64,
    /// Whether it is part of a transaction.
    pub is_transactional: bool,
    /// Whether it ends a transaction, and holds nothing else.
    pub is_control: bool,
    bytes: Bytes,
}

/// Splits what a broker sent into batches; the last one may be cut off, and is left out then.
pub fn split(mut bytes: Bytes) -> impl Iterator<Item = Batch> {
    std::iter::from_fn(move || {
        let length = bytes.get(8..BEFORE)?.try_into().ok()?;
        let length = usize::try_from(i32::from_be_bytes(length)).ok()?;
        let whole = BEFORE.checked_add(length)?;
        (whole >= HEAD && whole <= bytes.len()).then(|| Batch::new(bytes.split_to(whole)))
    })
}

impl Batch {
    /// Reads the head of a batch, as `DefaultRecordBatch` lays it out.
    fn new(bytes: Bytes) -> Self {
        let base = (&bytes[..8]).get_i64();
        let attributes = (&bytes[21..23]).get_i16();
        let last = (&bytes[23..27]).get_i32();
        Self {
            next: base + i64::from(last) + 1,
            producer: (&bytes[43..51]).get_i64(),
            is_transactional: attributes & 1 << 4 != 0,
            is_control: attributes & 1 << 5 != 0,
            bytes,
        }
    }

    /// Reads the records.
    ///
    /// # Errors
    /// Where it is damaged, expands to more than [`MOST_BYTES`](crate::MOST_BYTES), or is of a
    /// format before Kafka 0.11.
    pub fn records(&self) -> Result<Vec<Record>, impl std::fmt::Display + use<>> {
        let mut bytes = self.bytes.clone();
        let plain = |bytes: &mut Bytes, compression| Ok(plain(bytes, compression)?);
        let read = RecordBatchDecoder::decode_with_custom_compression(&mut bytes, Some(plain));
        read.map(|read| read.records)
    }
}

impl Aborted {
    /// Returns whether consumers see the records of the next batch.
    pub fn shows(&mut self, batch: &Batch) -> bool {
        self.shows_part(Part {
            next: batch.next,
            producer: batch.producer,
            is_transactional: batch.is_transactional,
            is_control: batch.is_control,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frames::Head;
    use crate::{Names, encode_in, topic_name};
    use bytes::{BufMut as _, BytesMut};
    use kafka_protocol::messages::fetch_response::{
        AbortedTransaction, FetchableTopicResponse, PartitionData,
    };
    use kafka_protocol::messages::{FetchResponse, ResponseHeader};
    use kafka_protocol::protocol::{Encodable as _, HeaderVersion as _};
    use kafka_protocol::records::{
        Compression, RecordBatchEncoder, RecordEncodeOptions, TimestampType,
    };
    use lz4_flex::frame::FrameEncoder;
    use plimsoll_protocol::{Content, PartitionIndex};
    use ruzstd::encoding::CompressionLevel;
    use std::io::Write as _;
    use uuid::Uuid;

    const PRODUCER: i64 = 7;

    fn record(offset: i64, transactional: bool, control: bool) -> Record {
        Record {
            transactional,
            control,
            delete_horizon: false,
            partition_leader_epoch: 0,
            producer_id: PRODUCER,
            producer_epoch: 0,
            timestamp_type: TimestampType::Creation,
            offset,
            sequence: offset as i32,
            timestamp: 0,
            key: None,
            value: Some(format!("{offset} is a value that repeats repeats repeats").into()),
            headers: Default::default(),
        }
    }

    fn batch(records: &[Record], compression: Compression) -> Bytes {
        let (mut bytes, version) = (BytesMut::new(), 2);
        let options = RecordEncodeOptions {
            version,
            compression,
        };
        let compress = |plain: &mut BytesMut, out: &mut BytesMut, compression| {
            if compression == Compression::Zstd {
                ruzstd::encoding::compress(plain.reader(), out.writer(), CompressionLevel::Fastest);
                return Ok(());
            }
            let mut encoder = FrameEncoder::new(out.writer());
            encoder.write_all(plain)?;
            encoder.finish().map(drop).map_err(Into::into)
        };
        match compression {
            Compression::Lz4 | Compression::Zstd => {
                RecordBatchEncoder::encode_with_custom_compression(
                    &mut bytes,
                    records,
                    &options,
                    Some(compress),
                )
            }
            _ => RecordBatchEncoder::encode(&mut bytes, records, &options),
        }
        .expect("it is encoded");
        bytes.freeze()
    }

    #[test]
    fn batches_are_read_in_every_compression_that_needs_no_c() {
        let records = [record(3, false, false), record(4, false, false)];
        for compression in [
            Compression::None,
            Compression::Gzip,
            Compression::Snappy,
            Compression::Lz4,
            Compression::Zstd,
        ] {
            let bytes = batch(&records, compression);
            let cut_off = [&bytes[..], &bytes[..bytes.len() - 1]].concat();
            let batches: Vec<Batch> = split(cut_off.into()).collect();
            assert_eq!(batches.len(), 1, "{compression:?}");
            assert_eq!(batches[0].next, 5);
            let read = batches[0].records();
            let read = read.map_err(|why| format!("{compression:?}: {why}"));
            assert_eq!(read.expect("it is read"), records);
        }
    }

    #[test]
    fn what_a_transaction_took_back_is_not_shown() {
        let batches = [
            batch(&[record(0, true, false)], Compression::None),
            batch(&[record(1, false, false)], Compression::None),
            batch(&[record(2, true, true)], Compression::None),
            batch(&[record(3, true, false)], Compression::None),
        ];
        let transaction = AbortedTransaction::default().with_producer_id(PRODUCER.into());
        let mut aborted = Aborted::new(vec![transaction]);
        let shown = split(batches.concat().into()).map(|batch| aborted.shows(&batch));
        assert_eq!(shown.collect::<Vec<_>>(), [false, true, false, true]);
    }

    /// Returns whether consumers see each batch that an answer to a fetch holds, and up to where
    /// they may read.
    fn fetched(data: PartitionData) -> (Vec<bool>, u64) {
        let (mut names, head, version) = (Names::new(), Head::default(), 12);
        names.add_topic("orders", Uuid::nil());
        names.add_partitions("orders", &[PartitionIndex::FIRST]);
        let request = plimsoll_protocol::Request::Fetch(Box::default());
        let sent = encode_in(&mut names, &head, &request, version);
        let (_, sent) = sent.expect("it can be said");
        let topic = FetchableTopicResponse::default()
            .with_topic(topic_name("orders"))
            .with_partitions(vec![data]);
        let answer = FetchResponse::default().with_responses(vec![topic]);
        let mut frame = BytesMut::new();
        let header = ResponseHeader::default();
        let header = header.encode(&mut frame, FetchResponse::header_version(version));
        header.expect("it encodes");
        answer.encode(&mut frame, version).expect("it encodes");
        let answer = sent.decode(&mut names, frame.freeze());
        let Some(plimsoll_protocol::Response::Fetch(answer)) = answer else {
            panic!("{answer:?}");
        };
        let shown = answer.entries.iter().map(|entry| match &entry.content {
            Content::Batch(batch) => batch.is_shown(),
            other => panic!("{other:?}"),
        });
        (shown.collect(), answer.partitions[0].high_watermark)
    }

    #[test]
    fn an_answer_says_what_consumers_see() {
        let batches = [
            batch(&[record(0, true, false)], Compression::None),
            batch(&[record(1, true, true)], Compression::None),
            batch(&[record(2, true, false)], Compression::None),
            batch(&[record(3, true, true)], Compression::None),
            batch(&[record(4, false, false)], Compression::None),
        ];
        let transaction = AbortedTransaction::default().with_producer_id(PRODUCER.into());
        let data = PartitionData::default()
            .with_records(Some(batches.concat().into()))
            .with_high_watermark(9)
            .with_last_stable_offset(5);
        let expected = [true, false, true, false, true];
        assert_eq!(fetched(data.clone()), (expected.to_vec(), 5));
        let aborted = data.with_aborted_transactions(Some(vec![transaction]));
        let expected = [false, false, true, false, true];
        assert_eq!(fetched(aborted), (expected.to_vec(), 5));
    }
}
