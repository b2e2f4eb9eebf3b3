//! Options of a served cluster.

use plimsoll_scenarios::Plan;
use plimsoll_scenarios::scenario::{BrokerSettings, Cluster};
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
    /// The plan that plays: its topics are created and its messages produced, and its faults happen
    /// at their times.
    pub plan: Option<Plan>,
}

impl Options {
    /// Makes the options of the cluster that a plan wants, and on which it plays. Where it states
    /// no settings of brokers, they have those of [`served::Options`].
    pub fn of(plan: Plan) -> Self {
        let settings = served::Options::default().settings;
        let options = Self::of_cluster(&plan.settings.cluster, settings, plan.seed);
        Self {
            plan: Some(plan),
            ..options
        }
    }

    /// Makes the options of the cluster that a scenario wants; where it states no settings of
    /// brokers, they have `unstated`.
    pub fn of_cluster(wanted: &Cluster, unstated: BrokerSettings, seed: u64) -> Self {
        let settings = match wanted.settings == BrokerSettings::default() {
            true => unstated,
            false => wanted.settings.clone(),
        };
        let number = |of: u32| u16::try_from(of).unwrap_or(u16::MAX);
        let cluster = served::Options {
            brokers: number(wanted.brokers),
            replication: number(wanted.replication),
            min_insync: wanted.min_insync,
            settings,
            seed,
            ..served::Options::default()
        };
        Self {
            cluster,
            ..Self::default()
        }
    }
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
            plan: None,
        }
    }
}
