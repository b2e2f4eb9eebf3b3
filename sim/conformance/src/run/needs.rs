//! What a script needs around it: names, topics, and settings of the brokers.

use super::{AGAIN, Run, Start, first_error};
use crate::script::{Script, is_made};
use crate::tree::{Fields, Tree};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// The number of names that are tried for a group which the broker at hand is to coordinate.
const NAMES: usize = 40;

impl Run<'_> {
    /// Makes the names that a request has and that stand for nothing yet: of groups and
    /// transactional ids that the broker at hand coordinates, and of topics.
    pub(super) fn make_names(&mut self, fields: &Fields) -> Result<(), String> {
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
    /// coordinates, and waits until it does. A broker that coordinates nothing was down, and is
    /// given back what was its own.
    fn coordinated(&mut self, name: &str, key_type: u8) -> Result<String, String> {
        let end = Instant::now() + self.manner.patience;
        let broker = self.variables.get("broker").unwrap_or_default().to_owned();
        let names: Vec<String> = (0..NAMES)
            .map(|n| format!("{}-{name}-{n}", self.tag))
            .collect();
        let text = format!("KeyType={key_type} CoordinatorKeys=[{}]", names.join(", "));
        let mut is_elected = false;
        loop {
            let answer = Tree::Fields(self.own.ask("FindCoordinator", 4, &text)?);
            let coordinators = answer.get("Coordinators").map_or(&[][..], Tree::elements);
            let are_there = |coordinator: &Tree| coordinator.get("ErrorCode").is_none();
            let mut ours = coordinators.iter().filter(|coordinator| {
                let node = coordinator.get("NodeId").and_then(Tree::as_word);
                node.unwrap_or("0") == broker && are_there(coordinator)
            });
            let key = ours
                .next()
                .and_then(|coordinator| coordinator.get("Key")?.as_word());
            if let Some(key) = key
                && self.is_loaded(key, key_type)?
            {
                return Ok(key.to_owned());
            }
            if key.is_none() && !is_elected && coordinators.iter().all(are_there) {
                self.elect_preferred()?;
                is_elected = true;
            }
            if Instant::now() > end {
                return Err(format!("broker {broker} coordinates none of {NAMES} names"));
            }
            thread::sleep(AGAIN);
        }
    }

    /// Lets brokers lead again what they prefer to lead: where the broker at hand was down, others
    /// lead for it, and coordinate in its place.
    fn elect_preferred(&mut self) -> Result<(), String> {
        let all = "ElectionType=0 TopicPartitions=null TimeoutMs=30000";
        self.own.ask("ElectLeaders", 2, all).map(drop)
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
    pub(super) fn create(&mut self, name: &str, fields: &Fields) -> Result<(), String> {
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
    pub(super) fn require(&mut self, setting: &str, value: &str) -> Result<(), Start> {
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
    pub(super) fn tidy_up(&mut self) {
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

/// Makes the text that tells what a run makes from what all others make.
pub(super) fn tag(script: &Script) -> String {
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
