//! Commands on their way to the cycle, each with a ticket: the cycle takes it, or the gateway withdraws it, never
//! both. So a command whose requester was told "the cycle does not answer" is not carried out later.

use super::command::Command;
use super::ring::{Full, Receiver, Sender};
use super::sync::{Arc, AtomicU64, Ordering};
use crate::ids::Handle;

/// Tickets by handle modulo their number: the handle while the command waits, 0 when it was taken or withdrawn.
/// There are twice as many as places in the ring, and a ticket that is still held makes its place's next
/// command wait: two commands never share one.
type Tickets = Arc<Vec<AtomicU64>>;

/// The gateway's end.
pub struct CommandSender {
    ring: Sender<Command>,
    tickets: Tickets,
    last: Handle,
}

/// The cycle's end.
pub struct CommandReceiver {
    ring: Receiver<Command>,
    tickets: Tickets,
}

/// A command queue with `capacity` places (a power of two).
pub fn commands(capacity: usize) -> (CommandSender, CommandReceiver) {
    let (sender, receiver) = super::ring::channel(capacity);
    let tickets: Tickets = Arc::new((0..2 * capacity).map(|_| AtomicU64::new(0)).collect());
    (
        CommandSender { ring: sender, tickets: Arc::clone(&tickets), last: Handle::NONE },
        CommandReceiver { ring: receiver, tickets },
    )
}

fn ticket(tickets: &[AtomicU64], handle: Handle) -> &AtomicU64 {
    &tickets[(handle.0 % tickets.len() as u64) as usize]
}

/// One attempt, no loop: who has the command is decided by this exchange.
fn redeem(tickets: &[AtomicU64], handle: Handle) -> bool {
    // Both sides only need to agree on who was first; the command itself travels through the ring.
    handle != Handle::NONE
        && ticket(tickets, handle).compare_exchange(handle.0, 0, Ordering::AcqRel, Ordering::Relaxed).is_ok()
}

impl CommandSender {
    /// Sends a command; its handle must be higher than those before.
    pub fn send(&mut self, command: Command) -> Result<(), Full> {
        let ticket = ticket(&self.tickets, command.handle);
        if ticket.load(Ordering::Acquire) != 0 {
            // An old command still waits: the cycle has not moved for a ring's length.
            return Err(Full { depth: self.depth(), capacity: self.capacity() });
        }
        ticket.store(command.handle.0, Ordering::Release);
        match self.ring.send(command) {
            Ok(()) => self.last = command.handle,
            Err(full) => {
                ticket.store(0, Ordering::Release);
                return Err(full);
            }
        }
        Ok(())
    }

    /// The handle of the last command that was sent: what a sender that died half-way has done.
    pub fn last_sent(&self) -> Handle {
        self.last
    }

    /// Takes a command back; `false` where the cycle has taken it (its report comes, or is there) or it was
    /// never sent.
    pub fn withdraw(&mut self, handle: Handle) -> bool {
        redeem(&self.tickets, handle)
    }

    /// Commands that wait, withdrawn ones included.
    pub fn depth(&self) -> usize {
        self.ring.depth()
    }

    /// Commands that can wait.
    pub fn capacity(&self) -> usize {
        self.ring.capacity()
    }
}

impl CommandReceiver {
    /// Takes the oldest command that was not withdrawn. Passes over at most a ring's length of withdrawn ones.
    pub fn receive(&mut self) -> Option<Command> {
        for _ in 0..self.ring.capacity() {
            let command = self.ring.receive()?;
            if redeem(&self.tickets, command.handle) {
                return Some(command);
            }
        }
        None
    }

    /// Commands that wait, withdrawn ones included.
    pub fn depth(&self) -> usize {
        self.ring.depth()
    }
}
