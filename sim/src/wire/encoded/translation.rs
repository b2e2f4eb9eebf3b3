//! From one dialect to another: what is read has one type in both, and what is carried is put into
//! other words.

use crate::protocol::{
    CommittedOffset, Content, Dialect, FetchRequest, FetchResponse, JoinGroupRequest,
    JoinGroupResponse, JoinedMember, LogEntry, ProtocolName, Request, Response, SyncGroupResponse,
    VotedProtocol,
};

/// How what the dialect `D` carries is said in `E`; `None`: it cannot be said.
pub(super) trait Translate<D: Dialect, E: Dialect> {
    fn batch(&self, batch: &D::Batch) -> Option<E::Batch>;

    fn subscription(&self, subscription: &D::Subscription) -> Option<E::Subscription>;

    fn assignment(&self, assignment: &D::Assignment) -> Option<E::Assignment>;

    fn protocol_name(&self, name: &ProtocolName<D>) -> Option<ProtocolName<E>>;

    fn metadata(&self, metadata: &D::CommitMetadata) -> Option<E::CommitMetadata>;

    /// Says a request; `None` also for one that no simulated client sends.
    fn request(&self, request: &Request<D>) -> Option<Request<E>> {
        Some(match request {
            Request::ApiVersions => Request::ApiVersions,
            Request::Metadata => Request::Metadata,
            Request::FindCoordinator { group } => Request::FindCoordinator { group: *group },
            Request::Produce {
                partition,
                batch,
                acks,
                timeout_ms,
            } => Request::Produce {
                partition: *partition,
                batch: self.batch(batch)?,
                acks: *acks,
                timeout_ms: *timeout_ms,
            },
            Request::Fetch(fetch) => Request::Fetch(Box::new(FetchRequest {
                positions: fetch.positions.clone(),
                ..**fetch
            })),
            Request::JoinGroup(join) => Request::JoinGroup(Box::new(self.join(join)?)),
            Request::SyncGroup {
                sender,
                protocol,
                assignments,
            } => {
                let assignments = assignments.iter();
                let assignments =
                    assignments.map(|(member, given)| Some((*member, self.assignment(given)?)));
                Request::SyncGroup {
                    sender: *sender,
                    protocol: self.protocol(protocol)?,
                    assignments: assignments.collect::<Option<_>>()?,
                }
            }
            Request::Heartbeat(sender) => Request::Heartbeat(*sender),
            Request::LeaveGroup { group, members } => Request::LeaveGroup {
                group: *group,
                members: members.clone(),
            },
            Request::OffsetCommit { sender, offsets } => Request::OffsetCommit {
                sender: *sender,
                offsets: self.offsets(offsets)?,
            },
            Request::OffsetFetch {
                group,
                partitions,
                require_stable,
            } => Request::OffsetFetch {
                group: *group,
                partitions: partitions.clone(),
                require_stable: *require_stable,
            },
            Request::Offsets(request) => Request::Offsets(*request),
            Request::Parts(_)
            | Request::Admin(_)
            | Request::BrokerHeartbeat { .. }
            | Request::AlterPartition { .. } => return None,
        })
    }

    /// Says a response; `None` also for one that no simulated client gets.
    fn response(&self, response: &Response<D>) -> Option<Response<E>> {
        Some(match response {
            Response::ApiVersions => Response::ApiVersions,
            Response::Metadata(cluster) => Response::Metadata(cluster.clone()),
            Response::FindCoordinator(found) => Response::FindCoordinator(*found),
            Response::Produce(appended) => Response::Produce(*appended),
            Response::Fetch(fetched) => {
                let entries = fetched.entries.iter().map(|entry| self.entry(entry));
                Response::Fetch(Box::new(FetchResponse {
                    partitions: fetched.partitions.clone(),
                    left_off: fetched.left_off,
                    entries: entries.collect::<Option<_>>()?,
                    asked: fetched.asked.clone(),
                }))
            }
            Response::JoinGroup(Ok(joined)) => {
                Response::JoinGroup(Ok(Box::new(self.joined(joined)?)))
            }
            Response::JoinGroup(Err(error)) => Response::JoinGroup(Err(*error)),
            Response::SyncGroup(Ok(synced)) => Response::SyncGroup(Ok(SyncGroupResponse {
                protocol: self.protocol(&synced.protocol)?,
                assignment: self.assignment(&synced.assignment)?,
            })),
            Response::SyncGroup(Err(error)) => Response::SyncGroup(Err(*error)),
            Response::Heartbeat(result) => Response::Heartbeat(*result),
            Response::LeaveGroup(left) => Response::LeaveGroup(left.clone()),
            Response::OffsetCommit(committed) => Response::OffsetCommit(committed.clone()),
            Response::OffsetFetch(Ok(offsets)) => Response::OffsetFetch(Ok(self.offsets(offsets)?)),
            Response::OffsetFetch(Err(error)) => Response::OffsetFetch(Err(*error)),
            Response::Failed(error) => Response::Failed(*error),
            Response::Offsets(found) => Response::Offsets(*found),
            Response::Parts(_)
            | Response::BrokerHeartbeat { .. }
            | Response::AlterPartition(_)
            | Response::Admin(_) => return None,
        })
    }

    fn join(&self, join: &JoinGroupRequest<D>) -> Option<JoinGroupRequest<E>> {
        Some(JoinGroupRequest {
            group: join.group,
            member: join.member,
            requires_id: join.requires_id,
            skips_assignment: join.skips_assignment,
            instance: join.instance,
            // It is known of the connection.
            client: E::Client::default(),
            session_timeout: join.session_timeout,
            rebalance_timeout: join.rebalance_timeout,
            protocol_type: join.protocol_type,
            subscription: self.subscription(&join.subscription)?,
        })
    }

    fn joined(&self, joined: &JoinGroupResponse<D>) -> Option<JoinGroupResponse<E>> {
        let members = joined.members.iter().map(|member| {
            Some(JoinedMember {
                member: member.member,
                instance: member.instance,
                subscription: self.subscription(&member.subscription)?,
            })
        });
        Some(JoinGroupResponse {
            generation: joined.generation,
            protocol: self.protocol(&joined.protocol)?,
            member: joined.member,
            leader: joined.leader,
            skip_assignment: joined.skip_assignment,
            members: members.collect::<Option<_>>()?,
        })
    }

    fn protocol(&self, protocol: &Option<VotedProtocol<D>>) -> Option<Option<VotedProtocol<E>>> {
        Some(match protocol {
            Some((kind, name)) => Some((*kind, self.protocol_name(name)?)),
            None => None,
        })
    }

    fn offsets(&self, offsets: &[CommittedOffset<D>]) -> Option<Vec<CommittedOffset<E>>> {
        let offsets = offsets.iter().map(|offset| {
            Some(CommittedOffset {
                partition: offset.partition,
                next: offset.next,
                metadata: self.metadata(&offset.metadata)?,
            })
        });
        offsets.collect()
    }

    /// Says an entry; what coordinators write, no client fetches.
    fn entry(&self, entry: &LogEntry<D>) -> Option<LogEntry<E>> {
        let Content::Batch(batch) = &entry.content else {
            return None;
        };
        Some(LogEntry {
            offset: entry.offset,
            leader_epoch: entry.leader_epoch,
            content: Content::Batch(self.batch(batch)?),
        })
    }
}
