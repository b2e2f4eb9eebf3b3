//! Settings back to their defaults: what the file need not say.

use super::Search;
use crate::scenario::{BrokerSettings, Consumers, Producer, Settings};

/// Puts all settings back at once, or table by table, or one by one.
pub(super) fn pass(search: &mut Search<'_>) {
    let all: Vec<&Setting> = SETTINGS.iter().collect();
    put_back(search, &all);
}

/// How many settings differ from their defaults.
pub(super) fn differing(settings: &Settings) -> usize {
    SETTINGS
        .iter()
        .filter(|setting| (setting.differs)(settings))
        .count()
}

/// Puts back all of `group`, or else the halves of it.
fn put_back(search: &mut Search<'_>, group: &[&Setting]) {
    let differing: Vec<&Setting> = group
        .iter()
        .copied()
        .filter(|setting| (setting.differs)(&search.best.settings))
        .collect();
    if differing.is_empty() {
        return;
    }
    let done = search.attempt_settings(|settings| {
        for setting in &differing {
            (setting.reset)(settings);
        }
    });
    if !done && differing.len() > 1 {
        let (first, second) = differing.split_at(differing.len() / 2);
        put_back(search, first);
        put_back(search, second);
    }
}

/// A setting that has a default.
struct Setting {
    differs: fn(&Settings) -> bool,
    reset: fn(&mut Settings),
}

/// The settings at these paths, with their defaults.
macro_rules! settings {
    ($($table:ident: $default:ty { $($($field:ident).+),+ $(,)? })+) => {
        &[$($(Setting {
            differs: |settings| {
                settings!(@place settings $table).$($field).+
                    != <$default>::default().$($field).+
            },
            reset: |settings| {
                settings!(@place settings $table).$($field).+ =
                    <$default>::default().$($field).+;
            },
        },)+)+]
    };
    (@place $settings:ident broker) => { $settings.cluster.settings };
    (@place $settings:ident $table:ident) => { $settings.$table };
}

const SETTINGS: &[Setting] = settings! {
    broker: BrokerSettings {
        broker_session_timeout,
        broker_heartbeat_interval,
        replica_lag_time_max,
        replica_fetch_wait_max,
        group_initial_rebalance_delay,
        group_min_session_timeout,
        group_max_session_timeout,
        offsets_commit_timeout,
        offsets_topic_partitions,
    }
    producer: Producer {
        acks,
        idempotence,
        request_timeout,
        retry_backoff,
        delivery_timeout,
    }
    consumers: Consumers {
        config.ordering,
        config.initial,
        config.out_of_range,
        config.commit,
        config.retry.backoff,
        config.retry.max_backoff,
        config.retry.jitter,
        config.dead_letters,
        config.handler_deadline,
        config.max_in_flight,
        config.max_buffered_records,
        config.max_buffered_bytes,
        config.max_span,
        config.revoke_deadline,
        config.shutdown_deadline,
        session_timeout,
        heartbeat,
        poll_deadline,
        assignor,
        static_ids,
        fetch_wait_max,
        prefetch,
        request_timeout,
        retry_backoff,
        metadata_refresh,
    }
};
