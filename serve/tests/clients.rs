//! Unmodified clients against a served cluster: Kafka's own tools, where Java and the jars of the
//! image are on the machine.

use plimsoll_harness::{Need, run, tests};
use plimsoll_serve::{Options, Served, serve};
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

/// Java, and the jars from which the image for tests was built (`chaos/image/build`).
static TOOLS: Need = Need::new(|| {
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

fn main() -> ExitCode {
    run(tests!([&TOOLS]:
        kafkas_tools_produce_consume_describe_and_reset,
        javas_members_share_partitions_and_go_on_from_commits,
    ))
}

/// Starts one of Kafka's tools.
fn start(cluster: &Served, class: &str, arguments: &[&str]) -> Child {
    Command::new("java")
        .args(["-Xmx128m", "-XX:TieredStopAtLevel=1", "-cp"])
        .arg(jars().join("*"))
        .arg(format!("org.apache.kafka.tools.{class}"))
        .args(["--bootstrap-server", &cluster.bootstrap()])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("Java starts")
}

/// Runs one of Kafka's tools, and returns what it prints.
fn tool(cluster: &Served, class: &str, arguments: &[&str], input: &str) -> String {
    let mut child = start(cluster, class, arguments);
    let mut stdin = child.stdin.take().expect("it is piped");
    stdin.write_all(input.as_bytes()).expect("it is read");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{class} {arguments:?}: {stderr}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn kafkas_tools_produce_consume_describe_and_reset() {
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
    let groups = |arguments: &[&str]| {
        let arguments = [&["--group", "g"][..], arguments].concat();
        tool(
            &cluster,
            "consumer.group.ConsumerGroupCommand",
            &arguments,
            "",
        )
    };
    let lag = |described: &str| -> Vec<u64> {
        let lines = described.lines().filter(|line| line.starts_with("g "));
        let field = |line: &str| line.split_whitespace().nth(5)?.parse().ok();
        lines.filter_map(field).collect()
    };
    assert_eq!(lag(&groups(&["--describe"])).iter().sum::<u64>(), 0);
    groups(&[
        "--reset-offsets",
        "--to-earliest",
        "--topic",
        "t",
        "--execute",
    ]);
    assert_eq!(lag(&groups(&["--describe"])).iter().sum::<u64>(), 20);
    assert_eq!(consume(), (0..20).collect::<Vec<_>>(), "from the reset on");
}

/// A member of a group: Kafka's `VerifiableConsumer`, which commits what it has read.
struct Member {
    process: Child,
    /// What it says, an object a line.
    said: Receiver<Value>,
}

impl Member {
    fn start(cluster: &Served) -> Self {
        let arguments = ["--topic", "t", "--group-id", "g"];
        let mut process = start(cluster, "VerifiableConsumer", &arguments);
        let stdout = process.stdout.take().expect("it is piped");
        let (sender, said) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let _ = serde_json::from_str(&line).map(|line| sender.send(line));
            }
        });
        Self { process, said }
    }

    /// Waits until it says something with this name.
    fn says(&self, name: &str) -> Value {
        let within = Duration::from_secs(60);
        loop {
            let said = self.said.recv_timeout(within);
            let said = said.unwrap_or_else(|_| panic!("it does not say {name}"));
            if said["name"] == name {
                return said;
            }
        }
    }

    /// Waits until it has this number of partitions.
    fn has(&self, partitions: usize) {
        while self.says("partitions_assigned")["partitions"]
            .as_array()
            .map(Vec::len)
            != Some(partitions)
        {}
    }

    /// Reads until it has read this number of records, and committed them.
    fn reads(&self, records: u64) {
        let mut read = 0;
        while read < records {
            read += self.says("records_consumed")["count"]
                .as_u64()
                .expect("a number");
        }
        assert_eq!(read, records);
        assert_eq!(self.says("offsets_committed")["success"], true);
    }

    /// Asks it to stop; it leaves its group.
    fn stop(mut self) {
        let id = self.process.id().to_string();
        let kill = Command::new("kill")
            .arg(id)
            .status()
            .expect("there is a kill");
        assert!(kill.success());
        self.says("shutdown_complete");
        self.process.wait().expect("it ends");
    }
}

/// A test that fails leaves no process behind.
impl Drop for Member {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn javas_members_share_partitions_and_go_on_from_commits() {
    let mut options = Options::default();
    options.cluster.brokers = 3;
    let cluster = serve(options).expect("there are free ports");
    let create = ["--create", "--topic", "t", "--partitions", "4"];
    tool(&cluster, "TopicCommand", &create, "");
    let produce = |count: u32| {
        let records: String = (0..count).map(|number| format!("{number}\n")).collect();
        tool(&cluster, "ConsoleProducer", &["--topic", "t"], &records);
    };
    produce(20);
    let first = Member::start(&cluster);
    first.has(4);
    first.reads(20);
    let second = Member::start(&cluster);
    second.has(2);
    first.stop();
    second.has(4);
    second.stop();
    produce(5);
    let third = Member::start(&cluster);
    third.reads(5);
    let report = cluster.call(|cluster, _| cluster.report());
    let offsets = report.groups.iter().flat_map(|group| &group.offsets);
    let (next, lag) = offsets.fold((0, 0), |(next, lag), offset| {
        (next + offset.next, lag + offset.lag)
    });
    assert_eq!((next, lag), (25, 0));
    third.stop();
}
