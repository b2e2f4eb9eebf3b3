//! Protocols and metadata, in a dialect in which members can say more of themselves than in the
//! simulator's.

use super::*;
use crate::cluster::{ClusterEnv, ClusterSettings, Observation, Placement, Shared};
use crate::protocol::batched::{Batched, Supports, Text};
use crate::protocol::{JoinGroupRequest, PartitionState, ProtocolType, SyncGroupResponse};
use plimsoll_scenarios::scenario::BrokerSettings;

/// The partition of `__consumer_offsets`.
pub(super) const OFFSETS: PartitionIndex = PartitionIndex(1);

/// The number of connections that clients can have.
const CLIENTS: u16 = 16;

pub(super) const CONNECT: ProtocolType = ProtocolType(7);

/// A world with nothing in it but a broker.
pub(super) struct Nothing {
    now: Instant,
    pub(super) shared: Shared<Batched>,
    answers: Vec<(Correlation, Response<Batched>)>,
}

impl ClusterEnv<Batched> for Nothing {
    fn now(&self) -> Instant {
        self.now
    }

    fn send(&mut self, _: Node, _: Node, _: Channel, _: Message<Batched>) {}

    fn respond(
        &mut self,
        _: Node,
        _: Node,
        _: Channel,
        correlation: Correlation,
        response: Response<Batched>,
    ) {
        self.answers.push((correlation, response));
    }

    fn cut(&mut self, _: Node, _: Node) {}

    fn observe(&mut self, _: Observation<'_, Batched>) {}

    fn shared(&mut self) -> &mut Shared<Batched> {
        &mut self.shared
    }
}

/// A broker that leads all there is.
pub(super) struct Alone {
    pub(super) env: Nothing,
    broker: Broker<Batched>,
    pub(super) group: GroupIndex,
    requests: u32,
}

impl Alone {
    pub(super) fn new() -> Self {
        let placement = Placement {
            brokers: 1,
            replication: 1,
            offsets: OFFSETS,
            coordinator: Node(0),
        };
        let broker = BrokerSettings {
            group_initial_rebalance_delay: millis(100),
            ..BrokerSettings::default()
        };
        let settings = ClusterSettings {
            partitions: 2,
            offsets: [OFFSETS].into_iter().collect(),
            initial: [P, OFFSETS]
                .map(|partition| placement.place(partition))
                .into(),
            ..ClusterSettings::new(placement, 1, broker)
        };
        let mut shared = Shared::new(settings.partitions);
        let group = shared.register_group(OFFSETS);
        let mut env = Nothing {
            now: Instant::ZERO,
            shared,
            answers: Vec::new(),
        };
        let mut broker = Broker::new(&settings, Node(0));
        broker.start(&mut env);
        Self {
            env,
            broker,
            group,
            requests: 0,
        }
    }

    /// Sends a request, over a connection of its own.
    pub(super) fn send(&mut self, request: Request<Batched>) -> Correlation {
        self.requests += 1;
        let (correlation, client) = (Correlation(self.requests), self.requests as u16 % CLIENTS);
        let message = Message::Request(correlation, request);
        let from = Node(2 + client);
        self.broker
            .handle_message(&mut self.env, from, Channel::Coordinator, message);
        correlation
    }

    /// Lets time pass, longer than the group gathers members.
    pub(super) fn wait(&mut self) {
        for _ in 0..4 {
            self.env.now += millis(100);
            self.broker.handle_timeout(&mut self.env);
        }
    }

    pub(super) fn answer(&mut self, correlation: Correlation) -> Option<Response<Batched>> {
        let mut answers = self.env.answers.iter();
        let index = answers.position(|(answered, _)| *answered == correlation)?;
        Some(self.env.answers.swap_remove(index).1)
    }

    /// Lets a static member join, by its name.
    pub(super) fn join(&mut self, name: u32, supports: &[(&'static str, u32)]) -> Correlation {
        self.join_as(Some(ProtocolType::CONSUMER), name, supports)
    }

    pub(super) fn join_as(
        &mut self,
        protocol_type: Option<ProtocolType>,
        name: u32,
        supports: &[(&'static str, u32)],
    ) -> Correlation {
        let request = JoinGroupRequest {
            group: self.group,
            member: None,
            requires_id: true,
            skips_assignment: false,
            client: "at home",
            instance: Some(name),
            session_timeout: millis(10_000),
            rebalance_timeout: millis(60_000),
            protocol_type,
            subscription: Supports(supports.to_vec()),
        };
        self.send(Request::JoinGroup(Box::new(request)))
    }

    pub(super) fn joined(&mut self, join: Correlation) -> JoinGroupResponse<Batched> {
        match self.answer(join) {
            Some(Response::JoinGroup(Ok(joined))) => *joined,
            other => panic!("{other:?}"),
        }
    }

    fn refused(&mut self, join: Correlation) -> ErrorName {
        match self.answer(join) {
            Some(Response::JoinGroup(Err(
                JoinError::Other(error) | JoinError::Ended(error, _),
            ))) => error,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn sync(
        &mut self,
        joined: &JoinGroupResponse<Batched>,
        name: u32,
        protocol: Option<(ProtocolType, &'static str)>,
    ) -> Result<SyncGroupResponse<Batched>, ErrorName> {
        let request = Request::SyncGroup {
            sender: self.sender(joined, name),
            protocol,
            assignments: vec![(joined.member, "all of it")],
        };
        let sync = self.send(request);
        match self.answer(sync) {
            Some(Response::SyncGroup(result)) => result,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn sender(&self, joined: &JoinGroupResponse<Batched>, name: u32) -> Sender {
        Sender {
            group: self.group,
            generation: joined.generation,
            member: joined.member,
            instance: Some(name),
        }
    }

    /// Lets the broker lose what it leads, and lead it again: its coordinator loads.
    pub(super) fn reload(&mut self) {
        self.begin_load();
        self.wait();
    }

    /// Lets the broker lose what it leads, and lead it again: its coordinator begins to load.
    pub(super) fn begin_load(&mut self) {
        let last = self.broker.replicas[OFFSETS].leader_epoch();
        for (epoch, leader) in [(last + 1, None), (last + 2, Some(Node(0)))] {
            let state = PartitionState {
                leader,
                leader_epoch: epoch,
                partition_epoch: epoch,
                ..self.broker.replicas[OFFSETS].state.expect("it is known")
            };
            let update = Message::MetadataUpdate {
                partitions: vec![state],
                removed: Vec::new(),
                active: state.in_sync,
                registered: Default::default(),
            };
            self.broker
                .handle_message(&mut self.env, Node(1), Channel::Data, update);
        }
    }
}

pub(super) fn voted(name: &'static str) -> Option<(ProtocolType, &'static str)> {
    Some((ProtocolType::CONSUMER, name))
}

#[test]
fn members_vote_for_the_first_of_their_protocols_that_all_support() {
    let mut alone = Alone::new();
    let joins = [
        alone.join(0, &[("own", 1), ("sticky", 2), ("range", 3)]),
        alone.join(1, &[("range", 4), ("sticky", 5)]),
        alone.join(2, &[("range", 6), ("other", 7), ("sticky", 8)]),
    ];
    alone.wait();
    let [leader, second, _] = joins.map(|join| alone.joined(join));
    assert_eq!(
        (&leader.protocol, &second.protocol),
        (&voted("range"), &voted("range"))
    );
    let said: Vec<_> = leader
        .members
        .iter()
        .map(|m| m.subscription.0.clone())
        .collect();
    assert_eq!(said, [[("range", 3)], [("range", 4)], [("range", 6)]]);
    assert!(second.members.is_empty());
}

#[test]
fn of_two_protocols_with_as_many_votes_the_first_is_taken() {
    let mut alone = Alone::new();
    let join = alone.join(0, &[("b", 1), ("a", 2)]);
    alone.join(1, &[("a", 3), ("b", 4)]);
    alone.wait();
    assert_eq!(alone.joined(join).protocol, voted("b"));
}

#[test]
fn a_member_with_which_no_protocol_is_left_is_refused() {
    let mut alone = Alone::new();
    let inconsistent = ErrorName::InconsistentGroupProtocol;
    // An empty group takes any protocol, but it wants one.
    let none = alone.join(9, &[]);
    assert_eq!(alone.refused(none), inconsistent);
    let untyped = alone.join_as(None, 9, &[("a", 1)]);
    assert_eq!(alone.refused(untyped), inconsistent);
    alone.join(0, &[("a", 1), ("b", 2)]);
    alone.join(1, &[("b", 3), ("c", 4)]);
    for (protocol_type, protocol, expected) in [
        (ProtocolType::CONSUMER, "a", Some(inconsistent)),
        (ProtocolType::CONSUMER, "c", Some(inconsistent)),
        (CONNECT, "b", Some(inconsistent)),
        (ProtocolType::CONSUMER, "b", None),
    ] {
        let join = alone.join_as(Some(protocol_type), 9, &[(protocol, 1)]);
        let answer = alone.answer(join).map(|answer| match answer {
            Response::JoinGroup(Err(JoinError::Other(error) | JoinError::Ended(error, _))) => error,
            other => panic!("{other:?}"),
        });
        assert_eq!(answer, expected, "{protocol_type:?} {protocol}");
    }
}

#[test]
fn a_member_that_believes_in_another_protocol_is_refused_its_assignment() {
    let mut alone = Alone::new();
    let join = alone.join(0, &[("a", 1), ("b", 2)]);
    alone.wait();
    let joined = alone.joined(join);
    let inconsistent = Err(ErrorName::InconsistentGroupProtocol);
    assert_eq!(alone.sync(&joined, 0, voted("b")), inconsistent);
    assert_eq!(alone.sync(&joined, 0, Some((CONNECT, "a"))), inconsistent);
    let synced = alone.sync(&joined, 0, voted("a")).expect("its assignment");
    assert_eq!(
        (synced.protocol, synced.assignment),
        (voted("a"), "all of it")
    );
    // It need not say it (before KIP-559).
    assert!(alone.sync(&joined, 0, None).is_ok());
}

#[test]
fn a_static_member_that_comes_back_with_other_protocols_may_change_the_vote() {
    let mut alone = Alone::new();
    let joins = [0, 1].map(|name| alone.join(name, &[("a", 1), ("b", 2)]));
    alone.wait();
    let [leader, _] = joins.map(|join| alone.joined(join));
    assert!(alone.sync(&leader, 0, None).is_ok());
    let unchanged = alone.join(1, &[("a", 3)]);
    assert_eq!(alone.joined(unchanged).generation, leader.generation);
    let changed = alone.join(0, &[("b", 4), ("a", 5)]);
    assert_eq!(alone.joined(changed).generation, leader.generation);
    // Now both prefer the other one.
    let changed = alone.join(1, &[("b", 6), ("a", 7)]);
    assert!(
        alone.answer(changed).is_none(),
        "the other has to join again"
    );
}

#[test]
fn the_next_coordinator_knows_the_protocol_and_what_was_said_under_it() {
    let mut alone = Alone::new();
    let join = alone.join(0, &[("a", 1), ("b", 2)]);
    alone.wait();
    let joined = alone.joined(join);
    assert!(alone.sync(&joined, 0, None).is_ok());
    alone.reload();
    let synced = alone.sync(&joined, 0, voted("a")).expect("its assignment");
    assert_eq!(synced.protocol, voted("a"));
    let other = alone.join(1, &[("b", 3)]);
    assert_eq!(alone.refused(other), ErrorName::InconsistentGroupProtocol);
    let join = alone.join(1, &[("b", 3), ("a", 4)]);
    assert!(alone.answer(join).is_none());
}

#[test]
fn an_offset_with_long_metadata_is_refused_alone() {
    let mut alone = Alone::new();
    let sender = Sender {
        group: alone.group,
        generation: -1,
        member: GroupMemberId::EMPTY,
        instance: None,
    };
    let offset = |partition, length| CommittedOffset {
        partition,
        next: NextOffset::new(1),
        metadata: Text("ä".repeat(length)),
    };
    let offsets = vec![offset(P, 4_097), offset(OFFSETS, 4_096)];
    let commit = alone.send(Request::OffsetCommit { sender, offsets });
    let Some(Response::OffsetCommit(response)) = alone.answer(commit) else {
        panic!("no answer");
    };
    assert_eq!(response.error, None);
    assert_eq!(response.refused, [(P, ErrorName::OffsetMetadataTooLarge)]);
    let fetch = alone.send(Request::OffsetFetch {
        group: alone.group,
        partitions: None,
        require_stable: true,
    });
    match alone.answer(fetch) {
        Some(Response::OffsetFetch(Ok(offsets))) => assert_eq!(offsets, [offset(OFFSETS, 4_096)]),
        other => panic!("{other:?}"),
    }
}
