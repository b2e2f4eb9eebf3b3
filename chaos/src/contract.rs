//! What a subject is told: where everything is, and every setting by which it is judged.

use crate::names::Names;
use crate::per_member::PerMember;
use plimsoll_oracle::{MemberId, Word as _};
use plimsoll_scenarios::Plan;
use plimsoll_scenarios::scenario::Consumers;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// The variable with the path of the file that has all others.
pub(crate) const FILE: &str = "PLIMSOLL_CONTRACT";

/// The parts of a run from which the words of a member come.
pub(crate) struct Source<'a> {
    pub plan: &'a Plan,
    pub names: &'a Names,
    /// The bootstrap servers of each member.
    pub bootstraps: &'a PerMember<String>,
    /// The base of the sink's URL.
    pub sink: &'a str,
    pub member: MemberId,
}

impl Source<'_> {
    fn consumers(&self) -> &Consumers {
        &self.plan.settings.consumers
    }
}

/// Something that a subject is told by an environment variable.
struct Told {
    variable: &'static str,
    /// The key in a scenario of the setting that it is; `None`: it is a place, and not a setting.
    key: Option<&'static str>,
    /// The function of the value; `None`: the scenario leaves it to the subject.
    value: ValueOf,
}

/// Everything that a subject is told. The README says what each of them means.
const TOLD: &[Told] = &[
    place("KAFKA_BOOTSTRAP_SERVERS", |s| {
        Some(json!(s.bootstraps[s.member]))
    }),
    place("KAFKA_GROUP_ID", |s| Some(json!(s.names.group))),
    place("KAFKA_TOPIC", |s| Some(json!(s.names.topics.join(",")))),
    place("PLIMSOLL_SINK_URL", |s| {
        Some(json!(format!("{}/{}", s.sink, s.member)))
    }),
    place("PLIMSOLL_MEMBER", |s| Some(json!(s.member.to_string()))),
    setting(
        "PLIMSOLL_DEAD_LETTER_TOPIC",
        "consumers.dead_letters",
        |s| {
            let wanted = s.consumers().config.dead_letters;
            wanted.then(|| json!(s.names.dead_letters))
        },
    ),
    setting("KAFKA_GROUP_INSTANCE_ID", "consumers.static_ids", |s| {
        let instance = s.consumers().instance(s.member.0);
        instance.map(|number| json!(MemberId(number).to_string()))
    }),
    setting("KAFKA_AUTO_OFFSET_RESET", "consumers.initial", |s| {
        Some(json!(s.consumers().config.initial.word()))
    }),
    setting(
        "KAFKA_PARTITION_ASSIGNMENT_STRATEGY",
        "consumers.assignor",
        |s| Some(json!(s.consumers().assignor.word())),
    ),
    setting(
        "KAFKA_SESSION_TIMEOUT_MS",
        "consumers.session_timeout",
        |s| Some(millis(s.consumers().session_timeout)),
    ),
    setting("KAFKA_HEARTBEAT_INTERVAL_MS", "consumers.heartbeat", |s| {
        Some(millis(s.consumers().heartbeat))
    }),
    setting(
        "KAFKA_MAX_POLL_INTERVAL_MS",
        "consumers.poll_deadline",
        |s| Some(millis(s.consumers().poll_deadline)),
    ),
    setting(
        "KAFKA_METADATA_MAX_AGE_MS",
        "consumers.metadata_refresh",
        |s| Some(millis(s.consumers().metadata_refresh)),
    ),
    setting(
        "KAFKA_REQUEST_TIMEOUT_MS",
        "consumers.request_timeout",
        |s| Some(millis(s.consumers().request_timeout)),
    ),
    setting(
        "PLIMSOLL_COMMIT_INTERVAL_MS",
        "consumers.commit.interval",
        |s| s.consumers().config.commit.interval.map(millis),
    ),
    setting("PLIMSOLL_COMMIT_EVERY", "consumers.commit.every", |s| {
        s.consumers().config.commit.every.map(Value::from)
    }),
    setting("PLIMSOLL_ATTEMPTS", "consumers.retry.attempts", |s| {
        Some(json!(s.consumers().config.retry.attempts))
    }),
    setting("PLIMSOLL_BACKOFF_MS", "consumers.retry.backoff", |s| {
        Some(millis(s.consumers().config.retry.backoff))
    }),
    setting("PLIMSOLL_MAX_BACKOFF_MS", "consumers.retry.backoff", |s| {
        Some(millis(s.consumers().config.retry.max_backoff))
    }),
    setting("PLIMSOLL_BACKOFF_JITTER", "consumers.retry.jitter", |s| {
        Some(json!(s.consumers().config.retry.jitter))
    }),
    setting("PLIMSOLL_MAX_IN_FLIGHT", "consumers.max_in_flight", |s| {
        Some(json!(s.consumers().config.max_in_flight))
    }),
    setting(
        "PLIMSOLL_HANDLER_DEADLINE_MS",
        "consumers.handler_deadline",
        |s| s.consumers().config.handler_deadline.map(millis),
    ),
    setting("PLIMSOLL_ORDERING", "consumers.ordering", |s| {
        Some(json!(s.consumers().config.ordering.word()))
    }),
    place("PLIMSOLL_SHUTDOWN_WITHIN_MS", |s| {
        Some(millis(s.plan.settings.expect.shutdown_within))
    }),
];

type ValueOf = fn(&Source<'_>) -> Option<Value>;

const fn place(variable: &'static str, value: ValueOf) -> Told {
    Told {
        variable,
        key: None,
        value,
    }
}

const fn setting(variable: &'static str, key: &'static str, value: ValueOf) -> Told {
    Told {
        variable,
        key: Some(key),
        value,
    }
}

/// Returns the keys of the settings that a subject is told.
pub(crate) fn keys() -> impl Iterator<Item = &'static str> {
    TOLD.iter().filter_map(|told| told.key)
}

fn millis(time: Duration) -> Value {
    json!(time.as_millis().max(1) as u64)
}

/// Returns the variables of a member and their values.
pub(crate) fn variables(source: &Source<'_>) -> Map<String, Value> {
    let told = TOLD.iter();
    let told = told.filter_map(|told| Some((told.variable.to_owned(), (told.value)(source)?)));
    told.collect()
}

/// Writes a value as a variable has it: numbers in digits, and texts without quotes.
pub(crate) fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::plan;
    use plimsoll_oracle::Setting;

    /// Lines of `[consumers]`.
    const SETTINGS: &str = r#"
session_timeout = "9s"
commit = { every = 10 }
dead_letters = false
"#;

    fn told(settings: &str) -> Map<String, Value> {
        let plan = plan(1, "", settings);
        let names = Names::new(&plan, "test");
        variables(&Source {
            plan: &plan,
            names: &names,
            bootstraps: &PerMember::new(2, |member| format!("{member}:9092")),
            sink: "http://sink",
            member: MemberId(1),
        })
    }

    #[test]
    fn a_subject_is_told_what_it_is_judged_by() {
        let variables = told(SETTINGS);
        assert_eq!(variables["KAFKA_SESSION_TIMEOUT_MS"], json!(9_000));
        assert_eq!(variables["PLIMSOLL_COMMIT_EVERY"], json!(10));
        assert_eq!(
            variables["PLIMSOLL_SINK_URL"],
            json!("http://sink/consumer-2")
        );
        // What the scenario does not want is not told.
        for absent in [
            "PLIMSOLL_COMMIT_INTERVAL_MS",
            "PLIMSOLL_DEAD_LETTER_TOPIC",
            "KAFKA_GROUP_INSTANCE_ID",
        ] {
            assert_eq!(variables.get(absent), None, "{absent}");
        }
        let wanted = "dead_letters = true\nstatic_ids = true";
        let variables = told(&SETTINGS.replace("dead_letters = false", wanted));
        assert_eq!(variables["KAFKA_GROUP_INSTANCE_ID"], json!("consumer-2"));
        assert!(variables.contains_key("PLIMSOLL_DEAD_LETTER_TOPIC"));
    }

    /// Else nothing could declare what a judgement hangs on.
    #[test]
    fn every_setting_that_judgements_hang_on_is_told() {
        for key in Setting::ALL.iter().flat_map(|setting| setting.keys()) {
            let told = keys().any(|told| told.starts_with(key));
            assert!(told, "{key}");
        }
    }

    #[test]
    fn the_readme_names_every_variable() {
        let readme = std::fs::read_to_string("../README.md");
        let readme = readme.expect("the README can be read");
        let variables = TOLD.iter().map(|told| told.variable);
        for variable in variables.chain([FILE]) {
            assert!(readme.contains(&format!("`{variable}`")), "{variable}");
        }
    }
}
