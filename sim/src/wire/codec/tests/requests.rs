//! Requests of clients, any and plain.

use super::{CLIENT, GROUP, HOST, MEMBERS, partitions};
use crate::protocol::{
    CommittedOffset, FetchPosition, FetchRequest, Generation, GroupMemberId, JoinGroupRequest,
    Leaving, NO_EPOCH, OffsetsRequest, ProtocolType, Request, Sender, VotedProtocol, Wanted,
};
use crate::topology::PartitionIndex;
use bytes::{Bytes, BytesMut};
use kafka_protocol::indexmap::IndexMap;
use kafka_protocol::protocol::StrBytes;
use kafka_protocol::records::{
    Compression, NO_PARTITION_LEADER_EPOCH, NO_PRODUCER_EPOCH, NO_PRODUCER_ID, NO_SEQUENCE, Record,
    RecordBatchEncoder, RecordEncodeOptions, TimestampType,
};
use plimsoll_codec::Wire;
use plimsoll_codec::{Client, Metadata, RecordBatch, Supported};
use plimsoll_core::NextOffset;
use plimsoll_scenarios::scenario::Acks;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use std::time::Duration;

/// Any request of a client, but the one that is answered at once.
pub(super) fn of_any_kind() -> impl Strategy<Value = Request<Wire>> {
    prop_oneof![
        Just(()).prop_map(|()| Request::Metadata),
        Just(GROUP).prop_map(|group| Request::FindCoordinator { group }),
        produce(),
        fetch(),
        listings(),
        ends_of_epochs(),
        removals(),
        join(),
        sync(),
        senders().prop_map(Request::Heartbeat),
        leave(),
        commit(),
        fetch_offsets(),
    ]
}

/// Requests that say nothing which only some versions can say: two for a kind where the versions
/// themselves say something.
pub(super) fn plain() -> Vec<Request<Wire>> {
    let [first, second, ..] = partitions()[..] else {
        unreachable!("there are more");
    };
    let listing = |partition| Request::Offsets(OffsetsRequest::new(partition, -1, Wanted::Latest));
    let epoch = Wanted::EndOfEpoch(3);
    let removal = Wanted::Removal {
        below: Some(9),
        timeout: Duration::from_secs(1),
    };
    let sync = |protocol: Option<VotedProtocol<Wire>>| Request::SyncGroup {
        sender: sender(),
        protocol,
        assignments: vec![(GroupMemberId(2), Bytes::from_static(b"partitions"))],
    };
    vec![
        Request::Metadata,
        Request::FindCoordinator { group: GROUP },
        Request::Produce {
            partition: first,
            batch: batch(0, 2, 3),
            acks: Acks::All,
            timeout_ms: 30_000,
        },
        Request::Fetch(Box::new(fetch_of(vec![FetchPosition {
            leader_epoch: NO_EPOCH,
            last_fetched_epoch: NO_EPOCH,
            ..position(first, 5)
        }]))),
        listing(first),
        Request::Parts(vec![listing(second), listing(first)]),
        Request::Offsets(OffsetsRequest::new(first, 2, epoch)),
        Request::Offsets(OffsetsRequest::new(first, -1, removal)),
        plain_join(false, false),
        plain_join(true, false),
        plain_join(true, true),
        sync(None),
        sync(Some((ProtocolType::CONSUMER, "range".into()))),
        Request::Heartbeat(sender()),
        Request::LeaveGroup {
            group: GROUP,
            members: vec![Leaving {
                member: GroupMemberId(2),
                instance: None,
            }],
        },
        Request::OffsetCommit {
            sender: sender(),
            offsets: vec![committed(first, 4, "", -1)],
        },
        Request::OffsetFetch {
            group: GROUP,
            partitions: Some(vec![first, second]),
            require_stable: false,
        },
    ]
}

/// A request to join of a new member, which says the rest by the version of its request alone.
fn plain_join(requires_id: bool, skips_assignment: bool) -> Request<Wire> {
    let session_timeout = Duration::from_secs(6);
    Request::JoinGroup(Box::new(JoinGroupRequest {
        group: GROUP,
        member: None,
        requires_id,
        skips_assignment,
        instance: None,
        client: client(),
        session_timeout,
        rebalance_timeout: session_timeout,
        protocol_type: Some(ProtocolType::CONSUMER),
        subscription: Supported(vec![("range".into(), Bytes::from_static(b"topics"))]),
    }))
}

/// A member that says nothing of an instance.
pub(super) fn sender() -> Sender {
    Sender {
        group: GROUP,
        generation: 5,
        member: GroupMemberId(2),
        instance: None,
    }
}

/// Several partitions, in order.
pub(super) fn some_partitions() -> impl Strategy<Value = Vec<PartitionIndex>> {
    subsequence(partitions(), 1..=5)
}

/// A value for each of several partitions.
pub(super) fn by_partition<T: Clone + std::fmt::Debug + 'static>(
    value: impl Strategy<Value = T> + Clone + 'static,
) -> impl Strategy<Value = Vec<(PartitionIndex, T)>> {
    some_partitions().prop_flat_map(move |partitions| {
        let values = vec![value.clone(); partitions.len()];
        values.prop_map(move |values| partitions.iter().copied().zip(values).collect())
    })
}

pub(super) fn members() -> impl Strategy<Value = GroupMemberId> + Clone {
    MEMBERS.prop_map(GroupMemberId)
}

pub(super) fn instances() -> impl Strategy<Value = Option<u32>> + Clone {
    proptest::option::of(MEMBERS)
}

pub(super) fn opaque() -> impl Strategy<Value = Bytes> + Clone {
    proptest::collection::vec(any::<u8>(), 0..20).prop_map(Bytes::from)
}

pub(super) fn protocol_names() -> impl Strategy<Value = StrBytes> + Clone {
    select(vec!["range", "roundrobin", "sticky"]).prop_map(StrBytes::from_static_str)
}

/// A leader epoch, or none.
pub(super) fn epochs() -> impl Strategy<Value = u32> + Clone {
    prop_oneof![Just(NO_EPOCH), 0..=i32::MAX as u32]
}

/// An offset, with the leader epoch and the text that its member attached.
pub(super) fn committed_offsets() -> impl Strategy<Value = (i64, i32, String)> + Clone {
    // Negative ones are kept too; -1 says that there is none.
    let offsets = prop_oneof![0..i64::MAX, -9_i64..-1];
    (offsets, -1..i32::MAX, ".{0,9}")
}

/// Makes a committed offset.
pub(super) fn committed(
    partition: PartitionIndex,
    offset: i64,
    text: &str,
    leader_epoch: i32,
) -> CommittedOffset<Wire> {
    CommittedOffset {
        partition,
        next: NextOffset::new(offset.max(0) as u64),
        metadata: Metadata {
            text: StrBytes::from_string(text.to_owned()),
            leader_epoch,
            negative: Some(offset).filter(|offset| *offset < 0),
        },
    }
}

/// Makes a batch of some records, as it lies in a log.
pub(super) fn batch(offset: u64, leader_epoch: i32, records: u32) -> RecordBatch {
    let record = |number: u32| Record {
        transactional: false,
        control: false,
        delete_horizon: false,
        partition_leader_epoch: leader_epoch,
        producer_id: NO_PRODUCER_ID,
        producer_epoch: NO_PRODUCER_EPOCH,
        timestamp_type: TimestampType::Creation,
        offset: offset as i64 + i64::from(number),
        // The encoder wants sequences to go on with offsets.
        sequence: NO_SEQUENCE + number as i32,
        timestamp: 1_000,
        key: None,
        value: Some(Bytes::from_static(b"value")),
        headers: IndexMap::new(),
    };
    let records: Vec<Record> = (0..records).map(record).collect();
    let options = RecordEncodeOptions {
        version: 2,
        compression: Compression::None,
    };
    let mut bytes = BytesMut::new();
    RecordBatchEncoder::encode(&mut bytes, &records, &options).expect("records are a batch");
    RecordBatch::read(bytes.freeze()).expect("it is a batch")
}

fn client() -> Client {
    Client {
        id: CLIENT.into(),
        host: format!("/{HOST}").into(),
    }
}

fn senders() -> impl Strategy<Value = Sender> + Clone {
    let generations = -1..Generation::MAX;
    let members = prop_oneof![Just(GroupMemberId::EMPTY), members()];
    (generations, members, instances()).prop_map(|(generation, member, instance)| Sender {
        group: GROUP,
        generation,
        member,
        instance,
    })
}

fn millis() -> impl Strategy<Value = Duration> + Clone {
    (0..i32::MAX as u64).prop_map(Duration::from_millis)
}

/// One part alone, or several together.
fn together(mut parts: Vec<Request<Wire>>) -> Request<Wire> {
    match parts.len() {
        1 => parts.remove(0),
        _ => Request::Parts(parts),
    }
}

fn produce() -> impl Strategy<Value = Request<Wire>> {
    let acks = select(vec![Acks::Leader, Acks::All]);
    let batches = by_partition(1_u32..4);
    (batches, acks, 0..i32::MAX as u32).prop_map(|(batches, acks, timeout_ms)| {
        let parts = batches
            .into_iter()
            .map(|(partition, records)| Request::Produce {
                partition,
                batch: batch(0, NO_PARTITION_LEADER_EPOCH, records),
                acks,
                timeout_ms,
            });
        together(parts.collect())
    })
}

fn position(partition: PartitionIndex, offset: u64) -> FetchPosition {
    FetchPosition {
        partition,
        offset,
        leader_epoch: 0,
        last_fetched_epoch: 0,
        // What followers alone say.
        high_watermark: u64::MAX,
        log_start: 0,
        max_bytes: 1 << 20,
    }
}

fn fetch_of(positions: Vec<FetchPosition>) -> FetchRequest {
    FetchRequest {
        max_wait: Duration::from_millis(500),
        min_bytes: 1,
        max_bytes: 50 << 20,
        first: positions[0].partition,
        positions: positions.into_iter().collect(),
        ..FetchRequest::default()
    }
}

fn fetch() -> impl Strategy<Value = Request<Wire>> {
    let limits = (1_u32..100, 100_u32..50 << 20, millis());
    let places = by_partition((0..i64::MAX as u64, epochs(), epochs(), 0..i32::MAX as u32));
    (places, limits).prop_map(|(places, (min_bytes, max_bytes, max_wait))| {
        let positions = places.into_iter().map(|(partition, place)| {
            let (offset, leader_epoch, last_fetched_epoch, max_bytes) = place;
            FetchPosition {
                leader_epoch,
                last_fetched_epoch,
                max_bytes,
                ..position(partition, offset)
            }
        });
        Request::Fetch(Box::new(FetchRequest {
            max_wait,
            min_bytes,
            max_bytes,
            ..fetch_of(positions.collect())
        }))
    })
}

fn listings() -> impl Strategy<Value = Request<Wire>> {
    let wanted = prop_oneof![
        Just(Wanted::Earliest),
        Just(Wanted::Latest),
        Just(Wanted::MaxTimestamp),
        (0..i64::MAX).prop_map(Wanted::Timestamp),
    ];
    by_partition((epochs(), wanted)).prop_map(places)
}

fn ends_of_epochs() -> impl Strategy<Value = Request<Wire>> {
    let wanted = epochs().prop_map(Wanted::EndOfEpoch);
    by_partition((epochs(), wanted)).prop_map(places)
}

fn removals() -> impl Strategy<Value = Request<Wire>> {
    let below = proptest::option::of(0..i64::MAX as u64);
    (by_partition(below), millis()).prop_map(|(all, timeout)| {
        let all = all.into_iter().map(|(partition, below)| {
            let wanted = Wanted::Removal { below, timeout };
            (partition, (NO_EPOCH, wanted))
        });
        places(all.collect())
    })
}

fn places(wanted: Vec<(PartitionIndex, (u32, Wanted))>) -> Request<Wire> {
    let parts = wanted
        .into_iter()
        .map(|(partition, (leader_epoch, wanted))| {
            Request::Offsets(OffsetsRequest {
                partition,
                leader_epoch,
                wanted,
            })
        });
    together(parts.collect())
}

fn join() -> impl Strategy<Value = Request<Wire>> {
    let known = (proptest::option::of(members()), instances());
    // By version: before 4, from 4 on, from 9 on; only from 5 on there are instances.
    let says = select(vec![(true, false), (true, true)]);
    let kinds = proptest::option::of(Just(ProtocolType::CONSUMER));
    let protocols = proptest::collection::vec((protocol_names(), opaque()), 0..3);
    (known, says, (millis(), millis()), kinds, protocols).prop_map(
        |((member, instance), (requires_id, skips_assignment), times, protocol_type, protocols)| {
            Request::JoinGroup(Box::new(JoinGroupRequest {
                group: GROUP,
                member,
                requires_id,
                skips_assignment,
                instance,
                client: client(),
                session_timeout: times.0,
                rebalance_timeout: times.1,
                protocol_type,
                subscription: Supported(protocols),
            }))
        },
    )
}

fn sync() -> impl Strategy<Value = Request<Wire>> {
    let protocol = proptest::option::of((Just(ProtocolType::CONSUMER), protocol_names()));
    let assignments = proptest::collection::vec((members(), opaque()), 0..4);
    (senders(), protocol, assignments).prop_map(|(sender, protocol, assignments)| {
        Request::SyncGroup {
            sender,
            protocol,
            assignments,
        }
    })
}

fn leave() -> impl Strategy<Value = Request<Wire>> {
    let leaving = (members(), instances());
    let leaving = leaving.prop_map(|(member, instance)| Leaving { member, instance });
    let members = proptest::collection::vec(leaving, 1..4);
    members.prop_map(|members| Request::LeaveGroup {
        group: GROUP,
        members,
    })
}

fn commit() -> impl Strategy<Value = Request<Wire>> {
    let offsets = by_partition(committed_offsets());
    (senders(), offsets).prop_map(|(sender, offsets)| {
        let offsets = offsets.into_iter();
        let offsets = offsets.map(|(partition, (offset, leader_epoch, text))| {
            committed(partition, offset, &text, leader_epoch)
        });
        Request::OffsetCommit {
            sender,
            offsets: offsets.collect(),
        }
    })
}

fn fetch_offsets() -> impl Strategy<Value = Request<Wire>> {
    let partitions = proptest::option::of(some_partitions());
    (partitions, any::<bool>()).prop_map(|(partitions, require_stable)| Request::OffsetFetch {
        group: GROUP,
        partitions,
        require_stable,
    })
}
