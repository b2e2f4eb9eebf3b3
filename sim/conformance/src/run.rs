//! Runs a script against a broker.

use crate::answer::{Variables, normalise, with_variables};
use crate::client::{Answer, Client};
use crate::known::Difference;
use crate::schema::Schema;
use crate::script::{Expected, Request, Script, Statement, What, is_made};
use crate::tree::{self, Fields, Tree};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The longest wait for an answer: longer than what any request of a script asks brokers to wait.
const ANSWERED: Duration = Duration::from_secs(30);

/// The time for which no answer must come where none is expected.
const NOTHING: Duration = Duration::from_millis(300);

/// The pause before something is asked again.
const AGAIN: Duration = Duration::from_millis(50);

/// The number of names that are tried for a group which the broker at hand is to coordinate.
const NAMES: usize = 40;

/// What a script has shown.
pub(crate) struct Shown {
    pub(crate) steps: usize,
    pub(crate) kinds: BTreeSet<String>,
    pub(crate) differences: Vec<Difference>,
    /// The lines of the script with the answers that came, where they were to be updated.
    pub(crate) lines: Vec<String>,
}

/// The manner in which a script is run.
#[derive(Clone, Copy)]
pub(crate) struct Manner {
    /// Whether an answer that differs is no difference, but goes into the lines.
    pub(crate) updates: bool,
    /// The time after which an answer that is expected to come eventually should have come.
    pub(crate) patience: Duration,
}

/// Runs a script to its end, whatever differs on the way.
///
/// # Errors
/// Where it could not begin.
pub(crate) fn run(
    schema: &Schema,
    bootstrap: &str,
    script: &Script,
    manner: Manner,
) -> Result<Shown, Start> {
    let mut run = Run::start(schema, bootstrap, script, manner)?;
    let mut lines = Vec::new();
    let mut copied = 0;
    let mut differences = Vec::new();
    for statement in &script.statements {
        if let What::Requires { setting, value } = &statement.what {
            run.require(setting, value)?;
            continue;
        }
        match run.statement(statement) {
            Ok(None) => {}
            Ok(Some(text)) if manner.updates => {
                lines.extend_from_slice(&script.lines[copied..statement.lines.start]);
                lines.extend(text.lines().map(str::to_owned));
                copied = statement.lines.end;
            }
            Ok(Some(came)) | Err(came) => differences.push(Difference {
                line: statement.lines.start + 1,
                came,
                expected: script.lines[statement.lines.clone()].join("\n"),
            }),
        }
    }
    run.tidy_up();
    lines.extend_from_slice(&script.lines[copied..]);
    Ok(Shown {
        steps: run.steps,
        kinds: run.kinds,
        differences,
        lines,
    })
}

/// Why a script could not begin.
pub(crate) enum Start {
    /// The brokers have not the setting that it requires.
    Unfit(String),
    /// No broker could be asked.
    Failed(String),
}

impl From<String> for Start {
    fn from(text: String) -> Self {
        Self::Failed(text)
    }
}

struct Run<'a> {
    schema: &'a Schema,
    script: &'a Script,
    manner: Manner,
    /// The one broker that is asked, as its cluster calls it.
    address: String,
    own: Client<'a>,
    tag: String,
    variables: Variables,
    /// The names that could not be made, and why.
    unmade: BTreeMap<String, String>,
    clients: BTreeMap<String, Connected<'a>>,
    steps: usize,
    kinds: BTreeSet<String>,
}

/// A connection of a script, and its requests without an answer; `None`: it could not be sent.
struct Connected<'a> {
    client: Client<'a>,
    unanswered: VecDeque<Option<Request>>,
}

impl<'a> Run<'a> {
    fn start(
        schema: &'a Schema,
        bootstrap: &str,
        script: &'a Script,
        manner: Manner,
    ) -> Result<Self, String> {
        let mut own = Client::open(schema, bootstrap, "conformance")?;
        let metadata = Tree::Fields(own.ask("Metadata", 9, "")?);
        let first = metadata
            .get("Brokers")
            .and_then(|brokers| brokers.elements().first());
        let word = |field: &str| first?.get(field)?.as_word();
        let (Some(id), Some(host), Some(port)) = (word("NodeId"), word("Host"), word("Port"))
        else {
            return Err(format!("{bootstrap} names no broker in its metadata"));
        };
        let address = format!("{host}:{port}");
        Ok(Self {
            own: Client::open(schema, &address, "conformance")?,
            variables: Variables::new(id),
            schema,
            script,
            manner,
            address,
            tag: tag(script),
            unmade: BTreeMap::new(),
            clients: BTreeMap::new(),
            steps: 0,
            kinds: BTreeSet::new(),
        })
    }

    /// Does what a statement says, and returns the answer that came, where that differs.
    fn statement(&mut self, statement: &Statement) -> Result<Option<String>, String> {
        match &statement.what {
            What::Requires { .. } => {}
            What::Topic { name, fields } => self.create(name, fields)?,
            What::Wait(time) => thread::sleep(*time),
            What::Send(connection, request) => {
                self.steps += 1;
                self.kinds.insert(request.kind.clone());
                if let Err(text) = self.send(connection, request) {
                    self.connected(connection)?.unanswered.push_back(None);
                    return Err(text);
                }
            }
            What::Raw(connection, bytes) => {
                self.steps += 1;
                self.connected(connection)?.client.send_raw(bytes)?;
            }
            What::Close(connection) => {
                self.clients.remove(connection);
            }
            What::Expect(connection, expected) => {
                if self.could_not_ask(connection) {
                    return Ok(None);
                }
                let got = self.expect(connection, expected)?;
                return Ok(self.compare(statement, got));
            }
        }
        Ok(None)
    }

    /// Returns whether the request whose turn it is could not be sent, which was a difference.
    fn could_not_ask(&mut self, connection: &str) -> bool {
        let connected = self.clients.get_mut(connection);
        let waiting = connected.map(|connected| &mut connected.unanswered);
        match waiting {
            Some(waiting) if matches!(waiting.front(), Some(None)) => {
                waiting.pop_front();
                true
            }
            _ => false,
        }
    }

    fn send(&mut self, connection: &str, request: &Request) -> Result<(), String> {
        self.make_names(&request.fields)?;
        let mut request = request.clone();
        request.fields = self.variables.replace(&request.fields)?;
        self.connected(connection)?.send(request)
    }

    /// Returns what came, as a script says it.
    fn expect(&mut self, connection: &str, wants: &Expected) -> Result<String, String> {
        let none = Fields::new();
        let (within, expected) = match wants {
            Expected::Answer(expected) => (ANSWERED, expected.as_ref().unwrap_or(&none)),
            Expected::Nothing => (NOTHING, &none),
            Expected::Answered | Expected::Closed => (ANSWERED, &none),
        };
        let wanted = tree::write(&format!("{connection}<"), expected);
        let end = Instant::now() + self.manner.patience;
        if matches!(wants, Expected::Answer(_)) {
            // After an answer that differs, the request may be one of a connection that is gone.
            match self.clients.get(connection) {
                None => return Ok(format!("{connection}< (closed)")),
                Some(asked) if asked.unanswered.is_empty() => {
                    return Ok(format!("{connection}< (nothing)"));
                }
                Some(_) => {}
            }
        }
        loop {
            let connected = self.connected(connection)?;
            let what = match connected.client.read_within(within)? {
                Answer::Fields(fields) => {
                    let request = connected.unanswered.pop_front().flatten();
                    let request = request.ok_or("an answer came to no request")?;
                    // What is to be filled in is what comes once there is no error any more.
                    let fills = expected.is_empty() && first_error(&fields).is_none();
                    let before = self.variables.clone();
                    let got = self.told(connection, &request, fields, expected)?;
                    let is_last = !request.eventually || Instant::now() > end;
                    if got == wanted || fills || is_last {
                        return Ok(got);
                    }
                    // What another answer says is no variable of this one.
                    self.variables = before;
                    thread::sleep(AGAIN);
                    self.connected(connection)?.send(request)?;
                    continue;
                }
                Answer::Unread => "(answered)",
                Answer::Nothing => "(nothing)",
                Answer::Closed => {
                    self.clients.remove(connection);
                    "(closed)"
                }
            };
            return Ok(format!("{connection}< {what}"));
        }
    }

    /// Returns an answer as a script says it, and binds the variables of what was expected.
    fn told(
        &mut self,
        connection: &str,
        request: &Request,
        fields: Fields,
        expected: &Fields,
    ) -> Result<String, String> {
        let kind = self.schema.kind(&request.kind)?;
        let fields = normalise(self.schema, kind, fields, &request.fields, &self.variables);
        self.variables.bind_from(expected, &fields);
        let mut named = self.variables.clone();
        named.name_ids(&fields, &request.fields);
        let fields = with_variables(kind, fields, &named);
        if self.manner.updates {
            self.variables = named;
        }
        Ok(tree::write(&format!("{connection}<"), &fields))
    }

    /// Returns the answer that came, where it is not the one of the script.
    fn compare(&self, statement: &Statement, got: String) -> Option<String> {
        let wanted = match &statement.what {
            What::Expect(connection, Expected::Answer(Some(fields))) => {
                tree::write(&format!("{connection}<"), fields)
            }
            _ => self.script.lines[statement.lines.clone()].join("\n"),
        };
        (got != wanted || self.manner.updates).then_some(got)
    }

    fn connected(&mut self, name: &str) -> Result<&mut Connected<'a>, String> {
        if !self.clients.contains_key(name) {
            let connected = Connected {
                client: Client::open(self.schema, &self.address, name)?,
                unanswered: VecDeque::new(),
            };
            self.clients.insert(name.to_owned(), connected);
        }
        let client = self.clients.get_mut(name);
        client.ok_or_else(|| format!("there is no connection `{name}`"))
    }

    /// Makes the names that a request has and that stand for nothing yet: of groups and
    /// transactional ids that the broker at hand coordinates, and of topics.
    fn make_names(&mut self, fields: &Fields) -> Result<(), String> {
        let mut names = Vec::new();
        for (name, tree) in fields {
            tree.walk(name, &mut |_, tree| {
                if let Tree::Variable(variable) = tree {
                    names.push(variable.clone());
                }
            });
        }
        for name in names {
            if self.variables.get(&name).is_some() || !is_made(&name) {
                continue;
            }
            if let Some(why) = self.unmade.get(&name) {
                return Err(why.clone());
            }
            let value = match &name[..1] {
                "g" => self.coordinated(&name, 0),
                "x" => self.coordinated(&name, 1),
                _ => Ok(format!("{}-{name}", self.tag)),
            };
            match value {
                Ok(value) => self.variables.bind(&name, value),
                Err(why) => {
                    self.unmade.insert(name, why.clone());
                    return Err(why);
                }
            }
        }
        Ok(())
    }

    /// Finds a name for a group (type 0) or a transactional id (type 1) that the broker at hand
    /// coordinates, and waits until it does.
    fn coordinated(&mut self, name: &str, key_type: u8) -> Result<String, String> {
        let end = Instant::now() + self.manner.patience;
        let broker = self.variables.get("broker").unwrap_or_default().to_owned();
        let names: Vec<String> = (0..NAMES)
            .map(|n| format!("{}-{name}-{n}", self.tag))
            .collect();
        let text = format!("KeyType={key_type} CoordinatorKeys=[{}]", names.join(", "));
        loop {
            let answer = Tree::Fields(self.own.ask("FindCoordinator", 4, &text)?);
            let coordinators = answer.get("Coordinators").map_or(&[][..], Tree::elements);
            let mut ours = coordinators.iter().filter(|coordinator| {
                let node = coordinator.get("NodeId").and_then(Tree::as_word);
                node.unwrap_or("0") == broker && coordinator.get("ErrorCode").is_none()
            });
            let key = ours
                .next()
                .and_then(|coordinator| coordinator.get("Key")?.as_word());
            if let Some(key) = key
                && self.is_loaded(key, key_type)?
            {
                return Ok(key.to_owned());
            }
            if Instant::now() > end {
                return Err(format!("broker {broker} coordinates none of {NAMES} names"));
            }
            thread::sleep(AGAIN);
        }
    }

    /// Returns whether the coordinator of a group knows what it has of it.
    fn is_loaded(&mut self, key: &str, key_type: u8) -> Result<bool, String> {
        if key_type != 0 {
            return Ok(true);
        }
        let text = format!("GroupId={key} GenerationId=1 MemberId=none");
        let answer = Tree::Fields(self.own.ask("Heartbeat", 4, &text)?);
        let error = answer.get("ErrorCode").and_then(Tree::as_word);
        Ok(error == Some("UNKNOWN_MEMBER_ID"))
    }

    /// Creates a topic with all its partitions at the broker at hand, and waits until it leads
    /// them.
    fn create(&mut self, name: &str, fields: &Fields) -> Result<(), String> {
        let topic = format!("{}-{name}", self.tag);
        self.variables.bind(name, &topic);
        let given = |key: &str| fields.iter().find(|(name, _)| name == key);
        let partitions = given("partitions").and_then(|(_, tree)| tree.as_word()?.parse().ok());
        let partitions: u32 = partitions.unwrap_or(1);
        let broker = self.variables.get("broker").unwrap_or_default();
        let assignments: Vec<String> = (0..partitions)
            .map(|partition| format!("PartitionIndex={partition} BrokerIds=[{broker}]"))
            .collect();
        // Records of scripts are old, and must stay; one replica must suffice.
        let settings = [("retention.ms", "-1"), ("min.insync.replicas", "1")];
        let settings = settings
            .into_iter()
            .filter(|(name, _)| given(name).is_none());
        let settings = settings.map(|(name, value)| (name, Tree::word(value)));
        let own = fields.iter().filter(|(name, _)| name != "partitions");
        let own = own.map(|(name, tree)| (name.as_str(), tree.clone()));
        let configs = own
            .chain(settings)
            .map(|(name, value)| format!("Name={name} Value={value}"));
        let text = format!(
            "Topics=[Name={topic} NumPartitions=-1 ReplicationFactor=-1 Assignments=[{}] \
             Configs=[{}]]",
            assignments.join(", "),
            configs.collect::<Vec<_>>().join(", "),
        );
        let created = self.own.ask("CreateTopics", 7, &text)?;
        if let Some(error) = first_error(&created) {
            return Err(format!("the topic was not created: {error}"));
        }
        let partitions = (0..partitions).map(|p| format!("PartitionIndex={p} Timestamp=-1"));
        let partitions = partitions.collect::<Vec<_>>().join(", ");
        let text = format!("Topics=[Name={topic} Partitions=[{partitions}]]");
        let end = Instant::now() + self.manner.patience;
        while let Some(error) = first_error(&self.own.ask("ListOffsets", 7, &text)?) {
            if Instant::now() > end {
                return Err(format!("the topic has no leader: {error}"));
            }
            thread::sleep(AGAIN);
        }
        Ok(())
    }

    /// Checks that the brokers have this setting.
    fn require(&mut self, setting: &str, value: &str) -> Result<(), Start> {
        let broker = self.variables.get("broker").unwrap_or_default();
        let text = format!(
            "Resources=[ResourceType=4 ResourceName={broker} ConfigurationKeys=[{setting}]]"
        );
        let answer = Tree::Fields(self.own.ask("DescribeConfigs", 4, &text)?);
        let mut found = None;
        answer.walk("", &mut |field, tree| {
            if field == "Value" {
                found = tree.as_word().map(str::to_owned);
            }
        });
        let found = found.unwrap_or_default();
        match found == value {
            true => Ok(()),
            false => Err(Start::Unfit(format!(
                "it requires {setting}={value}, and the broker has {found}"
            ))),
        }
    }

    /// Deletes the topics and the groups of the script, as far as they can be deleted.
    fn tidy_up(&mut self) {
        self.clients.clear();
        let topics: Vec<&str> = self.variables.made('t').collect();
        let groups: Vec<&str> = self.variables.made('g').collect();
        let (topics, groups) = (topics.join(", "), groups.join(", "));
        // What cannot be deleted harms no other script: names are used once.
        let _ = self
            .own
            .ask("DeleteTopics", 5, &format!("TopicNames=[{topics}]"));
        let _ = self
            .own
            .ask("DeleteGroups", 2, &format!("GroupsNames=[{groups}]"));
    }
}

impl Connected<'_> {
    fn send(&mut self, request: Request) -> Result<(), String> {
        let is_answered = request.is_answered();
        let Request {
            kind,
            version,
            fields,
            ..
        } = &request;
        self.client.send(kind, *version, fields, is_answered)?;
        if is_answered {
            self.unanswered.push_back(Some(request));
        }
        Ok(())
    }
}

/// Returns the first error in an answer.
fn first_error(fields: &Fields) -> Option<String> {
    let mut found = None;
    for (name, tree) in fields {
        tree.walk(name, &mut |field, tree| {
            if let (true, Some(word)) = (field == tree::ERROR, tree.as_word()) {
                found.get_or_insert(word.to_owned());
            }
        });
    }
    found
}

/// Makes the text that tells what a run makes from what all others make.
fn tag(script: &Script) -> String {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let name = script.path.file_stem().and_then(|stem| stem.to_str());
    let (name, run) = (
        name.unwrap_or_default(),
        RUNS.fetch_add(1, Ordering::Relaxed),
    );
    format!("{name}-{}-{:x}-{run}", process::id(), now.as_millis())
}
