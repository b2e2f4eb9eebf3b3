//! When the application polls.

use super::*;
use crate::client::application::{Application, PollDeadline};
use crate::client::tests::probe;
use crate::recipes::Polling;
use plimsoll_core::{Config, Event, Offset, Outcome, TopicPartition};

/// The time at which most tests take place.
const NOW: Instant = Instant::from_millis(10_000);

fn application(polling: Polling) -> Application {
    probe::reset();
    let machine = probe::build(&Config::default());
    let deadline = PollDeadline {
        interval: ms(20_000),
        began: NOW + ms(100),
        looks: Duration::ZERO,
    };
    Application::new(machine, None, polling, deadline)
}

fn result() -> Event<crate::recipes::Payload> {
    Event::Processed {
        partition: TopicPartition::new(0, 0),
        epoch: plimsoll_core::AssignmentEpoch(1),
        offset: Offset::new(0),
        attempt: 1,
        outcome: Outcome::Ok,
    }
}

#[test]
fn a_handler_keeps_the_poll_loop_only_where_it_runs_in_it() {
    for (polling, deadline) in [
        (Polling::Inline, NOW + ms(20_000)),
        (Polling::Always, Instant::FAR_FUTURE),
    ] {
        let mut application = application(polling);
        application.start_handler(NOW, false);
        assert_eq!(application.poll_timeout(), deadline, "{polling:?}");
        assert_eq!(application.is_free(), polling != Polling::Inline);
        application.handle_processed(NOW + ms(5), false, result());
        assert_eq!(application.poll_timeout(), Instant::FAR_FUTURE);
        assert!(application.is_free());
    }
}

#[test]
fn a_missed_poll_deadline_is_told_once() {
    let mut application = application(Polling::Inline);
    application.note_polling(NOW, true);
    assert!(!application.take_missed_poll_deadline(NOW + ms(19_999)));
    assert!(application.take_missed_poll_deadline(NOW + ms(20_000)));
    assert!(!application.take_missed_poll_deadline(NOW + ms(40_000)));
}

/// The looks come in a beat that does not heed the polls.
#[test]
fn a_missed_poll_deadline_is_told_at_the_next_look() {
    let deadline = PollDeadline {
        interval: ms(20_000),
        began: NOW + ms(100),
        looks: ms(500),
    };
    let machine = probe::build(&Config::default());
    let mut application = Application::new(machine, None, Polling::Inline, deadline);
    for (polled, told) in [(0, 20_100), (100, 20_100), (101, 20_600), (30_599, 50_600)] {
        application.note_polling(NOW + ms(polled), false);
        application.start_handler(NOW + ms(polled), false);
        let told = NOW + ms(told);
        assert_eq!(application.poll_timeout(), told);
        assert!(!application.take_missed_poll_deadline(NOW + ms(polled + 20_000 - 1)));
        assert!(application.take_missed_poll_deadline(told));
        application.handle_processed(told, false, result());
    }
}

/// `max.poll.interval.ms` is the time for all records of a poll.
#[test]
fn the_poll_deadline_of_a_batch_counts_from_its_first_record() {
    let awaits_commits = false;
    let mut application = application(Polling::Batches { awaits_commits });
    application.note_polling(NOW, false);
    for record in 0..3 {
        let now = NOW + ms(record * 5_000);
        application.start_handler(now, false);
        assert_eq!(application.poll_timeout(), NOW + ms(20_000));
        application.handle_processed(now + ms(5_000), false, result());
        assert_eq!(application.poll_timeout(), NOW + ms(20_000));
    }
    application.start_handler(NOW + ms(15_000), false);
    assert!(application.take_missed_poll_deadline(NOW + ms(20_000)));
    application.handle_processed(NOW + ms(21_000), false, result());
    application.start_handler(NOW + ms(21_000), false);
    assert!(!application.take_missed_poll_deadline(NOW + ms(60_000)));
    application.handle_processed(NOW + ms(60_000), false, result());
    application.note_polling(NOW + ms(60_000), false);
    application.start_handler(NOW + ms(61_000), false);
    assert_eq!(
        application.poll_timeout(),
        NOW + ms(81_000),
        "the next batch"
    );
}

#[test]
fn a_loop_that_commits_synchronously_does_not_poll_before_the_outcome() {
    for awaits_commits in [true, false] {
        let mut application = application(Polling::Batches { awaits_commits });
        application.start_commit();
        assert_eq!(application.is_free(), !awaits_commits);
        application.end_commit();
        assert!(application.is_free());
    }
}

#[test]
fn a_thread_that_polls_does_so_while_a_rebalance_is_not_answered() {
    let mut application = application(Polling::Always);
    application.note_polling(NOW, true);
    assert_eq!(application.poll_timeout(), Instant::FAR_FUTURE);
}

#[test]
fn what_is_closed_learns_nothing_any_more() {
    let mut application = application(Polling::Inline);
    application.start_handler(NOW, false);
    application.close();
    application.handle_processed(NOW, false, result());
    assert!(!application.take_missed_poll_deadline(NOW + ms(60_000)));
    assert_eq!(application.poll_timeout(), Instant::FAR_FUTURE);
    assert_eq!(probe::take_events(), []);
}

#[test]
fn a_subject_is_asked_again_once_it_was_called() {
    let mut application = application(Polling::Always);
    assert!(application.may_speak(), "it was never asked");
    application.note_silence();
    application.tell(result());
    application.handle_timeout(NOW);
    assert!(!application.may_speak(), "it has learned nothing");
    assert!(application.handle_news(NOW));
    assert!(application.may_speak());
    application.note_silence();
    application.handle_processed(NOW, false, result());
    assert!(application.may_speak());
    application.close();
    assert!(!application.may_speak());
}
