//! The gauges that the consumers of this process set.

use crate::recorder::Gauges;
use metrics::{Gauge, Key, set_global_recorder};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

/// The values of gauges, by name and topic.
type Values = Mutex<BTreeMap<(String, String), Arc<AtomicU64>>>;

static VALUES: LazyLock<Arc<Values>> = LazyLock::new(|| {
    let values = Arc::<Values>::default();
    let noted = Arc::clone(&values);
    let recorder = Gauges(move |key: &Key| note(&noted, key));
    set_global_recorder(recorder).expect("there is no other recorder");
    values
});

/// Begins to note gauges, of consumers that are started from now on.
pub(crate) fn watch() {
    LazyLock::force(&VALUES);
}

/// Returns the value of a gauge of a topic with one partition, if it was set.
pub(crate) fn value(name: &str, topic: &str) -> Option<f64> {
    let values = VALUES.lock().unwrap();
    let value = values.get(&(name.to_owned(), topic.to_owned()))?;
    Some(f64::from_bits(value.load(Ordering::Relaxed)))
}

/// Returns a gauge whose value is noted.
fn note(values: &Values, key: &Key) -> Gauge {
    let topic = key.labels().find(|label| label.key() == "topic");
    let topic = topic.map_or("", |label| label.value());
    let id = (key.name().to_owned(), topic.to_owned());
    let mut values = values.lock().unwrap();
    Gauge::from_arc(Arc::clone(values.entry(id).or_default()))
}
