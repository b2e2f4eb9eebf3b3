//! Damage, as bugs, bad networks and bad intentions do it.

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

/// Returns a frame with one to three damages, of which its checksum may know nothing; its kind and
/// version are what is damaged least.
pub(crate) fn damage(rng: &mut Rng, frame: &Frame, all: &[Frame]) -> Vec<u8> {
    let mut bytes = frame.bytes.to_vec();
    for _ in 0..=rng.below(3) {
        let from = match frame.batch {
            // The batch, or the records in it.
            Some(batch) if rng.chance(0.7) => *pick(rng, &[batch, batch + 61]),
            _ if rng.chance(0.02) => 0,
            _ => 4,
        };
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
    if let Some(batch) = frame.batch
        && rng.chance(0.5)
    {
        mend(&mut bytes, batch);
    }
    bytes
}

/// Gives a batch the checksum that it would have if what lies there were meant.
fn mend(bytes: &mut [u8], batch: usize) {
    let Some((head, tail)) = bytes
        .get_mut(batch..)
        .and_then(|b| b.split_at_mut_checked(21))
    else {
        return;
    };
    // Its length counts from behind itself, and what the checksum covers begins with `tail`.
    let length = head[8..12]
        .iter()
        .fold(0, |sum, byte| sum << 8 | usize::from(*byte));
    let end = tail.len().min(length.saturating_sub(9));
    head[17..].copy_from_slice(&crc32c::crc32c(&tail[..end]).to_be_bytes());
}

fn pick<'a, T>(rng: &mut Rng, from: &'a [T]) -> &'a T {
    &from[below(rng, from.len())]
}

fn below(rng: &mut Rng, bound: usize) -> usize {
    rng.below(bound as u64) as usize
}
