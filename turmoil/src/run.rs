//! One run: a plan goes in, a trace comes out.

use crate::clock::Clock;
use crate::net::{HostNumber, Network};
use crate::world::Shared;
use crate::{Parts, broker_host, member_host, producer, service};
use plimsoll_core::Instant;
use plimsoll_oracle::{BrokerId, MemberId, Trace, TraceEvent};
use plimsoll_scenarios::{Plan, Purpose, Rng};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Builder;

/// Pause between two looks at whether everything is quiet, once the world is healed.
const QUIET_CHECK: Duration = Duration::from_millis(250);

/// The longest time that it takes a member's process to begin, as in the simulator.
const START: Duration = Duration::from_millis(20);

/// Runs a plan.
///
/// # Errors
/// Where the system gives no runtime.
pub(crate) fn run(plan: &Plan, parts: Parts) -> io::Result<Trace> {
    let plan = Arc::new(plan.clone());
    // The sockets go with the runtime, and the network after them.
    let network = Network::enter(hosts(&plan), plan.seed, plan.settings.network.latency);
    let runtime = Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()?;
    let trace = runtime.block_on(play(plan, parts, &network));
    drop(runtime);
    Ok(trace)
}

fn hosts(plan: &Plan) -> Vec<HostNumber> {
    let brokers = (0..plan.settings.cluster.brokers).map(BrokerId);
    let members = (0..plan.starts.len() as u32).map(MemberId);
    let brokers = brokers.map(broker_host);
    brokers.chain(members.map(member_host)).collect()
}

/// Begins everything that takes part, and waits for the end.
async fn play(plan: Arc<Plan>, parts: Parts, network: &Network) -> Trace {
    let clock = Clock::start();
    let world = Shared::new(plan.clone(), parts, clock);
    tokio::spawn(network.pump(clock));
    for broker in (0..plan.settings.cluster.brokers).map(BrokerId) {
        tokio::spawn(service::serve(broker, world.clone()));
    }
    tokio::spawn(world.clone().conduct());
    tokio::spawn(producer::produce(plan.clone(), world.clone()));
    world.with(|world| world.begin());
    for (member, start) in (0..).map(MemberId).zip(&plan.starts) {
        if let Some(at) = *start {
            let mut rng = Rng::substream(plan.seed, Purpose::Start, member.0.into());
            let at = at + rng.between(Duration::ZERO, START);
            tokio::spawn(start_at(world.clone(), clock, at, member));
        }
    }
    clock.sleep_until(Some(plan.heal_at)).await;
    world.with(|world| world.heal());
    end(&plan, &world, clock).await;
    world.with(|world| world.take_trace())
}

async fn start_at(world: Shared, clock: Clock, at: Instant, member: MemberId) {
    clock.sleep_until(Some(at)).await;
    world.with(|world| world.start(member));
}

/// Waits until everything is quiet, or the time is over.
async fn end(plan: &Plan, world: &Shared, clock: Clock) {
    let deadline = plan.deadline();
    let mut calm: Option<(i32, Instant)> = None;
    loop {
        let now = clock.now();
        calm = world
            .with(|world| world.stable_generation())
            .map(|generation| {
                let calm = calm.filter(|(calm, _)| *calm == generation);
                calm.unwrap_or((generation, now))
            });
        let is_calm = calm.is_some_and(|(_, since)| since + plan.calm() <= now);
        if is_calm && world.with(|world| world.is_caught_up()) {
            return world.with(|world| {
                world.observe(TraceEvent::Quiet);
                world.observe(TraceEvent::Ended { lag: 0 });
            });
        }
        if now >= deadline {
            return world.with(|world| {
                let lag = world.lag();
                world.observe(TraceEvent::Ended { lag });
            });
        }
        tokio::time::sleep(QUIET_CHECK).await;
    }
}
