//! Real processes: the backend of `plimsoll-chaos` on Unix; elsewhere, types of which there is no
//! value, so that the rest of the program reads the same. What a program is built without (brokers
//! in containers, Plimsoll's own consumer as a process) has a file that says so in its place.

#[cfg(not(unix))]
mod absent;
#[cfg(all(unix, feature = "containers"))]
mod kept;
#[cfg(unix)]
mod linked;
#[cfg(not(all(unix, feature = "containers")))]
mod no_containers;
#[cfg(not(all(unix, feature = "librdkafka")))]
mod no_own;
#[cfg(all(unix, feature = "librdkafka"))]
mod own;

#[cfg(not(unix))]
pub(crate) use absent::{Declared, Kafka, Load, Options, like_containers};
#[cfg(all(unix, feature = "containers"))]
pub(crate) use kept::{down, status, up};
#[cfg(unix)]
pub(crate) use linked::{Declared, Kafka, Load, Options, like_containers};
#[cfg(not(all(unix, feature = "containers")))]
pub(crate) use no_containers::{down, status, up};
#[cfg(not(all(unix, feature = "librdkafka")))]
pub(crate) use no_own::backlog;
#[cfg(all(unix, feature = "librdkafka"))]
pub(crate) use own::{backlog, member};

/// The way to a program that has all of it.
#[cfg(not(all(unix, feature = "containers", feature = "librdkafka")))]
const INSTALL: &str = "On Linux or macOS, with make and a C++ compiler: `cargo install plimsoll-cli \
                       --features kafka`, or in a checkout `cargo install --path cli --features \
                       kafka`.";
