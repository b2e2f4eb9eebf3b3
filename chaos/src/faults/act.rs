//! What faults do, and how it is undone.
//!
//! What hits a process, the sink or the proxy is done before the observer that triggered it goes
//! on. What hits brokers or topics takes its time, beside the run.

use super::State;
use super::target::found;
use crate::error::ChaosError;
use crate::world::World;
use plimsoll_core::{Instant, NextOffset};
use plimsoll_oracle::{BrokerId, MemberId, TraceEvent};
use plimsoll_scenarios::scenario::{Direction, Fault, FaultKind};
use std::sync::Arc;
use std::time::Duration;

/// Between two processes of a rolling restart, where the scenario does not say.
const ROLLING_PAUSE: Duration = Duration::from_secs(5);

/// How long a broker that came back may take until all partitions are in sync.
const BROKER_BACK: Duration = Duration::from_secs(60);

/// What ends a fault.
#[derive(Clone, Copy, Debug)]
pub(super) enum Undo {
    /// It still waits for an effect.
    Disarm,
    Restart(MemberId),
    Resume(MemberId),
    Unslow(MemberId),
    Unhang(MemberId),
    EndOutage,
    Unblock(MemberId, Option<u32>, Direction),
    Undelay(MemberId, Option<u32>),
    Unthrottle(u32),
    StartBroker(u32),
    UnpauseBroker(u32),
    Rejoin(u32),
}

/// What becomes of a fault that has begun.
enum Begun {
    /// It is over at once.
    Over,
    /// It lasts.
    Lasts(Undo),
    /// It is done beside the run, by a task that says when it is over.
    Beside,
}

impl World {
    pub(super) fn begin_fault(self: &Arc<Self>, index: usize, subject: Option<MemberId>) {
        if !self.faults.take_scheduled(index) {
            return;
        }
        let fault = &self.plan.faults[index];
        let member = fault.kind.member();
        let member = member.map(|target| self.resolve_member(target, subject));
        let broker = fault.kind.broker();
        let broker = broker.map(|target| self.resolve_broker(target));
        // Whom it was meant for is not there: nothing happens, and the trace says nothing.
        let (Ok(member), Ok(broker)) = (found(member), found(broker)) else {
            self.faults.set(index, State::Over);
            return;
        };
        self.observe(TraceEvent::FaultBegan {
            fault: fault.id,
            member,
            broker: broker.map(BrokerId),
        });
        match self.execute(index, fault, member, broker) {
            Begun::Over => self.over(index),
            Begun::Lasts(undo) => {
                self.faults.set(index, State::Active(undo));
                // The duration of `crash-after-effect` counts from its crash.
                if !matches!(undo, Undo::Disarm) {
                    self.end_later(index);
                }
            }
            Begun::Beside => {}
        }
    }

    fn over(self: &Arc<Self>, index: usize) {
        self.faults.set(index, State::Over);
        let fault = self.plan.faults[index].id;
        self.observe(TraceEvent::FaultEnded { fault });
    }

    /// Does it. Faults that need a member or a broker were not begun without.
    fn execute(
        self: &Arc<Self>,
        index: usize,
        fault: &Fault,
        member: Option<MemberId>,
        broker: Option<u32>,
    ) -> Begun {
        match (member, broker) {
            (Some(member), broker) => self.execute_on_member(index, &fault.kind, member, broker),
            (None, Some(broker)) => self.execute_on_broker(index, &fault.kind, broker),
            (None, None) => self.execute_on_all(index, fault),
        }
    }

    fn execute_on_member(
        self: &Arc<Self>,
        index: usize,
        kind: &FaultKind,
        member: MemberId,
        broker: Option<u32>,
    ) -> Begun {
        let Some(proxy) = self.proxy.get() else {
            return Begun::Over;
        };
        Begun::Lasts(match kind {
            FaultKind::Crash { .. } => {
                self.crash_member(member);
                Undo::Restart(member)
            }
            FaultKind::Stop { .. } => {
                self.stop_member(member);
                Undo::Restart(member)
            }
            FaultKind::Pause { .. } => {
                self.pause_member(member);
                Undo::Resume(member)
            }
            FaultKind::CrashAfterEffect { .. } => {
                self.sink.arm_crash(member, index);
                Undo::Disarm
            }
            FaultKind::Slow { by, .. } => {
                self.sink.slow(member, by.0);
                Undo::Unslow(member)
            }
            FaultKind::HandlerHang { .. } => {
                self.sink.hang(member);
                Undo::Unhang(member)
            }
            FaultKind::Partition { direction, .. } => {
                proxy.block(member, broker, *direction);
                Undo::Unblock(member, broker, *direction)
            }
            FaultKind::Delay { by, .. } => {
                proxy.delay(member, broker, *by);
                Undo::Undelay(member, broker)
            }
            FaultKind::Cut { .. } => {
                proxy.cut(member, broker);
                return Begun::Over;
            }
            FaultKind::LoseResponse { request, .. } => {
                proxy.lose_response(member, *request);
                return Begun::Over;
            }
            _ => return Begun::Over,
        })
    }

    fn execute_on_broker(self: &Arc<Self>, index: usize, kind: &FaultKind, broker: u32) -> Begun {
        if let FaultKind::Throttle { by, .. } = kind
            && let Some(proxy) = self.proxy.get()
        {
            proxy.throttle(broker, *by);
            return Begun::Lasts(Undo::Unthrottle(broker));
        }
        let (world, kind) = (self.clone(), kind.clone());
        self.spawn(async move {
            let cluster = &world.cluster;
            let (done, undo) = match kind {
                FaultKind::BrokerCrash { .. } => {
                    (cluster.kill(broker).await, Undo::StartBroker(broker))
                }
                FaultKind::BrokerStop { .. } => {
                    (cluster.stop(broker).await, Undo::StartBroker(broker))
                }
                FaultKind::BrokerPause { .. } => {
                    (cluster.pause(broker).await, Undo::UnpauseBroker(broker))
                }
                FaultKind::Isolate { .. } => (cluster.isolate(broker).await, Undo::Rejoin(broker)),
                _ => return world.over(index),
            };
            world.log_failure(done);
            world.faults.set(index, State::Active(undo));
            world.end_later(index);
        });
        Begun::Beside
    }

    fn execute_on_all(self: &Arc<Self>, index: usize, fault: &Fault) -> Begun {
        let pause = fault.duration.unwrap_or(ROLLING_PAUSE);
        match fault.kind {
            FaultKind::Join { member } => {
                crate::lock::lock(&self.faults.joined)[member.0 as usize] = true;
                self.try_start_member(member);
                Begun::Over
            }
            FaultKind::HandlerOutage { outcome, share } => {
                self.sink.begin_outage(fault.id, outcome.into(), share.0);
                Begun::Lasts(Undo::EndOutage)
            }
            // Its message carries it since the plan was drawn.
            FaultKind::Undecodable { .. } => Begun::Over,
            FaultKind::RollingRestart => self.beside(index, move |world| async move {
                world.roll_members(pause).await;
            }),
            FaultKind::RollingBrokerRestart => self.beside(index, move |world| async move {
                world.roll_brokers(pause).await;
            }),
            FaultKind::LeaderMove { partition } => self.beside(index, move |world| async move {
                let topic = world.names.topic(partition.topic);
                let moved = world.admin.move_leader(topic, partition.partition).await;
                world.log_failure(moved);
            }),
            FaultKind::CoordinatorMove => self.beside(index, |world| async move {
                world.log_failure(world.move_coordinator().await);
            }),
            FaultKind::AddPartitions { topic, count } => {
                self.beside(index, move |world| async move {
                    world.log_failure(world.add_partitions(topic.0, count.0).await);
                })
            }
            FaultKind::Retention { partition, share } => {
                self.beside(index, move |world| async move {
                    world.log_failure(world.remove_records(partition, share.0).await);
                })
            }
            _ => Begun::Over,
        }
    }

    /// Does something beside the run; the fault is over when it is done.
    fn beside<F>(self: &Arc<Self>, index: usize, work: impl FnOnce(Arc<Self>) -> F) -> Begun
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (world, work) = (self.clone(), work(self.clone()));
        self.spawn(async move {
            work.await;
            world.over(index);
        });
        Begun::Beside
    }

    /// A handler wrote its effect, and its process dies before it learns that.
    pub(crate) fn crash_after_effect(self: &Arc<Self>, index: usize, member: MemberId) {
        if self.faults.take_active(index).is_some() {
            self.crash_member(member);
            self.faults.set(index, State::Active(Undo::Restart(member)));
            self.end_later(index);
        }
    }

    pub(super) async fn undo(self: &Arc<Self>, index: usize, undo: Undo) {
        let fault = self.plan.faults[index].id;
        let proxy = self.proxy.get();
        // Brokers need a while to come back; everything else is over when its end begins.
        let brokers = matches!(
            undo,
            Undo::StartBroker(_) | Undo::UnpauseBroker(_) | Undo::Rejoin(_)
        );
        if !brokers {
            self.observe(TraceEvent::FaultEnded { fault });
        }
        match (undo, proxy) {
            (Undo::Disarm, _) => self.sink.disarm_crash(index),
            (Undo::Restart(member), _) => self.restart_member(member),
            (Undo::Resume(member), _) => self.resume_member(member),
            (Undo::Unslow(member), _) => self.sink.slow(member, 1),
            (Undo::Unhang(member), _) => self.sink.unhang(member),
            (Undo::EndOutage, _) => self.sink.end_outage(fault),
            (Undo::Unblock(member, broker, direction), Some(proxy)) => {
                proxy.unblock(member, broker, direction);
            }
            (Undo::Undelay(member, broker), Some(proxy)) => {
                proxy.delay(member, broker, Duration::ZERO);
            }
            (Undo::Unthrottle(broker), Some(proxy)) => proxy.throttle(broker, Duration::ZERO),
            (Undo::StartBroker(broker), _) => {
                self.log_failure(self.cluster.start_broker(broker).await);
            }
            (Undo::UnpauseBroker(broker), _) => {
                self.log_failure(self.cluster.unpause(broker).await);
            }
            (Undo::Rejoin(broker), _) => self.log_failure(self.cluster.rejoin(broker).await),
            (Undo::Unblock(..) | Undo::Undelay(..) | Undo::Unthrottle(_), None) => {}
        }
        if brokers {
            self.log_failure(self.cluster.healthy(BROKER_BACK).await);
            self.observe(TraceEvent::FaultEnded { fault });
        }
    }

    /// What the environment refused to do: the run cannot be trusted.
    fn log_failure<T>(&self, result: Result<T, ChaosError>) {
        if let Err(error) = result {
            self.fail(error);
        }
    }
}

/// What takes its time.
impl World {
    /// One member of a rolling restart stops, and starts again as soon as it has; then the next.
    async fn roll_members(self: &Arc<Self>, pause: Duration) {
        for member in (0..self.plan.starts.len() as u32).map(MemberId) {
            if self.now() >= self.plan.heal_at {
                return;
            }
            if self.processes.runs(member) {
                self.stop_member(member);
                self.restart_member(member);
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// One broker of a rolling restart stops, and starts again as soon as it has; then the next,
    /// not before the one before is back: two at once would be another fault.
    async fn roll_brokers(self: &Arc<Self>, pause: Duration) {
        for broker in 0..self.cluster.brokers().len() as u32 {
            let next: Instant = self.now() + pause;
            self.log_failure(self.cluster.stop(broker).await);
            self.log_failure(self.cluster.start_broker(broker).await);
            self.log_failure(self.cluster.healthy(BROKER_BACK).await);
            self.sleep_until(next).await;
        }
    }

    async fn move_coordinator(&self) -> Result<(), ChaosError> {
        let partition = self.admin.offsets_partition(&self.names.group).await?;
        let moved = self
            .admin
            .move_leader("__consumer_offsets", partition)
            .await;
        moved.map(drop)
    }

    async fn add_partitions(self: &Arc<Self>, topic: u32, count: u32) -> Result<(), ChaosError> {
        let name = self.names.topic(topic);
        let before = self.admin.topic(name).await?.partitions.len() as u32;
        self.admin.add_partitions(name, before + count).await?;
        self.look_at_leaders().await;
        Ok(())
    }

    async fn remove_records(
        self: &Arc<Self>,
        partition: plimsoll_core::TopicPartition,
        share: f64,
    ) -> Result<(), ChaosError> {
        let topic = self.names.topic(partition.topic);
        let ends = self.admin.log_ends(topic).await?;
        let Some((start, end)) = ends.get(partition.partition as usize).copied() else {
            return Ok(());
        };
        let before = start + ((end - start) as f64 * share) as u64;
        let log_start = self
            .admin
            .delete_records(topic, partition.partition, before)
            .await?;
        self.observe(TraceEvent::Removed {
            partition,
            log_start: NextOffset::new(log_start),
        });
        Ok(())
    }
}
