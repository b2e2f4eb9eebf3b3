//! What is left of a shrunk scenario, in words.

use crate::Plan;
use crate::scenario::{Fate, FaultName};
use plimsoll_core::Instant;
use plimsoll_oracle::Word;
use std::fmt::Write as _;

/// Describes a plan: `One member, 2 messages, of which one fails. A member's process dies at once.`
pub(super) fn of(plan: &Plan) -> String {
    let mut text = format!("{}, {}.", members(plan), messages(plan));
    let mut kinds: Vec<(FaultName, usize)> = Vec::new();
    for fault in &plan.faults {
        let kind = fault.kind.name();
        match kinds.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, count)) => *count += 1,
            None => kinds.push((kind, 1)),
        }
    }
    for (kind, count) in kinds {
        text.push(' ');
        text += main_clause(kind.description());
        match count {
            1 => {}
            2 => text += ", twice",
            count => write!(text, ", {count} times").expect(super::INFALLIBLE),
        }
        text.push('.');
    }
    text
}

/// `One member`, or `2 members, of which one starts later`.
fn members(plan: &Plan) -> String {
    let count = plan.starts.len();
    let starts = plan.starts.iter().flatten();
    let later = starts.filter(|start| **start > Instant::ZERO).count();
    match (count, later) {
        (1, _) => "One member".into(),
        (_, 0) => format!("{count} members"),
        (_, 1) => format!("{count} members, of which one starts later"),
        (_, _) => format!("{count} members, of which {later} start later"),
    }
}

/// `one message that fails`, or `3 messages, of which one fails`.
fn messages(plan: &Plan) -> String {
    let count = plan.messages.len();
    let fails = |fate: Fate| fate != Fate::Ok;
    let failing = plan.messages.iter().filter(|message| fails(message.fate));
    match (count, failing.count()) {
        (1, 0) => "one message".into(),
        (1, _) => "one message that fails".into(),
        (_, 0) => format!("{count} messages"),
        (_, 1) => format!("{count} messages, of which one fails"),
        (_, failing) => format!("{count} messages, of which {failing} fail"),
    }
}

/// Returns what a sentence says before its first semicolon or full stop.
fn main_clause(sentence: &str) -> &str {
    let end = sentence.find([';', '.']).unwrap_or(sentence.len());
    sentence[..end].trim()
}
