//! The seam between the driver and a client library.

use crate::{ClientError, Message};
use plimsoll_core::{Command, Event, NextOffset, PartitionStatus, TopicPartition};

/// A member of a consumer group, as the driver sees it: events come out, commands go in.
///
/// The client over librdkafka is one; another client can take its place. To see what passes between
/// a client and the driver, have it [`Watched`](crate::Watched).
///
/// A client gets every command but [`Dispatch`](Command::Dispatch) and
/// [`Cancel`](Command::Cancel), which are the driver's own, and answers each as
/// [`Command`] says.
pub trait GroupClient: Send {
    /// Returns the next event; `None` once [`Command::Close`] is carried out.
    ///
    /// Cancel-safe: an event is not lost when the future is dropped before it is ready.
    ///
    /// # Errors
    /// Fails where the client cannot go on at all. What passes by itself, brokers that cannot be
    /// reached for example, is not an error.
    fn next_event(
        &mut self,
    ) -> impl Future<Output = Result<Option<Event<Message>>, ClientError>> + Send;

    /// Takes a command, and returns at once: an event tells the outcome.
    fn submit(&mut self, command: Command<Message>);

    /// Returns the name of the group, for metrics and logs.
    fn group(&self) -> &str;

    /// Returns the name of a topic by its number in [`TopicPartition`], for metrics and logs.
    fn topic(&self, number: u32) -> Option<&str>;

    /// Asks for the ends of the logs of these partitions, and returns at once: the answer is what
    /// [`high_watermark`](Self::high_watermark) returns from then on. The driver calls this every
    /// two seconds, with all partitions and how they stand: the brokers tell the end of a log with
    /// what is fetched from it, so only those from which nothing is fetched need a question.
    fn ask_log_ends(&mut self, partitions: Vec<PartitionStatus>) {
        let _ = partitions;
    }

    /// Returns the high watermark of a partition, as far as it is known: the lag is counted from
    /// it.
    fn high_watermark(&self, partition: TopicPartition) -> Option<NextOffset> {
        let _ = partition;
        None
    }

    /// Returns whether a topic cannot be read: it is not there, or there is no right to it. The
    /// client goes on trying.
    fn is_unavailable(&self, topic: u32) -> bool {
        let _ = topic;
        false
    }

    /// Returns whether the group refuses the member for want of a right. The client goes on trying.
    fn is_group_unavailable(&self) -> bool {
        false
    }

    /// Returns whether the records of a partition cannot be read: the last attempt failed. The
    /// client tries again by itself, from the same record.
    fn is_failing(&self, partition: TopicPartition) -> bool {
        let _ = partition;
        false
    }
}
