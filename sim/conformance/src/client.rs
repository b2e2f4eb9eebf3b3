//! Requests and responses as trees, on one connection to a broker.

use crate::codec::{Bytes, decode, encode};
use crate::connection::{Arrival, Connection};
use crate::schema::Schema;
use crate::tree::{self, Fields};
use plimsoll_messages::Kind;
use std::collections::VecDeque;
use std::io;
use std::time::Duration;

/// The longest wait for an answer to a request of the runner's own.
const OWN: Duration = Duration::from_secs(20);

/// The request kind whose answer is of version 0 where its own version is too new (KIP-511), and
/// whose response header has no tagged fields, so that any client can read it.
const API_VERSIONS: i16 = 18;

/// A client with one connection.
pub(crate) struct Client<'a> {
    schema: &'a Schema,
    connection: Connection,
    name: String,
    sent: i32,
    /// The requests without an answer: correlation id, kind and version.
    unanswered: VecDeque<(i32, &'a Kind, i16)>,
}

/// What came from the broker.
pub(crate) enum Answer {
    Fields(Fields),
    /// An answer to bytes that were sent as they are.
    Unread,
    Nothing,
    Closed,
}

impl<'a> Client<'a> {
    /// Connects to a broker.
    ///
    /// # Errors
    /// Where there is none.
    pub(crate) fn open(schema: &'a Schema, address: &str, name: &str) -> Result<Self, String> {
        let connection = Connection::open(address);
        let connection =
            connection.map_err(|error| format!("cannot connect to {address}: {error}"))?;
        Ok(Self {
            schema,
            connection,
            name: name.to_owned(),
            sent: 0,
            unanswered: VecDeque::new(),
        })
    }

    /// Sends a request, and returns the answer to it.
    ///
    /// # Errors
    /// Where there is none in time.
    pub(crate) fn ask(&mut self, kind: &str, version: i16, text: &str) -> Result<Fields, String> {
        self.send(kind, version, &tree::read(text)?, true)?;
        match self.read_within(OWN)? {
            Answer::Fields(fields) => Ok(fields),
            Answer::Nothing | Answer::Unread => Err(format!("no answer to {kind} came")),
            Answer::Closed => Err(format!("the broker closed the connection upon {kind}")),
        }
    }

    /// Sends a request.
    ///
    /// # Errors
    /// Where it cannot be encoded or sent.
    pub(crate) fn send(
        &mut self,
        kind: &str,
        version: i16,
        fields: &Fields,
        is_answered: bool,
    ) -> Result<(), String> {
        let kind = self.schema.kind(kind)?;
        // A version that the table does not have gets the body of the nearest one.
        let known = kind.request.versions.nearest(version);
        let body = encode(&kind.name, &kind.request, known, fields)?;
        self.sent += 1;
        let mut frame = Vec::new();
        frame.extend(kind.key.to_be_bytes());
        frame.extend(version.to_be_bytes());
        frame.extend(self.sent.to_be_bytes());
        frame.extend((self.name.len() as i16).to_be_bytes());
        frame.extend(self.name.as_bytes());
        if kind.request.flexible.contains(known) {
            frame.push(0);
        }
        frame.extend(body);
        let mut bytes = (frame.len() as i32).to_be_bytes().to_vec();
        bytes.append(&mut frame);
        if is_answered {
            self.unanswered.push_back((self.sent, kind, version));
        }
        self.send_raw(&bytes)
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// Where the broker does not take them.
    pub(crate) fn send_raw(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.connection
            .send(bytes)
            .map_err(|error| error.to_string())
    }

    /// Waits for the next answer for this long.
    ///
    /// # Errors
    /// Where it is not the answer to the oldest request that has none.
    pub(crate) fn read_within(&mut self, within: Duration) -> Result<Answer, String> {
        let arrival = self.connection.read(within);
        let frame = match arrival.map_err(|error: io::Error| error.to_string())? {
            Arrival::Frame(frame) => frame,
            Arrival::Nothing => return Ok(Answer::Nothing),
            Arrival::Closed => return Ok(Answer::Closed),
        };
        let mut bytes = Bytes(&frame);
        let correlation = bytes.int(4)?;
        let Some((expected, kind, version)) = self.unanswered.pop_front() else {
            return Ok(Answer::Unread);
        };
        if i64::from(expected) != correlation {
            return Err(format!(
                "the answer has the number {correlation}, not {expected}"
            ));
        }
        let known = kind.response.versions;
        let version = match kind.key == API_VERSIONS && !known.contains(version) {
            true => 0,
            false => known.nearest(version),
        };
        if kind.response.flexible.contains(version) && kind.key != API_VERSIONS {
            for _ in 0..bytes.varint()? {
                let (_tag, size) = (bytes.varint()?, bytes.varint()?);
                bytes.take(size as usize)?;
            }
        }
        decode(self.schema, &kind.response, version, bytes.0).map(Answer::Fields)
    }
}
