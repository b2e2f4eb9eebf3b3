//! How fast a backlog is worked off in the simulator, with each interval. Requests take their time
//! in the model, and no processor is busy: so the figures say what partitions, members and handlers
//! allow, and how the intervals compare, and nothing of real brokers.

use super::load;
use super::with_interval;
use crate::args::Interval;
use crate::error::CliError;
use crate::runner::{Worker, draw};
use plimsoll_core::{InitialPosition, Instant, Ordering, Outcome};
use plimsoll_oracle::{MessageId, Trace, TraceEvent};
use plimsoll_scenarios::Scenario;
use plimsoll_scenarios::scenario::{Distribution, Traffic, Workload};
use std::collections::BTreeSet;
use std::time::Duration;

/// The time at which the members start: by then the backlog is there.
const START: Duration = Duration::from_secs(10);

/// The time that a backlog is to last for.
const LASTS: f64 = 10.0;

/// The number of records of a backlog, at most.
const MOST: f64 = 20_000.0;

/// The number of records of a backlog for each partition, at least.
const LEAST: u32 = 20;

/// Measures the records a second with each interval, under one seed; `None` where the subject does
/// not work the backlog off.
///
/// # Errors
/// Where a schedule has no verdict.
pub(super) fn measure(
    worker: &mut Worker,
    scenario: &Scenario,
    intervals: &[Interval],
    seed: u64,
) -> Result<Vec<Option<f64>>, CliError> {
    let backlog = backlog(scenario);
    let each = intervals.iter().map(|interval| {
        let plan = draw(&with_interval(&backlog, *interval), seed)?;
        worker.run(&plan)?;
        Ok(rate(worker.trace(), load::messages(&backlog)))
    });
    each.collect()
}

/// Makes of a scenario one without faults, in which all messages are there before the members of
/// the start.
fn backlog(scenario: &Scenario) -> Scenario {
    let mut scenario = scenario.clone();
    let messages = size(&scenario);
    let traffic = match &scenario.workload {
        Workload::Drawn(traffic) => traffic.clone(),
        Workload::Explicit(_) => Traffic::default(),
    };
    scenario.workload = Workload::Drawn(Traffic {
        messages,
        rate: f64::from(messages) / (START.as_secs_f64() / 2.0),
        start: Duration::ZERO,
        ..traffic
    });
    let members = load::members_from_the_start(&scenario);
    let settings = &mut scenario.settings;
    settings.consumers.starts = vec![Some(START); members];
    settings.consumers.config.initial = InitialPosition::Earliest;
    settings.safety = Some(START + Duration::from_secs(1));
    settings.handler.messages.clear();
    scenario.faults.clear();
    scenario
}

/// Returns the number of records that the group handles in the time that a backlog is to last for,
/// by its settings alone.
fn size(scenario: &Scenario) -> u32 {
    let settings = &scenario.settings;
    let config = &settings.consumers.config;
    let partitions = load::partitions(scenario);
    let handlers = load::members_from_the_start(scenario) * config.max_in_flight;
    let side_by_side = match config.ordering {
        Ordering::Partition => handlers.min(partitions as usize),
        Ordering::Key | Ordering::Unordered => handlers,
    };
    let time = mean(&settings.handler.time).as_secs_f64().max(1e-6);
    let records = side_by_side as f64 / time * LASTS;
    (records.min(MOST) as u32).max(LEAST * partitions)
}

fn mean(time: &Distribution) -> Duration {
    let usual = (time.min + time.max) / 2;
    let slow = (time.slow_min + time.slow_max) / 2;
    usual.mul_f64(1.0 - time.slow_share) + slow.mul_f64(time.slow_share)
}

/// Returns the records a second that took effect, without the first and the last tenth: there,
/// members wait for their partitions, and others have no records left. `None` where most of the
/// messages had no effect.
fn rate(trace: &Trace, messages: u32) -> Option<f64> {
    let mut seen: BTreeSet<MessageId> = BTreeSet::new();
    let effects = trace
        .entries()
        .iter()
        .filter_map(|entry| match entry.event {
            TraceEvent::Effect {
                message,
                outcome: Outcome::Ok,
                ..
            } => seen.insert(message).then_some(entry.at),
            _ => None,
        });
    let effects: Vec<Instant> = effects.collect();
    let tenth = effects.len() / 10;
    let middle = &effects[tenth..effects.len() - tenth];
    let time = middle.last()?.saturating_since(*middle.first()?);
    let is_worked_off = 2 * effects.len() > messages as usize && !time.is_zero();
    is_worked_off.then(|| (middle.len() - 1) as f64 / time.as_secs_f64())
}
