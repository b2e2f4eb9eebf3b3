//! `plimsoll serve`: a simulated cluster for clients of any kind.

use crate::error::CliError;
use crate::exit::Exit;
use crate::interrupt;
use crate::outcome::Outcome;
use clap::{Args, ValueEnum};
use plimsoll_serve::{Options, Served};
use serde_json::json;
use std::io::Write as _;
use std::thread;
use std::time::Duration;

/// The time between two looks at whether a signal came.
const LOOK: Duration = Duration::from_millis(50);

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// The address of the first broker; the ports of the next ones follow. Port 0: a free one for
    /// each.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:9092", value_parser = address)]
    listen: (String, u16),
    /// The host by which clients reach the brokers, where that is another one.
    #[arg(long, value_name = "HOST")]
    advertise: Option<String>,
    /// The number of brokers.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=16))]
    brokers: u16,
    /// The port at the same host for faults and state over HTTP; `GET /` there says what there is.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    http_port: u16,
    /// The seed of all random choices.
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Form of the line that says where it listens.
    #[arg(long, value_enum, default_value_t = Form::Human)]
    format: Form,
}

/// Form of the line that says where brokers listen.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Form {
    /// For people, and for the configuration of clients.
    Human,
    /// For programs.
    Json,
}

/// Runs `plimsoll serve`, until a signal comes.
///
/// # Errors
/// Where an address is taken.
pub(crate) fn serve(args: &ServeArgs) -> Result<Outcome, CliError> {
    interrupt::listen()?;
    let mut options = Options {
        host: args.listen.0.clone(),
        port: args.listen.1,
        advertised_host: args.advertise.clone(),
        http_port: Some(args.http_port),
        ..Options::default()
    };
    options.cluster.brokers = args.brokers;
    options.cluster.seed = args.seed;
    let served = plimsoll_serve::serve(options).map_err(|error| {
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
        CliError::Environment(format!("{error}{}", cause.unwrap_or_default()))
    })?;
    let mut out = anstream::stdout();
    // A reader that went away wants no more than that.
    let _ = writeln!(out, "{}", line(&served, args.format)).and_then(|()| out.flush());
    while !interrupt::requested() {
        thread::sleep(LOOK);
    }
    Ok(Outcome::new(String::new(), Exit::Met))
}

fn line(served: &Served, form: Form) -> String {
    let (bootstrap, http) = (served.bootstrap(), served.http());
    match (form, http) {
        (Form::Human, Some(http)) => format!("bootstrap.servers={bootstrap}  http://{http}/"),
        (Form::Human, None) => format!("bootstrap.servers={bootstrap}"),
        (Form::Json, _) => {
            let brokers = served.brokers().iter();
            let brokers = brokers.map(|(id, address)| json!({ "id": id.0, "address": address }));
            let http = http.map(|http| format!("http://{http}"));
            json!({
                "bootstrap": bootstrap,
                "brokers": brokers.collect::<Vec<_>>(),
                "http": http,
            })
            .to_string()
        }
    }
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
