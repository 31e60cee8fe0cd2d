//! Leases: who may move what, until when, and what happens when the holder is lost.
//!
//! ```text
//! acquire ──► held ── release ─────────────────────────────► gone
//!              │ ▲ renew
//!              └─┴─ time to live over, grace time after the last
//!                   connection over, or taken over ── loss policy ─► gone
//! ```

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::{BuildHasher, Hasher};
use std::str::FromStr;

use crate::exchange::command::StopScope;
use crate::limits::{LEASE_GRACE_NS, MAX_HOLDER_BYTES, MAX_LEASE_TTL_MS, MAX_LEASES, MIN_LEASE_TTL_MS};

use super::machine::MachineDescription;
use super::presence::{Presence, Witnesses};
use super::refusal::Refusal;
use super::replay::{Admission, Replay};
use super::submission::{Accepted, Concern, Order};

/// What a lease is shown by. Usable on several connections. On the wire: the epoch, a hyphen, the secret as 16
/// hexadecimal digits.
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
    /// The holder as it calls itself.
    pub holder: String,
    /// User of the process that asks.
    pub uid: u32,
    /// That process.
    pub pid: i32,
}

/// A lease that is held.
#[derive(Clone, Debug, PartialEq)]
pub struct HeldLease {
    /// Its epoch.
    pub epoch: u64,
    /// As it was asked for.
    pub request: LeaseRequest,
    /// When it ends unless it is renewed, milliseconds.
    pub expires_in_ms: u64,
    /// Connections that have shown it and are still there.
    pub connections: usize,
}

/// Why a lease ended without a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LossCause {
    /// It was not renewed in time.
    Expired,
    /// The last connection that had shown it is gone.
    Disconnected,
    /// Somebody in charge took it over.
    TakenOver,
}

/// A lease that ended without a release.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Loss {
    pub cause: LossCause,
    pub epoch: u64,
    pub request: LeaseRequest,
}

struct Lease {
    token: LeaseToken,
    request: LeaseRequest,
    axes: u64,
    expires_ns: u64,
    witnesses: Witnesses,
    /// Since when there is no connection, once there was one.
    alone_since_ns: Option<u64>,
    replay: Replay,
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

    /// Gives a lease of what nobody holds.
    pub(super) fn acquire(
        &mut self,
        request: LeaseRequest,
        presence: Option<&Presence>,
        machine: &MachineDescription,
        now_ns: u64,
    ) -> Result<LeaseToken, Refusal> {
        let axes = check(&request, machine)?;
        self.held_by_other(axes, None, now_ns)?;
        self.give(request, axes, presence, now_ns)
    }

    /// Gives a lease of what others may hold: theirs are lost, one by one through `deal_with`.
    pub(super) fn take_over(
        &mut self,
        request: LeaseRequest,
        presence: Option<&Presence>,
        machine: &MachineDescription,
        now_ns: u64,
        mut deal_with: impl FnMut(Loss),
    ) -> Result<LeaseToken, Refusal> {
        let axes = check(&request, machine)?;
        while let Some(loss) = self.lose(|lease| (lease.axes & axes != 0).then_some(LossCause::TakenOver)) {
            deal_with(loss);
        }
        // What was taken from others leaves room, but nothing was taken where nobody held it.
        self.give(request, axes, presence, now_ns)
    }

    fn give(
        &mut self,
        request: LeaseRequest,
        axes: u64,
        presence: Option<&Presence>,
        now_ns: u64,
    ) -> Result<LeaseToken, Refusal> {
        if self.held.len() >= MAX_LEASES {
            return Err(Refusal::TooManyLeases { capacity: MAX_LEASES });
        }
        self.epoch += 1;
        let mut hasher = self.random.build_hasher();
        hasher.write_u64(self.epoch);
        let token = LeaseToken { epoch: self.epoch, secret: hasher.finish() };
        let expires_ns = now_ns + request.ttl_ms * 1_000_000;
        let mut witnesses = Witnesses::default();
        presence.into_iter().for_each(|presence| witnesses.add(presence));
        let replay = Replay::default();
        self.held.push(Lease { token, request, axes, expires_ns, witnesses, alone_since_ns: None, replay });
        Ok(token)
    }

    /// Lengthens a lease by its time to live from now. One that is over but not lost yet counts as renewed in time: where
    /// the gateway was held up, the renewal may have waited for it.
    pub(super) fn renew(&mut self, token: LeaseToken, presence: Option<&Presence>, now_ns: u64) -> Result<(), Refusal> {
        let lease = self.find(token)?;
        lease.expires_ns = now_ns + lease.request.ttl_ms * 1_000_000;
        lease.shown_by(presence);
        Ok(())
    }

    pub(super) fn release(&mut self, token: LeaseToken) -> Result<(), Refusal> {
        self.find(token)?;
        self.held.retain(|lease| lease.token != token);
        Ok(())
    }

    /// Every lease, the oldest first.
    pub(super) fn list(&self, now_ns: u64) -> Vec<HeldLease> {
        let held = |lease: &Lease| HeldLease {
            epoch: lease.token.epoch,
            request: lease.request.clone(),
            expires_in_ms: lease.expires_in_ms(now_ns),
            connections: lease.witnesses.present(),
        };
        self.held.iter().map(held).collect()
    }

    /// Ends a lease whose time is over; to be called until there is none.
    pub(super) fn expire(&mut self, now_ns: u64) -> Option<Loss> {
        for lease in &mut self.held {
            let alone_since_ns = lease.alone_since_ns.unwrap_or(now_ns);
            lease.alone_since_ns = lease.witnesses.all_gone().then_some(alone_since_ns);
        }
        self.lose(|lease| match lease.alone_since_ns {
            _ if now_ns >= lease.expires_ns => Some(LossCause::Expired),
            Some(since_ns) if now_ns >= since_ns + LEASE_GRACE_NS => Some(LossCause::Disconnected),
            _ => None,
        })
    }

    /// One at a time: whoever deals with a loss may panic, and then the others are still held, and lost later.
    fn lose(&mut self, cause: impl Fn(&Lease) -> Option<LossCause>) -> Option<Loss> {
        let (at, cause) = self.held.iter().enumerate().find_map(|(at, lease)| Some((at, cause(lease)?)))?;
        let Lease { token, request, .. } = self.held.remove(at);
        Some(Loss { cause, epoch: token.epoch, request })
    }

    /// Whether a command for these axes is permitted: its lease, where it has one, covers them all; without one nobody
    /// may hold them, and whoever comes by a connection needs one.
    pub(super) fn permit(
        &mut self,
        concern: Concern,
        token: Option<LeaseToken>,
        presence: Option<&Presence>,
        machine: &MachineDescription,
        now_ns: u64,
    ) -> Result<(), Refusal> {
        let axes = concern.axes(machine);
        let covered = match token {
            Some(token) => {
                let lease = self.find(token)?;
                if now_ns >= lease.expires_ns {
                    // Nobody renewed it in time: its loss is about to be dealt with.
                    return Err(Refusal::NoSuchLease);
                }
                lease.shown_by(presence);
                lease.axes & axes == axes
            }
            None => presence.is_none(),
        };
        self.held_by_other(axes, token, now_ns)?;
        if covered { Ok(()) } else { Err(concern.lease_required(machine)) }
    }

    fn held_by_other(&self, axes: u64, token: Option<LeaseToken>, now_ns: u64) -> Result<(), Refusal> {
        match self.held.iter().find(|lease| lease.axes & axes != 0 && Some(lease.token) != token) {
            Some(lease) => {
                let expires_in_ms = lease.expires_in_ms(now_ns);
                Err(Refusal::LeaseHeld { holder: lease.request.holder.clone(), expires_in_ms })
            }
            None => Ok(()),
        }
    }

    /// Looks a numbered command up, and remembers it where it is new.
    pub(super) fn admit(&mut self, token: LeaseToken, request_id: u64, order: &Order) -> Admission {
        match self.find(token) {
            Ok(lease) => lease.replay.admit(request_id, order),
            Err(refusal) => Admission::Refused(refusal),
        }
    }

    /// Remembers the answer to a numbered command, where its lease is still held.
    pub(super) fn answered(&mut self, token: LeaseToken, request_id: u64, answer: &Result<Accepted, Refusal>) {
        if let Ok(lease) = self.find(token) {
            lease.replay.answered(request_id, answer);
        }
    }

    /// After a panic: numbered commands that nobody carries out are as good as never tried.
    pub(super) fn interrupt(&mut self, mut carried_out: impl FnMut(LeaseToken, u64) -> bool) {
        for lease in &mut self.held {
            lease.replay.interrupt(|request_id| carried_out(lease.token, request_id));
        }
    }

    fn find(&mut self, token: LeaseToken) -> Result<&mut Lease, Refusal> {
        self.held.iter_mut().find(|lease| lease.token == token).ok_or(Refusal::NoSuchLease)
    }
}

impl Lease {
    fn shown_by(&mut self, presence: Option<&Presence>) {
        if let Some(presence) = presence {
            self.witnesses.add(presence);
            self.alone_since_ns = None;
        }
    }

    fn expires_in_ms(&self, now_ns: u64) -> u64 {
        self.expires_ns.saturating_sub(now_ns) / 1_000_000
    }
}

/// The axes of what is asked for, one bit each, if it can be had at all.
fn check(request: &LeaseRequest, machine: &MachineDescription) -> Result<u64, Refusal> {
    if !(MIN_LEASE_TTL_MS..=MAX_LEASE_TTL_MS).contains(&request.ttl_ms) {
        let allowed_ms = (MIN_LEASE_TTL_MS, MAX_LEASE_TTL_MS);
        return Err(Refusal::LeaseTime { found_ms: request.ttl_ms, allowed_ms });
    }
    if !(1..=MAX_HOLDER_BYTES).contains(&request.holder.len()) {
        return Err(Refusal::HolderLength { found: request.holder.len(), most: MAX_HOLDER_BYTES });
    }
    let concern = Concern::from(request.scope);
    match concern.missing(machine) {
        Some(rejected) => Err(Refusal::Rejected(Box::new(rejected))),
        None => Ok(concern.axes(machine)),
    }
}

impl fmt::Display for LeaseToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:016x}", self.epoch, self.secret)
    }
}

impl FromStr for LeaseToken {
    type Err = Refusal;

    /// What is no token is one that nobody holds.
    fn from_str(text: &str) -> Result<LeaseToken, Refusal> {
        let (epoch, secret) = text.split_once('-').ok_or(Refusal::NoSuchLease)?;
        let epoch = epoch.parse().map_err(|_| Refusal::NoSuchLease)?;
        let secret = u64::from_str_radix(secret, 16).map_err(|_| Refusal::NoSuchLease)?;
        Ok(LeaseToken { epoch, secret })
    }
}
