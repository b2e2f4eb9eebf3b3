//! A client with something that looks on as it and the driver speak.

use crate::{ClientError, GroupClient, Message};
use plimsoll_core::{Command, Event, NextOffset, PartitionStatus, TopicPartition};

/// An onlooker of what a client and the driver say, which changes nothing of it.
pub trait Watch: Send {
    /// Sees an event, before the driver has it.
    fn see_event(&mut self, client: &impl GroupClient, event: &Event<Message>);

    /// Sees a command, before the client has it.
    fn see_command(&mut self, client: &impl GroupClient, command: &Command<Message>);
}

/// A client that is [watched](Watch).
#[derive(Debug)]
pub struct Watched<C, W> {
    client: C,
    watch: W,
}

impl<C: GroupClient, W: Watch> Watched<C, W> {
    /// Has a client watched.
    pub fn new(client: C, watch: W) -> Self {
        Self { client, watch }
    }
}

// A method that is not forwarded would answer for the client, with the default of the trait.
#[deny(clippy::missing_trait_methods)]
impl<C: GroupClient, W: Watch> GroupClient for Watched<C, W> {
    async fn next_event(&mut self) -> Result<Option<Event<Message>>, ClientError> {
        let event = self.client.next_event().await?;
        if let Some(event) = &event {
            self.watch.see_event(&self.client, event);
        }
        Ok(event)
    }

    fn submit(&mut self, command: Command<Message>) {
        self.watch.see_command(&self.client, &command);
        self.client.submit(command);
    }

    fn group(&self) -> &str {
        self.client.group()
    }

    fn topic(&self, number: u32) -> Option<&str> {
        self.client.topic(number)
    }

    fn ask_log_ends(&mut self, partitions: Vec<PartitionStatus>) {
        self.client.ask_log_ends(partitions);
    }

    fn high_watermark(&self, partition: TopicPartition) -> Option<NextOffset> {
        self.client.high_watermark(partition)
    }

    fn is_unavailable(&self, topic: u32) -> bool {
        self.client.is_unavailable(topic)
    }

    fn is_group_unavailable(&self) -> bool {
        self.client.is_group_unavailable()
    }

    fn is_failing(&self, partition: TopicPartition) -> bool {
        self.client.is_failing(partition)
    }
}

#[cfg(test)]
mod tests {
    use super::{Watch, Watched};
    use crate::{ClientError, GroupClient, Message};
    use plimsoll_core::{Command, Event, NextOffset, PartitionStatus, TopicPartition};
    use std::sync::{Arc, Mutex};

    const P: TopicPartition = TopicPartition::new(0, 0);

    /// The sayings of both sides, in order.
    #[derive(Clone, Default)]
    struct Notes(Arc<Mutex<Vec<&'static str>>>);

    impl Notes {
        fn note(&self, what: &'static str) {
            self.0.lock().unwrap().push(what);
        }
    }

    impl Watch for Notes {
        fn see_event(&mut self, client: &impl GroupClient, event: &Event<Message>) {
            assert_eq!((client.group(), event), ("other", &Event::Shutdown));
            self.note("an event is seen");
        }

        fn see_command(&mut self, client: &impl GroupClient, command: &Command<Message>) {
            assert_eq!((client.group(), command), ("other", &Command::Close));
            self.note("a command is seen");
        }
    }

    /// A client that answers each question otherwise than the trait does where nothing is said.
    struct Other(Notes);

    impl GroupClient for Other {
        async fn next_event(&mut self) -> Result<Option<Event<Message>>, ClientError> {
            self.0.note("an event is told");
            Ok(Some(Event::Shutdown))
        }

        fn submit(&mut self, _: Command<Message>) {
            self.0.note("a command is taken");
        }

        fn group(&self) -> &str {
            "other"
        }

        fn topic(&self, number: u32) -> Option<&str> {
            (number == P.topic).then_some("orders")
        }

        fn ask_log_ends(&mut self, _: Vec<PartitionStatus>) {
            self.0.note("the ends of logs are asked for");
        }

        fn high_watermark(&self, _: TopicPartition) -> Option<NextOffset> {
            Some(NextOffset::ZERO)
        }

        fn is_unavailable(&self, _: u32) -> bool {
            true
        }

        fn is_group_unavailable(&self) -> bool {
            true
        }

        fn is_failing(&self, _: TopicPartition) -> bool {
            true
        }
    }

    #[tokio::test]
    async fn each_question_reaches_the_client() {
        let notes = Notes::default();
        let mut watched = Watched::new(Other(notes.clone()), notes.clone());
        assert_eq!(watched.topic(P.topic), Some("orders"));
        assert_eq!(watched.high_watermark(P), Some(NextOffset::ZERO));
        assert!(watched.is_unavailable(P.topic));
        assert!(watched.is_group_unavailable());
        assert!(watched.is_failing(P));
        watched.ask_log_ends(Vec::new());
        let event = watched.next_event().await.expect("it is no failure");
        assert_eq!(event, Some(Event::Shutdown));
        watched.submit(Command::Close);
        let noted = std::mem::take(&mut *notes.0.lock().unwrap());
        let order = [
            "the ends of logs are asked for",
            "an event is told",
            "an event is seen",
            "a command is seen",
            "a command is taken",
        ];
        assert_eq!(noted, order);
    }
}
