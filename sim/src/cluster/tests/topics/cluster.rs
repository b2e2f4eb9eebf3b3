//! A cluster without a plan: brokers and the controller, on a network without latency.

use crate::actor::Actor;
use crate::cluster::tests::batches::produce;
use crate::cluster::{
    Broker, ClusterEnv, ClusterSettings, Controller, Observation, Placement, Shared,
};
use crate::protocol::batched::{Batched, Records};
use crate::protocol::{
    AdminRequest, AdminResponse, Channel, Channels, ClusterMetadata, Correlation, Message, Node,
    PartitionState, PerBroker, Request, Response,
};
use crate::topology::PartitionIndex;
use plimsoll_core::{Instant, Offset};
use plimsoll_oracle::ErrorName;
use plimsoll_scenarios::scenario::BrokerSettings;
use std::collections::VecDeque;
use std::time::Duration;

const CONTROLLER: Node = Node(3);
const CLIENT: Node = Node(40);
pub(super) const OFFSETS: PartitionIndex = PartitionIndex(0);
pub(super) const UNKNOWN: ErrorName = ErrorName::UnknownTopicOrPartition;

/// A network without latency.
pub(super) struct World {
    now: Instant,
    messages: VecDeque<(Node, Node, Channel, Message<Batched>)>,
    pub(super) shared: Shared<Batched>,
}

impl ClusterEnv<Batched> for World {
    fn now(&self) -> Instant {
        self.now
    }

    fn send(&mut self, from: Node, to: Node, channel: Channel, message: Message<Batched>) {
        self.messages.push_back((from, to, channel, message));
    }

    fn cut(&mut self, _: Node, _: Node) {}

    fn observe(&mut self, _: Observation<'_, Batched>) {}

    fn shared(&mut self) -> &mut Shared<Batched> {
        &mut self.shared
    }
}

pub(super) struct Cluster {
    pub(super) brokers: PerBroker<Broker<Batched>>,
    pub(super) controller: Controller,
    pub(super) world: World,
    answers: Vec<(Correlation, Response<Batched>)>,
    requests: u32,
}

impl Cluster {
    pub(super) fn new() -> Self {
        let placement = Placement::by_number(3, 3);
        let settings = ClusterSettings::new(placement, 1, BrokerSettings::default());
        assert_eq!(settings.controller, CONTROLLER);
        let mut cluster = Self {
            brokers: PerBroker::new(3, |node| Broker::new(&settings, node)),
            controller: Controller::new(&settings),
            world: World {
                now: Instant::ZERO,
                messages: VecDeque::new(),
                shared: Shared::new(settings.partitions),
            },
            answers: Vec::new(),
            requests: 0,
        };
        for broker in cluster.brokers.values_mut() {
            broker.start(&mut cluster.world);
        }
        cluster.settle();
        cluster
    }

    /// Delivers messages until none is left.
    pub(super) fn settle(&mut self) {
        let Self {
            brokers,
            controller,
            world,
            answers,
            ..
        } = self;
        while let Some((from, to, channel, message)) = world.messages.pop_front() {
            match brokers.get_mut(to) {
                Some(broker) if runs(broker) => {
                    broker.handle_message(world, from, channel, message);
                }
                Some(_) => {
                    if let Some(broker) = brokers.get_mut(from) {
                        broker.handle_disconnected(world, to, Channels::ALL);
                    }
                }
                None if to == CONTROLLER => {
                    controller.handle_message(world, from, channel, message)
                }
                None => {
                    if let Message::Response(correlation, response) = message {
                        answers.push((correlation, response));
                    }
                }
            }
        }
    }

    /// Lets time pass.
    pub(super) fn pass(&mut self, seconds: u64) {
        for _ in 0..seconds * 20 {
            self.world.now += Duration::from_millis(50);
            for broker in self.brokers.values_mut() {
                broker.handle_timeout(&mut self.world);
            }
            Actor::<Batched, World>::handle_timeout(&mut self.controller, &mut self.world);
            self.settle();
        }
    }

    pub(super) fn send(
        &mut self,
        to: Node,
        channel: Channel,
        request: Request<Batched>,
    ) -> Correlation {
        self.requests += 1;
        let correlation = Correlation(self.requests);
        let message = Message::Request(correlation, request);
        self.world.send(CLIENT, to, channel, message);
        self.settle();
        correlation
    }

    pub(super) fn answer(&mut self, correlation: Correlation) -> Option<Response<Batched>> {
        let mut answers = self.answers.iter();
        let index = answers.position(|(answered, _)| *answered == correlation)?;
        Some(self.answers.remove(index).1)
    }

    pub(super) fn ask(&mut self, to: Node, request: Request<Batched>) -> Response<Batched> {
        let correlation = self.send(to, Channel::Data, request);
        self.answer(correlation).expect("an answer")
    }

    pub(super) fn admin(&mut self, request: AdminRequest<Batched>) -> Result<(), ErrorName> {
        match self.ask(CONTROLLER, request.into()) {
            Response::Admin(response) => match *response {
                AdminResponse::CreatePartitions(result)
                | AdminResponse::DeletePartitions(result)
                | AdminResponse::ElectLeader(result) => result,
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    }

    /// Returns an index for a partition.
    pub(super) fn index(&mut self) -> PartitionIndex {
        self.world.shared.add_partitions(1).expect("an index")[0]
    }

    pub(super) fn create(
        &mut self,
        partitions: &[(PartitionIndex, &[u16])],
    ) -> Result<(), ErrorName> {
        let partitions = partitions.iter().map(|(partition, replicas)| {
            let replicas = replicas.iter().map(|replica| Node(*replica));
            (*partition, replicas.collect())
        });
        let partitions = partitions.collect();
        self.admin(AdminRequest::CreatePartitions { partitions })
    }

    /// Creates a partition, which the cluster places.
    pub(super) fn created(&mut self) -> PartitionIndex {
        let partition = self.index();
        assert_eq!(self.create(&[(partition, &[])]), Ok(()));
        partition
    }

    pub(super) fn delete(&mut self, partitions: &[PartitionIndex]) -> Result<(), ErrorName> {
        let partitions = partitions.to_vec();
        self.admin(AdminRequest::DeletePartitions { partitions })
    }

    pub(super) fn elect(
        &mut self,
        partition: PartitionIndex,
        preferred: bool,
    ) -> Result<(), ErrorName> {
        self.admin(AdminRequest::ElectLeader {
            partition,
            preferred,
        })
    }

    pub(super) fn metadata(&mut self, of: Node) -> ClusterMetadata {
        match self.ask(of, Request::Metadata) {
            Response::Metadata(metadata) => metadata,
            other => panic!("{other:?}"),
        }
    }

    /// Returns what a broker tells of a partition.
    pub(super) fn told(&mut self, of: Node, partition: PartitionIndex) -> Option<PartitionState> {
        let mut states = self.metadata(of).partitions.into_iter();
        states.find(|state| state.partition == partition)
    }

    pub(super) fn leader(&self, partition: PartitionIndex) -> Node {
        self.controller.leader(partition).expect("a leader")
    }

    pub(super) fn produce(&mut self, partition: PartitionIndex) -> Result<u64, ErrorName> {
        let leader = self.controller.leader(partition).unwrap_or(Node(0));
        match self.ask(leader, produce(partition, Records::plain(1))) {
            Response::Produce(result) => result.map(Offset::get),
            other => panic!("{other:?}"),
        }
    }
}

fn runs(broker: &Broker<Batched>) -> bool {
    Actor::<Batched, World>::is_running(broker)
}
