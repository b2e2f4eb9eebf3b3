//! Fetch sessions (KIP-227): what a request asks for without naming it.

use super::seen::Seen;
use kafka_protocol::messages::FetchRequest;
use std::collections::BTreeMap;

/// The epoch of a request that stands for itself.
const NO_SESSION: i32 = -1;

/// The epoch of a request that names all partitions, and begins a session.
const FIRST_EPOCH: i32 = 0;

/// The fetch session of one connection.
#[derive(Debug, Default)]
pub(super) struct Session {
    /// The fetch offset of each of its partitions.
    partitions: BTreeMap<(String, i32), i64>,
    /// The number of the member's assignment for which all partitions were reported.
    assignment: u64,
}

impl Session {
    /// Returns what a request asks for: the partitions that it names, and with the first request
    /// after a new assignment all that stay in the session.
    pub(super) fn fetch(&mut self, request: &FetchRequest, assignment: u64) -> Vec<Seen> {
        let named: BTreeMap<_, _> = request
            .topics
            .iter()
            .flat_map(|topic| {
                let name = topic.topic.to_string();
                let partitions = topic.partitions.iter();
                partitions.map(move |it| ((name.clone(), it.partition), it.fetch_offset))
            })
            .collect();
        self.update(request, &named);
        if self.assignment == assignment {
            return fetching(&named);
        }
        self.assignment = assignment;
        let mut all = self.partitions.clone();
        all.extend(named);
        fetching(&all)
    }

    fn update(&mut self, request: &FetchRequest, named: &BTreeMap<(String, i32), i64>) {
        match request.session_epoch {
            NO_SESSION => self.partitions.clear(),
            FIRST_EPOCH => self.partitions.clone_from(named),
            _ => {
                for topic in &request.forgotten_topics_data {
                    for partition in &topic.partitions {
                        let forgotten = (topic.topic.to_string(), *partition);
                        self.partitions.remove(&forgotten);
                    }
                }
                let named = named.iter().map(|(at, offset)| (at.clone(), *offset));
                self.partitions.extend(named);
            }
        }
    }
}

fn fetching(partitions: &BTreeMap<(String, i32), i64>) -> Vec<Seen> {
    partitions
        .iter()
        .filter_map(|((topic, partition), offset)| {
            Some(Seen::Fetching {
                topic: topic.clone(),
                partition: u32::try_from(*partition).ok()?,
                offset: u64::try_from(*offset).ok()?,
            })
        })
        .collect()
}
