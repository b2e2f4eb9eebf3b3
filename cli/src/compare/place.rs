//! The places of a comparison: what is tried in each, and on which terms.

use crate::args::{BackendArgs, BrokersName, CompareArgs, PlaceName, SeedRange};
use crate::backend::{Choice, StartedBackend};
use crate::error::CliError;
use crate::kafka::{Load, like_containers};
use crate::selection::{self, Selection, Wanted};
use crate::trial::Expectation;
use plimsoll_scenarios::Subject;

/// A place, and what is tried there.
#[derive(Debug)]
pub(crate) struct Place {
    /// Its name.
    pub name: PlaceName,
    /// The backend that executes plans there.
    pub choice: Choice,
    /// The consumer that is tried there, where it is no command.
    subject: Option<Subject>,
    /// The number of seeds.
    pub seeds: u64,
}

/// The places of a comparison.
#[derive(Debug)]
pub(crate) struct Places {
    /// Those in which the consumer can be tried, in the order of the command line.
    pub places: Vec<Place>,
    /// Those in which it cannot, each with the reason.
    pub left_out: Vec<(PlaceName, &'static str)>,
}

impl Places {
    /// Reads them from the arguments.
    ///
    /// # Errors
    /// Where arguments do not go together, and where fewer than two places are left.
    pub(crate) fn of(args: &CompareArgs) -> Result<Self, CliError> {
        let mut found = Self {
            places: Vec::new(),
            left_out: Vec::new(),
        };
        for (index, &name) in args.places.iter().enumerate() {
            if args.places[..index].contains(&name) {
                continue;
            }
            match subject(args, name) {
                Ok(subject) => found.places.push(Place {
                    name,
                    choice: choice(args, name)?,
                    subject,
                    seeds: args.seeds_in(name),
                }),
                Err(why) => found.left_out.push((name, why)),
            }
        }
        if found.places.len() < 2 {
            let left_out = found.left_out.iter();
            let left_out = left_out.map(|(name, why)| format!("\n{}: {why}", name.word()));
            return Err(CliError::usage(
                format!(
                    "there are not two places to compare{}",
                    left_out.collect::<String>()
                ),
                "--places names them: sim, driver, turmoil, embedded, containers.",
            ));
        }
        Ok(found)
    }
}

impl Place {
    /// Returns the trials of this place. Simulated brokers have the settings of those in containers,
    /// as embedded ones do.
    ///
    /// # Errors
    /// As [`selection::select`].
    pub(crate) fn select(&self, args: &CompareArgs) -> Result<Selection, CliError> {
        let wanted = Wanted {
            paths: &args.paths,
            seeds: SeedRange {
                from: 0,
                to: self.seeds,
            },
            subject: self.subject,
            set: &args.trying.declared.set,
        };
        let mut selection = selection::select(wanted, &self.choice)?;
        for trial in &mut selection.trials {
            // An expected violation is one to compare, as any other.
            trial.expectation = Expectation::Open;
            if matches!(self.choice, Choice::Sim | Choice::Turmoil) {
                let stated = like_containers(&mut trial.scenario.settings.cluster);
                trial.set.extend(stated);
            }
        }
        Ok(selection)
    }

    /// Starts what executes plans here. In the simulator a recipe that stands for the program of
    /// `places` is judged as that is.
    ///
    /// # Errors
    /// Where the environment lacks something.
    pub(crate) fn start(&self, load: Load, places: &[Self]) -> Result<StartedBackend, CliError> {
        let program = places.iter().find_map(|place| place.choice.declared());
        match (&self.choice, program) {
            (Choice::Sim, Some(program)) => Ok(StartedBackend::in_place_of(program.clone())),
            (choice, _) => choice.start(load),
        }
    }
}

/// Returns the consumer that is tried in a place, where it is no command, or the reason why there is
/// nothing to try.
fn subject(args: &CompareArgs, place: PlaceName) -> Result<Option<Subject>, &'static str> {
    let is_program = !args.command.is_empty();
    match (place, args.subject) {
        (PlaceName::Sim, Some(subject)) => Ok(Some(subject)),
        (PlaceName::Sim, None) if is_program => {
            Err("it runs no program; --subject names what stands for it there")
        }
        (PlaceName::Sim, None) => Ok(Some(Subject::Plimsoll)),
        (PlaceName::Driver | PlaceName::Turmoil, None | Some(Subject::Plimsoll)) if !is_program => {
            Ok(Some(Subject::PlimsollDriver))
        }
        (PlaceName::Driver | PlaceName::Turmoil, _) => {
            Err("it is a part of Plimsoll's own consumer")
        }
        (PlaceName::Embedded | PlaceName::Containers, subject) => match subject {
            _ if is_program => Ok(None),
            None | Some(Subject::Plimsoll) => Ok(Some(Subject::Plimsoll)),
            Some(_) => Err("it has no recipes; a command after `--` is tried there"),
        },
    }
}

/// Returns what executes plans in a place.
fn choice(args: &CompareArgs, place: PlaceName) -> Result<Choice, CliError> {
    let brokers = match place {
        PlaceName::Sim | PlaceName::Driver => return Ok(Choice::Sim),
        PlaceName::Turmoil => return Ok(Choice::Turmoil),
        PlaceName::Embedded => BrokersName::Embedded,
        PlaceName::Containers => BrokersName::Containers,
    };
    let backend = BackendArgs {
        brokers: Some(brokers),
        ..BackendArgs::default()
    };
    Choice::of(&backend, &args.command, &args.trying.declared)
}
