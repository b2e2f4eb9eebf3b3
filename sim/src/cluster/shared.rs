//! What belongs to the cluster, but to none of its brokers: what was observed of it already, ids
//! that are unique in all of it, and memory that its messages leave behind.

use super::log::Log;
use crate::env::Env;
use crate::protocol::{FetchRequest, FetchResponse, GroupMemberId, Value};
use crate::topology::{PartitionIndex, Topology};
use plimsoll_oracle::TraceEvent;

/// What belongs to the cluster, but to none of its brokers.
#[expect(clippy::vec_box, reason = "messages travel in their boxes")]
#[derive(Debug, Default)]
pub struct Shared {
    /// By partition: the offset up to which the trace tells of its records.
    observed: Vec<u64>,
    members: u32,
    /// Messages that arrived, kept for the next ones.
    requests: Vec<Box<FetchRequest>>,
    responses: Vec<Box<FetchResponse>>,
}

impl Shared {
    /// Creates the state of a cluster of which nothing was seen yet.
    pub fn new(topology: &Topology) -> Self {
        Self {
            observed: vec![0; topology.len()],
            ..Self::default()
        }
    }

    /// Returns an id that no member had before (Kafka: a UUID).
    pub fn new_group_member(&mut self) -> GroupMemberId {
        self.members += 1;
        GroupMemberId(self.members)
    }

    /// Returns an empty fetch request, in used memory where there is some.
    #[inline]
    pub fn fetch_request(&mut self) -> Box<FetchRequest> {
        self.requests.pop().unwrap_or_default()
    }

    /// Returns an empty fetch response, in used memory where there is some.
    #[inline]
    pub fn fetch_response(&mut self) -> Box<FetchResponse> {
        self.responses.pop().unwrap_or_default()
    }

    /// Takes the memory of a fetch request that was answered.
    #[inline]
    pub fn recycle_request(&mut self, mut request: Box<FetchRequest>) {
        request.partitions.clear();
        self.requests.push(request);
    }

    /// Takes the memory of a fetch response that was read.
    #[inline]
    pub fn recycle_response(&mut self, mut response: Box<FetchResponse>) {
        response.partitions.clear();
        response.records.clear();
        self.responses.push(response);
    }
}

/// Observes the records that a leader's high watermark passed: they will never be lost again. Each
/// is observed once, whichever leaders come and go.
pub fn observe(env: &mut Env<'_>, partition: PartitionIndex, log: &Log, high_watermark: u64) {
    let observed = &mut env.cluster.observed[usize::from(partition.0)];
    let from = *observed;
    if high_watermark <= from {
        return;
    }
    *observed = high_watermark;
    let of = env.topology.partition(partition);
    for record in log.slice(from, high_watermark) {
        match record.value {
            Value::Message { id, key, .. } => env.observe(TraceEvent::Stored {
                message: id,
                partition: of,
                offset: record.offset,
                key,
            }),
            Value::Commit {
                offset,
                member,
                generation,
                rebalancing,
            } => {
                let partition = env.topology.partition(offset.partition);
                env.observe(TraceEvent::Committed {
                    member,
                    partition,
                    next: offset.next,
                    generation,
                    rebalancing,
                });
            }
            Value::DeadLetter { .. } | Value::Group(_) => {}
        }
    }
}
