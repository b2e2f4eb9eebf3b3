//! The gauges of all consumers of this process.

use metrics::{
    Counter, Gauge, GaugeFn, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit,
};
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex};

/// The values of gauges, by their names and groups.
type Values = BTreeMap<(String, String), f64>;

static VALUES: LazyLock<Arc<Mutex<Values>>> = LazyLock::new(|| {
    let values = Arc::<Mutex<Values>>::default();
    let recorder = Gauges(Arc::clone(&values));
    metrics::set_global_recorder(recorder).expect("there is no other");
    values
});

/// Has gauges be kept from now on.
pub(crate) fn keep() {
    LazyLock::force(&VALUES);
}

/// Returns the value of a gauge of a group with one partition.
pub(crate) fn of(name: &str, group: &str) -> Option<f64> {
    let values = VALUES.lock().unwrap();
    values.get(&(name.to_owned(), group.to_owned())).copied()
}

struct Gauges(Arc<Mutex<Values>>);

struct Value {
    values: Arc<Mutex<Values>>,
    key: (String, String),
}

impl GaugeFn for Value {
    fn increment(&self, _: f64) {}

    fn decrement(&self, _: f64) {}

    fn set(&self, value: f64) {
        let mut values = self.values.lock().unwrap();
        values.insert(self.key.clone(), value);
    }
}

impl Recorder for Gauges {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
        Counter::noop()
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        let group = key.labels().find(|label| label.key() == "group");
        let group = group.map_or_else(String::new, |label| label.value().to_owned());
        Gauge::from_arc(Arc::new(Value {
            values: Arc::clone(&self.0),
            key: (key.name().to_owned(), group),
        }))
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}
