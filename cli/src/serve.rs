//! `plimsoll serve`: a simulated cluster for clients of any kind.

use crate::error::CliError;
use crate::exit::Exit;
use crate::outcome::Outcome;
use crate::{interrupt, library};
use clap::{Args, ValueEnum};
use plimsoll_scenarios::Plan;
use plimsoll_serve::{Entry, Options, Served};
use serde_json::json;
use std::io::{self, Write};
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
    /// The number of brokers. [default: 1]
    #[arg(
        long,
        value_name = "N",
        conflicts_with = "scenario",
        value_parser = clap::value_parser!(u16).range(1..=16),
    )]
    brokers: Option<u16>,
    /// Play a scenario: a file, or an embedded one. Its brokers, their settings and its topics are
    /// there, its messages are produced, and its faults happen, all at their times; what it does to
    /// its consumers is told, and left to you.
    #[arg(long, value_name = "FILE|NAME")]
    scenario: Option<String>,
    /// The port at the same host for faults and state over HTTP; `GET /` there says what there is.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    http_port: u16,
    /// The seed of all random choices. [default: 0, or the one that the scenario carries]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Form of the line that says where it listens, and of those that say what happens.
    #[arg(long, value_enum, default_value_t = Form::Human)]
    format: Form,
}

/// Form of what is printed.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Form {
    /// For people, and for the configuration of clients.
    Human,
    /// For programs: an object a line.
    Json,
}

/// Runs `plimsoll serve`, until a signal comes.
///
/// # Errors
/// Where an address is taken, or the scenario has a mistake.
pub(crate) fn serve(args: &ServeArgs) -> Result<Outcome, CliError> {
    interrupt::listen()?;
    let served = plimsoll_serve::serve(options(args)?).map_err(|error| {
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
        CliError::Environment(format!("{error}{}", cause.unwrap_or_default()))
    })?;
    let mut out = anstream::stdout();
    // A reader that went away wants no more than that.
    let mut is_read = say(&mut out, &line(&served, args.format)).is_ok();
    let mut next = 0;
    while !interrupt::requested() {
        for entry in served.trace(next) {
            next = entry.number + 1;
            is_read = is_read && tell(&mut out, &entry, args.format).is_ok();
        }
        thread::sleep(LOOK);
    }
    Ok(Outcome::new(String::new(), Exit::Met))
}

/// Returns the options that the command line asks for.
fn options(args: &ServeArgs) -> Result<Options, CliError> {
    let mut options = match &args.scenario {
        Some(name) => {
            let scenario = library::load_one(name)?.scenario;
            let seed = args.seed.or(scenario.seed).unwrap_or(0);
            Options::of(Plan::draw(&scenario, seed))
        }
        None => {
            let mut options = Options::default();
            options.cluster.brokers = args.brokers.unwrap_or(1);
            options.cluster.seed = args.seed.unwrap_or(0);
            options
        }
    };
    (options.host, options.port) = args.listen.clone();
    options.advertised_host = args.advertise.clone();
    options.http_port = Some(args.http_port);
    Ok(options)
}

/// Tells what happened, where it is worth a line.
fn tell(out: &mut impl Write, entry: &Entry, form: Form) -> io::Result<()> {
    if !entry.event.is_rare() {
        return Ok(());
    }
    match form {
        Form::Human => {
            let seconds = entry.at.since_start().as_secs_f64();
            say(out, &format!("{seconds:>8.3} s  {}", entry.event))
        }
        Form::Json => say(out, &serde_json::to_string(entry)?),
    }
}

fn say(out: &mut impl Write, line: &str) -> io::Result<()> {
    writeln!(out, "{line}")?;
    out.flush()
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
