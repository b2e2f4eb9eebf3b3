//! The parts of the harness on real Kafka: brokers in containers, and the broker that
//! `PLIMSOLL_TEST_BOOTSTRAP` names, as `HOST:PORT`. Without them, the tests are ignored.

use plimsoll_chaos::engine_for_tests;
use plimsoll_chaos::kafka_tests::{admin, cluster, proxy};
use plimsoll_harness::{BROKER, Need, broker, engine, run_side_by_side, tests};
use std::env;
use std::future::Future;
use std::process::ExitCode;

/// A container engine with an image of Kafka.
static ENGINE: Need = engine(engine_for_tests);

fn main() -> ExitCode {
    if env::var_os(cluster::LEFT_ALONE).is_some() {
        on_threads(cluster::a_run_that_is_left_alone);
        return ExitCode::SUCCESS;
    }
    // The longest first.
    let with_engine = tests!([&ENGINE] by on_threads:
        cluster::brokers_come_back_from_every_fault,
        admin::asks_real_brokers,
        cluster::a_cluster_that_is_attached_to_cannot_be_broken,
        cluster::what_a_killed_run_left_is_removed_by_the_next,
    );
    let with_broker = tests!([&BROKER] by on_broker:
        proxy::a_consumer_is_seen_and_broken,
        proxy::a_client_of_the_future_falls_back,
    );
    // Tests wait more than they work.
    run_side_by_side(4, with_engine.into_iter().chain(with_broker))
}

/// Runs a test on the broker that the environment names.
fn on_broker<F: Future<Output = ()>>(test: impl FnOnce(String) -> F) {
    let broker = broker().expect("the test needs it");
    on_threads(|| test(broker));
}

/// Runs a test on a runtime of its own.
fn on_threads<F: Future<Output = ()>>(test: impl FnOnce() -> F) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    runtime.expect("threads").block_on(test());
}
