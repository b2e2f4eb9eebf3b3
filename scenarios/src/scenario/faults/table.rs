//! The one table of all kinds of faults. From it are made the types, the words of `do`, reader,
//! writer, checks and schema, what random faults draw, what the shrinker makes plainer, the list of
//! the program, the table in the manual, and the strategy of the tests.
//!
//! A row says, in this order:
//!
//! - what happens: the first line by itself for lists, editors and the manual, the others for
//!   readers of the code;
//! - the kind, and its word in scenario files;
//! - its arguments: key, type and, if it may be left out, default. Random faults draw an argument
//!   that is not `#[undrawn]`, from left to right; an [`Argument`] that cannot be drawn keeps its
//!   kind out of them;
//! - how long it lasts ([`Lasts`]);
//! - whether it hinders the commits of members that are well, so that a checker excuses them. A
//!   fault on a process or a handler does not: the trace shows that one otherwise;
//! - whether it breaks brokers, or their common state, under other runs on the same cluster.
//!
//! [`Argument`]: super::argument::Argument
//! [`Lasts`]: super::Lasts

/// Calls `$with!` with the table.
macro_rules! with_faults {
    ($with:ident) => {
        $with! {
            /// A member's process dies at once; started again after the duration.
            /// By SIGKILL.
            Crash "crash" {
                member: MemberTarget = MemberTarget::Triggering,
            } lasts AWhile, hinders Nothing, breaks Nothing;

            /// A member is asked to stop gracefully; started again after the duration.
            /// By SIGTERM.
            Stop "stop" {
                member: MemberTarget = MemberTarget::Triggering,
            } lasts AWhile, hinders Nothing, breaks Nothing;

            /// A member stands still, and wakes up believing what it believed.
            /// By SIGSTOP.
            Pause "pause" {
                member: MemberTarget = MemberTarget::Triggering,
            } lasts AWhile, hinders Nothing, breaks Nothing;

            /// A member's handlers take several times as long.
            Slow "slow" {
                member: MemberTarget = MemberTarget::Triggering,
                by: Factor,
            } lasts AWhile, hinders Nothing, breaks Nothing;

            /// A member that has no start of its own starts.
            Join "join" {
                member: MemberId,
            } lasts AMoment, hinders Nothing, breaks Nothing;

            /// Each member in turn stops gracefully and starts again.
            RollingRestart "rolling-restart"
                lasts MemberByMember, hinders Nothing, breaks Nothing;

            /// A member dies after its next effect, before it learns of it.
            /// The duration counts from its death.
            CrashAfterEffect "crash-after-effect" {
                member: MemberTarget = MemberTarget::Triggering,
            } lasts AWhile, hinders Nothing, breaks Nothing;

            /// A share of all attempts fails.
            HandlerOutage "handler-outage" {
                #[undrawn] outcome: Failure = Failure::Retryable,
                share: Share = Share(1.0),
            } lasts AWhile, hinders Nothing, breaks Nothing;

            /// Attempts of a member that begin meanwhile do not come back before the end.
            HandlerHang "handler-hang" {
                member: MemberTarget = MemberTarget::Triggering,
            } lasts AWhile, hinders Nothing, breaks Nothing;

            /// A message cannot be decoded.
            Undecodable "undecodable" {
                message: MessageId,
            } lasts Always, hinders Nothing, breaks Nothing;

            /// Nothing passes between a member and brokers, one way or both.
            /// What was sent is held, and arrives afterwards where the connection lived on.
            Partition "partition" {
                member: MemberTarget = MemberTarget::Triggering,
                broker: Option<BrokerTarget> = None,
                direction: Direction = Direction::Both,
            } lasts AWhile, hinders Commits, breaks Nothing;

            /// Nothing passes between a broker and all others, the controller too.
            Isolate "isolate" {
                broker: BrokerTarget,
            } lasts AWhile, hinders Commits, breaks Brokers;

            /// Everything between a member and brokers takes longer, each way.
            Delay "delay" {
                member: MemberTarget = MemberTarget::Triggering,
                broker: Option<BrokerTarget> = None,
                by: Duration,
            } lasts AWhile, hinders Commits, breaks Nothing;

            /// Connections between a member and brokers break.
            /// What is in flight on them is gone; both sides notice.
            Cut "cut" {
                member: MemberTarget = MemberTarget::Triggering,
                broker: Option<BrokerTarget> = None,
            } lasts AMoment, hinders Commits, breaks Nothing;

            /// A member's next request of a kind is applied, and its answer is lost.
            /// The connection is lost with it.
            LoseResponse "lose-response" {
                member: MemberTarget = MemberTarget::Triggering,
                request: RequestKind,
            } lasts AMoment, hinders Commits, breaks Nothing;

            /// A broker's process dies; started again after the duration.
            BrokerCrash "broker-crash" {
                broker: BrokerTarget,
            } lasts AWhile, hinders Commits, breaks Brokers;

            /// A broker stops cleanly; started again after the duration.
            /// It hands its leaderships over first.
            BrokerStop "broker-stop" {
                broker: BrokerTarget,
            } lasts AWhile, hinders Commits, breaks Brokers;

            /// A broker stands still.
            BrokerPause "broker-pause" {
                broker: BrokerTarget,
            } lasts AWhile, hinders Commits, breaks Brokers;

            /// Each broker in turn stops cleanly and starts again.
            RollingBrokerRestart "rolling-broker-restart"
                lasts BrokerByBroker, hinders Commits, breaks Brokers;

            /// Another in-sync replica becomes a partition's leader.
            LeaderMove "leader-move" {
                partition: TopicPartition,
            } lasts AMoment, hinders Commits, breaks Nothing;

            /// Another broker becomes the group's coordinator.
            CoordinatorMove "coordinator-move"
                lasts AMoment, hinders Commits, breaks Brokers;

            /// The group rebalances, although no member comes or goes: each may have what it had.
            /// As when the group's leader joins again (`classicGroupJoinExistingMember`).
            Rebalance "rebalance"
                lasts AMoment, hinders Commits, breaks Nothing;

            /// Requests of a kind are answered with an error code of Kafka's.
            Error "error" {
                #[undrawn] broker: Option<BrokerTarget> = None,
                request: RequestKind,
                error: ErrorName,
                #[undrawn] partition: Option<TopicPartition> = None,
                share: Share = Share(1.0),
            } lasts AWhile, hinders Commits, breaks Nothing;

            /// A broker answers everything later.
            Throttle "throttle" {
                broker: BrokerTarget,
                by: Duration,
            } lasts AWhile, hinders Commits, breaks Nothing;

            /// A topic gets more partitions.
            AddPartitions "add-partitions" {
                topic: TopicNumber = TopicNumber(0),
                count: PartitionCount = PartitionCount(1),
            } lasts AMoment, hinders Nothing, breaks Nothing;

            /// The first records of a partition are removed, up to a share of it.
            Retention "retention" {
                partition: TopicPartition,
                share: Share = Share(1.0),
            } lasts AMoment, hinders Nothing, breaks Nothing;

            /// The group's offset of a partition is set, if the group has no members then.
            /// Kafka refuses it while there are any.
            OffsetsReset "offsets-reset" {
                partition: TopicPartition,
                to: ResetTo,
            } lasts AMoment, hinders Nothing, breaks Nothing;
        }
    };
}

pub(super) use with_faults;
