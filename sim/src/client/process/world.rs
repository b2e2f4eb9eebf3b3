//! The world as a member's client sees it: what it does there, and what the trace says of it.

use super::{Client, Process};
use crate::client::application::Application;
use crate::client::lane_of;
use crate::client::late::Late;
use crate::client::speaker::LeanSpeaker;
use crate::env::Env;
use crate::protocol::{
    Channel, Channels, Correlation, FetchRequest, FetchResponse, Node, Request, Sharing,
};
use crate::recipes::Payload;
use plimsoll_client::{DeadLetterCopy, Failure, Observation, World};
use plimsoll_core::{Event, Instant};
use plimsoll_oracle::{MemberId, TraceEvent};
use plimsoll_scenarios::scenario::Moment;

/// The world as a member's client sees it.
pub(super) struct Surroundings<'a, 'w> {
    env: &'a mut Env<'w>,
    member: MemberId,
    node: Node,
    sharing: Sharing,
    application: &'a mut Application,
    late: &'a mut Late,
    /// Whether the process was asked to stop.
    is_stopping: bool,
}

impl Process {
    /// Returns its client, and the world as that sees it.
    #[inline]
    pub(super) fn split<'a, 'w>(
        &'a mut self,
        env: &'a mut Env<'w>,
    ) -> (&'a mut Client, Surroundings<'a, 'w>) {
        let world = Surroundings {
            env,
            member: self.id,
            node: self.node,
            sharing: self.sharing,
            application: &mut self.application,
            late: &mut self.late,
            is_stopping: self.stopping,
        };
        (&mut self.client, world)
    }
}

impl World<LeanSpeaker> for Surroundings<'_, '_> {
    #[inline]
    fn now(&self) -> Instant {
        self.env.now()
    }

    #[inline]
    fn send(&mut self, (to, channel): (Node, Channel), correlation: Correlation, request: Request) {
        let lane = lane_of(self.sharing, channel, &request);
        self.env.request(self.node, to, lane, correlation, request);
    }

    fn close(&mut self, peer: Node, channels: Channels) {
        self.env.close(self.node, peer, channels);
    }

    fn tell(&mut self, event: Event<Payload>) {
        if let Event::CommitFinished { commit, outcome } = event {
            self.application.end_commit();
            self.late.handle_committed(self.env.now(), commit, outcome);
        }
        self.application.tell(event);
    }

    #[inline]
    fn fetch_request(&mut self) -> Box<FetchRequest> {
        self.env.cluster.fetch_request()
    }

    #[inline]
    fn recycle(&mut self, response: Box<FetchResponse>) {
        self.env.cluster.recycle_response(response);
    }

    #[inline]
    fn note_request(&mut self, request: &Request) {
        let kind = || request.kind().map(Moment::Sent);
        self.env.moments.note(self.member, kind);
    }

    fn observe(&mut self, observation: Observation<'_, LeanSpeaker>) {
        if let Observation::Revoked {
            has_buffered: true, ..
        } = observation
        {
            let moment = || Some(Moment::RevokedBuffered);
            self.env.moments.note(self.member, moment);
        }
        let event = self.event_of(observation);
        self.env.observe(event);
    }
}

impl Surroundings<'_, '_> {
    /// Returns what the trace says of an observation.
    fn event_of(&self, observation: Observation<'_, LeanSpeaker>) -> TraceEvent {
        let member = self.member;
        match observation {
            Observation::Assigned {
                partition,
                epoch,
                position,
                generation,
            } => TraceEvent::Assigned {
                member,
                partition,
                epoch,
                position,
                generation,
            },
            Observation::Revoked { partition, .. } => TraceEvent::Revoked {
                member,
                partition,
                in_flight: self.env.sink.in_flight(member, partition),
            },
            Observation::Released(partition) => TraceEvent::Released { member, partition },
            Observation::Lost(partition) => TraceEvent::Lost { member, partition },
            Observation::OutOfRange {
                partition,
                position,
            } => TraceEvent::OutOfRange {
                member,
                partition,
                position,
            },
            Observation::PositionReset {
                partition,
                from,
                to,
            } => TraceEvent::PositionReset {
                member,
                partition,
                from,
                to,
            },
            Observation::CommitSent => TraceEvent::CommitSent { member },
            Observation::CommitFailed(Failure::Lost | Failure::TimedOut) => {
                TraceEvent::CommitUnknown { member }
            }
            Observation::CommitFailed(Failure::Refused(error)) => {
                TraceEvent::CommitRefused { member, error }
            }
            Observation::DeadLetterWritten(copy) => acknowledged(member, copy),
            Observation::Ended if self.is_stopping => TraceEvent::MemberStopped { member },
            // A simulated process has no status.
            Observation::Ended => TraceEvent::MemberExited {
                member,
                status: None,
            },
        }
    }
}

fn acknowledged(member: MemberId, copy: &DeadLetterCopy<Payload>) -> TraceEvent {
    TraceEvent::DeadLetterAcknowledged {
        member,
        partition: copy.partition,
        offset: copy.record.offset,
        message: copy.record.payload.message,
        epoch: Some(copy.epoch),
    }
}
