//! What each commit interval costs in throughput: the rate at which a backlog is consumed with a
//! handler that does nothing. Only real Kafka can tell.

use crate::error::CliError;
use crate::interrupt;
use crate::kafka::{self, Kafka};
use plimsoll_core::CommitPolicy;

/// The number of records in the backlog.
pub(super) const RECORDS: u32 = 1_000_000;

/// The size of a record's value, in bytes.
pub(super) const RECORD_BYTES: usize = 100;

/// The number of rounds that are measured; each interval has a turn in each.
pub(super) const ROUNDS: usize = 3;

/// Measures the records a second with each policy: the median of all rounds. The policies take
/// turns, so that a machine that becomes slower does so for all. `None` after Ctrl-C.
///
/// # Errors
/// Where the cluster does not take the backlog, or does not give it back.
pub(super) fn measure(
    kafka: &Kafka,
    policies: &[CommitPolicy],
) -> Result<Option<Vec<f64>>, CliError> {
    let backlog = kafka::backlog(kafka, RECORDS, RECORD_BYTES)?;
    let mut rates = vec![Vec::new(); policies.len()];
    // In the first round brokers and page cache warm up.
    for round in 0..=ROUNDS {
        for (policy, rates) in policies.iter().zip(&mut rates) {
            if interrupt::requested() {
                return Ok(None);
            }
            let took = backlog.consume(*policy)?;
            if round > 0 {
                rates.push(f64::from(RECORDS) / took.as_secs_f64());
            }
        }
    }
    Ok(Some(rates.into_iter().map(median).collect()))
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or_default()
}
