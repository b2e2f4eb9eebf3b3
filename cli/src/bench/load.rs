//! What is measured: the built-in load, as the options change it, or a scenario of the user's; the
//! intervals that replace its commit settings, and the seeds.

use crate::args::{CommitIntervalArgs, Interval, LoadArgs, SeedRange};
use crate::backend::Choice;
use crate::error::CliError;
use crate::library;
use crate::render::{counted, thousands};
use crate::runner::draw;
use plimsoll_core::{Instant, Ordering};
use plimsoll_oracle::{MemberId, Word};
use plimsoll_scenarios::Scenario;
use plimsoll_scenarios::scenario::{FaultKind, FaultSpec, MemberTarget, Trigger, Workload};
use std::collections::BTreeSet;
use std::time::Duration;

/// The built-in load: crashes, a graceful stop and a member that joins, under steady traffic.
const SCENARIO: &str = "bench/commit-interval";

/// The time from the last message of the built-in load to the healing.
const TAIL: Duration = Duration::from_secs(5);

/// The length of the built-in load for an interval of nothing: the group forms, a session times
/// out, and the group forms again.
const SHORTEST: Duration = Duration::from_secs(60);

/// The intervals that are measured where none are named, besides a commit after every record, in
/// milliseconds.
const INTERVALS: [u64; 6] = [100, 1_000, 5_000, 15_000, 30_000, 90_000];

/// The number of seeds in the simulator, at least and at most. Each crashes once or twice.
const SEEDS: (u64, u64) = (20, 200);

/// The number of messages of one interval, over all seeds, above which there are fewer seeds.
const MANY_MESSAGES: u64 = 400_000;

/// The number of messages of one seed above which long intervals are left out.
const LONG_SCHEDULE: f64 = 60_000.0;

/// The longest of the intervals that are never left out for the sake of time.
const SHORT: Interval = Interval::Every(Duration::from_secs(1));

/// The factor between the interval that keeps to a wish by the formula and one that surely does
/// not.
const MARGIN: f64 = 1.5;

/// The number of messages that a scenario has at most.
const MOST_MESSAGES: u32 = 1_000_000;

const TOO_MANY: &str = "A schedule has at most 1,000,000 messages, and takes a minute and four \
                        thirds of the longest interval: shorter --intervals have fewer.";

/// Why an interval of the usual list is not measured.
const SHOWS_NOTHING: &str = "the scenario is not twice as long";
const REPEATS_FAR_MORE: &str = "a crash would repeat far more than is allowed";
const IS_LONG: &str = "schedules with very many messages";

/// A load to measure, and the intervals to measure it with.
#[derive(Debug)]
pub(super) struct Load {
    /// The name of the scenario on the command line.
    pub label: String,
    /// The load in words, where it is the built-in one.
    pub description: Option<String>,
    /// The scenario; its commit settings are replaced.
    pub scenario: Scenario,
    /// The intervals, from the shortest.
    pub intervals: Vec<Interval>,
    /// The intervals of the usual list that are not measured, and why.
    pub left_out: Option<(Vec<Interval>, &'static str)>,
    /// The seeds, the same for every interval.
    pub seeds: SeedRange,
}

impl Load {
    /// Finds what the arguments ask for.
    ///
    /// # Errors
    /// Where they name no scenario, or make none.
    pub(super) fn of(args: &CommitIntervalArgs, choice: &Choice) -> Result<Self, CliError> {
        match &args.scenario {
            Some(name) => Self::named(name, args, choice),
            None => Self::built_in(args, choice),
        }
    }

    /// Takes a scenario as it is. An interval that is longer than half of it would show nothing but
    /// that it is long.
    fn named(name: &str, args: &CommitIntervalArgs, choice: &Choice) -> Result<Self, CliError> {
        let loaded = library::load_one(name)?;
        let (label, scenario) = (loaded.label, loaded.scenario);
        let first = scenario.seed.unwrap_or_default();
        let plan = draw(&scenario, first).map_err(|error| error.in_schedule(&label, first))?;
        let half = plan.heal_at.since_start() / 2;
        let spared = |interval: Interval| (interval.time() > half).then_some(SHOWS_NOTHING);
        let (intervals, left_out) = select(args, spared);
        let seeds = scenario.seed.map(SeedRange::one);
        Ok(Self {
            seeds: seeds.unwrap_or_else(|| self::seeds(args, choice, plan.messages.len() as u64)),
            description: None,
            label,
            scenario,
            intervals,
            left_out,
        })
    }

    /// Makes the built-in load as the options say, as long as its longest interval needs.
    fn built_in(args: &CommitIntervalArgs, choice: &Choice) -> Result<Self, CliError> {
        let loaded = library::load_one(SCENARIO)?;
        let mut scenario = loaded.scenario;
        apply(&args.load, &mut scenario);
        let rate = rate(&scenario);
        let members = members_from_the_start(&scenario) as f64;
        let enough = args.max_duplicates.and_then(|most| {
            // The wish is kept up to here, by the formula for long intervals.
            let kept = (f64::from(most) * members / rate).min(1e6);
            usual().find(|interval| interval.time().as_secs_f64() > MARGIN * kept)
        });
        let spared = |interval: Interval| {
            let messages = rate * length(interval.time()).as_secs_f64();
            match enough {
                Some(enough) if interval > enough => Some(REPEATS_FAR_MORE),
                _ => (interval > SHORT && messages > LONG_SCHEDULE).then_some(IS_LONG),
            }
        };
        let (intervals, left_out) = select(args, spared);
        let longest = intervals.last().map(|interval| interval.time());
        stretch(&mut scenario, longest.unwrap_or_default());
        if let Some(problem) = scenario.problems().first() {
            let message = format!("these options make no load: {problem}");
            return Err(CliError::Usage {
                message,
                help: (messages(&scenario) > MOST_MESSAGES).then(|| TOO_MANY.into()),
            });
        }
        Ok(Self {
            seeds: seeds(args, choice, u64::from(messages(&scenario))),
            description: Some(describe(&scenario)),
            label: loaded.label,
            scenario,
            intervals,
            left_out,
        })
    }
}

/// Returns the intervals to measure: those that are named, or those of the usual list for which
/// `spared` has no reason to leave them out. The second value has what is left out of the list, and
/// the reason for the shortest.
fn select(
    args: &CommitIntervalArgs,
    spared: impl Fn(Interval) -> Option<&'static str>,
) -> (Vec<Interval>, Option<(Vec<Interval>, &'static str)>) {
    if !args.intervals.is_empty() {
        let named: BTreeSet<Interval> = args.intervals.iter().copied().collect();
        return (named.into_iter().collect(), None);
    }
    let (left_out, needed): (Vec<_>, Vec<_>) =
        usual().partition(|interval| spared(*interval).is_some());
    let why = left_out.first().and_then(|interval| spared(*interval));
    (needed, why.map(|why| (left_out, why)))
}

/// Returns the intervals that are measured where none are named.
fn usual() -> impl Iterator<Item = Interval> {
    let times = INTERVALS.map(|millis| Interval::Every(Duration::from_millis(millis)));
    [Interval::EveryRecord].into_iter().chain(times)
}

/// Returns the seeds: fewer where a schedule has many messages, whose crashes each repeat many.
fn seeds(args: &CommitIntervalArgs, choice: &Choice, messages: u64) -> SeedRange {
    let (least, most) = SEEDS;
    args.seeds.unwrap_or_else(|| match choice {
        Choice::Sim => SeedRange {
            from: 0,
            to: (MANY_MESSAGES / messages.max(1)).clamp(least, most),
        },
        Choice::Turmoil | Choice::Kafka(_) => choice.default_seeds(),
    })
}

/// Changes the built-in load as the options say.
fn apply(options: &LoadArgs, scenario: &mut Scenario) {
    let settings = &mut scenario.settings;
    let (topics, consumers) = (&mut settings.topics, &mut settings.consumers);
    if let Some(partitions) = options.partitions {
        topics[0].partitions = partitions;
    }
    if let Some((shortest, longest)) = options.handler {
        (settings.handler.time.min, settings.handler.time.max) = (shortest, longest);
    }
    if let Some(ordering) = options.ordering {
        consumers.config.ordering = ordering;
    }
    if let Some(members) = options.members {
        let later = consumers.starts.pop();
        consumers.starts = vec![Some(Duration::ZERO); members as usize];
        consumers.starts.extend(later);
        for fault in &mut scenario.faults {
            if let FaultSpec::Explicit(fault) = fault
                && let FaultKind::Stop { member } = &mut fault.kind
                && members == 1
            {
                *member = MemberTarget::Member(MemberId(0));
            }
        }
    }
    if let Workload::Drawn(traffic) = &mut scenario.workload {
        traffic.rate = options.rate.unwrap_or(traffic.rate);
        traffic.keys = options.keys.unwrap_or(traffic.keys);
    }
}

/// Returns the length of the built-in load for this longest interval: a crash is to meet members
/// that have owned their partitions for longer.
fn length(interval: Duration) -> Duration {
    SHORTEST + interval.mul_f64(4.0 / 3.0)
}

/// Makes the built-in load as long as its longest interval needs, and moves what happens in it.
fn stretch(scenario: &mut Scenario, longest: Duration) {
    let settings = &mut scenario.settings;
    let before = settings.safety.unwrap_or(SHORTEST);
    let after = length(longest);
    let moved = |time: Duration| time.mul_f64(after.as_secs_f64() / before.as_secs_f64());
    settings.safety = Some(after);
    for start in settings.consumers.starts.iter_mut().flatten() {
        *start = moved(*start);
    }
    for fault in &mut scenario.faults {
        match fault {
            FaultSpec::Random(random) => {
                random.between = (moved(random.between.0), moved(random.between.1));
            }
            FaultSpec::Explicit(fault) => {
                if let Trigger::At(at) = &mut fault.trigger {
                    *at = Instant::ZERO + moved(at.since_start());
                }
            }
        }
    }
    if let Workload::Drawn(traffic) = &mut scenario.workload {
        let messages = traffic.rate * (after - TAIL).as_secs_f64();
        traffic.messages = (messages.round() as u32).max(1);
    }
}

/// Returns the messages a second that are produced.
pub(super) fn rate(scenario: &Scenario) -> f64 {
    match &scenario.workload {
        Workload::Drawn(traffic) => traffic.rate,
        Workload::Explicit(messages) => {
            let times = || messages.iter().map(|message| message.at);
            match (times().min(), times().max()) {
                (Some(first), Some(last)) if first < last => {
                    messages.len() as f64 / last.saturating_since(first).as_secs_f64()
                }
                _ => 0.0,
            }
        }
    }
}

/// Writes a rate.
pub(super) fn in_words(rate: f64) -> String {
    match rate.fract() == 0.0 {
        true => thousands(rate as u64),
        false => format!("{rate:.2}"),
    }
}

/// Returns the number of partitions that messages are produced to.
pub(super) fn partitions(scenario: &Scenario) -> u32 {
    let topics = scenario.settings.topics.iter();
    topics.map(|topic| topic.partitions).sum()
}

/// Returns the number of members that start with the run, at least one.
pub(super) fn members_from_the_start(scenario: &Scenario) -> usize {
    let starts = scenario.settings.consumers.starts.iter();
    let at_once = starts.filter(|start| **start == Some(Duration::ZERO));
    at_once.count().max(1)
}

/// Returns the number of messages that are produced in a schedule.
pub(super) fn messages(scenario: &Scenario) -> u32 {
    match &scenario.workload {
        Workload::Drawn(traffic) => traffic.messages,
        Workload::Explicit(messages) => messages.len() as u32,
    }
}

/// Says what the built-in load is.
fn describe(scenario: &Scenario) -> String {
    let settings = &scenario.settings;
    let handler = settings.handler.time;
    let handlers = match handler.min == handler.max {
        true => format!("{:?}", handler.min),
        false => format!("{:?} to {:?}", handler.min, handler.max),
    };
    let ordering = match (settings.consumers.config.ordering, &scenario.workload) {
        (Ordering::Key, Workload::Drawn(traffic)) if traffic.keys > 0 => {
            format!("by key ({})", counted(traffic.keys.into(), "key"))
        }
        (Ordering::Unordered, _) => "not ordered".into(),
        (ordering, _) => format!("in order by {}", ordering.word()),
    };
    format!(
        "{} records a second on {}, {ordering}; {} and one that joins later; handlers of {handlers}",
        in_words(rate(scenario)),
        counted(partitions(scenario).into(), "partition"),
        counted(members_from_the_start(scenario) as u64, "member"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{BenchCommand, Cli, Command};
    use clap::Parser;

    fn load(arguments: &[&str]) -> Load {
        let command = [&["plimsoll", "bench", "commit-interval"], arguments].concat();
        let Command::Bench(BenchCommand::CommitInterval(args)) = Cli::parse_from(command).command
        else {
            panic!("it is `bench commit-interval`");
        };
        Load::of(&args, &Choice::Sim).expect("a load")
    }

    #[test]
    fn the_built_in_load_is_the_embedded_scenario() {
        let embedded = library::load_one(SCENARIO).expect("it is embedded");
        let load = load(&[]);
        assert_eq!(load.scenario, embedded.scenario);
        assert_eq!((load.seeds.from, load.seeds.to), (0, 200));
        assert_eq!(load.left_out, None);
    }

    #[test]
    fn options_change_the_load_and_nothing_lowers_a_rate() {
        let load = load(&[
            "--rate",
            "500/s",
            "--partitions",
            "12",
            "--handler",
            "1..3ms",
        ]);
        assert_eq!(rate(&load.scenario), 500.0);
        assert_eq!(messages(&load.scenario), 47_500, "up to 30s");
        assert_eq!(partitions(&load.scenario), 12);
        assert_eq!(load.scenario.settings.handler.time.max.as_millis(), 3);
        assert_eq!(load.seeds.len(), 20);
    }

    #[test]
    fn schedules_are_as_long_as_the_longest_interval_needs() {
        let load = load(&["--rate", "4/s", "--intervals", "15s,record,15s"]);
        assert_eq!(load.scenario.settings.safety, Some(Duration::from_secs(80)));
        assert_eq!(messages(&load.scenario), 300);
        let fifteen = Interval::Every(Duration::from_secs(15));
        assert_eq!(load.intervals, [Interval::EveryRecord, fifteen]);
    }

    #[test]
    fn intervals_that_take_long_and_show_little_are_left_out_and_told() {
        let fast = load(&["--rate", "2000/s"]);
        let (left_out, _) = fast.left_out.expect("some are");
        assert_eq!(fast.intervals.len() + left_out.len(), 7);
        let wish = |most| load(&["--rate", "500/s", "--max-duplicates", most]).intervals;
        let longest = |most| wish(most).last().map(|interval| interval.time().as_secs());
        assert_eq!(longest("1000"), Some(15));
        assert_eq!(
            longest("160"),
            Some(5),
            "1s keeps to it, and the next may not"
        );
        let short = load(&["quick/member-killed"]);
        assert!(short.left_out.is_some(), "{short:?}");
    }

    #[test]
    fn a_group_of_one_is_stopped_too() {
        let load = load(&["--members", "1"]);
        assert_eq!(load.scenario.settings.consumers.starts.len(), 2);
        assert_eq!(load.scenario.problems(), []);
    }
}
