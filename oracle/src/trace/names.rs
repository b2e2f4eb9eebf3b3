//! What the numbers in a trace stand for.

use crate::{BrokerId, FaultTerms, MemberId, Terms};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The names of what a trace has numbers for, each in the place of its number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Names {
    /// The members of the group.
    pub members: Vec<String>,
    /// The brokers.
    pub brokers: Vec<String>,
    /// The topics: first those that the group consumes.
    pub topics: Vec<NamedTopic>,
    /// The faults; they have numbers of their own.
    pub faults: Vec<NamedFault>,
}

/// A topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NamedTopic {
    /// Its name.
    pub name: String,
    /// The number of its partitions for the group at the start of the run; 0 where the group does
    /// not consume it.
    pub partitions: u32,
}

/// A fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NamedFault {
    /// Its number.
    pub fault: u32,
    /// The word for its kind.
    pub kind: String,
}

impl Names {
    /// Names the parts of a run on these terms.
    pub fn new(terms: &Terms, members: u32, brokers: u32) -> Self {
        let topics = terms.topics.iter().map(|topic| NamedTopic {
            name: topic.name.clone(),
            partitions: topic.partitions,
        });
        let faults = terms
            .faults
            .iter()
            .map(|FaultTerms { id, word, .. }| NamedFault {
                fault: id.0,
                kind: (*word).to_owned(),
            });
        Self {
            members: (0..members).map(|id| MemberId(id).to_string()).collect(),
            brokers: (0..brokers).map(|id| BrokerId(id).to_string()).collect(),
            topics: topics.collect(),
            faults: faults.collect(),
        }
    }
}
