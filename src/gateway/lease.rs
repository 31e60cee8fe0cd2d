//! Leases: who may move what, until when, and what happens when the holder is lost.
//!
//! ```text
//! acquire ──► held ── release ─────────────────────────────► gone
//!              │ ▲ renew
//!              └─┴─ time to live over, or grace time after
//!                   the last connection over ── loss policy ─► gone
//! ```

use std::collections::VecDeque;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

use crate::exchange::command::StopScope;
use crate::limits::{LEASE_ANSWERS, LEASE_GRACE_NS, MAX_LEASE_TTL_MS, MAX_LEASES, MIN_LEASE_TTL_MS};

use super::machine::MachineDescription;
use super::refusal::Refusal;
use super::submission::{Accepted, Concern, Order};

/// What a lease is shown by. Usable on several connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LeaseToken {
    /// Rises by one a lease: a holder with an older epoch has been fenced off.
    pub epoch: u64,
    /// Not to be guessed.
    pub secret: u64,
}

/// What happens to motion when a holder is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LossPolicy {
    /// What the lease covers is stopped.
    Stop,
    /// What was accepted is carried out.
    Finish,
}

/// What a client asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct LeaseRequest {
    /// What shall be held.
    pub scope: StopScope,
    /// How long it lasts unless it is renewed, milliseconds.
    pub ttl_ms: u64,
    /// What happens when the holder is lost.
    pub policy: LossPolicy,
    /// The holder's name for others to read.
    pub holder: String,
}

/// A lease that ended without a release.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Loss {
    pub scope: StopScope,
    pub policy: LossPolicy,
    pub holder: String,
}

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

struct Lease {
    token: LeaseToken,
    scope: StopScope,
    axes: u64,
    policy: LossPolicy,
    holder: String,
    ttl_ns: u64,
    expires_ns: u64,
    connections: usize,
    /// Since when there is no connection, once there was one.
    alone_since_ns: Option<u64>,
    latest_id: u64,
    numbered: VecDeque<Numbered>,
}

/// All leases.
pub(super) struct Leases {
    held: Vec<Lease>,
    epoch: u64,
    random: RandomState,
}

impl Leases {
    pub(super) fn new() -> Leases {
        Leases { held: Vec::with_capacity(MAX_LEASES), epoch: 0, random: RandomState::new() }
    }

    pub(super) fn acquire(
        &mut self,
        request: LeaseRequest,
        machine: &MachineDescription,
        now_ns: u64,
    ) -> Result<LeaseToken, Refusal> {
        if !(MIN_LEASE_TTL_MS..=MAX_LEASE_TTL_MS).contains(&request.ttl_ms) {
            let allowed_ms = (MIN_LEASE_TTL_MS, MAX_LEASE_TTL_MS);
            return Err(Refusal::LeaseTime { found_ms: request.ttl_ms, allowed_ms });
        }
        let concern = Concern::from(request.scope);
        if let Some(rejected) = concern.missing(machine) {
            return Err(Refusal::Rejected(Box::new(rejected)));
        }
        let axes = concern.axes(machine);
        self.held_by_other(axes, None, now_ns)?;
        if self.held.len() >= MAX_LEASES {
            return Err(Refusal::TooManyLeases { capacity: MAX_LEASES });
        }
        self.epoch += 1;
        let mut hasher = self.random.build_hasher();
        hasher.write_u64(self.epoch);
        let token = LeaseToken { epoch: self.epoch, secret: hasher.finish() };
        let ttl_ns = request.ttl_ms * 1_000_000;
        self.held.push(Lease {
            token,
            scope: request.scope,
            axes,
            policy: request.policy,
            holder: request.holder,
            ttl_ns,
            expires_ns: now_ns + ttl_ns,
            connections: 0,
            alone_since_ns: None,
            latest_id: 0,
            numbered: VecDeque::new(),
        });
        Ok(token)
    }

    pub(super) fn renew(&mut self, token: LeaseToken, now_ns: u64) -> Result<(), Refusal> {
        let lease = self.find(token)?;
        lease.expires_ns = now_ns + lease.ttl_ns;
        Ok(())
    }

    pub(super) fn release(&mut self, token: LeaseToken) -> Result<(), Refusal> {
        self.find(token)?;
        self.held.retain(|lease| lease.token != token);
        Ok(())
    }

    /// A connection uses the lease from now on, or no longer.
    pub(super) fn connect(&mut self, token: LeaseToken, connected: bool, now_ns: u64) -> Result<(), Refusal> {
        let lease = self.find(token)?;
        lease.connections = if connected { lease.connections + 1 } else { lease.connections.saturating_sub(1) };
        lease.alone_since_ns = (lease.connections == 0).then_some(now_ns);
        Ok(())
    }

    /// Ends every lease whose time is over.
    pub(super) fn expire(&mut self, now_ns: u64) -> Vec<Loss> {
        let over = |lease: &mut Lease| {
            now_ns >= lease.expires_ns || lease.alone_since_ns.is_some_and(|since| now_ns >= since + LEASE_GRACE_NS)
        };
        let lost = self.held.extract_if(.., over);
        lost.map(|lease| Loss { scope: lease.scope, policy: lease.policy, holder: lease.holder }).collect()
    }

    /// Whether this command is permitted: nobody else holds what it moves, and the lease that it names, if any, is held.
    pub(super) fn permit(&mut self, axes: u64, token: Option<LeaseToken>, now_ns: u64) -> Result<(), Refusal> {
        if let Some(token) = token {
            self.find(token)?;
        }
        self.held_by_other(axes, token, now_ns)
    }

    fn held_by_other(&self, axes: u64, token: Option<LeaseToken>, now_ns: u64) -> Result<(), Refusal> {
        match self.held.iter().find(|lease| lease.axes & axes != 0 && Some(lease.token) != token) {
            Some(lease) => {
                let expires_in_ms = lease.expires_ns.saturating_sub(now_ns) / 1_000_000;
                Err(Refusal::LeaseHeld { holder: lease.holder.clone(), expires_in_ms })
            }
            None => Ok(()),
        }
    }

    /// Looks a numbered command up, and remembers it where it is new.
    pub(super) fn admit(&mut self, token: LeaseToken, request_id: u64, order: &Order) -> Admission {
        let lease = match self.find(token) {
            Ok(lease) => lease,
            Err(refusal) => return Admission::Refused(refusal),
        };
        if let Some(known) = lease.numbered.iter_mut().find(|known| known.request_id == request_id) {
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
        if request_id <= lease.latest_id {
            return Admission::Refused(Refusal::RequestIdOld { request_id, latest: lease.latest_id });
        }
        lease.latest_id = request_id;
        if lease.numbered.len() >= LEASE_ANSWERS {
            lease.numbered.pop_front();
        }
        lease.numbered.push_back(Numbered { request_id, order: order.clone(), answer: None });
        Admission::New
    }

    /// Remembers the answer to a numbered command, where its lease is still held.
    pub(super) fn answered(&mut self, token: LeaseToken, request_id: u64, answer: &Result<Accepted, Refusal>) {
        let Ok(lease) = self.find(token) else { return };
        if let Some(known) = lease.numbered.iter_mut().find(|known| known.request_id == request_id) {
            known.answer = Some(answer.clone());
        }
    }

    /// After a panic: numbered commands that nobody carries out are as good as never tried.
    pub(super) fn interrupt(&mut self, mut carried_out: impl FnMut(LeaseToken, u64) -> bool) {
        for lease in &mut self.held {
            for known in lease.numbered.iter_mut().filter(|known| known.answer.is_none()) {
                if !carried_out(lease.token, known.request_id) {
                    known.answer = Some(Err(Refusal::Interrupted));
                }
            }
        }
    }

    fn find(&mut self, token: LeaseToken) -> Result<&mut Lease, Refusal> {
        self.held.iter_mut().find(|lease| lease.token == token).ok_or(Refusal::NoSuchLease)
    }
}
