//! Where the brokers are that scripts run against.

use plimsoll_harness::{Need, broker, engine};
use std::sync::OnceLock;

/// Brokers, at an address that the environment names or in containers.
pub(crate) static BROKERS: Need = engine(|| match broker() {
    Some(_) => Ok(()),
    None => containers::can_start(),
});

/// Returns their address, and starts them where they are not there yet.
pub(crate) fn bootstrap() -> &'static str {
    static ADDRESS: OnceLock<String> = OnceLock::new();
    ADDRESS.get_or_init(|| broker().unwrap_or_else(containers::start))
}

pub(crate) use containers::shut_down;

#[cfg(feature = "kafka")]
mod containers {
    use plimsoll_chaos::{
        ClusterSource, Declared, Kafka, Load, Options, Reach, SubjectCommand, engine_for_tests,
    };
    use std::sync::{Mutex, PoisonError};

    static KAFKA: Mutex<Option<Kafka>> = Mutex::new(None);

    pub(super) fn can_start() -> Result<(), String> {
        engine_for_tests()
    }

    pub(super) fn start() -> String {
        let options = Options {
            source: ClusterSource::Containers,
            subject: SubjectCommand::Own("unused".into()),
            declared: Declared::default(),
            reach: Reach::default(),
        };
        let kafka = Kafka::start(options, Load::default()).expect("the brokers start");
        let bootstrap = kafka.bootstrap().expect("a cluster of all");
        *KAFKA.lock().unwrap_or_else(PoisonError::into_inner) = Some(kafka);
        // Scripts begin at one address, and ask it for the others.
        let (first, _) = bootstrap.split_once(',').expect("brokers");
        first.to_owned()
    }

    /// Removes the containers that were started.
    pub(crate) fn shut_down() {
        let kafka = KAFKA.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(kafka) = kafka {
            kafka.shut_down();
        }
    }
}

#[cfg(not(feature = "kafka"))]
mod containers {
    pub(super) fn can_start() -> Result<(), String> {
        Err("PLIMSOLL_TEST_BOOTSTRAP names no broker, and the feature kafka is off".into())
    }

    pub(super) fn start() -> String {
        unreachable!("a test without brokers is not run")
    }

    pub(crate) fn shut_down() {}
}
