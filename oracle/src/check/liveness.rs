#![doc = include_str!("../promises/liveness.md")]

use super::findings::{Case, Finding, Findings};
use super::history::{Partition, Record};
use super::ids::{EntryIndex, NEVER, RecordId, Slot};
use crate::{Judgement, MemberId, Setting, TraceEvent};
use plimsoll_core::{NextOffset, Offset, OutOfRangePolicy};
use std::time::Duration;

/// The share of the time from the healing to the end for which handlers must have been busy, so
/// that no consumer could have caught up.
const BUSY: f64 = 0.9;

pub(super) fn judge(case: &Case<'_>) -> Judgement {
    let history = case.history;
    if history.healed == NEVER {
        return Judgement::NotObserved("the run ended before everything was healed");
    }
    let due = case.at(history.healed) + case.terms.liveness_within;
    let mut findings = Findings::default();
    if case.at(history.quiet) <= due {
        if history.lag > 0 {
            findings.add(case, history.ended, || tell_broken(case));
        }
        return findings.or_held(true, "");
    }
    if history.ended == NEVER {
        return Judgement::NotObserved("the trace breaks off before the end of the run");
    }
    let partitions = history.partitions.iter();
    let excuses: Vec<_> = partitions
        .map(|partition| excuse(case, partition))
        .collect();
    let stuck = Stuck::find(case, &excuses);
    if stuck == Stuck::Nowhere
        && let Some(excuse) = excuses.iter().flatten().next()
    {
        return Judgement::NotObserved(excuse);
    }
    findings.add(case, history.quiet.min(history.ended), || tell(case, stuck));
    findings.or_held(true, "")
}

/// What keeps the group from being at rest when the run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stuck {
    /// This readable record was never finished.
    Unfinished(Slot, Offset),
    /// Everything in the partition is finished, and its end is not committed.
    Uncommitted(Slot),
    /// No partition: the membership.
    Nowhere,
}

impl Stuck {
    /// Returns the first readable record that was never finished, or else the first partition that
    /// is not committed to its end. Partitions that have an excuse are left out.
    fn find(case: &Case<'_>, excuses: &[Option<&str>]) -> Self {
        let live = || {
            let partitions = case.history.partitions.with_ids().zip(excuses);
            let live = partitions.filter(|(_, excuse)| excuse.is_none());
            live.map(|(partition, _)| partition)
        };
        let firsts = live().filter_map(|(slot, partition)| {
            let mut records = partition.records.with_ids();
            let (offset, record) =
                records.find(|(_, record)| is_readable(record) && record.settled() == NEVER)?;
            Some((record.stored, slot, offset))
        });
        if let Some((_, slot, offset)) = firsts.min_by_key(|&(stored, ..)| stored) {
            return Self::Unfinished(slot, offset);
        }
        let behind = live().find(|(_, partition)| {
            let next = partition.committed.first_unfinished();
            let mut records = partition.records.rows_from(next);
            records.any(|(_, record)| is_readable(record) && record.excused == NEVER)
        });
        behind.map_or(Self::Nowhere, |(slot, _)| Self::Uncommitted(slot))
    }
}

fn is_readable(record: &Record) -> bool {
    record.stored != NEVER
}

/// Returns why a partition is not owed.
fn excuse(case: &Case<'_>, partition: &Partition) -> Option<&'static str> {
    let halts = case.terms.config.out_of_range == OutOfRangePolicy::Halt;
    if halts && partition.overtaken {
        return Some("a partition stands still, as its policy says");
    }
    let owner = case.history.assignment(partition.current);
    let is_orphan = owner.is_none_or(|owner| owner.ended != NEVER);
    if case.terms.may_orphan && is_orphan {
        return Some("the group gave a partition to no member");
    }
    if let Some(setting) = unknown(case, partition) {
        return Some(setting.reason());
    }
    is_swamped(case, partition).then_some("more came than the handlers could do in the time")
}

/// Returns the setting by which a partition may rightly stand as it does, where that setting of the
/// subject is not known.
fn unknown(case: &Case<'_>, partition: &Partition) -> Option<Setting> {
    let records = partition.records.with_ids().map(|(_, record)| record);
    let mut unfinished = records.filter(|record| is_readable(record) && record.settled() == NEVER);
    let stands = match unfinished.next() {
        _ if !partition.founding && partition.first.is_none() => Setting::Metadata,
        None => Setting::Commits,
        Some(first) => {
            let mut attempts = case.history.attempts_at(first);
            let failed = attempts.any(|attempt| attempt.outcome.is_some());
            return (failed && !case.terms.knows(Setting::Attempts)).then_some(Setting::Attempts);
        }
    };
    (!case.terms.knows(stands)).then_some(stands)
}

/// Returns whether the handlers of a partition were busy with one record or another for nearly all
/// of the time from the healing to the end: at work, or in the pause after a failure. Only records
/// that were finished in that time count: to try one without end, or to do again what was done, is
/// no such work.
fn is_swamped(case: &Case<'_>, partition: &Partition) -> bool {
    let history = case.history;
    let (from, until) = (case.at(history.healed), case.at(history.ended));
    let Some(slot) = history.slots.get(partition.id) else {
        return false;
    };
    let mut busy = Duration::ZERO;
    let mut busy_until = from;
    for attempt in history.attempts.iter().filter(|a| a.record.slot == slot) {
        let finished = history.record(attempt.record).finished;
        if (history.healed..history.ended).contains(&finished) {
            let pause = case.terms.config.retry.max_backoff;
            let over = case.at(attempt.ended.min(finished)) + pause;
            let over = over.min(case.at(finished));
            busy += over.saturating_since(case.at(attempt.entry).max(busy_until));
            busy_until = busy_until.max(over);
        }
    }
    busy.as_secs_f64() >= BUSY * until.saturating_since(from).as_secs_f64()
}

fn tell_broken(case: &Case<'_>) -> Finding {
    let summary = format!(
        "the group came to rest, and ended with a lag of {}",
        case.history.lag
    );
    Finding::new("rest-broken", summary, vec![case.history.quiet])
}

fn tell(case: &Case<'_>, stuck: Stuck) -> Finding {
    let history = case.history;
    let mut evidence = vec![history.healed, history.ended];
    let within = case.terms.liveness_within.as_secs_f64();
    let after = format!("{within}s after everything was healed");
    if history.quiet != NEVER {
        let took = case.at(history.quiet) - case.at(history.healed);
        let took = took.as_secs_f64();
        let summary = format!("the group came to rest {took:.1}s after the healing");
        return Finding::new("late", summary, evidence);
    }
    let (kind, summary) = match stuck {
        Stuck::Unfinished(slot, offset) => {
            let id = RecordId { slot, offset };
            let record = history.record(id);
            evidence.push(record.stored);
            evidence.extend(case.attempts_shown(record));
            evidence.extend(owner_shown(case, slot));
            let (name, owned) = (case.record_name(id), owned(case, slot));
            let summary = format!("{after}, {name} was still not finished: {owned}");
            ("unfinished", summary)
        }
        Stuck::Uncommitted(slot) => {
            evidence.extend(owner_shown(case, slot));
            let (partition, owned) = (case.partition_name(slot), owned(case, slot));
            let end = history.partitions[slot].log_end;
            let summary =
                format!("{after}, {partition} was finished up to {end} and not committed: {owned}");
            ("uncommitted", summary)
        }
        Stuck::Nowhere => {
            let rebalances = rebalances(case);
            evidence.extend(rebalances.iter().rev().take(3));
            let summary = format!(
                "{after}, the group had not come to rest: its members were given partitions, or \
                 gave them up, {} times since then",
                rebalances.len()
            );
            ("restless", summary)
        }
    };
    Finding::new(kind, summary, evidence)
}

/// Says which member owns a partition, and which commit was its last.
fn owned(case: &Case<'_>, slot: Slot) -> String {
    let partition = &case.history.partitions[slot];
    let name = case.partition_name(slot);
    let owner = case.history.assignment(partition.current);
    let owner = match owner {
        Some(owner) if owner.ended == NEVER => format!("{} owns {name}", owner.member),
        Some(owner) => format!("{} was the last owner of {name}", owner.member),
        None => format!("{name} never had an owner"),
    };
    let committed = partition.committed_by;
    match last_commit(case, committed) {
        Some((member, next)) => {
            let at = case.at(committed).since_start().as_secs_f64();
            format!("{owner}, and its last commit is {next}, by {member} at {at:.1}s")
        }
        None => format!("{owner}, and it was never committed"),
    }
}

/// Returns the commit of an entry.
fn last_commit(case: &Case<'_>, entry: EntryIndex) -> Option<(MemberId, NextOffset)> {
    let mut commits = case.history.commits.iter().rev();
    let commit = commits.find(|commit| commit.entry == entry)?;
    Some((commit.member, commit.next))
}

/// Returns the entries that show the owner of a partition and its last commit.
fn owner_shown(case: &Case<'_>, slot: Slot) -> impl Iterator<Item = EntryIndex> {
    let partition = &case.history.partitions[slot];
    let owner = case.history.assignment(partition.current);
    let owner = owner.map(|owner| owner.entry);
    owner.into_iter().chain([partition.committed_by])
}

/// Returns the entries after the healing by which members were given partitions, or learned that
/// they are taken away; of those at one moment, the first.
fn rebalances(case: &Case<'_>) -> Vec<EntryIndex> {
    let entries = case.trace.entries().iter().enumerate();
    let moves = entries
        .skip(case.history.healed.get())
        .filter(|(_, entry)| {
            matches!(
                entry.event,
                TraceEvent::Assigned { .. } | TraceEvent::Revoked { .. } | TraceEvent::Lost { .. }
            )
        });
    let mut moves: Vec<_> = moves.collect();
    moves.dedup_by_key(|(_, entry)| entry.at);
    moves
        .into_iter()
        .map(|(index, _)| EntryIndex::new(index))
        .collect()
}
