//! A wrong handler and a right one: convicted and acquitted in under a second.

use plimsoll::{HandlerError, Message};
use plimsoll_testing::{Property, Trial};

#[test]
fn a_handler_that_writes_before_it_is_done_loses_nothing() {
    Trial::new("quick/member-killed")
        .process(|process| {
            let sink = process.sink();
            move |order: Message| {
                let sink = sink.clone();
                async move { sink.write(&order).await }
            }
        })
        .seeds(20)
        .run()
        .assert_held();
}

#[test]
fn a_handler_that_spawns_its_work_is_convicted() {
    let report = Trial::new("quick/member-killed")
        .process(|process| {
            let sink = process.sink();
            move |order: Message| {
                let sink = sink.clone();
                async move {
                    tokio::spawn(async move { sink.write(&order).await });
                    Ok::<(), HandlerError>(())
                }
            }
        })
        .run();
    let failure = report.assert_violated(Property::CommitCoversOnlyFinished);
    insta::assert_snapshot!(failure);
}
