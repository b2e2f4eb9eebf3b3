//! What a broker remembers of the nodes that fetch from it (`FetchSession`): a fetch asks for many
//! partitions, and there is something to tell of few.

use super::replica::Replica;
use crate::protocol::{Dialect, FetchRequest, Node, PerNode};
use crate::topology::{PartitionIndex, PartitionSet, PerPartition};
use plimsoll_core::Instant;

/// The nodes that fetch from a broker.
#[derive(Debug, Default)]
pub(super) struct Readers(PerNode<Reader>);

/// A node that fetches: each partition of its last fetch is in one of two sets.
#[derive(Debug, Default)]
struct Reader {
    /// Partitions of which it has all: its fetches say nothing new of them.
    settled: PartitionSet,
    /// Partitions of which there may be something to tell, or to learn.
    news: PartitionSet,
    /// Time of its last fetch.
    fetched_at: Instant,
}

impl Readers {
    /// Returns the partitions of a node's last fetch of which there may be something to tell.
    #[inline]
    pub(super) fn news(&self, node: Node) -> &PartitionSet {
        &self.0[node].news
    }

    /// Notes a fetch. Where it asks for the same as the last one, only the partitions with news are
    /// to be looked at.
    #[inline]
    pub(super) fn begin_fetch<D: Dialect>(
        &mut self,
        now: Instant,
        node: Node,
        request: &FetchRequest,
        replicas: &mut PerPartition<Replica<D>>,
    ) {
        self.0.reach(node);
        let reader = &self.0[node];
        let is_known = !(reader.settled.is_empty() && reader.news.is_empty());
        if !(request.is_incremental && is_known) {
            self.forget(node, replicas);
            let partitions = request.positions.partitions();
            self.0[node].news.clone_from(partitions);
        }
        self.0[node].fetched_at = now;
    }

    /// Notes that there may be something to tell of a partition to those of these nodes that fetch
    /// it. The nodes come in order.
    #[inline]
    pub(super) fn note_news<D: Dialect>(
        &mut self,
        nodes: impl Iterator<Item = Node>,
        partition: PartitionIndex,
        replica: &mut Replica<D>,
    ) {
        for node in nodes {
            let Some(reader) = self.0.get_mut(node) else {
                return;
            };
            if reader.settled.remove(partition) {
                reader.news.insert(partition);
                replica.had_all(node, reader.fetched_at);
            }
        }
    }

    /// Notes that a node has all that there is of a partition, as its fetch says.
    #[inline]
    pub(super) fn settle(&mut self, node: Node, partition: PartitionIndex) {
        let reader = &mut self.0[node];
        reader.news.remove(partition);
        reader.settled.insert(partition);
    }

    /// Forgets the fetches of a node.
    pub(super) fn forget<D: Dialect>(
        &mut self,
        node: Node,
        replicas: &mut PerPartition<Replica<D>>,
    ) {
        let Some(reader) = self.0.get_mut(node) else {
            return;
        };
        for partition in reader.settled.iter() {
            replicas[partition].had_all(node, reader.fetched_at);
        }
        reader.settled.clear();
        reader.news.clear();
    }

    /// Returns the nodes.
    #[inline]
    pub(super) fn nodes(&self) -> impl Iterator<Item = Node> + use<> {
        self.0.ids()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::replica::{Leading, Role};
    use crate::protocol::{BrokerSet, FetchPosition, Lean, Positions};
    use std::time::Duration;

    const FOLLOWER: Node = Node(1);
    const P0: PartitionIndex = PartitionIndex(0);
    const P1: PartitionIndex = PartitionIndex(1);

    fn at(seconds: u64) -> Instant {
        Instant::from_millis(seconds * 1_000)
    }

    fn request(is_incremental: bool) -> FetchRequest {
        let positions = [P0, P1].map(|partition| FetchPosition {
            partition,
            offset: 0,
            leader_epoch: 0,
            last_fetched_epoch: 0,
            high_watermark: 0,
            log_start: 0,
            max_bytes: 0,
        });
        FetchRequest {
            is_incremental,
            positions: Positions::from_iter(positions),
            ..FetchRequest::default()
        }
    }

    /// Returns readers of which the follower had all at `first`, and fetched again at `second`.
    fn readers(first: Instant, second: Instant) -> (Readers, PerPartition<Replica<Lean>>) {
        let mut replicas = PerPartition::new(2, |_| Replica::default());
        for replica in replicas.values_mut() {
            let leading = Leading::new(at(0), 2, 0, BrokerSet::default());
            replica.role = Role::Leader(leading);
        }
        let mut readers = Readers::default();
        readers.begin_fetch(first, FOLLOWER, &request(false), &mut replicas);
        readers.settle(FOLLOWER, P0);
        readers.settle(FOLLOWER, P1);
        readers.begin_fetch(second, FOLLOWER, &request(true), &mut replicas);
        (readers, replicas)
    }

    /// Returns the time for which a follower is thought to lack a record.
    fn lag(replicas: &mut PerPartition<Replica<Lean>>, partition: PartitionIndex, now: u64) -> u64 {
        let leading = replicas[partition].leading().expect("it leads");
        let progress = leading.followers[FOLLOWER];
        let lags = |seconds: &u64| progress.is_caught_up(at(now), 1, Duration::from_secs(*seconds));
        (0..=now).find(lags).expect("not before the beginning")
    }

    fn news(readers: &Readers) -> Vec<PartitionIndex> {
        readers.news(FOLLOWER).iter().collect()
    }

    #[test]
    fn news_is_of_partitions_that_are_fetched() {
        let (mut readers, mut replicas) = readers(at(1), at(2));
        assert_eq!(news(&readers), []);
        let nodes = [Node(0), FOLLOWER];
        readers.note_news(nodes.into_iter(), P1, &mut replicas[P1]);
        assert_eq!(news(&readers), [P1]);
        assert!(readers.news(Node(0)).is_empty(), "it fetched nothing");
        readers.begin_fetch(at(3), FOLLOWER, &request(true), &mut replicas);
        assert_eq!(news(&readers), [P1]);
        readers.begin_fetch(at(3), FOLLOWER, &request(false), &mut replicas);
        assert_eq!(news(&readers), [P0, P1]);
    }

    #[test]
    fn a_follower_that_had_all_lags_from_its_last_fetch_on() {
        let (mut readers, mut replicas) = readers(at(1), at(9));
        let followers = || [FOLLOWER].into_iter();
        readers.note_news(followers(), P0, &mut replicas[P0]);
        assert_eq!(lag(&mut replicas, P0, 12), 3);
        readers.begin_fetch(at(11), FOLLOWER, &request(true), &mut replicas);
        readers.note_news(followers(), P0, &mut replicas[P0]);
        assert_eq!(lag(&mut replicas, P0, 12), 3, "it was not settled");
        readers.forget(FOLLOWER, &mut replicas);
        assert_eq!(lag(&mut replicas, P1, 12), 1);
    }
}
