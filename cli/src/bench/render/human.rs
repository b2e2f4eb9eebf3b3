//! The report for people: what an interval costs, what it repeats, and what follows.

use super::super::advice::{Advice, Change};
use super::super::formula::STATEMENT;
use super::super::load;
use super::super::report::Report;
use super::super::summary::{Row, Spread};
use super::super::throughput::{RECORD_BYTES, RECORDS, ROUNDS};
use super::{name, setting};
use crate::render::page::{BAD, BOLD, DOUBTFUL, FAINT, GOOD, Page, styled};
use crate::render::{Table, counted, number, thousands};
use crate::terminal::{Detail, Look};
use plimsoll_oracle::Word;

/// Renders the report as text.
pub(in super::super) fn human(report: &Report, look: Look) -> String {
    let mut page = Page::new(look.width());
    if look.detail != Detail::Quiet {
        heading(&mut page, report);
        table(&mut page, "What each interval costs", &costs(report));
        table(&mut page, &repeated(report), &duplicates(report));
        legend(&mut page, report, look.detail);
    }
    for row in &report.rows {
        remarks(&mut page, row);
    }
    overload(&mut page, report);
    if report.interrupted {
        page.gap();
        page.line("Interrupted: the tables cover what ran.");
    }
    advice(&mut page, report);
    page.into_text()
}

fn heading(page: &mut Page, report: &Report) {
    let load = &report.load;
    let schedules = report.rows.iter().map(|row| row.schedules).max();
    let mut text = match &load.description {
        Some(description) => format!("{description}."),
        None => format!("{}, with other commit settings.", load.label),
    };
    text += &format!(
        " {} for each interval, seeds {}..{}.",
        counted(schedules.unwrap_or(0), "schedule"),
        load.seeds.from,
        load.seeds.to,
    );
    if let Some((left_out, why)) = &load.left_out {
        let names: Vec<String> = left_out.iter().map(|interval| name(*interval)).collect();
        let names = names.join(", ");
        text += &format!(" Not measured: {names} ({why}; --intervals measures any).");
    }
    page.paragraph("", &text);
}

fn table(page: &mut Page, title: &str, table: &Table) {
    page.gap();
    page.line(&styled(BOLD, title));
    for (index, line) in table.to_text().lines().enumerate() {
        match index {
            0 => page.line(&styled(FAINT, line)),
            _ => page.line(line),
        }
    }
}

/// Tabulates commits, delays, and how fast a backlog is worked off.
fn costs(report: &Report) -> Table {
    let mut heading = vec![
        "interval",
        "commits/s",
        "/record",
        "delay",
        "p99",
        "outage",
        "p99",
    ];
    let with_throughput = report.rows.iter().any(|row| row.throughput.is_some());
    heading.extend(with_throughput.then_some("backlog/s"));
    let mut table = Table::new(heading.into_iter().map(String::from).collect());
    for row in &report.rows {
        let mut cells = vec![
            name(row.interval),
            number(row.commits_per_second),
            format!("{:.3}", row.commits_per_message),
        ];
        cells.extend(delay(&row.healthy));
        cells.extend(delay(&row.outage));
        if with_throughput {
            let rate = row.throughput.map(|rate| thousands(rate.round() as u64));
            cells.push(rate.unwrap_or_else(|| "-".into()));
        }
        table.row(cells);
    }
    table
}

fn delay(delay: &Spread) -> [String; 2] {
    match delay.count {
        0 => ["-".into(), "-".into()],
        _ => [time(delay.mean), time(delay.p99)],
    }
}

/// Writes seconds with a unit that fits.
fn time(seconds: f64) -> String {
    match seconds {
        ..0.9995 => format!("{:.0} ms", seconds * 1e3),
        ..100.0 => format!("{seconds:.1} s"),
        _ => format!("{seconds:.0} s"),
    }
}

/// Writes a whole number.
fn whole(number: f64) -> String {
    thousands(number as u64)
}

/// Returns the title of the table of duplicates: how many crashes there were.
fn repeated(report: &Report) -> String {
    let most = |count: fn(&Row) -> usize| report.rows.iter().map(count).max().unwrap_or(0);
    format!(
        "Records handled again after {}, {} and {}",
        crashes(most(|row| row.crash.count)),
        counted(most(|row| row.stop.count) as u64, "stop"),
        counted(most(|row| row.rebalance.count) as u64, "rebalance"),
    )
}

fn crashes(count: usize) -> String {
    match count {
        1 => "1 crash".into(),
        _ => format!("{} crashes", thousands(count as u64)),
    }
}

/// Tabulates the records that crashes, graceful stops and rebalances repeated. A rebalance counts
/// once for each member that it takes partitions from.
fn duplicates(report: &Report) -> Table {
    let heading = [
        "interval",
        "mean",
        "p99",
        "worst",
        "predicted",
        "at most",
        "stop",
        "rebalance",
    ];
    let mut table = Table::new(heading.map(String::from).to_vec());
    for row in &report.rows {
        let told = |spread: &Spread, text: String| match spread.count {
            0 => "-".into(),
            _ => text,
        };
        table.row(vec![
            name(row.interval),
            told(&row.crash, number(row.crash.mean)),
            told(&row.crash, whole(row.crash.p99)),
            told(&row.crash, whole(row.crash.max)),
            told(&row.crash, number(row.predicted.mean)),
            told(&row.crash, whole(row.predicted.most())),
            told(&row.stop, whole(row.stop.max)),
            told(&row.rebalance, whole(row.rebalance.max)),
        ]);
    }
    table
}

/// Says what the columns are.
fn legend(page: &mut Page, report: &Report, detail: Detail) {
    let mut entries =
        vec![
        ("commits/s", "of the whole group; /record: the same for each record".to_owned()),
        (
            "delay",
            "from a record's acknowledgement to its first effect, in healthy time".to_owned(),
        ),
        (
            "outage",
            "the same of records that waited while a fault was under way or a partition had no \
             owner, or behind such records"
                .to_owned(),
        ),
    ];
    if report.rows.iter().any(|row| row.throughput.is_some()) {
        let backlog = match report.is_real {
            true => format!(
                "records a second, of a consumer with an empty handler that catches up on {} \
                 records of {RECORD_BYTES} bytes; the median of {ROUNDS} rounds",
                thousands(u64::from(RECORDS)),
            ),
            false => "records a second, of the group as it works a backlog off in the model: \
                      compare it with the first row, not with real brokers"
                .into(),
        };
        entries.push(("backlog/s", backlog));
    }
    if report.rows.iter().any(|row| row.crash.count > 0) {
        let formula = match detail {
            Detail::Verbose => STATEMENT,
            _ => "what a formula says of the same crashes: mean and most (-v shows it)",
        };
        entries.push(("predicted", formula.to_owned()));
        let others = "the most after one of them; rebalance: the same";
        entries.push(("stop", others.to_owned()));
    }
    page.gap();
    for (column, meaning) in entries {
        page.paragraph(&format!("  {column:<11}"), &styled(FAINT, &meaning));
    }
}

/// Tells what should not be there: violations, and repetitions without a cause.
fn remarks(page: &mut Page, row: &Row) {
    let interval = name(row.interval);
    let violations = row.violations.iter().map(|(property, seed)| {
        let property = property.word();
        format!("{interval}: {property} violated, first with seed {seed}.")
    });
    let lost = (row.lost > 0).then(|| format!("{interval}: {} lost.", counted(row.lost, "record")));
    let unexplained = (row.unexplained > 0).then(|| {
        format!(
            "{interval}: {} repeated although nothing was taken from the owner.",
            counted(row.unexplained, "effect")
        )
    });
    for text in violations.chain(lost).chain(unexplained) {
        page.gap();
        page.paragraph(&format!("{} ", styled(BAD, "✗")), &text);
    }
}

/// Says that the group cannot keep up, and what may help.
fn overload(page: &mut Page, report: &Report) {
    let Some(handled) = report.overload() else {
        return;
    };
    let rate = load::rate(&report.load.scenario);
    let text = format!(
        "The group does not keep up: {} records a second are produced, and it handles {}. Delays \
         are those of a backlog that grows, and a crash repeats what was handled, not what was \
         produced. More partitions help, members if their handlers are all busy, shorter handlers, \
         or keys that are handled side by side (ordering \"key\").",
        load::in_words(rate),
        whole(handled),
    );
    page.gap();
    page.paragraph(&format!("{} ", styled(DOUBTFUL, "!")), &text);
}

/// Says which interval to take, or what else to change.
fn advice(page: &mut Page, report: &Report) {
    let rows = &report.rows;
    let most = u64::from(report.wish.unwrap_or_default());
    let most = counted(most, "record");
    let (style, head, more) = match &report.advice {
        Advice::Nothing => return,
        Advice::Take(row) => (
            GOOD,
            format!("Take {}.", pasted(&setting(rows[*row].interval))),
            taken(report, *row),
        ),
        Advice::None(change) => (
            BAD,
            format!("No measured interval keeps a crash to {most}."),
            changed(&rows[0], change),
        ),
        Advice::NoCrash => (
            DOUBTFUL,
            "No member crashed, so none of this says what a crash repeats.".into(),
            "A scenario with a fault `crash` does (`plimsoll explain crash`).".into(),
        ),
        Advice::Knee(row) => (BOLD, knee_head(rows, *row), knee(rows, *row)),
    };
    page.gap();
    page.paragraph("", &format!("{} {more}", styled(style, &head)));
}

/// Keeps what can be pasted in one line: a page prints these spaces as any other.
fn pasted(setting: &str) -> String {
    setting.replace(' ', "\u{a0}")
}

fn taken(report: &Report, index: usize) -> String {
    let row = &report.rows[index];
    let mut text = format!(
        "A crash then repeats at most {} of the {} records that are allowed (the worst of {}: {}; \
         by the formula: {}), for {} commits a second.",
        whole(row.worst()),
        thousands(u64::from(report.wish.unwrap_or_default())),
        crashes(row.crash.count),
        whole(row.crash.max),
        whole(row.predicted.most()),
        number(row.commits_per_second),
    );
    match report.rows.get(index + 1) {
        None => text += " No longer interval was measured.",
        Some(next) if next.is_broken() => {
            text += &format!(" The next, {}, breaks a promise.", name(next.interval));
        }
        Some(next) => {
            text += &format!(
                " The next, {}, repeats up to {}, for {}.",
                name(next.interval),
                whole(next.worst()),
                number(next.commits_per_second),
            );
        }
    }
    text
}

fn changed(shortest: &Row, change: &Change) -> String {
    if shortest.is_broken() {
        let interval = name(shortest.interval);
        return format!("A promise is broken even with {interval}, and that comes first.");
    }
    let mut text = format!(
        "With {}, a crash repeats up to {}.",
        name(shortest.interval),
        whole(shortest.worst()),
    );
    if let Some(interval) = change.interval {
        text +=
            &format!(" By the formula {interval:?} does: --intervals {interval:?} measures it.");
    }
    if let Some(every) = change.every {
        let by = match change.interval {
            Some(_) => "So does",
            None => "By the formula it takes",
        };
        text += &format!(
            " {by} {}.",
            pasted(&format!("commit = {{ every = {every} }}"))
        );
    }
    if let Some(members) = change.members {
        text += &format!(
            " By the formula it takes {members} members, and as many partitions, so that each \
             finishes fewer records while a commit is on its way.",
        );
    }
    if *change == Change::default() {
        text += " What a member finishes while a commit is on its way is repeated at any interval. \
                 More members make it fewer records for each; no setting makes it none, so effects \
                 have to tolerate a repeat.";
    }
    text
}

fn knee_head(rows: &[Row], index: usize) -> String {
    let row = &rows[index];
    format!(
        "From {} on there are few commits left to save: it sends {:.0} % of those of {}.",
        name(row.interval),
        100.0 * row.commits / rows[0].commits,
        name(rows[0].interval),
    )
}

fn knee(rows: &[Row], index: usize) -> String {
    let (row, longest) = (&rows[index], &rows[rows.len() - 1]);
    format!(
        "What a crash repeats still grows with the interval: {} in the mean with {}, {} with {}. \
         --max-duplicates N recommends an interval.",
        number(row.crash.mean),
        name(row.interval),
        number(longest.crash.mean),
        name(longest.interval),
    )
}
