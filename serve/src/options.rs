//! Options of a served cluster.

use plimsoll_sim::served;

/// Options of a served cluster: what it is, and where it listens.
#[derive(Clone, Debug)]
pub struct Options {
    /// The cluster.
    pub cluster: served::Options,
    /// The host at which all brokers listen.
    pub host: String,
    /// The port of the first broker; the next ones follow. Zero: a free port for each.
    pub port: u16,
    /// The host by which clients reach the brokers, where that is another one: inside of a container,
    /// say.
    pub advertised_host: Option<String>,
    /// The port for faults and state over HTTP, at the same host; zero: a free one. `None`: there is
    /// none.
    pub http_port: Option<u16>,
}

/// One broker and HTTP at free ports of this machine.
impl Default for Options {
    fn default() -> Self {
        Self {
            cluster: served::Options::default(),
            host: "127.0.0.1".into(),
            port: 0,
            advertised_host: None,
            http_port: Some(0),
        }
    }
}
