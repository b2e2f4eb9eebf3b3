//! Writes copies of messages that could not be handled into the dead-letter topic.

use super::context::log;
use super::outbox::Outbox;
use crate::{HandlerError, Message};
use plimsoll_core::{AssignmentEpoch, Event, Offset, Record, TopicPartition};
use rdkafka::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord, Producer};
use rdkafka::types::RDKafkaErrorCode;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// The longest time that a write waits for room in the producer's queue.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(5);

/// Writes dead letters: idempotent, acknowledged by all in-sync replicas.
pub(super) struct DeadLetters {
    config: ClientConfig,
    producer: FutureProducer<ProducerContext>,
    refused: RefusedLetters,
    outbox: Outbox,
}

/// The substitutes for a dead letter that is refused for good.
#[derive(Clone, Default)]
pub(crate) struct RefusedLetters {
    /// Whether a pointer does, where the content is refused.
    pub(crate) pointers: bool,
    /// The function that takes it, where nothing else was written.
    pub(crate) callback: Option<LetterCallback>,
}

/// A function that takes a dead letter.
pub(crate) type LetterCallback = Arc<
    dyn Fn(Message) -> Pin<Box<dyn Future<Output = Result<(), HandlerError>> + Send>> + Send + Sync,
>;

impl fmt::Debug for RefusedLetters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefusedLetters")
            .field("pointers", &self.pointers)
            .field("has_callback", &self.callback.is_some())
            .finish()
    }
}

#[derive(Clone, Debug)]
struct ProducerContext;

impl ClientContext for ProducerContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::warn!(target: "librdkafka", %error, reason, "the producer of dead letters reports an error");
    }
}

impl DeadLetters {
    pub(super) fn new(
        config: ClientConfig,
        refused: RefusedLetters,
        outbox: Outbox,
    ) -> KafkaResult<Self> {
        Ok(Self {
            producer: config.create_with_context(ProducerContext)?,
            config,
            refused,
            outbox,
        })
    }

    /// Writes a copy, and tells the driver the outcome. Must be called in a tokio runtime.
    pub(super) fn write(
        &mut self,
        topic: String,
        partition: TopicPartition,
        epoch: AssignmentEpoch,
        record: Record<Message>,
    ) {
        self.replace_broken_producer();
        let (producer, refused) = (self.producer.clone(), self.refused.clone());
        let answer = Answer {
            outbox: self.outbox.clone(),
            partition,
            epoch,
            offset: record.offset,
            outcome: Outcome::Failed,
        };
        tokio::spawn(
            answer.tell_of(
                async move { deliver(&producer, &topic, &record.payload, &refused).await },
            ),
        );
    }

    /// Replaces the producer if it is broken: an idempotent one can end up with an error after
    /// which only a new one helps.
    fn replace_broken_producer(&mut self) {
        let Some((code, reason)) = self.producer.client().fatal_error() else {
            return;
        };
        tracing::error!(%code, reason, "the producer of dead letters has failed; making a new one");
        match self.config.create_with_context(ProducerContext) {
            Ok(producer) => self.producer = producer,
            // The next dead letter, which this one becomes soon, tries again.
            Err(error) => tracing::error!(%error, "cannot make a new producer of dead letters"),
        }
    }
}

/// The outcome of a dead letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Written,
    Failed,
    /// Refused for good, and nothing took its place.
    Refused,
}

/// The answer to the driver. It is told when it is dropped: it must come, or the record would be
/// waited for without end, even where what the user gave panics.
struct Answer {
    outbox: Outbox,
    partition: TopicPartition,
    epoch: AssignmentEpoch,
    offset: Offset,
    outcome: Outcome,
}

impl Answer {
    /// Waits for the outcome, and tells it.
    async fn tell_of(mut self, outcome: impl Future<Output = Outcome>) {
        self.outcome = outcome.await;
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        let Self {
            partition,
            epoch,
            offset,
            outcome,
            ..
        } = *self;
        self.outbox.tell(match outcome {
            Outcome::Written | Outcome::Failed => Event::DeadLettered {
                partition,
                epoch,
                offset,
                acknowledged: outcome == Outcome::Written,
            },
            Outcome::Refused => Event::DeadLetterRefused {
                partition,
                epoch,
                offset,
            },
        });
    }
}

/// Writes a dead letter, or what takes its place where it is refused for good.
async fn deliver(
    producer: &FutureProducer<ProducerContext>,
    topic: &str,
    message: &Message,
    refused: &RefusedLetters,
) -> Outcome {
    let Err(error) = send(producer, topic, message, Letter::Copy).await else {
        return Outcome::Written;
    };
    let refusal = Refusal::of(&error);
    let (partition, offset) = (message.partition(), message.offset());
    tracing::error!(
        %error, topic, partition, offset, for_good = refusal.is_some(),
        "a dead letter was not written"
    );
    let Some(refusal) = refusal else {
        return Outcome::Failed;
    };
    if refused.pointers && refusal == Refusal::OfContent {
        match send(producer, topic, message, Letter::Pointer).await {
            Ok(()) => return Outcome::Written,
            Err(error) => {
                tracing::error!(%error, topic, partition, offset, "nor was a pointer to it");
            }
        }
    }
    let Some(callback) = &refused.callback else {
        return Outcome::Refused;
    };
    match callback(message.clone()).await {
        Ok(()) => Outcome::Written,
        Err(error) => {
            tracing::error!(%error, topic, partition, offset, "nor did its callback take it");
            Outcome::Refused
        }
    }
}

/// A refusal for good: each time, until the topic or the rights to it change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    /// This content: another one would be taken.
    OfContent,
    /// Anything.
    OfAnything,
}

impl Refusal {
    /// Returns what an error refuses; `None` where it passes by itself.
    fn of(error: &KafkaError) -> Option<Self> {
        use RDKafkaErrorCode as Code;
        match error.rdkafka_error_code()? {
            Code::MessageSizeTooLarge
            | Code::MessageBatchTooLarge
            | Code::InvalidMessageSize
            | Code::InvalidRecord
            | Code::PolicyViolation => Some(Self::OfContent),
            Code::TopicAuthorizationFailed
            | Code::ClusterAuthorizationFailed
            | Code::TransactionalIdAuthorizationFailed
            | Code::InvalidTopic
            | Code::UnknownTopic
            | Code::UnknownPartition
            | Code::UnsupportedForMessageFormat
            | Code::InvalidRequiredAcks
            | Code::InvalidTimestamp => Some(Self::OfAnything),
            _ => None,
        }
    }
}

/// The content of a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Letter {
    /// The message.
    Copy,
    /// Headers that say where the message stands: neither key nor value nor headers of its own.
    Pointer,
}

async fn send(
    producer: &FutureProducer<ProducerContext>,
    topic: &str,
    message: &Message,
    letter: Letter,
) -> KafkaResult<()> {
    let mut record: FutureRecord<'_, [u8], [u8]> =
        FutureRecord::to(topic).headers(headers(message, letter));
    if letter == Letter::Copy {
        if let Some(key) = message.key() {
            record = record.key(key);
        }
        if let Some(payload) = message.payload() {
            record = record.payload(payload);
        }
    }
    match producer.send(record, QUEUE_TIMEOUT).await {
        Ok(_) => Ok(()),
        Err((error, _)) => Err(error),
    }
}

/// Returns the message's own headers where it is copied, then those of the dead letter.
fn headers(message: &Message, letter: Letter) -> OwnedHeaders {
    let own = message.headers().filter(|_| letter == Letter::Copy);
    let own = own.fold(OwnedHeaders::new(), |headers, own| {
        headers.insert(Header {
            key: own.name,
            value: own.value,
        })
    });
    let size = message.payload().map_or(0, <[u8]>::len).to_string();
    let pointer = (letter == Letter::Pointer).then_some(("plimsoll-pointer", size));
    let ours = message.dead_letter_headers().into_iter().chain(pointer);
    ours.fold(own, |headers, (key, value)| {
        headers.insert(Header {
            key,
            value: Some(&value),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Batch;
    use crate::librdkafka::outbox::{self, News};
    use rdkafka::message::Headers;

    #[test]
    fn a_dead_letter_names_its_origin_and_keeps_its_headers() {
        let mut batch = Batch::new("orders".into(), 3);
        batch.push(Offset::new(7), None, Some(b"apple"), None);
        batch.push_header("trace", Some(b"1"));
        batch.push_header("empty", None);
        let record = batch.into_records().remove(0);
        let message = record.payload.for_attempt(2, Some("no stock".into()));
        let headers = headers(&message, Letter::Copy);
        let found: Vec<(&str, Option<&[u8]>)> = headers.iter().map(|h| (h.key, h.value)).collect();
        let expected: [(&str, Option<&[u8]>); 7] = [
            ("trace", Some(b"1")),
            ("empty", None),
            ("plimsoll-topic", Some(b"orders")),
            ("plimsoll-partition", Some(b"3")),
            ("plimsoll-offset", Some(b"7")),
            ("plimsoll-error", Some(b"no stock")),
            ("plimsoll-attempts", Some(b"2")),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn an_answer_is_told_where_the_write_panics() {
        let (outbox, mut inbox) = outbox::channel(Arc::default());
        let answer = Answer {
            outbox,
            partition: TopicPartition::new(0, 3),
            epoch: AssignmentEpoch(1),
            offset: Offset::new(7),
            outcome: Outcome::Failed,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let told = runtime.expect("a runtime").block_on(async {
            let task = tokio::spawn(answer.tell_of(async { panic!("what a callback did") }));
            task.await.expect_err("a panic");
            inbox.next().await
        });
        let News::Event(event, _) = told.expect("an answer") else {
            panic!("an event");
        };
        assert!(matches!(
            event,
            Event::DeadLettered {
                acknowledged: false,
                ..
            }
        ));
    }
}
