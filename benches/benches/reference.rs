//! What does a schedule cost? Schedules a second of the reference scenario, from the drawing of its
//! plan to the verdict of all checkers, on one core.
//!
//! Criterion's `elem/s` are schedules a second. Before the measurements a line gives the number of
//! events a schedule and the cost of an event, so that other machines can be compared.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use plimsoll_oracle::Trace;
use plimsoll_oracle::check::Judge;
use plimsoll_scenarios::scenario::Workload;
use plimsoll_scenarios::{Backend, Plan, Scenario};
use plimsoll_sim::Simulator;
use plimsoll_turmoil::Turmoil;
use std::hint::black_box;
use std::time::Instant;

/// The allocator of the program, of which this measures what a user waits for.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const REFERENCE: &str = include_str!("../../scenarios/library/reference.toml");

/// The same run again and again, with the next seed each time.
struct Schedules<B> {
    scenario: Scenario,
    seed: u64,
    backend: B,
    judge: Judge,
    trace: Trace,
}

impl<B: Backend> Schedules<B> {
    fn new(messages: u32, backend: B) -> Self {
        let mut scenario = Scenario::parse("reference.toml", REFERENCE).expect("it parses");
        if let Workload::Drawn(traffic) = &mut scenario.workload {
            traffic.rate *= f64::from(messages) / f64::from(traffic.messages);
            traffic.messages = messages;
        }
        Self {
            scenario,
            seed: 0,
            backend,
            judge: Judge::new(),
            trace: Trace::new(),
        }
    }

    fn next(&mut self) {
        let plan = Plan::draw(&self.scenario, self.seed);
        self.seed += 1;
        self.trace.clear();
        let ran = self.backend.run(&plan, &mut self.trace);
        assert_eq!(ran, Ok(()), "seed {}", plan.seed);
        let verdict = self.judge.judge(&plan.terms(), &self.trace, &[]);
        assert_eq!(verdict.violations().count(), 0, "seed {}", plan.seed);
        black_box(verdict);
    }
}

impl Schedules<Simulator> {
    fn report_events(&mut self, messages: u32) {
        const RUNS: u64 = 500;
        let (events, began) = (self.backend.events(), Instant::now());
        for _ in 0..RUNS {
            self.next();
        }
        let events = self.backend.events() - events;
        let nanos = began.elapsed().as_nanos() as f64 / events as f64;
        println!(
            "reference/{messages} messages: {} events a schedule, {nanos:.0} ns an event",
            events / RUNS
        );
    }
}

fn reference(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("reference");
    group.throughput(Throughput::Elements(1));
    for messages in [200, 50] {
        let mut schedules = Schedules::new(messages, Simulator::new());
        schedules.report_events(messages);
        group.bench_function(BenchmarkId::new("messages", messages), |bencher| {
            bencher.iter(|| schedules.next());
        });
    }
    group.finish();
}

/// The same scenario with the consumer as in production, in bytes over a simulated network.
fn turmoil(criterion: &mut Criterion) {
    const MESSAGES: u32 = 200;
    let mut group = criterion.benchmark_group("turmoil");
    group.throughput(Throughput::Elements(1)).sample_size(10);
    let mut schedules = Schedules::new(MESSAGES, Turmoil::new());
    group.bench_function(BenchmarkId::new("messages", MESSAGES), |bencher| {
        bencher.iter(|| schedules.next());
    });
    group.finish();
}

criterion_group!(benches, reference, turmoil);
criterion_main!(benches);
