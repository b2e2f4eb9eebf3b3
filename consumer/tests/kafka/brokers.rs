//! The brokers that tests run against.

use crate::{cluster, faults};
use plimsoll_harness::broker;
use plimsoll_serve::{Options, Served, serve};
use std::future::Future;
use std::sync::{Arc, LazyLock};

/// Runs a test against the broker that the environment names.
pub(crate) fn on_kafka<F: Future<Output = ()>>(test: impl FnOnce() -> F) {
    cluster::on_two_threads(&broker().expect("the test needs it"), test);
}

/// Runs a test against brokers of the simulator, which all tests share.
pub(crate) fn on_served_brokers<F: Future<Output = ()>>(test: impl FnOnce() -> F) {
    static SERVED: LazyLock<Served> =
        LazyLock::new(|| serve(Options::default()).expect("there are free ports"));
    cluster::on_two_threads(&SERVED.bootstrap(), test);
}

/// Runs a test against brokers of its own, which it gets.
pub(crate) fn on_faulty_brokers<F: Future<Output = ()>>(test: impl FnOnce(Arc<Served>) -> F) {
    let brokers = Arc::new(faults::two_brokers());
    cluster::on_two_threads(&brokers.bootstrap(), || test(Arc::clone(&brokers)));
}
