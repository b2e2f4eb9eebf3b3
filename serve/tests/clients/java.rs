//! Kafka's own clients and tools, where Java and the jars of the image are on the machine.

use crate::duties::{Client, GROUP, PARTITIONS, TOPIC};
use crate::member::{Member, Record};
use plimsoll_harness::Need;
use plimsoll_serve::{Options, Served, serve};
use serde_json::Value;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Java, and the jars from which the image for tests was built (`chaos/image/build`).
pub(crate) static TOOLS: Need = Need::new(|| {
    let jars = jars().is_dir();
    let java = Command::new("java").arg("-version").output();
    match jars && java.is_ok_and(|output| output.status.success()) {
        true => Ok(()),
        false => Err("Java or the jars of the Kafka image are missing".into()),
    }
});

fn jars() -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache");
    let cache = cache.unwrap_or_else(home);
    cache.join("plimsoll/kafka-image/libs")
}

/// Makes the command of one of Kafka's tools.
fn command(cluster: &Served, class: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new("java");
    command
        .args(["-Xmx128m", "-XX:TieredStopAtLevel=1", "-cp"])
        .arg(jars().join("*"))
        .arg(format!("org.apache.kafka.tools.{class}"))
        .args(["--bootstrap-server", &cluster.bootstrap()])
        .args(arguments);
    command
}

/// Runs one of Kafka's tools, and returns what it prints.
fn tool(cluster: &Served, class: &str, arguments: &[&str], input: &str) -> String {
    let mut child = command(cluster, class, arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("Java starts");
    let mut stdin = child.stdin.take().expect("it is piped");
    stdin.write_all(input.as_bytes()).expect("it is read");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{class} {arguments:?}: {stderr}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Runs the tool for groups.
fn groups(cluster: &Served, arguments: &[&str]) -> String {
    let arguments = [&["--group", GROUP][..], arguments].concat();
    let class = "consumer.group.ConsumerGroupCommand";
    tool(cluster, class, &arguments, "")
}

/// What lets a group begin anew.
const RESET: [&str; 5] = [
    "--reset-offsets",
    "--to-earliest",
    "--topic",
    TOPIC,
    "--execute",
];

pub(crate) fn kafkas_tools_produce_consume_describe_and_reset() {
    let mut options = Options::default();
    options.cluster.brokers = 3;
    let cluster = serve(options).expect("there are free ports");
    let topics = |arguments: &[&str]| tool(&cluster, "TopicCommand", arguments, "");
    topics(&["--create", "--topic", "t", "--partitions", "3"]);
    let described = topics(&["--describe", "--topic", "t"]);
    assert!(described.contains("ReplicationFactor: 3"), "{described}");
    let records: String = (0..20).map(|number| format!("{number}\n")).collect();
    tool(&cluster, "ConsoleProducer", &["--topic", "t"], &records);
    let consume = || {
        let from = ["--topic", "t", "--group", "g", "--from-beginning"];
        let arguments = [
            &from[..],
            &["--max-messages", "20", "--timeout-ms", "30000"],
        ]
        .concat();
        let read = tool(&cluster, "consumer.ConsoleConsumer", &arguments, "");
        let mut read: Vec<u32> = read.lines().filter_map(|line| line.parse().ok()).collect();
        read.sort();
        read
    };
    assert_eq!(consume(), (0..20).collect::<Vec<_>>());
    let lag = |described: &str| -> Vec<u64> {
        let lines = described.lines().filter(|line| line.starts_with("g "));
        let field = |line: &str| line.split_whitespace().nth(5)?.parse().ok();
        lines.filter_map(field).collect()
    };
    assert_eq!(
        lag(&groups(&cluster, &["--describe"])).iter().sum::<u64>(),
        0
    );
    groups(&cluster, &RESET);
    assert_eq!(
        lag(&groups(&cluster, &["--describe"])).iter().sum::<u64>(),
        20
    );
    assert_eq!(consume(), (0..20).collect::<Vec<_>>(), "from the reset on");
}

/// Kafka's own clients: all duties. A member is a `VerifiableConsumer`, which commits what it has
/// read.
const CLIENT: Client = Client {
    create: |cluster| {
        let partitions = PARTITIONS.to_string();
        let create = ["--create", "--topic", TOPIC, "--partitions", &partitions];
        tool(cluster, "TopicCommand", &create, "");
    },
    produce: |cluster, count| {
        let records: String = (0..count).map(|key| format!("{key}:a record\n")).collect();
        let read = [
            "--reader-property",
            "parse.key=true",
            "--reader-property",
            "key.separator=:",
        ];
        let arguments = [&["--topic", TOPIC][..], &read].concat();
        tool(cluster, "ConsoleProducer", &arguments, &records);
    },
    join: |cluster| {
        let arguments = ["--topic", TOPIC, "--group-id", GROUP, "--verbose"];
        Member::that_prints(
            &mut command(cluster, "VerifiableConsumer", &arguments),
            record,
        )
    },
    reset: |cluster| drop(groups(cluster, &RESET)),
};

/// Reads a line in which a member tells of a record.
fn record(line: &str) -> Option<Record> {
    let said: Value = serde_json::from_str(line).ok()?;
    let is_record = said["name"] == "record_data";
    is_record.then(|| serde_json::from_value(said).expect("a partition and an offset"))
}

pub(crate) fn javas_members_do_all_duties() {
    CLIENT.does_all_duties();
}
