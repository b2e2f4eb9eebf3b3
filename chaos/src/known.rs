//! What is known of how a subject is set: what its user declares, and what a run shows of it.
//!
//! That a subject was told something does not mean that it heeds it, and no observer sees which
//! variables a program reads. So a setting that it might not heed counts only if it is declared,
//! and what the wire shows counts in any case: the session timeout and whether members are static
//! stand in JoinGroup, and where the group began shows in its first positions.

use crate::contract;
use plimsoll_core::{InitialPosition, TopicPartition};
use plimsoll_oracle::{Setting, Terms, Trace, TraceEvent, nearest};
use plimsoll_scenarios::Plan;
use std::collections::BTreeSet;
use std::time::Duration;

/// The time between two heartbeats of a client that is told nothing else, whatever its language.
const USUAL_HEARTBEAT: Duration = Duration::from_secs(3);

/// The time for which a partition may stand still under a client that is told nothing: its requests
/// have 30 s, as those of the Java client, kafka-python and Sarama.
const USUAL_PROGRESS: Duration = Duration::from_secs(38);

/// A handler that reaches the sink within this time after its member learned of a revocation may
/// have begun before it: the trace of real processes then has its answer alone.
pub(crate) const CROSSING: Duration = Duration::from_secs(1);

/// The settings that a subject is known to heed, by their keys in a scenario; a table stands for
/// all that is in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Declared(Vec<String>);

impl Declared {
    /// Makes the declaration of a subject which heeds the settings `keeps` as it is told them, and
    /// has the values of the command line for the settings `set`.
    ///
    /// # Errors
    /// Where no setting that a subject is told has one of the names in `keeps`: names it, and the
    /// nearest one.
    pub fn new(keeps: &[String], set: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let tables = contract::keys().filter_map(|key| Some(key.rsplit_once('.')?.0));
        let words: BTreeSet<&str> = contract::keys().chain(tables).collect();
        for key in keeps {
            if !words.contains(key.as_str()) {
                let meant = nearest(key, words.iter().copied());
                let meant =
                    meant.map_or_else(String::new, |word| format!("; did you mean `{word}`?"));
                return Err(format!("no subject is told of a setting `{key}`{meant}"));
            }
        }
        Ok(Self(keeps.iter().cloned().chain(set).collect()))
    }

    /// Returns the terms on which a program is judged of which this is known and no more, and which
    /// is seen from without: also what stands for it in the simulator, where all is seen.
    pub fn terms(&self, plan: &Plan) -> Terms {
        let mut terms = plan.terms();
        terms.crossing = CROSSING;
        for setting in Setting::ALL {
            if !self.knows(setting) {
                terms.forget(setting);
            }
        }
        if !self.covers("consumers.heartbeat") {
            terms.settling += USUAL_HEARTBEAT.saturating_sub(plan.settings.consumers.heartbeat);
        }
        if !self.covers("consumers.request_timeout") {
            terms.progress_within = terms.progress_within.max(USUAL_PROGRESS);
        }
        terms
    }

    /// Returns whether a key is declared, or the table that it is in, or a part of it.
    fn covers(&self, key: &str) -> bool {
        let mut declared = self.0.iter();
        declared.any(|declared| is_within(key, declared) || is_within(declared, key))
    }

    fn knows(&self, setting: Setting) -> bool {
        setting.keys().iter().all(|key| self.covers(key))
    }
}

/// Returns whether a key is another one, or stands in its table.
fn is_within(key: &str, table: &str) -> bool {
    let rest = key.strip_prefix(table);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// The wishes of a group's members when they join.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wishes {
    /// The longest session timeout of any member.
    pub session_timeout: Duration,
    /// Whether any member has a static id.
    pub is_static: bool,
}

impl Wishes {
    /// Adds those of another member.
    pub(crate) fn add(&mut self, other: Self) {
        self.session_timeout = self.session_timeout.max(other.session_timeout);
        self.is_static |= other.is_static;
    }

    /// Returns the time by which members may die later than the scenario says.
    pub(crate) fn longer_session(&self, plan: &Plan) -> Duration {
        let told = plan.settings.consumers.session_timeout;
        self.session_timeout.saturating_sub(told)
    }
}

/// The settings of its subject that a run has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    pub wishes: Wishes,
    /// Where the group began in partitions of which nothing was committed.
    pub initial: InitialPosition,
}

impl Shown {
    /// Reads from a trace what it shows.
    pub(crate) fn new(plan: &Plan, wishes: Wishes, trace: &Trace) -> Self {
        let mut known: BTreeSet<TopicPartition> = BTreeSet::new();
        let is_founding = |id: TopicPartition| {
            let topic = plan.settings.topics.get(id.topic as usize);
            topic.is_some_and(|topic| id.partition < topic.partitions)
        };
        let from_end = trace.entries().iter().any(|entry| match entry.event {
            TraceEvent::Assigned {
                partition,
                position,
                ..
            } => known.insert(partition) && is_founding(partition) && position.get() > 0,
            TraceEvent::Committed { partition, .. }
            | TraceEvent::OffsetsReset { partition, .. } => {
                known.insert(partition);
                false
            }
            _ => false,
        });
        let initial = match from_end {
            true => InitialPosition::Latest,
            false => InitialPosition::Earliest,
        };
        Self { wishes, initial }
    }
}

/// Returns the terms on which a run of a program is judged that is not Plimsoll's own consumer: by
/// what is declared of it, and what the run has shown.
pub(crate) fn terms(plan: &Plan, declared: &Declared, shown: &Shown) -> Terms {
    let mut terms = declared.terms(plan);
    terms.liveness_within += shown.wishes.longer_session(plan);
    terms.may_orphan = shown.wishes.is_static;
    if !declared.covers("consumers.initial") {
        terms.config.initial = shown.initial;
    }
    terms
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::plan;
    use plimsoll_core::{AssignmentEpoch, Instant, NextOffset};
    use plimsoll_oracle::MemberId;

    fn declared(keeps: &[&str], set: &[&str]) -> Declared {
        let keeps: Vec<String> = keeps.iter().map(ToString::to_string).collect();
        Declared::new(&keeps, set.iter().map(ToString::to_string)).expect("there are such keys")
    }

    fn trace(positions: &[u64]) -> Trace {
        let mut trace = Trace::new();
        for &position in positions {
            let assigned = TraceEvent::Assigned {
                member: MemberId(0),
                partition: TopicPartition::new(0, 0),
                epoch: AssignmentEpoch(1),
                position: NextOffset::new(position),
                generation: 1,
            };
            trace.push(Instant::ZERO, assigned);
        }
        trace
    }

    #[test]
    fn a_stranger_is_judged_by_what_no_setting_allows() {
        let plan = plan(1, "", "");
        let shown = Shown::new(&plan, Wishes::default(), &trace(&[0]));
        let unknown = |declared: &Declared| terms(&plan, declared, &shown).unknown;
        assert_eq!(unknown(&Declared::default()), Setting::ALL);
        assert_eq!(unknown(&declared(&["consumers"], &[])), []);
        let commits = declared(&[], &["consumers.commit.interval"]);
        assert!(!unknown(&commits).contains(&Setting::Commits));
        let half = declared(&["consumers.retry.attempts"], &[]);
        assert!(unknown(&half).contains(&Setting::Attempts));
        let both = declared(&["consumers.retry.attempts", "consumers.dead_letters"], &[]);
        assert!(!unknown(&both).contains(&Setting::Attempts));
    }

    #[test]
    fn what_is_declared_stands_in_the_terms() {
        let plan = plan(
            1,
            "",
            "commit = { interval = \"7s\" }\nretry = { attempts = 9 }",
        );
        let shown = Shown::new(&plan, Wishes::default(), &trace(&[0]));
        let told = terms(&plan, &declared(&["consumers"], &[]), &shown).config;
        assert_eq!(told.commit.interval, Some(Duration::from_secs(7)));
        assert_eq!(told.retry.attempts, 9);
        let untold = terms(&plan, &Declared::default(), &shown).config;
        assert!(untold.commit.interval > Some(Duration::from_secs(3600)));
        assert!(!untold.dead_letters);
    }

    #[test]
    fn a_word_that_no_subject_is_told_is_refused_with_the_nearest() {
        let keeps = ["consumers.comit".to_owned()];
        let refused = Declared::new(&keeps, []).expect_err("there is no such key");
        assert!(refused.contains("`consumers.comit`"), "{refused}");
        assert!(
            refused.contains("did you mean `consumers.commit"),
            "{refused}"
        );
    }

    #[test]
    fn what_the_wire_shows_comes_before_what_was_told() {
        let plan = plan(1, "", "session_timeout = \"6s\"\ninitial = \"earliest\"");
        let wishes = Wishes {
            session_timeout: Duration::from_secs(45),
            is_static: true,
        };
        let shown = Shown::new(&plan, wishes, &trace(&[12, 0]));
        let judged = terms(&plan, &Declared::default(), &shown);
        let longer = judged.liveness_within - plan.terms().liveness_within;
        assert_eq!(longer, Duration::from_secs(39));
        assert!(judged.may_orphan);
        assert_eq!(judged.config.initial, InitialPosition::Latest);
        let begins = Shown::new(&plan, wishes, &trace(&[0, 12]));
        assert_eq!(begins.initial, InitialPosition::Earliest);
        // A promise that is declared is judged as one.
        let promised = declared(&["consumers.initial"], &[]);
        let judged = terms(&plan, &promised, &shown);
        assert_eq!(judged.config.initial, InitialPosition::Earliest);
    }
}
