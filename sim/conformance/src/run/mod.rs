//! Runs a script against a broker.

mod needs;

use crate::answer::{Variables, normalise, with_variables};
use crate::client::{Answer, Client};
use crate::known::Difference;
use crate::schema::Schema;
use crate::script::{Expected, Request, Script, Statement, What};
use crate::tree::{self, Fields, Tree};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::thread;
use std::time::{Duration, Instant};

/// The longest wait for an answer: longer than what any request of a script asks brokers to wait.
const ANSWERED: Duration = Duration::from_secs(30);

/// The time for which no answer must come where none is expected.
const NOTHING: Duration = Duration::from_millis(300);

/// The pause before something is asked again.
const AGAIN: Duration = Duration::from_millis(50);

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
            tag: needs::tag(script),
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
