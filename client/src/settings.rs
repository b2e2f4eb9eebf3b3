//! What a user chooses of a client, by Kafka's names.

use crate::Behaviour;
use plimsoll_protocol::{Assignor, GroupIndex};
use std::time::Duration;

/// The settings of a client that is a member of a group.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The real client that it behaves like.
    pub behaviour: Behaviour,
    /// Its group, by number.
    pub group: GroupIndex,
    /// `group.instance.id`, of static members only.
    pub instance: Option<u32>,
    /// `partition.assignment.strategy`.
    pub assignor: Assignor,
    /// `session.timeout.ms`.
    pub session_timeout: Duration,
    /// `heartbeat.interval.ms`.
    pub heartbeat: Duration,
    /// `max.poll.interval.ms`.
    pub poll_deadline: Duration,
    /// `socket.timeout.ms`, or `request.timeout.ms`.
    pub request_timeout: Duration,
    /// `retry.backoff.ms`.
    pub retry_backoff: Duration,
    /// `queued.min.messages`: the number of records of a partition with which it is fetched no
    /// more.
    pub prefetch: u32,
    /// `queued.max.messages.kbytes`, in bytes: the size of the records of a partition with which it
    /// is fetched no more.
    pub prefetch_bytes: u64,
    /// The greatest number of records that the application gets at once. Those that are left wait,
    /// also where it pauses the partition meanwhile.
    pub records_at_once: u32,
    /// `fetch.wait.max.ms`.
    pub fetch_wait_max: Duration,
    /// `max.partition.fetch.bytes`.
    pub partition_fetch_bytes: u32,
}
