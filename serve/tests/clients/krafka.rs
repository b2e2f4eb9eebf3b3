//! krafka, a client in pure Rust, by the program in `serve/tests/krafka`. It wants a newer Rust than
//! this workspace, and many crates that nothing else here needs: so it is built on demand.

use crate::duties::{Client, PARTITIONS};
use crate::member::{Member, Record, told};
use plimsoll_harness::Need;
use plimsoll_serve::Served;
use std::process::Command;

/// The program, built once.
pub(crate) static PROGRAM: Need = Need::new(|| {
    let cargo = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO"))
            .args(arguments)
            .args(["--locked", "--manifest-path", MANIFEST])
            .output()
            .expect("Cargo starts");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        match output.status.success() {
            true => Ok(()),
            false => Err(told),
        }
    };
    let missing = |told: String| format!("krafka is missing: {}", told.trim());
    cargo(&["fetch"]).map_err(missing)?;
    match cargo(&["build", "--target-dir", FOLDER]) {
        Err(told) if told.contains("requires rustc") => Err(missing(told)),
        Err(told) => panic!("{told}"),
        Ok(()) => Ok(()),
    }
});

const MANIFEST: &str = "tests/krafka/Cargo.toml";
const FOLDER: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/krafka");

/// krafka: all duties.
pub(crate) const CLIENT: Client = Client {
    create: |cluster| tool(cluster, "create", PARTITIONS as usize),
    produce: |cluster, count| tool(cluster, "produce", count),
    join: |cluster| Member::that_prints(command(cluster).arg("consume"), record),
    reset: |cluster| tool(cluster, "reset", PARTITIONS as usize),
};

pub(crate) fn members_do_all_duties() {
    CLIENT.does_all_duties();
}

/// Runs the program to its end.
fn tool(cluster: &Served, what: &str, number: usize) {
    let mut command = command(cluster);
    let output = command.arg(what).arg(number.to_string()).output();
    let output = output.expect("it starts");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{what} {number}: {told}");
}

fn command(cluster: &Served) -> Command {
    told(&format!("{FOLDER}/debug/krafka-client"), cluster)
}

/// Reads a line: a partition and an offset.
fn record(line: &str) -> Option<Record> {
    let (partition, offset) = line.split_once(' ')?;
    Some(Record {
        partition: partition.parse().ok()?,
        offset: offset.parse().ok()?,
    })
}
