//! The producer's messages.

use super::plain::Records;
use super::*;
use crate::accumulator::{Accumulator, Action, Continuation, Settings, Ticket};
use plimsoll_core::Offset;
use plimsoll_protocol::Acks;

struct Bench {
    view: View,
    accumulator: Accumulator<Plain>,
}

impl Bench {
    fn new(view: View, acks: Acks) -> Self {
        let settings = Settings {
            acks,
            idempotence: true,
            delivery_timeout: ms(120_000),
            request_timeout: ms(30_000),
            retry_backoff: ms(100),
        };
        let accumulator = Accumulator::new(Plain, settings, view.topology.len());
        Self { view, accumulator }
    }

    fn add(&mut self, now: Instant, id: u32) {
        let batch = Records {
            count: 1,
            payload: id,
            sequence: None,
        };
        let (metadata, connections) = (&self.view.metadata, &self.view.connections);
        self.accumulator
            .add(now, metadata, connections, P0, Ticket(id), batch);
    }

    fn answer(&mut self, now: Instant, id: u32, answer: Result<Offset, Failure>) {
        let (metadata, connections) = (&self.view.metadata, &self.view.connections);
        self.accumulator
            .handle_answer(now, metadata, connections, P0, Ticket(id), answer);
    }

    fn timeout(&mut self, now: Instant) {
        let (metadata, connections) = (&self.view.metadata, &self.view.connections);
        self.accumulator.handle_timeout(now, metadata, connections);
    }

    /// Returns the actions as text; requests as their messages with their sequences.
    fn actions(&mut self) -> Vec<String> {
        let actions = std::iter::from_fn(|| self.accumulator.poll_action());
        let actions = actions.map(|action| match action {
            Action::Ask(Ask { request, then, .. }) => {
                let Request::Produce { batch, .. } = request else {
                    panic!("{request:?}");
                };
                assert_eq!(then, Continuation::Produce(P0, Ticket(batch.payload)));
                format!("{} as {:?}", batch.payload, batch.sequence)
            }
            Action::Say(to, _) => format!("say {}", to.0),
            other => format!("{other:?}"),
        });
        actions.collect()
    }
}

#[test]
fn what_follows_a_failure_waits_until_all_in_flight_are_back() {
    let mut bench = Bench::new(knowledge(), Acks::All);
    bench.add(NOW, 1);
    bench.add(NOW, 2);
    assert_eq!(bench.actions(), ["1 as Some(0)", "2 as Some(1)"]);
    bench.answer(NOW, 1, Err(Failure::Lost));
    bench.add(NOW, 3);
    assert_eq!(bench.actions(), ["RefreshMetadata"]);
    let resume = bench.accumulator.poll_timeout();
    bench.timeout(resume);
    assert_eq!(bench.actions(), [""; 0], "2 is in flight still");
    bench.answer(resume, 2, Err(Failure::Lost));
    bench.actions();
    bench.timeout(bench.accumulator.poll_timeout());
    let again = ["1 as Some(0)", "2 as Some(1)", "3 as Some(2)"];
    assert_eq!(bench.actions(), again);
}

#[test]
fn a_leader_that_cannot_be_reached_is_waited_for_until_there_is_news() {
    let mut bench = Bench::new(knowledge(), Acks::All);
    bench
        .view
        .connections
        .handle_broken(NOW, Node(0), Channels::ALL);
    bench.add(NOW, 1);
    assert_eq!(bench.actions(), ["RefreshMetadata"]);
    assert_eq!(bench.accumulator.poll_timeout(), NOW + ms(100));
    let news = vec![info(P0, 1, 1)];
    bench.view.metadata.handle_answer(NOW, Ok(told_of(news)));
    let (metadata, connections) = (&bench.view.metadata, &bench.view.connections);
    bench
        .accumulator
        .handle_metadata(NOW, metadata, connections);
    assert_eq!(bench.actions(), ["1 as Some(0)"]);
}

#[test]
fn without_acknowledgements_a_broken_connection_is_the_only_news() {
    for (acks, said, follows) in [
        (Acks::None, "say 0", vec!["RefreshMetadata"]),
        (Acks::Leader, "1 as None", vec![]),
    ] {
        let mut bench = Bench::new(knowledge(), acks);
        bench.add(NOW, 1);
        assert_eq!(bench.actions(), [said]);
        assert_eq!(bench.accumulator.is_done(), acks == Acks::None);
        bench.accumulator.handle_disconnected();
        assert_eq!(bench.actions(), follows, "{acks:?}");
    }
}

#[test]
fn an_acknowledgement_after_the_delivery_timeout_is_ignored() {
    let mut bench = Bench::new(knowledge(), Acks::All);
    bench.add(NOW, 1);
    bench.actions();
    bench.timeout(bench.accumulator.poll_timeout());
    assert_eq!(bench.actions(), ["GiveUp(Ticket(1))"]);
    assert!(bench.accumulator.is_done());
    bench.answer(NOW + ms(200_000), 1, Ok(Offset::new(0)));
    assert_eq!(bench.actions(), [""; 0]);
}
