//! Which member owns which partitions, as the wire shows it: from what passes the proxy to the
//! observations of the trace.
//!
//! A member owns a partition from its first fetch after the group gave it the partition. It has
//! learned of a revocation, at the latest, when it asks to join again without the partition; a
//! subject that prints what it learns (`partitions_revoked`) is taken at its word, and earlier.

use crate::lock::lock;
use crate::proxy::{CommitAnswer, Seen, Watcher};
use crate::world::World;
use plimsoll_core::{AssignmentEpoch, Instant, NextOffset, Offset, TopicPartition};
use plimsoll_oracle::{ErrorName, MemberId, TraceEvent};
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

/// The longest time for which the acknowledgement of a dead letter is kept back until the reader of
/// the topics has seen the copy.
const DEAD_LETTER_READ: Duration = Duration::from_secs(5);

/// Which member owns which partitions.
#[derive(Debug)]
pub(crate) struct Membership {
    members: Mutex<Vec<Member>>,
}

/// One member, as far as the wire shows it.
#[derive(Clone, Debug, Default)]
struct Member {
    generation: i32,
    /// Whether the member is between a request to join and its assignment.
    joining: bool,
    /// Whether the member was told that it belongs to no current generation.
    fenced: bool,
    /// The partitions that the group gave it last.
    given: BTreeSet<TopicPartition>,
    /// Whether its process asked to join at least once.
    has_joined: bool,
    /// The partitions that it fetches.
    held: BTreeMap<TopicPartition, Held>,
    /// The time at which it learned that a partition goes; until it gets the partition anew.
    withdrawn: BTreeMap<TopicPartition, Instant>,
    /// The number of assignments of a partition that it began to fetch.
    epochs: u32,
}

/// A partition that a member owns.
#[derive(Clone, Copy, Debug)]
struct Held {
    /// The offset of its last fetch.
    position: u64,
    /// Whether its last fetch was out of range.
    out_of_range: bool,
}

/// The way in which a member loses a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gone {
    Revoked { announced: bool },
    Lost,
}

impl Membership {
    /// Makes `members` members, which own nothing.
    pub(crate) fn new(members: usize) -> Self {
        Self {
            members: Mutex::new(vec![Member::default(); members]),
        }
    }

    /// Returns the owner of a partition.
    pub(crate) fn owner(&self, partition: TopicPartition) -> Option<MemberId> {
        let members = lock(&self.members);
        let holders = members.iter().enumerate();
        let holders = holders.filter(|(_, member)| member.held.contains_key(&partition));
        // A zombie holds it too, from an older generation.
        let newest = holders.max_by_key(|(_, member)| member.generation)?;
        Some(MemberId(newest.0 as u32))
    }

    /// Returns the owner of the most partitions; of several, the first.
    pub(crate) fn busiest(&self) -> Option<MemberId> {
        let members = lock(&self.members);
        let busiest = (0..members.len())
            .rev()
            .max_by_key(|index| members[*index].held.len())?;
        Some(MemberId(busiest as u32))
    }

    /// Returns when the member learned that it must give a partition up, if it has learned that and
    /// has not got the partition anew.
    pub(crate) fn revoked_at(
        &self,
        member: MemberId,
        partition: TopicPartition,
    ) -> Option<Instant> {
        let members = lock(&self.members);
        let withdrawn = &members.get(member.0 as usize)?.withdrawn;
        withdrawn.get(&partition).copied()
    }

    /// Returns whether the member's process has asked to join the group.
    pub(crate) fn has_joined(&self, member: MemberId) -> bool {
        let members = lock(&self.members);
        members
            .get(member.0 as usize)
            .is_some_and(|member| member.has_joined)
    }

    /// Returns the newest generation that any member is in.
    pub(crate) fn generation(&self) -> i32 {
        let members = lock(&self.members);
        let generations = members.iter().map(|member| member.generation);
        generations.max().unwrap_or_default()
    }

    /// Forgets all about a member: its process is a new one, or gone.
    pub(crate) fn forget(&self, member: MemberId) {
        self.with(member, |member| *member = Member::default());
    }

    /// Returns whether any member is between a request to join and its assignment.
    fn is_rebalancing(&self) -> bool {
        lock(&self.members).iter().any(|member| member.joining)
    }

    fn with<T>(&self, member: MemberId, change: impl FnOnce(&mut Member) -> T) -> Option<T> {
        lock(&self.members).get_mut(member.0 as usize).map(change)
    }
}

impl Member {
    /// Notes a request to join with the partitions that the member says it still owns; returns
    /// those that it gave up.
    fn join(
        &mut self,
        now: Instant,
        owned: &BTreeSet<TopicPartition>,
    ) -> Vec<(TopicPartition, Gone)> {
        self.joining = true;
        self.has_joined = true;
        self.give_up(now, owned)
    }

    /// Gives up all partitions but `kept`, and returns them.
    fn give_up(
        &mut self,
        now: Instant,
        kept: &BTreeSet<TopicPartition>,
    ) -> Vec<(TopicPartition, Gone)> {
        let mut gone = Vec::new();
        let (fenced, withdrawn) = (self.fenced, &mut self.withdrawn);
        self.given.retain(|partition| kept.contains(partition));
        self.held.retain(|partition, _| {
            let keeps = kept.contains(partition);
            if !keeps {
                let announced = withdrawn.contains_key(partition);
                withdrawn.entry(*partition).or_insert(now);
                let how = match fenced && !announced {
                    true => Gone::Lost,
                    false => Gone::Revoked { announced },
                };
                gone.push((*partition, how));
            }
            keeps
        });
        gone
    }

    /// Notes a fetch from `offset`; returns what it shows, if that is anything new.
    fn fetch(&mut self, partition: TopicPartition, offset: u64) -> Option<Fetch> {
        if let Some(held) = self.held.get_mut(&partition) {
            let from = std::mem::replace(&mut held.position, offset);
            let reset = std::mem::take(&mut held.out_of_range) && from != offset;
            return reset.then_some(Fetch::Elsewhere { from });
        }
        if !self.given.contains(&partition) {
            return None;
        }
        self.epochs += 1;
        self.withdrawn.remove(&partition);
        let held = Held {
            position: offset,
            out_of_range: false,
        };
        self.held.insert(partition, held);
        Some(Fetch::First {
            epoch: AssignmentEpoch(self.epochs),
            generation: self.generation,
        })
    }
}

/// What a fetch shows of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fetch {
    /// The first fetch of an assignment: the member owns the partition now.
    First {
        epoch: AssignmentEpoch,
        generation: i32,
    },
    /// A fetch from another offset, after one that was out of range.
    Elsewhere { from: u64 },
}

/// Takes in what passes the proxy. The world has the proxy, so the proxy must not keep the world.
impl Watcher for Weak<World> {
    fn saw(&self, member: MemberId, seen: Seen) {
        if let Some(world) = self.upgrade() {
            world.saw(member, seen);
        }
    }

    fn produced<'a>(
        &'a self,
        _member: MemberId,
        topic: &'a str,
        partition: u32,
        last_offset: u64,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(async move {
            let Some(world) = self.upgrade() else {
                return;
            };
            if topic != world.names.dead_letters {
                return;
            }
            if let Some(id) = world.names.partition(topic, partition) {
                let offset = Offset::new(last_offset);
                // Past the deadline the copy counts from when it is read, as without this wait.
                let _ = world.log.wait_for(id, offset, DEAD_LETTER_READ).await;
            }
        })
    }
}

impl World {
    fn saw(self: &Arc<Self>, member: MemberId, seen: Seen) {
        match seen {
            Seen::CommitSent { .. } => self.observe(TraceEvent::CommitSent { member }),
            Seen::CommitAnswered {
                generation,
                offsets,
            } => self.commit_answered(member, generation, &offsets),
            Seen::CommitUnanswered => self.observe(TraceEvent::CommitUnknown { member }),
            Seen::ResponseLost { request } => {
                self.observe(TraceEvent::ResponseLost { member, request });
            }
            Seen::Joining { owned } => {
                let owned = self.partitions(&owned);
                let now = self.now();
                let gone = self.membership.with(member, |m| m.join(now, &owned));
                self.gave_up(member, gone.unwrap_or_default());
            }
            Seen::Joined { generation } => {
                self.membership.with(member, |m| {
                    m.generation = generation;
                    m.fenced = false;
                });
            }
            Seen::Synced { partitions } => {
                let given = self.partitions(&partitions);
                self.membership.with(member, |m| {
                    m.joining = false;
                    m.given = given;
                });
            }
            Seen::Left => {
                let (now, none) = (self.now(), BTreeSet::new());
                let gone = self.membership.with(member, |m| m.give_up(now, &none));
                self.gave_up(member, gone.unwrap_or_default());
            }
            Seen::Fenced { .. } => {
                self.membership.with(member, |m| m.fenced = true);
            }
            Seen::RebalanceAsked => {}
            Seen::Fetching {
                topic,
                partition,
                offset,
            } => self.fetching(member, &topic, partition, offset),
            Seen::OutOfRange { topic, partition } => {
                if let Some(id) = self.names.partition(&topic, partition) {
                    self.membership.with(member, |m| {
                        if let Some(held) = m.held.get_mut(&id) {
                            held.out_of_range = true;
                        }
                    });
                }
            }
        }
    }

    fn partitions(&self, named: &[(String, u32)]) -> BTreeSet<TopicPartition> {
        let named = named.iter();
        named
            .filter_map(|(topic, partition)| self.names.partition(topic, *partition))
            .collect()
    }

    fn commit_answered(
        self: &Arc<Self>,
        member: MemberId,
        generation: i32,
        offsets: &[CommitAnswer],
    ) {
        let rebalancing = self.membership.is_rebalancing();
        let mut refused = None;
        for answer in offsets {
            let Some(partition) = self.names.partition(&answer.topic, answer.partition) else {
                continue;
            };
            if answer.error == 0 {
                self.observe(TraceEvent::Committed {
                    member,
                    partition,
                    next: NextOffset::new(answer.next),
                    generation,
                    rebalancing,
                });
            } else {
                refused = Some(answer.error);
            }
        }
        if let Some(code) = refused {
            // Kafka's error, or else the closest one that the trace has a word for.
            let error = ErrorName::from_code(code).unwrap_or(ErrorName::CoordinatorNotAvailable);
            self.observe(TraceEvent::CommitRefused { member, error });
        }
    }

    fn fetching(self: &Arc<Self>, member: MemberId, topic: &str, partition: u32, offset: u64) {
        let Some(partition) = self.names.partition(topic, partition) else {
            return;
        };
        let shown = self.membership.with(member, |m| m.fetch(partition, offset));
        match shown.flatten() {
            None => {}
            Some(Fetch::First { epoch, generation }) => self.observe(TraceEvent::Assigned {
                member,
                partition,
                epoch,
                position: NextOffset::new(offset),
                generation,
            }),
            Some(Fetch::Elsewhere { from }) => self.observe(TraceEvent::PositionReset {
                member,
                partition,
                from: NextOffset::new(from),
                to: NextOffset::new(offset),
            }),
        }
    }

    /// Notes that the subject printed that it learned of a revocation.
    pub(crate) fn announced_revoked(self: &Arc<Self>, member: MemberId, named: &[(String, u32)]) {
        for partition in self.partitions(named) {
            let now = self.now();
            let news = self.membership.with(member, |m| {
                let first =
                    m.held.contains_key(&partition) && !m.withdrawn.contains_key(&partition);
                first.then(|| m.withdrawn.insert(partition, now))
            });
            if news.flatten().is_some() {
                self.observe(TraceEvent::Revoked {
                    member,
                    partition,
                    in_flight: self.sink.in_flight(member, partition),
                });
            }
        }
    }

    /// Notes that the subject printed that it learned of a loss.
    pub(crate) fn announced_lost(self: &Arc<Self>, member: MemberId, named: &[(String, u32)]) {
        for partition in self.partitions(named) {
            let now = self.now();
            let held = self.membership.with(member, |m| {
                m.withdrawn.insert(partition, now);
                m.held.remove(&partition)
            });
            if held.flatten().is_some() {
                self.observe(TraceEvent::Lost { member, partition });
            }
        }
    }

    fn gave_up(self: &Arc<Self>, member: MemberId, gone: Vec<(TopicPartition, Gone)>) {
        for (partition, how) in gone {
            match how {
                Gone::Lost => self.observe(TraceEvent::Lost { member, partition }),
                Gone::Revoked { announced } => {
                    if !announced {
                        self.observe(TraceEvent::Revoked {
                            member,
                            partition,
                            in_flight: self.sink.in_flight(member, partition),
                        });
                    }
                    self.observe(TraceEvent::Released { member, partition });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORDERS: [TopicPartition; 2] = [TopicPartition::new(0, 0), TopicPartition::new(0, 1)];

    fn member(given: &[TopicPartition]) -> Member {
        Member {
            generation: 3,
            given: given.iter().copied().collect(),
            ..Member::default()
        }
    }

    fn owned(partitions: &[TopicPartition]) -> BTreeSet<TopicPartition> {
        partitions.iter().copied().collect()
    }

    #[test]
    fn a_partition_is_owned_from_the_first_fetch_of_what_was_given() {
        let mut member = member(&ORDERS[..1]);
        assert_eq!(member.fetch(ORDERS[1], 5), None);
        let first = Fetch::First {
            epoch: AssignmentEpoch(1),
            generation: 3,
        };
        assert_eq!(member.fetch(ORDERS[0], 5), Some(first));
        assert_eq!(member.fetch(ORDERS[0], 9), None);
    }

    #[test]
    fn a_member_that_joins_without_a_partition_has_given_it_up() {
        let mut member = member(&ORDERS);
        member.fetch(ORDERS[0], 0);
        member.fetch(ORDERS[1], 0);
        let now = Instant::from_millis(7);
        let gone = member.join(now, &owned(&ORDERS[1..]));
        assert_eq!(gone, [(ORDERS[0], Gone::Revoked { announced: false })]);
        assert!(member.joining);
        assert_eq!(member.withdrawn.get(&ORDERS[0]), Some(&now));
        // A fetch that was still on its way does not give it back.
        assert_eq!(member.fetch(ORDERS[0], 4), None);
        assert_eq!(member.fetch(ORDERS[1], 4), None);
        assert!(member.held.contains_key(&ORDERS[1]));
    }

    #[test]
    fn a_member_that_was_told_that_it_is_fenced_has_lost_what_it_owned() {
        let mut member = member(&ORDERS);
        member.fetch(ORDERS[0], 0);
        member.fenced = true;
        let gone = member.join(Instant::ZERO, &BTreeSet::new());
        assert_eq!(gone, [(ORDERS[0], Gone::Lost)]);
    }

    #[test]
    fn what_was_announced_is_not_told_twice() {
        let mut member = member(&ORDERS);
        member.fetch(ORDERS[0], 0);
        member.withdrawn.insert(ORDERS[0], Instant::ZERO);
        let gone = member.join(Instant::from_millis(9), &BTreeSet::new());
        assert_eq!(gone, [(ORDERS[0], Gone::Revoked { announced: true })]);
        assert_eq!(member.withdrawn.get(&ORDERS[0]), Some(&Instant::ZERO));
    }

    #[test]
    fn another_offset_is_a_reset_only_after_one_that_was_out_of_range() {
        let mut member = member(&ORDERS);
        member.fetch(ORDERS[0], 50);
        // A pause throws away what was fetched ahead.
        assert_eq!(member.fetch(ORDERS[0], 40), None);
        if let Some(held) = member.held.get_mut(&ORDERS[0]) {
            held.out_of_range = true;
        }
        let reset = Fetch::Elsewhere { from: 40 };
        assert_eq!(member.fetch(ORDERS[0], 60), Some(reset));
    }

    #[test]
    fn of_two_that_hold_a_partition_the_newer_generation_owns_it() {
        let membership = Membership::new(2);
        for (id, generation) in [(0, 4), (1, 5)] {
            membership.with(MemberId(id), |m| {
                *m = member(&ORDERS);
                m.generation = generation;
                m.fetch(ORDERS[0], 0);
            });
        }
        assert_eq!(membership.owner(ORDERS[0]), Some(MemberId(1)));
        assert_eq!(membership.owner(ORDERS[1]), None);
        assert_eq!(membership.busiest(), Some(MemberId(0)));
    }
}
