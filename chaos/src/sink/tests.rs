//! The handlers at work, without HTTP and without a world.

use super::*;
use crate::testing::plan;
use plimsoll_oracle::FaultId;
use tokio::sync::{mpsc, oneshot};

const A: MemberId = MemberId(0);
const B: MemberId = MemberId(1);
const ORDERS: TopicPartition = TopicPartition::new(0, 0);

/// A sink, and what its handlers report.
fn sink() -> (Sink, mpsc::UnboundedReceiver<Report>) {
    let (sender, reports) = mpsc::unbounded_channel();
    let reported = Sender::new(move |report| {
        let _ = sender.send(report);
    });
    let plan = Arc::new(plan(2, "", ""));
    (Sink::new(plan, reported), reports)
}

/// A call for the first message.
fn call(sink: &Sink, member: MemberId) -> Call {
    Call {
        member,
        partition: ORDERS,
        offset: Offset::new(0),
        record: StoredMessage {
            message: sink.plan.messages[0].id,
            key: None,
        },
    }
}

#[test]
fn attempts_are_counted_over_all_members() {
    let (mut sink, _reports) = sink();
    for (member, nth) in [(A, 1), (B, 2)] {
        let (begun, started) = sink.handle_called(call(&sink, member));
        assert!(
            matches!(started, TraceEvent::HandlerStarted { attempt, .. } if attempt == nth),
            "{started:?}"
        );
        assert_eq!(sink.in_flight(member, ORDERS), 1);
        let (reply, _answer) = oneshot::channel();
        let finished = sink.handle_due(begun.handler.id(), reply);
        let finished = finished.expect("its outcome is known");
        assert_eq!((finished.member, finished.outcome), (member, Outcome::Ok));
        assert_eq!(sink.in_flight(member, ORDERS), 0);
    }
    assert_eq!(sink.tried_by(sink.plan.messages[0].id), Some(B));
}

#[test]
fn a_handler_that_hangs_comes_back_when_all_hangs_have_ended() {
    let (mut sink, _reports) = sink();
    sink.attempts.hang(A);
    sink.attempts.hang(A);
    let (begun, _) = sink.handle_called(call(&sink, A));
    let (reply, _answer) = oneshot::channel();
    assert!(sink.handle_due(begun.handler.id(), reply).is_none());
    assert!(sink.unhang(A).is_empty());
    assert!(!sink.is_idle());
    let back = sink.unhang(A);
    assert_eq!(back.len(), 1);
    assert_eq!(back[0].outcome, Outcome::Retryable);
    assert!(sink.is_idle());
}

#[test]
fn a_handler_dies_with_its_process_and_is_never_answered() {
    let (mut sink, _reports) = sink();
    sink.attempts.hang(A);
    let (hanging, _) = sink.handle_called(call(&sink, A));
    let (other, _) = sink.handle_called(call(&sink, B));
    let (reply, mut answer) = oneshot::channel();
    assert!(sink.handle_due(hanging.handler.id(), reply).is_none());
    let stopped = sink.kill(A);
    assert!(
        matches!(stopped[..], [TraceEvent::HandlerStopped { member: A, .. }]),
        "{stopped:?}"
    );
    assert_eq!(answer.try_recv(), Err(oneshot::error::TryRecvError::Closed));
    assert_eq!(sink.handle_gone(hanging.handler.id()), None);
    assert!(sink.handle_gone(other.handler.id()).is_some());
}

#[test]
fn a_handler_whose_call_is_dropped_is_reported_to_be_gone() {
    let (mut sink, mut reports) = sink();
    let (begun, _) = sink.handle_called(call(&sink, A));
    let id = begun.handler.id();
    // The call is gone before it gets its handler.
    drop(begun);
    let report = reports.try_recv().expect("a report");
    assert!(matches!(report, Report::Gone(gone) if gone == id));
    // Its time would be over now, but nothing waits for the answer: no effect is written.
    let (reply, answer) = oneshot::channel();
    drop(answer);
    assert!(sink.handle_due(id, reply).is_none());
    assert!(sink.handle_gone(id).is_some());
}

#[test]
fn faults_know_whether_a_handler_met_them() {
    let (mut sink, _reports) = sink();
    for meets in [false, true] {
        sink.attempts.slow(A, 3);
        sink.attempts
            .begin_outage(FaultId(7), Outcome::Permanent, 1.0);
        if meets {
            sink.handle_called(call(&sink, A));
        }
        assert_eq!(sink.attempts.unslow(A), meets);
        assert_eq!(sink.attempts.end_outage(FaultId(7)), meets);
        sink.attempts.hang(A);
        if meets {
            sink.handle_called(call(&sink, A));
        }
        assert_eq!(sink.attempts.has_hung(A), meets);
        sink.unhang(A);
    }
}
