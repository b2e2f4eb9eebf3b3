//! The consumer, and bare clients of librdkafka, against brokers over TCP: those of the simulator,
//! and a real one, which `PLIMSOLL_TEST_BOOTSTRAP` names, as `HOST:PORT`. Without it, the tests
//! against that are ignored.

mod bare;
mod brokers;
mod bytes;
mod cluster;
mod dead_letters;
mod epochs;
mod faults;
mod gauges;
mod letters;
mod log_ends;
mod losses;
mod members;
mod mixed;
mod odd_batches;
mod positions;
#[path = "../recorder/mod.rs"]
mod recorder;
#[path = "../../../access/tests/secure/mod.rs"]
mod secure;
mod secured;
mod stops;
mod subject;
#[macro_use]
mod suite;
mod topics;

use plimsoll_harness::{BROKER, run_side_by_side, tests};
use std::process::ExitCode;

/// Lists the tests; what they need, and what runs them.
macro_rules! suite {
    ($needs:tt by $run:path) => {
        of_every_client!($needs by $run).into_iter().chain(tests!($needs by $run:
            bare::loops_share_go_on_from_commits_and_go_back_where_offsets_are_reset,
            letters::one_that_is_too_large_is_compressed_and_else_pointed_to,
            letters::one_that_is_refused_for_good_is_told_to_a_callback,
            mixed::each_member_of_a_group_gets_what_it_subscribed_to,
        ))
    };
}

fn main() -> ExitCode {
    let served = suite!((Vec::new()) by brokers::on_served_brokers);
    let faulty = tests!([] by brokers::on_faulty_brokers:
        log_ends::no_leader_is_asked_for_an_end_that_fetches_tell,
        losses::a_member_that_is_let_go_while_it_drains_stops_its_handlers,
    );
    let faulty = of_every_client_over_faults!().into_iter().chain(faulty);
    let has_tls = cfg!(any(feature = "ssl", feature = "ssl-vendored"));
    let secured = has_tls.then(|| {
        tests!([] by brokers::on_faulty_brokers:
            secured::brokers_are_reached_with_tls_and_a_password,
        )
    });
    let faulty = faulty.chain(secured.into_iter().flatten());
    let served = served.chain(faulty).map(|test| test.within("served"));
    // Tests wait more than they work.
    let kafka = suite!([&BROKER] by brokers::on_kafka).chain(of_every_client_on_kafka!());
    run_side_by_side(8, served.chain(kafka))
}
