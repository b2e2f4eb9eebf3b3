//! What every client has to show under the driver, shown by this one: against brokers of the
//! simulator over TCP, and a real one, which `PLIMSOLL_TEST_BOOTSTRAP` names, as `HOST:PORT`.
//! Without it, the tests against that are ignored.

#[path = "../../../consumer/tests/kafka/brokers.rs"]
mod brokers;
#[path = "../../../consumer/tests/kafka/bytes.rs"]
mod bytes;
#[path = "../../../consumer/tests/kafka/cluster.rs"]
mod cluster;
#[path = "../../../consumer/tests/kafka/dead_letters.rs"]
mod dead_letters;
#[path = "../../../consumer/tests/kafka/epochs.rs"]
mod epochs;
#[path = "../../../consumer/tests/kafka/faults.rs"]
mod faults;
#[path = "../../../consumer/tests/kafka/gauges.rs"]
mod gauges;
#[path = "../../../consumer/tests/kafka/members.rs"]
mod members;
#[path = "../../../consumer/tests/kafka/odd_batches.rs"]
mod odd_batches;
#[path = "../../../consumer/tests/kafka/positions.rs"]
mod positions;
#[path = "../../../consumer/tests/recorder/mod.rs"]
mod recorder;
mod refusals;
#[path = "../../../access/tests/secure/mod.rs"]
mod secure;
#[path = "../../../consumer/tests/kafka/secured.rs"]
mod secured;
#[path = "../../../consumer/tests/kafka/stops.rs"]
mod stops;
mod subject;
#[path = "../../../consumer/tests/kafka/suite.rs"]
#[macro_use]
mod suite;
#[path = "../../../consumer/tests/kafka/topics.rs"]
mod topics;

use plimsoll_harness::{BROKER, run_side_by_side, tests};
use std::process::ExitCode;

fn main() -> ExitCode {
    let served = of_every_client!((Vec::new()) by brokers::on_served_brokers);
    let secured = tests!([] by brokers::on_faulty_brokers:
        secured::brokers_are_reached_with_tls_and_a_password,
        refusals::a_refusal_ends_a_member_that_has_not_begun,
    );
    let faulty = of_every_client_over_faults!().into_iter().chain(secured);
    let served = served.into_iter().chain(faulty);
    let served = served.map(|test| test.within("served"));
    let kafka = of_every_client!([&BROKER] by brokers::on_kafka).into_iter();
    let kafka = kafka.chain(of_every_client_on_kafka!());
    // Tests wait more than they work.
    run_side_by_side(8, served.chain(kafka))
}
