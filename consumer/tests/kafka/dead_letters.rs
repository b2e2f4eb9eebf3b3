//! Messages that cannot be handled.

use crate::cluster::{Handled, Member, Topic, number, wait_until};
use plimsoll::{HandlerError, Message};
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub(crate) async fn messages_that_fail_for_good_are_dead_lettered_and_the_rest_goes_on() {
    let topic = Topic::create("poison", 1).await;
    topic.produce(0..20, |_| 0).await;
    let handled = Handled::default();
    let noted = handled.clone();
    let handler = move |message: Message| {
        let noted = noted.clone();
        async move {
            match number(&message) {
                3 => Err(HandlerError::permanent("no such order")),
                7 => Err(HandlerError::retryable("always busy")),
                _ => {
                    noted.note(&message);
                    Ok(())
                }
            }
        }
    };
    let consumer = topic.consumer().attempts(2);
    let member = Member::start(consumer, handler);
    handled.wait_for(18).await;

    type Letter = (u32, Vec<(String, String)>);
    let letters: Arc<Mutex<Vec<Letter>>> = Arc::default();
    let found = Arc::clone(&letters);
    let read = move |message: Message| {
        let headers = message.headers().map(|header| {
            let value = String::from_utf8_lossy(header.value.unwrap_or_default());
            (header.name.to_owned(), value.into_owned())
        });
        found
            .lock()
            .unwrap()
            .push((number(&message), headers.collect()));
        async { Ok(()) }
    };
    let dead_letter_topic = format!("{}.dead-letters", topic.name);
    let reader = topic
        .consumer_of([dead_letter_topic])
        .without_dead_letters();
    // In the same group, with another topic: each member gets what it subscribed to.
    let reader = Member::start(reader, read);
    assert!(wait_until(|| letters.lock().unwrap().len() >= 2).await);
    reader.stop().await;
    member.stop().await;

    assert_eq!(topic.committed(1), [Some(20)]);
    let mut letters = letters.lock().unwrap().clone();
    letters.sort();
    letters.dedup();
    let headers = |offset: &str, error: &str, attempts: &str| {
        let topic = topic.name.clone();
        [
            ("plimsoll-topic", topic.as_str()),
            ("plimsoll-partition", "0"),
            ("plimsoll-offset", offset),
            ("plimsoll-error", error),
            ("plimsoll-attempts", attempts),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    };
    let expected = [
        (3, headers("3", "no such order", "1")),
        (7, headers("7", "always busy", "2")),
    ];
    assert_eq!(letters, expected);
}

pub(crate) async fn a_failure_holds_up_only_its_partition() {
    let topic = Topic::create("hold", 2).await;
    topic.produce(0..20, |n| (n % 2) as i32).await;
    let handled = Handled::default();
    let noted = handled.clone();
    let handler = move |message: Message| {
        let noted = noted.clone();
        async move {
            if number(&message) == 4 {
                return Err(HandlerError::retryable("never"));
            }
            noted.note(&message);
            Ok(())
        }
    };
    let member = Member::start(topic.consumer().without_dead_letters(), handler);
    handled.wait_for(12).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    member.stop().await;
    let numbers = handled.numbers();
    assert_eq!(numbers, [0, 1, 2, 3, 5, 7, 9, 11, 13, 15, 17, 19]);
    assert_eq!(topic.committed(2), [Some(2), Some(10)]);
}
