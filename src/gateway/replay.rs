//! Numbered commands and their answers, so that none is carried out twice.

use std::collections::VecDeque;

use crate::limits::LEASE_ANSWERS;

use super::refusal::Refusal;
use super::submission::{Accepted, Order};

/// How a numbered command stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Admission {
    /// It was not seen before.
    New,
    /// It was answered before.
    Replay(Result<Accepted, Refusal>),
    /// It may not be carried out.
    Refused(Refusal),
}

struct Numbered {
    request_id: u64,
    order: Order,
    /// `None` while it is being carried out.
    answer: Option<Result<Accepted, Refusal>>,
}

/// The latest numbered commands of one lease. Numbers rise; what is older than the oldest here is never carried out.
#[derive(Default)]
pub(super) struct Replay {
    latest_id: u64,
    numbered: VecDeque<Numbered>,
}

impl Replay {
    /// Looks a numbered command up, and remembers it where it is new.
    pub(super) fn admit(&mut self, request_id: u64, order: &Order) -> Admission {
        if let Some(known) = self.numbered.iter_mut().find(|known| known.request_id == request_id) {
            return match &known.answer {
                _ if known.order != *order => Admission::Refused(Refusal::RequestIdReused { request_id }),
                None => Admission::Refused(Refusal::RequestPending { request_id }),
                // It was not carried out, so this is a first attempt still.
                Some(Err(refusal)) if refusal.retryable() => {
                    known.answer = None;
                    Admission::New
                }
                Some(answer) => Admission::Replay(answer.clone()),
            };
        }
        if request_id <= self.latest_id {
            return Admission::Refused(Refusal::RequestIdOld { request_id, latest: self.latest_id });
        }
        self.latest_id = request_id;
        if self.numbered.len() >= LEASE_ANSWERS {
            self.numbered.pop_front();
        }
        self.numbered.push_back(Numbered { request_id, order: order.clone(), answer: None });
        Admission::New
    }

    /// Remembers the answer to a numbered command.
    pub(super) fn answered(&mut self, request_id: u64, answer: &Result<Accepted, Refusal>) {
        if let Some(known) = self.numbered.iter_mut().find(|known| known.request_id == request_id) {
            known.answer = Some(answer.clone());
        }
    }

    /// After a panic: numbered commands that nobody carries out are as good as never tried.
    pub(super) fn interrupt(&mut self, mut carried_out: impl FnMut(u64) -> bool) {
        for known in self.numbered.iter_mut().filter(|known| known.answer.is_none()) {
            if !carried_out(known.request_id) {
                known.answer = Some(Err(Refusal::Interrupted));
            }
        }
    }
}
