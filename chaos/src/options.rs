//! What a user of the backend chooses.

#[cfg(feature = "containers")]
use crate::cluster;
use crate::error::ChaosError;
use crate::known::Declared;
use plimsoll_access::Access;
use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

/// The source of the brokers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClusterSource {
    /// Three brokers in containers: those of the kept cluster if there is one, else new ones for as
    /// long as the backend lives. They need the feature `containers`.
    Containers,
    /// Simulated brokers that this process serves: a cluster for each plan, for as long as it runs.
    Embedded,
    /// A cluster that is there already; its brokers cannot be broken.
    Bootstrap {
        /// Its bootstrap servers.
        servers: String,
        /// The way to its brokers.
        access: Access,
    },
}

impl ClusterSource {
    /// Returns containers where an engine answers, and else embedded brokers, with a warning.
    ///
    /// # Errors
    /// Where the operating system refuses what it takes to ask.
    #[cfg(feature = "containers")]
    pub fn at_hand() -> Result<Self, ChaosError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let runtime = runtime
            .map_err(|error| ChaosError::Environment(format!("cannot start threads: {error}")))?;
        let Some(host) = runtime.block_on(cluster::engine_is_missing()) else {
            return Ok(Self::Containers);
        };
        tracing::warn!(
            "no Docker engine answers at {host}: the brokers are simulated ones (--brokers \
             embedded)"
        );
        Ok(Self::Embedded)
    }

    /// Returns embedded brokers: there are no others to start.
    ///
    /// # Errors
    /// Never; with containers, where the operating system refuses what it takes to ask.
    #[cfg(not(feature = "containers"))]
    pub const fn at_hand() -> Result<Self, ChaosError> {
        Ok(Self::Embedded)
    }
}

/// The address at which members find the proxy and the sink.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    /// The address of this machine at which both listen.
    pub listen: IpAddr,
    /// The host that members are told.
    pub advertised: String,
}

impl Reach {
    /// Returns an address for members, with this port.
    pub(crate) fn at(&self, port: u16) -> String {
        match self.advertised.contains(':') {
            true => format!("[{}]:{port}", self.advertised),
            false => format!("{}:{port}", self.advertised),
        }
    }
}

impl Default for Reach {
    /// On this machine alone.
    fn default() -> Self {
        let listen = IpAddr::V4(Ipv4Addr::LOCALHOST);
        Self {
            listen,
            advertised: listen.to_string(),
        }
    }
}

/// The program that runs as a member of the group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubjectCommand {
    /// Plimsoll's own consumer: this program, which runs [`crate::member_main`] when it is called
    /// with the one argument `member`; it has it with the feature `librdkafka`.
    Own(PathBuf),
    /// Any program that keeps to the contract of external subjects.
    External {
        /// The program's name or path.
        program: OsString,
        /// The program's arguments.
        arguments: Vec<OsString>,
    },
}

/// What a backend needs to know before it starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The source of the brokers.
    pub source: ClusterSource,
    /// The consumer under test.
    pub subject: SubjectCommand,
    /// The address at which members find the proxy and the sink.
    pub reach: Reach,
    /// The settings that are declared of a subject which is not Plimsoll's own consumer.
    pub declared: Declared,
}
