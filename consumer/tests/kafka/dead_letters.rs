//! Messages that cannot be handled.

use crate::cluster::{Handled, Member, Topic, number, wait_until};
use crate::gauges;
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
    let reader = topic
        .consumer_in(&topic.dead_letters(), [topic.dead_letters()])
        .without_dead_letters();
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

/// Returns 5,000 bytes that do not become smaller by compression.
pub(crate) fn noise() -> Vec<u8> {
    let mut state = 7_u64;
    let next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 56) as u8
    };
    std::iter::repeat_with(next).take(5_000).collect()
}

/// Fails for good.
pub(crate) async fn fails(_: Message) -> Result<(), HandlerError> {
    Err(HandlerError::permanent("no order"))
}

pub(crate) async fn one_that_is_refused_for_good_goes_on_once_it_is_taken() {
    let topic = Topic::create("enlarged", 1).await;
    topic.create_small_dead_letters().await;
    topic.produce_one(&noise()).await;
    gauges::watch();
    let member = Member::start(topic.consumer(), fails);
    let refused = || gauges::value("plimsoll_dead_letters_refused", &topic.name);
    assert!(wait_until(|| refused() == Some(1.0)).await);
    assert!(topic.committed(1) != [Some(1)], "it is not written");
    topic.enlarge_dead_letters().await;
    assert!(wait_until(|| topic.committed(1) == [Some(1)]).await);
    member.stop().await;
    assert_eq!(refused(), Some(0.0));
}
