//! Stands in for brokers in containers where the crate is built without them: there are none.

use crate::error::ChaosError;
use std::convert::Infallible;

/// Brokers in containers, of which there are none.
#[derive(Debug)]
pub(super) struct Containers(Infallible);

impl Containers {
    pub(super) const fn stay(&self) -> bool {
        match self.0 {}
    }

    pub(super) async fn kill(&self, _: u32) -> Result<(), ChaosError> {
        match self.0 {}
    }

    pub(super) async fn stop(&self, _: u32) -> Result<(), ChaosError> {
        match self.0 {}
    }

    pub(super) async fn start_broker(&self, _: u32) -> Result<(), ChaosError> {
        match self.0 {}
    }

    pub(super) async fn pause(&self, _: u32) -> Result<(), ChaosError> {
        match self.0 {}
    }

    pub(super) async fn unpause(&self, _: u32) -> Result<(), ChaosError> {
        match self.0 {}
    }

    pub(super) async fn isolate(&self, _: u32) -> Result<(), ChaosError> {
        match self.0 {}
    }

    pub(super) async fn rejoin(&self, _: u32) -> Result<(), ChaosError> {
        match self.0 {}
    }

    pub(super) async fn mend(&self) -> Result<(), ChaosError> {
        match self.0 {}
    }

    pub(super) async fn remove(&self) {
        match self.0 {}
    }

    pub(super) async fn last_words(&self) -> String {
        match self.0 {}
    }
}
