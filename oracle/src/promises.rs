//! The exact statement of each property, how it is read, and how consumers have broken it: the head
//! of its checker.

use crate::Property;

/// Returns the statement of a property, what excuses a consumer, and how consumers break it, as
/// Markdown of at most 79 columns without a heading of its own.
pub const fn promise(property: Property) -> &'static str {
    use Property as P;
    match property {
        P::NoLoss => include_str!("promises/no-loss.md"),
        P::CommitCoversOnlyFinished => include_str!("promises/commit-covers-only-finished.md"),
        P::NoRewind => include_str!("promises/no-rewind.md"),
        P::NoZombie => include_str!("promises/no-zombie.md"),
        P::KeyOrder => include_str!("promises/key-order.md"),
        P::DeadLetterExact => include_str!("promises/dead-letter-exact.md"),
        P::BoundedRedelivery => include_str!("promises/bounded-redelivery.md"),
        P::BoundedDuplicates => include_str!("promises/bounded-duplicates.md"),
        P::Liveness => include_str!("promises/liveness.md"),
        P::CleanShutdown => include_str!("promises/clean-shutdown.md"),
        P::ExactlyOnce => include_str!("promises/exactly-once.md"),
        P::AckedIsDurable => include_str!("promises/acked-is-durable.md"),
        P::NoExit => include_str!("promises/no-exit.md"),
        P::CleanHandover => include_str!("promises/clean-handover.md"),
        P::WithinLimits => include_str!("promises/within-limits.md"),
        P::Progress => include_str!("promises/progress.md"),
    }
}

#[cfg(test)]
mod tests {
    use super::promise;
    use crate::{Property, Word};

    #[test]
    fn every_promise_fits_a_terminal_and_says_how_it_is_broken() {
        for &property in Property::ALL {
            let text = promise(property);
            let widest = text.lines().map(|line| line.chars().count()).max();
            assert!(widest <= Some(79), "{property}: {widest:?} columns");
            assert!(text.contains("\n## How it is broken\n\n"), "{property}");
        }
    }
}
