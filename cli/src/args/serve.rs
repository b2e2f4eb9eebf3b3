//! The arguments of `plimsoll serve`.

use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// The address of the first broker; the ports of the next ones follow. Port 0: a free one for
    /// each.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:9092", value_parser = address)]
    pub listen: (String, u16),
    /// The host by which clients reach the brokers, where that is another one.
    #[arg(long, value_name = "HOST")]
    pub advertise: Option<String>,
    /// The number of brokers. [default: 1]
    #[arg(
        long,
        value_name = "N",
        conflicts_with = "scenario",
        value_parser = clap::value_parser!(u16).range(1..=16),
    )]
    pub brokers: Option<u16>,
    /// The racks in which the brokers stand (`broker.rack`), dealt out in turn.
    #[arg(long, value_name = "RACK,...", value_delimiter = ',')]
    pub racks: Vec<String>,
    /// Play a scenario: a file, or an embedded one. Its brokers, their settings and its topics are
    /// there, its messages are produced, and its faults happen, all at their times; what it does to
    /// its consumers is told, and left to you.
    #[arg(long, value_name = "FILE|NAME")]
    pub scenario: Option<String>,
    /// The port at the same host for faults and state over HTTP; `GET /` there says what there is.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub http_port: u16,
    /// The seed of all random choices. [default: 0, or the one that the scenario carries]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Form of the line that says where it listens, and of those that say what happens.
    #[arg(long, value_enum, default_value_t = Form::Human)]
    pub format: Form,
}

/// Form of what is printed.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Form {
    /// For people, and for the configuration of clients.
    Human,
    /// For programs: an object a line.
    Json,
}

/// Reads `HOST:PORT`.
fn address(text: &str) -> Result<(String, u16), String> {
    let (host, port) = text
        .rsplit_once(':')
        .ok_or_else(|| "expected HOST:PORT, for example 127.0.0.1:9092".to_owned())?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let port = port.parse().map_err(|_| format!("'{port}' is no port"))?;
    Ok((host.to_owned(), port))
}
