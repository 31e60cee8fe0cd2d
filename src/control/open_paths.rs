//! Programs of paths that are open, as clients know them: what they were begun with, and where they have come to.

use std::sync::{Mutex, MutexGuard};

use super::begun::Begun;
use super::call::Parameters;
use super::dispatch::Reply;
use super::failure::Failure;
use super::path::{Pen, refused};
use crate::ids::{GroupId, Handle};
use crate::limits::GROUP_QUEUE;
use crate::programs::{Desk, ProgramError};

/// A program that elements can be appended to.
pub(super) struct Open {
    pub handle: Handle,
    pub begun: Begun,
    pub pen: Pen,
    /// It was given to its end.
    pub ended: bool,
    /// Another one is about to go on from it.
    closing: bool,
    /// Where those before it that were given to their end do, the oldest first: they may be under way when it is no more.
    before: Vec<(Handle, Vec<f64>)>,
}

/// Programs that are open, one a group at most.
pub struct Paths {
    desk: Desk,
    open: Mutex<Vec<Option<Open>>>,
}

impl Paths {
    /// None is open.
    pub fn new(desk: Desk, groups: usize) -> Paths {
        Paths { desk, open: Mutex::new((0..groups).map(|_| None).collect()) }
    }

    pub(super) fn desk(&self) -> &Desk {
        &self.desk
    }

    /// The answer to the same request to begin one, where that was given.
    pub(super) fn answered(&self, group: GroupId, parameters: &Parameters) -> Result<Option<Reply>, Failure> {
        self.open()[group.index()].as_ref().map_or(Ok(None), |open| open.begun.answer(parameters))
    }

    /// Where the axes are when the newest program of a group ends, where that runs and has been given to its end; `Err` where it runs and more may come.
    pub(super) fn end(&self, group: GroupId) -> Result<Option<Vec<f64>>, Handle> {
        let programs = self.open();
        let running = programs[group.index()].as_ref().filter(|open| self.desk.runs(group, open.handle));
        match running {
            None => Ok(None),
            Some(open) if !open.ended => Err(open.handle),
            Some(Open { pen, .. }) => Ok(Some(pen.end())),
        }
    }

    /// The same of programs before the newest, the latest first, with their commands, which may have ended.
    pub(super) fn ends_before(&self, group: GroupId) -> Vec<(Handle, Vec<f64>)> {
        let programs = self.open();
        programs[group.index()].iter().flat_map(|open| open.before.iter().rev().cloned()).collect()
    }

    /// The newest program of a group takes nothing more, for another one goes on from it; `None` where it has ended, or nobody knows where it will.
    ///
    /// # Errors
    /// Where the lease is not its own, or the machine cannot follow it to its end.
    pub(super) fn close(&self, group: GroupId, parameters: &Parameters) -> Result<Option<Closing<'_>>, Failure> {
        let mut programs = self.open();
        let Some(open) = programs[group.index()].as_mut().filter(|open| !open.closing) else {
            return Ok(None);
        };
        match self.desk.check_open(group, open.handle) {
            Err(ProgramError::Ended) => return Ok(None),
            running => running.map_err(refused)?,
        }
        open.begun.check_lease(parameters)?;
        open.closing = true;
        Ok(Some(Closing { paths: self, group, handle: open.handle, end: open.pen.end() }))
    }

    /// A program that began takes the place of the one before it.
    pub(super) fn put(&self, group: GroupId, handle: Handle, begun: Begun, pen: Pen) {
        let mut programs = self.open();
        let before = programs[group.index()].take().map_or_else(Vec::new, |open| {
            let mut before = open.before;
            before.extend((open.ended || open.closing).then(|| (open.handle, open.pen.end())));
            before.drain(..before.len().saturating_sub(GROUP_QUEUE + 1));
            before
        });
        programs[group.index()] = Some(Open { handle, begun, pen, ended: false, closing: false, before });
    }

    /// The program of this handle, if it is open, which it is no more from its End on, and the lease is the one that it began under.
    pub(super) fn with_program<T>(
        &self,
        group: GroupId,
        handle: Handle,
        parameters: &Parameters,
        act: impl FnOnce(&mut Open) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut programs = self.open();
        let open = programs[group.index()].as_mut().filter(|open| open.handle == handle && !open.closing);
        let open = open.ok_or_else(|| refused(ProgramError::Ended))?;
        open.begun.check_lease(parameters)?;
        self.desk.check_open(group, handle).map_err(refused)?;
        act(open)
    }

    /// Held by the control service's one thread, for as long as one request is answered.
    fn open(&self) -> MutexGuard<'_, Vec<Option<Open>>> {
        self.open.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// A program that takes nothing while another one is about to go on from it. Where that comes to nothing, it takes elements again.
pub(super) struct Closing<'a> {
    paths: &'a Paths,
    group: GroupId,
    pub handle: Handle,
    /// Where the axes are when it ends.
    pub end: Vec<f64>,
}

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        let mut programs = self.paths.open();
        if let Some(open) = programs[self.group.index()].as_mut().filter(|open| open.handle == self.handle) {
            open.closing = false;
        }
    }
}
