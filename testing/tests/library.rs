//! Right handlers keep every promise in every scenario of the library.

use plimsoll::{HandlerError, Message};
use plimsoll_scenarios::LIBRARY;
use plimsoll_testing::{Trial, Tried};
use std::time::Duration;

const SEEDS: u64 = 2;

fn assert_acquitted(tried: impl Fn(Trial) -> Trial<Tried>) {
    for (name, _) in LIBRARY {
        let report = tried(Trial::new(name)).seeds(SEEDS).run();
        if let Some(failure) = report.failure() {
            panic!("{failure}");
        }
    }
}

#[test]
fn a_handler_whose_effect_is_its_end() {
    assert_acquitted(|trial| trial.handler(async |_: Message| Ok::<(), HandlerError>(())));
}

#[test]
fn a_handler_that_works_before_it_writes() {
    assert_acquitted(|trial| {
        trial.process(|process| {
            let sink = process.sink();
            move |order: Message| {
                let sink = sink.clone();
                async move {
                    tokio::time::sleep(Duration::from_millis(2)).await;
                    sink.write(&order).await
                }
            }
        })
    });
}
