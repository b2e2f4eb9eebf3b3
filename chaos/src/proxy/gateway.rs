//! The way to brokers that are not reached in plain text, for clients of the harness that speak
//! nothing else: a proxy without faults, whose reports nothing reads.

use super::Proxy;
use crate::address::BrokerAddress;
use crate::channel::Sender;
use crate::error::ChaosError;
use crate::options::Reach;
use plimsoll_access::Access;
use plimsoll_oracle::MemberId;

/// The member that stands for all clients of the harness.
const HARNESS: MemberId = MemberId(0);

/// A way to all brokers of a cluster.
#[derive(Debug)]
pub(crate) struct Gateway(Proxy);

impl Gateway {
    /// Opens it, on this machine alone.
    ///
    /// # Errors
    /// Where no port can be listened at.
    pub(crate) async fn open(
        brokers: &[BrokerAddress],
        access: &Access,
    ) -> Result<Self, ChaosError> {
        // A report that is dropped has no answer, and what waits for one goes on.
        let unread = Sender::new(drop);
        let proxy = Proxy::open(1, brokers, access, &Reach::default(), &unread).await;
        let proxy = proxy.map_err(|error| {
            ChaosError::Environment(format!("cannot open ports for the proxy: {error}"))
        })?;
        Ok(Self(proxy))
    }

    /// Returns the bootstrap servers of what goes this way.
    pub(crate) fn bootstrap(&self) -> String {
        self.0.bootstraps()[HARNESS].clone()
    }
}
