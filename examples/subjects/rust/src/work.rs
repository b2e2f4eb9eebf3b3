//! The work that these programs do with a record. In a trial it is a call of Plimsoll's sink, which
//! answers with the outcome; in your program it is whatever your program is for.

use serde_json::json;
use std::env;
use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

/// It failed, and may succeed when it is tried again, unless it is `for_good`.
pub struct Failed {
    pub for_good: bool,
}

/// Does the work of a record.
pub fn work(topic: &str, partition: i32, offset: i64) -> Result<(), Failed> {
    let body = json!({ "topic": topic, "partition": partition, "offset": offset });
    let answered = post(&body.to_string());
    match answered {
        Ok(200) => Ok(()),
        _ => {
            eprintln!("{topic}-{partition}@{offset} failed: {answered:?}");
            let for_good = matches!(answered, Ok(422));
            Err(Failed { for_good })
        }
    }
}

/// Posts a text, and returns the status of the answer. Your program has a client for this.
fn post(body: &str) -> io::Result<u16> {
    let url = env::var("PLIMSOLL_SINK_URL").map_err(io::Error::other)?;
    let rest = url.trim_start_matches("http://");
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let mut stream = TcpStream::connect(host)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let length = body.len();
    write!(
        stream,
        "POST /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: \
         {length}\r\n\r\n{body}"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let status = answer
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    status.ok_or_else(|| io::Error::other("no answer"))
}
