//! Does an event cost more in a larger cluster? Events a second of the reference scenario with more
//! partitions and more brokers than it has, without the verdict, on one core.
//!
//! Criterion's `elem/s` are events a second. The load is the same in each cluster: what differs is
//! only what each event may have to look through.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use plimsoll_oracle::Trace;
use plimsoll_scenarios::{Backend, Plan, Scenario};
use plimsoll_sim::Simulator;

const REFERENCE: &str = include_str!("../../scenarios/library/reference.toml");

/// Number of plans that one measurement runs: no seed has more weight in one cluster than in
/// another.
const SEEDS: u64 = 20;

fn plans(partitions: u32, brokers: u32) -> Vec<Plan> {
    let text = REFERENCE
        .replace("partitions = 6", &format!("partitions = {partitions}"))
        .replace("brokers = 3", &format!("brokers = {brokers}"));
    let scenario = Scenario::parse("reference.toml", &text).expect("it parses");
    (0..SEEDS).map(|seed| Plan::draw(&scenario, seed)).collect()
}

fn run(simulator: &mut Simulator, trace: &mut Trace, plans: &[Plan]) {
    for plan in plans {
        trace.clear();
        let ran = simulator.run(plan, trace);
        assert_eq!(ran, Ok(()), "seed {}", plan.seed);
    }
}

fn growth(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("growth");
    let (mut simulator, mut trace) = (Simulator::new(), Trace::new());
    for (partitions, brokers) in [(6, 3), (12, 3), (60, 3), (6, 6), (60, 6)] {
        let plans = plans(partitions, brokers);
        let before = simulator.events();
        run(&mut simulator, &mut trace, &plans);
        let events = simulator.events() - before;
        group.throughput(Throughput::Elements(events));
        let cluster = format!("{partitions} partitions, {brokers} brokers");
        group.bench_function(BenchmarkId::new("events", cluster), |bencher| {
            bencher.iter(|| run(&mut simulator, &mut trace, &plans));
        });
    }
    group.finish();
}

criterion_group!(benches, growth);
criterion_main!(benches);
