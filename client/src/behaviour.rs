//! Where real clients differ: each difference is a setting with a name, and each library a set of
//! them.

use plimsoll_protocol::Sharing;
use std::time::Duration;

/// The conduct of a client where real clients differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Behaviour {
    /// Which requests share a connection with a broker.
    pub sharing: Sharing,
    /// The longest time for which its fetches wait for records, where programs do not set it;
    /// `None`: as long as they are told.
    ///
    /// What shares their connection waits behind them. `Consumer.MaxWaitTime` of Sarama is 500 ms,
    /// and its programs leave it so.
    pub longest_fetch_wait: Option<Duration>,
    /// The time that a client takes until it asks a broker that will answer.
    ///
    /// librdkafka gives the broker up by which it began as soon as that has named the brokers
    /// (`rd_kafka_metadata_decommission_unavailable_brokers`), and connects to one of these after
    /// `sparse_connect_intvl` (`rd_kafka_connect_any`).
    pub bootstrap: Duration,
    /// Which broker is asked what every broker can answer.
    pub any_broker: AnyBroker,
    /// Whether metadata is renewed in a beat, and not so long after the last answer.
    pub renews_in_beat: bool,
    /// The pause between two checks that the application has polled in time: a miss of
    /// `max.poll.interval.ms` is noticed up to so much later. Zero: at once.
    ///
    /// librdkafka looks in a beat (`rd_kafka_cgrp_start_max_poll_interval_timer`: "The timer interval
    /// is 2 hz") that begins anew with each assignment; here it begins with the client. Java's
    /// heartbeat thread looks after each wait for `retry.backoff.ms`
    /// (`AbstractCoordinator.HeartbeatThread.run`). Sarama does not look.
    pub poll_looks: Duration,
    /// What gets a member into its group, and keeps it there.
    pub membership: Membership,
    /// Whether nothing more happens to the membership, and nothing is fetched, before the
    /// application has answered what it is told of a rebalance.
    ///
    /// So it is in librdkafka (`rd_kafka_rebalance_op`, join states `wait-assign-call` and
    /// `wait-unassign-call`; `rd_kafka_assignment_pause`), and in Java, whose `poll()` calls the
    /// listener, and sends fetches after it (`ClassicKafkaConsumer.poll`). Sarama cancels the
    /// context of its claims (`consumerGroupSession.release`), and a loss overtakes what was to be
    /// told before.
    pub awaits_answers: bool,
    /// Whether what was fetched, and not taken yet, is dropped while the application answers, also
    /// of partitions that stay.
    ///
    /// So it is in librdkafka (`rd_kafka_toppar_pause_resume`: "Flush partition's fetch queue").
    /// Java drops what is not assigned any more, and nothing else
    /// (`FetchCollector.fetchRecords`: "since it is no longer assigned").
    pub drops_when_held: bool,
    /// Whether fetches go out while the application has not taken what came: up to
    /// `queued.min.messages` of a partition in librdkafka. Java sends them in `poll()` alone, when
    /// that has nothing to return, or behind what it returns (`ClassicKafkaConsumer.poll`,
    /// `pollForFetches`), and for no partition of which something waits still
    /// (`AbstractFetch.fetchablePartitions` leaves `FetchBuffer.bufferedPartitions` out).
    pub fetches_ahead: bool,
    /// Whether what follows a change of the assignment waits for commits without an outcome.
    ///
    /// So it does in librdkafka (`wait_commit_cnt` in `rd_kafka_assignment_serve`); no commit holds
    /// up anything in Sarama. In Java the application waits for its own (`commitSync`), and so does
    /// auto-commit, before it answers (`ConsumerCoordinator.onJoinPrepare`).
    pub awaits_commits: bool,
    /// Whether a cooperative member is told that it gets nothing more: "the protocol dictates this
    /// should occur even if the new assignment set is empty" (`rd_kafka_cgrp_incr_unassign_done`;
    /// Java: `ConsumerCoordinator.onJoinComplete` invokes `onPartitionsAssigned` all the same).
    /// Plimsoll's consumer tells its core of partitions with known starts alone.
    pub tells_of_nothing: bool,
    /// Whether the application has its turn before a cooperative member joins again, although it gives
    /// nothing up: it is asked to give up no partition.
    ///
    /// In Java auto-commit has it (`ConsumerCoordinator.onJoinPrepare`), and not when partitions are
    /// revoked after the join (`ConsumerCoordinator.onJoinComplete`).
    pub prepares_joins: bool,
    /// What follows a commit that failed, or that finds no coordinator.
    pub commit_retries: CommitRetries,
    /// Whether commits are sent outside of the group too, with what is left of the membership
    /// (`rd_kafka_cgrp_offsets_commit`). Sarama sends them as a member alone, and so does Java
    /// (`AbstractCoordinator.generationIfStable`).
    pub commits_outside: bool,
    /// Whether a coordinator is forgotten when the connection with it breaks.
    ///
    /// So does librdkafka (`rd_kafka_cgrp_serve`: "Go back to querying state if we lost the current
    /// coordinator connection") and Java (`AbstractCoordinator.checkAndGetCoordinator`).
    /// Sarama connects to the one that it knows, as long as no answer says that it is none
    /// (`client.Coordinator`).
    pub forgets_coordinator: bool,
    /// Whether partitions are given up whose topic does not exist, as the metadata say
    /// (`rd_kafka_cgrp_metadata_update_check`). In Sarama only a new session asks first
    /// (`consumerGroup.Consume`); in Java the leader joins again, and gives them to no member
    /// (`ConsumerCoordinator.rejoinNeededOrPending`).
    pub gives_up_missing_topics: bool,
    /// Whether each member joins again when topics have more partitions, by its own metadata
    /// (`rd_kafka_cgrp_metadata_update_check`: "going against the KIP"), and not the group's leader
    /// alone (`consumerGroup.loopCheckPartitionNumbers` of Sarama; `assignmentSnapshot` in
    /// `ConsumerCoordinator.rejoinNeededOrPending` of Java).
    pub all_count_partitions: bool,
    /// Whether a sync says by which protocol the member believes the group to be assigned
    /// (KIP-559), as in Sarama and Java. librdkafka's SyncGroup ends at version 3.
    pub names_protocol: bool,
    /// The shortest time from a join to the next one that nothing hastens
    /// (`rd_kafka_cgrp_join_state_serve`: `rd_interval_immediate` of `rkcg_join_intvl`).
    pub join_interval: Duration,
    /// The pause before a partition is fetched again that failed; `None`: `retry.backoff.ms`, as in
    /// librdkafka, and as Java asks for new metadata (`FetchCollector.handleInitializeErrors`). In
    /// Sarama it is `Consumer.Retry.Backoff` (`partitionConsumer.dispatcher`).
    pub partition_backoff: Option<Duration>,
    /// Whether what was fetched waits where the application pauses a partition, which is fetched up to
    /// what may wait for it.
    ///
    /// Java's clients keep it (`FetchCollector.collectFetch`: "so that they can be returned on a
    /// subsequent poll"), and so does Plimsoll's consumer over librdkafka, which only stops to read
    /// the queue (`consumer/src/librdkafka/fetching.rs`). librdkafka's own pause throws it away
    /// (`rd_kafka_toppar_pause_resume`).
    pub pause_keeps: bool,
    /// `fetch.queue.backoff.ms`: the pause before it is looked whether a partition of which enough
    /// waits has room again.
    ///
    /// librdkafka's default is a second, which holds up a fast reader; Plimsoll's consumer sets less
    /// (`consumer/src/librdkafka/config.rs`).
    pub queue_backoff: Duration,
    /// When leaders are asked whether their logs have what lies below the positions (KIP-320).
    pub validation: Validation,
    /// Whether it goes back by itself to where a log that was cut parts from what it has read.
    ///
    /// So does librdkafka (`rd_kafka_toppar_handle_OffsetForLeaderEpoch`: "Seek to the updated end
    /// offset"), and so does Java (`SubscriptionState.maybeCompleteValidation`), unless they are to
    /// stop at positions out of range (`auto.offset.reset` is `error`, or `none`). Plimsoll's
    /// consumer sets that, and lets the core choose.
    pub goes_back_where_logs_part: bool,
    /// Whether the session ends at a position out of range (`brokerConsumer.handleResponses` of
    /// Sarama: "shut it down and force the user to choose what to do";
    /// `ErrSessionConsumeClaimExited`). Otherwise the ends of the log are looked up.
    pub out_of_range_ends_session: bool,
    /// The longest time for which the partitions of an assignment of which the starts are known wait for
    /// the others, before the application is told of them: the assignment itself is answered before.
    /// `None`: it is answered when the application has taken it, with all its partitions.
    ///
    /// Plimsoll's consumer answers at once, and looks the starts up then
    /// (`Rebalances::take_assigned`). librdkafka itself looks them up after the answer too
    /// (`rd_kafka_assignment_serve_pending`), when another rebalance may begin; so do Sarama
    /// (`newConsumerGroupSession`) and Java (`ClassicKafkaConsumer.updateFetchPositions`).
    pub assigns_within: Option<Duration>,
    /// Upon which failures committed offsets are asked for again, and how often.
    pub start_retries: StartRetries,
    /// Whether stable offsets are required when it is asked where to start.
    ///
    /// librdkafka does so with `isolation.level=read_committed`, its default
    /// (`rd_kafka_assignment_serve_pending`); Java's clients always do
    /// (`ConsumerCoordinator.sendOffsetFetchRequest`). Sarama never does up to 1.60, and since 1.61
    /// with `Consumer.IsolationLevel = ReadCommitted`, which is not its default
    /// (`offsetManager.fetchInitialOffset`).
    pub require_stable: bool,
    /// The longest wait for the answer to its leave; `None`: as for other requests.
    ///
    /// librdkafka shortens it, and does not send it again (`rd_kafka_LeaveGroupRequest`:
    /// "LeaveGroupRequests are best-effort").
    pub leave_timeout: Option<Duration>,
    /// Whether a cooperative member that has no partitions says that it leaves.
    ///
    /// One of librdkafka 2.12.1 does not: with nothing to revoke there is no step at which it would
    /// (`rd_kafka_cgrp_revoke_all_rejoin`: "consumer is terminating, skipping rejoin"), and where
    /// the last revocation is still carried out, that step forgets it
    /// (`rd_kafka_cgrp_incr_unassign_done`, which has no `rd_kafka_cgrp_leave_maybe`). Its group
    /// waits for it until its session is over. Plimsoll's consumer unsubscribes first.
    pub leaves_without_partitions: bool,
    /// The longest time for which a close waits for commits; `None`: for as long as one has no
    /// outcome, and without a coordinator for ever (`rd_kafka_cgrp_try_terminate`). In Java it is
    /// the timeout of `close()` (`ConsumerUtils.DEFAULT_CLOSE_TIMEOUT_MS`).
    ///
    /// Plimsoll's consumer ends then without having left (`consumer/src/librdkafka/leaving.rs`).
    pub close_limit: Option<Duration>,
    /// Whether a static member ends that still has partitions and learns, by the number of the
    /// generation that it gets into, that it did not get into the one before: others may have had
    /// its partitions meanwhile. librdkafka tells a static cooperative member nothing of it, which
    /// Plimsoll's consumer notices for itself.
    pub checks_generations: bool,
}

/// The moments at which a client asks a leader whether its log has what lies below a position, and
/// not until then fetches from it. Its commits carry leader epochs too, unless it never asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validation {
    /// Never: Sarama has no such request.
    Never,
    /// When a partition has a leader of a new epoch (`rd_kafka_toppar_leader_update`:
    /// "epoch updated from metadata"). librdkafka asks after a seek to an offset with an epoch too,
    /// and not where an assignment begins (`rd_kafka_toppar_fetch_start`).
    LeaderChanges,
    /// Before each start as well. So does Java (`ConsumerCoordinator.refreshCommittedOffsets`:
    /// `SubscriptionState.seekUnvalidated`), and so Plimsoll's consumer, which has librdkafka seek
    /// to where an assignment begins.
    Starts,
}

/// The machinery that gets a member into its group, and keeps it there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Membership {
    /// librdkafka's main loop (`rdkafka_cgrp.c`): a join that failed follows an interval, a sync or
    /// a heartbeat that failed is sent again as it was, and a session without an answer ends.
    Served,
    /// Sarama's loops (`consumer_group.go`): each tries again for itself, and a member learns of
    /// the end of its session from its coordinator alone.
    Looped {
        /// Whether a session survives a move of its coordinator (from 1.61 on:
        /// `consumerGroupSession.heartbeatLoop`, "find it and carry on heartbeating").
        follows_coordinator: bool,
    },
    /// Java's `poll()` and its thread for heartbeats (`AbstractCoordinator`): the member joins
    /// inside of `poll()` alone, while heartbeats go on whatever the application does. Nothing is
    /// sent again as it was; a session without an answer only makes it look for its coordinator.
    Polled,
}

/// The further tries of a commit that failed, or that finds no coordinator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitRetries {
    /// Nothing: Sarama sends it once (`offsetManager.flushToBroker`).
    Never,
    /// The same bytes are sent up to twice more, and then the commit waits for a coordinator and is
    /// stamped anew: librdkafka (`rd_kafka_handle_OffsetCommit`,
    /// `rd_kafka_cgrp_defer_offset_commit`).
    SameBytes,
    /// It is stamped anew each time, for as long as this: Java's `commitSync`
    /// (`ConsumerCoordinator.commitOffsetsSync`, `default.api.timeout.ms`). What a `commitAsync`
    /// would not send again its caller does (`ConsumerCoordinator.autoCommitOffsetsAsync`, after
    /// `retry.backoff.ms`).
    Anew(Duration),
}

/// Upon which failures a client asks again for the committed offsets at which partitions start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartRetries {
    /// Upon all, without an end: Plimsoll's consumer, by a call of its own (`rd_kafka_committed`).
    ///
    /// So does Java, in each poll (`ConsumerCoordinator.fetchCommittedOffsets`), upon all that is
    /// retriable; the rest its `poll()` throws, and the application polls again.
    Always,
    /// Upon those after which it sends any request again, without an end.
    ///
    /// So does librdkafka itself. Of `NOT_COORDINATOR` and all others it only tells the
    /// application, and its partitions stand still until the group rebalances: they stay in the
    /// list of those that were asked about (`rd_kafka_handle_OffsetFetch_err_action`,
    /// `rd_kafka_assignment_apply_offsets`: "Do nothing for request-level errors").
    SameBytes,
    /// A few times; then the session ends before it has begun, and another one begins after a pause
    /// (Sarama: `offsetManager.fetchInitialOffset`, `newConsumerGroupSession`).
    Few,
}

/// Which broker a client asks what every broker can answer: for metadata, or which one coordinates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnyBroker {
    /// Of those to which it is connected, the one that it asked last, counted in seconds, and rather
    /// one whose fetch waits for less than a second. So the answer waits behind a fetch, nearly
    /// always.
    ///
    /// So does librdkafka (`rd_kafka_broker_weight_usable`; `rd_kafka_broker_fetch_toppars`:
    /// "Consider Fetch requests blocking if fetch.wait.max.ms >= 1s"). Where it draws, this client
    /// stays with one.
    LastUsed,
    /// One to which it is connected, and rather one from which it fetches nothing.
    ///
    /// So does Java (`NetworkClient.leastLoadedNode`).
    Connected,
    /// One from which it fetches nothing, connected or not.
    ///
    /// So does Sarama (`client.LeastLoadedBroker`).
    LeastLoaded,
}

impl AnyBroker {
    /// Returns whether a broker is avoided of which a fetch waits so long for records.
    pub(crate) const fn avoids(self, fetch_wait: Duration) -> bool {
        match self {
            Self::LastUsed => fetch_wait.as_secs() >= 1,
            Self::Connected | Self::LeastLoaded => true,
        }
    }
}

impl Behaviour {
    /// librdkafka 2.12.1.
    pub const LIBRDKAFKA: Self = Self {
        sharing: Sharing::GroupApart,
        longest_fetch_wait: None,
        bootstrap: Duration::from_millis(50),
        any_broker: AnyBroker::LastUsed,
        renews_in_beat: true,
        poll_looks: Duration::from_millis(500),
        membership: Membership::Served,
        awaits_answers: true,
        drops_when_held: true,
        fetches_ahead: true,
        awaits_commits: true,
        tells_of_nothing: true,
        prepares_joins: false,
        commit_retries: CommitRetries::SameBytes,
        commits_outside: true,
        forgets_coordinator: true,
        gives_up_missing_topics: true,
        all_count_partitions: true,
        names_protocol: false,
        join_interval: Duration::from_secs(1),
        partition_backoff: None,
        pause_keeps: false,
        queue_backoff: Duration::from_secs(1),
        validation: Validation::LeaderChanges,
        goes_back_where_logs_part: true,
        out_of_range_ends_session: false,
        assigns_within: None,
        start_retries: StartRetries::SameBytes,
        require_stable: true,
        leave_timeout: Some(Duration::from_secs(5)),
        leaves_without_partitions: false,
        close_limit: None,
        checks_generations: false,
    };

    /// Plimsoll's consumer over librdkafka.
    pub const PLIMSOLL: Self = Self {
        tells_of_nothing: false,
        pause_keeps: true,
        queue_backoff: Duration::from_millis(20),
        validation: Validation::Starts,
        goes_back_where_logs_part: false,
        assigns_within: Some(Duration::from_millis(500)),
        start_retries: StartRetries::Always,
        leaves_without_partitions: true,
        close_limit: Some(Duration::from_secs(6)),
        checks_generations: true,
        ..Self::LIBRDKAFKA
    };

    /// Java's classic consumer (Kafka 4.3.1: `group.protocol=classic`), in which the application
    /// commits with `commitSync`.
    pub const JAVA: Self = Self {
        sharing: Sharing::GroupApart,
        longest_fetch_wait: None,
        bootstrap: Duration::ZERO,
        any_broker: AnyBroker::Connected,
        renews_in_beat: false,
        poll_looks: Duration::from_millis(100),
        membership: Membership::Polled,
        awaits_answers: true,
        drops_when_held: false,
        fetches_ahead: false,
        awaits_commits: false,
        tells_of_nothing: true,
        prepares_joins: true,
        commit_retries: CommitRetries::Anew(Duration::from_secs(60)),
        commits_outside: false,
        forgets_coordinator: true,
        gives_up_missing_topics: false,
        all_count_partitions: false,
        names_protocol: true,
        join_interval: Duration::ZERO,
        partition_backoff: None,
        pause_keeps: true,
        queue_backoff: Duration::from_secs(1),
        validation: Validation::Starts,
        goes_back_where_logs_part: true,
        out_of_range_ends_session: false,
        assigns_within: None,
        start_retries: StartRetries::Always,
        require_stable: true,
        leave_timeout: None,
        leaves_without_partitions: true,
        close_limit: Some(Duration::from_secs(30)),
        checks_generations: false,
    };

    /// Sarama up to 1.60: a session ends when the coordinator moves.
    pub const SARAMA_1_60: Self = Self::sarama(false);

    /// Sarama from 1.61.1 on: a session survives it.
    pub const SARAMA_1_61: Self = Self::sarama(true);

    const fn sarama(follows_coordinator: bool) -> Self {
        Self {
            sharing: Sharing::All,
            longest_fetch_wait: Some(Duration::from_millis(500)),
            bootstrap: Duration::ZERO,
            any_broker: AnyBroker::LeastLoaded,
            renews_in_beat: true,
            poll_looks: Duration::ZERO,
            membership: Membership::Looped {
                follows_coordinator,
            },
            awaits_answers: false,
            drops_when_held: false,
            fetches_ahead: true,
            awaits_commits: false,
            tells_of_nothing: false,
            prepares_joins: false,
            commit_retries: CommitRetries::Never,
            commits_outside: false,
            forgets_coordinator: false,
            gives_up_missing_topics: false,
            all_count_partitions: false,
            names_protocol: true,
            join_interval: Duration::ZERO,
            partition_backoff: Some(Duration::from_secs(2)),
            pause_keeps: false,
            queue_backoff: Duration::from_secs(1),
            validation: Validation::Never,
            goes_back_where_logs_part: false,
            out_of_range_ends_session: true,
            assigns_within: None,
            start_retries: StartRetries::Few,
            require_stable: false,
            leave_timeout: None,
            leaves_without_partitions: true,
            close_limit: None,
            checks_generations: false,
        }
    }

    /// Returns whether the member is kept in its group by loops, as in Sarama.
    #[inline]
    pub(crate) const fn is_looped(&self) -> bool {
        matches!(self.membership, Membership::Looped { .. })
    }

    /// Returns whether the member joins when the application polls alone, as in Java.
    #[inline]
    pub(crate) const fn is_polled(&self) -> bool {
        matches!(self.membership, Membership::Polled)
    }

    /// Returns whether a session survives a move of its coordinator, where loops keep it.
    pub(crate) const fn follows_coordinator(&self) -> bool {
        matches!(
            self.membership,
            Membership::Looped {
                follows_coordinator: true
            }
        )
    }
}
