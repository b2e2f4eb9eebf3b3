//! Settings back to their defaults: what the file need not say.

use super::{Search, times};
use crate::scenario::{
    BrokerSettings, Consumers, Expect, Handler, Keys, Network, Producer, Settings, Topic,
};
use plimsoll_core::{Config, Instant, RetryPolicy};
use std::sync::Arc;
use std::time::Duration;

/// Puts settings back while there are many messages, at many times: a failure that needs a message
/// at the right moment then still finds one. Numbers of records and handlers stay, because more of
/// them may need more messages.
pub(super) fn early(search: &mut Search<'_>) {
    if !search.settings_first {
        return;
    }
    let mut times = differ_from_default(&search.best.settings);
    times.retain(|setting| !setting.is_amount(&search.best.settings));
    put_back(search, &times);
}

/// Puts all settings back at once, or table by table, or one by one.
pub(super) fn pass(search: &mut Search<'_>) {
    let all = differ_from_default(&search.best.settings);
    put_back(search, &all);
}

/// Puts settings back one by one with something moved to another whole second: what was at the
/// right moment for a setting is at a wrong one for its default. Only where little is left to move.
pub(super) fn with_times(search: &mut Search<'_>) {
    for setting in differ_from_default(&search.best.settings) {
        let moments = times::moments(&search.best);
        if moments.len() > FEW {
            return;
        }
        let _ = moments.into_iter().any(|slot| {
            (0..=LAST_SECOND).any(|second| {
                search.attempt_with(|plan| {
                    setting.put_back(Arc::make_mut(&mut plan.settings));
                    let at = Instant::ZERO + Duration::from_secs(second);
                    times::set(plan, slot, at.as_nanos());
                    plan.heal_at = plan.heal_at.max(at + Duration::from_secs(1));
                })
            })
        });
    }
}

/// The number of moments of a plan of which each is moved.
const FEW: usize = 4;

/// The latest second to which something is moved.
const LAST_SECOND: u64 = 15;

/// Returns the number of settings that differ from their defaults.
pub(super) fn differing(settings: &Settings) -> usize {
    differ_from_default(settings).len()
}

/// Puts back all of `group`, or else the halves of it.
fn put_back(search: &mut Search<'_>, group: &[Setting]) {
    let mut differing = differ_from_default(&search.best.settings);
    differing.retain(|setting| group.contains(setting));
    if differing.is_empty() {
        return;
    }
    let done = search.attempt_settings(|settings| {
        for setting in &differing {
            setting.put_back(settings);
        }
    });
    if !done && differing.len() > 1 {
        let (first, second) = differing.split_at(differing.len() / 2);
        put_back(search, first);
        put_back(search, second);
    }
}

/// A setting, by its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Setting {
    Broker(&'static str),
    Producer(&'static str),
    Consumers(&'static str),
    /// The number of attempts.
    Attempts,
    /// The first pause between attempts.
    Backoff,
    /// The longest pause.
    MaxBackoff,
    /// The share by which pauses are shortened.
    Jitter,
    /// The time of handlers.
    Handler,
    /// The latency of the network.
    Network,
    Expect(&'static str),
    /// The name of the only topic.
    TopicName,
}

/// Keys of `[consumers]` that say which consumers there are, not how they behave; members are
/// dropped by another pass.
const IDENTITY: [&str; 4] = ["starts", "members", "subject", "client"];

/// Keys of `[consumers]` that are numbers or sizes.
const AMOUNTS: [&str; 6] = [
    "prefetch",
    "max_in_flight",
    "max_buffered_records",
    "max_span",
    "max_buffered_bytes",
    "max_total_bytes",
];

/// Keys of `[expect]` on whose terms a run is judged.
const TERMS: [&str; 3] = ["liveness_within", "duplicates_slack", "shutdown_within"];

/// Returns the settings that differ from their defaults, in the order of their declarations.
fn differ_from_default(settings: &Settings) -> Vec<Setting> {
    let broker = differing_keys(&settings.cluster.settings).map(Setting::Broker);
    let producer = differing_keys(&settings.producer).map(Setting::Producer);
    let consumers = differing_keys(&settings.consumers)
        .filter(|key| !IDENTITY.contains(key))
        .flat_map(|key| match key {
            "retry" => differing_retries(&settings.consumers.config.retry),
            key => vec![Setting::Consumers(key)],
        });
    let terms = differing_keys(&settings.expect).filter(|key| TERMS.contains(key));
    let others = [
        (
            Setting::Handler,
            settings.handler.time != Handler::default().time,
        ),
        (Setting::Network, settings.network != Network::default()),
        (Setting::TopicName, has_a_name_of_its_own(&settings.topics)),
    ];
    let others = others.into_iter().filter(|(_, differs)| *differs);
    broker
        .chain(producer)
        .chain(consumers)
        .chain(terms.map(Setting::Expect))
        .chain(others.map(|(setting, _)| setting))
        .collect()
}

/// Returns whether the only topic is called otherwise than that of a scenario without topics.
fn has_a_name_of_its_own(topics: &[Topic]) -> bool {
    matches!(topics, [topic] if topic.name != Topic::default_list()[0].name)
}

/// Returns the keys of a table that differ from their defaults.
fn differing_keys<T: Keys>(table: &T) -> impl Iterator<Item = &'static str> {
    let keys = table.keys().into_iter().zip(T::default().keys());
    keys.filter(|(key, default)| key.text != default.text)
        .map(|(key, _)| key.name)
}

/// Returns what of `retry` differs from the default.
fn differing_retries(retry: &RetryPolicy) -> Vec<Setting> {
    let default = Config::default().retry;
    let retries = [
        (Setting::Attempts, retry.attempts != default.attempts),
        (Setting::Backoff, retry.backoff != default.backoff),
        (
            Setting::MaxBackoff,
            retry.max_backoff != default.max_backoff,
        ),
        (Setting::Jitter, retry.jitter != default.jitter),
    ];
    let differing = retries.into_iter().filter(|(_, differs)| *differs);
    differing.map(|(setting, _)| setting).collect()
}

impl Setting {
    /// Returns whether it is a number or a size, not a time or a word.
    fn is_amount(self, settings: &Settings) -> bool {
        match self {
            Self::Consumers("commit") => settings.consumers.config.commit.every.is_some(),
            Self::Consumers(key) => AMOUNTS.contains(&key),
            _ => false,
        }
    }

    fn put_back(self, settings: &mut Settings) {
        let retry = &mut settings.consumers.config.retry;
        let default = Config::default().retry;
        match self {
            Self::Broker(key) => {
                settings
                    .cluster
                    .settings
                    .copy(key, &BrokerSettings::default());
            }
            Self::Producer(key) => {
                settings.producer.copy(key, &Producer::default());
            }
            Self::Consumers(key) => {
                settings.consumers.copy(key, &Consumers::default());
            }
            Self::Attempts => retry.attempts = default.attempts,
            Self::Backoff => retry.backoff = default.backoff,
            Self::MaxBackoff => retry.max_backoff = default.max_backoff,
            Self::Jitter => retry.jitter = default.jitter,
            Self::Handler => settings.handler.time = Handler::default().time,
            Self::Network => settings.network = Network::default(),
            Self::Expect(key) => {
                settings.expect.copy(key, &Expect::default());
            }
            Self::TopicName => {
                settings.topics[0].name = Topic::default_list().swap_remove(0).name;
            }
        }
    }
}
