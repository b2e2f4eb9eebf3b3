//! What the frames that pass show, and what is passed on of them.

use super::{Connection, Due, MemberEnd, Response};
use crate::proxy::frame::{Frame, Header, Unreadable};
use crate::proxy::link::Way;
use crate::proxy::observe::{self, Answer, Asked, Detail};
use crate::proxy::seen::{Report, Seen};
use crate::proxy::session::Session;
use crate::proxy::versions;
use kafka_protocol::messages::ApiKey;
use plimsoll_oracle::RequestKind;
use std::sync::atomic::Ordering;

impl Connection {
    /// Reports what a request shows; returns what goes on to the broker of it, and what its answer
    /// is to be read with.
    pub(super) async fn observe_request(
        &self,
        frame: Frame,
        session: &mut Session,
    ) -> (Frame, Option<Asked>) {
        let Some(header) = frame.request_header() else {
            tracing::warn!("a request without a header is passed on");
            return (frame, None);
        };
        let broker = self.link.broker.address.index;
        let assignments = self.link.member.assignments();
        let (seen, detail) = observe::request(&frame, header, broker, session, assignments);
        let detail = detail.unwrap_or_else(|error| {
            self.unreadable(header, &error);
            Detail::None
        });
        let is_commit = |seen: &&Seen| matches!(seen, Seen::CommitSent { .. });
        let commits = seen.iter().filter(is_commit).count() as u32;
        self.unanswered.fetch_add(commits, Ordering::SeqCst);
        self.saw(seen).await;
        let frame = readable_versions(frame, header);
        let asked = Asked {
            header,
            detail,
            late: false,
        };
        (frame, Some(asked))
    }

    /// Reports what is done when a response comes; returns what goes on to the member, and what the
    /// member learns of it.
    pub(super) async fn observe_response(&self, frame: Frame) -> Response {
        let asked = frame.correlation().and_then(|id| self.take_asked(id));
        let Some(asked) = asked else {
            tracing::warn!("a response to no known request is passed on");
            return self.response(frame, Answer::default(), false, None);
        };
        // Before it is reported: a loss that this triggers is that of the next response.
        let is_open = *self.member.borrow() == MemberEnd::Open;
        let lost = asked
            .kind()
            .filter(|kind| is_open && self.link.member.loses(*kind));
        let (frame, mut answer) = self.understand(frame, &asked);
        if let Some(done) = answer.done.take() {
            let done = match is_open {
                true => done,
                false => done.without_refusals(),
            };
            self.saw(vec![done]).await;
        }
        self.response(frame, answer, asked.is_commit(), lost)
    }

    fn response(
        &self,
        frame: Frame,
        answer: Answer,
        is_commit: bool,
        lost: Option<RequestKind>,
    ) -> Response {
        Response {
            due: Due::after(self.link.latency(Way::ToMember)),
            frame,
            answer,
            is_commit,
            lost,
        }
    }

    /// Takes the request that a response is for. The requests before it get no response any more.
    fn take_asked(&self, correlation: i32) -> Option<Asked> {
        let mut found = None;
        self.asked.send_modify(|waiting| {
            let is_it = |asked: &Asked| asked.header.correlation == correlation;
            if let Some(index) = waiting.asked.iter().position(is_it) {
                found = waiting.asked.drain(..=index).next_back();
                waiting.is_reporting = true;
            }
        });
        found
    }

    /// Reads what an answer says, and makes the frame that the member gets of it.
    fn understand(&self, frame: Frame, asked: &Asked) -> (Frame, Answer) {
        let Ok(key) = ApiKey::try_from(asked.header.key) else {
            return (frame, Answer::default());
        };
        let version = asked.header.version;
        let (header, body) = match frame.response_parts(key, version) {
            Ok(parts) => parts,
            Err(error) => {
                self.unreadable(asked.header, &error);
                return (frame, Answer::default());
            }
        };
        let answer = asked.answer(key, body.clone()).unwrap_or_else(|error| {
            self.unreadable(asked.header, &error);
            Answer::default()
        });
        match self.addresses.rewrite(key, version, body) {
            Ok(Some(body)) => (Frame::response(&header, &body), answer),
            Ok(None) => (frame, answer),
            Err(error) => {
                self.unreadable(asked.header, &error);
                (frame, answer)
            }
        }
    }

    /// Reports what the member learns of a response.
    pub(super) async fn learns(&self, learned: Vec<Seen>) {
        let mut seen = learned.iter();
        let is_assignment = seen.any(|seen| matches!(seen, Seen::Synced { .. }));
        self.saw(learned).await;
        if is_assignment {
            self.link.member.got_assignment();
        }
    }

    /// Reports what a frame shows, and waits until it is noted.
    pub(super) async fn saw(&self, seen: Vec<Seen>) {
        if seen.is_empty() {
            return;
        }
        let member = self.link.member.id;
        let passed = |noted| Report::Passed {
            member,
            seen,
            noted,
        };
        // Fails where the run is over.
        let _ = self.reports.ask(passed).await;
    }

    fn unreadable(&self, header: Header, error: &Unreadable) {
        if self.link.member.unreadable.is_new(header.key) {
            tracing::warn!(
                key = header.key,
                version = header.version,
                %error,
                "a request or response that cannot be read is passed on"
            );
        }
    }
}

/// Replaces an ApiVersions request whose answer the proxy could not read by one that no broker
/// knows: the answer to that says which versions there are, and clients ask again with one.
fn readable_versions(frame: Frame, header: Header) -> Frame {
    let is_it = header.key == ApiKey::ApiVersions as i16;
    match versions::last_readable(ApiKey::ApiVersions) {
        Some(last) if is_it && header.version > last => frame.with_version(i16::MAX),
        _ => frame,
    }
}
