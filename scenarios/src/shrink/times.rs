//! Rounder, earlier and shorter times.

use super::Search;
use crate::Plan;
use crate::scenario::{Distribution, Handler, Network, Trigger};
use plimsoll_core::Instant;
use plimsoll_oracle::MessageId;
use std::sync::Arc;
use std::time::Duration;

/// Moves everything together towards the start, then each time by itself, then the healing to
/// where the last thing is over.
pub(super) fn pass(search: &mut Search<'_>) {
    shift_all(search);
    gather_messages(search);
    heal_early(search);
    for (slot, _) in times(&search.best) {
        if search.is_over() {
            return;
        }
        shrink_one(search, slot);
    }
    heal_early(search);
}

/// A place where a plan says a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    Start(usize),
    Message(MessageId),
    FaultAt(usize),
    FaultDelay(usize),
    FaultDuration(usize),
    /// An argument of a fault, both by their index.
    FaultArgument(usize, usize),
    /// The time that every handler takes, where it is one, and not the default.
    Handler,
    /// The latency of every message, likewise.
    Latency,
    /// The healing, where it does not follow from the rest.
    Heal,
}

impl Slot {
    /// Returns whether this is a moment, and not a duration.
    fn is_moment(self) -> bool {
        matches!(
            self,
            Self::Start(_) | Self::Message(_) | Self::FaultAt(_) | Self::Heal
        )
    }
}

/// Returns the time of every slot, in nanoseconds.
pub(super) fn nanos(plan: &Plan) -> impl Iterator<Item = u64> {
    times(plan).into_iter().map(|(_, nanos)| nanos)
}

/// Returns the places of all moments but the healing.
pub(super) fn moments(plan: &Plan) -> Vec<Slot> {
    let slots = times(plan).into_iter().map(|(slot, _)| slot);
    let moments = slots.filter(|slot| slot.is_moment() && *slot != Slot::Heal);
    moments.collect()
}

fn times(plan: &Plan) -> Vec<(Slot, u64)> {
    let mut times = Vec::with_capacity(plan.messages.len() + plan.starts.len() + 8);
    for (index, start) in plan.starts.iter().enumerate() {
        times.extend(start.map(|at| (Slot::Start(index), at.as_nanos())));
    }
    for message in &plan.messages {
        times.push((Slot::Message(message.id), message.at.as_nanos()));
    }
    for (index, fault) in plan.faults.iter().enumerate() {
        times.push(match fault.trigger {
            Trigger::At(at) => (Slot::FaultAt(index), at.as_nanos()),
            Trigger::When { delay, .. } => (Slot::FaultDelay(index), nanos_of(delay)),
        });
        times.extend(
            fault
                .duration
                .map(|duration| (Slot::FaultDuration(index), nanos_of(duration))),
        );
        let mut kind = fault.kind.clone();
        for (argument, value) in kind.arguments_mut().into_iter().enumerate() {
            let time = value.time_mut().map(|time| nanos_of(*time));
            times.extend(time.map(|nanos| (Slot::FaultArgument(index, argument), nanos)));
        }
    }
    let settings = &plan.settings;
    times.extend(
        constant(&settings.handler.time, &Handler::default().time)
            .map(|time| (Slot::Handler, time)),
    );
    times.extend(
        constant(&settings.network.latency, &Network::default().latency)
            .map(|time| (Slot::Latency, time)),
    );
    if plan.heal_at != plan.implied_healing() {
        times.push((Slot::Heal, plan.heal_at.as_nanos()));
    }
    times
}

/// Returns the one time of a distribution that a file says.
fn constant(time: &Distribution, default: &Distribution) -> Option<u64> {
    let is_one = time.min == time.max && time.slow_share == 0.0;
    (is_one && time != default).then(|| nanos_of(time.min))
}

pub(super) fn set(plan: &mut Plan, slot: Slot, nanos: u64) {
    let moment = Instant::from_nanos(nanos);
    let duration = Duration::from_nanos(nanos);
    match slot {
        Slot::Start(index) => plan.starts[index] = Some(moment),
        Slot::Message(id) => {
            for message in plan.messages.iter_mut().filter(|message| message.id == id) {
                message.at = moment;
            }
        }
        Slot::FaultAt(index) => plan.faults[index].trigger = Trigger::At(moment),
        Slot::FaultDelay(index) => {
            if let Trigger::When { delay, .. } = &mut plan.faults[index].trigger {
                *delay = duration;
            }
        }
        Slot::FaultDuration(index) => plan.faults[index].duration = Some(duration),
        Slot::FaultArgument(index, argument) => {
            if let Some(time) = plan.faults[index].kind.arguments_mut()[argument].time_mut() {
                *time = duration;
            }
        }
        Slot::Handler => {
            let settings = Arc::make_mut(&mut plan.settings);
            settings.handler.time = Distribution::even(duration, duration);
        }
        Slot::Latency => {
            let settings = Arc::make_mut(&mut plan.settings);
            settings.network.latency = Distribution::even(duration, duration);
        }
        Slot::Heal => plan.heal_at = moment,
    }
}

/// Attempts the best plan with times moved. A healing that follows from the rest moves along.
fn attempt_moved(search: &mut Search<'_>, change: impl Fn(&mut Plan)) -> bool {
    let follows = search.best.heal_at == search.best.implied_healing();
    let along = follows
        && search.attempt_with(|plan| {
            change(plan);
            heal_by_itself(plan);
        });
    along || search.attempt_with(change)
}

/// Moves all moments but the first members' starts earlier by the same time: half of what is
/// possible, and half of that, ...
fn shift_all(search: &mut Search<'_>) {
    let earliest = times(&search.best)
        .into_iter()
        .filter(|&(slot, at)| slot.is_moment() && slot != Slot::Heal && at > 0)
        .map(|(_, at)| at)
        .min()
        .unwrap_or(0);
    let mut by = earliest;
    while by >= MILLISECOND {
        let moved = attempt_moved(search, |plan| {
            for (slot, at) in times(plan) {
                if slot.is_moment() {
                    set(plan, slot, at.saturating_sub(by));
                }
            }
        });
        if moved {
            return;
        }
        by = by / 2 / MILLISECOND * MILLISECOND;
    }
}

/// Tries all messages at once, or at least all on whole seconds, tenths, ...
fn gather_messages(search: &mut Search<'_>) {
    let first = search.best.messages.first().map(|message| message.at);
    for at in [Some(Instant::ZERO), first].into_iter().flatten() {
        if attempt_moved(search, |plan| {
            plan.messages.iter_mut().for_each(|message| message.at = at)
        }) {
            return;
        }
    }
    for unit in UNITS {
        let rounded = attempt_moved(search, |plan| {
            for message in &mut plan.messages {
                message.at = Instant::from_nanos(message.at.as_nanos() / unit * unit);
            }
        });
        if rounded {
            return;
        }
    }
}

/// Heals where a file need not say it, or a second after the last thing, at a whole second.
fn heal_early(search: &mut Search<'_>) {
    search.attempt_with(heal_by_itself);
    let soon = round_up(last_end(&search.best), SECOND) + SECOND;
    search.attempt_with(|plan| plan.heal_at = plan.heal_at.min(Instant::from_nanos(soon)));
}

/// Heals when a file that states no duration heals, unless a member starts later.
fn heal_by_itself(plan: &mut Plan) {
    let healing = plan.implied_healing();
    if healing.as_nanos() > last_begin(plan) {
        plan.heal_at = healing;
    }
}

fn shrink_one(search: &mut Search<'_>, slot: Slot) {
    while let Some(&(_, now)) = times(&search.best).iter().find(|(at, _)| *at == slot) {
        let (low, high) = bounds(&search.best, slot);
        let shrunk = smaller(now)
            .into_iter()
            .filter(|nanos| (low..=high).contains(nanos))
            .any(|nanos| attempt_moved(search, |plan| set(plan, slot, nanos)));
        if !shrunk {
            return;
        }
    }
}

/// Returns where a time may lie: a fault lasts, nothing begins after the healing.
fn bounds(plan: &Plan, slot: Slot) -> (u64, u64) {
    match slot {
        Slot::Start(_) | Slot::Message(_) | Slot::FaultAt(_) => {
            (0, plan.heal_at.as_nanos().saturating_sub(1))
        }
        Slot::FaultDelay(_) => (0, u64::MAX),
        Slot::FaultDuration(_) | Slot::FaultArgument(..) | Slot::Handler | Slot::Latency => {
            (MILLISECOND, u64::MAX)
        }
        Slot::Heal => (round_up(last_begin(plan) + 1, SECOND), u64::MAX),
    }
}

/// Lists times to try instead of `nanos`, the plainest first: none at all, round ones, shorter
/// ones.
fn smaller(nanos: u64) -> Vec<u64> {
    let mut plainer = vec![0];
    for unit in UNITS {
        plainer.extend([nanos / unit * unit, round_up(nanos, unit)]);
    }
    let leading = 10u64.pow(nanos.max(1).ilog10());
    plainer.push(nanos / 2 / leading.max(10) * leading.max(10));
    plainer.push(nanos / 2 / (leading / 10).max(1) * (leading / 10).max(1));
    let last = 10u64.pow(nanos.max(1).ilog10() + 1 - significant_digits(nanos).max(1));
    plainer.extend([last, last / 10].map(|step| nanos.saturating_sub(step)));
    let rank = |nanos: u64| (significant_digits(nanos), nanos);
    let mut tried = Vec::with_capacity(plainer.len());
    for other in plainer {
        if rank(other) < rank(nanos) && !tried.contains(&other) {
            tried.push(other);
        }
    }
    tried
}

const MILLISECOND: u64 = 1_000_000;
const SECOND: u64 = 1_000_000_000;
const UNITS: [u64; 5] = [
    10 * SECOND,
    SECOND,
    100 * MILLISECOND,
    10 * MILLISECOND,
    MILLISECOND,
];

/// Returns when the last thing begins: members' starts, messages, timed faults.
fn last_begin(plan: &Plan) -> u64 {
    times(plan)
        .into_iter()
        .filter(|(slot, _)| slot.is_moment() && *slot != Slot::Heal)
        .map(|(_, at)| at)
        .max()
        .unwrap_or(0)
}

/// Returns when the last thing is over, as far as the plan says; triggered faults count from the
/// last beginning.
fn last_end(plan: &Plan) -> u64 {
    let begin = last_begin(plan);
    let ends = plan.faults.iter().map(|fault| {
        let duration = nanos_of(fault.duration.unwrap_or_default());
        match fault.trigger {
            Trigger::At(at) => at.as_nanos() + duration,
            Trigger::When { delay, .. } => begin + nanos_of(delay) + duration,
        }
    });
    ends.max().unwrap_or(0).max(begin)
}

fn round_up(nanos: u64, unit: u64) -> u64 {
    nanos.div_ceil(unit) * unit
}

fn nanos_of(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Counts the decimal digits without the zeros at the end: 1 for 30 s, 2 for 1.5 s, 0 for 0.
pub(super) fn significant_digits(mut nanos: u64) -> u32 {
    if nanos == 0 {
        return 0;
    }
    while nanos.is_multiple_of(10) {
        nanos /= 10;
    }
    nanos.ilog10() + 1
}

#[cfg(test)]
mod tests {
    use super::{MILLISECOND, SECOND, significant_digits, smaller};

    #[test]
    fn plainer_times_come_first() {
        let tried = smaller(12_340 * MILLISECOND);
        assert_eq!(tried[..3], [0, 10 * SECOND, 20 * SECOND]);
        assert!(tried.contains(&(12 * SECOND)));
        assert!(tried.contains(&(12_300 * MILLISECOND)));
        assert!(!tried.contains(&(12_340 * MILLISECOND)));
    }

    #[test]
    fn round_times_are_halved_and_counted_down() {
        assert_eq!(smaller(8 * SECOND), [0, 4 * SECOND, 7 * SECOND]);
        assert_eq!(smaller(SECOND), [0, 500, 900].map(|ms| ms * MILLISECOND));
        assert!(smaller(0).is_empty());
    }

    #[test]
    fn digits_are_those_that_are_read() {
        assert_eq!(significant_digits(0), 0);
        assert_eq!(significant_digits(30_000_000_000), 1);
        assert_eq!(significant_digits(1_500_000_000), 2);
        assert_eq!(significant_digits(12_034_250_001), 11);
    }
}
