//! A script: a transcript of the wire that says what is sent, and what must come back.

use crate::codec::{encode, unknown_field};
use crate::records::hex;
use crate::schema::{Schema, nearest};
use crate::tree::{self, ERROR, Fields, Tree};
use plimsoll_messages::{Field, Form};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fmt, fs};

/// A script that has been read and checked.
pub struct Script {
    /// The file, as it is found from the root of the repository.
    pub(crate) path: PathBuf,
    pub(crate) lines: Vec<String>,
    pub(crate) statements: Vec<Statement>,
}

/// One statement, and the lines of the file that it takes, counted from zero.
pub(crate) struct Statement {
    pub(crate) lines: Range<usize>,
    pub(crate) what: What,
}

pub(crate) enum What {
    /// Runs the script only where the brokers have this setting.
    Requires {
        setting: String,
        value: String,
    },
    /// Creates a topic, all of its partitions at the broker that is asked, and waits for it.
    Topic {
        name: String,
        fields: Fields,
    },
    /// Does nothing for this long.
    Wait(Duration),
    Send(String, Request),
    /// Sends bytes as they are.
    Raw(String, Vec<u8>),
    /// Closes the connection.
    Close(String),
    Expect(String, Expected),
}

/// A request as a script has it.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) kind: String,
    pub(crate) version: i16,
    pub(crate) fields: Fields,
    /// True where it is sent again until the answer is the expected one, because what it asks for
    /// spreads through a cluster in its own time.
    pub(crate) eventually: bool,
    /// The line that it stands in, counted from one.
    pub(crate) line: usize,
}

/// What must come back.
pub(crate) enum Expected {
    /// The answer to the oldest request without one; absent where it is to be filled in.
    Answer(Option<Fields>),
    /// An answer to bytes that were sent as they are, whatever it says.
    Answered,
    /// No answer, for a short time.
    Nothing,
    /// The end of the connection.
    Closed,
}

/// Why a script cannot be run.
#[derive(Debug)]
pub struct Mistake {
    path: PathBuf,
    /// The line, counted from one.
    line: usize,
    text: String,
}

/// The words with which statements begin that are no transcript.
const WORDS: [&str; 3] = ["requires", "topic", "wait"];

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, line, text } = self;
        write!(f, "{}:{line}: {text}", path.display())
    }
}

impl Request {
    /// Returns whether a broker answers it: it does not where a producer wants no acknowledgement.
    pub(crate) fn is_answered(&self) -> bool {
        let unasked = (ACKS.to_owned(), Tree::word("0"));
        self.kind != "Produce" || !self.fields.contains(&unasked)
    }
}

/// The field of a produce request that says which acknowledgement is wanted.
const ACKS: &str = "Acks";

impl Script {
    /// Reads a script.
    ///
    /// # Errors
    /// Names the line, and says what was expected in it.
    pub(crate) fn read(schema: &Schema, folder: &Path, name: &str) -> Result<Self, Mistake> {
        let path = Path::new("sim/conformance/scripts").join(format!("{name}.txt"));
        let mistake = |line: usize, text: String| Mistake {
            path: path.clone(),
            line,
            text,
        };
        let text = fs::read_to_string(folder.join(format!("{name}.txt")));
        let text = text.map_err(|error| mistake(1, error.to_string()))?;
        Self::parse(schema, &path, &text)
    }

    /// Returns why it cannot be run, as a whole.
    pub(crate) fn mistake(&self, text: String) -> Mistake {
        Mistake {
            path: self.path.clone(),
            line: 1,
            text,
        }
    }

    /// Reads the text of a script.
    pub(crate) fn parse(schema: &Schema, path: &Path, text: &str) -> Result<Self, Mistake> {
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let mut statements = Vec::new();
        let mut check = Check::new(schema);
        let mut next = 0;
        while next < lines.len() {
            let start = next;
            next += 1;
            if lines[start].is_empty() || lines[start].starts_with('#') {
                continue;
            }
            while lines.get(next).is_some_and(|line| line.starts_with(' ')) {
                next += 1;
            }
            let text = lines[start..next].join("\n");
            let what = statement(&text, start + 1).and_then(|what| {
                check.statement(&what)?;
                Ok(what)
            });
            let what = what.map_err(|text| Mistake {
                path: path.to_owned(),
                line: start + 1,
                text,
            })?;
            statements.push(Statement {
                lines: start..next,
                what,
            });
        }
        if let Some((line, text)) = check.unread() {
            let path = path.to_owned();
            return Err(Mistake { path, line, text });
        }
        Ok(Self {
            path: path.to_owned(),
            lines,
            statements,
        })
    }
}

/// Reads one statement, which begins in this line.
fn statement(text: &str, line: usize) -> Result<What, String> {
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    let (first, rest) = text.split_at(end);
    let rest = rest.trim();
    if let Some(connection) = first.strip_suffix('<') {
        let expected = match rest {
            "(answered)" => Expected::Answered,
            "(nothing)" => Expected::Nothing,
            "(closed)" => Expected::Closed,
            "" => Expected::Answer(None),
            fields => Expected::Answer(Some(tree::read(fields)?)),
        };
        return Ok(What::Expect(connection.to_owned(), expected));
    }
    if let Some(connection) = first.strip_suffix('>') {
        return sent(connection.to_owned(), rest, line);
    }
    match first {
        "requires" => {
            let (setting, value) = rest
                .split_once('=')
                .ok_or("expected `requires SETTING=VALUE`")?;
            Ok(What::Requires {
                setting: setting.to_owned(),
                value: value.to_owned(),
            })
        }
        "topic" => {
            let (name, fields) = rest.split_once(' ').unwrap_or((rest, ""));
            let name = name
                .strip_prefix("$t")
                .ok_or("expected `topic $t`, or `$t2`, ...")?;
            Ok(What::Topic {
                name: format!("t{name}"),
                fields: tree::read(fields)?,
            })
        }
        "wait" => {
            let millis = rest
                .strip_suffix("ms")
                .and_then(|millis| millis.parse().ok());
            let millis = millis.ok_or("expected a time, as in `wait 500ms`")?;
            Ok(What::Wait(Duration::from_millis(millis)))
        }
        word => Err(format!(
            "expected `CONNECTION> REQUEST` or `CONNECTION< ANSWER`, not `{word}`{}",
            nearest(word, WORDS)
        )),
    }
}

/// Reads what is done to a connection.
fn sent(connection: String, rest: &str, line: usize) -> Result<What, String> {
    if rest == "close" {
        return Ok(What::Close(connection));
    }
    if let Some(digits) = rest.strip_prefix("raw ") {
        let digits: String = digits.split_whitespace().collect();
        let bytes = hex(&digits).ok_or("expected pairs of hexadecimal digits behind `raw`")?;
        return Ok(What::Raw(connection, bytes));
    }
    let (eventually, rest) = match rest.strip_prefix("eventually ") {
        Some(rest) => (true, rest.trim_start()),
        None => (false, rest),
    };
    let mut words = rest.splitn(3, char::is_whitespace);
    let kind = words.next().unwrap_or_default();
    let version = words.next().and_then(|word| word.strip_prefix('v'));
    let version = version.and_then(|number| number.parse().ok());
    let version =
        version.ok_or_else(|| format!("expected a version behind `{kind}`, as in `v5`"))?;
    let request = Request {
        kind: kind.to_owned(),
        version,
        fields: tree::read(words.next().unwrap_or_default())?,
        eventually,
        line,
    };
    Ok(What::Send(connection, request))
}

/// What is known of a script up to some statement, by which the next one is checked.
struct Check<'a> {
    schema: &'a Schema,
    known: BTreeSet<String>,
    /// True behind an answer that is to be filled in: it may bind any variable.
    is_open: bool,
    /// The requests without an answer, of each connection.
    unanswered: BTreeMap<String, VecDeque<(String, usize)>>,
}

impl<'a> Check<'a> {
    fn new(schema: &'a Schema) -> Self {
        Self {
            schema,
            known: BTreeSet::from(["broker".to_owned()]),
            is_open: false,
            unanswered: BTreeMap::new(),
        }
    }

    fn statement(&mut self, what: &What) -> Result<(), String> {
        match what {
            What::Topic { name, fields } => {
                self.known.insert(name.clone());
                let given = fields.iter().find(|(name, _)| name == ERROR);
                given.map_or(Ok(()), |(_, word)| {
                    Err(format!("expected `NAME=VALUE`, not `{word}`"))
                })
            }
            What::Send(connection, request) => self.request(connection, request),
            What::Close(connection) => {
                self.unanswered.remove(connection);
                Ok(())
            }
            What::Expect(connection, Expected::Answer(fields)) => {
                let waiting = self.unanswered.entry(connection.clone()).or_default();
                let Some((kind, _)) = waiting.pop_front() else {
                    return Err(format!(
                        "no request of `{connection}` waits for an answer here"
                    ));
                };
                self.is_open |= fields.is_none();
                fields
                    .as_ref()
                    .map_or(Ok(()), |fields| self.answer(&kind, fields))
            }
            What::Expect(connection, Expected::Closed) => {
                self.unanswered.remove(connection);
                Ok(())
            }
            What::Expect(_, Expected::Answered | Expected::Nothing)
            | What::Requires { .. }
            | What::Wait(_)
            | What::Raw(..) => Ok(()),
        }
    }

    /// Checks that the request can be encoded, whatever its variables stand for.
    fn request(&mut self, connection: &str, request: &Request) -> Result<(), String> {
        let kind = self.schema.kind(&request.kind)?;
        let mut tree = Tree::Fields(request.fields.clone());
        tree.walk_mut(&mut |tree| {
            let Tree::Variable(name) = tree else {
                return Ok(());
            };
            if !self.is_open && !is_made(name) && !self.known.contains(name.as_str()) {
                let known = nearest(name, self.known.iter().map(String::as_str));
                return Err(format!(
                    "no answer before this line has bound `${name}`{known}"
                ));
            }
            self.known.insert(name.clone());
            *tree = Tree::word("0");
            Ok(())
        })?;
        let Tree::Fields(fields) = tree else {
            return Ok(());
        };
        let version = kind.request.versions.nearest(request.version);
        encode(&kind.name, &kind.request, version, &fields)?;
        if request.is_answered() {
            let waiting = self.unanswered.entry(connection.to_owned()).or_default();
            waiting.push_back((request.kind.clone(), request.line));
        }
        Ok(())
    }

    /// Checks that an answer of this kind can be like this.
    fn answer(&mut self, kind: &str, fields: &Fields) -> Result<(), String> {
        let kind = self.schema.kind(kind)?;
        check_fields(self.schema, &kind.name, &kind.response.fields, fields)?;
        for (name, tree) in fields {
            tree.walk(name, &mut |_, tree| {
                if let Tree::Variable(name) = tree {
                    self.known.insert(name.clone());
                }
            });
        }
        Ok(())
    }

    /// Finds a request whose answer is not read.
    fn unread(&self) -> Option<(usize, String)> {
        let mut waiting = self.unanswered.iter();
        waiting.find_map(|(connection, requests)| {
            let (kind, line) = requests.front()?;
            let text = format!(
                "the answer to {kind} is never read: expected `{connection}<` or `{connection}> close`"
            );
            Some((*line, text))
        })
    }
}

/// Returns whether the runner makes a name for this variable: of a group, a topic, or a
/// transactional id.
pub(crate) fn is_made(variable: &str) -> bool {
    let digits = variable.strip_prefix(['g', 't', 'x']);
    digits.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
}

fn check_fields(
    schema: &Schema,
    kind: &str,
    declared: &[Field],
    fields: &Fields,
) -> Result<(), String> {
    for (name, tree) in fields {
        let Some(field) = declared.iter().find(|field| field.name == *name) else {
            return Err(unknown_field(name, kind, declared));
        };
        if let (true, Tree::Word(word)) = (name.ends_with(ERROR), tree) {
            schema.check_error(word)?;
        }
        let Some(inner) = field.form.fields() else {
            continue;
        };
        let structures = match (tree, &field.form) {
            (Tree::List(elements), Form::Array(_)) => elements.as_slice(),
            (tree, _) => std::slice::from_ref(tree),
        };
        for structure in structures {
            if let Tree::Fields(fields) = structure {
                check_fields(schema, kind, inner, fields)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Script;
    use crate::schema::Schema;
    use std::path::Path;

    /// Returns what is said of the mistake in a script.
    fn mistake(text: &str) -> String {
        let schema = Schema::read().expect("the tables are there");
        let mistake = Script::parse(&schema, Path::new("groups/join.txt"), text).err();
        mistake.expect("it is one").to_string()
    }

    #[test]
    fn a_mistake_names_its_line_and_the_nearest_word() {
        let said = mistake("# A comment.\n\na> JoinGruop v5 GroupId=$g\n");
        assert_eq!(
            said,
            "groups/join.txt:3: `JoinGruop` is no kind of request; did you mean `JoinGroup`?"
        );
        let said = mistake("a> JoinGroup v5 Groupid=$g\n");
        assert!(
            said.ends_with("no field `Groupid` here; did you mean `GroupId`?"),
            "{said}"
        );
        let said = mistake("a> JoinGroup v4 GroupId=$g GroupInstanceId=one\n");
        assert!(
            said.ends_with("JoinGroup v4 has no field GroupInstanceId: it is in v5+"),
            "{said}"
        );
        let said = mistake("a> JoinGroup v5 GroupId=$g SessionTimeoutMs=long\n");
        assert!(
            said.ends_with("expected a number as SessionTimeoutMs, not `long`"),
            "{said}"
        );
        let said = mistake("a> JoinGroup GroupId=$g\n");
        assert!(
            said.ends_with("expected a version behind `JoinGroup`, as in `v5`"),
            "{said}"
        );
        let said = mistake("topc $t\n");
        assert!(
            said.ends_with("not `topc`; did you mean `topic`?"),
            "{said}"
        );
    }

    #[test]
    fn a_mistake_in_an_answer_is_found_without_brokers() {
        let said = mistake("a> Heartbeat v4 GroupId=$g\na< UNKNOWN_MEMBER\n");
        assert!(
            said.ends_with("did you mean `UNKNOWN_MEMBER_ID`?"),
            "{said}"
        );
        let said = mistake("a> Heartbeat v4 GroupId=$g\na< Generation=1\n");
        assert!(
            said.starts_with("groups/join.txt:2: Heartbeat has no field `Generation`"),
            "{said}"
        );
        let said = mistake("a< NONE\n");
        assert!(
            said.ends_with("no request of `a` waits for an answer here"),
            "{said}"
        );
        let said = mistake("a> Heartbeat v4 GroupId=$g\n");
        assert!(
            said.ends_with("is never read: expected `a<` or `a> close`"),
            "{said}"
        );
    }

    #[test]
    fn a_variable_that_no_answer_has_bound_is_a_mistake() {
        let join = "a> JoinGroup v5 GroupId=$g\na< MEMBER_ID_REQUIRED MemberId=$m1\n";
        let said = mistake(&format!(
            "{join}a> Heartbeat v4 GroupId=$g MemberId=$m2\na<\n"
        ));
        assert_eq!(
            said,
            "groups/join.txt:3: no answer before this line has bound `$m2`; expected one of broker, g, m1"
        );
    }
}
