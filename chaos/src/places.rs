//! Where plans run: those that leave brokers alone side by side on one cluster, those that break
//! brokers one at a time, on clusters beside it as far as the machine can carry them. Embedded
//! brokers are no plan's but their own.

use crate::cluster::Cluster;
use crate::error::ChaosError;
use crate::lock::lock;
use crate::{pressure, refusal};
use plimsoll_scenarios::Plan;
use std::sync::{Arc, Mutex};
use std::time::Instant;
use tokio::sync::{self, RwLock, RwLockReadGuard, RwLockWriteGuard, Semaphore, SemaphorePermit};

/// The number of plans of either kind that a command has, as far as it knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// The number of plans that break brokers.
    pub breaking: usize,
    /// The number of plans that leave brokers alone.
    pub sharing: usize,
    /// The number of plans that may run at the same time; 0: any.
    pub jobs: usize,
}

/// Where the plans of a backend run.
#[derive(Debug)]
pub(crate) struct Places {
    grounds: Grounds,
    /// The plans that run side by side.
    crowd: Crowd,
}

/// The clusters that plans run on.
#[derive(Debug)]
enum Grounds {
    Shared(Shared),
    /// An embedded cluster for each plan. The lock is held for writing by a plan that was
    /// disturbed, and for reading by any other.
    Embedded(RwLock<()>),
}

/// Clusters that plans share. Never empty.
#[derive(Debug)]
struct Shared {
    clusters: Vec<Place>,
    /// The position of the first cluster that takes plans which break brokers.
    apart: usize,
    /// A permit for each cluster that takes such plans.
    permits: Semaphore,
}

/// The limit on plans that run side by side. What the machine can carry depends on the subject: a
/// runtime that takes seconds to start needs more of it than the brokers.
#[derive(Debug)]
struct Crowd {
    permits: Semaphore,
    /// Held by the plan that begins: one at a time, when the machine has room.
    door: sync::Mutex<()>,
    /// The number of permits, and the moment from which on there are no more of them.
    most: Mutex<(usize, Instant)>,
}

impl Crowd {
    fn new(jobs: usize) -> Self {
        Self {
            permits: Semaphore::new(jobs),
            door: sync::Mutex::default(),
            most: Mutex::new((jobs, Instant::now())),
        }
    }

    /// Halves the number of plans that run side by side, for one that ran among too many. One that
    /// began when there were still more changes nothing: what disturbed it has ended.
    async fn thin_out(&self, began: Instant) {
        let surplus = {
            let mut most = lock(&self.most);
            let (number, since) = *most;
            if began < since {
                return;
            }
            let surplus = number / 2;
            *most = (number - surplus, Instant::now());
            surplus
        };
        if surplus > 0 {
            tracing::warn!("fewer schedules run side by side from now on: the machine is too busy");
        }
        let surplus = u32::try_from(surplus).unwrap_or(u32::MAX);
        // It is never closed.
        let taken = self.permits.acquire_many(surplus).await;
        taken.expect("a semaphore").forget();
    }
}

#[derive(Debug)]
struct Place {
    cluster: Arc<Cluster>,
    /// Held for writing by a plan that breaks brokers, and for reading by any other.
    turn: RwLock<()>,
}

/// The cluster that a plan runs on, and its right to do so.
#[derive(Debug)]
pub(crate) struct Seat<'a> {
    pub cluster: Arc<Cluster>,
    right: Right<'a>,
}

#[derive(Debug)]
enum Right<'a> {
    /// The whole cluster: the plan breaks brokers.
    Alone {
        _turn: RwLockWriteGuard<'a, ()>,
        _permit: SemaphorePermit<'a>,
    },
    /// A place beside other plans.
    Shared {
        _turn: RwLockReadGuard<'a, ()>,
        _permit: SemaphorePermit<'a>,
    },
    /// A place where others may be, but none is: the plan was disturbed when there were.
    Calm {
        _turn: RwLockWriteGuard<'a, ()>,
        _permit: SemaphorePermit<'a>,
    },
}

impl Places {
    /// Makes them of the clusters, of which there is at least one.
    pub(crate) fn new(clusters: Vec<Cluster>, load: Load) -> Self {
        let clusters: Vec<Place> = clusters
            .into_iter()
            .map(|cluster| Place {
                cluster: Arc::new(cluster),
                turn: RwLock::new(()),
            })
            .collect();
        let apart = usize::from(clusters.len() > 1 && load.sharing > 0);
        let shared = Shared {
            permits: Semaphore::new(clusters.len() - apart),
            clusters,
            apart,
        };
        Self::on(Grounds::Shared(shared), load)
    }

    /// Makes those of plans that have an embedded cluster each.
    pub(crate) fn embedded(load: Load) -> Self {
        Self::on(Grounds::Embedded(RwLock::new(())), load)
    }

    fn on(grounds: Grounds, load: Load) -> Self {
        let crowd = Crowd::new(match load.jobs {
            0 => Semaphore::MAX_PERMITS,
            jobs => jobs,
        });
        Self { grounds, crowd }
    }

    /// Returns the cluster on which plans run side by side; `None`: each has its own.
    pub(crate) fn first(&self) -> Option<&Arc<Cluster>> {
        match &self.grounds {
            Grounds::Shared(shared) => Some(&shared.clusters[0].cluster),
            Grounds::Embedded(_) => None,
        }
    }

    /// Returns the number of plans that break brokers which can run beside all others.
    pub(crate) fn apart(&self) -> usize {
        match &self.grounds {
            Grounds::Shared(shared) => shared.apart * (shared.clusters.len() - shared.apart),
            Grounds::Embedded(_) => usize::MAX,
        }
    }

    /// Waits until the plan may run; one that `was_disturbed` runs without others beside it.
    ///
    /// # Errors
    /// Where a cluster of its own cannot be started.
    pub(crate) async fn seat(
        &self,
        plan: &Plan,
        was_disturbed: bool,
    ) -> Result<Seat<'_>, ChaosError> {
        match &self.grounds {
            Grounds::Shared(shared) if refusal::breaks_brokers(plan) => Ok(shared.alone().await),
            Grounds::Shared(shared) => {
                let Place { cluster, turn } = &shared.clusters[0];
                Ok(Seat {
                    right: self.right(turn, was_disturbed).await,
                    cluster: cluster.clone(),
                })
            }
            Grounds::Embedded(turn) => {
                let right = self.right(turn, was_disturbed).await;
                let cluster = Arc::new(Cluster::embedded(&plan.settings.cluster, plan.seed).await?);
                Ok(Seat { cluster, right })
            }
        }
    }

    /// Waits for a place beside other plans, or without them.
    async fn right<'a>(&'a self, turn: &'a RwLock<()>, was_disturbed: bool) -> Right<'a> {
        // It is never closed.
        let _permit = self.crowd.permits.acquire().await.expect("a semaphore");
        match was_disturbed {
            true => Right::Calm {
                _turn: turn.write().await,
                _permit,
            },
            false => Right::Shared {
                _turn: turn.read().await,
                _permit,
            },
        }
    }

    /// Waits until the machine has room for a plan beside those that run.
    pub(crate) async fn wait_for_room(&self) {
        let _door = self.crowd.door.lock().await;
        pressure::wait_for_room(match self.grounds {
            Grounds::Shared(_) => pressure::START,
            Grounds::Embedded(_) => pressure::START_EMBEDDED,
        })
        .await;
    }

    /// Lets fewer plans run side by side, for one that did since this moment and was disturbed.
    pub(crate) async fn make_room(&self, began: Instant) {
        self.crowd.thin_out(began).await;
    }

    /// Removes what was started.
    pub(crate) async fn shut_down(&self) {
        if let Grounds::Shared(shared) = &self.grounds {
            let all = shared.clusters.iter();
            let all = all.map(|place| place.cluster.shut_down());
            futures_util::future::join_all(all).await;
        }
    }
}

impl Shared {
    /// Waits for a whole cluster.
    async fn alone(&self) -> Seat<'_> {
        // It is never closed.
        let permit = self.permits.acquire().await.expect("a semaphore");
        let candidates = &self.clusters[self.apart..];
        let free = candidates.iter().find_map(|place| {
            let turn = place.turn.try_write().ok()?;
            Some((&place.cluster, turn))
        });
        let (cluster, turn) = match free {
            Some(free) => free,
            // Other plans share it.
            None => (&candidates[0].cluster, candidates[0].turn.write().await),
        };
        Seat {
            cluster: cluster.clone(),
            right: Right::Alone {
                _turn: turn,
                _permit: permit,
            },
        }
    }
}

impl Seat<'_> {
    /// Returns whether the plan has the cluster for itself.
    pub(crate) fn is_alone(&self) -> bool {
        matches!(self.right, Right::Alone { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::plan;
    use futures_util::FutureExt as _;

    const CRASH: &str =
        "{ at = \"10s\", do = \"broker-crash\", broker = \"broker-1\", for = \"10s\" }";

    fn load(breaking: usize, sharing: usize) -> Load {
        Load {
            breaking,
            sharing,
            jobs: 8,
        }
    }

    /// Takes a seat, where one is free.
    fn seat<'a>(places: &'a Places, plan: &Plan) -> Option<Seat<'a>> {
        let seat = places.seat(plan, false).now_or_never()?;
        Some(seat.expect("nothing is started"))
    }

    fn places(count: usize, load: Load) -> Places {
        let clusters = (0..count).map(|_| Cluster::without_brokers());
        Places::new(clusters.collect(), load)
    }

    #[test]
    fn a_plan_that_breaks_brokers_runs_beside_the_others_on_a_cluster_of_its_own() {
        let (breaking, sharing) = (plan(1, CRASH, ""), plan(1, "", ""));
        let places = places(2, load(2, 2));
        assert_eq!(places.apart(), 1);
        let shared = seat(&places, &sharing).expect("a place");
        let alone = seat(&places, &breaking).expect("a place");
        assert!(!Arc::ptr_eq(&shared.cluster, &alone.cluster));
        assert!(alone.is_alone() && !shared.is_alone());
        let second = seat(&places, &sharing).expect("a place");
        assert!(Arc::ptr_eq(&shared.cluster, &second.cluster));
        // There is one such cluster, and a plan on it.
        assert!(seat(&places, &breaking).is_none());
        drop(alone);
        assert!(seat(&places, &breaking).is_some());
    }

    #[test]
    fn on_a_single_cluster_a_plan_that_breaks_brokers_runs_alone() {
        let (breaking, sharing) = (plan(1, CRASH, ""), plan(1, "", ""));
        let places = places(1, load(2, 2));
        assert_eq!(places.apart(), 0);
        let shared = seat(&places, &sharing).expect("a place");
        assert!(seat(&places, &breaking).is_none());
        drop(shared);
        let alone = seat(&places, &breaking).expect("a place");
        assert!(seat(&places, &sharing).is_none());
        drop(alone);
        assert!(seat(&places, &sharing).is_some());
    }

    #[test]
    fn where_the_machine_is_too_busy_fewer_plans_run_side_by_side() {
        let sharing = plan(1, "", "");
        let places = places(1, load(0, 20));
        let began = Instant::now();
        let seats = |number: usize| {
            let seats = (0..number).map(|_| seat(&places, &sharing));
            let seats: Vec<_> = seats.collect::<Option<_>>().expect("a place for each");
            assert!(seat(&places, &sharing).is_none());
            seats
        };
        drop(seats(8));
        places
            .make_room(began)
            .now_or_never()
            .expect("all are free");
        let four = seats(4);
        // The others that were disturbed at the same time began among eight.
        places
            .make_room(began)
            .now_or_never()
            .expect("nothing is done");
        drop(four);
        drop(seats(4));
        for left in [2, 1, 1] {
            let made = places.make_room(Instant::now()).now_or_never();
            made.expect("all are free");
            drop(seats(left));
        }
    }

    #[test]
    fn a_plan_that_was_disturbed_runs_without_others_beside_it() {
        let sharing = plan(1, "", "");
        let places = places(1, load(0, 2));
        let first = seat(&places, &sharing);
        let first = first.expect("a place");
        assert!(places.seat(&sharing, true).now_or_never().is_none());
        drop(first);
        let calm = places.seat(&sharing, true).now_or_never();
        let calm = calm.expect("a place").expect("nothing is started");
        assert!(!calm.is_alone(), "it breaks no brokers");
        assert!(seat(&places, &sharing).is_none());
    }

    #[test]
    fn where_nothing_shares_a_cluster_all_of_them_take_plans_that_break_brokers() {
        let breaking = plan(1, CRASH, "");
        let places = places(2, load(3, 0));
        let first = seat(&places, &breaking).expect("a place");
        let second = seat(&places, &breaking).expect("a place");
        assert!(!Arc::ptr_eq(&first.cluster, &second.cluster));
        assert!(seat(&places, &breaking).is_none());
    }
}
