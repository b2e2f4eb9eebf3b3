//! The one table of what every kind of entry holds, from which the hash, the JSON writer and the
//! JSON reader are made. The compiler checks it against [`TraceEvent`]: a kind or a field that is
//! missing here does not compile.
//!
//! The numbers and the names are stable: a number that was used once is never used for another
//! kind, because regressions hold hashes, and names are read by other people's programs.
//!
//! [`TraceEvent`]: super::TraceEvent

/// Calls `$with!` with the table: number, kind, name, fields.
macro_rules! with_layout {
    ($with:ident) => {
        $with! {
            1 Stored "stored" { message, partition, offset, key }
            2 Acknowledged "acknowledged" { message, partition, offset }
            3 ProduceFailed "produce-failed" { message }
            4 Removed "removed" { partition, log_start }
            5 LeaderChanged "leader-changed" { partition, leader, epoch }
            6 CoordinatorChanged "coordinator-changed" { broker }
            7 MemberStarted "member-started" { member }
            8 MemberStopping "member-stopping" { member }
            9 MemberStopped "member-stopped" { member }
            10 MemberCrashed "member-crashed" { member }
            11 MemberPaused "member-paused" { member }
            12 MemberResumed "member-resumed" { member }
            13 Assigned "assigned" { member, partition, epoch, position, generation }
            14 Revoked "revoked" { member, partition, in_flight }
            15 Released "released" { member, partition }
            16 Lost "lost" { member, partition }
            17 PositionReset "position-reset" { member, partition, from, to }
            18 CommitSent "commit-sent" { member }
            19 Committed "committed" { member, partition, next, generation, rebalancing }
            20 CommitRefused "commit-refused" { member, error }
            21 CommitUnknown "commit-unknown" { member }
            22 OffsetsReset "offsets-reset" { partition, next }
            23 HandlerStarted "handler-started" { member, partition, offset, message, attempt }
            24 Effect "effect" { member, partition, offset, message, key, attempt, outcome }
            25 HandlerStopped "handler-stopped" { member, partition, offset, attempt }
            26 DeadLettered "dead-lettered" { member, partition, offset, message, epoch }
            27 FaultBegan "fault-began" { fault, member, broker }
            28 FaultEnded "fault-ended" { fault }
            29 ResponseLost "response-lost" { member, request }
            30 Healed "healed" {}
            31 Quiet "quiet" {}
            32 Ended "ended" { lag }
            34 Truncated "truncated" { partition, log_end }
            35 OutOfRange "out-of-range" { member, partition, position }
            36 MemberExited "member-exited" { member, status }
            37 FaultMissed "fault-missed" { fault, reason }
            38 DeadLetterAcknowledged "dead-letter-acknowledged" { member, partition, offset, message, epoch }
            39 LateCommit "late-commit" { member, partition }
        }
    };
}

pub(super) use with_layout;
