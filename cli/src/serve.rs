//! `plimsoll serve`: a simulated cluster for clients of any kind.

use crate::args::{Form, ServeArgs};
use crate::error::CliError;
use crate::exit::Exit;
use crate::outcome::Outcome;
use crate::{interrupt, library};
use plimsoll_scenarios::Plan;
use plimsoll_serve::{Entry, Options, Served};
use serde_json::json;
use std::io::{self, Write};
use std::thread;
use std::time::Duration;

/// The time between two looks at whether a signal came.
const LOOK: Duration = Duration::from_millis(50);

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
    options.cluster.racks = args.racks.clone();
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
