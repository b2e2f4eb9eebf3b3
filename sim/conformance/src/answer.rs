//! Answers as scripts have them: without what differs by machine and by run, and with variables
//! for what a broker or the runner has chosen.

use crate::schema::Schema;
use crate::tree::{ERROR, Fields, Tree};
use plimsoll_messages::Kind;
use std::collections::{BTreeMap, BTreeSet};

/// Fields that no script tells: they are of the machine, of the cluster's size and settings, or
/// words for people.
const LEFT_OUT: [&str; 21] = [
    "BatchIndexErrorMessage",
    "ClientHost",
    "ClusterId",
    "ControllerId",
    "Documentation",
    "EligibleLeaderReplicas",
    "ErrorMessage",
    "FinalizedFeatures",
    "FinalizedFeaturesEpoch",
    "Host",
    "LastKnownElr",
    "LogDir",
    "NodeEndpoints",
    "PartitionSize",
    "Port",
    "Rack",
    "SupportedFeatures",
    "ThrottleTimeMs",
    "TotalBytes",
    "UsableBytes",
    "ZkMigrationReady",
];

/// Lists in which only the elements stay that a script knows: others on the cluster are not its
/// business. Kind, list, and the field by which an element is known.
const OTHERS: &[(&str, &str, &str)] = &[
    ("CreateTopics", "Configs", SOURCE),
    ("DescribeCluster", "Brokers", "BrokerId"),
    ("DescribeLogDirs", "Topics", "Name"),
    ("ListConfigResources", "ConfigResources", "ResourceName"),
    ("ListGroups", "Groups", "GroupId"),
    ("ListTransactions", "TransactionStates", "TransactionalId"),
    ("Metadata", "Brokers", "NodeId"),
    ("Metadata", "Topics", "Name"),
];

/// The field that says where a setting comes from, and its number for the topic itself: all others
/// are settings of the cluster.
const SOURCE: &str = "ConfigSource";
const OF_TOPIC: &str = "1";

/// What fields hold that stands for something: the beginning of the names of its variables.
const CLASSES: &[(&str, &str)] = &[
    ("BrokerId", "broker"),
    ("Controller", "broker"),
    ("IsrNodes", "broker"),
    ("LeaderId", "broker"),
    ("NodeId", "broker"),
    ("OfflineReplicas", "broker"),
    ("PreferredReadReplica", "broker"),
    ("ReplicaNodes", "broker"),
    ("ResourceName", "broker"),
    ("MemberId", "m"),
    ("Leader", "m"),
    ("ProducerId", "p"),
    ("SessionId", "s"),
    ("TopicId", "id"),
];

/// What stands in the place of an id where there is none.
const NO_IDS: [&str; 3] = ["", "-1", "0"];

/// The variables of a script, and what they stand for.
#[derive(Clone)]
pub(crate) struct Variables {
    values: BTreeMap<String, String>,
}

impl Variables {
    pub(crate) fn new(broker: &str) -> Self {
        Self {
            values: BTreeMap::from([("broker".to_owned(), broker.to_owned())]),
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    pub(crate) fn bind(&mut self, name: &str, value: impl Into<String>) {
        self.values.entry(name.to_owned()).or_insert(value.into());
    }

    /// Returns the names of the groups, topics or transactional ids that were made.
    pub(crate) fn made(&self, first: char) -> impl Iterator<Item = &str> {
        let made = move |name: &&String| name.starts_with(first) && crate::script::is_made(name);
        let names = self.values.iter().filter(move |(name, _)| made(name));
        names.map(|(_, value)| value.as_str())
    }

    /// Puts values in the place of variables.
    ///
    /// # Errors
    /// Names a variable that stands for nothing.
    pub(crate) fn replace(&self, fields: &Fields) -> Result<Fields, String> {
        let mut fields = fields.clone();
        for (_, tree) in &mut fields {
            tree.walk_mut(&mut |tree| {
                if let Tree::Variable(name) = tree {
                    let value = self.get(name);
                    let value = value.ok_or_else(|| format!("no answer has bound `${name}`"))?;
                    *tree = Tree::word(value);
                }
                Ok::<_, String>(())
            })?;
        }
        Ok(fields)
    }

    /// Binds the variables that an expected answer has and that stand for nothing yet to what the
    /// answer has in their places.
    pub(crate) fn bind_from(&mut self, expected: &Fields, got: &Fields) {
        for (name, tree) in expected {
            if let Some((_, got)) = got.iter().find(|(got, _)| got == name) {
                self.bind_value(tree, got);
            }
        }
    }

    fn bind_value(&mut self, expected: &Tree, got: &Tree) {
        match (expected, got) {
            (Tree::Variable(name), Tree::Word(word)) => self.bind(name, word),
            (Tree::Fields(expected), Tree::Fields(got)) => self.bind_from(expected, got),
            (Tree::List(expected), Tree::List(got)) => {
                let mut got: Vec<&Tree> = got.iter().collect();
                for expected in expected {
                    let likeness = |index: &usize| self.likeness(expected, got[*index]);
                    // Of elements that are as like, the first: `max_by_key` takes the last.
                    let best = (0..got.len()).rev().max_by_key(likeness);
                    if let Some(best) = best {
                        self.bind_value(expected, got.remove(best));
                    }
                }
            }
            _ => {}
        }
    }

    /// Returns the number of values in which an element is what is expected.
    fn likeness(&self, expected: &Tree, got: &Tree) -> usize {
        match (expected, got) {
            (Tree::Variable(name), Tree::Word(word)) => usize::from(self.get(name) == Some(word)),
            (Tree::Fields(expected), _) => {
                let pairs = expected
                    .iter()
                    .filter_map(|(name, tree)| Some((tree, got.get(name)?)));
                pairs
                    .map(|(expected, got)| self.likeness(expected, got))
                    .sum()
            }
            (expected, got) => usize::from(expected == got),
        }
    }

    /// Makes variables of the ids that an answer has and a script has not. `asked` are the fields
    /// of the request: what a script says in words stays as it is.
    pub(crate) fn name_ids(&mut self, fields: &Fields, asked: &Fields) {
        let said = words(asked);
        let mut found = Vec::new();
        for (name, tree) in fields {
            tree.walk(name, &mut |field, tree| {
                let class = class_of(field).filter(|class| *class != "broker");
                if let (Some(class), Some(word)) = (class, tree.as_word()) {
                    found.push((class, word.to_owned()));
                }
            });
        }
        for (class, word) in found {
            let is_id = !NO_IDS.contains(&word.as_str()) && !said.contains(&word);
            if is_id && self.name_of(Some(class), &word).is_none() {
                let free = (1..).map(|number| format!("{class}{number}"));
                let name = free
                    .into_iter()
                    .find(|name| !self.values.contains_key(name));
                self.bind(&name.unwrap_or_default(), word);
            }
        }
    }

    /// Returns the variable that stands for a value in this field.
    fn stands_for(&self, field: &str, value: &str) -> Option<&str> {
        let by_class = class_of(field).and_then(|class| self.name_of(Some(class), value));
        by_class.or_else(|| self.name_of(None, value))
    }

    /// Returns the variable that stands for a value in a field of this class.
    fn name_of(&self, class: Option<&str>, value: &str) -> Option<&str> {
        let fits = |name: &str| {
            let own = name.trim_end_matches(|c: char| c.is_ascii_digit());
            match class {
                Some(class) => own == class,
                // The names of groups, topics and members are long, and like nothing else.
                None => ["g", "t", "x", "m"].contains(&own),
            }
        };
        let mut names = self.values.iter();
        let found = names.find(|(name, of)| *of == value && fits(name));
        found.map(|(name, _)| name.as_str())
    }
}

/// Makes of an answer what a script says of it. `asked` are the fields of the request.
pub(crate) fn normalise(
    schema: &Schema,
    kind: &Kind,
    fields: Fields,
    asked: &Fields,
    variables: &Variables,
) -> Fields {
    let mut known = words(asked);
    known.extend(variables.values.values().cloned());
    let normal = Normal {
        schema,
        kind: &kind.name,
        known,
    };
    normal.fields(fields)
}

/// Returns all words in a message.
fn words(fields: &Fields) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    for (name, tree) in fields {
        tree.walk(name, &mut |_, tree| {
            words.extend(tree.as_word().map(str::to_owned))
        });
    }
    words
}

struct Normal<'a> {
    schema: &'a Schema,
    kind: &'a str,
    known: BTreeSet<String>,
}

impl Normal<'_> {
    fn fields(&self, fields: Fields) -> Fields {
        let told = fields
            .into_iter()
            .filter(|(name, _)| !LEFT_OUT.contains(&name.as_str()));
        let told = told.filter_map(|(name, tree)| {
            let tree = self.value(&name, tree)?;
            Some((name, tree))
        });
        told.collect()
    }

    /// Returns what is told of a value; nothing of a list in which a script knows no element.
    fn value(&self, name: &str, tree: Tree) -> Option<Tree> {
        Some(match tree {
            Tree::Fields(fields) => Tree::Fields(self.fields(fields)),
            Tree::List(mut elements) => {
                let mut lists = OTHERS.iter();
                let list = lists.find(|(kind, list, _)| (*kind, *list) == (self.kind, name));
                if let Some((_, _, field)) = list {
                    elements.retain(|element| self.knows(element, field));
                    if elements.is_empty() {
                        return None;
                    }
                }
                let elements = elements.into_iter();
                Tree::List(
                    elements
                        .filter_map(|element| self.value(name, element))
                        .collect(),
                )
            }
            Tree::Word(key) if name == "ApiKey" => Tree::Word(self.schema.name_of(&key)),
            scalar => scalar,
        })
    }

    fn knows(&self, element: &Tree, field: &str) -> bool {
        let word = element.get(field).and_then(Tree::as_word);
        if field == SOURCE {
            return word == Some(OF_TOPIC);
        }
        match word {
            Some(word) => self.known.contains(word),
            // What was asked for and is not there may have no name.
            None => element.get(ERROR).is_some(),
        }
    }
}

/// Puts variables in the place of values, and lists in an order that does not depend on them.
pub(crate) fn with_variables(kind: &Kind, fields: Fields, variables: &Variables) -> Fields {
    let fields = fields.into_iter().map(|(name, tree)| {
        let tree = with_variable(&name, tree, variables);
        (name, tree)
    });
    let mut fields: Fields = fields.collect();
    let has_error = kind.response.fields.iter().any(|field| field.name == ERROR);
    if fields.is_empty() && has_error {
        fields.push((ERROR.to_owned(), Tree::word("NONE")));
    }
    fields
}

fn with_variable(field: &str, tree: Tree, variables: &Variables) -> Tree {
    match tree {
        Tree::Word(word) => match variables.stands_for(field, &word) {
            Some(name) => Tree::Variable(name.to_owned()),
            None => Tree::Word(word),
        },
        Tree::Fields(fields) => {
            let fields = fields.into_iter().map(|(name, tree)| {
                let tree = with_variable(&name, tree, variables);
                (name, tree)
            });
            Tree::Fields(fields.collect())
        }
        Tree::List(elements) => {
            let elements = elements.into_iter();
            let mut elements: Vec<Tree> = elements
                .map(|element| with_variable(field, element, variables))
                .collect();
            // The order of structures in an answer says nothing, but that of batches does.
            if field != "Records" && elements.iter().all(|e| matches!(e, Tree::Fields(_))) {
                elements.sort_by_cached_key(Tree::to_string);
            }
            Tree::List(elements)
        }
        other => other,
    }
}

fn class_of(field: &str) -> Option<&'static str> {
    let class = CLASSES.iter().find(|(name, _)| *name == field);
    class.map(|(_, class)| *class)
}
