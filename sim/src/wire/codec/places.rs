//! What requests for places in the logs of partitions have in common.

use super::Plan;
use crate::protocol::{FoundOffset, OffsetsRequest, Request, Response};
use kafka_protocol::ResponseError;
use plimsoll_codec::Wire;
use plimsoll_oracle::ErrorName;

/// What a broker is asked for, and what is refused here, in the order of the request.
#[derive(Default)]
pub(super) struct Places {
    parts: Vec<Request<Wire>>,
    refused: Vec<Option<ResponseError>>,
}

pub(super) type Found = Result<Option<FoundOffset>, i16>;

impl Places {
    /// Asks for a place; `None`: there is no such partition.
    pub(super) fn ask(&mut self, request: Option<OffsetsRequest>) {
        match request {
            Some(request) => {
                self.parts.push(Request::Offsets(request));
                self.refused.push(None);
            }
            None => self.refuse(ResponseError::UnknownTopicOrPartition),
        }
    }

    pub(super) fn refuse(&mut self, error: ResponseError) {
        self.refused.push(Some(error));
    }

    pub(super) fn plan(
        self,
        finish: impl FnOnce(&mut dyn Iterator<Item = Found>) -> Option<bytes::Bytes> + Send + 'static,
    ) -> Plan {
        let Self { parts, refused } = self;
        Plan::together(parts, move |_, _, answers| {
            let mut answers = answers.into_iter();
            let mut found = refused.into_iter().map(|refused| match refused {
                Some(error) => Err(error.code()),
                None => match answers.next() {
                    Some(Response::Offsets(found)) => found.map_err(ErrorName::code),
                    Some(Response::Failed(error)) => Err(error.code()),
                    _ => Err(ResponseError::UnknownServerError.code()),
                },
            });
            finish(&mut found)
        })
    }
}

pub(super) fn code(found: &Found) -> i16 {
    found.err().unwrap_or(0)
}

pub(super) fn place(found: &Found, of: impl Fn(&FoundOffset) -> Option<i64>) -> i64 {
    let found = found.as_ref().ok().and_then(Option::as_ref);
    found.and_then(of).unwrap_or(-1)
}

pub(super) fn epoch(found: &Found) -> i32 {
    place(found, |found| found.leader_epoch.map(i64::from)) as i32
}
