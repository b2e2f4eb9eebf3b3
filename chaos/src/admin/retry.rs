//! Trying again: what passes by itself, what does not, and when to give up.

use crate::error::ChaosError;
use kafka_protocol::ResponseError;
use kafka_protocol::error::ParseResponseErrorCode as _;
use std::io;
use std::time::Duration;
use tokio::time::Instant;

/// The time limit of a call with all of its attempts.
const WITHIN: Duration = Duration::from_secs(30);
/// The pause before the next attempt.
const PAUSE: Duration = Duration::from_millis(100);

/// Why an attempt failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A failure that may pass: a broker is away, a leader is being elected.
    Passing(String),
    /// A failure that stays: the broker refuses.
    Final(String),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::Unsupported => Self::Final(error.to_string()),
            _ => Self::Passing(error.to_string()),
        }
    }
}

/// Translates an error code in a response to what it means for the attempt.
pub(crate) fn check(code: i16) -> Result<(), Failure> {
    match code.err() {
        None => Ok(()),
        Some(error) if passes(error) => Err(Failure::Passing(error.to_string())),
        Some(error) => Err(Failure::Final(error.to_string())),
    }
}

/// Returns whether the error goes away when the cluster has healed. Some do for an administrator,
/// which waits for brokers and groups, although clients must not retry them.
fn passes(error: ResponseError) -> bool {
    error.is_retriable()
        || matches!(
            error,
            ResponseError::BrokerNotAvailable
                | ResponseError::ElectionNotNeeded
                | ResponseError::InvalidReplicationFactor
                | ResponseError::NonEmptyGroup
                | ResponseError::PreferredLeaderNotAvailable
        )
}

/// Repeats the attempt until it succeeds, fails for good, or the time is over. `what` completes the
/// sentence "the cluster did not ...". The attempt gets the number of those before it.
pub(crate) async fn retry<T, A>(
    what: &str,
    mut attempt: impl FnMut(usize) -> A,
) -> Result<T, ChaosError>
where
    A: Future<Output = Result<T, Failure>>,
{
    let end = Instant::now() + WITHIN;
    let mut earlier = 0;
    loop {
        let why = match attempt(earlier).await {
            Ok(value) => return Ok(value),
            Err(Failure::Final(why)) => {
                return Err(ChaosError::Environment(format!(
                    "the cluster refused to {what}: {why}"
                )));
            }
            Err(Failure::Passing(why)) => why,
        };
        if Instant::now() + PAUSE > end {
            return Err(ChaosError::Environment(format!(
                "the cluster did not {what} within {} s: {why}",
                WITHIN.as_secs()
            )));
        }
        tokio::time::sleep(PAUSE).await;
        earlier += 1;
    }
}
