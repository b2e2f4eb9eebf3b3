//! Reads from the command line what a run of real processes needs to know.

#[cfg(not(feature = "containers"))]
use super::no_containers;
#[cfg(not(feature = "librdkafka"))]
use super::no_own as own;
#[cfg(feature = "librdkafka")]
use super::own;
use crate::args::{BackendArgs, BrokersName, DeclaredArgs};
use crate::error::CliError;
use crate::{interrupt, progress, shell};
use plimsoll_chaos::{Access, ChaosError, ClusterSource, Reach, SubjectCommand};
pub(crate) use plimsoll_chaos::{Declared, Kafka, Load};
use plimsoll_scenarios::scenario::{BrokerSettings, Cluster, Override};
use plimsoll_scenarios::{BackendError, Plan};
use std::env;
use std::ffi::{OsStr, OsString};
use std::num::NonZeroUsize;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// The choices of a run of real processes: the brokers, and the subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    inner: plimsoll_chaos::Options,
    /// The settings that the subject does as it is told.
    keeps: Vec<String>,
    /// The file that says how the brokers are reached.
    command_config: Option<PathBuf>,
}

impl Options {
    /// Reads them from the arguments; `command` is the subject that stands after `--`, and
    /// `declared` what is said of it.
    ///
    /// # Errors
    /// Where the command does not exist, or no setting has a name that is declared.
    pub(crate) fn of(
        args: &BackendArgs,
        command: &[OsString],
        declared: &DeclaredArgs,
    ) -> Result<Self, CliError> {
        let subject = match command {
            [] => own::subject()?,
            [program, arguments @ ..] => SubjectCommand::External {
                program: find(program)?.into_os_string(),
                arguments: arguments.to_vec(),
            },
        };
        let set = declared.set.iter().map(|set| set.key().to_owned());
        let known = Declared::new(&declared.keeps, set).map_err(|message| {
            let help = "`consumers` stands for all that a subject is told; the README lists it.";
            CliError::usage(message, help)
        })?;
        let inner = plimsoll_chaos::Options {
            subject,
            reach: reach(args)?,
            // The last to be found: no mistake waits for a container engine.
            source: source(args)?,
            declared: known,
        };
        let keeps = declared.keeps.clone();
        Ok(Self {
            inner,
            keeps,
            command_config: args.command_config.clone(),
        })
    }

    /// Returns the program that stands trial instead of the scenarios' subjects, as words for a
    /// shell.
    pub(crate) fn command(&self) -> Option<String> {
        let SubjectCommand::External { program, arguments } = &self.inner.subject else {
            return None;
        };
        let words = std::iter::once(program).chain(arguments);
        let words = words.map(|word| shell::quoted(&word.to_string_lossy()));
        Some(words.collect::<Vec<_>>().join(" "))
    }

    /// Returns what is known of the program that stands trial instead of the scenarios' subjects.
    pub(crate) fn declared(&self) -> Option<&Declared> {
        let is_own = matches!(self.inner.subject, SubjectCommand::Own(_));
        (!is_own).then_some(&self.inner.declared)
    }

    /// Returns the number of schedules that each core carries. With embedded brokers one takes a
    /// second of processor time in twenty, and what its subject takes above that shows: a run begins
    /// only where the machine has room. Brokers in containers would be disturbed by as many.
    pub(crate) const fn for_each_core(&self) -> NonZeroUsize {
        const EMBEDDED: NonZeroUsize = NonZeroUsize::new(16).expect("it is not 0");
        const SHARED: NonZeroUsize = NonZeroUsize::new(4).expect("it is not 0");
        match self.inner.source {
            ClusterSource::Embedded => EMBEDDED,
            ClusterSource::Containers | ClusterSource::Bootstrap { .. } => SHARED,
        }
    }

    /// Returns the place where plans are executed, as words that end a sentence.
    pub(crate) const fn place(&self) -> &'static str {
        match self.inner.source {
            ClusterSource::Embedded => "on embedded brokers",
            ClusterSource::Containers | ClusterSource::Bootstrap { .. } => "on real Kafka",
        }
    }

    /// Returns the end of a command line that chooses the same.
    pub(crate) fn arguments(&self) -> String {
        let mut text = String::from(" --backend kafka");
        match &self.inner.source {
            ClusterSource::Containers => text += " --brokers containers",
            ClusterSource::Embedded => text += " --brokers embedded",
            ClusterSource::Bootstrap { servers, .. } => {
                text += &format!(" --bootstrap {servers}");
            }
        }
        if let Some(file) = &self.command_config {
            let file = shell::quoted(&file.display().to_string());
            text += &format!(" --command-config {file}");
        }
        let Reach { listen, advertised } = &self.inner.reach;
        if self.inner.reach != Reach::default() {
            text += &format!(" --listen {listen} --advertise {advertised}");
        }
        if !self.keeps.is_empty() {
            text += &format!(" --keeps {}", self.keeps.join(","));
        }
        if let Some(command) = self.command() {
            text += &format!(" -- {command}");
        }
        text
    }

    /// Returns the reason why the plan cannot be executed, if there is one, before anything is
    /// started.
    pub(crate) fn refuses(&self, plan: &Plan) -> Option<String> {
        self.inner.refuses(plan).map(|refusal| refusal.reason)
    }

    /// Starts brokers for these plans, or asks those that are there.
    ///
    /// # Errors
    /// Where the environment lacks something.
    pub(crate) fn start(&self, load: Load) -> Result<Kafka, CliError> {
        let waiting = progress::waiting(match &self.inner.source {
            ClusterSource::Containers => "starting a Kafka cluster",
            ClusterSource::Embedded => "starting",
            ClusterSource::Bootstrap { .. } => "asking the Kafka cluster",
        });
        let kafka = Kafka::start(self.inner.clone(), load)?;
        waiting.finish_and_clear();
        let interrupted = kafka.clone();
        interrupt::on_request(move || interrupted.interrupt());
        Ok(kafka)
    }
}

/// Gives a simulated cluster the settings of brokers in containers, where it states none. Returns
/// them as a command line says them.
pub(crate) fn like_containers(cluster: &mut Cluster) -> Vec<Override> {
    if cluster.settings != BrokerSettings::default() {
        return Vec::new();
    }
    cluster.settings = plimsoll_chaos::broker_settings();
    let stated = plimsoll_chaos::stated_settings();
    let stated = stated.map(|(name, value)| format!("cluster.settings.{name}={value}"));
    stated.filter_map(|text| text.parse().ok()).collect()
}

/// Reads where the brokers come from.
fn source(args: &BackendArgs) -> Result<ClusterSource, CliError> {
    match (&args.bootstrap, args.brokers) {
        (Some(servers), _) => Ok(ClusterSource::Bootstrap {
            servers: servers.clone(),
            access: access(args.command_config.as_deref())?,
        }),
        #[cfg(feature = "containers")]
        (None, Some(BrokersName::Containers)) => Ok(ClusterSource::Containers),
        #[cfg(not(feature = "containers"))]
        (None, Some(BrokersName::Containers)) => no_containers::absent(),
        (None, Some(BrokersName::Embedded)) => Ok(ClusterSource::Embedded),
        (None, None) => Ok(ClusterSource::at_hand()?),
    }
}

/// Reads how brokers are reached; without a file, in plain text.
fn access(file: Option<&Path>) -> Result<Access, CliError> {
    let Some(file) = file else {
        return Ok(Access::default());
    };
    Access::read(file).map_err(|mistake| {
        let help = "--command-config takes a file as Kafka's own tools do: lines as in \
                    `security.protocol=SASL_SSL`, `sasl.mechanism=PLAIN`, `sasl.username=alice`, \
                    `sasl.password=...`, `ssl.ca.location=ca.pem`.";
        CliError::usage(mistake, help)
    })
}

/// Reads where subjects find the proxy and the sink.
fn reach(args: &BackendArgs) -> Result<Reach, CliError> {
    let Some(listen) = args.listen else {
        return Ok(Reach::default());
    };
    match &args.advertise {
        None if listen.is_unspecified() => Err(CliError::usage(
            format!("--listen {listen} is every address of this machine, and no subject is at one"),
            "Say with --advertise HOST which one subjects are told: in containers of Docker, \
             host.docker.internal, with `docker run --add-host \
             host.docker.internal:host-gateway`.",
        )),
        advertised => Ok(Reach {
            listen,
            advertised: advertised.clone().unwrap_or_else(|| listen.to_string()),
        }),
    }
}

impl From<ChaosError> for CliError {
    fn from(error: ChaosError) -> Self {
        BackendError::from(error).into()
    }
}

/// Finds the file that a command names: a path, or a name to look up as a shell does.
fn find(program: &OsStr) -> Result<PathBuf, CliError> {
    let path = Path::new(program);
    let found = if path.components().count() > 1 || path.has_root() {
        is_executable(path).then(|| path.to_owned())
    } else {
        let folders = env::var_os("PATH").unwrap_or_default();
        env::split_paths(&folders)
            .map(|folder| folder.join(path))
            .find(|file| is_executable(file))
    };
    found.ok_or_else(|| {
        CliError::usage(
            format!("there is no program `{}`", path.display()),
            "After `--` stands the command that starts one member of the group.",
        )
    })
}

fn is_executable(file: &Path) -> bool {
    file.metadata()
        .is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;
    use plimsoll_scenarios::Scenario;

    #[test]
    fn a_command_line_that_chooses_the_same_names_the_brokers() {
        let again = |brokers| {
            let args = BackendArgs {
                brokers: Some(brokers),
                ..BackendArgs::default()
            };
            let command = [OsString::from("/bin/cat")];
            let options = Options::of(&args, &command, &DeclaredArgs::default());
            options.map(|options| options.arguments())
        };
        let embedded = again(BrokersName::Embedded).expect("it is a choice");
        assert_eq!(embedded, " --backend kafka --brokers embedded -- /bin/cat");
        #[cfg(feature = "containers")]
        assert_eq!(
            again(BrokersName::Containers).expect("it is a choice"),
            " --backend kafka --brokers containers -- /bin/cat"
        );
    }

    #[test]
    fn what_is_said_of_a_cluster_like_containers_makes_it_so() {
        let mut cluster = Cluster::default();
        let stated = like_containers(&mut cluster);
        let text = "[workload]\nmessages = 1\n";
        let scenario = Scenario::parse_with("little.toml", text, &stated);
        let said = scenario.expect("it is right").settings.cluster.settings;
        assert_eq!(said, cluster.settings);
        assert_eq!(like_containers(&mut cluster), []);
    }

    #[test]
    fn every_error_of_real_kafka_has_one_exit_code() {
        let text = || String::from("something");
        for (error, exit) in [
            (ChaosError::Environment(text()), Exit::Environment),
            (ChaosError::Scenario(text()), Exit::Environment),
            (ChaosError::Subject(text()), Exit::Environment),
            (ChaosError::Internal(text()), Exit::Internal),
            (ChaosError::Interrupted, Exit::Interrupted),
        ] {
            assert_eq!(CliError::from(error).exit(), exit);
        }
    }
}
