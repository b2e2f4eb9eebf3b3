//! What a fetch gets, and how long it waits, by numbers of bytes.

use super::batches::{CLIENT, Cluster, P, Q, produce};
use crate::protocol::batched::{Batched, Records};
use crate::protocol::{
    FetchPosition, FetchRequest, FetchResponse, NO_EPOCH, Node, Positions, Request, Response,
};
use crate::topology::PartitionIndex;
use plimsoll_oracle::ErrorName;
use std::time::Duration;

/// Returns a position from which any number of bytes is wanted.
fn from(partition: PartitionIndex, offset: u64) -> FetchPosition {
    FetchPosition {
        partition,
        offset,
        leader_epoch: NO_EPOCH,
        last_fetched_epoch: NO_EPOCH,
        high_watermark: 0,
        log_start: 0,
        max_bytes: u32::MAX,
    }
}

fn at_most(max_bytes: u32, position: FetchPosition) -> FetchPosition {
    FetchPosition {
        max_bytes,
        ..position
    }
}

/// Returns a fetch that does not wait.
fn fetch(max_bytes: u32, positions: impl IntoIterator<Item = FetchPosition>) -> FetchRequest {
    FetchRequest {
        max_bytes,
        positions: Positions::from_iter(positions),
        ..FetchRequest::default()
    }
}

fn waits_for(min_bytes: u32, positions: impl IntoIterator<Item = FetchPosition>) -> FetchRequest {
    FetchRequest {
        max_wait: Duration::from_secs(1),
        min_bytes,
        ..fetch(u32::MAX, positions)
    }
}

fn request(fetch: FetchRequest) -> Request<Batched> {
    Request::Fetch(Box::new(fetch))
}

fn answer(response: Option<Response<Batched>>) -> Option<FetchResponse<Batched>> {
    response.map(|response| match response {
        Response::Fetch(response) => *response,
        other => panic!("{other:?}"),
    })
}

/// The partitions that are told of, each with the number of its entries.
fn told(response: &FetchResponse<Batched>) -> Vec<(PartitionIndex, u32)> {
    let partitions = response.partitions.iter();
    partitions
        .map(|told| (told.partition, told.entries))
        .collect()
}

impl Cluster {
    /// Creates a cluster in which `P` has batches of 500, 300 and 400 bytes, and `Q` one of 200.
    fn with_batches() -> Self {
        let mut cluster = Self::new();
        for (partition, size) in [(P, 500), (P, 300), (P, 400), (Q, 200)] {
            cluster.append(partition, size);
        }
        cluster
    }

    fn append(&mut self, partition: PartitionIndex, size: u32) {
        let answer = self.ask(Node(0), produce(partition, Records::sized(size)));
        assert!(matches!(answer, Response::Produce(Ok(_))), "{answer:?}");
    }

    fn read(&mut self, fetch: FetchRequest) -> FetchResponse<Batched> {
        answer(Some(self.ask(Node(0), request(fetch)))).expect("an answer")
    }

    /// Sends a fetch that waits.
    fn park(&mut self, fetch: FetchRequest) {
        self.send(CLIENT, Node(0), request(fetch));
        assert!(self.run().is_none(), "it waits");
    }

    /// Appends a batch. Returns the answer to the fetch that waits, if that is enough for it.
    fn append_behind(
        &mut self,
        partition: PartitionIndex,
        size: u32,
    ) -> Option<FetchResponse<Batched>> {
        const PRODUCER: Node = Node(5);
        let batch = produce(partition, Records::sized(size));
        self.send(PRODUCER, Node(0), batch);
        let mut answers = self.run_to(CLIENT);
        assert!(answers.len() <= 1);
        answer(answers.pop())
    }
}

#[test]
fn an_answer_ends_where_the_next_batch_would_be_too_much() {
    let mut cluster = Cluster::with_batches();
    for (limit, entries) in [(1_200, 3), (1_199, 2), (800, 2), (799, 1), (500, 1)] {
        let by_partition = cluster.read(fetch(u32::MAX, [at_most(limit, from(P, 0))]));
        assert_eq!(told(&by_partition), [(P, entries)], "{limit}");
        let by_answer = cluster.read(fetch(limit, [from(P, 0)]));
        assert_eq!(told(&by_answer), [(P, entries)], "{limit}");
    }
}

#[test]
fn a_first_batch_comes_however_long_it_is() {
    let mut cluster = Cluster::with_batches();
    for limit in [0, 1, 499] {
        let by_partition = at_most(limit, from(P, 0));
        let response = cluster.read(fetch(u32::MAX, [by_partition, at_most(limit, from(Q, 0))]));
        let of_q = u32::from(limit >= 200);
        assert_eq!(told(&response), [(P, 1), (Q, of_q)], "{limit}");
        let response = cluster.read(fetch(limit, [from(P, 0), from(Q, 0)]));
        assert_eq!(told(&response), [(P, 1), (Q, 0)], "{limit}");
    }
    // The first one that has any: there is nothing to tell of the other.
    let response = cluster.read(fetch(0, [from(P, 3), from(Q, 0)]));
    assert_eq!(told(&response), [(Q, 1)]);
}

#[test]
fn partitions_have_their_turn_where_there_is_no_room_for_all() {
    let mut cluster = Cluster::with_batches();
    let both = || [from(P, 0), from(Q, 0)];
    let response = cluster.read(fetch(900, both()));
    assert_eq!(
        (told(&response), response.left_off),
        (vec![(P, 2), (Q, 0)], Some(Q))
    );
    let on = FetchRequest {
        first: Q,
        ..fetch(900, both())
    };
    let response = cluster.read(on);
    assert_eq!(
        (told(&response), response.left_off),
        (vec![(Q, 1), (P, 1)], None)
    );
}

#[test]
fn a_fetch_waits_until_there_is_enough_in_all_its_partitions() {
    let mut cluster = Cluster::with_batches();
    cluster.park(waits_for(700, [from(P, 2), from(Q, 1)]));
    assert!(cluster.append_behind(Q, 200).is_none());
    let response = cluster.append_behind(P, 100).expect("700 bytes");
    assert_eq!(told(&response), [(P, 2), (Q, 1)]);
    // There is enough already.
    let response = cluster.read(waits_for(700, [from(P, 2), from(Q, 1)]));
    assert_eq!(told(&response), [(P, 2), (Q, 1)]);
}

#[test]
fn what_does_not_fit_into_a_partitions_share_is_not_waited_for() {
    let mut cluster = Cluster::with_batches();
    cluster.park(waits_for(700, [at_most(300, from(P, 0)), from(Q, 0)]));
    assert!(cluster.append_behind(P, 1_000).is_none());
    let response = cluster
        .append_behind(Q, 200)
        .expect("300 of P and 400 of Q");
    assert_eq!(told(&response), [(P, 1), (Q, 2)]);
}

#[test]
fn what_is_wrong_is_told_at_once() {
    let mut cluster = Cluster::with_batches();
    let response = cluster.read(waits_for(10_000, [from(P, 0), from(Q, 9)]));
    assert_eq!(told(&response), [(P, 3), (Q, 0)]);
    let error = response.partitions[1].error;
    assert_eq!(error, Some(ErrorName::OffsetOutOfRange));
    for (epoch, expected) in [(0, None), (1, Some(ErrorName::UnknownLeaderEpoch))] {
        let position = FetchPosition {
            leader_epoch: epoch,
            ..from(P, 0)
        };
        let response = cluster.read(fetch(1_000, [position]));
        assert_eq!(response.partitions[0].error, expected);
    }
    assert!(cluster.read(waits_for(1, [])).partitions.is_empty());
}

#[test]
fn a_reader_that_tells_of_its_last_epoch_learns_where_its_log_parts() {
    let mut cluster = Cluster::with_batches();
    let position = FetchPosition {
        offset: 5,
        last_fetched_epoch: 0,
        ..from(P, 0)
    };
    let response = cluster.read(fetch(1_000, [position]));
    assert_eq!(response.partitions[0].diverging, Some((0, 3)));
    // "Could not determine the end offset of the last fetched epoch" (`Partition.readRecords`).
    let position = FetchPosition {
        last_fetched_epoch: 9,
        ..position
    };
    let response = cluster.read(fetch(1_000, [position]));
    let told = &response.partitions[0];
    assert_eq!(told.diverging, None, "no such epoch");
    assert_eq!(told.error, Some(ErrorName::OffsetOutOfRange));
}
