//! When a failed record is tried again.

use crate::hash::mix;
use crate::{Instant, Offset, RetryPolicy, TopicPartition};
use std::collections::BTreeSet;
use std::time::Duration;

/// The records that wait for their next attempt, or for the next write of their dead letter.
#[derive(Debug, Default)]
pub(crate) struct Retries(BTreeSet<(Instant, TopicPartition, Offset)>);

impl Retries {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.0.first().map(|(due, ..)| *due)
    }

    pub(crate) fn insert(&mut self, due: Instant, partition: TopicPartition, offset: Offset) {
        self.0.insert((due, partition, offset));
    }

    pub(crate) fn remove(&mut self, due: Instant, partition: TopicPartition, offset: Offset) {
        self.0.remove(&(due, partition, offset));
    }

    pub(crate) fn take_due(&mut self, now: Instant) -> Option<(TopicPartition, Offset)> {
        if self.next_due()? > now {
            return None;
        }
        let (_, partition, offset) = self.0.pop_first()?;
        Some((partition, offset))
    }
}

/// What failed: an attempt at a record, or the write of its dead letter.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Failure {
    /// The attempt of this number, from 1.
    Attempt(u32),
    /// The write of this number, from 1.
    DeadLetter(u32),
}

/// Returns the pause after a failure: it doubles from the first up to the longest, and is shortened
/// by a share that is a function of the arguments. Past the budget of attempts it is the longest.
pub(crate) fn pause(
    policy: &RetryPolicy,
    seed: u64,
    partition: TopicPartition,
    offset: Offset,
    failure: Failure,
) -> Duration {
    let (kind, count) = match failure {
        Failure::Attempt(count) => (0, count),
        Failure::DeadLetter(count) => (1, count),
    };
    let doubled = 1_u32
        .checked_shl(count.saturating_sub(1))
        .and_then(|factor| policy.backoff.checked_mul(factor))
        .unwrap_or(Duration::MAX)
        .min(policy.max_backoff);
    let pause = match failure {
        Failure::Attempt(count) if count >= policy.attempts => policy.max_backoff,
        _ => doubled,
    };
    let hash = mix(&[
        seed,
        u64::from(partition.topic) << 32 | u64::from(partition.partition),
        offset.get(),
        kind << 32 | u64::from(count),
    ]);
    // The upper 32 bits as a share of one: exact in a double, and so the same on every machine.
    let share = (hash >> 32) as f64 / f64::from(u32::MAX);
    pause.mul_f64(1.0 - f64::from(policy.jitter) * share)
}

#[cfg(test)]
mod tests {
    use super::*;

    const P: TopicPartition = TopicPartition::new(0, 3);

    fn policy(jitter: f32) -> RetryPolicy {
        RetryPolicy {
            attempts: 6,
            backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(1),
            jitter,
        }
    }

    fn millis(jitter: f32, failure: Failure) -> u128 {
        pause(&policy(jitter), 7, P, Offset::new(9), failure).as_millis()
    }

    #[test]
    fn doubles_up_to_the_longest() {
        let pauses: Vec<u128> = (1..=5).map(|n| millis(0.0, Failure::Attempt(n))).collect();
        assert_eq!(pauses, [100, 200, 400, 800, 1000]);
        assert_eq!(millis(0.0, Failure::DeadLetter(2)), 200);
        assert_eq!(millis(0.0, Failure::DeadLetter(u32::MAX)), 1000);
    }

    #[test]
    fn past_the_budget_it_is_the_longest() {
        let mut policy = policy(0.0);
        policy.attempts = 2;
        let pause = pause(&policy, 7, P, Offset::new(9), Failure::Attempt(2));
        assert_eq!(pause, policy.max_backoff);
    }

    #[test]
    fn jitter_shortens_by_at_most_its_share_and_is_a_function_of_its_arguments() {
        let mut seen = BTreeSet::new();
        for offset in 0..200 {
            let one = || pause(&policy(0.5), 7, P, Offset::new(offset), Failure::Attempt(1));
            assert_eq!(one(), one());
            assert!((50..=100).contains(&one().as_millis()), "{:?}", one());
            seen.insert(one());
        }
        assert!(seen.len() > 190, "only {} different pauses", seen.len());
    }

    #[test]
    fn what_is_due_comes_in_order_of_time() {
        let mut retries = Retries::default();
        for (due, offset) in [(30, 1), (10, 2), (20, 3)] {
            retries.insert(Instant::from_millis(due), P, Offset::new(offset));
        }
        retries.remove(Instant::from_millis(10), P, Offset::new(2));
        assert_eq!(retries.next_due(), Some(Instant::from_millis(20)));
        let now = Instant::from_millis(25);
        assert_eq!(retries.take_due(now), Some((P, Offset::new(3))));
        assert_eq!(retries.take_due(now), None);
        assert_eq!(retries.len(), 1);
    }
}
