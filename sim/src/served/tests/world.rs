//! Brokers without a plan, asked in a dialect of tests.

use crate::cluster::{ClusterSettings, Placement};
use crate::protocol::batched::{Batched, Records};
use crate::protocol::{Correlation, Node, PRODUCE_TIMEOUT_MS, Request, Response};
use crate::served::Options;
use crate::served::env::Said;
use crate::served::world::World;
use crate::topology::PartitionIndex;
use plimsoll_core::Instant;
use plimsoll_oracle::ErrorName;
use plimsoll_scenarios::scenario::Acks;
use std::time::Duration;

/// A partition with replicas on all three brokers, of which broker 1 leads it first.
const P: PartitionIndex = PartitionIndex(1);
const LEADER: Node = Node(1);

/// A world, and what it said.
struct Bench {
    world: World<Batched>,
    correlations: u32,
    /// What was said, with the time.
    said: Vec<(Instant, Said<Batched>)>,
}

impl Bench {
    fn new(seed: u64) -> Self {
        let placement = Placement::by_number(3, 3);
        let Options {
            mut settings,
            latency,
            ..
        } = Options::default();
        settings.offsets_topic_partitions = 1;
        let mut settings = ClusterSettings::new(placement, 2, settings);
        settings.partitions = 2;
        settings.initial.push(placement.place(P));
        let mut bench = Self {
            world: World::new(&settings, seed, latency),
            correlations: 0,
            said: Vec::new(),
        };
        bench.listen();
        bench.said.clear();
        bench
    }

    fn listen(&mut self) {
        let now = self.world.env.now;
        let said = self.world.env.said.drain(..);
        self.said.extend(said.map(|said| (now, said)));
    }

    fn run(&mut self, duration: Duration) {
        let end = self.world.env.now + duration;
        while let Some(at) = self.world.next_at()
            && at <= end
        {
            self.world.advance(at);
            self.listen();
        }
        self.world.advance(end);
    }

    /// Asks for an append of a batch of three, and returns the number of the request.
    fn produce(&mut self, from: Node, to: Node) -> Correlation {
        self.correlations += 1;
        let correlation = Correlation(self.correlations);
        let request = Request::Produce {
            partition: P,
            batch: Records::plain(3),
            acks: Acks::All,
            timeout_ms: PRODUCE_TIMEOUT_MS,
        };
        self.world.ask(from, to, correlation, request);
        self.listen();
        correlation
    }

    /// Returns the answer to a request, and its time.
    fn answer(&self, asked: Correlation) -> Option<(Instant, Result<u64, ErrorName>)> {
        self.said.iter().find_map(|(at, said)| match said {
            Said::Answer {
                correlation,
                response: Response::Produce(result),
                ..
            } if *correlation == asked => Some((*at, result.map(|offset| offset.get()))),
            _ => None,
        })
    }

    fn result(&self, asked: Correlation) -> Option<Result<u64, ErrorName>> {
        self.answer(asked).map(|(_, result)| result)
    }

    fn open(&mut self) -> Node {
        self.world.open().expect("there are nodes")
    }
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[test]
fn what_is_asked_is_replicated_and_answered() {
    let mut bench = Bench::new(1);
    let client = bench.open();
    bench.run(millis(100));
    let first = bench.produce(client, LEADER);
    assert_eq!(bench.result(first), None, "followers have not got it");
    bench.run(millis(1));
    assert_eq!(bench.result(first), Some(Ok(0)));
    let second = bench.produce(client, LEADER);
    bench.run(millis(1));
    assert_eq!(bench.result(second), Some(Ok(3)));
    let elsewhere = bench.produce(client, Node(0));
    assert_eq!(
        bench.result(elsewhere),
        Some(Err(ErrorName::NotLeaderOrFollower))
    );
}

#[test]
fn the_same_calls_at_the_same_moments_say_the_same() {
    let said = |seed| {
        let mut bench = Bench::new(seed);
        let clients = [bench.open(), bench.open()];
        for round in 0..20 {
            for client in clients {
                bench.produce(client, LEADER);
            }
            match round {
                5 => bench.world.pause(Node(2)),
                9 => bench.world.resume(Node(2)),
                12 => bench.world.crash(Node(0)),
                15 => bench.world.start(Node(0)),
                _ => {}
            }
            bench.run(millis(700));
        }
        format!("{:?}", bench.said)
    };
    assert_eq!(said(1), said(1));
    assert_ne!(said(1), said(2), "links have latencies of the seed");
}

#[test]
fn another_broker_leads_where_one_dies() {
    let mut bench = Bench::new(1);
    let client = bench.open();
    bench.world.crash(LEADER);
    bench.listen();
    assert!(matches!(bench.said[..], [(_, Said::Closed(LEADER))]));
    assert!(!bench.world.is_open(LEADER));
    bench.run(Duration::from_secs(12));
    let asked = bench.produce(client, Node(2));
    bench.run(Duration::from_secs(40));
    assert_eq!(bench.result(asked), Some(Ok(0)));
    bench.world.start(LEADER);
    bench.run(millis(100));
    assert!(bench.world.is_open(LEADER));
    let refused = bench.produce(client, LEADER);
    assert_eq!(
        bench.result(refused),
        Some(Err(ErrorName::NotLeaderOrFollower))
    );
}

#[test]
fn a_broker_that_stops_starts_again_when_it_has_stopped() {
    let mut bench = Bench::new(1);
    bench.run(millis(100));
    bench.world.stop(LEADER);
    assert!(bench.world.is_stopping(LEADER));
    bench.world.start(LEADER);
    bench.run(Duration::from_secs(5));
    assert!(bench.world.is_open(LEADER) && !bench.world.is_stopping(LEADER));
    let said = bench.said.iter().map(|(_, said)| said);
    let said: Vec<_> = said
        .filter(|said| !matches!(said, Said::Led { .. }))
        .collect();
    assert!(
        matches!(said[..], [Said::Closed(LEADER), Said::Opened(LEADER)]),
        "{said:?}"
    );
}

#[test]
fn a_broker_that_stands_still_answers_when_it_goes_on() {
    let mut bench = Bench::new(1);
    let client = bench.open();
    bench.run(millis(100));
    bench.world.pause(LEADER);
    let asked = bench.produce(client, LEADER);
    bench.run(millis(500));
    assert!(bench.world.is_open(LEADER), "its kernel accepts");
    assert_eq!(bench.result(asked), None);
    bench.world.resume(LEADER);
    bench.listen();
    bench.run(millis(10));
    assert_eq!(bench.result(asked), Some(Ok(0)));
}

#[test]
fn what_cannot_be_replicated_waits_for_the_followers() {
    let mut bench = Bench::new(1);
    let client = bench.open();
    bench.run(millis(100));
    bench.world.isolate(LEADER);
    bench.world.isolate(LEADER);
    let asked = bench.produce(client, LEADER);
    bench.run(millis(500));
    assert_eq!(bench.result(asked), None);
    bench.world.reunite(LEADER);
    bench.run(Duration::from_secs(3));
    assert_eq!(bench.result(asked), Some(Ok(0)));
}

#[test]
fn answers_of_a_slow_broker_come_late() {
    let mut bench = Bench::new(1);
    let client = bench.open();
    bench.run(millis(100));
    bench.world.env.delays[Node(0)] = millis(50);
    let asked = bench.produce(client, Node(0));
    let sent = bench.world.env.now;
    bench.run(millis(100));
    let (at, _) = bench.answer(asked).expect("an answer");
    assert_eq!(at, sent + millis(50));
}

#[test]
fn nodes_are_given_again_when_their_broker_knows_of_their_end() {
    let mut bench = Bench::new(1);
    let (first, second) = (bench.open(), bench.open());
    bench.world.close(first, LEADER);
    assert_eq!(bench.open(), first);
    bench.world.pause(LEADER);
    bench.world.close(second, LEADER);
    let third = bench.open();
    assert_ne!(third, second, "the broker stands still");
    bench.world.resume(LEADER);
    assert_eq!(bench.open(), second);
    bench.world.pause(LEADER);
    bench.world.close(third, LEADER);
    bench.world.crash(LEADER);
    assert_eq!(bench.open(), third, "the broker is dead");
}

#[test]
fn nodes_are_not_given_again_where_what_came_from_them_is_observed() {
    let mut bench = Bench::new(1);
    bench.world.env.is_observed = true;
    let first = bench.open();
    bench.world.close(first, LEADER);
    assert_ne!(bench.open(), first);
}

#[test]
fn an_answer_does_not_reach_the_next_connection_of_its_node() {
    let mut bench = Bench::new(1);
    let client = bench.open();
    bench.run(millis(100));
    let asked = bench.produce(client, LEADER);
    bench.world.close(client, LEADER);
    assert_eq!(bench.open(), client);
    bench.run(millis(100));
    assert_eq!(bench.result(asked), None);
}
