//! The gauges that the consumers of this process set.

use metrics::{
    Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit,
    set_global_recorder,
};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

static GAUGES: LazyLock<Arc<Gauges>> = LazyLock::new(|| {
    let gauges = Arc::new(Gauges::default());
    set_global_recorder(Arc::clone(&gauges)).expect("there is no other recorder");
    gauges
});

/// The values of gauges, by name and topic.
#[derive(Default)]
struct Gauges(Mutex<BTreeMap<(String, String), Arc<AtomicU64>>>);

/// Begins to note gauges, of consumers that are started from now on.
pub(crate) fn watch() {
    LazyLock::force(&GAUGES);
}

/// Returns the value of a gauge of a topic with one partition, if it was set.
pub(crate) fn value(name: &str, topic: &str) -> Option<f64> {
    let gauges = GAUGES.0.lock().unwrap();
    let value = gauges.get(&(name.to_owned(), topic.to_owned()))?;
    Some(f64::from_bits(value.load(Ordering::Relaxed)))
}

impl Recorder for Gauges {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
        Counter::noop()
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        let topic = key.labels().find(|label| label.key() == "topic");
        let topic = topic.map_or("", |label| label.value());
        let id = (key.name().to_owned(), topic.to_owned());
        let mut gauges = self.0.lock().unwrap();
        Gauge::from_arc(Arc::clone(gauges.entry(id).or_default()))
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}
