//! Notices generations of the group in which this member took no part.
//!
//! A static member of a cooperative group keeps its partitions while it joins. If the group drops
//! it meanwhile, its join is refused with UNKNOWN_MEMBER_ID; librdkafka then forgets its id and
//! joins again by its name, without telling a loss (`rd_kafka_cgrp_handle_JoinGroup`, 2.12.1: a
//! dynamic member loses its partitions upon the MEMBER_ID_REQUIRED that follows, which a static one
//! never gets). Others may have had the partitions in between, and yet they come back as its own,
//! or it is asked to give them up and its last commit counts, because it carries the new
//! generation. The same happens to a static member whose join comes too late for a generation: the
//! group completes it without the member.
//!
//! The numbers of generations show it: a member that was in one and then in the next but one was
//! left out. It ends then, as a member that is fenced does; a process that is started in its place
//! begins where the group stands. librdkafka tells a generation only in its debug log of the group,
//! of which one line is read here. A commit that was under way when the member got into the new
//! generation is not prevented.

/// The generations of a static member of a cooperative group.
#[derive(Debug, Default)]
pub(super) struct Generations {
    /// The generation that it got into last.
    joined: Option<i32>,
    /// A generation that it got into with partitions, and its last one before, where others lay
    /// between.
    left_out: Option<Interrupted>,
    /// The number of partitions that it has.
    owned: usize,
}

/// A reason to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Interrupted {
    /// A generation without this member.
    LeftOut { last: i32, next: i32 },
    /// A log that does not name the generation.
    Untold,
}

/// What is read of a line of librdkafka's log.
const JOINED: &str = "JoinGroup response: GenerationId ";

impl Generations {
    /// Reads a line of librdkafka's log.
    pub(super) fn read(&mut self, line: &str) {
        let Some((_, rest)) = line.split_once(JOINED) else {
            return;
        };
        if let Some((number, rest)) = rest.split_once(',')
            && rest.ends_with(": (no error)")
            && let Ok(next) = number.parse::<i32>()
        {
            let last = self.joined.replace(next);
            if let Some(last) = last.filter(|last| self.owned > 0 && next > last + 1) {
                self.left_out = Some(Interrupted::LeftOut { last, next });
            }
        }
    }

    /// Takes the loss of partitions.
    pub(super) fn lost(&mut self, partitions: usize) {
        self.owned = self.owned.saturating_sub(partitions);
    }

    /// Takes partitions that are to be given up.
    pub(super) fn revoked(&mut self, partitions: usize) -> Result<(), Interrupted> {
        self.check()?;
        self.lost(partitions);
        Ok(())
    }

    /// Takes partitions that are assigned.
    pub(super) fn assigned(&mut self, partitions: usize) -> Result<(), Interrupted> {
        self.check()?;
        self.owned += partitions;
        Ok(())
    }

    /// Checks whether the member can go on.
    fn check(&self) -> Result<(), Interrupted> {
        self.joined.ok_or(Interrupted::Untold)?;
        self.left_out.map_or(Ok(()), Err)
    }
}

impl std::fmt::Display for Interrupted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::LeftOut { last, next } => write!(
                f,
                "the group had a generation without this static member (it was in {last}, and is \
                 in {next}): others may have had its partitions; start the process again"
            ),
            Self::Untold => f.write_str(
                "librdkafka's log does not name the group's generation: a static member of a \
                 cooperative group could not notice that others had its partitions; use another \
                 assignor, or no instance id",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::context::{Callback, Context, RawConsumer};
    use super::super::topics::Topics;
    use super::super::{RefusedLetters, Settings};
    use super::*;
    use plimsoll_core::Config;
    use rdkafka::consumer::Consumer as _;
    use rdkafka::mocking::MockCluster;
    use std::collections::BTreeMap;
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    /// librdkafka writes the line that is read here. Its own brokers are enough for that.
    #[test]
    fn librdkafka_names_the_generation_in_its_log() {
        let cluster = MockCluster::new(1).expect("brokers");
        cluster.create_topic("orders", 2, 1).expect("a topic");
        let settings = Settings {
            brokers: cluster.bootstrap_servers(),
            group: "billing".into(),
            topics: vec!["orders".into()],
            instance: Some("one".into()),
            assignor: "cooperative-sticky",
            dead_letter_topic: None,
            refused_letters: RefusedLetters::default(),
            config: Config::default(),
            raw: BTreeMap::new(),
        };
        let context = Context::new(
            Arc::new(Topics::new(&settings.topics)),
            settings.checks_generations(),
        );
        let consumer = settings.consumer().create_with_context(context);
        let consumer: RawConsumer = consumer.expect("a consumer");
        consumer.subscribe(&["orders"]).expect("a subscription");
        let deadline = Instant::now() + Duration::from_secs(60);
        let callback = loop {
            assert!(Instant::now() < deadline, "it never joins");
            let _ = consumer.poll(Duration::from_millis(100));
            if let Some(callback) = consumer.context().next_callback() {
                break callback;
            }
        };
        assert!(
            matches!(&callback, Callback::Assign(partitions) if partitions.len() == 2),
            "{callback:?}"
        );
        consumer.context().close();
    }

    fn joins(generations: &mut Generations, generation: i32) {
        generations.read(&format!(
            "[thrd:main]: JoinGroup response: GenerationId {generation}, Protocol \
             cooperative-sticky, LeaderId a, my MemberId b, member metadata count 0: (no error)"
        ));
    }

    #[test]
    fn a_generation_without_the_member_is_noticed_where_it_has_partitions() {
        let mut generations = Generations::default();
        joins(&mut generations, 3);
        assert_eq!(generations.assigned(2), Ok(()));
        joins(&mut generations, 4);
        assert_eq!(generations.assigned(0), Ok(()));
        // Of the next generation it has no assignment, and yet what it owned was not another's.
        joins(&mut generations, 5);
        joins(&mut generations, 6);
        assert_eq!(generations.assigned(0), Ok(()));
        joins(&mut generations, 8);
        let left_out = Err(Interrupted::LeftOut { last: 6, next: 8 });
        assert_eq!(generations.revoked(1), left_out);

        for (kept, is_held) in [(1, false), (0, true)] {
            let mut generations = Generations::default();
            joins(&mut generations, 3);
            assert_eq!(generations.assigned(2), Ok(()));
            generations.lost(2 - kept);
            joins(&mut generations, 9);
            assert_eq!(generations.assigned(2).is_ok(), is_held, "{kept} kept");
        }
    }

    #[test]
    fn a_join_that_was_refused_or_not_told_is_no_generation() {
        let mut generations = Generations::default();
        generations.read(
            "JoinGroup response: GenerationId -1, Protocol , LeaderId , my MemberId , member \
             metadata count 0: Broker: Unknown member",
        );
        generations.read("JoinGroup response: discarding outdated request (now in join-state up)");
        assert_eq!(generations.assigned(1), Err(Interrupted::Untold));
    }
}
