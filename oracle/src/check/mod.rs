//! The checkers: each judges one property from a trace.
//!
//! A trace is read once into tables (`History`); the checkers are functions of it, one file a
//! property.

mod acked_is_durable;
mod bounded_duplicates;
mod bounded_redelivery;
mod clean_handover;
mod clean_shutdown;
mod commit_covers_only_finished;
mod coverage;
mod dead_letter_exact;
mod deliveries;
mod exactly_once;
mod fate;
mod findings;
mod hands;
mod history;
mod ids;
mod in_flight;
mod key_order;
mod known;
mod liveness;
mod logs;
mod no_exit;
mod no_loss;
mod no_rewind;
mod no_zombie;
mod obstacles;
mod order;
mod owners;
mod pace;
mod progress;
mod reading;
mod stalls;
mod table;
#[cfg(test)]
mod tests;
mod watermark;
mod within_limits;

pub use coverage::Coverage;
#[cfg(test)]
pub(crate) use tests::terms_by_hand;

use crate::{Judgement, Measures, Property, Terms, Trace, Verdict, Word};
use findings::Case;
use history::History;
use obstacles::Obstacles;
use pace::Pace;
use stalls::Stalls;

/// Judges runs; keeps its memory from one run to the next.
#[derive(Debug, Default)]
pub struct Judge {
    history: History,
    obstacles: Obstacles,
    pace: Pace,
    stalls: Stalls,
}

impl Judge {
    /// Returns a judge with no memory yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the judgement of every property. `unobservable` names those that the backend cannot
    /// show, each with the reason.
    pub fn judge(
        &mut self,
        terms: &Terms,
        trace: &Trace,
        unobservable: &[(Property, &'static str)],
    ) -> Verdict {
        self.history.read(terms, trace);
        if self.history.is_disrupted() || !self.history.stops.is_empty() {
            self.obstacles.read(terms, trace);
        }
        self.pace.read(terms, &self.history, trace);
        if self.pace.longest_gap > terms.progress_within {
            self.stalls.read(terms, &self.history, trace);
        } else {
            // None was long enough.
            self.stalls.clear();
        }
        let case = Case {
            terms,
            trace,
            history: &self.history,
        };
        let judgements = Property::ALL.iter().map(|&property| {
            let hidden = unobservable.iter().find(|(hidden, _)| *hidden == property);
            let judgement = match hidden {
                Some((_, reason)) => Judgement::NotObserved(reason),
                None => terms.temper(property, self.judge_one(&case, property)),
            };
            (property, judgement)
        });
        let measures = Measures {
            longest_stall: self.pace.longest_stall,
            highest_lag: self.pace.highest_lag,
        };
        Verdict::new(judgements.collect()).with(measures)
    }

    fn judge_one(&self, case: &Case<'_>, property: Property) -> Judgement {
        match property {
            Property::NoLoss => no_loss::judge(case),
            Property::CommitCoversOnlyFinished => commit_covers_only_finished::judge(case),
            Property::NoRewind => no_rewind::judge(case, &self.obstacles),
            Property::NoZombie => no_zombie::judge(case),
            Property::KeyOrder => key_order::judge(case),
            Property::DeadLetterExact => dead_letter_exact::judge(case),
            Property::BoundedRedelivery => bounded_redelivery::judge(case),
            Property::BoundedDuplicates => bounded_duplicates::judge(case, &self.obstacles),
            Property::Liveness => liveness::judge(case),
            Property::CleanShutdown => clean_shutdown::judge(case, &self.obstacles),
            Property::CleanHandover => clean_handover::judge(case, &self.obstacles),
            Property::ExactlyOnce => exactly_once::judge(),
            Property::AckedIsDurable => acked_is_durable::judge(case),
            Property::NoExit => no_exit::judge(case),
            Property::WithinLimits => within_limits::judge(case),
            Property::Progress => progress::judge(case, &self.stalls, &self.pace),
        }
    }
}
