//! The terms on which a run of a plan is judged, and the names of its parts.

use super::Plan;
use crate::scenario::{Acks, Exits, Fate, Repeats};
use plimsoll_oracle::{FaultTerms, Names, Terms, TopicTerms, Word};
use std::time::Duration;

impl Plan {
    /// Returns the names of what traces of this plan have numbers for.
    pub fn names(&self) -> Names {
        let members = self.starts.len() as u32;
        Names::new(&self.terms(), members, self.settings.cluster.brokers)
    }

    /// Returns the terms on which a run of this plan is judged.
    pub fn terms(&self) -> Terms {
        let settings = &self.settings;
        let (consumers, expect) = (&settings.consumers, &settings.expect);
        let topics = settings.topics.iter().map(|topic| TopicTerms {
            name: topic.name.clone(),
            partitions: topic.partitions,
        });
        let own = ["dead-letters", "__consumer_offsets"].map(|name| TopicTerms {
            name: name.into(),
            partitions: 0,
        });
        let undecodable = self.messages.iter();
        let undecodable = undecodable.filter(|message| message.fate == Fate::Undecodable);
        let mut undecodable: Vec<_> = undecodable.map(|message| message.id).collect();
        undecodable.sort_unstable();
        let faults = self.faults.iter().map(|fault| FaultTerms {
            id: fault.id,
            word: fault.kind.name().word(),
            hindrance: fault.kind.hindrance(),
            request: fault.kind.request(),
        });
        Terms {
            topics: topics.chain(own).collect(),
            config: consumers.config,
            acks_all: settings.producer.acks == Acks::All,
            settling: consumers.request_timeout + consumers.heartbeat,
            crossing: Duration::ZERO,
            liveness_within: self.liveness_within(),
            may_orphan: consumers.instance(0).is_some(),
            duplicates_slack: expect.duplicates_slack,
            repeats_after_failure: expect.repeats == Repeats::AfterFailure,
            shutdown_within: expect.shutdown_within,
            exits_allowed: expect.exits == Exits::Allowed,
            progress_within: self.progress_within(),
            undecodable,
            faults: faults.collect(),
            unknown: Vec::new(),
        }
    }
}
