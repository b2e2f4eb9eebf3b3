//! A consumer beside other work in one process, which stops when the whole process does.
//!
//! What is in flight is finished and committed before the process ends, so the next start repeats
//! nothing.
//!
//! ```sh
//! cargo run -p plimsoll --example shutdown -- localhost:9092 my-topic
//! ```

use plimsoll::{Consumer, HandlerError, Message};
use std::time::Duration;

#[tokio::main]
async fn main() -> Result<(), plimsoll::Error> {
    let mut arguments = std::env::args().skip(1);
    let mut argument = |default: &str| arguments.next().unwrap_or_else(|| default.to_owned());
    let consumer = Consumer::builder()
        .brokers(argument("localhost:9092"))
        .group("plimsoll-shutdown")
        .topics([argument("plimsoll-example")])
        .config(|config| config.shutdown_deadline = Duration::from_secs(10))
        .build()?;

    // Each task that must learn of the end of the process gets a receiver.
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let wait = |mut stopped: tokio::sync::watch::Receiver<bool>| async move {
        // An error means that the sender is gone, which is the end as well.
        let _ = stopped.wait_for(|stop| *stop).await;
    };
    let consumer = tokio::spawn(consumer.run_until(wait(stopped.clone()), handle));
    let other_work = tokio::spawn(wait(stopped));

    plimsoll::shutdown::signal().await;
    let _ = stop.send(true);
    let _ = other_work.await;
    match consumer.await {
        Ok(result) => result,
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}

async fn handle(message: Message) -> Result<(), HandlerError> {
    println!("{} ...", message.offset());
    tokio::time::sleep(Duration::from_millis(500)).await;
    println!("{} done", message.offset());
    Ok(())
}
