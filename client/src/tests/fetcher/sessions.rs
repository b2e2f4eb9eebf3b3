//! Whether a poll is a whole one, or says only what is other than in the last one.

use super::*;

/// Answers the poll of broker 0 with records of `P0`, the last of which has this offset. Returns
/// whether the next poll is incremental, and the offsets that it asks for.
fn poll_again(fetcher: &mut Fetcher, view: &View, offset: u64) -> (bool, Vec<u64>) {
    let mut response = answer(P0, None, &[offset]);
    response.asked = poll(fetcher, Node(0)).positions;
    fetcher.handle_fetched(NOW, view, Node(0), &mut response);
    let request = poll(fetcher, Node(0));
    let positions = request.positions.iter();
    let offsets = positions.map(|position| position.offset).collect();
    fetcher.handle_failed(NOW, view, Node(0));
    (request.is_incremental, offsets)
}

#[test]
fn the_next_poll_differs_only_by_what_was_answered() {
    let view = knowledge();
    let mut fetcher = fetcher(&view, &[P0, P1, P3]);
    assert_eq!(poll_again(&mut fetcher, &view, 4), (true, vec![5, 0]));
}

#[test]
fn a_poll_after_a_change_is_a_whole_one() {
    type Change = fn(&mut Fetcher, &View);
    let changes: [(Change, &[u64]); 5] = [
        (|fetcher, _| fetcher.pause(P3), &[5]),
        (|fetcher, _| fetcher.unassign(P3), &[5]),
        (|fetcher, view| fetcher.handle_metadata(NOW, view), &[5, 0]),
        (
            |fetcher, view| {
                fetcher.seek(NOW, view, (P3, EPOCH), NextOffset::new(7));
            },
            &[5, 7],
        ),
        (
            |fetcher, _| {
                fetcher.unassign(P3);
                fetcher.assign(P3, EPOCH, NextOffset::new(9));
            },
            &[5, 9],
        ),
    ];
    let view = knowledge();
    for (change, offsets) in changes {
        let mut fetcher = fetcher(&view, &[P0, P3]);
        change(&mut fetcher, &view);
        assert_eq!(
            poll_again(&mut fetcher, &view, 4),
            (false, offsets.to_vec())
        );
    }
}

#[test]
fn a_poll_after_one_that_failed_is_a_whole_one() {
    let view = knowledge();
    let mut fetcher = fetcher(&view, &[P0, P3]);
    assert_eq!(poll_again(&mut fetcher, &view, 4), (true, vec![5, 0]));
    fetcher.fetch_all(fetcher.poll_timeout(), &view);
    let request = poll(&mut fetcher, Node(0));
    assert!(!request.is_incremental);
    assert_eq!(request.positions.iter().count(), 2);
}
