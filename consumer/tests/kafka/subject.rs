//! The consumer over librdkafka.

use plimsoll::Consumer;

pub(crate) use plimsoll::Builder;

/// Returns a consumer that has the defaults.
pub(crate) fn builder(
    brokers: &str,
    group: &str,
    topics: impl IntoIterator<Item = String>,
) -> Builder {
    Consumer::builder()
        .brokers(brokers)
        .group(group)
        .topics(topics)
}
