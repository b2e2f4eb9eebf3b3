//! The bars of a timeline: attempts, ownerships and faults, each from its beginning to its end.

use super::super::super::page::columns;
use super::lanes::Lane;
use super::layout::{Event, MARK};
use super::scale::Scale;
use super::spans::{self, Attempt, Ownership, Span};
use plimsoll_core::Instant;
use plimsoll_oracle::{Entry, FaultId, Terms};
use std::collections::BTreeMap;

/// Something that lasts.
#[derive(Clone, Debug)]
pub(super) struct Bar {
    /// The lane in which it stands.
    pub lane: Lane,
    /// What it is, as the class that colours it.
    pub class: &'static str,
    /// Its name.
    pub label: String,
    /// The place at which the name begins.
    pub label_at: i32,
    /// The place of its beginning.
    pub left: i32,
    /// The place of its end.
    pub right: i32,
    /// Whether it lasts beyond the end of the picture.
    pub open: bool,
    /// The number of its row in the lane.
    pub row: usize,
    /// The entries of the trace at its ends, if their marks stand there and not in the row of
    /// marks.
    pub ends: Option<(usize, Option<usize>)>,
}

/// What is to be seen of a trace.
pub(super) struct Window<'a> {
    /// The terms of the run, with the names.
    pub terms: &'a Terms,
    /// The trace.
    pub entries: &'a [Entry],
    /// The axis.
    pub scale: &'a Scale,
    /// The lanes.
    pub lanes: &'a [Lane],
    /// The moment of the last event.
    pub end: Instant,
}

impl Window<'_> {
    /// Tells whether a span has a part in it.
    pub(super) fn shows<T>(&self, span: &Span<T>) -> bool {
        let (first, _) = self.scale.stops()[0];
        span.from <= self.end && span.end.is_none_or(|(_, to)| to >= first)
    }

    /// Returns the places of a span's beginning and end, and whether it lasts longer.
    pub(super) fn extent<T>(&self, span: &Span<T>) -> (i32, i32, bool) {
        let left = self.scale.x(span.from);
        match span.end {
            Some((_, to)) if to <= self.end || self.scale.has(to) => {
                (left, self.scale.x(to), false)
            }
            _ => (left, self.scale.width(), true),
        }
    }

    /// Returns the bars of all faults, attempts and ownerships, each in a row of its lane.
    pub(super) fn bars(&self, faults: &[Span<FaultId>], attempts: &[Span<Attempt>]) -> Vec<Bar> {
        let faults = faults.iter().map(|span| {
            let word = self
                .terms
                .fault(span.what)
                .map_or("fault", |fault| fault.word);
            let label = format!("{word} (fault {})", span.what.0);
            self.bar(span, Lane::Scenario, "fault", label, true)
        });
        let attempts = attempts.iter().map(|span| {
            let last = span.end.map(|(entry, _)| &self.entries[entry].event);
            let class = spans::outcome_of(last);
            let lane = Lane::Member(span.what.member);
            self.bar(span, lane, class, self.record(span.what), true)
        });
        let owned = spans::ownerships(self.entries).into_iter();
        let owned = owned.filter(|span| {
            self.lanes.contains(&Lane::Partition(span.what.partition)) && self.shows(span)
        });
        let owned = owned.map(|span| {
            let Ownership { partition, member } = span.what;
            let lane = Lane::Partition(partition);
            self.bar(&span, lane, "owned", member.to_string(), false)
        });
        let mut bars: Vec<Bar> = faults.chain(attempts).chain(owned).collect();
        sort(&mut bars);
        bars
    }

    fn bar<T>(
        &self,
        span: &Span<T>,
        lane: Lane,
        class: &'static str,
        label: String,
        has_marks: bool,
    ) -> Bar {
        let (left, mut right, open) = self.extent(span);
        if has_marks {
            // What begins and ends at one moment has both of its marks.
            right = right.max(left + MARK);
        }
        let last = span.end.map(|(entry, _)| entry);
        let margin = if has_marks { MARK / 2 + 6 } else { 6 };
        let length = width(&label);
        // On the bar, behind it or before it, where there is the room for it.
        let label_at = if right - left >= length + 2 * margin {
            left.max(0) + margin
        } else if right + margin + length <= self.scale.width() {
            right + margin
        } else {
            left - margin - length
        };
        Bar {
            lane,
            class,
            label,
            label_at,
            left,
            right,
            open,
            row: 0,
            ends: has_marks.then_some((span.first, last)),
        }
    }

    /// Names the record of an attempt: by its offset alone, where there is one partition.
    fn record(&self, attempt: Attempt) -> String {
        let partitions = self.lanes.iter();
        let partitions = partitions.filter(|lane| matches!(lane, Lane::Partition(_)));
        match partitions.count() {
            1 => format!("@{}", attempt.offset),
            _ => format!(
                "{}@{}",
                self.terms.partition_name(attempt.partition),
                attempt.offset
            ),
        }
    }
}

impl Bar {
    /// Tells whether the mark of an entry stands on it.
    pub(super) fn holds(&self, entry: usize) -> bool {
        let is_end = |(first, last)| first == entry || last == Some(entry);
        self.ends.is_some_and(is_end)
    }

    /// Returns the place of the mark of one of its ends.
    pub(super) fn place_of(&self, entry: usize) -> i32 {
        match self.ends {
            Some((first, _)) if first == entry => self.left,
            _ => self.right,
        }
    }

    /// Returns the places between which it is drawn, with its label and its marks.
    fn extent(&self) -> (i32, i32) {
        let left = self.left.min(self.label_at);
        let right = self.right.max(self.label_at + width(&self.label));
        let margin = if self.ends.is_some() { MARK / 2 } else { 1 };
        (left - margin, right + margin)
    }
}

/// Returns the width of a small text, in pixels, as nearly as that can be known here.
pub(super) fn width(text: &str) -> i32 {
    columns(text) as i32 * 65 / 10
}

/// Gives each bar the first row of its lane in which it touches no other.
fn sort(bars: &mut [Bar]) {
    let mut taken: BTreeMap<Lane, Vec<i32>> = BTreeMap::new();
    for bar in bars {
        let rows = taken.entry(bar.lane).or_default();
        let (begin, end) = bar.extent();
        let free = rows.iter().position(|taken| *taken < begin);
        bar.row = free.unwrap_or(rows.len());
        match rows.get_mut(bar.row) {
            Some(taken) => *taken = end,
            None => rows.push(end),
        }
    }
}

/// Returns the faults that an event of the timeline tells of.
pub(super) fn told_faults(entries: &[Entry], events: &[Event<'_>]) -> Vec<Span<FaultId>> {
    told(spans::faults(entries), events)
}

/// Returns the attempts that an event of the timeline tells of.
pub(super) fn told_attempts(entries: &[Entry], events: &[Event<'_>]) -> Vec<Span<Attempt>> {
    told(spans::attempts(entries), events)
}

fn told<T>(spans: Vec<Span<T>>, events: &[Event<'_>]) -> Vec<Span<T>> {
    let is_told = |entry: usize| events.iter().any(|one| one.moment.entry == entry);
    let spans = spans.into_iter();
    spans
        .filter(|span| is_told(span.first) || span.end.is_some_and(|(last, _)| is_told(last)))
        .collect()
}
