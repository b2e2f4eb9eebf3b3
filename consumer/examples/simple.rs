//! The shortest correct consumer: prints each message.
//!
//! ```sh
//! cargo run -p plimsoll --example simple -- localhost:9092 my-group my-topic
//! ```

use plimsoll::{Consumer, HandlerError, Message};

#[tokio::main]
async fn main() -> Result<(), plimsoll::Error> {
    let mut arguments = std::env::args().skip(1);
    let mut argument = |default: &str| arguments.next().unwrap_or_else(|| default.to_owned());
    let consumer = Consumer::builder()
        .brokers(argument("localhost:9092"))
        .group(argument("plimsoll-example"))
        .topics([argument("plimsoll-example")]);
    consumer.run(print).await
}

async fn print(message: Message) -> Result<(), HandlerError> {
    // A message that is not text will never be: it goes to the dead-letter topic.
    let text =
        str::from_utf8(message.payload().unwrap_or_default()).map_err(HandlerError::permanent)?;
    println!(
        "{} [{}] {}: {text}",
        message.topic(),
        message.partition(),
        message.offset()
    );
    Ok(())
}
