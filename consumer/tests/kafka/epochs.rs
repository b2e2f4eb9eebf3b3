//! Leader epochs: those that commits name, and logs that were cut while no member was there.

use crate::cluster::{Handled, Member, PATIENCE, Topic, offset_of, wait_until};
use crate::faults::{crash_broker, heal, leaders};
use crate::gauges;
use plimsoll::{Assignor, OutOfRangePolicy};
use plimsoll_librdkafka::{leader_epochs, set_leader_epochs};
use plimsoll_serve::Served;
use rdkafka::consumer::Consumer as _;
use rdkafka::{Offset, TopicPartitionList};
use std::sync::Arc;
use std::time::Duration;

/// Creates a topic of one partition with ten messages of one leader epoch, and ten of a later one.
async fn two_epochs(cluster: &Served, test: &str) -> Topic {
    let topic = Topic::create(test, 1).await;
    topic.produce(0..10, |_| 0).await;
    crash_leader(cluster, &topic).await;
    heal(cluster).await;
    topic.produce(10..20, |_| 0).await;
    topic
}

/// Handles a number of messages, and stops.
async fn handle(topic: &Topic, handled: &Handled, messages: usize) {
    let member = Member::start(topic.consumer(), handled.handler(Duration::ZERO));
    handled.wait_for(messages).await;
    member.stop().await;
}

pub(crate) async fn commits_name_the_leader_epochs_of_what_was_handled(cluster: Arc<Served>) {
    let topic = Topic::create("epochs", 1).await;
    let handled = Handled::default();
    topic.produce(0..10, |_| 0).await;
    handle(&topic, &handled, 10).await;
    let (offset, first) = topic.committed_epoch();
    assert_eq!(offset, Some(10));
    crash_leader(&cluster, &topic).await;
    heal(&cluster).await;
    // Nothing new was handled, so the epoch is that of the last message.
    handle(&topic, &handled, 10).await;
    assert_eq!(topic.committed_epoch(), (Some(10), first));
    topic.produce(10..20, |_| 0).await;
    handle(&topic, &handled, 20).await;
    let (offset, second) = topic.committed_epoch();
    assert_eq!((offset, handled.repeated()), (Some(20), 0));
    assert!(first.is_some() && second > first, "{first:?}, {second:?}");
}

/// The group has read five messages more of the first epoch than its log has now.
pub(crate) async fn a_log_that_was_cut_meanwhile_is_not_read_over(cluster: Arc<Served>) {
    gauges::watch();
    for assignor in [Assignor::CooperativeSticky, Assignor::Range] {
        let topic = two_epochs(&cluster, "cut").await;
        let first = topic.epoch_of_first_message();
        topic.commit(15, first);
        let handled = Handled::default();
        let start = |policy, handled: &Handled| {
            let consumer = topic.consumer().out_of_range(policy).assignor(assignor);
            Member::start(consumer, handled.handler(Duration::ZERO))
        };
        let member = start(OutOfRangePolicy::Halt, &handled);
        let halted = || gauges::value("plimsoll_partition_halted", &topic.name) == Some(1.0);
        assert!(
            wait_until(halted).await,
            "{assignor:?}: {:?}",
            handled.numbers()
        );
        member.stop().await;
        assert_eq!(handled.numbers(), [0; 0], "{assignor:?}");
        let member = start(OutOfRangePolicy::Earliest, &handled);
        handled.wait_for(20).await;
        member.stop().await;
        assert_eq!(topic.committed(1), [Some(20)], "{assignor:?}");
        // What is left of the log is where the group stands.
        topic.commit(10, first);
        let handled = Handled::default();
        let member = start(OutOfRangePolicy::Halt, &handled);
        handled.wait_for(10).await;
        member.stop().await;
        assert_eq!(handled.numbers(), (10..20).collect::<Vec<_>>());
    }
}

/// Kills the broker that leads the first partition, and waits until that has no leader.
async fn crash_leader(cluster: &Served, topic: &Topic) {
    let leader = leaders(cluster, topic).await[0].expect("there is a leader");
    crash_broker(cluster, topic, leader).await;
}

impl Topic {
    /// Returns the offset that the group committed for the only partition, and its leader epoch.
    fn committed_epoch(&self) -> (Option<i64>, Option<i32>) {
        let found = self.find_committed(1);
        (offset_of(&found, 0), leader_epochs(&found)[0])
    }

    /// Returns the leader epoch of the first message of the first partition.
    fn epoch_of_first_message(&self) -> Option<i32> {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&self.name, 0, Offset::Beginning)
            .unwrap();
        let found = self.bare().offsets_for_times(list, PATIENCE);
        leader_epochs(&found.expect("the broker answers"))[0]
    }

    /// Commits an offset of the first partition, with a leader epoch. The group must have no
    /// member.
    fn commit(&self, offset: i64, leader_epoch: Option<i32>) {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&self.name, 0, Offset::Offset(offset))
            .unwrap();
        set_leader_epochs(&mut list, [leader_epoch]);
        self.commit_list(&list);
    }
}
