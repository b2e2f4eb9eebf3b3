//! The arguments of `plimsoll compare`.

use super::TryingArgs;
use super::values::subjects;
use clap::{Args, ValueEnum};
use plimsoll_scenarios::Subject;
use std::ffi::OsString;
use std::str::FromStr;

/// The text of `plimsoll compare --help` behind the options.
pub(crate) const HELP: &str = "\
What differs:
  Every place judges by the same settings: with a command, by those that --keeps and --set declare
  of it, also where a recipe stands for it. All brokers have the settings of those in containers,
  where the scenario states none. Then a promise of a scenario
  - differs where real processes break it and the simulator never does;
  - differs where one place breaks it, another keeps it, and that is no chance: if the runs of both
    that show it were shared out anew, all that break it would fall to one place in less than 5 %
    of cases (Fisher's exact test, one-sided);
  - is not told apart where more seeds would have to say which it is;
  - is not observed where no run of a place could show it;
  - else agrees.

Exit codes:
   0  no promise differs
   1  a promise differs, or Plimsoll itself failed
   2  the command or a scenario has a mistake
   3  the environment lacks something, or a schedule has no verdict
 130  interrupted (Ctrl-C, SIGTERM, SIGHUP), and nothing was found by then";

#[derive(Debug, Args)]
pub(crate) struct CompareArgs {
    /// Scenario files, folders of them, or names of embedded scenarios (see `plimsoll list`).
    #[arg(value_name = "FILE|DIR|NAME", default_values = ["quick", "recipes"])]
    pub paths: Vec<String>,
    /// The places, separated by commas, in the order of the table.
    #[arg(
        long, value_name = "PLACE", value_enum, value_delimiter = ',',
        default_values_t = [PlaceName::Sim, PlaceName::Embedded]
    )]
    pub places: Vec<PlaceName>,
    /// Number of seeds, from 0 on, in every place or in one (`embedded=5`), separated by commas.
    /// [default: 100 in the simulator, 20 under turmoil, 1 in real time]
    #[arg(long, value_name = "[PLACE=]N", value_delimiter = ',')]
    pub seeds: Vec<SeedsIn>,
    /// The consumer to try where it is no command: in the simulator, what stands for the command.
    /// [default: plimsoll, and none for a command]
    #[arg(long, value_name = "NAME", value_parser = subjects())]
    pub subject: Option<Subject>,
    /// The consumer to try in real time: any program; it is started once for each member.
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
    #[command(flatten)]
    pub trying: TryingArgs,
}

impl CompareArgs {
    /// Returns the number of seeds in a place: what is said last counts.
    pub(crate) fn seeds_in(&self, place: PlaceName) -> u64 {
        let stated = self.seeds.iter().rev();
        let mut stated = stated.filter(|seeds| seeds.place.is_none_or(|named| named == place));
        stated
            .next()
            .map_or(place.default_seeds(), |seeds| seeds.number)
    }
}

/// A place in which a consumer can be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PlaceName {
    /// The simulator.
    Sim,
    /// The simulator, with the driver that Plimsoll's own consumer has in production.
    Driver,
    /// The consumer as in production, in simulated time, over a simulated network.
    Turmoil,
    /// Real processes, on the simulator's brokers, which this program serves.
    Embedded,
    /// Real processes, on Apache Kafka in containers.
    Containers,
}

impl PlaceName {
    /// Returns its word on the command line.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Sim => "sim",
            Self::Driver => "driver",
            Self::Turmoil => "turmoil",
            Self::Embedded => "embedded",
            Self::Containers => "containers",
        }
    }

    /// Returns whether its consumers are real processes.
    pub(crate) const fn is_real(self) -> bool {
        matches!(self, Self::Embedded | Self::Containers)
    }

    const fn default_seeds(self) -> u64 {
        match self {
            Self::Sim | Self::Driver => 100,
            Self::Turmoil => 20,
            Self::Embedded | Self::Containers => 1,
        }
    }
}

/// The number of seeds in one place, or in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SeedsIn {
    place: Option<PlaceName>,
    number: u64,
}

impl FromStr for SeedsIn {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (place, number) = match text.split_once('=') {
            Some((place, number)) => (Some(PlaceName::from_str(place, false)?), number),
            None => (None, text),
        };
        match number.parse() {
            Ok(number) if number > 0 => Ok(Self { place, number }),
            _ => Err("expected a number of seeds as in 3, or that of a place as in sim=100".into()),
        }
    }
}
