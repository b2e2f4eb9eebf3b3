//! Handlers that keep state, and take their time.

mod wrong;

use plimsoll::{HandlerError, Message};
use plimsoll_testing::{Property, Sink, Store, Trial, Tried};
use std::time::Duration;

type Seen = Store<(u32, u64), ()>;

/// When a handler that does nothing twice notes what it has done.
#[derive(Clone, Copy)]
enum Notes {
    /// Once the effect is there.
    Afterwards,
    /// Before the effect.
    Before,
}

fn deduplicating(notes: Notes) -> Trial<Tried> {
    Trial::new("quick/member-killed")
        .process(move |process| {
            let (sink, seen): (Sink, Seen) = (process.sink(), process.store("seen"));
            move |order: Message| handle(order, sink.clone(), seen.clone(), notes)
        })
        .seeds(50)
}

async fn handle(order: Message, sink: Sink, seen: Seen, notes: Notes) -> Result<(), HandlerError> {
    let id = (order.partition(), order.offset());
    if seen.contains(&id).await {
        return Ok(());
    }
    match notes {
        Notes::Afterwards => {
            sink.write(&order).await?;
            seen.insert(id, ()).await;
        }
        Notes::Before => {
            seen.insert(id, ()).await;
            sink.write(&order).await?;
        }
    }
    Ok(())
}

#[test]
fn what_is_noted_after_its_effect_is_not_lost() {
    deduplicating(Notes::Afterwards).run().assert_held();
}

/// The process dies between the note and the effect, and its successor believes the note.
#[test]
fn what_is_noted_before_its_effect_is_lost() {
    let report = deduplicating(Notes::Before).run();
    report.assert_violated(Property::NoLoss);
}

/// What the process made died with it: after a crash, no note keeps the effect from coming.
#[test]
fn notes_in_memory_die_with_the_process() {
    Trial::new("quick/member-killed")
        .process(|process| {
            let (sink, seen) = (process.sink(), Seen::new());
            move |order: Message| handle(order, sink.clone(), seen.clone(), Notes::Before)
        })
        .seeds(50)
        .run()
        .assert_held();
}

/// A filter says so: else what it leaves out would be lost.
#[test]
fn what_needs_no_effect_is_skipped() {
    let filter = |skips: bool| {
        let trial = Trial::new("quick/member-killed").process(move |process| {
            let sink = process.sink();
            move |order: Message| {
                let sink = sink.clone();
                async move {
                    match (order.offset() % 2, skips) {
                        (0, _) => sink.write(&order).await?,
                        (_, true) => sink.skip(&order),
                        (_, false) => {}
                    }
                    Ok::<(), HandlerError>(())
                }
            }
        });
        trial.seeds(10).unshrunk().run()
    };
    filter(true).assert_held();
    filter(false).assert_violated(Property::NoLoss);
}

/// Time in a handler is simulated: hours of it pass in no time, and count.
#[test]
fn a_handler_that_sleeps_takes_simulated_time() {
    let report = Trial::from_toml(
        r#"
        topics = [{ name = "orders" }]
        workload = { messages = 5, rate = "1/s" }
        consumers = { members = 1, ordering = "partition" }
    "#,
    )
    .handler(async |_: Message| {
        let begun = tokio::time::Instant::now();
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert!(begun.elapsed() >= Duration::from_secs(2));
        Ok::<(), HandlerError>(())
    })
    .seeds(3)
    .run();
    report.assert_held();
}

/// The same seed gives the same run, whatever ran before.
#[test]
fn equal_seeds_give_equal_traces() {
    let all = deduplicating(Notes::Afterwards).seeds(6).run();
    let one = deduplicating(Notes::Afterwards).seed(5).run();
    assert_eq!(all.fingerprints()[5..], *one.fingerprints());
    assert_ne!(all.fingerprints()[4..5], *one.fingerprints());
    let [first, second] =
        [0, 1].map(|_| wrong::spawning(Trial::from_toml(wrong::KILLED_AFTER_A_COMMIT)).run());
    assert_eq!(first.fingerprints(), second.fingerprints());
    let told = |report: &plimsoll_testing::Report| report.failure().map(ToString::to_string);
    assert_eq!(told(&first), told(&second));
}

#[test]
#[should_panic(expected = "the store \"seen\" holds other types")]
fn a_store_of_other_types_is_refused() {
    let trial = Trial::new("quick/member-killed").process(|process| {
        let _: Store<u32, u32> = process.store("seen");
        let _: Store<u32, String> = process.store("seen");
        async |_: Message| Ok::<(), HandlerError>(())
    });
    trial.seeds(1).run().assert_held();
}
