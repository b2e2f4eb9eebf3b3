//! The simulated brokers of `plimsoll serve` as an image for testcontainers: copy this file.
//!
//! ```no_run
//! use plimsoll_testcontainers::Plimsoll;
//! use testcontainers::runners::AsyncRunner as _;
//!
//! # async fn serves() -> Result<(), Box<dyn std::error::Error>> {
//! let plimsoll = Plimsoll::new(3)?;
//! let container = plimsoll.request().start().await?;
//! println!("bootstrap.servers={}", plimsoll.bootstrap());
//! println!("faults and state at http://{}/", plimsoll.http());
//! container.stop().await?;
//! # Ok(())
//! # }
//! ```
//!
//! The image is made by `docker build -f Containerfile -t plimsoll .`.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use testcontainers::core::{IntoContainerPort as _, WaitFor};
use testcontainers::{ContainerRequest, Image, ImageExt as _};

/// A cluster of simulated brokers in a container.
///
/// Brokers tell clients where they are, so their ports are the same inside of the container as
/// outside: free ones of this machine.
#[derive(Clone, Debug)]
pub struct Plimsoll {
    /// The port of the first broker; those of the others follow, and then HTTP's.
    port: u16,
    brokers: u16,
}

impl Plimsoll {
    /// Makes a cluster of a number of brokers, at ports that are free now.
    ///
    /// # Errors
    /// Where the system has no free ports.
    pub fn new(brokers: u16) -> io::Result<Self> {
        let bind = |port| TcpListener::bind((Ipv4Addr::UNSPECIFIED, port));
        loop {
            let first = bind(0)?;
            let port = first.local_addr()?.port();
            let following = (1..=brokers).map(|place| port.checked_add(place));
            let bound: Option<Vec<_>> = following.map(|port| bind(port?).ok()).collect();
            if bound.is_some() {
                return Ok(Self { port, brokers });
            }
        }
    }

    /// Makes the request for the container.
    pub fn request(&self) -> ContainerRequest<Self> {
        let ports = self.port..=self.port + self.brokers;
        let request = ContainerRequest::from(self.clone());
        ports.fold(request, |request, port| {
            request.with_mapped_port(port, port.tcp())
        })
    }

    /// Returns what clients take as `bootstrap.servers`.
    pub fn bootstrap(&self) -> String {
        let ports = self.port..self.port + self.brokers;
        let addresses: Vec<_> = ports.map(|port| format!("localhost:{port}")).collect();
        addresses.join(",")
    }

    /// Returns where faults are made, and the cluster tells its state: `HOST:PORT`.
    pub fn http(&self) -> String {
        format!("localhost:{}", self.port + self.brokers)
    }
}

impl Image for Plimsoll {
    fn name(&self) -> &str {
        "plimsoll"
    }

    fn tag(&self) -> &str {
        "latest"
    }

    fn ready_conditions(&self) -> Vec<WaitFor> {
        vec![WaitFor::message_on_stdout("bootstrap.servers=")]
    }

    fn cmd(&self) -> impl IntoIterator<Item = impl Into<std::borrow::Cow<'_, str>>> {
        let Self { port, brokers } = self;
        let http = port + brokers;
        let command = format!(
            "serve --listen 0.0.0.0:{port} --advertise localhost --brokers {brokers} \
             --http-port {http}"
        );
        command.split(' ').map(str::to_owned).collect::<Vec<_>>()
    }
}
