//! The programs in Go of `examples/subjects`, without the proxy of a trial. They neither produce nor
//! reset offsets: krafka's program does so for them.

use crate::duties::Client;
use crate::krafka;
use crate::member::{Member, told};
use plimsoll_harness::go;
use plimsoll_serve::Served;
use std::process::Command;
use std::sync::LazyLock;

pub(crate) fn members_of_franz_go_do_all_duties() {
    does_all_duties(|cluster| member("franz-go-right", cluster));
}

pub(crate) fn members_of_sarama_do_all_duties() {
    does_all_duties(|cluster| member("sarama-mended", cluster));
}

fn does_all_duties(join: fn(&Served) -> Member) {
    let client = Client {
        join,
        ..krafka::CLIENT
    };
    client.does_all_duties();
}

fn member(program: &str, cluster: &Served) -> Member {
    let mut command = told(&format!("{}/{program}", *PROGRAMS), cluster);
    command
        .env("KAFKA_PARTITION_ASSIGNMENT_STRATEGY", "range")
        .env("KAFKA_HEARTBEAT_INTERVAL_MS", "500")
        .env("PLIMSOLL_COMMIT_INTERVAL_MS", "200");
    Member::that_calls(&mut command)
}

/// The folder with the programs, which are built once.
static PROGRAMS: LazyLock<String> = LazyLock::new(|| {
    let folder = concat!(env!("CARGO_TARGET_TMPDIR"), "/go/");
    let build = Command::new(go().expect("the test needs it"))
        .args(["build", "-C", "../examples/subjects", "-o", folder])
        .args(["./cmd/franz-go-right", "./cmd/sarama-mended"])
        .output()
        .expect("it starts");
    let told = String::from_utf8_lossy(&build.stderr);
    assert!(build.status.success(), "{told}");
    folder.to_owned()
});
