//! Settings of topics and of brokers: which there are, and what each may be.
//!
//! Of those of topics these are obeyed: `cleanup.policy` (a compacted topic takes records with keys
//! alone, and from one that is only compacted none are deleted), `max.message.bytes`,
//! `message.timestamp.type`, `.before.max.ms` and `.after.max.ms`, as far as records are not
//! compressed, `min.insync.replicas`, `retention.ms`, `retention.bytes` and `segment.bytes`. All
//! others are kept and told, and no topic of a client is compacted.

use super::sessions::SLOTS;
use crate::cluster::ClusterSettings;
use kafka_protocol::ResponseError;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What was set of a topic, by the names of the settings.
pub(super) type TopicSettings = BTreeMap<&'static str, String>;

/// What a value is (`ConfigDef.Type`), by Kafka's numbers (`DescribeConfigsResponse.ConfigType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Boolean = 1,
    String = 2,
    Int = 3,
    Long = 5,
    Double = 6,
    List = 7,
}

/// Where a value comes from, by Kafka's numbers (`DescribeConfigsResponse.ConfigSource`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Topic = 1,
    StaticBroker = 4,
    Default = 5,
}

/// A setting of topics (`LogConfig.CONFIG`).
#[derive(Debug)]
pub(super) struct Setting {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) default: &'static str,
    /// The words of which a value, or each element of a list, is one; empty: any.
    words: &'static [&'static str],
    /// The setting of brokers from which the default comes; empty: there is none.
    pub(super) of_broker: &'static str,
}

const fn setting(
    name: &'static str,
    kind: Kind,
    default: &'static str,
    of_broker: &'static str,
) -> Setting {
    choice(name, kind, default, &[], of_broker)
}

const fn choice(
    name: &'static str,
    kind: Kind,
    default: &'static str,
    words: &'static [&'static str],
    of_broker: &'static str,
) -> Setting {
    Setting {
        name,
        kind,
        default,
        words,
        of_broker,
    }
}

/// The setting that brokers obey themselves.
pub(super) const MIN_INSYNC: &str = "min.insync.replicas";

const FOR_EVER: &str = "9223372036854775807";
const WEEK: &str = "604800000";
const TIMES: &[&str] = &["CreateTime", "LogAppendTime"];
const CODECS: &[&str] = &["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"];

/// The settings of topics, in the order of their names.
#[rustfmt::skip]
pub(super) const TOPIC: &[Setting] = &[
    choice("cleanup.policy", Kind::List, "delete", &["compact", "delete"], "log.cleanup.policy"),
    setting("compression.gzip.level", Kind::Int, "-1", "compression.gzip.level"),
    setting("compression.lz4.level", Kind::Int, "9", "compression.lz4.level"),
    choice("compression.type", Kind::String, "producer", CODECS, "compression.type"),
    setting("compression.zstd.level", Kind::Int, "3", "compression.zstd.level"),
    setting("delete.retention.ms", Kind::Long, "86400000", "log.cleaner.delete.retention.ms"),
    setting("file.delete.delay.ms", Kind::Long, "60000", "log.segment.delete.delay.ms"),
    setting("flush.messages", Kind::Long, FOR_EVER, "log.flush.interval.messages"),
    setting("flush.ms", Kind::Long, FOR_EVER, "log.flush.interval.ms"),
    setting("index.interval.bytes", Kind::Int, "4096", "log.index.interval.bytes"),
    setting("max.compaction.lag.ms", Kind::Long, FOR_EVER, "log.cleaner.max.compaction.lag.ms"),
    setting("max.message.bytes", Kind::Int, "1048588", "message.max.bytes"),
    setting("message.timestamp.after.max.ms", Kind::Long, "3600000",
        "log.message.timestamp.after.max.ms"),
    setting("message.timestamp.before.max.ms", Kind::Long, FOR_EVER,
        "log.message.timestamp.before.max.ms"),
    choice("message.timestamp.type", Kind::String, "CreateTime", TIMES,
        "log.message.timestamp.type"),
    setting("min.cleanable.dirty.ratio", Kind::Double, "0.5", "log.cleaner.min.cleanable.ratio"),
    setting("min.compaction.lag.ms", Kind::Long, "0", "log.cleaner.min.compaction.lag.ms"),
    setting(MIN_INSYNC, Kind::Int, "1", MIN_INSYNC),
    setting("preallocate", Kind::Boolean, "false", "log.preallocate"),
    setting("retention.bytes", Kind::Long, "-1", "log.retention.bytes"),
    setting("retention.ms", Kind::Long, WEEK, ""),
    setting("segment.bytes", Kind::Int, "1073741824", "log.segment.bytes"),
    setting("segment.index.bytes", Kind::Int, "10485760", "log.index.size.max.bytes"),
    setting("segment.jitter.ms", Kind::Long, "0", ""),
    setting("segment.ms", Kind::Long, WEEK, ""),
    setting("unclean.leader.election.enable", Kind::Boolean, "false",
        "unclean.leader.election.enable"),
];

/// A change of one setting.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change<'a> {
    pub(super) name: &'a str,
    /// Kafka's number (`AlterConfigOp.OpType`).
    pub(super) operation: i8,
    pub(super) value: Option<&'a str>,
}

const SET: i8 = 0;
const DELETE: i8 = 1;
const APPEND: i8 = 2;
const SUBTRACT: i8 = 3;

impl<'a> Change<'a> {
    /// Creates the change that gives a setting a value.
    pub(super) fn set(name: &'a str, value: Option<&'a str>) -> Self {
        Self {
            name,
            operation: SET,
            value,
        }
    }
}

/// Returns what is set of a topic after changes of what was
/// (`ConfigurationControlManager.incrementalAlterConfigResource`).
pub(super) fn changed(
    before: &TopicSettings,
    changes: &[Change<'_>],
) -> Result<TopicSettings, ResponseError> {
    let mut named = BTreeSet::new();
    // `ConfigAdminManager.preprocess`.
    if !changes.iter().all(|change| named.insert(change.name)) {
        return Err(ResponseError::InvalidRequest);
    }
    let mut settings = before.clone();
    for change in changes {
        let setting = TOPIC.iter().find(|setting| setting.name == change.name);
        let setting = setting.ok_or(ResponseError::InvalidConfig)?;
        if change.operation == DELETE {
            settings.remove(setting.name);
            continue;
        }
        let value = change.value.ok_or(ResponseError::InvalidRequest)?;
        let old = settings
            .get(setting.name)
            .map_or(setting.default, String::as_str);
        let value = match change.operation {
            SET => value.to_owned(),
            APPEND | SUBTRACT if setting.kind != Kind::List => {
                return Err(ResponseError::InvalidConfig);
            }
            APPEND => {
                let new = elements(value).filter(|new| !elements(old).any(|own| own == *new));
                elements(old).chain(new).collect::<Vec<_>>().join(",")
            }
            SUBTRACT => {
                let left = elements(old).filter(|own| !elements(value).any(|gone| gone == *own));
                left.collect::<Vec<_>>().join(",")
            }
            _ => return Err(ResponseError::InvalidRequest),
        };
        if !setting.allows(&value) {
            return Err(ResponseError::InvalidConfig);
        }
        settings.insert(setting.name, value);
    }
    Ok(settings)
}

impl Setting {
    /// Returns whether a value can be read (`ConfigDef.parseType`), and is one of the words.
    fn allows(&self, value: &str) -> bool {
        let is_word = |word: &str| self.words.is_empty() || self.words.contains(&word);
        match self.kind {
            Kind::Boolean => ["true", "false"]
                .iter()
                .any(|word| value.eq_ignore_ascii_case(word)),
            Kind::Int => value.trim().parse::<i32>().is_ok(),
            Kind::Long => value.trim().parse::<i64>().is_ok(),
            Kind::Double => value.trim().parse::<f64>().is_ok(),
            Kind::String => is_word(value),
            Kind::List => elements(value).all(is_word),
        }
    }
}

/// How much of its logs a topic keeps (`LogConfig`); what is negative is no limit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Retention {
    /// The age of records, in milliseconds.
    pub(crate) ms: i64,
    pub(crate) bytes: i64,
    /// The size of what goes as a whole.
    pub(crate) segment_bytes: i64,
}

impl Retention {
    /// Returns what a topic keeps; `None`: nothing is deleted, as only `compact` says.
    pub(super) fn of(settings: &TopicSettings) -> Option<Self> {
        is_deleted(settings).then(|| Self {
            ms: number(settings, "retention.ms"),
            bytes: number(settings, "retention.bytes"),
            segment_bytes: number(settings, "segment.bytes"),
        })
    }
}

/// Returns whether records of a topic may be deleted.
pub(super) fn is_deleted(settings: &TopicSettings) -> bool {
    words(settings, "cleanup.policy").any(|policy| policy == "delete")
}

/// Returns the words of a setting of a topic: of a list all, of others the one.
pub(super) fn words<'a>(settings: &'a TopicSettings, name: &str) -> impl Iterator<Item = &'a str> {
    elements(value(settings, name))
}

/// Returns the number that a setting of a topic is.
pub(super) fn number(settings: &TopicSettings, name: &str) -> i64 {
    value(settings, name).trim().parse().unwrap_or(-1)
}

fn value<'a>(settings: &'a TopicSettings, name: &str) -> &'a str {
    let default = || TOPIC.iter().find(|setting| setting.name == name);
    let own = settings.get(name).map(String::as_str);
    own.or_else(|| Some(default()?.default)).unwrap_or_default()
}

fn elements(list: &str) -> impl Iterator<Item = &str> {
    list.split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty())
}

/// A setting of a broker: none can be changed while it runs.
#[derive(Debug)]
pub(super) struct BrokerSetting {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) value: String,
    pub(super) source: Source,
}

impl BrokerSetting {
    /// Returns the setting of the rack in which a broker stands.
    pub(super) fn rack(rack: &str) -> Self {
        Self {
            name: "broker.rack",
            kind: Kind::String,
            value: rack.to_owned(),
            source: Source::StaticBroker,
        }
    }
}

/// Returns the settings of every broker, as far as a broker here has them.
pub(super) fn of_brokers(cluster: &ClusterSettings) -> Vec<BrokerSetting> {
    let broker = &cluster.broker;
    let millis = |time: Duration| time.as_millis().to_string();
    let number = |number: u32| number.to_string();
    let replication = number(cluster.placement.replication.into());
    let min_insync = number(cluster.min_insync);
    let delay = millis(broker.group_initial_rebalance_delay);
    let longest = millis(broker.group_max_session_timeout);
    let shortest = millis(broker.group_min_session_timeout);
    let partitions = number(broker.offsets_topic_partitions);
    let all = [
        (
            "auto.create.topics.enable",
            Kind::Boolean,
            "true".to_owned(),
            "true",
        ),
        ("default.replication.factor", Kind::Int, replication, "1"),
        ("group.initial.rebalance.delay.ms", Kind::Int, delay, "3000"),
        (
            "group.max.session.timeout.ms",
            Kind::Int,
            longest,
            "1800000",
        ),
        ("group.min.session.timeout.ms", Kind::Int, shortest, "6000"),
        (
            "max.incremental.fetch.session.cache.slots",
            Kind::Int,
            SLOTS.to_string(),
            "1000",
        ),
        (MIN_INSYNC, Kind::Int, min_insync, "1"),
        ("num.partitions", Kind::Int, "1".to_owned(), "1"),
        (
            "offset.metadata.max.bytes",
            Kind::Int,
            "4096".to_owned(),
            "4096",
        ),
        ("offsets.topic.num.partitions", Kind::Int, partitions, "50"),
    ];
    let all = all
        .into_iter()
        .map(|(name, kind, value, default)| BrokerSetting {
            name,
            kind,
            source: match value == default {
                true => Source::Default,
                false => Source::StaticBroker,
            },
            value,
        });
    all.collect()
}
