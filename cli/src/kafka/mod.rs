//! Real Kafka: the backend of `plimsoll-chaos` where the feature `kafka` is on; without it, types
//! of which there is no value, so that the rest of the program reads the same.

#[cfg(not(feature = "kafka"))]
mod absent;
#[cfg(feature = "kafka")]
mod kept;
#[cfg(feature = "kafka")]
mod linked;

#[cfg(not(feature = "kafka"))]
pub(crate) use absent::{Kafka, Load, Options, down, status, up};
#[cfg(feature = "kafka")]
pub(crate) use kept::{down, status, up};
#[cfg(feature = "kafka")]
pub(crate) use linked::{Kafka, Load, Options, member};
