//! Damage, as bugs and bad networks do it, and as somebody who means it does.

use super::corpus::Frame;
use plimsoll_scenarios::Rng;

/// What claims that much follows.
const CLAIMS: [&[u8]; 6] = [
    &[0x7f, 0xff, 0xff, 0xff],
    &[0xff, 0xff, 0xff, 0xff],
    &[0x7f, 0xff],
    // Numbers of variable length: the greatest, and one that has no end.
    &[0xff, 0xff, 0xff, 0xff, 0x0f],
    &[0xff; 10],
    &[0x00, 0x40, 0x00, 0x01],
];

/// Returns a frame with one to three damages; its kind and version are among what is damaged least.
pub(crate) fn damage(rng: &mut Rng, frame: &Frame, all: &[Frame]) -> Vec<u8> {
    let mut bytes = frame.bytes.to_vec();
    for _ in 0..=rng.below(3) {
        let from = if rng.chance(0.02) { 0 } else { 4 };
        if bytes.len() <= from {
            break;
        }
        let place = from + below(rng, bytes.len() - from);
        match rng.below(6) {
            0 => bytes[place] ^= 1 << rng.below(8),
            1 => bytes[place] = rng.next_u64() as u8,
            2 => {
                let claim = pick(rng, &CLAIMS);
                let end = bytes.len().min(place + claim.len());
                bytes.splice(place..end, claim.iter().copied());
            }
            3 => {
                let claim = pick(rng, &CLAIMS);
                bytes.splice(place..place, claim.iter().copied());
            }
            4 => bytes.truncate(place),
            _ => {
                let other = &pick(rng, all).bytes;
                let tail = &other[below(rng, other.len())..];
                bytes.splice(place.., tail.iter().copied());
            }
        }
    }
    bytes
}

fn pick<'a, T>(rng: &mut Rng, from: &'a [T]) -> &'a T {
    &from[below(rng, from.len())]
}

fn below(rng: &mut Rng, bound: usize) -> usize {
    rng.below(bound as u64) as usize
}
