//! Convictions in words: what broke, its cause, the events, the promise, and how to see it again.

use super::super::page::{BAD, BOLD, FAINT, Page, padded, styled};
use super::super::{counted, counted_or_no, seconds};
use super::judgements::of_runs;
use crate::conviction::{Conviction, End, Evidence, NotShrunk, Shrunk, Sighting};
use crate::report::{Bug, ScenarioReport};
use plimsoll_oracle::story::{Moment, Story};
use plimsoll_oracle::{Property, Word};

/// The number of scenarios of one bug that are named.
const NAMED: usize = 3;

/// Adds a bug: the conviction that tells it, and where else it was met.
pub(super) fn bug(page: &mut Page, number: u32, bug: &Bug<'_>) {
    let Bug {
        scenario,
        conviction,
        scenarios,
        ..
    } = bug;
    let property = conviction.property;
    let trial = &scenario.trial;
    let mark = format!("{} {number}. ", styled(BAD, "✗"));
    page.paragraph(&mark, &heading(property, &trial.subject, &trial.label));
    evidence(page, property, &conviction.evidence);
    if let Some(names) = also_broken(bug) {
        entry(page, "Also broken", &names);
    }
    seen_in(page, scenario, conviction);
    if let Some(more) = more_scenarios(bug) {
        let mut names = scenarios[..scenarios.len().min(NAMED)].join(", ");
        if scenarios.len() > NAMED {
            names += ", ...";
        }
        entry(page, "And in", &format!("{more}: {names}"));
    }
    kept(page, conviction);
}

/// Adds a conviction as if there were no other.
pub(in super::super) fn conviction(
    page: &mut Page,
    scenario: &ScenarioReport,
    conviction: &Conviction,
) {
    evidence(page, conviction.property, &conviction.evidence);
    seen_in(page, scenario, conviction);
    kept(page, conviction);
}

fn seen_in(page: &mut Page, scenario: &ScenarioReport, conviction: &Conviction) {
    entry(page, "Seen in", &seen(scenario, conviction));
}

/// Says in which runs a violation was seen.
pub(in super::super) fn seen(scenario: &ScenarioReport, conviction: &Conviction) -> String {
    let Conviction { seed, runs, .. } = conviction;
    let all = scenario.tally.schedules;
    let first = if all == 1 { "" } else { "first " };
    format!("{}, {first}with seed {seed}", of_runs(*runs, all))
}

/// Names the other properties that a bug breaks, if it breaks others.
pub(in super::super) fn also_broken(bug: &Bug<'_>) -> Option<String> {
    let names: Vec<&str> = bug.properties.iter().map(|other| other.word()).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

/// Counts the other scenarios in which a bug was met, if there are others.
pub(in super::super) fn more_scenarios(bug: &Bug<'_>) -> Option<String> {
    let more = bug.scenarios.len() as u64;
    (more > 0).then(|| counted(more, "more scenario"))
}

/// Says why there is no smaller schedule.
pub(in super::super) fn not_shrunk(why: &NotShrunk) -> String {
    match why {
        NotShrunk::Interrupted => "interrupted".into(),
        NotShrunk::Broken(error) => format!("{error}, while shrinking"),
    }
}

/// Says how much is left of a schedule.
pub(in super::super) fn left(shrunk: &Shrunk) -> String {
    format!(
        "to {} and {}",
        counted_or_no(shrunk.messages as u64, "message"),
        counted_or_no(shrunk.faults as u64, "fault")
    )
}

/// Says how much is left of a schedule, and how many runs it took to find that.
pub(in super::super) fn size(shrunk: &Shrunk) -> String {
    let runs = counted(u64::from(shrunk.runs), "run");
    format!("{}, in {runs}", left(shrunk))
}

/// Returns the line that opens a conviction.
pub(crate) fn heading(property: Property, subject: &str, label: &str) -> String {
    styled(
        BOLD,
        &format!("{property} is violated by {subject} in {label}"),
    )
}

/// Adds what shows a violation.
fn evidence(page: &mut Page, property: Property, evidence: &Evidence) {
    match evidence {
        Evidence::Shrunk(shrunk) => self::shrunk(page, property, shrunk),
        Evidence::Seen(sighting) => story(page, property, &sighting.story),
        Evidence::NotShrunk(why) => {
            page.paragraph("  ", &format!("Not shrunk: {}.", not_shrunk(why)));
        }
    }
}

/// Adds a shrunk failure: what broke and why, and its size.
pub(crate) fn shrunk(page: &mut Page, property: Property, shrunk: &Shrunk) {
    story(page, property, &shrunk.story);
    entry(page, "Shrunk", &size(shrunk));
    if let Some(why) = ended_early(shrunk.end) {
        page.line(&format!("  Not the smallest, perhaps: {why}."));
    }
}

/// Adds a failure on real Kafka that was made smaller: what broke and why, what is said of the
/// search, and where it is kept.
pub(crate) fn smaller(page: &mut Page, conviction: &Conviction, facts: &[(&str, String)]) {
    evidence(page, conviction.property, &conviction.evidence);
    for (what, text) in facts {
        entry(page, what, &format!("{text}."));
    }
    kept(page, conviction);
}

/// Adds what broke, the cause, what is at stake, the events and the promise.
fn story(page: &mut Page, property: Property, story: &Story) {
    page.gap();
    entry(page, "What broke", &format!("{}.", story.broke));
    entry(page, "Cause", &story.cause.to_string());
    if let Some(at_stake) = &story.at_stake {
        entry(page, "At stake", &at_stake.to_string());
    }
    page.gap();
    if story.left_out > 0 {
        let left_out = counted(story.left_out as u64, "earlier event");
        page.line(&styled(FAINT, &format!("    ({left_out} left out)")));
    }
    timeline(page, &story.moments);
    page.gap();
    entry(page, "Promise", property.description());
    command(
        page,
        "Explained by",
        &format!("plimsoll explain {property}"),
    );
}

/// Adds events, each on a line: moment, actor, what happened. Those that show a violation are
/// marked.
pub(crate) fn timeline(page: &mut Page, moments: &[Moment]) {
    let actor = moments.iter().map(|moment| moment.actor.len());
    let actor = actor.max().unwrap_or(0);
    for moment in moments {
        let mark = if moment.shows {
            styled(BAD, ">")
        } else {
            " ".into()
        };
        let first = format!(
            "  {mark} {:>9}  {}  ",
            seconds(moment.at),
            padded(&moment.actor, actor)
        );
        page.paragraph(&first, &moment.what);
    }
}

/// Adds where the failure is kept, and the command that shows it again.
fn kept(page: &mut Page, conviction: &Conviction) {
    match &conviction.evidence {
        Evidence::Seen(sighting) => files_of(page, conviction, sighting),
        Evidence::Shrunk(_) | Evidence::NotShrunk(_) => {}
    }
    if let Some(death) = &conviction.death {
        entry(page, "With a crash", &format!("{}.", death.broke));
        command(page, "Shown by", &death.again);
    }
    if let Some(Err(error)) = &conviction.regression {
        let told = format!("none: {error}. Name another folder with --regressions DIR.");
        entry(page, "Regression", &told);
    }
    self::again(page, &conviction.again);
}

/// Adds the command that shows a failure again.
pub(crate) fn again(page: &mut Page, text: &str) {
    command(page, "Again with", text);
}

/// Adds a command; a line that is pasted is never broken.
fn command(page: &mut Page, what: &str, text: &str) {
    page.line(&format!("  {what:<13}{}", styled(BOLD, text)));
}

fn files_of(page: &mut Page, conviction: &Conviction, sighting: &Sighting) {
    if let Some(Ok(plan)) = &conviction.regression {
        page.line(&format!("  {:<13}{}", "Plan", plan.display()));
    }
    match &sighting.trace {
        Ok(path) => page.line(&format!("  {:<13}{}", "Trace", path.display())),
        Err(error) => entry(page, "Trace", &format!("none: {error}")),
    }
    for (number, path) in sighting.logs.iter().enumerate() {
        let what = if number == 0 { "Members said" } else { "" };
        page.line(&format!("  {what:<13}{}", path.display()));
    }
    if let Some(shrink) = &sighting.shrink {
        command(page, "Smaller with", shrink);
    }
    entry(
        page,
        "Simulator",
        "it can shrink what the same plan shows there:",
    );
    page.line(&format!("  {:<13}{}", "", sighting.simulate));
}

/// Adds an entry of a conviction: what it is, and its text.
fn entry(page: &mut Page, what: &str, text: &str) {
    page.paragraph(&format!("  {what:<13}"), text);
}

/// Says why the search for a smaller schedule ended before nothing smaller was found.
pub(crate) const fn ended_early(end: End) -> Option<&'static str> {
    match end {
        End::Smallest => None,
        End::Schedules => Some("it ended at the limit of --shrink-schedules"),
        End::Events => Some("it ended at the limit of --shrink-events"),
        End::Time => Some("it ended at the limit of --shrink-time"),
        End::Interrupted => Some("it was interrupted"),
    }
}
