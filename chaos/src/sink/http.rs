//! The sink's HTTP endpoint: takes calls in, lets each take its time, and answers with its outcome.
//! What a handler is and what its outcome is, the world keeps.

use super::call::Named;
use super::{Begun, Call, Report};
use crate::admin::Admin;
use crate::channel::Sender;
use crate::log::{Log, StoredMessage};
use crate::names::Names;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use plimsoll_core::{Offset, Outcome, TopicPartition};
use plimsoll_oracle::{MemberId, MessageId};
use plimsoll_scenarios::Plan;
use plimsoll_scenarios::scenario::Fate;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// The wait for the reader of the topics to read a record, before the brokers are asked for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// The header of an answer that asks Plimsoll's own member for a real panic.
pub(crate) const PANIC_HEADER: &str = "plimsoll-panic";

/// What the endpoint needs.
#[derive(Clone)]
pub(crate) struct Endpoint {
    pub plan: Arc<Plan>,
    pub names: Arc<Names>,
    pub log: Arc<Log>,
    /// The brokers, which know what the log has.
    pub admin: Admin,
    pub patience: Duration,
    pub reports: Sender<Report>,
}

/// The answer to a call: a status, headers, and a sentence for people.
type Answer = (StatusCode, HeaderMap, String);

/// Serves the sink until the run ends.
pub(crate) async fn serve(endpoint: Endpoint, listener: TcpListener) {
    // Every path and every method: a call that is none is told so.
    let router = Router::new().fallback(handle).with_state(endpoint);
    if let Err(error) = axum::serve(listener, router).await {
        tracing::error!(%error, "the sink ended");
    }
}

/// Answers one call.
async fn handle(State(endpoint): State<Endpoint>, method: Method, uri: Uri, body: Bytes) -> Answer {
    let caller = uri.path().trim_start_matches('/');
    let call = match endpoint.call(caller, &method, &body).await {
        Ok(call) => call,
        Err(mistake) => {
            endpoint.reports.send(Report::CalledWrongly {
                caller: caller.to_owned(),
                mistake: mistake.clone(),
            });
            return (StatusCode::BAD_REQUEST, HeaderMap::new(), mistake);
        }
    };
    let message = call.record.message;
    let Some(outcome) = endpoint.work(call).await else {
        // The client of this answer died with its process.
        return (StatusCode::GONE, HeaderMap::new(), String::new());
    };
    let status = match outcome {
        Outcome::Ok => StatusCode::OK,
        Outcome::Retryable => StatusCode::SERVICE_UNAVAILABLE,
        Outcome::Permanent => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let mut headers = HeaderMap::new();
    if outcome == Outcome::Retryable && endpoint.panics(message) {
        headers.insert(PANIC_HEADER, HeaderValue::from_static("true"));
    }
    (status, headers, String::new())
}

impl Endpoint {
    /// Reads a call.
    ///
    /// # Errors
    /// Where it is wrong: says so, and what was expected.
    async fn call(&self, caller: &str, method: &Method, body: &[u8]) -> Result<Call, String> {
        if method != Method::POST {
            return Err(format!("it sent {method}; expected POST"));
        }
        let mut members = (0..self.plan.starts.len() as u32).map(MemberId);
        let member = members.find(|id| id.to_string() == caller);
        let member = member.ok_or_else(|| {
            format!(
                "there is no member {caller:?}; expected the whole address in PLIMSOLL_SINK_URL"
            )
        })?;
        let Named {
            topic,
            partition: number,
            offset,
        } = Named::read(body)?;
        let partition = self.names.partition(&topic, number);
        let partition = partition.ok_or_else(|| {
            let topics = self.names.topics.join(", ");
            format!("{topic}-{number} is not of this run, which has the topics {topics}")
        })?;
        let offset = Offset::new(offset);
        let record = self.record(partition, offset).await;
        let record = record.ok_or_else(|| format!("{topic}-{number} has no record {offset}"))?;
        Ok(Call {
            member,
            partition,
            offset,
            record,
        })
    }

    /// Waits until the reader of the topics has read a record, which members may read before it.
    /// Returns `None` only where the brokers say that there is no such record: that they are asked
    /// in vain, or that the reader is late, is no mistake of the subject.
    async fn record(&self, partition: TopicPartition, offset: Offset) -> Option<StoredMessage> {
        loop {
            let record = self.log.wait_for(partition, offset, self.patience).await;
            if record.is_some() {
                return record;
            }
            let ends = self.admin.log_ends(self.names.topic(partition.topic)).await;
            let Ok(ends) = ends else {
                continue;
            };
            let end = ends.get(partition.partition as usize).map(|&(_, end)| end);
            if end.is_none_or(|end| end <= offset.get()) {
                return self.log.get(partition, offset);
            }
        }
    }

    /// Does a handler's work: begins, takes its time, and writes the effect. Returns the outcome;
    /// `None` where its process died.
    async fn work(&self, call: Call) -> Option<Outcome> {
        let called = |reply| Report::Called { call, reply };
        // The subject may go away at any time: then axum drops this future, and with it the
        // handler.
        let Begun { handler, takes } = self.reports.ask(called).await.ok()?;
        tokio::time::sleep(takes).await;
        let id = handler.id();
        let due = |reply| Report::Due { id, reply };
        self.reports.ask(due).await.ok()
    }

    /// Returns whether a handler of the message panics where it fails.
    fn panics(&self, message: MessageId) -> bool {
        let planned = self.plan.messages.iter().find(|m| m.id == message);
        planned.is_some_and(|m| matches!(m.fate, Fate::Panic(_)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::plan;
    use plimsoll_access::Access;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;
    use tokio::sync::mpsc;

    fn names() -> Names {
        Names::new(&plan(1, "", ""), "test")
    }

    /// Makes an endpoint whose log has one record and which reaches no broker.
    fn endpoint() -> (Endpoint, mpsc::UnboundedReceiver<Report>) {
        let (plan, names) = (Arc::new(plan(1, "", "")), Arc::new(names()));
        let log = Arc::<Log>::default();
        let record = StoredMessage {
            message: plan.messages[0].id,
            key: None,
        };
        log.insert(TopicPartition::new(0, 0), Offset::new(0), record);
        let (sender, reports) = mpsc::unbounded_channel();
        let endpoint = Endpoint {
            plan,
            names,
            log,
            admin: Admin::new(&[], Access::default()),
            patience: Duration::from_millis(10),
            reports: Sender::new(move |report| {
                let _ = sender.send(report);
            }),
        };
        (endpoint, reports)
    }

    /// Sends the sink a request as bytes, and returns the answer and what was reported.
    async fn ask(request: &str) -> (String, Report) {
        let (endpoint, mut reports) = endpoint();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("it has an address");
        let server = tokio::spawn(serve(endpoint, listener));
        let mut stream = TcpStream::connect(address).await.expect("it listens");
        stream.write_all(request.as_bytes()).await.expect("sent");
        let report = reports.recv().await.expect("a report");
        if let Report::Called { .. } = report {
            server.abort();
            return (String::new(), report);
        }
        let mut answer = String::new();
        let read = stream.read_to_string(&mut answer).await;
        read.expect("it answers, and closes");
        server.abort();
        let (_, text) = answer.split_once("\r\n\r\n").expect("a head and a body");
        let status = answer.lines().next().unwrap_or_default();
        (format!("{status}: {text}"), report)
    }

    fn post(path: &str, head: &str, body: &str) -> String {
        let length = body.len();
        format!(
            "POST {path} HTTP/1.1\r\nHost: sink\r\n{head}Content-Length: {length}\r\n\
             Connection: close\r\n\r\n{body}"
        )
    }

    #[tokio::test]
    async fn the_content_type_of_a_call_does_not_matter() {
        let topic = &names().topics[0];
        let body = format!(r#"{{"topic": "{topic}", "partition": "0", "offset": "0"}}"#);
        for head in ["", "Content-Type: text/plain\r\n"] {
            let (_, report) = ask(&post("/consumer-1", head, &body)).await;
            assert!(matches!(report, Report::Called { .. }), "{report:?}");
        }
    }

    #[tokio::test]
    async fn a_call_for_a_record_that_the_harness_reads_late_is_not_wrong() {
        let (endpoint, mut reports) = endpoint();
        let (log, partition) = (endpoint.log.clone(), TopicPartition::new(0, 0));
        let late = async {
            tokio::time::sleep(endpoint.patience * 5).await;
            let record = log.get(partition, Offset::new(0)).expect("it has one");
            log.insert(partition, Offset::new(1), record);
        };
        let body = format!(
            r#"{{"topic": "{}", "partition": 0, "offset": 1}}"#,
            names().topics[0]
        );
        let call = endpoint.call("consumer-1", &Method::POST, body.as_bytes());
        let (call, ()) = tokio::join!(call, late);
        assert_eq!(call.expect("a call").offset, Offset::new(1));
        assert!(reports.try_recv().is_err());
    }

    /// 422 is the outcome of a handler, and nothing else.
    #[tokio::test]
    async fn a_wrong_call_is_refused_with_what_was_expected_and_reported() {
        let wrong = r#"{"topic": "orders", "partition": 0}"#;
        let get = "GET /consumer-1 HTTP/1.1\r\nHost: sink\r\nConnection: close\r\n\r\n";
        for (request, said) in [
            (get.to_owned(), "it sent GET; expected POST"),
            (post("/consumer-1", "", wrong), "the body has no \"offset\""),
            (
                post("/consumer-9", "", wrong),
                "there is no member \"consumer-9\"",
            ),
            (post("/", "", wrong), "there is no member \"\""),
        ] {
            let (answer, report) = ask(&request).await;
            assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
            assert!(answer.contains(said), "{answer}");
            let told = matches!(&report, Report::CalledWrongly { mistake, .. } if mistake.starts_with(said));
            assert!(told, "{report:?}");
        }
    }
}
