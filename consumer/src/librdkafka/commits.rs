//! Sends commits, one at a time, on a thread of their own: each waits for its outcome.

use super::context::RawConsumer;
use super::leader_epochs::LeaderEpochs;
use super::outbox::Outbox;
use super::threads;
use super::topics::{Topics, positions_of};
use crate::commit_metadata;
use plimsoll_core::{CommitId, CommitOffset, CommitOutcome, Event, TopicPartition};
use rdkafka::TopicPartitionList;
use rdkafka::consumer::{CommitMode, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

/// A commit to send.
pub(super) type Request = (CommitId, Vec<CommitOffset>);

/// Starts the thread, which ends when the sender of requests is dropped.
///
/// `refused` is told the partitions of a commit that was refused because the group has let the
/// member go.
pub(super) fn spawn(
    consumer: Arc<RawConsumer>,
    topics: Arc<Topics>,
    epochs: Arc<LeaderEpochs>,
    outbox: Outbox,
    refused: impl Fn(Vec<TopicPartition>) + Send + 'static,
) -> io::Result<Sender<Request>> {
    let (sender, requests) = channel();
    let told = outbox.clone();
    let run = move |consumer: &mut Arc<RawConsumer>| {
        run(consumer, &topics, &epochs, &requests, &told, &refused);
    };
    threads::spawn("plimsoll-commit", outbox, consumer, run, drop)?;
    Ok(sender)
}

fn run(
    consumer: &RawConsumer,
    topics: &Topics,
    epochs: &LeaderEpochs,
    requests: &Receiver<Request>,
    outbox: &Outbox,
    refused: &impl Fn(Vec<TopicPartition>),
) {
    while let Ok((commit, offsets)) = requests.recv() {
        let list = list(topics, epochs, &offsets);
        // Only a synchronous commit reports partitions that were refused one by one: librdkafka
        // then fails the whole. To commit again what was accepted does no harm.
        let outcome = match consumer.commit(&list, CommitMode::Sync) {
            Ok(()) => {
                for offset in &offsets {
                    epochs.committed(offset.partition, offset.next);
                }
                CommitOutcome::Ok
            }
            Err(error) => {
                let outcome = outcome_of(&error);
                tracing::warn!(%error, ?outcome, "a commit was not accepted");
                if is_dismissal(&error) {
                    refused(offsets.iter().map(|offset| offset.partition).collect());
                }
                outcome
            }
        };
        if tracing::enabled!(tracing::Level::DEBUG) {
            let partitions = topics.shown(offsets.iter().map(|offset| offset.partition));
            tracing::debug!(partitions, ?outcome, "commit");
        }
        outbox.tell(Event::CommitFinished { commit, outcome });
    }
}

fn list(topics: &Topics, epochs: &LeaderEpochs, offsets: &[CommitOffset]) -> TopicPartitionList {
    let positions = offsets.iter().map(|o| (o.partition, o.next));
    let list = positions_of(topics, epochs, positions);
    for (mut element, offset) in list.elements().into_iter().zip(offsets) {
        element.set_metadata(commit_metadata::write(offset.founding_partitions));
    }
    list
}

/// Returns whether the broker refused a commit, or its outcome is unknown.
fn outcome_of(error: &KafkaError) -> CommitOutcome {
    match is_silence(error) {
        // The request may have been applied, or may still be.
        true => CommitOutcome::Unknown,
        false => CommitOutcome::Failed,
    }
}

/// Returns whether no answer came to a request.
pub(super) fn is_silence(error: &KafkaError) -> bool {
    use RDKafkaErrorCode as E;
    matches!(
        error.rdkafka_error_code(),
        Some(
            E::OperationTimedOut
                | E::RequestTimedOut
                | E::TimedOutQueue
                | E::BrokerTransportFailure
                | E::AllBrokersDown
                | E::BrokerDestroy
                | E::WaitingForCoordinator
                | E::NetworkException,
        ) | None
    )
}

/// Returns whether the group has let the member go.
fn is_dismissal(error: &KafkaError) -> bool {
    use RDKafkaErrorCode as E;
    let code = error.rdkafka_error_code();
    matches!(
        code,
        Some(E::UnknownMemberId | E::IllegalGeneration | E::FencedInstanceId)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_core::{NextOffset, Offset};
    use plimsoll_librdkafka::leader_epochs;

    #[test]
    fn a_commit_carries_the_founding_partitions_and_leader_epochs() {
        let topics = Topics::new(&["a".into(), "b".into()]);
        let epochs = LeaderEpochs::default();
        epochs.note(TopicPartition::new(1, 1), Offset::new(5), Some(3));
        epochs.note(TopicPartition::new(1, 1), Offset::new(7), Some(4));
        let offset = |topic, next| CommitOffset {
            partition: TopicPartition::new(topic, 1),
            next: NextOffset::new(next),
            founding_partitions: 4,
        };
        let list = list(&topics, &epochs, &[offset(1, 7), offset(0, 0)]);
        assert_eq!(leader_epochs(&list), [Some(3), None]);
        let elements = list.elements();
        let found = elements
            .iter()
            .map(|e| (e.topic(), e.offset(), e.metadata()));
        use rdkafka::Offset::Offset as At;
        assert_eq!(
            found.collect::<Vec<_>>(),
            [("b", At(7), "plimsoll/1 4"), ("a", At(0), "plimsoll/1 4")]
        );
    }

    #[test]
    fn silence_is_not_a_refusal() {
        let outcome = |code| outcome_of(&KafkaError::ConsumerCommit(code));
        let unknown = outcome(RDKafkaErrorCode::RequestTimedOut);
        assert_eq!(unknown, CommitOutcome::Unknown);
        let failed = outcome(RDKafkaErrorCode::IllegalGeneration);
        assert_eq!(failed, CommitOutcome::Failed);
    }

    #[test]
    fn a_member_that_is_not_known_or_fenced_is_let_go_and_one_that_comes_too_soon_is_not() {
        let is_dismissal = |code| is_dismissal(&KafkaError::ConsumerCommit(code));
        assert!(is_dismissal(RDKafkaErrorCode::UnknownMemberId));
        assert!(is_dismissal(RDKafkaErrorCode::IllegalGeneration));
        assert!(is_dismissal(RDKafkaErrorCode::FencedInstanceId));
        assert!(!is_dismissal(RDKafkaErrorCode::RebalanceInProgress));
    }
}
