//! From a frame to the requests that it is made of, and from their answers to a frame.
//!
//! Each kind of request that clients send has a file, in which stands the broker's side, which is
//! put to work here ([`Context`]). Its reverse, the client's, has a file of that name in
//! `plimsoll-codec`: what one writes the other reads.

mod api_versions;
mod cluster;
mod configs;
mod delete_records;
mod elections;
mod fetch;
mod find_coordinator;
mod groups;
mod heartbeat;
mod join_group;
mod leave_group;
mod list_offsets;
mod metadata;
mod offset_commit;
mod offset_delete;
mod offset_fetch;
mod offset_for_leader_epoch;
mod operations;
mod places;
mod produce;
mod producers;
mod sync_group;
#[cfg(test)]
mod tests;
mod topics;

use super::names::Names;
use super::{At, Connection, To};
use crate::protocol::{Request, Response};
use bytes::{BufMut as _, Bytes, BytesMut};
use kafka_protocol::messages::{ApiKey, RequestHeader, ResponseHeader};
use kafka_protocol::protocol::{Decodable, Encodable, StrBytes};
use plimsoll_codec::Wire;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;

/// The frame under way on a connection.
pub(super) struct Work {
    key: ApiKey,
    version: i16,
    correlation: i32,
    pub(super) parts: VecDeque<(To, Request<Wire>)>,
    answers: Vec<Response<Wire>>,
    /// Whether no answer is wanted.
    pub(super) is_silent: bool,
    /// Whether the parts that are left are asked together.
    is_together: bool,
    /// The number of parts that are asked now.
    under_way: usize,
    finish: Finish,
}

impl fmt::Debug for Work {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Work")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// Makes the body of the answer.
type Finish = Box<dyn FnOnce(&mut Names, &mut At<'_>, Vec<Response<Wire>>) -> Option<Bytes> + Send>;

/// What a request kind does with its request: the parts, and what makes an answer of theirs.
pub(super) struct Plan {
    parts: VecDeque<(To, Request<Wire>)>,
    is_silent: bool,
    is_together: bool,
    finish: Finish,
}

impl Plan {
    /// Makes the plan to ask these parts of the connection's broker.
    fn of_broker(
        parts: impl IntoIterator<Item = Request<Wire>>,
        finish: impl FnOnce(&mut Names, &mut At<'_>, Vec<Response<Wire>>) -> Option<Bytes>
        + Send
        + 'static,
    ) -> Self {
        Self::new(parts.into_iter().map(|part| (To::Broker, part)), finish)
    }

    /// Makes the plan to ask all these parts of the connection's broker at the same time.
    fn together(
        parts: impl IntoIterator<Item = Request<Wire>>,
        finish: impl FnOnce(&mut Names, &mut At<'_>, Vec<Response<Wire>>) -> Option<Bytes>
        + Send
        + 'static,
    ) -> Self {
        Self {
            is_together: true,
            ..Self::of_broker(parts, finish)
        }
    }

    fn new(
        parts: impl IntoIterator<Item = (To, Request<Wire>)>,
        finish: impl FnOnce(&mut Names, &mut At<'_>, Vec<Response<Wire>>) -> Option<Bytes>
        + Send
        + 'static,
    ) -> Self {
        Self {
            parts: parts.into_iter().collect(),
            is_silent: false,
            is_together: false,
            finish: Box::new(finish),
        }
    }

    /// Makes the plan to answer at once.
    fn answer(body: Option<Bytes>) -> Self {
        Self::new([], move |_, _, _| body)
    }
}

/// What request kinds see.
pub(super) struct Context<'a, 'b> {
    names: &'a mut Names,
    at: &'a mut At<'b>,
    version: i16,
    client_id: StrBytes,
    client_host: StrBytes,
}

impl Work {
    /// Takes out what is to be asked next. What an earlier part makes, later ones may be about, so
    /// parts are asked one by one but where they are planned to be asked together.
    pub(super) fn next(&mut self) -> Option<(To, Request<Wire>)> {
        self.under_way = match self.is_together {
            true => self.parts.len(),
            false => 1,
        };
        if self.under_way > 1 {
            let parts = self.parts.drain(..).map(|(_, part)| part).collect();
            return Some((To::Broker, Request::Parts(parts)));
        }
        self.parts.pop_front()
    }

    /// Takes the answer to what was asked last.
    pub(super) fn take(&mut self, response: Response<Wire>) {
        match response {
            Response::Parts(answers) => self.answers.extend(answers),
            // All fail that were asked together.
            Response::Failed(error) => {
                let failures = (0..self.under_way).map(|_| Response::Failed(error));
                self.answers.extend(failures);
            }
            response => self.answers.push(response),
        }
    }

    /// Makes the frame of the answer; `None`: it cannot be written.
    pub(super) fn finish(self, names: &mut Names, at: &mut At<'_>) -> Option<Bytes> {
        let body = (self.finish)(names, at, self.answers)?;
        frame(self.key, self.version, self.correlation, &body)
    }
}

fn frame(key: ApiKey, version: i16, correlation: i32, body: &[u8]) -> Option<Bytes> {
    let header = ResponseHeader::default().with_correlation_id(correlation);
    let mut frame = BytesMut::with_capacity(body.len() + 8);
    header
        .encode(&mut frame, key.response_header_version(version))
        .ok()?;
    frame.put_slice(body);
    Some(frame.freeze())
}

fn body(response: &impl Encodable, version: i16) -> Option<Bytes> {
    let mut bytes = BytesMut::new();
    response.encode(&mut bytes, version).ok()?;
    Some(bytes.freeze())
}

/// Reads a frame; `None`: it makes no sense, or is of no kind or version that is served.
pub(super) fn decode(
    names: &mut Names,
    at: &mut At<'_>,
    connection: &mut Connection,
    mut frame: Bytes,
) -> Option<Work> {
    let (head, _) = frame.split_at_checked(4)?;
    let key = ApiKey::try_from(i16::from_be_bytes([head[0], head[1]])).ok()?;
    let version = i16::from_be_bytes([head[2], head[3]]);
    let (_, first, last) = *SERVED.iter().find(|(served, ..)| *served == key)?;
    let is_served = (first..=last).contains(&version);
    if !is_served && key != ApiKey::ApiVersions {
        return None;
    }
    // The head of a version that is not known begins as that of any other.
    let header_version = key.request_header_version(version.min(last));
    let header = RequestHeader::decode(&mut frame, header_version).ok()?;
    let client_id = header.client_id.unwrap_or_default();
    if connection.client_id.as_deref() != Some(&*client_id) {
        connection.client_id = Some(client_id.to_string());
    }
    let version = if is_served { version } else { 0 };
    let mut context = Context {
        names,
        at,
        version,
        client_id,
        client_host: StrBytes::from_string(format!("/{}", connection.client_host)),
    };
    let plan = match is_served {
        true if !fits(key, version, &frame) => return None,
        true => context.plan(key, frame)?,
        false => api_versions::unsupported(),
    };
    Some(Work {
        key,
        version,
        correlation: header.correlation_id,
        parts: plan.parts,
        answers: Vec::new(),
        is_silent: plan.is_silent,
        is_together: plan.is_together,
        under_way: 0,
        finish: plan.finish,
    })
}

/// Returns whether bytes are a request. `kafka-protocol` takes memory for a list by the length that
/// a client claims, which has ended processes.
fn fits(key: ApiKey, version: i16, bytes: &[u8]) -> bool {
    let kind = plimsoll_messages::kind(key as i16);
    kind.is_some_and(|kind| kind.request.fits(version, bytes))
}

/// The kinds that are served, each with its first and its last version.
const SERVED: &[(ApiKey, i16, i16)] = &[
    (ApiKey::Produce, 3, 13),
    (ApiKey::Fetch, 4, 17),
    (ApiKey::ListOffsets, 1, 10),
    (ApiKey::Metadata, 0, 13),
    (ApiKey::OffsetCommit, 2, 9),
    (ApiKey::OffsetFetch, 1, 9),
    (ApiKey::FindCoordinator, 0, 6),
    (ApiKey::JoinGroup, 0, 9),
    (ApiKey::Heartbeat, 0, 4),
    (ApiKey::LeaveGroup, 0, 5),
    (ApiKey::SyncGroup, 0, 5),
    (ApiKey::DescribeGroups, 0, 6),
    (ApiKey::ListGroups, 0, 5),
    (ApiKey::SaslHandshake, 0, 1),
    (ApiKey::ApiVersions, 0, 4),
    (ApiKey::CreateTopics, 2, 7),
    (ApiKey::DeleteTopics, 1, 6),
    (ApiKey::DeleteRecords, 0, 2),
    (ApiKey::InitProducerId, 0, 5),
    (ApiKey::OffsetForLeaderEpoch, 2, 4),
    (ApiKey::DescribeAcls, 1, 3),
    (ApiKey::DescribeConfigs, 1, 4),
    (ApiKey::AlterConfigs, 0, 2),
    (ApiKey::DescribeLogDirs, 1, 4),
    (ApiKey::SaslAuthenticate, 0, 2),
    (ApiKey::CreatePartitions, 0, 3),
    (ApiKey::DeleteGroups, 0, 2),
    (ApiKey::ElectLeaders, 0, 2),
    (ApiKey::IncrementalAlterConfigs, 0, 1),
    (ApiKey::ListPartitionReassignments, 0, 0),
    (ApiKey::OffsetDelete, 0, 0),
    (ApiKey::DescribeClientQuotas, 0, 1),
    (ApiKey::DescribeCluster, 0, 2),
    (ApiKey::DescribeProducers, 0, 0),
    (ApiKey::ListConfigResources, 0, 1),
    (ApiKey::DescribeTopicPartitions, 0, 0),
];

/// Returns the first of each key among what a request names, with whether it is named again.
fn each_once<T, K: Ord>(named: Vec<T>, key: impl Fn(&T) -> K) -> impl Iterator<Item = (T, bool)> {
    let mut times = BTreeMap::new();
    for one in &named {
        *times.entry(key(one)).or_insert(0) += 1;
    }
    let first = move |one| {
        let times = times.remove(&key(&one))?;
        Some((one, times > 1))
    };
    named.into_iter().filter_map(first)
}

fn read<R: Decodable>(mut bytes: Bytes, version: i16) -> Option<R> {
    R::decode(&mut bytes, version).ok()
}

impl Context<'_, '_> {
    fn plan(&mut self, key: ApiKey, bytes: Bytes) -> Option<Plan> {
        let v = self.version;
        Some(match key {
            ApiKey::Produce => self.produce(read(bytes, v)?),
            ApiKey::Fetch => self.fetch(read(bytes, v)?),
            ApiKey::ListOffsets => self.list_offsets(read(bytes, v)?),
            ApiKey::DeleteRecords => self.delete_records(read(bytes, v)?),
            ApiKey::OffsetForLeaderEpoch => self.offset_for_leader_epoch(read(bytes, v)?),
            ApiKey::InitProducerId => self.init_producer_id(read(bytes, v)?),
            ApiKey::Metadata => self.metadata(read(bytes, v)?),
            ApiKey::CreateTopics => self.create_topics(read(bytes, v)?),
            ApiKey::CreatePartitions => self.create_partitions(read(bytes, v)?),
            ApiKey::DeleteTopics => self.delete_topics(read(bytes, v)?),
            ApiKey::DescribeConfigs => self.describe_configs(read(bytes, v)?),
            ApiKey::OffsetCommit => self.offset_commit(read(bytes, v)?),
            ApiKey::OffsetFetch => self.offset_fetch(read(bytes, v)?),
            ApiKey::FindCoordinator => self.find_coordinator(read(bytes, v)?),
            ApiKey::JoinGroup => self.join_group(read(bytes, v)?),
            ApiKey::SyncGroup => self.sync_group(read(bytes, v)?),
            ApiKey::Heartbeat => self.heartbeat(read(bytes, v)?),
            ApiKey::LeaveGroup => self.leave_group(read(bytes, v)?),
            ApiKey::DescribeGroups => self.describe_groups(read(bytes, v)?),
            ApiKey::ListGroups => self.list_groups(read(bytes, v)?),
            ApiKey::DeleteGroups => self.delete_groups(read(bytes, v)?),
            ApiKey::OffsetDelete => self.offset_delete(read(bytes, v)?),
            ApiKey::ElectLeaders => self.elect_leaders(read(bytes, v)?),
            ApiKey::DescribeTopicPartitions => self.describe_topic_partitions(read(bytes, v)?),
            ApiKey::AlterConfigs => self.alter_configs(read(bytes, v)?),
            ApiKey::IncrementalAlterConfigs => self.incremental_alter_configs(read(bytes, v)?),
            ApiKey::ListConfigResources => self.list_config_resources(read(bytes, v)?),
            ApiKey::DescribeCluster => self.describe_cluster(read(bytes, v)?),
            ApiKey::DescribeProducers => self.describe_producers(read(bytes, v)?),
            ApiKey::DescribeLogDirs => self.describe_log_dirs(read(bytes, v)?),
            // These tell of nothing that a request could choose from.
            ApiKey::DescribeClientQuotas => self.describe_client_quotas(),
            ApiKey::ListPartitionReassignments => self.list_partition_reassignments(),
            ApiKey::DescribeAcls => self.describe_acls(),
            ApiKey::SaslHandshake => self.sasl_handshake(),
            ApiKey::SaslAuthenticate => self.sasl_authenticate(),
            ApiKey::ApiVersions => self.api_versions(read(bytes, v)?),
            _ => return None,
        })
    }
}
