//! What clients and members ask in the tests, and what they get.

use super::{Cluster, P, millis};
use crate::cluster::Broker;
use crate::protocol::{
    Channel, CommittedOffset, Content, Correlation, FetchPosition, FetchRequest, FetchResponse,
    Founding, GroupMemberId, JoinError, JoinGroupRequest, JoinGroupResponse, Lean, Leaving,
    NO_EPOCH, Node, PRODUCE_TIMEOUT_MS, Positions, ProtocolType, Request, Response, SCENARIO_GROUP,
    Sender, Subscription, Value,
};
use crate::topology::PartitionIndex;
use plimsoll_core::{NextOffset, Offset};
use plimsoll_oracle::{ErrorName, MessageId, TraceEvent};
use plimsoll_scenarios::scenario::{Acks, Assignor};
use std::time::Duration;

/// What clients ask.
impl Cluster {
    pub(super) fn send(
        &mut self,
        from: Node,
        to: Node,
        channel: Channel,
        request: Request,
    ) -> Correlation {
        self.correlations += 1;
        let correlation = Correlation(self.correlations);
        self.env.request(from, to, channel, correlation, request);
        correlation
    }

    /// Takes the answer, if it has come.
    pub(super) fn answer(&mut self, correlation: Correlation) -> Option<Response> {
        let mut answers = self.answers.iter();
        let index = answers.position(|(answered, _)| *answered == correlation)?;
        Some(self.answers.remove(index).1)
    }

    /// Asks, and waits up to 3 s for the answer.
    pub(super) fn ask(
        &mut self,
        from: Node,
        to: Node,
        channel: Channel,
        request: Request,
    ) -> Response {
        let correlation = self.send(from, to, channel, request);
        self.wait_for(correlation, millis(3_000))
            .expect("an answer in time")
    }

    pub(super) fn wait_for(
        &mut self,
        correlation: Correlation,
        within: Duration,
    ) -> Option<Response> {
        let until = self.now() + within;
        while self.now() < until {
            if let Some(response) = self.answer(correlation) {
                return Some(response);
            }
            self.run_for(millis(1));
        }
        self.answer(correlation)
    }

    pub(super) fn send_produce(
        &mut self,
        to: Node,
        id: u32,
        acks: Acks,
        sequence: Option<u32>,
    ) -> Correlation {
        let batch = Value::Message {
            id: MessageId(id),
            key: None,
            bytes: 1,
            sequence,
        };
        let request = Request::Produce {
            partition: P,
            batch,
            acks,
            timeout_ms: PRODUCE_TIMEOUT_MS,
        };
        self.send(self.env.producer(), to, Channel::Data, request)
    }

    pub(super) fn produce(
        &mut self,
        to: Node,
        id: u32,
        acks: Acks,
        sequence: Option<u32>,
    ) -> Result<Offset, ErrorName> {
        let correlation = self.send_produce(to, id, acks, sequence);
        match self.wait_for(correlation, millis(3_000)) {
            Some(Response::Produce(result)) => result,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn send_fetch(
        &mut self,
        from: Node,
        to: Node,
        offset: u64,
        leader_epoch: u32,
    ) -> Correlation {
        let position = FetchPosition {
            partition: P,
            offset,
            leader_epoch,
            high_watermark: 0,
            log_start: 0,
            last_fetched_epoch: NO_EPOCH,
            max_bytes: u32::MAX,
        };
        self.send_poll(from, to, Positions::from_iter([position]), false)
    }

    pub(super) fn send_poll(
        &mut self,
        from: Node,
        to: Node,
        positions: Positions,
        is_incremental: bool,
    ) -> Correlation {
        let request = FetchRequest {
            follower: false,
            max_wait: millis(500),
            min_bytes: 1,
            max_bytes: u32::MAX,
            first: PartitionIndex::FIRST,
            is_incremental,
            positions,
        };
        self.send(from, to, Channel::Fetch, Request::Fetch(Box::new(request)))
    }

    pub(super) fn fetch(&mut self, to: Node, offset: u64, leader_epoch: u32) -> Box<FetchResponse> {
        let correlation = self.send_fetch(self.member(0), to, offset, leader_epoch);
        match self.wait_for(correlation, millis(3_000)) {
            Some(Response::Fetch(response)) => response,
            other => panic!("{other:?}"),
        }
    }

    /// Returns the ids of the messages that the leader lets consumers read.
    pub(super) fn readable(&mut self) -> Vec<u32> {
        let leader = self.leader(P);
        let epoch = self.broker(leader).replicas[P].leader_epoch();
        let response = self.fetch(leader, 0, epoch);
        response
            .entries
            .iter()
            .map(|record| message(&record.content))
            .collect()
    }

    pub(super) fn broker(&self, node: Node) -> &Broker<Lean> {
        &self.brokers[node]
    }

    /// Returns the ids of the messages in a broker's log, replicated or not.
    pub(super) fn log(&self, node: Node) -> Vec<u32> {
        let log = &self.broker(node).replicas[P].log;
        log.all()
            .iter()
            .map(|record| message(&record.content))
            .collect()
    }

    /// Returns what the trace says was stored: message and offset.
    pub(super) fn stored(&self) -> Vec<(u32, u64)> {
        let entries = self.env.trace.entries().iter();
        entries
            .filter_map(|entry| match entry.event {
                TraceEvent::Stored {
                    message, offset, ..
                } => Some((message.0, offset.get())),
                _ => None,
            })
            .collect()
    }

    /// Returns where the trace says that readable records are gone.
    pub(super) fn truncated(&self) -> Vec<u64> {
        let entries = self.env.trace.entries().iter();
        entries
            .filter_map(|entry| match entry.event {
                TraceEvent::Truncated { log_end, .. } => Some(log_end.get()),
                _ => None,
            })
            .collect()
    }

    /// Returns what the trace says was committed: member, next offset, generation, whether
    /// rebalancing.
    pub(super) fn committed(&self) -> Vec<(u32, u64, i32, bool)> {
        let entries = self.env.trace.entries().iter();
        entries
            .filter_map(|entry| match entry.event {
                TraceEvent::Committed {
                    member,
                    next,
                    generation,
                    rebalancing,
                    ..
                } => Some((member.0, next.get(), generation, rebalancing)),
                _ => None,
            })
            .collect()
    }
}

/// What members ask.
impl Cluster {
    pub(super) fn ask_group(&mut self, member: u32, request: Request) -> Response {
        let correlation = self.send_group(member, request);
        self.wait_for(correlation, millis(10_000))
            .expect("an answer")
    }

    pub(super) fn send_group(&mut self, member: u32, request: Request) -> Correlation {
        self.send(
            self.member(member),
            self.coordinator(),
            Channel::Coordinator,
            request,
        )
    }

    pub(super) fn send_join(&mut self, member: u32, id: Option<GroupMemberId>) -> Correlation {
        self.send_group(member, join_request(id, None))
    }

    /// Gets an id for a dynamic member (KIP-394).
    pub(super) fn new_id(&mut self, member: u32) -> GroupMemberId {
        match self.ask_group(member, join_request(None, None)) {
            Response::JoinGroup(Err(JoinError::MemberIdRequired(id))) => id,
            other => panic!("{other:?}"),
        }
    }

    /// Sends the joins of members 0 and 1, in this order: member 0 will lead.
    pub(super) fn send_joins(&mut self, ids: [GroupMemberId; 2]) -> [Correlation; 2] {
        let first = self.send_join(0, Some(ids[0]));
        self.run_for(millis(1));
        [first, self.send_join(1, Some(ids[1]))]
    }

    pub(super) fn joined(&mut self, correlation: Correlation) -> JoinGroupResponse {
        match self.wait_for(correlation, millis(70_000)) {
            Some(Response::JoinGroup(Ok(response))) => *response,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn send_sync(
        &mut self,
        member: u32,
        joined: &JoinGroupResponse,
        assignments: Vec<(GroupMemberId, Vec<PartitionIndex>)>,
    ) -> Correlation {
        let request = Request::SyncGroup {
            sender: sender(joined, None),
            protocol: None,
            assignments,
        };
        self.send_group(member, request)
    }

    pub(super) fn synced(
        &mut self,
        correlation: Correlation,
    ) -> Result<Vec<PartitionIndex>, ErrorName> {
        match self.wait_for(correlation, millis(10_000)) {
            Some(Response::SyncGroup(result)) => result.map(|synced| synced.assignment),
            other => panic!("{other:?}"),
        }
    }

    /// Joins and syncs one member alone.
    pub(super) fn single_member(&mut self) -> JoinGroupResponse {
        let id = self.new_id(0);
        let join = self.send_join(0, Some(id));
        let joined = self.joined(join);
        let sync = self.send_sync(0, &joined, vec![(id, vec![P])]);
        assert_eq!(self.synced(sync), Ok(vec![P]));
        joined
    }

    /// Joins and syncs members 0 and 1; member 0 leads, and owns the partition.
    pub(super) fn two_members(&mut self) -> [JoinGroupResponse; 2] {
        let ids = [self.new_id(0), self.new_id(1)];
        let joins = self.send_joins(ids);
        let joined = joins.map(|join| self.joined(join));
        let follower = self.send_sync(1, &joined[1], Vec::new());
        let leader = self.send_sync(0, &joined[0], vec![(ids[0], vec![P])]);
        assert_eq!(self.synced(leader), Ok(vec![P]));
        assert_eq!(self.synced(follower), Ok(Vec::new()));
        joined
    }

    pub(super) fn send_heartbeat(&mut self, member: u32, of: &JoinGroupResponse) -> Correlation {
        self.send_group(member, Request::Heartbeat(sender(of, None)))
    }

    pub(super) fn heartbeat(
        &mut self,
        member: u32,
        of: &JoinGroupResponse,
    ) -> Result<(), ErrorName> {
        let heartbeat = self.send_heartbeat(member, of);
        self.heartbeat_answer(heartbeat)
    }

    /// Lets a static member say that it lives, over the connections of any.
    pub(super) fn static_heartbeat(
        &mut self,
        member: u32,
        instance: u32,
        of: &JoinGroupResponse,
    ) -> Result<(), ErrorName> {
        let request = Request::Heartbeat(sender(of, Some(instance)));
        let heartbeat = self.send_group(member, request);
        self.heartbeat_answer(heartbeat)
    }

    fn heartbeat_answer(&mut self, heartbeat: Correlation) -> Result<(), ErrorName> {
        match self.wait_for(heartbeat, millis(10_000)) {
            Some(Response::Heartbeat(result)) => result,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn send_commit(
        &mut self,
        member: u32,
        id: GroupMemberId,
        generation: i32,
        next: u64,
    ) -> Correlation {
        let sender = Sender {
            group: SCENARIO_GROUP,
            generation,
            member: id,
            instance: None,
        };
        self.send_group(member, commit_request(sender, next))
    }

    pub(super) fn commit(
        &mut self,
        member: u32,
        id: GroupMemberId,
        generation: i32,
        next: u64,
    ) -> Result<(), ErrorName> {
        let correlation = self.send_commit(member, id, generation, next);
        self.commit_answer(correlation)
    }

    pub(super) fn commit_answer(&mut self, correlation: Correlation) -> Result<(), ErrorName> {
        match self.wait_for(correlation, millis(10_000)) {
            Some(Response::OffsetCommit(response)) => {
                assert_eq!(response.refused, []);
                response.error.map_or(Ok(()), Err)
            }
            other => panic!("{other:?}"),
        }
    }

    /// Lets a dynamic member leave, over the connections of any.
    pub(super) fn leave(&mut self, member: u32, id: GroupMemberId) -> Result<(), ErrorName> {
        let request = leave_request(&[(id, None)]);
        match self.ask_group(member, request) {
            Response::LeaveGroup(Ok(answers)) => answers[0].map(|_| ()).map_err(|(_, error)| error),
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn offset_fetch(&mut self) -> Result<Vec<u64>, ErrorName> {
        match self.ask_group(0, fetch_request(true)) {
            Response::OffsetFetch(result) => {
                result.map(|offsets| offsets.iter().map(|offset| offset.next.get()).collect())
            }
            other => panic!("{other:?}"),
        }
    }
}

fn message(content: &Content) -> u32 {
    match content {
        Content::Batch(Value::Message { id, .. }) => id.0,
        other => panic!("{other:?}"),
    }
}

/// Returns what a member says of itself that is in this generation.
pub(super) fn sender(joined: &JoinGroupResponse, instance: Option<u32>) -> Sender {
    Sender {
        group: SCENARIO_GROUP,
        generation: joined.generation,
        member: joined.member,
        instance,
    }
}

pub(super) fn commit_request(sender: Sender, next: u64) -> Request {
    let offset = CommittedOffset {
        partition: P,
        next: NextOffset::new(next),
        metadata: Founding {
            partitions: Some(1),
            leader_epoch: None,
        },
    };
    Request::OffsetCommit {
        sender,
        offsets: vec![offset],
    }
}

/// Returns a request for all that the group committed.
pub(super) fn fetch_request(require_stable: bool) -> Request {
    Request::OffsetFetch {
        group: SCENARIO_GROUP,
        partitions: None,
        require_stable,
    }
}

/// Returns a request that lets members leave, each with its id and its instance id.
pub(super) fn leave_request(members: &[(GroupMemberId, Option<u32>)]) -> Request {
    let members = members.iter();
    Request::LeaveGroup {
        group: SCENARIO_GROUP,
        members: members
            .map(|(member, instance)| Leaving {
                member: *member,
                instance: *instance,
            })
            .collect(),
    }
}

pub(super) fn join_request(member: Option<GroupMemberId>, instance: Option<u32>) -> Request {
    Request::JoinGroup(Box::new(JoinGroupRequest {
        group: SCENARIO_GROUP,
        member,
        requires_id: true,
        skips_assignment: false,
        client: (),
        instance,
        protocol_type: Some(ProtocolType::CONSUMER),
        session_timeout: millis(10_000),
        rebalance_timeout: millis(60_000),
        subscription: Subscription {
            assignor: Assignor::Range,
            owned: Vec::new(),
            owned_since: -1,
        },
    }))
}
