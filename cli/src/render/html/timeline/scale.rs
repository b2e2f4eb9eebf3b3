//! The axis of a timeline: where moments stand.
//!
//! In a run, a few milliseconds in which all is decided lie between seconds in which nothing
//! happens. So the axis is not to scale: each doubling of the time between two events adds the same
//! distance, and marks of one moment stand side by side. The distances are drawn out to fill the
//! width of the page, or pressed together to fit into it, up to the half.

use plimsoll_core::Instant;
use std::collections::BTreeMap;
use std::time::Duration;

/// The distance that two marks keep at least.
const STEP: i32 = 18;

/// The distance that each doubling of the time between them adds, from a microsecond on, where
/// there is neither too much room nor too little.
const DOUBLING: i32 = 2;

/// The margin on both sides.
const MARGIN: i32 = 30;

/// Where moments stand on the axis, in pixels from its beginning.
#[derive(Clone, Debug)]
pub(super) struct Scale {
    /// The moments that have a place of their own, in order, each with it.
    stops: Vec<(Instant, i32)>,
    width: i32,
}

impl Scale {
    /// Makes an axis of this width, or of a greater one where that is too narrow; `moments` are
    /// those that get a place, each with the room for what stands there beside the first mark.
    pub(super) fn new(moments: &BTreeMap<Instant, i32>, width: i32) -> Self {
        let moments: Vec<(Instant, i32)> = moments.iter().map(|(at, room)| (*at, *room)).collect();
        let pairs = moments.windows(2);
        let times: Vec<i32> = pairs.map(|pair| stretch(pair[1].0 - pair[0].0)).collect();
        let rooms = moments.iter().map(|(_, room)| room);
        let fixed = rooms.sum::<i32>() + STEP * times.len() as i32 + 2 * MARGIN;
        let all = times.iter().sum::<i32>().max(1);
        let free = (width - fixed).max(all / 2);
        let (mut stops, mut x, mut passed) = (Vec::new(), MARGIN, 0);
        for (index, (at, room)) in moments.iter().enumerate() {
            stops.push((*at, x + free * passed / all));
            passed += times.get(index).copied().unwrap_or(0);
            x += STEP + room;
        }
        Self {
            stops,
            width: width.max(fixed + free),
        }
    }

    /// Returns its width.
    pub(super) const fn width(&self) -> i32 {
        self.width
    }

    /// Returns the moments that have a place of their own, in order, each with it.
    pub(super) fn stops(&self) -> &[(Instant, i32)] {
        &self.stops
    }

    /// Tells whether a moment has a place of its own.
    pub(super) fn has(&self, at: Instant) -> bool {
        self.stops
            .binary_search_by_key(&at, |(stop, _)| *stop)
            .is_ok()
    }

    /// Returns the place of a moment: between those of its neighbours, where it has none.
    pub(super) fn x(&self, at: Instant) -> i32 {
        let after = self.stops.partition_point(|(stop, _)| *stop < at);
        match (after.checked_sub(1), self.stops.get(after)) {
            (_, Some((stop, x))) if *stop == at => *x,
            (None, _) => 0,
            (Some(_), None) => self.width,
            (Some(before), Some((next, right))) => {
                let (stop, left) = self.stops[before];
                let part = (at - stop).as_nanos() * (right - left) as u128;
                left + (part / (*next - stop).as_nanos().max(1)) as i32
            }
        }
    }
}

/// Returns the distance that stands for a time between two events, beyond that of two marks.
fn stretch(time: Duration) -> i32 {
    let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    DOUBLING * (u64::BITS - micros.leading_zeros()) as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    fn scale(moments: &[(u64, i32)], least: i32) -> Scale {
        let moments = moments.iter().map(|(millis, room)| (at(*millis), *room));
        Scale::new(&moments.collect(), least)
    }

    #[test]
    fn a_second_is_wider_than_a_millisecond_and_not_a_thousand_times() {
        let scale = scale(&[(0, 0), (1, 0), (1_001, 0)], 200);
        let short = scale.x(at(1)) - scale.x(at(0));
        let long = scale.x(at(1_001)) - scale.x(at(1));
        assert!(short >= STEP && long > short && long < 3 * short);
    }

    #[test]
    fn a_long_run_is_pressed_together_and_wider_than_the_page_at_last() {
        let moments = |count: u64| {
            (0..count)
                .map(|second| (second * 1_000, 0))
                .collect::<Vec<_>>()
        };
        assert_eq!(scale(&moments(20), 900).width(), 900);
        assert!(scale(&moments(40), 900).width() > 900);
    }

    #[test]
    fn what_stands_at_a_moment_has_its_room() {
        let scale = scale(&[(0, 100), (1, 0)], 0);
        assert!(scale.x(at(1)) - scale.x(at(0)) >= 100);
    }

    #[test]
    fn a_short_run_fills_the_width_that_is_there() {
        let moments = [(0, 0), (1_000, 0), (5_000, 0)];
        let scale = scale(&moments, 900);
        assert_eq!(scale.width(), 900);
        assert_eq!(scale.x(at(5_000)), 900 - MARGIN);
    }

    #[test]
    fn a_moment_without_a_place_stands_between_its_neighbours() {
        let scale = scale(&[(1_000, 0), (2_000, 0)], 500);
        let [left, right] = [at(1_000), at(2_000)].map(|at| scale.x(at));
        assert_eq!(scale.x(at(1_500)), (left + right) / 2);
        assert_eq!(scale.x(at(0)), 0);
        assert_eq!(scale.x(at(9_000)), scale.width());
    }
}
