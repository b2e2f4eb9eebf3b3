//! What a seed draws.

use plimsoll_scenarios::{Plan, Scenario};
use xxhash_rust::xxh3::xxh3_128;

const EVERY_KIND: &str = r#"
duration = "60s"

[cluster]
brokers = 5

[[topics]]
name = "orders"
partitions = 5

[[topics]]
name = "bills"
partitions = 3

[workload]
messages = 1

[consumers]
members = 4

[faults.random]
count = 25
between = "1s..30s"

[faults.random.weights]
crash = 1
stop = 1
pause = 1
slow = 1
rolling-restart = 1
crash-after-effect = 1
handler-outage = 1
handler-hang = 1
partition = 1
isolate = 1
delay = 1
cut = 1
lose-response = 1
broker-crash = 1
broker-stop = 1
broker-pause = 1
rolling-broker-restart = 1
leader-move = 1
coordinator-move = 1
error = 1
throttle = 1
retention = 1
"#;

/// People name seeds in reports, for years. A kind that is added shifts nothing where a scenario
/// states its weights.
#[test]
fn a_seed_draws_the_same_faults_in_every_version() {
    let scenario = Scenario::parse("drawn.toml", EVERY_KIND).expect("it parses");
    let faults = |seed| {
        let text = Plan::draw(&scenario, seed).to_scenario().to_toml();
        let begin = text.find("[[faults]]").expect("faults are drawn");
        text[begin..].to_owned()
    };
    let many: String = (0..500).map(faults).collect();
    let shown = format!(
        "500 seeds: {:032x}\n\n{}",
        xxh3_128(many.as_bytes()),
        faults(0)
    );
    insta::assert_snapshot!(shown);
}
