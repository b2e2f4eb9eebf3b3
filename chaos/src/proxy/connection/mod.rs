//! One connection of a member with a broker.
//!
//! Two halves run side by side, joined by two queues. The member's half reads requests and sends
//! responses; the broker's half sends requests and reads responses. What a fault holds waits in a
//! queue. When the member's half is over, the broker's half sends what was on its way, and stays
//! until the broker has answered the commits that it got.
//!
//! Requests that a fault holds when their member closes the connection, or dies, are kept as its
//! kernel would keep them: they arrive after the fault, when the kernel would try again.

mod reading;

use super::frame::Frame;
use super::link::{Link, Way};
use super::observe::{Answer, Asked};
use super::rewrite::Addresses;
use super::seen::{Report, Seen};
use super::session::Session;
use crate::admin::HARNESS;
use crate::channel::Sender;
use plimsoll_access::Stream;
use plimsoll_oracle::RequestKind;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::watch;
use tokio::time::Instant;

/// The time limit for a broker to accept a connection.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// The first and the longest time after which a kernel sends again what was not acknowledged; in
/// between it doubles (Linux: `TCP_RTO_MIN`, `TCP_RTO_MAX`, `tcp_retransmit_timer`).
const RETRANSMISSION: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(120));

/// Stands for an API key where what came has none.
const NO_API: i16 = -1;

/// What the connections of one member with one broker need.
#[derive(Clone)]
pub(super) struct Route {
    pub link: Arc<Link>,
    pub addresses: Arc<Addresses>,
    pub reports: Sender<Report>,
}

/// A proxied connection.
pub(super) struct Connection {
    link: Arc<Link>,
    addresses: Arc<Addresses>,
    reports: Sender<Report>,
    /// The number of cuts of its link when the connection began.
    cuts: u64,
    member: watch::Sender<MemberEnd>,
    asked: watch::Sender<Waiting>,
    /// The number of commits whose answer was not sent to the member.
    unanswered: AtomicU32,
}

/// What waits for the broker, or for what it answered to be noted.
#[derive(Default)]
struct Waiting {
    /// The requests that the broker has not answered yet.
    asked: VecDeque<Asked>,
    /// Whether an answer was read that is not on its way to the member yet.
    is_reporting: bool,
}

/// The member's end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MemberEnd {
    Open,
    /// Closed in the ordinary way: what it sent still arrives, late where it is held.
    Closed,
    /// Broken: what is on its way is gone.
    Cut,
}

/// A request on its way to the broker.
struct Request {
    due: Due,
    frame: Frame,
    asked: Option<Asked>,
}

/// A response on its way to the member.
struct Response {
    due: Due,
    frame: Frame,
    answer: Answer,
    is_commit: bool,
    /// The kind of a response that is to be swallowed instead.
    lost: Option<RequestKind>,
}

/// The moment at which a frame is to be sent on; `None`: at once.
#[derive(Clone, Copy)]
struct Due(Option<Instant>);

impl Connection {
    pub(super) fn new(route: Route) -> Self {
        Self {
            cuts: route.link.cuts(),
            link: route.link,
            addresses: route.addresses,
            reports: route.reports,
            member: watch::Sender::new(MemberEnd::Open),
            asked: watch::Sender::default(),
            unanswered: AtomicU32::new(0),
        }
    }

    /// Carries what is sent, until both ends are over.
    pub(super) async fn carry(&self, member: TcpStream) {
        let (to_broker, requests) = unbounded_channel();
        let (to_member, responses) = unbounded_channel();
        tokio::join!(
            self.member_half(member, to_broker, responses),
            self.broker_half(requests, to_member),
        );
    }

    async fn member_half(
        &self,
        mut stream: TcpStream,
        requests: UnboundedSender<Request>,
        responses: UnboundedReceiver<Response>,
    ) {
        prompt(&stream);
        let end = {
            let (reader, writer) = stream.split();
            tokio::select! {
                biased;
                () = self.link.cut_again(self.cuts) => MemberEnd::Cut,
                () = self.read_requests(reader, requests) => MemberEnd::Closed,
                end = self.send_responses(responses, writer) => end,
            }
        };
        self.member.send_replace(end);
        let unanswered = self.unanswered.load(Ordering::SeqCst) as usize;
        self.saw(vec![Seen::CommitUnanswered; unanswered]).await;
        reset_if_cut(&stream, end);
    }

    async fn broker_half(
        &self,
        requests: UnboundedReceiver<Request>,
        responses: UnboundedSender<Response>,
    ) {
        // No connection is made through a blocked link. The member does not see that.
        if !self.may_connect().await {
            return;
        }
        let Some(mut stream) = self.connect().await else {
            return;
        };
        {
            let (reader, writer) = tokio::io::split(&mut stream);
            let send = async {
                self.send_requests(requests, writer).await;
                self.commits_answered().await;
            };
            tokio::select! {
                () = self.read_responses(reader, responses) => {}
                () = send => {}
            }
        }
        reset_if_cut(stream.tcp(), *self.member.borrow());
    }

    async fn connect(&self) -> Option<Stream> {
        let address = &self.link.broker.address.address;
        let connecting = self.link.broker.access.connect(address, HARNESS);
        let stream = match tokio::time::timeout(CONNECT_WITHIN, connecting).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => {
                tracing::debug!(%address, %error, "a broker cannot be reached");
                return None;
            }
            Err(_) => {
                tracing::debug!(%address, "a broker does not accept connections");
                return None;
            }
        };
        Some(stream)
    }

    /// Reads requests until the member closes its end.
    async fn read_requests(
        &self,
        reader: impl AsyncRead + Unpin,
        requests: UnboundedSender<Request>,
    ) {
        let mut reader = BufReader::new(reader);
        let mut session = Session::default();
        loop {
            let frame = match Frame::read(&mut reader).await {
                Ok(Some(frame)) => frame,
                Ok(None) => return,
                Err(error) => {
                    let member = self.link.member.id;
                    let is_foreign = error.kind() == std::io::ErrorKind::InvalidData;
                    if is_foreign && self.link.member.unreadable.is_new(NO_API) {
                        tracing::warn!(%member, %error, "a member does not speak Kafka's protocol");
                    }
                    return self.broke("member", &error);
                }
            };
            let (frame, asked) = self.observe_request(frame, &mut session).await;
            // Fails where the broker's half is over; this one will be soon.
            let _ = requests.send(Request {
                due: Due::after(self.link.latency(Way::ToBroker)),
                frame,
                asked,
            });
        }
    }

    /// Sends requests until the member's end is over and all was sent that still arrives.
    async fn send_requests(
        &self,
        mut requests: UnboundedReceiver<Request>,
        mut writer: impl AsyncWrite + Unpin,
    ) {
        while let Some(request) = requests.recv().await {
            tokio::select! {
                () = request.due.wait() => {}
                () = self.member_is(MemberEnd::Cut) => return,
            }
            if !self.may_pass(Way::ToBroker).await {
                return;
            }
            if let Some(mut asked) = request.asked.filter(Asked::has_answer) {
                asked.late = *self.member.borrow() != MemberEnd::Open;
                self.asked
                    .send_modify(|waiting| waiting.asked.push_back(asked));
            }
            let written = async {
                writer.write_all(request.frame.bytes()).await?;
                writer.flush().await
            };
            if written.await.is_err() {
                return;
            }
        }
    }

    /// Reads responses until the broker closes its end.
    async fn read_responses(
        &self,
        reader: impl AsyncRead + Unpin,
        responses: UnboundedSender<Response>,
    ) {
        let mut reader = BufReader::new(reader);
        loop {
            let frame = match Frame::read(&mut reader).await {
                Ok(Some(frame)) => frame,
                Ok(None) => return,
                Err(error) => return self.broke("broker", &error),
            };
            let response = self.observe_response(frame).await;
            // Fails where the member's half is over.
            let _ = responses.send(response);
            self.asked
                .send_if_modified(|waiting| std::mem::take(&mut waiting.is_reporting));
        }
    }

    /// Sends responses until the broker's end is over and the member got all that still arrives.
    async fn send_responses(
        &self,
        mut responses: UnboundedReceiver<Response>,
        mut writer: impl AsyncWrite + Unpin,
    ) -> MemberEnd {
        while let Some(response) = responses.recv().await {
            response.due.wait().await;
            for last in response.answer.produced {
                let member = self.link.member.id;
                let produced = |noted| Report::Produced {
                    member,
                    last,
                    noted,
                };
                // Fails where the run is over.
                let _ = self.reports.ask(produced).await;
            }
            let was_held = self.link.is_blocked(Way::ToMember);
            if !self.may_pass(Way::ToMember).await {
                return MemberEnd::Cut;
            }
            if was_held && responses.is_closed() {
                return MemberEnd::Closed;
            }
            if let Some(request) = response.lost {
                self.saw(vec![Seen::ResponseLost { request }]).await;
                return MemberEnd::Cut;
            }
            self.learns(response.answer.learned).await;
            if writer.write_all(response.frame.bytes()).await.is_err() {
                return MemberEnd::Closed;
            }
            if response.is_commit {
                self.unanswered.fetch_sub(1, Ordering::SeqCst);
            }
        }
        // The end of the connection is held too.
        self.may_pass(Way::ToMember).await;
        MemberEnd::Closed
    }

    /// Waits until a connection can be made; returns false where it is never to be. A member that
    /// closes one which was not made has sent nothing on it.
    async fn may_connect(&self) -> bool {
        if self.link.is_blocked(Way::ToBroker) {
            tokio::select! {
                () = self.link.unblocked(Way::ToBroker, self.cuts) => {}
                () = self.member_is_over() => return false,
            }
        }
        !self.is_broken()
    }

    /// Waits until nothing holds what goes this way; returns false where it is never to be sent.
    async fn may_pass(&self, way: Way) -> bool {
        while self.link.is_blocked(way) && !self.is_broken() {
            let since = Instant::now();
            self.link.unblocked(way, self.cuts).await;
            if way == Way::ToBroker && *self.member.borrow() == MemberEnd::Closed {
                tokio::time::sleep(until_retransmission(since.elapsed())).await;
            }
        }
        !self.is_broken()
    }

    fn is_broken(&self) -> bool {
        self.link.cuts() != self.cuts || *self.member.borrow() == MemberEnd::Cut
    }

    async fn member_is_over(&self) {
        let mut member = self.member.subscribe();
        // It fails only where the sender is gone, which is a part of the connection.
        let _ = member.wait_for(|end| *end != MemberEnd::Open).await;
    }

    async fn member_is(&self, this: MemberEnd) {
        let mut member = self.member.subscribe();
        let _ = member.wait_for(|end| *end == this).await;
    }

    async fn commits_answered(&self) {
        let mut asked = self.asked.subscribe();
        let _ = asked
            .wait_for(|waiting| {
                !waiting.is_reporting && !waiting.asked.iter().any(Asked::is_commit)
            })
            .await;
    }

    fn broke(&self, peer: &str, error: &std::io::Error) {
        let member = self.link.member.id;
        let broker = self.link.broker.address.index;
        tracing::debug!(%member, broker, %error, "the connection with the {peer} broke");
    }
}

impl Due {
    fn after(latency: Duration) -> Self {
        match latency {
            Duration::ZERO => Self(None),
            _ => Self(Instant::now().checked_add(latency)),
        }
    }

    async fn wait(self) {
        if let Some(due) = self.0 {
            tokio::time::sleep_until(due).await;
        }
    }
}

/// Returns the time until the kernel sends again what it has not got through for this time.
fn until_retransmission(held: Duration) -> Duration {
    let (mut pause, longest) = RETRANSMISSION;
    let mut next = pause;
    while next < held {
        pause = (pause * 2).min(longest);
        next += pause;
    }
    next - held
}

/// Makes the system send at once what is written.
fn prompt(stream: &TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "the connection ended at once");
    }
}

/// Makes the end of a connection that was cut a reset. Where that fails, it ends in the ordinary way.
fn reset_if_cut(stream: &TcpStream, end: MemberEnd) {
    if end == MemberEnd::Cut {
        let _ = stream.set_zero_linger();
    }
}
