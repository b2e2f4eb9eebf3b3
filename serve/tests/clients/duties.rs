//! What each client must be able to do, and what the cluster knows of it afterwards.

use crate::member::{Member, Record};
use plimsoll_serve::{Options, Served, serve};
use std::collections::BTreeSet;
use std::ops::Range;
use std::thread;
use std::time::{Duration, Instant};

pub(crate) const TOPIC: &str = "t";
pub(crate) const GROUP: &str = "g";
pub(crate) const PARTITIONS: u32 = 4;

/// The longest wait for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The records that are produced at a time, with different keys: enough for each partition.
const RECORDS: usize = 20;

/// How clients of a kind are told to do what they must be able to do.
pub(crate) struct Client {
    /// Creates the topic, with its partitions.
    pub(crate) create: fn(&Served),
    /// Produces a number of records with different keys.
    pub(crate) produce: fn(&Served, usize),
    /// Starts a member of the group.
    pub(crate) join: fn(&Served) -> Member,
    /// Sets what the group has committed to the start of each partition.
    pub(crate) reset: fn(&Served),
}

impl Client {
    /// Goes through all duties.
    pub(crate) fn does_all_duties(&self) {
        let mut options = Options::default();
        options.cluster.brokers = 3;
        let trial = Trial {
            client: self,
            cluster: serve(options).expect("there are free ports"),
        };
        (self.create)(&trial.cluster);
        trial.members_share_what_is_produced();
        trial.a_member_goes_on_from_what_was_committed();
        trial.a_member_goes_back_where_offsets_are_reset();
    }
}

struct Trial<'a> {
    client: &'a Client,
    cluster: Served,
}

impl Trial<'_> {
    fn members_share_what_is_produced(&self) {
        let first = self.join();
        first.handles(self.produce());
        self.all_is_committed();
        let second = self.join();
        // The first one gets all records until the group is whole.
        let deadline = Instant::now() + PATIENCE;
        while Member::both_handle([&first, &second], self.produce())[1].is_empty() {
            assert!(Instant::now() < deadline, "the second member gets nothing");
        }
        self.all_is_committed();
        let shares = Member::both_handle([&first, &second], self.produce());
        let [of_first, of_second] = shares.map(|share| partitions(&share));
        assert!(
            of_first.is_disjoint(&of_second),
            "{of_first:?} {of_second:?}"
        );
        assert_eq!((of_first.len(), of_second.len()), (2, 2));
        self.all_is_committed();
        first.stop();
        second.handles(self.produce());
        self.all_is_committed();
        second.stop();
    }

    fn a_member_goes_on_from_what_was_committed(&self) {
        let new = self.produce();
        let member = self.join();
        let handled = member.handles(new.clone());
        assert_eq!(handled, new, "what was committed is not handled again");
        self.all_is_committed();
        member.stop();
    }

    fn a_member_goes_back_where_offsets_are_reset(&self) {
        (self.client.reset)(&self.cluster);
        let member = self.join();
        let all = self.ends().into_iter();
        let all = all.flat_map(|(partition, end)| records(partition, 0..end));
        member.handles(all.collect());
        self.all_is_committed();
        member.stop();
    }

    fn join(&self) -> Member {
        (self.client.join)(&self.cluster)
    }

    /// Produces records. Returns where they are.
    fn produce(&self) -> BTreeSet<Record> {
        let before = self.ends();
        (self.client.produce)(&self.cluster, RECORDS);
        let grown = before.into_iter().zip(self.ends());
        let new = grown.flat_map(|((partition, from), (_, to))| records(partition, from..to));
        let new: BTreeSet<Record> = new.collect();
        assert_eq!(new.len(), RECORDS, "each of them is stored once");
        new
    }

    /// Returns the partitions with their ends.
    fn ends(&self) -> Vec<(u32, u64)> {
        let report = self.cluster.call(|cluster, _| cluster.report());
        let mut topics = report.topics.iter();
        let topic = topics
            .find(|topic| topic.name == TOPIC)
            .expect("it is there");
        let ends = topic
            .partitions
            .iter()
            .map(|partition| partition.high_watermark);
        (0..).zip(ends).collect()
    }

    /// Waits until the group has committed the end of each partition.
    fn all_is_committed(&self) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let report = self.cluster.call(|cluster, _| cluster.report());
            let offsets = report.groups.iter().flat_map(|group| &group.offsets);
            let next: u64 = offsets.map(|offset| offset.next).sum();
            let ends: u64 = self.ends().iter().map(|(_, end)| end).sum();
            if next == ends {
                return;
            }
            assert!(Instant::now() < deadline, "{next} of {ends} are committed");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

fn records(partition: u32, offsets: Range<u64>) -> impl Iterator<Item = Record> {
    offsets.map(move |offset| Record { partition, offset })
}

fn partitions(records: &BTreeSet<Record>) -> BTreeSet<u32> {
    records.iter().map(|record| record.partition).collect()
}
