//! Brokers that do not let a client in.

use crate::cluster::{Handled, Member, Topic};
use crate::secure::{PASSWORD, file};
use crate::secured::Ports;
use plimsoll_serve::Served;
use std::sync::Arc;
use std::time::Duration;

pub(crate) async fn a_refusal_ends_a_member_that_has_not_begun(cluster: Arc<Served>) {
    let ports = Ports::before(&cluster).await;
    let topic = Topic::create("refused", 1).await;
    let wrong = ports.consumer(&topic, "SCRAM-SHA-256", "guess");
    let untrusted = ports.consumer(&topic, "PLAIN", PASSWORD);
    let untrusted = untrusted.set("ssl.ca.location", file("another.pem"));
    for (consumer, said) in [
        (wrong, "a wrong name or password?"),
        (untrusted, "trust its issuer with `ssl.ca.location`"),
    ] {
        let member = Member::start(consumer, Handled::default().handler(Duration::ZERO));
        let error = member.end().await.expect_err("it is refused").to_string();
        assert!(error.contains(said), "{error}");
    }
}
