//! The task of a client: its state, its timers, and what passes between the network and the driver.

use crate::network::Network;
use crate::news::{News, Order, Sights};
use crate::speaker::WireSpeaker;
use crate::{Connect, Settings, bootstrap};
use kafka_protocol::protocol::StrBytes;
use plimsoll::{ClientError, Message};
use plimsoll_client::{End, Member, Seams, World as _};
use plimsoll_codec::Names;
use plimsoll_core::Command;
use std::time::Duration;
use tokio::sync::mpsc::{Sender, UnboundedReceiver};

/// The longest sleep: a state machine without a deadline waits for something else.
const LONGEST_SLEEP: Duration = Duration::from_secs(3600);

/// A client's task, before it has begun.
pub(crate) struct Task<C, At> {
    pub(crate) connect: C,
    pub(crate) settings: Settings,
    pub(crate) addresses: Vec<(String, u16)>,
    pub(crate) orders: UnboundedReceiver<Order>,
    pub(crate) events: Sender<News>,
    pub(crate) sights: Sights,
    /// What stands at the seams of its member.
    pub(crate) seams: At,
}

impl<C: Connect, At: Seams<WireSpeaker>> Task<C, At> {
    /// Runs a member of the group until its driver closes it, or is gone, or it cannot go on.
    pub(crate) async fn run(mut self) {
        let found = tokio::select! {
            biased;
            () = closed(&mut self.orders) => return,
            found = bootstrap::find(&self.connect, &self.settings, &self.addresses) => found,
        };
        let events = self.events.clone();
        let ended = match found {
            Ok((names, cluster)) => self.run_member(names, cluster).await,
            Err(reason) => Err(reason),
        };
        if let Err(reason) = ended {
            // The driver may be gone, too.
            let _ = events.send(Err(ClientError::Fatal { reason })).await;
        }
    }

    async fn run_member(
        mut self,
        names: Names,
        cluster: plimsoll_client::Cluster,
    ) -> Result<(), String> {
        let of_member = self.settings.of_member();
        let speaker = WireSpeaker::new(
            names.clone(),
            cluster.topology.clone(),
            &self.settings.topics,
        );
        let mut network = Network::new(
            self.connect.clone(),
            StrBytes::from_string(self.settings.client_id.clone()),
            names,
            of_member.behaviour.sharing,
            self.sights.clone(),
        );
        let now = network.now();
        let mut member = Member::with_seams(now, of_member, speaker, cluster, self.seams, 0);
        member.start(&mut network);
        let mut refusal = None;
        loop {
            if refusal != member.refusal() {
                refusal = member.refusal();
                tracing::info!(?refusal, "the group's coordinator refuses a request");
            }
            network.tell_broken(&mut member);
            check(&mut network, &member)?;
            match member.end() {
                Some(End::Left) => return Ok(()),
                Some(End::Refused(Some(error))) => {
                    return Err(format!("the group refuses this member: {error:?}"));
                }
                Some(End::Refused(None)) => return Err("the group went on without it".into()),
                None => {}
            }
            let has_event = network.has_event() || member.has_event();
            let longest = tokio::time::Instant::now() + LONGEST_SLEEP;
            let due = network.at(member.poll_timeout());
            let due = due.map_or(longest, |due| due.min(longest));
            tokio::select! {
                biased;
                order = self.orders.recv() => match order {
                    Some(Order::Command(command)) => {
                        execute(&self.settings, &mut member, &mut network, command);
                    }
                    Some(Order::AskLogEnds(partitions)) => {
                        network.ask_log_ends(member.view(), &partitions);
                    }
                    None => return Ok(()),
                },
                () = tokio::time::sleep_until(due) => member.handle_timeout(&mut network),
                permit = self.events.reserve(), if has_event => {
                    let Ok(permit) = permit else {
                        return Ok(());
                    };
                    let event = network.poll_event();
                    if let Some(event) = event.or_else(|| member.poll_event(&mut network)) {
                        permit.send(Ok(event));
                    }
                },
                news = network.next() => network.handle(&mut member, news),
            }
        }
    }
}

/// Does what the driver says.
fn execute<C: Connect, At: Seams<WireSpeaker>>(
    settings: &Settings,
    member: &mut Member<WireSpeaker, At>,
    network: &mut Network<C>,
    mut command: Command<Message>,
) {
    if !member.lets_pass(network, &mut command) {
        return;
    }
    let view = member.view();
    let dead_letters = view.topology.dead_letters();
    if matches!(command, Command::DeadLetter { .. }) && view.metadata.leader(dead_letters).is_none()
    {
        network.create_topic(&settings.dead_letters());
    }
    member.execute(network, command);
}

/// Waits until the driver closes a client that is no member yet, or is gone. Until then nothing is
/// assigned, so there is nothing else that it can want.
async fn closed(orders: &mut UnboundedReceiver<Order>) {
    while let Some(order) = orders.recv().await {
        if matches!(order, Order::Command(Command::Close)) {
            return;
        }
    }
}

/// Checks that nothing was left out that may not be.
fn check<C: Connect, At: Seams<WireSpeaker>>(
    network: &mut Network<C>,
    member: &Member<WireSpeaker, At>,
) -> Result<(), String> {
    if let Some(failure) = member.view().speaker.take_failure() {
        return Err(failure);
    }
    match network.take_overgrown() {
        Some(topic) => Err(format!(
            "`{topic}` has more partitions than there is room for: a new client has more"
        )),
        None => Ok(()),
    }
}
