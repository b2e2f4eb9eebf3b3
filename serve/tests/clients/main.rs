//! Unmodified clients of several houses against a served cluster: each produces, shares partitions
//! between two members, goes on from what was committed, and goes back where offsets are reset.
//! Clients of librdkafka do so in the tests of `consumer`.

mod duties;
mod go;
mod java;
mod krafka;
mod member;

use plimsoll_harness::{GO, run, tests};
use std::process::ExitCode;

fn main() -> ExitCode {
    let java = tests!([&java::TOOLS]:
        java::kafkas_tools_produce_consume_describe_and_reset,
        java::javas_members_do_all_duties,
    );
    let krafka = tests!([&krafka::PROGRAM]: krafka::members_do_all_duties);
    let go = tests!([&GO, &krafka::PROGRAM]:
        go::members_of_franz_go_do_all_duties,
        go::members_of_sarama_do_all_duties,
    );
    run(java.into_iter().chain(krafka).chain(go))
}
