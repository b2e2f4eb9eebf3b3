//! The cause of a violation as one sentence.

use super::{AtStake, Attempt, Cause, Disruption, Fact, Fault, seconds};
use plimsoll_core::{Instant, NextOffset, Offset};
use std::fmt;

/// Puts what led to a violation into one sentence, in the order in which it happened.
impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&sentence(self))
    }
}

/// Says what a death at the moment of a commit would lose.
impl fmt::Display for AtStake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            member,
            record,
            next,
        } = self;
        write!(
            f,
            "Had {member} died then, {record} would be lost: its successor begins at {next}."
        )
    }
}

fn sentence(cause: &Cause) -> String {
    let mut clauses: Vec<(Instant, String)> = Vec::new();
    if let Some(fact) = &cause.attempt {
        clauses.push((fact.at, attempt(cause, fact)));
    }
    if let Some(fact) = &cause.overtaken_by {
        clauses.push((fact.at, overtaken_by(cause, fact)));
    }
    if let Some(fact) = &cause.committed {
        clauses.push((fact.at, committed(cause, fact)));
    }
    if let Some(fact) = &cause.disruption {
        clauses.push((fact.at, disruption(cause, fact)));
    }
    if let Some(fault) = &cause.fault {
        let is_told = cause.disruption.is_some_and(|fact| fact.is_done_by(fault));
        if !is_told {
            clauses.push((fault.at, began(fault)));
        }
    }
    if let Some(fact) = &cause.resumed {
        clauses.push((fact.at, resumed(cause, fact)));
    }
    clauses.sort_by_key(|(at, _)| *at);
    let mut clauses: Vec<String> = clauses.into_iter().map(|(_, text)| text).collect();
    if let (None, Some(partition)) = (&cause.committed, &cause.partition) {
        // Before that from which the group went on.
        let last = clauses.len() - usize::from(cause.resumed.is_some());
        clauses.insert(last, format!("nothing had been committed for {partition}"));
    }
    if cause.fault.is_none() && cause.disruption.is_none() {
        clauses.push("it needed no fault".into());
    }
    clauses.join("; ") + "."
}

fn attempt(cause: &Cause, fact: &Fact<Attempt>) -> String {
    let Fact {
        at, member, what, ..
    } = fact;
    let record = cause.record.as_deref().unwrap_or("the record");
    let at = seconds(*at);
    match what {
        Attempt::Running => format!("{member} began {record} at {at} and had not ended"),
        Attempt::Stopped => format!("{member}'s handler of {record} was stopped at {at}"),
        Attempt::Failed => format!("{member} failed at {record} at {at}"),
        Attempt::FailedForGood => format!("{member} failed at {record} for good at {at}"),
        Attempt::Finished => format!("{member} finished {record} at {at}"),
        Attempt::DeadLettered => format!("{member} dead-lettered {record} at {at}"),
    }
}

fn overtaken_by(cause: &Cause, fact: &Fact<Offset>) -> String {
    let partition = cause.partition.as_deref().unwrap_or("the partition");
    let (member, offset, at) = (fact.member, fact.what, seconds(fact.at));
    format!("{member} finished {partition}@{offset} at {at}")
}

fn committed(cause: &Cause, fact: &Fact<NextOffset>) -> String {
    let partition = cause.partition.as_deref().unwrap_or("the partition");
    let (member, next, at) = (fact.member, fact.what, seconds(fact.at));
    let mut text = format!("{member} committed {next} for {partition} at {at}");
    let is_done = cause.attempt.is_some_and(|attempt| attempt.what.finishes());
    let covers = cause.offset.is_some_and(|offset| next.covers(offset));
    if covers && !is_done {
        text += &format!(", which says that all before {next} is done");
    }
    text
}

fn disruption(cause: &Cause, fact: &Fact<Disruption>) -> String {
    let (member, at) = (fact.member, seconds(fact.at));
    let partition = cause.partition.as_deref().unwrap_or("the partition");
    let mut text = match fact.what {
        Disruption::Killed => format!("{member} was killed at {at}"),
        Disruption::AskedToStop => format!("{member} was asked to stop at {at}"),
        Disruption::Exited => format!("{member} ended by itself at {at}"),
        Disruption::Paused => format!("{member} stood still from {at} on"),
        Disruption::Revoked => format!("{member} had to give {partition} up at {at}"),
        Disruption::Lost => format!("{member} learned at {at} that it had lost {partition}"),
    };
    let fault = cause.fault.as_ref().filter(|fault| fact.is_done_by(fault));
    if let Some(Fault { word, id, .. }) = fault {
        text += &format!(" ({word}, fault {})", id.0);
    }
    text
}

fn began(fault: &Fault) -> String {
    let Fault { word, id, at, hit } = fault;
    let at = seconds(*at);
    match hit {
        Some(hit) => format!("{word} (fault {}) hit {hit} at {at}", id.0),
        None => format!("{word} (fault {}) began at {at}", id.0),
    }
}

fn resumed(cause: &Cause, fact: &Fact<NextOffset>) -> String {
    let partition = cause.partition.as_deref().unwrap_or("the partition");
    let (member, position, at) = (fact.member, fact.what, seconds(fact.at));
    format!("{member} read {partition} from {position} on at {at}")
}
