//! What follows where it is not known how a subject is set.
//!
//! A subject is convicted only of what no value of such a setting allows. Where it breaks nothing
//! then, a property that hangs on the setting was not observed: by the setting that the subject
//! really has, it may have been broken.

use crate::{Judgement, Property, Terms};
use plimsoll_core::{CommitPolicy, Ordering};
use std::time::Duration;

/// A setting of consumers on which judgements hang, and which no observer sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// The occasions of commits.
    Commits,
    /// The number of attempts at a record, and whether what fails for good becomes a dead letter.
    Attempts,
    /// The number of handlers at once, and the pauses between attempts.
    Pace,
    /// The order in which records are handled.
    Ordering,
    /// The time between two looks for new partitions.
    Metadata,
}

/// A time that is longer than any run.
const ENDLESS: Duration = Duration::from_secs(24 * 60 * 60);

/// What becomes of the judgement of a property.
enum Left {
    /// Only a conviction: what was not broken may have been.
    Conviction,
    /// Nothing.
    Nothing,
}

impl Setting {
    /// Every one of them.
    pub const ALL: [Self; 5] = [
        Self::Commits,
        Self::Attempts,
        Self::Pace,
        Self::Ordering,
        Self::Metadata,
    ];

    /// Returns the keys that say it in a scenario.
    pub const fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Commits => &["consumers.commit"],
            Self::Attempts => &["consumers.retry.attempts", "consumers.dead_letters"],
            Self::Pace => &["consumers.retry.backoff", "consumers.max_in_flight"],
            Self::Ordering => &["consumers.ordering"],
            Self::Metadata => &["consumers.metadata_refresh"],
        }
    }

    /// Returns why a property that hangs on it was not observed.
    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Self::Commits => "`consumers.commit` was not declared for this subject",
            Self::Attempts => {
                "`consumers.retry.attempts` and `consumers.dead_letters` were not declared for \
                 this subject"
            }
            Self::Pace => {
                "`consumers.retry.backoff` and `consumers.max_in_flight` were not declared for \
                 this subject"
            }
            Self::Ordering => "`consumers.ordering` was not declared for this subject",
            Self::Metadata => "`consumers.metadata_refresh` was not declared for this subject",
        }
    }

    const fn leaves(self, property: Property) -> Option<Left> {
        match (self, property) {
            (Self::Commits, Property::BoundedDuplicates)
            | (Self::Attempts, Property::BoundedRedelivery)
            | (Self::Ordering, Property::KeyOrder) => Some(Left::Conviction),
            (Self::Attempts, Property::DeadLetterExact)
            | (Self::Attempts | Self::Pace, Property::WithinLimits) => Some(Left::Nothing),
            _ => None,
        }
    }
}

impl Terms {
    /// Takes away what is not known of the subject: in place of each such setting stands the value
    /// that allows the most.
    pub fn forget(&mut self, setting: Setting) {
        let config = &mut self.config;
        match setting {
            Setting::Commits => {
                config.commit = CommitPolicy {
                    interval: Some(ENDLESS),
                    every: None,
                };
            }
            Setting::Attempts => {
                config.retry.attempts = u32::MAX;
                config.dead_letters = false;
            }
            Setting::Pace => {
                config.retry.max_backoff = ENDLESS;
                config.max_in_flight = 1;
            }
            Setting::Ordering => config.ordering = Ordering::Unordered,
            // What hangs on it asks for it.
            Setting::Metadata => {}
        }
        self.unknown.push(setting);
    }

    /// Returns whether a setting of the subject is known.
    pub(crate) fn knows(&self, setting: Setting) -> bool {
        !self.unknown.contains(&setting)
    }

    /// Returns what a judgement is worth, with what is not known.
    pub(crate) fn temper(&self, property: Property, judgement: Judgement) -> Judgement {
        let left = self.unknown.iter();
        let left = left.filter_map(|setting| Some((setting, setting.leaves(property)?)));
        left.fold(judgement, |judgement, (setting, left)| {
            match (left, judgement) {
                (Left::Conviction, Judgement::Held) | (Left::Nothing, _) => {
                    Judgement::NotObserved(setting.reason())
                }
                (Left::Conviction, judgement) => judgement,
            }
        })
    }
}
