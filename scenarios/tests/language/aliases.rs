//! What a file may say instead of the language's own words.

use plimsoll_scenarios::Scenario;

#[track_caller]
fn assert_same(one: &str, other: &str) {
    let parse = |text| match Scenario::parse("same.toml", text) {
        Ok(scenario) => scenario,
        Err(error) => panic!("{:?}", miette::Report::new(error)),
    };
    assert_eq!(parse(one), parse(other));
}

#[test]
fn kafkas_names_of_consumer_settings() {
    assert_same(
        r#"
            [consumers]
            group.id = "billing"
            session.timeout.ms = 12000
            "heartbeat.interval.ms" = "2s"
            max.poll.interval.ms = 90_000
            fetch.max.wait.ms = 500
            request.timeout.ms = 20000
            retry.backoff.ms = 200
            metadata.max.age.ms = 60000
            partition.assignment.strategy = "cooperative-sticky"
            auto.offset.reset = "latest"
            auto.commit.interval.ms = 1000
        "#,
        r#"
            [consumers]
            group = "billing"
            session_timeout = "12s"
            heartbeat = "2s"
            poll_deadline = "90s"
            fetch_wait_max = "500ms"
            request_timeout = "20s"
            retry_backoff = "200ms"
            metadata_refresh = "1m"
            assignor = "cooperative-sticky"
            initial = "latest"
            commit = { interval = "1s" }
        "#,
    );
}

#[test]
fn a_commit_interval_by_itself() {
    assert_same(
        "consumers.commit = \"2s\"",
        "consumers.commit = { interval = \"2s\" }",
    );
}

#[test]
fn units_of_time_by_their_names() {
    for (long, short) in [
        ("10 sec", "10s"),
        ("5 minutes", "5m"),
        ("1 hour 2 mins", "1h 2m"),
        ("250 milliseconds", "250ms"),
    ] {
        assert_same(
            &format!("expect.liveness_within = \"{long}\""),
            &format!("expect.liveness_within = \"{short}\""),
        );
    }
}
