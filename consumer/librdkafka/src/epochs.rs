//! The leader epochs of offsets that are committed, and from which reading begins (KIP-320).

use rdkafka::TopicPartitionList;
use rdkafka::bindings::{
    rd_kafka_topic_partition_get_leader_epoch, rd_kafka_topic_partition_set_leader_epoch,
    rd_kafka_topic_partition_t,
};

/// The leader epoch of an offset that has none.
const NONE: i32 = -1;

/// Returns the leader epoch of each offset in a list, in its order, where there is one.
pub fn leader_epochs(list: &TopicPartitionList) -> Vec<Option<i32>> {
    let elements = elements(list);
    elements
        .map(|element| {
            // SAFETY: it points to an element of the list, which lives.
            let epoch = unsafe { rd_kafka_topic_partition_get_leader_epoch(element) };
            (epoch > NONE).then_some(epoch)
        })
        .collect()
}

/// Sets the leader epoch of each offset in a list, in its order.
pub fn set_leader_epochs(
    list: &mut TopicPartitionList,
    epochs: impl IntoIterator<Item = Option<i32>>,
) {
    for (element, epoch) in elements(list).zip(epochs) {
        // SAFETY: it points to an element of the list, which lives, and which nothing else uses.
        unsafe { rd_kafka_topic_partition_set_leader_epoch(element, epoch.unwrap_or(NONE)) };
    }
}

/// Returns pointers to the elements of a list, which are good while it is not changed.
fn elements(list: &TopicPartitionList) -> impl Iterator<Item = *mut rd_kafka_topic_partition_t> {
    // SAFETY: the pointer of a list is good as long as the list.
    let raw = unsafe { &*list.ptr() };
    let (first, count) = (raw.elems, usize::try_from(raw.cnt).unwrap_or(0));
    // SAFETY: `elems` has `cnt` elements.
    (0..count).map(move |index| unsafe { first.add(index) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epochs_are_kept_in_the_order_of_the_list() {
        let mut list = TopicPartitionList::new();
        list.add_partition("b", 1);
        list.add_partition("a", 0);
        list.add_partition("a", 2);
        assert_eq!(leader_epochs(&list), [None; 3]);
        set_leader_epochs(&mut list, [Some(0), None, Some(7)]);
        assert_eq!(leader_epochs(&list), [Some(0), None, Some(7)]);
        set_leader_epochs(&mut list, [None]);
        assert_eq!(leader_epochs(&list.clone()), [None, None, Some(7)]);
    }
}
