//! The settings that brokers in containers get, by their environment.

use super::settings::SETTINGS;

/// The port in each container that clients connect to.
pub(super) const CLIENT_PORT: u16 = 9092;
const INTERNAL_PORT: u16 = 19092;
const CONTROLLER_PORT: u16 = 9093;

/// Any id will do, as long as the brokers agree.
const CLUSTER_ID: &str = "5L6g3nShT-eMCtK--X86sw";

/// Variables of the process that are the same on every broker.
const PROCESS: &[(&str, &str)] = &[
    ("CLUSTER_ID", CLUSTER_ID),
    ("KAFKA_HEAP_OPTS", "-Xms128m -Xmx256m"),
    // A broker lives for minutes and carries a few records a second: the second compiler would take
    // half of the processor's time at its start, and never earn it back.
    (
        "KAFKA_JVM_PERFORMANCE_OPTS",
        "-XX:+UseSerialGC -XX:TieredStopAtLevel=1",
    ),
    // Names are looked up once and kept, since addresses are fixed; that a look-up failed is
    // forgotten at once, or a broker that was cut off would stay so for longer.
    (
        "KAFKA_OPTS",
        "-Dsun.net.inetaddr.ttl=-1 -Dsun.net.inetaddr.negative.ttl=0",
    ),
];

/// Writes everything that is the same on every broker as one text: clusters with another text
/// behave otherwise.
pub(super) fn text() -> String {
    let lines = SETTINGS.iter().chain(PROCESS);
    lines
        .map(|(name, value)| format!("{name}={value}\n"))
        .collect()
}

/// One broker, and what it must know of the others.
pub(super) struct Broker<'a> {
    /// Kafka's id of the broker, from 1.
    pub(super) node_id: i32,
    /// The names of all brokers, by node id; the network resolves them.
    pub(super) names: &'a [String],
    /// The port of the host at which the client port is published.
    pub(super) host_port: u16,
}

impl Broker<'_> {
    /// Lists the variables that the container gets; the official image makes settings of them.
    pub(super) fn environment(&self) -> Vec<(String, String)> {
        let voters = (1..)
            .zip(self.names)
            .map(|(id, name)| format!("{id}@{name}:{CONTROLLER_PORT}"))
            .collect::<Vec<_>>()
            .join(",");
        let listeners = format!(
            "INTERNAL://:{INTERNAL_PORT},EXTERNAL://:{CLIENT_PORT},CONTROLLER://:{CONTROLLER_PORT}"
        );
        let advertised = format!(
            "INTERNAL://{}:{INTERNAL_PORT},EXTERNAL://127.0.0.1:{}",
            self.name(),
            self.host_port
        );
        let own = [
            ("node.id", self.node_id.to_string()),
            ("controller.quorum.voters", voters),
            ("listeners", listeners),
            ("advertised.listeners", advertised),
        ];
        let own = own.map(|(setting, value)| (variable(setting), value));
        let same = (SETTINGS.iter()).map(|(name, value)| (variable(name), (*value).to_owned()));
        let process = PROCESS.iter();
        let process = process.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        own.into_iter().chain(same).chain(process).collect()
    }

    fn name(&self) -> &str {
        usize::try_from(self.node_id - 1)
            .ok()
            .and_then(|position| self.names.get(position))
            .map_or("localhost", String::as_str)
    }
}

/// Names the variable that the official image turns into this setting.
fn variable(setting: &str) -> String {
    format!("KAFKA_{}", setting.replace('.', "_").to_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_is_told_its_own_name_and_those_of_the_others() {
        let names = ["a1", "a2", "a3"].map(String::from);
        let broker = Broker {
            node_id: 2,
            names: &names,
            host_port: 20_001,
        };
        let environment = broker.environment();
        let value = |name: &str| {
            let found = environment.iter().find(|(variable, _)| variable == name);
            found.map(|(_, value)| value.as_str())
        };
        assert_eq!(value("KAFKA_NODE_ID"), Some("2"));
        assert_eq!(
            value("KAFKA_CONTROLLER_QUORUM_VOTERS"),
            Some("1@a1:9093,2@a2:9093,3@a3:9093")
        );
        assert_eq!(
            value("KAFKA_ADVERTISED_LISTENERS"),
            Some("INTERNAL://a2:19092,EXTERNAL://127.0.0.1:20001")
        );
        assert_eq!(value("KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS"), Some("4"));
    }
}
