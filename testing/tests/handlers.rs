//! A wrong handler and a right one: convicted and acquitted in under a second.

mod wrong;

use plimsoll::{HandlerError, Message};
use plimsoll_testing::{Property, Trial, Tried};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::{Instant, timeout};

fn spawning() -> Trial<Tried> {
    wrong::spawning(Trial::from_toml(wrong::KILLED_AFTER_A_COMMIT))
}

/// The right one, for the wrong one below: it is done when its effect is there.
#[test]
fn a_handler_that_awaits_its_effect_is_acquitted() {
    Trial::from_toml(wrong::KILLED_AFTER_A_COMMIT)
        .process(|process| {
            let sink = process.sink();
            move |order: Message| {
                let sink = sink.clone();
                async move { sink.write(&order).await }
            }
        })
        .seeds(50)
        .run()
        .assert_held();
}

#[test]
fn a_handler_that_spawns_its_work_is_convicted() {
    let report = spawning().run();
    let failure = report.assert_violated(Property::NoLoss);
    insta::assert_snapshot!(failure);
}

/// What is told as smallest is a scenario that convicts the same handler again, and only it.
#[test]
fn the_scenario_of_a_failure_fails_again() {
    let report = spawning().run();
    let failure = report.assert_violated(Property::NoLoss);
    let again = wrong::spawning(Trial::from_toml(&failure.scenario().to_toml()));
    let again = again.unshrunk().run();
    assert_eq!(again.runs(), 1);
    assert_eq!(
        again.assert_violated(Property::NoLoss).seed(),
        failure.seed()
    );
}

/// It panics at the test, with all of it.
#[test]
#[should_panic(expected = "no-loss is violated in killed-after-a-commit, with seed ")]
fn an_assertion_tells_the_failure() {
    spawning().unshrunk().run().assert_held();
}

#[test]
fn a_handler_that_fails_for_good_has_dead_letters_and_loses_nothing() {
    let report = Trial::from_toml(DEAD_LETTERS)
        .handler(async |order: Message| match order.offset() % 5 {
            0 => Err(HandlerError::permanent("no such customer")),
            _ => Ok(()),
        })
        .seeds(10)
        .run();
    report.assert_held();
    assert!(report.held(Property::DeadLetterExact));
}

const DEAD_LETTERS: &str = r#"
    topics = [{ name = "orders" }]
    workload = { messages = 20, rate = "10/s" }
    consumers = { members = 1, dead_letters = true }
"#;

/// A timer beside a write fires in its time, although nothing else happens.
#[test]
fn a_write_that_takes_long_is_given_up_in_time() {
    let longest = Arc::new(Mutex::new(Duration::ZERO));
    let seen = Arc::clone(&longest);
    let trial = Trial::from_toml(SLOW_SINK).process(move |process| {
        let (sink, longest) = (process.sink(), Arc::clone(&seen));
        move |order: Message| {
            let (sink, longest) = (sink.clone(), Arc::clone(&longest));
            async move {
                let began = Instant::now();
                let written = timeout(Duration::from_millis(300), sink.write(&order)).await;
                let mut longest = longest.lock().unwrap();
                *longest = began.elapsed().max(*longest);
                written.map_err(|_| HandlerError::retryable("it takes long"))?
            }
        }
    });
    let report = trial.unshrunk().seeds(1).run();
    assert!(report.runs() == 1);
    let longest = *longest.lock().unwrap();
    assert!(longest <= Duration::from_millis(320), "{longest:?}");
    assert!(longest >= Duration::from_millis(300), "{longest:?}");
}

const SLOW_SINK: &str = r#"
    topics = [{ name = "orders" }]
    workload = { messages = 2, rate = "10/s" }
    consumers = { members = 1 }
    handler = { time = "1s..1100ms" }
"#;

/// A panic is a failure, and the message is tried again.
#[test]
fn a_handler_that_panics_at_first_loses_nothing() {
    Trial::from_toml(DEAD_LETTERS)
        .handler(async |order: Message| {
            assert!(order.offset() > 1 || order.attempt() > 1, "not yet");
            Ok::<(), HandlerError>(())
        })
        .seeds(3)
        .run()
        .assert_held();
}

#[test]
#[should_panic(expected = "proves nothing: no message was handled in its 0 runs")]
fn no_seed_is_no_proof() {
    let handler = async |_: Message| Ok::<(), HandlerError>(());
    Trial::from_toml(DEAD_LETTERS)
        .handler(handler)
        .seeds(0)
        .run()
        .assert_held();
}

#[test]
#[should_panic(expected = "Did you mean \"quick/member-killed\"?")]
fn a_misspelt_name_gets_the_nearest_one() {
    let _ = Trial::new("quick/member-kiled");
}
