//! What is in the messages that a handler gets.

use plimsoll_scenarios::Plan;
use plimsoll_scenarios::scenario::Fate;
use plimsoll_sim_driver as driver;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

/// A message of the scenario, before it has content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Draft<'a> {
    /// The number of the message in its scenario, from 1.
    pub number: u32,
    /// The number of its key, if it has one.
    pub key: Option<u32>,
    /// The name of its topic.
    pub topic: &'a str,
}

/// The content of a message: its value, and its headers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Content {
    payload: Option<Vec<u8>>,
    headers: Vec<(String, Option<Vec<u8>>)>,
}

impl Content {
    /// Creates content with this value.
    pub fn new(payload: impl Into<Vec<u8>>) -> Self {
        Self {
            payload: Some(payload.into()),
            headers: Vec::new(),
        }
    }

    /// Creates content without a value.
    pub fn tombstone() -> Self {
        Self::default()
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.into(), Some(value.into())));
        self
    }
}

impl<T: Into<Vec<u8>>> From<T> for Content {
    fn from(payload: T) -> Self {
        Self::new(payload)
    }
}

/// The contents that a test gives to the messages of its scenario.
#[derive(Clone)]
pub(crate) struct Messages {
    content: Arc<dyn Fn(Draft<'_>) -> Content + Send + Sync>,
    key: Arc<dyn Fn(u32) -> Vec<u8> + Send + Sync>,
}

impl Messages {
    /// Has messages contain what `content` says.
    pub(crate) fn contain<C: Into<Content>>(
        &mut self,
        content: impl Fn(Draft<'_>) -> C + Send + Sync + 'static,
    ) {
        self.content = Arc::new(move |draft| content(draft).into());
    }

    /// Has keys be what `key` makes of their numbers.
    pub(crate) fn have_keys<K: Into<Vec<u8>>>(
        &mut self,
        key: impl Fn(u32) -> K + Send + Sync + 'static,
    ) {
        self.key = Arc::new(move |number| key(number).into());
    }

    /// Returns the topics of a plan, and what is in their messages.
    pub(crate) fn workload(&self, plan: &Plan) -> driver::Workload {
        let topics = plan.settings.topics.iter();
        let broken = plan.messages.iter();
        let broken = broken.filter(|message| message.fate == Fate::Undecodable);
        let broken: BTreeSet<u32> = broken.map(|message| message.id.0).collect();
        let Self { content, key } = self.clone();
        let contents = move |topic: &str, record: plimsoll_sim::recipes::Payload| {
            let draft = Draft {
                number: record.message.0,
                key: record.key,
                topic,
            };
            let Content { payload, headers } = match broken.contains(&draft.number) {
                true => Content::new(UNDECODABLE),
                false => content(draft),
            };
            driver::Content {
                key: draft.key.map(|number| key(number)),
                payload,
                headers,
            }
        };
        driver::Workload {
            topics: topics.map(|topic| topic.name.as_str().into()).collect(),
            contents: Some(Arc::new(contents)),
        }
    }
}

/// The value of a message that cannot be decoded: no text, and no JSON.
const UNDECODABLE: [u8; 2] = [0xff, 0xfe];

impl Default for Messages {
    fn default() -> Self {
        Self {
            content: Arc::new(|draft| Content::new(format!("{{\"message\":{}}}", draft.number))),
            key: Arc::new(|number| format!("key-{number}").into_bytes()),
        }
    }
}

impl fmt::Debug for Messages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Messages").finish_non_exhaustive()
    }
}
