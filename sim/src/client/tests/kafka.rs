//! Brokers that answer as a healthy cluster would, but for what a test tells them.

use crate::cluster::Placement;
use crate::env::{Env, Event};
use crate::protocol::{
    BrokerSet, Channel, ClusterMetadata, CommittedOffset, Content, Correlation, FetchRequest,
    FetchResponse, FetchedPartition, FoundOffset, GroupMemberId, JoinError, JoinGroupRequest,
    JoinGroupResponse, JoinedMember, LogEntry, Message, Node, OffsetCommitResponse, OffsetsRequest,
    PartitionState, ProtocolType, Request, Response, SyncGroupResponse, Value, Wanted,
};
use crate::topology::PartitionIndex;
use plimsoll_core::{Instant, Offset};
use plimsoll_oracle::{ErrorName, MessageId, RequestKind};

/// A request, as it arrived.
#[derive(Debug)]
pub(super) struct Asked {
    pub from: Node,
    pub to: Node,
    pub channel: Channel,
    pub correlation: Correlation,
    pub request: Request,
}

pub(super) struct Kafka {
    asked: Vec<Asked>,
    /// Leaders, by partition.
    pub leaders: Vec<PartitionState>,
    /// The brokers that metadata names.
    pub alive: BrokerSet,
    pub coordinator: Node,
    /// Records, by partition.
    pub records: Vec<Vec<LogEntry>>,
    pub log_start: u64,
    pub committed: Vec<CommittedOffset>,
    pub generation: i32,
    next_member: u32,
    /// What the next syncs answer; `None`: what the leader computed.
    pub assignment: Option<Vec<PartitionIndex>>,
    /// Whether the member that joins leads the group.
    pub member_leads: bool,
    /// Errors that refuse the next request of a kind.
    refusals: Vec<(RequestKind, ErrorName)>,
    /// Kinds of requests that are not answered.
    pub ignores: Vec<RequestKind>,
    /// Whether new connections are made.
    pub accepts: bool,
    /// Brokers that believe that they lead a partition.
    pub believers: Vec<(PartitionIndex, Node)>,
    parked: Vec<Parked>,
}

struct Parked {
    until: Instant,
    from: Node,
    to: Node,
    correlation: Correlation,
    request: Box<FetchRequest>,
}

impl Kafka {
    pub(super) fn new(env: &Env<'_>) -> Self {
        let partitions = env
            .topology
            .all()
            .filter(|index| env.topology.exists_at_start(*index));
        let placement = Placement::by_number(3, 3);
        Self {
            asked: Vec::new(),
            leaders: partitions
                .map(|partition| placement.place(partition))
                .collect(),
            alive: BrokerSet(0b111),
            coordinator: Node(0),
            records: vec![Vec::new(); env.topology.len()],
            log_start: 0,
            committed: Vec::new(),
            generation: 0,
            next_member: 0,
            assignment: None,
            member_leads: true,
            refusals: Vec::new(),
            ignores: Vec::new(),
            accepts: true,
            believers: Vec::new(),
            parked: Vec::new(),
        }
    }

    /// Refuses the next request of this kind.
    pub(super) fn refuse(&mut self, kind: RequestKind, error: ErrorName) {
        self.refusals.push((kind, error));
    }

    /// Changes the leader of a partition.
    pub(super) fn lead(&mut self, partition: PartitionIndex, leader: Option<Node>) {
        let info = &mut self.leaders[usize::from(partition.0)];
        info.leader = leader;
        info.leader_epoch += 1;
    }

    pub(super) fn take_asked(&mut self) -> Vec<Asked> {
        std::mem::take(&mut self.asked)
    }

    /// Returns the number of fetches that wait.
    pub(super) fn parked(&self) -> usize {
        self.parked.len()
    }

    /// Appends a record, and answers the fetches that wait for it.
    pub(super) fn append(&mut self, env: &mut Env<'_>, partition: PartitionIndex, message: u32) {
        let log = &mut self.records[usize::from(partition.0)];
        log.push(LogEntry {
            offset: Offset::new(self.log_start + log.len() as u64),
            leader_epoch: 0,
            content: Content::Batch(Value::Message {
                id: MessageId(message),
                key: None,
                bytes: 10,
                sequence: None,
            }),
        });
        for parked in std::mem::take(&mut self.parked) {
            let waits = parked.request.positions.get(partition).is_some();
            if waits {
                self.answer_fetch(env, parked);
            } else {
                self.parked.push(parked);
            }
        }
    }

    /// Answers long polls that have waited long enough.
    pub(super) fn expire(&mut self, env: &mut Env<'_>) {
        for parked in std::mem::take(&mut self.parked) {
            if parked.until <= env.now() {
                self.answer_fetch(env, parked);
            } else {
                self.parked.push(parked);
            }
        }
    }

    pub(super) fn handle(
        &mut self,
        env: &mut Env<'_>,
        from: Node,
        to: Node,
        channel: Channel,
        correlation: Correlation,
        request: Request,
    ) {
        let kind = request.kind();
        if matches!(request, Request::ApiVersions) {
            if self.accepts {
                let connected = Message::Response(correlation, Response::ApiVersions);
                env.send(to, from, channel, connected);
            }
            return self.note((from, to, channel), correlation, request);
        }
        if let Request::Fetch(fetch) = &request {
            let copy = FetchRequest {
                positions: fetch.positions.clone(),
                ..FetchRequest::default()
            };
            self.asked.push(Asked {
                from,
                to,
                channel,
                correlation,
                request: Request::Fetch(Box::new(copy)),
            });
        }
        if kind.is_some_and(|kind| self.ignores.contains(&kind)) {
            return self.note((from, to, channel), correlation, request);
        }
        let refusal = self
            .refusals
            .iter()
            .position(|(refused, _)| Some(*refused) == kind);
        let response = match (refusal, request) {
            (Some(index), request) => {
                self.note((from, to, channel), correlation, request);
                Response::Failed(self.refusals.remove(index).1)
            }
            (None, Request::Fetch(request)) => {
                let until = env.now() + request.max_wait;
                return self.fetch(
                    env,
                    Parked {
                        until,
                        from,
                        to,
                        correlation,
                        request,
                    },
                );
            }
            (None, request) => {
                let response = self.response(to, &request);
                self.note((from, to, channel), correlation, request);
                response
            }
        };
        env.send(to, from, channel, Message::Response(correlation, response));
    }

    fn note(
        &mut self,
        (from, to, channel): (Node, Node, Channel),
        correlation: Correlation,
        request: Request,
    ) {
        if !matches!(request, Request::Fetch(_)) {
            self.asked.push(Asked {
                from,
                to,
                channel,
                correlation,
                request,
            });
        }
    }

    fn response(&mut self, to: Node, request: &Request) -> Response {
        match request {
            Request::Metadata => Response::Metadata(ClusterMetadata {
                partitions: self.leaders.clone(),
                alive: self.alive,
            }),
            Request::FindCoordinator { .. } => Response::FindCoordinator(Ok(self.coordinator)),
            Request::JoinGroup(join) => Response::JoinGroup(self.join(join)),
            Request::SyncGroup {
                sender,
                assignments,
                ..
            } => {
                let own = assignments.iter().find(|(of, _)| *of == sender.member);
                let computed = own.map(|(_, own)| own.clone()).unwrap_or_default();
                let assignment = self.assignment.clone().unwrap_or(computed);
                Response::SyncGroup(Ok(SyncGroupResponse {
                    protocol: None,
                    assignment,
                }))
            }
            Request::Heartbeat(_) => Response::Heartbeat(Ok(())),
            Request::LeaveGroup { members, .. } => {
                Response::LeaveGroup(Ok(members.iter().copied().map(Ok).collect()))
            }
            Request::OffsetCommit { .. } => Response::OffsetCommit(OffsetCommitResponse::default()),
            Request::OffsetFetch { .. } => Response::OffsetFetch(Ok(self.committed.clone())),
            Request::Offsets(request) => Response::Offsets(self.end(to, request)),
            Request::Produce {
                partition, batch, ..
            } => Response::Produce(self.produce(to, *partition, *batch)),
            other => panic!("no client sends {other:?}"),
        }
    }

    fn join(&mut self, join: &JoinGroupRequest) -> Result<Box<JoinGroupResponse>, JoinError> {
        let Some(member) = join.member else {
            self.next_member += 1;
            return Err(JoinError::MemberIdRequired(GroupMemberId(self.next_member)));
        };
        self.generation += 1;
        let joined = JoinedMember {
            member,
            instance: join.instance,
            subscription: join.subscription.clone(),
        };
        Ok(Box::new(JoinGroupResponse {
            generation: self.generation,
            skip_assignment: false,
            protocol: Some((ProtocolType::CONSUMER, join.subscription.assignor)),
            member,
            leader: if self.member_leads {
                member
            } else {
                GroupMemberId(999)
            },
            members: if self.member_leads {
                vec![joined]
            } else {
                Vec::new()
            },
        }))
    }

    fn end(&self, to: Node, request: &OffsetsRequest) -> Result<Option<FoundOffset>, ErrorName> {
        let partition = usize::from(request.partition.0);
        if self.leaders[partition].leader != Some(to) {
            return Err(ErrorName::NotLeaderOrFollower);
        }
        let offset = match request.wanted {
            Wanted::Earliest => self.log_start,
            // All records have one epoch.
            Wanted::Latest | Wanted::EndOfEpoch(_) => {
                self.log_start + self.records[partition].len() as u64
            }
            ref other => panic!("no client asks for {other:?}"),
        };
        Ok(Some(FoundOffset {
            offset,
            leader_epoch: match request.wanted {
                Wanted::EndOfEpoch(epoch) => Some(epoch),
                _ => None,
            },
            timestamp: None,
        }))
    }

    /// Appends, with the check of sequences that brokers make.
    fn produce(
        &mut self,
        to: Node,
        partition: PartitionIndex,
        value: Value,
    ) -> Result<Offset, ErrorName> {
        if self.leaders[usize::from(partition.0)].leader != Some(to) {
            return Err(ErrorName::NotLeaderOrFollower);
        }
        let log = &mut self.records[usize::from(partition.0)];
        let offset = Offset::new(log.len() as u64);
        if let Value::Message {
            sequence: Some(sequence),
            ..
        } = value
        {
            let last = log.iter().rev().find_map(|record| match record.content {
                Content::Batch(Value::Message { sequence, .. }) => sequence,
                _ => None,
            });
            if last.is_some_and(|last| sequence <= last) {
                return Ok(Offset::new(u64::from(sequence)));
            }
            if last.map_or(0, |last| last + 1) != sequence {
                return Err(ErrorName::OutOfOrderSequenceNumber);
            }
        }
        log.push(LogEntry {
            offset,
            leader_epoch: 0,
            content: Content::Batch(value),
        });
        Ok(offset)
    }

    fn fetch(&mut self, env: &mut Env<'_>, parked: Parked) {
        let ready = parked.request.positions.iter().any(|position| {
            let index = usize::from(position.partition.0);
            let end = self.log_start + self.records[index].len() as u64;
            let info = self.leaders[index];
            position.offset != end
                || info.leader != Some(parked.to)
                || info.leader_epoch != position.leader_epoch
        });
        if ready {
            return self.answer_fetch(env, parked);
        }
        env.queue.push(parked.until, Event::CheckQuiet);
        self.parked.push(parked);
    }

    fn answer_fetch(&mut self, env: &mut Env<'_>, parked: Parked) {
        let mut response = FetchResponse::default();
        for position in parked.request.positions.iter() {
            let index = usize::from(position.partition.0);
            let info = self.leaders[index];
            let end = self.log_start + self.records[index].len() as u64;
            let mut answer = FetchedPartition {
                partition: position.partition,
                error: None,
                entries: 0,
                high_watermark: end,
                log_start: self.log_start,
                diverging: None,
            };
            let believes = self.believers.contains(&(position.partition, parked.to));
            if info.leader != Some(parked.to) && !believes {
                answer.error = Some(ErrorName::NotLeaderOrFollower);
            } else if info.leader_epoch != position.leader_epoch && !believes {
                answer.error = Some(ErrorName::FencedLeaderEpoch);
            } else if position.offset < self.log_start || position.offset > end {
                answer.error = Some(ErrorName::OffsetOutOfRange);
            } else {
                let from = (position.offset - self.log_start) as usize;
                let records = &self.records[index][from..];
                let room = (position.max_bytes / Value::SIZE) as usize;
                let records = &records[..records.len().min(room)];
                answer.entries = records.len() as u32;
                response.entries.extend_from_slice(records);
            }
            response.partitions.push(answer);
        }
        response.asked = parked.request.positions;
        let response = Response::Fetch(Box::new(response));
        let message = Message::Response(parked.correlation, response);
        env.send(parked.to, parked.from, Channel::Fetch, message);
    }
}
