//! What takes the place of a dead letter that is refused for good, which is librdkafka's alone.

use crate::cluster::{Member, Topic, wait_until};
use crate::dead_letters::{fails, noise};
use plimsoll::Message;
use std::sync::{Arc, Mutex};

/// The size of each dead letter, and that in its pointer.
type Sizes = Arc<Mutex<Vec<(usize, Option<String>)>>>;

pub(crate) async fn one_that_is_too_large_is_compressed_and_else_pointed_to() {
    let topic = Topic::create("large", 1).await;
    topic.create_small_dead_letters().await;
    topic.produce_one(&[b'x'; 5_000]).await;
    topic.produce_one(&noise()).await;
    let member = Member::start(topic.consumer().dead_letter_pointers(), fails);
    let sizes = Sizes::default();
    let found = Arc::clone(&sizes);
    let reader = topic
        .consumer_in(&topic.dead_letters(), [topic.dead_letters()])
        .without_dead_letters();
    let reader = Member::start(reader, move |message: Message| {
        let pointer = message.headers().find(|h| h.name == "plimsoll-pointer");
        let size = pointer.map(|h| String::from_utf8_lossy(h.value.unwrap()).into_owned());
        let value = message.payload().map_or(0, <[u8]>::len);
        found.lock().unwrap().push((value, size));
        async { Ok(()) }
    });
    assert!(wait_until(|| sizes.lock().unwrap().len() >= 2).await);
    reader.stop().await;
    member.stop().await;
    assert_eq!(topic.committed(1), [Some(2)]);
    let expected = [(5_000, None), (0, Some("5000".to_owned()))];
    assert_eq!(*sizes.lock().unwrap(), expected);
}

pub(crate) async fn one_that_is_refused_for_good_is_told_to_a_callback() {
    let topic = Topic::create("told", 1).await;
    topic.create_small_dead_letters().await;
    topic.produce_one(&noise()).await;
    let told = Arc::new(Mutex::new(None));
    let found = Arc::clone(&told);
    let consumer = topic.consumer().on_refused_letter(move |message| {
        let error = message.last_error().map(str::to_owned);
        *found.lock().unwrap() = Some((message.offset(), error));
        async { Ok(()) }
    });
    let member = Member::start(consumer, fails);
    assert!(wait_until(|| topic.committed(1) == [Some(1)]).await);
    member.stop().await;
    let expected = Some((0, Some("no order".to_owned())));
    assert_eq!(*told.lock().unwrap(), expected);
}
