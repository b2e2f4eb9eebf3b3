//! The consumer over this client, with the settings that the tests choose.

use plimsoll::{Assignor, Config, Driver, Error, Handler, InitialPosition, OutOfRangePolicy};
use plimsoll_native::{Access, NativeClient, Settings};
use std::time::Duration;

/// A consumer that has not begun.
pub(crate) struct Builder {
    settings: Settings,
    config: Config,
    /// What is said of TLS and SASL.
    access: Vec<(String, String)>,
}

/// Returns a consumer that has the defaults.
pub(crate) fn builder(
    brokers: &str,
    group: &str,
    topics: impl IntoIterator<Item = String>,
) -> Builder {
    Builder {
        settings: Settings {
            // Without one, that of the first topic is meant, where there is one topic.
            dead_letter_topic: Some(format!("{group}.dead-letters")),
            ..Settings::new(brokers, group, topics)
        },
        config: Config::default(),
        access: Vec::new(),
    }
}

impl Builder {
    /// Sets a setting of the client, by Kafka's name.
    pub(crate) fn set(mut self, name: &str, value: impl Into<String>) -> Self {
        let value = value.into();
        if ["security.", "ssl.", "sasl."]
            .iter()
            .any(|begin| name.starts_with(begin))
        {
            self.access.push((name.to_owned(), value));
            return self;
        }
        let number: u32 = value.parse().expect("a number");
        let own = &mut self.settings;
        let time = match name {
            "queued.min.messages" => {
                own.prefetch = number;
                return self;
            }
            "queued.max.messages.kbytes" => {
                own.prefetch_bytes = u64::from(number) << 10;
                return self;
            }
            "session.timeout.ms" => &mut own.session_timeout,
            "heartbeat.interval.ms" => &mut own.heartbeat,
            "topic.metadata.refresh.interval.ms" => &mut own.metadata_refresh,
            "fetch.wait.max.ms" => &mut own.fetch_wait_max,
            "max.poll.interval.ms" => &mut own.poll_deadline,
            _ => panic!("no test sets {name}"),
        };
        *time = Duration::from_millis(number.into());
        self
    }

    pub(crate) fn assignor(mut self, assignor: Assignor) -> Self {
        use plimsoll_native::Assignor as Own;
        self.settings.assignor = match assignor {
            Assignor::CooperativeSticky => Own::CooperativeSticky,
            Assignor::Range => Own::Range,
            Assignor::RoundRobin => Own::RoundRobin,
            _ => panic!("no test uses {assignor:?}"),
        };
        self
    }

    pub(crate) fn instance_id(mut self, name: &str) -> Self {
        self.settings.instance = Some(name.to_owned());
        self
    }

    pub(crate) fn config(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(&mut self.config);
        self
    }

    pub(crate) fn commit_interval(mut self, interval: Duration) -> Self {
        self.config.commit.interval = Some(interval);
        self
    }

    pub(crate) fn start_at(mut self, position: InitialPosition) -> Self {
        self.config.initial = position;
        self
    }

    pub(crate) fn out_of_range(mut self, policy: OutOfRangePolicy) -> Self {
        self.config.out_of_range = policy;
        self
    }

    pub(crate) fn attempts(mut self, attempts: u32) -> Self {
        self.config.retry.attempts = attempts;
        self
    }

    pub(crate) fn without_dead_letters(mut self) -> Self {
        self.config.dead_letters = false;
        self
    }

    pub(crate) fn build(mut self) -> Result<Built, plimsoll_native::SettingError> {
        self.settings.access = Access::of(self.access).expect("known words");
        Ok(Built {
            client: NativeClient::new(self.settings)?,
            config: self.config,
        })
    }
}

/// A consumer that has all that it needs.
pub(crate) struct Built {
    client: NativeClient,
    config: Config,
}

impl Built {
    pub(crate) async fn run_until(
        self,
        shutdown: impl Future<Output = ()>,
        handler: impl Handler,
    ) -> Result<(), Error> {
        let driver = Driver::new(self.client, handler, self.config);
        Ok(driver.run(shutdown).await?)
    }
}
