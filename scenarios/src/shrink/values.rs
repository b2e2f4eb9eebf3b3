//! Plainer values: handlers that succeed, constant times, no keys, faults at the first occasion.

use super::Search;
use crate::Plan;
use crate::scenario::{Distribution, Fate, Fault, FaultKind, Trigger};
use plimsoll_core::Config;
use std::sync::Arc;
use std::time::Duration;

/// Makes values plainer: all messages at once, then one by one, then faults and settings.
pub(super) fn pass(search: &mut Search<'_>) {
    search.attempt_with(|plan| {
        for message in &mut plan.messages {
            (message.key, message.bytes, message.fate) = (None, PLAIN_BYTES, Fate::Ok);
        }
    });
    search.attempt_with(|plan| {
        plan.messages
            .iter_mut()
            .for_each(|message| message.fate = Fate::Ok);
    });
    search.attempt_with(|plan| {
        plan.messages
            .iter_mut()
            .for_each(|message| message.key = None);
    });
    search.attempt_with(|plan| {
        plan.messages
            .iter_mut()
            .for_each(|message| message.bytes = PLAIN_BYTES);
    });
    search.attempt_with(renumber_keys);
    retry_attempts(search);
    for index in 0..search.best.messages.len() {
        if search.is_over() {
            return;
        }
        shrink_message(search, index);
    }
    for index in 0..search.best.faults.len() {
        shrink_fault(search, index);
    }
    constant_times(search);
}

/// Measures how far the values of a plan are from the plainest ones.
pub(super) fn weight(plan: &Plan) -> u64 {
    let messages = plan.messages.iter().map(|message| {
        fate_weight(message.fate)
            + message.key.map_or(0, |key| 1 + u64::from(key))
            + u64::from(message.bytes != PLAIN_BYTES)
    });
    let faults = plan.faults.iter().map(fault_weight);
    let settings = &plan.settings;
    messages.sum::<u64>()
        + faults.sum::<u64>()
        + attempts_weight(plan)
        + distribution_weight(&settings.handler.time)
        + distribution_weight(&settings.network.latency)
}

/// The size of a message that says nothing: the language's default.
const PLAIN_BYTES: u32 = 100;

/// Weighs a fate: failing once is plainer than failing in another way, or more often.
fn fate_weight(fate: Fate) -> u64 {
    let capped = |attempts: u32| u64::from(attempts.min(99));
    match fate {
        Fate::Ok => 0,
        Fate::Retryable(attempts) => capped(attempts),
        Fate::Permanent => 100,
        Fate::Undecodable => 200,
        Fate::Panic(attempts) => 300 + capped(attempts),
        Fate::Hang(attempts) => 400 + capped(attempts),
    }
}

fn fault_weight(fault: &Fault) -> u64 {
    let count = match fault.trigger {
        Trigger::At(_) => 0,
        Trigger::When { count, .. } => u64::from(count),
    };
    let arguments = fault.kind.arguments().into_iter();
    count
        + arguments
            .map(|argument| argument.value.weight())
            .sum::<u64>()
}

/// Weighs the retry budget, which says something only where a message fails.
fn attempts_weight(plan: &Plan) -> u64 {
    let attempts = plan.settings.consumers.config.retry.attempts;
    if fails(plan) { attempts.into() } else { 0 }
}

fn fails(plan: &Plan) -> bool {
    let outage = |fault: &Fault| matches!(fault.kind, FaultKind::HandlerOutage { .. });
    plan.messages.iter().any(|message| message.fate != Fate::Ok) || plan.faults.iter().any(outage)
}

fn distribution_weight(time: &Distribution) -> u64 {
    u64::from(time.min != time.max) + u64::from(time.slow_share > 0.0)
}

/// Names the keys 0, 1, ... in the order in which they are met.
fn renumber_keys(plan: &mut Plan) {
    let mut met: Vec<u32> = Vec::new();
    for message in &mut plan.messages {
        let Some(key) = &mut message.key else {
            continue;
        };
        let index = met.iter().position(|other| other == key);
        *key = index.unwrap_or_else(|| {
            met.push(*key);
            met.len() - 1
        }) as u32;
    }
}

/// Tries the default number of attempts with messages that fail at each of them, then fewer
/// attempts.
fn retry_attempts(search: &mut Search<'_>) {
    let attempts = search.best.settings.consumers.config.retry.attempts;
    let default = Config::default().retry.attempts;
    let put_back = search.attempt_with(|plan| {
        set_attempts(plan, default);
        for message in &mut plan.messages {
            if let Fate::Retryable(_) = message.fate {
                message.fate = Fate::Retryable(Fate::ALWAYS);
            }
        }
    });
    if !put_back {
        let fewer = [1, 2, 3, attempts / 2, attempts.saturating_sub(1)];
        let mut fewer = fewer.into_iter().filter(|fewer| *fewer > 0);
        let _ = fewer.any(|fewer| search.attempt_with(|plan| set_attempts(plan, fewer)));
    }
}

fn set_attempts(plan: &mut Plan, attempts: u32) {
    let settings = Arc::make_mut(&mut plan.settings);
    settings.consumers.config.retry.attempts = attempts;
}

fn shrink_message(search: &mut Search<'_>, index: usize) {
    let plainer: &[Fate] = match search.best.messages[index].fate {
        Fate::Ok => &[],
        Fate::Retryable(_) | Fate::Permanent | Fate::Undecodable => FAILING,
        Fate::Panic(_) => &[
            Fate::Ok,
            Fate::Retryable(1),
            Fate::Permanent,
            Fate::Panic(1),
        ],
        Fate::Hang(_) => &[Fate::Ok, Fate::Retryable(1), Fate::Panic(1), Fate::Hang(1)],
    };
    let _ = plainer
        .iter()
        .any(|&fate| search.attempt_with(|plan| plan.messages[index].fate = fate));
    search.attempt_with(|plan| plan.messages[index].key = None);
    search.attempt_with(|plan| plan.messages[index].bytes = PLAIN_BYTES);
}

/// What to try instead of a failure, the plainest first.
const FAILING: &[Fate] = &[
    Fate::Ok,
    Fate::Retryable(1),
    Fate::Retryable(2),
    Fate::Retryable(3),
    Fate::Retryable(5),
    Fate::Retryable(10),
    Fate::Permanent,
];

fn shrink_fault(search: &mut Search<'_>, index: usize) {
    if let Trigger::When { count, .. } = search.best.faults[index].trigger {
        shrink_number(search, count, &|plan, fewer| {
            if let Trigger::When { count, .. } = &mut plan.faults[index].trigger {
                *count = fewer;
            }
        });
    }
    for argument in 0..search.best.faults[index].kind.arguments().len() {
        shrink_argument(search, index, argument);
    }
}

fn shrink_argument(search: &mut Search<'_>, fault: usize, argument: usize) {
    let mut kind = search.best.faults[fault].kind.clone();
    if let Some(number) = kind.arguments_mut()[argument].number_mut() {
        shrink_number(search, *number, &|plan, fewer| {
            if let Some(number) = plan.faults[fault].kind.arguments_mut()[argument].number_mut() {
                *number = fewer;
            }
        });
    }
    search.attempt_with(|plan| plan.faults[fault].kind.arguments_mut()[argument].make_plain());
}

/// Tries 1, then halves, then one less at a time.
fn shrink_number(search: &mut Search<'_>, mut number: u32, set: &dyn Fn(&mut Plan, u32)) {
    if number <= 1 || search.attempt_with(|plan| set(plan, 1)) {
        return;
    }
    while number > 2 {
        let fewer = [number / 2, number - 1]
            .into_iter()
            .find(|&fewer| search.attempt_with(|plan| set(plan, fewer)));
        match fewer {
            Some(fewer) => number = fewer,
            None => return,
        }
    }
}

/// Tries one time for every handler, one latency for every message.
fn constant_times(search: &mut Search<'_>) {
    let time = search.best.settings.handler.time;
    for constant in [10, 100, 1_000]
        .map(Duration::from_millis)
        .into_iter()
        .chain([time.min, time.max, time.slow_max])
    {
        let constant = Distribution::even(constant, constant);
        if search.attempt_settings(|settings| settings.handler.time = constant) {
            break;
        }
    }
    let latency = search.best.settings.network.latency;
    for constant in [Duration::from_millis(1), latency.min, latency.max] {
        let constant = Distribution::even(constant, constant);
        if search.attempt_settings(|settings| settings.network.latency = constant) {
            break;
        }
    }
}
