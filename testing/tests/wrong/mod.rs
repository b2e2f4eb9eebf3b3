//! A wrong handler, and a scenario that shows what it loses.

use plimsoll::{HandlerError, Message};
use plimsoll_testing::{Trial, Tried};

/// A member dies right after it has committed, while writes take their time.
pub(crate) const KILLED_AFTER_A_COMMIT: &str = r#"
name = "killed-after-a-commit"

[[topics]]
name = "orders"

[workload]
messages = 30
rate = "10/s"
start = "4s"

[consumers]
members = 2
commit = { interval = "1s" }

[handler]
time = "200ms..800ms"

[[faults]]
when = "commit-accepted"
nth = 2
do = "crash"
member = "triggering"
for = "2s"
"#;

/// Tries a handler that spawns its work, and says that it is done.
pub(crate) fn spawning(trial: Trial) -> Trial<Tried> {
    trial.process(|process| {
        let sink = process.sink();
        move |order: Message| {
            let sink = sink.clone();
            async move {
                tokio::spawn(async move { sink.write(&order).await });
                Ok::<(), HandlerError>(())
            }
        }
    })
}
