//! The connections with brokers, and what passes on them.

use crate::Connect;
use crate::connection::{LinkId, LinkNews, carry, with_length};
use crate::news::Sights;
use crate::speaker::WireSpeaker;
use bytes::Bytes;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::{ApiKey, MetadataRequest};
use kafka_protocol::protocol::StrBytes;
use plimsoll::Message;
use plimsoll_client::{Member, Seams, View, World, end_of, read};
use plimsoll_codec::frames::Head;
use plimsoll_codec::{Names, Sent, Versions, Wire, encode, topic_name};
use plimsoll_core::{Event, Instant, NextOffset, TopicPartition};
use plimsoll_protocol::{
    Channel, Channels, Correlation, Node, PartitionIndex, Request, Response, Sharing, Topology,
};
use std::collections::{BTreeMap, VecDeque};
use std::sync::PoisonError;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::AbortHandle;

/// The connections with brokers, and what passes on them.
pub(crate) struct Network<C> {
    connect: C,
    client_id: StrBytes,
    names: Names,
    sharing: Sharing,
    origin: tokio::time::Instant,
    links: BTreeMap<(Node, u8), Link>,
    made: u64,
    told: UnboundedReceiver<(LinkId, LinkNews)>,
    /// The connections' end of that channel.
    tell: UnboundedSender<(LinkId, LinkNews)>,
    /// Connections that broke or were closed, of which the member has not learned.
    broken: VecDeque<(Node, Channels)>,
    /// What the application is to be told.
    events: VecDeque<Event<Message>>,
    sights: Sights,
}

/// A connection. Its task ends with it.
struct Link {
    id: LinkId,
    channel: Channel,
    outgoing: UnboundedSender<Bytes>,
    /// What the broker knows, once it has said so.
    versions: Option<Versions>,
    /// Requests that wait for that.
    waiting: Vec<(Purpose, Request<Wire>)>,
    /// Requests that were sent, in order, each with what reads the answer.
    sent: VecDeque<(Purpose, Option<Sent>)>,
    task: AbortHandle,
}

/// A broker whose address is not known.
struct Unreachable;

/// The purpose of a request.
#[derive(Debug)]
enum Purpose {
    /// The member waits for the answer.
    Member(Correlation),
    /// The ends of these logs are to be known.
    LogEnds(Vec<PartitionIndex>),
    /// One for its effect alone, whose answer nothing reads.
    Effect,
}

impl Drop for Link {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl<C: Connect> Network<C> {
    pub(crate) fn new(
        connect: C,
        client_id: StrBytes,
        names: Names,
        sharing: Sharing,
        sights: Sights,
    ) -> Self {
        let (tell, told) = unbounded_channel();
        Self {
            connect,
            client_id,
            names,
            sharing,
            origin: tokio::time::Instant::now(),
            links: BTreeMap::new(),
            made: 0,
            told,
            tell,
            broken: VecDeque::new(),
            events: VecDeque::new(),
            sights,
        }
    }

    /// Returns a moment on tokio's clock.
    pub(crate) fn at(&self, moment: Instant) -> Option<tokio::time::Instant> {
        self.origin.checked_add(moment.since_start())
    }

    /// Returns whether the application is to be told something.
    pub(crate) fn has_event(&self) -> bool {
        !self.events.is_empty()
    }

    /// Takes what the application is to be told next.
    pub(crate) fn poll_event(&mut self) -> Option<Event<Message>> {
        self.events.pop_front()
    }

    /// Takes the name of a topic that has more partitions than there is room for.
    pub(crate) fn take_overgrown(&mut self) -> Option<String> {
        self.names.take_overgrown()
    }

    /// Waits for what a connection tells. Cancel-safe.
    pub(crate) async fn next(&mut self) -> (LinkId, LinkNews) {
        match self.told.recv().await {
            Some(news) => news,
            // There is a sender, beside the receiver.
            None => std::future::pending().await,
        }
    }

    /// Takes what a connection tells.
    pub(crate) fn handle<At: Seams<WireSpeaker>>(
        &mut self,
        member: &mut Member<WireSpeaker, At>,
        (id, news): (LinkId, LinkNews),
    ) {
        let mut links = self.links.iter();
        let Some((&place, link)) = links.find(|(_, link)| link.id == id) else {
            return;
        };
        let (peer, channel) = (place.0, link.channel);
        match news {
            LinkNews::Made(versions) => self.begin(place, versions),
            LinkNews::Frame(frame) => match self.read(place, frame) {
                Ok((Purpose::Member(correlation), Some(response))) => {
                    let seen = self.note_watermarks(&member.view().topology, &response);
                    if matches!(response, Response::Metadata(_) | Response::Failed(_)) {
                        self.note_topics(&member.view().topology);
                    }
                    member.handle_response(self, (peer, channel), correlation, response);
                    self.note_failures(member, &seen);
                }
                Ok((Purpose::LogEnds(partitions), Some(response))) => {
                    self.note_log_ends(&member.view().topology, &partitions, response);
                }
                Ok(_) => {}
                Err(why) => self.lose(place, why),
            },
            LinkNews::Broken(why) if link.is_idle() => {
                tracing::debug!(broker = peer.0, why, "an idle connection has ended");
                self.links.remove(&place);
            }
            LinkNews::Broken(why) => self.lose(place, &why),
        }
    }

    /// Tells the member which connections broke.
    pub(crate) fn tell_broken<At: Seams<WireSpeaker>>(
        &mut self,
        member: &mut Member<WireSpeaker, At>,
    ) {
        while let Some((peer, channels)) = self.broken.pop_front() {
            for channel in channels.iter() {
                self.links.remove(&(peer, channel as u8));
            }
            member.handle_disconnected(self, peer, channels);
        }
    }

    /// Has a broker create a topic, where brokers do so: its first message wants to be written.
    pub(crate) fn create_topic(&mut self, name: &str) {
        let mut links = self.links.values_mut();
        let link = links.find(|link| link.channel == Channel::Data && link.versions.is_some());
        let Some(link) = link else {
            return;
        };
        let topic = MetadataRequestTopic::default().with_name(Some(topic_name(name)));
        let request = MetadataRequest::default()
            .with_topics(Some(vec![topic]))
            .with_allow_auto_topic_creation(true);
        let version = link
            .versions
            .as_ref()
            .and_then(|of| of.of(ApiKey::Metadata));
        let head = Head {
            correlation: 0,
            client_id: self.client_id.clone(),
        };
        if let Some(frame) = version.and_then(|of| head.frame(&request, *of.end())) {
            link.sent.push_back((Purpose::Effect, None));
            let _ = link.outgoing.send(frame);
        }
    }

    /// Asks each broker for the ends of the logs that it leads, unless it has not answered the last
    /// question.
    pub(crate) fn ask_log_ends(&mut self, view: &View<WireSpeaker>, partitions: &[TopicPartition]) {
        let mut led: BTreeMap<Node, Vec<PartitionIndex>> = BTreeMap::new();
        for index in partitions.iter().filter_map(|of| view.topology.index(*of)) {
            if let Some((leader, _)) = view.metadata.leader(index) {
                led.entry(leader).or_default().push(index);
            }
        }
        for (leader, partitions) in led {
            let place = (leader, Channel::Data as u8);
            if self.links.get(&place).is_some_and(Link::is_asked_for_ends) {
                continue;
            }
            let ends = partitions
                .iter()
                .map(|index| end_of(*index, Some(NextOffset::ZERO)));
            let request = Request::Parts(ends.collect());
            let _ = self.ask(
                (leader, Channel::Data),
                Purpose::LogEnds(partitions),
                request,
            );
        }
    }

    /// Sends what waited for a connection.
    fn begin(&mut self, place: (Node, u8), versions: Versions) {
        let Some(link) = self.links.get_mut(&place) else {
            return;
        };
        link.versions = Some(versions);
        for (purpose, request) in std::mem::take(&mut link.waiting) {
            self.write(place, purpose, &request);
        }
    }

    /// Writes a request to a connection that is made.
    fn write(&mut self, place: (Node, u8), purpose: Purpose, request: &Request<Wire>) {
        let Some(link) = self.links.get_mut(&place) else {
            return;
        };
        let Some(versions) = &link.versions else {
            return;
        };
        let head = Head {
            correlation: match &purpose {
                Purpose::Member(correlation) => correlation.0 as i32,
                Purpose::LogEnds(_) | Purpose::Effect => 0,
            },
            client_id: self.client_id.clone(),
        };
        match encode(&mut self.names, &head, versions, request) {
            Some((frame, sent)) => {
                link.sent.push_back((purpose, Some(sent)));
                let _ = link.outgoing.send(with_length(&frame));
            }
            None => self.lose(place, "it knows no version of a request that can say it"),
        }
    }

    /// Reads an answer.
    fn read(
        &mut self,
        place: (Node, u8),
        frame: Bytes,
    ) -> Result<(Purpose, Option<Response<Wire>>), &'static str> {
        let link = self.links.get_mut(&place);
        let sent = link.and_then(|link| link.sent.pop_front());
        let (purpose, sent) = sent.ok_or("it answers what was not asked")?;
        let Some(sent) = sent else {
            return Ok((purpose, None));
        };
        let response = sent.decode(&mut self.names, frame);
        let response = response.ok_or("its answer makes no sense")?;
        Ok((purpose, Some(response)))
    }

    /// Gives up a connection, and what is shared with it.
    fn lose(&mut self, (peer, channel): (Node, u8), why: &str) {
        let Some(link) = self.links.get(&(peer, channel)) else {
            return;
        };
        let address = self.names.address(peer);
        tracing::warn!(broker = ?address, why, "a connection broke");
        self.broken
            .push_back((peer, self.sharing.connection(link.channel)));
    }

    /// Notes the high watermarks in the answer to a fetch. Returns the partitions that it tells of.
    fn note_watermarks(
        &self,
        topology: &Topology,
        response: &Response<Wire>,
    ) -> Vec<PartitionIndex> {
        let Response::Fetch(fetched) = response else {
            return Vec::new();
        };
        let told = fetched.partitions.iter();
        let told: Vec<_> = told.filter(|told| told.error.is_none()).collect();
        let watermarks = told.iter().map(|told| {
            let watermark = NextOffset::new(told.high_watermark);
            (told.partition, watermark)
        });
        self.note_ends(topology, watermarks);
        told.iter().map(|told| told.partition).collect()
    }

    /// Notes the ends of these logs, as far as they are told.
    fn note_log_ends(
        &self,
        topology: &Topology,
        partitions: &[PartitionIndex],
        response: Response<Wire>,
    ) {
        let parts = match response {
            Response::Parts(parts) => parts,
            one => vec![one],
        };
        let told = partitions.iter().zip(parts);
        let ends = told.filter_map(|(index, part)| Some((*index, read(Ok(part)).ok()?)));
        self.note_ends(topology, ends);
    }

    fn note_ends(
        &self,
        topology: &Topology,
        ends: impl Iterator<Item = (PartitionIndex, NextOffset)>,
    ) {
        let mut sights = self.sights.lock().unwrap_or_else(PoisonError::into_inner);
        for (index, end) in ends {
            let sight = sights
                .partitions
                .entry(topology.partition(index))
                .or_default();
            sight.high_watermark = Some(end);
        }
    }

    /// Notes which topics cannot be read, as the last answers tell of them.
    fn note_topics(&self, topology: &Topology) {
        let mut sights = self.sights.lock().unwrap_or_else(PoisonError::into_inner);
        for (name, topic) in self.names.topics() {
            let first = topic.partitions.first();
            let Some(first) = first.filter(|index| topology.is_workload(**index)) else {
                continue;
            };
            let number = topology.partition(*first).topic;
            match topic.error {
                Some(error) if sights.unavailable.insert(number) => {
                    tracing::error!(topic = name, ?error, "a topic cannot be read");
                }
                None if sights.unavailable.remove(&number) => {
                    tracing::info!(topic = name, "a topic can be read again");
                }
                _ => {}
            }
        }
    }

    /// Notes which of these partitions could not be read.
    fn note_failures<At: Seams<WireSpeaker>>(
        &self,
        member: &Member<WireSpeaker, At>,
        partitions: &[PartitionIndex],
    ) {
        let topology = &member.view().topology;
        let mut sights = self.sights.lock().unwrap_or_else(PoisonError::into_inner);
        for index in partitions {
            let sight = sights
                .partitions
                .entry(topology.partition(*index))
                .or_default();
            sight.is_failing = member.fetcher().is_failing(*index);
        }
    }

    /// Sends a request, over a new connection where there is none.
    fn ask(
        &mut self,
        (to, channel): (Node, Channel),
        purpose: Purpose,
        request: Request<Wire>,
    ) -> Result<(), Unreachable> {
        let place = (to, channel as u8);
        if !self.links.contains_key(&place) {
            let link = self.open(to, channel).ok_or(Unreachable)?;
            self.links.insert(place, link);
        }
        match self.links.get_mut(&place) {
            Some(link) if link.versions.is_none() => link.waiting.push((purpose, request)),
            _ => self.write(place, purpose, &request),
        }
        Ok(())
    }

    /// Makes a connection.
    fn open(&mut self, peer: Node, channel: Channel) -> Option<Link> {
        let (host, port) = self.names.address(peer)?.clone();
        self.made += 1;
        let id = LinkId(self.made);
        let (outgoing, receiver) = unbounded_channel();
        let task = self.connect.spawn(carry(
            self.connect.clone(),
            (host.to_string(), port),
            self.client_id.clone(),
            receiver,
            (id, self.tell.clone()),
        ));
        Some(Link {
            id,
            channel,
            outgoing,
            versions: None,
            waiting: Vec::new(),
            sent: VecDeque::new(),
            task: task.abort_handle(),
        })
    }
}

impl Link {
    /// Returns whether nothing is asked on it.
    fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.sent.is_empty()
    }

    /// Returns whether it is asked for the ends of logs.
    fn is_asked_for_ends(&self) -> bool {
        let waiting = self.waiting.iter().map(|(purpose, _)| purpose);
        let mut purposes = waiting.chain(self.sent.iter().map(|(purpose, _)| purpose));
        purposes.any(|purpose| matches!(purpose, Purpose::LogEnds(_)))
    }
}

impl<C: Connect> World<WireSpeaker> for Network<C> {
    fn now(&self) -> Instant {
        let nanos = self.origin.elapsed().as_nanos();
        Instant::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    fn send(
        &mut self,
        (to, channel): (Node, Channel),
        correlation: Correlation,
        request: Request<Wire>,
    ) {
        let purpose = Purpose::Member(correlation);
        if self.ask((to, channel), purpose, request).is_err() {
            // Its address will come with metadata.
            self.close(to, self.sharing.connection(channel));
        }
    }

    fn close(&mut self, peer: Node, channels: Channels) {
        self.broken.push_back((peer, channels));
    }

    fn tell(&mut self, event: Event<Message>) {
        self.events.push_back(event);
    }
}
