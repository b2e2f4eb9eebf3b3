//! Damaged frames of every kind and version: they end their own connection, and nothing else.

use crate::served::{ConnectionId, Options, Output, ServedCluster};
use bytes::Bytes;
use plimsoll_core::Instant;
use plimsoll_messages::{Field, Form, Kind, kinds};
use plimsoll_oracle::BrokerId;
use plimsoll_scenarios::{Purpose, Rng};
use std::time::Duration;

const BROKER: BrokerId = BrokerId(1);

/// ApiVersions v0, of a client without a name.
const QUESTION: [u8; 10] = [0, 18, 0, 0, 0, 0, 0, 7, 255, 255];

/// The number of damaged frames of each version of each kind: more than 10,000 of those that are
/// served, and as many again of those that are refused by their heads.
const EACH: usize = 80;

#[test]
fn damaged_frames_end_their_connection_and_nothing_else() {
    let mut cluster = ServedCluster::new(Options::default());
    let mut rng = Rng::substream(7, Purpose::Ties, 0);
    let mut now = Instant::from_millis(1);
    let intact = connect(&mut cluster, now);
    let mut sent = 0;
    for kind in kinds() {
        for version in kind.request.versions.first..=kind.request.versions.last {
            for _ in 0..EACH {
                let mut frame = whole(&kind, version);
                damage(&mut rng, &mut frame);
                now += Duration::from_millis(1);
                let client = connect(&mut cluster, now);
                cluster.receive(now, client, frame.into());
                cluster.disconnect(now, client);
                sent += 1;
            }
            assert!(
                is_answered(&mut cluster, now, intact),
                "{kind:?} v{version}"
            );
        }
    }
    assert!(sent >= 17_000, "{sent} frames");
}

/// What is not damaged is read: the frames that the test damages are whole.
#[test]
fn whole_frames_are_answered() {
    let kinds = kinds();
    let kind = kinds.iter().find(|kind| kind.name == "FindCoordinator");
    let kind = kind.expect("a table");
    for version in 0..=6 {
        let mut cluster = ServedCluster::new(Options::default());
        let now = Instant::from_millis(1);
        let client = connect(&mut cluster, now);
        cluster.receive(now, client, whole(kind, version).into());
        assert!(answers(&mut cluster, client), "v{version}");
    }
}

/// A tagged field that claims more bytes than its value has: behind it, a list is huge.
#[test]
fn a_tagged_field_is_as_long_as_it_claims() {
    let mut cluster = ServedCluster::new(Options::default());
    let now = Instant::from_millis(1);
    let mut frame = vec![0, 1, 0, 17, 0, 0, 0, 9, 0, 1, b'c', 0];
    frame.extend([0; 4 + 4 + 4 + 1 + 4 + 4]);
    frame.push(2);
    frame.extend([0; 16]);
    frame.push(2);
    frame.extend([0; 4 + 4 + 8 + 4 + 8 + 4]);
    // One tag, 0, 16 bytes and what reads as: no tags of the topic, a huge list to forget.
    frame.extend([1, 0, 22]);
    frame.extend([0; 16]);
    frame.extend([0, 0xff, 0xff, 0xff, 0xff, 0x0f]);
    // Behind that, as the claimed size has it: no tags of the topic, none to forget, no rack, no tags.
    frame.extend([0, 1, 1, 0]);
    let client = connect(&mut cluster, now);
    cluster.receive(now, client, frame.into());
    let intact = connect(&mut cluster, now);
    assert!(is_answered(&mut cluster, now, intact));
}

fn connect(cluster: &mut ServedCluster, now: Instant) -> ConnectionId {
    let client = cluster.connect(now, BROKER, "localhost".into());
    client.expect("it listens")
}

fn is_answered(cluster: &mut ServedCluster, now: Instant, client: ConnectionId) -> bool {
    while cluster.poll_output().is_some() {}
    cluster.receive(now, client, Bytes::from_static(&QUESTION));
    answers(cluster, client)
}

fn answers(cluster: &mut ServedCluster, client: ConnectionId) -> bool {
    let mut outputs = std::iter::from_fn(|| cluster.poll_output());
    outputs.any(|output| matches!(output, Output::Frame(to, _) if to == client))
}

/// Returns a frame of a kind in which every list has one element and every text a letter.
fn whole(kind: &Kind, version: i16) -> Vec<u8> {
    let flexible = kind.request.flexible.contains(version);
    let mut frame = [kind.key.to_be_bytes(), version.to_be_bytes()].concat();
    frame.extend([0, 0, 0, 9, 0, 1, b'c']);
    if flexible {
        frame.push(0);
    }
    put(&mut frame, &kind.request.fields, version, flexible);
    frame
}

fn put(frame: &mut Vec<u8>, fields: &[Field], version: i16, flexible: bool) {
    for field in fields {
        if field.versions.contains(version) && field.tag_in(version).is_none() {
            if field.is_marked(version) {
                frame.push(1);
            }
            put_value(frame, &field.form, version, flexible);
        }
    }
    if flexible {
        frame.push(0);
    }
}

fn put_value(frame: &mut Vec<u8>, form: &Form, version: i16, flexible: bool) {
    let one: &[u8] = match form {
        _ if flexible => &[2],
        Form::String => &[0, 1],
        _ => &[0, 0, 0, 1],
    };
    match form {
        Form::Bool => frame.push(0),
        Form::Int(size) => frame.extend(std::iter::repeat_n(0, *size)),
        Form::Float => frame.extend([0; 8]),
        Form::Uuid => frame.extend([0; 16]),
        Form::String | Form::Bytes | Form::Records => {
            frame.extend(one);
            frame.push(b'x');
        }
        Form::Struct(fields) => put(frame, fields, version, flexible),
        Form::Array(element) => {
            frame.extend(one);
            put_value(frame, element, version, flexible);
        }
    }
}

/// Flips bits, puts in what claims much, cuts or extends; the kind and version stay.
fn damage(rng: &mut Rng, frame: &mut Vec<u8>) {
    let place = 4 + rng.below(frame.len() as u64 - 4) as usize;
    match rng.below(4) {
        0 => frame[place] ^= 1 << rng.below(8),
        1 => {
            let huge = [0x7f, 0xff, 0xff, 0xff].into_iter();
            frame[place..]
                .iter_mut()
                .zip(huge)
                .for_each(|(byte, much)| *byte = much);
        }
        2 => frame.truncate(place),
        _ => {
            let huge = [0xff, 0xff, 0xff, 0xff, 0x0f];
            frame.splice(place..place, huge);
        }
    }
}
