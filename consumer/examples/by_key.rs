//! Many keys of a partition at once, messages that fail to a dead-letter topic, and metrics.
//!
//! The handler is a type of its own, with a connection to somewhere; every seventh message fails
//! for good, every fifth at its first attempt.
//!
//! ```sh
//! RUST_LOG=plimsoll=info cargo run -p plimsoll --example by_key -- localhost:9092 my-topic
//! ```

use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, Key, KeyName, Metadata, SharedString, Unit,
};
use plimsoll::{Consumer, Handler, HandlerError, Message, Ordering};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

#[tokio::main]
async fn main() -> Result<(), plimsoll::Error> {
    let filter = tracing_subscriber::EnvFilter::from_default_env();
    tracing_subscriber::fmt().with_env_filter(filter).init();
    let recorder = PrintedMetrics::default();
    // In production, this is one line with `metrics-exporter-prometheus`.
    let _ = metrics::set_global_recorder(recorder.clone());
    tokio::spawn(recorder.print());

    let mut arguments = std::env::args().skip(1);
    let mut argument = |default: &str| arguments.next().unwrap_or_else(|| default.to_owned());
    Consumer::builder()
        .brokers(argument("localhost:9092"))
        .group("plimsoll-by-key")
        .topics([argument("plimsoll-example")])
        .ordering(Ordering::Key)
        .max_in_flight(200)
        .attempts(3)
        .dead_letter_topic("plimsoll-example.failed")
        .run(Billing)
        .await
}

/// The handler. A service would have a pool of connections here, for example.
struct Billing;

impl Handler for Billing {
    async fn handle(&self, order: Message) -> Result<(), HandlerError> {
        // Stands for a request to another service.
        tokio::time::sleep(Duration::from_millis(20)).await;
        match order.offset() {
            offset if offset % 7 == 6 => Err(HandlerError::permanent("no such customer")),
            offset if offset % 5 == 4 && order.attempt() == 1 => {
                Err(HandlerError::retryable("the database is busy"))
            }
            _ => Ok(()),
        }
    }
}

/// Prints the metrics every five seconds.
#[derive(Clone, Default)]
struct PrintedMetrics(Arc<Mutex<BTreeMap<String, f64>>>);

/// One metric, by its name and labels.
struct Number(PrintedMetrics, String);

impl PrintedMetrics {
    async fn print(self) {
        loop {
            tokio::time::sleep(Duration::from_secs(5)).await;
            for (name, value) in self.0.lock().unwrap_or_else(PoisonError::into_inner).iter() {
                println!("{name} {value}");
            }
        }
    }

    fn number(&self, key: &Key) -> Arc<Number> {
        let labels = key
            .labels()
            .map(|label| format!("{}={:?}", label.key(), label.value()));
        let labels: Vec<String> = labels.collect();
        Arc::new(Number(
            self.clone(),
            format!("{}{{{}}}", key.name(), labels.join(",")),
        ))
    }
}

impl Number {
    fn change(&self, change: impl FnOnce(&mut f64)) {
        let mut numbers = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(numbers.entry(self.1.clone()).or_default());
    }
}

impl CounterFn for Number {
    fn increment(&self, value: u64) {
        self.change(|number| *number += value as f64);
    }
    fn absolute(&self, value: u64) {
        self.change(|number| *number = value as f64);
    }
}

impl GaugeFn for Number {
    fn increment(&self, value: f64) {
        self.change(|number| *number += value);
    }
    fn decrement(&self, value: f64) {
        self.change(|number| *number -= value);
    }
    fn set(&self, value: f64) {
        self.change(|number| *number = value);
    }
}

impl metrics::Recorder for PrintedMetrics {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.number(key))
    }
    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.number(key))
    }
    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}
