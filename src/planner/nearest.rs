//! What the programs of a path come nearest to.

use std::collections::VecDeque;

use crate::kinematics::Conditioning;
use crate::limits::GROUP_QUEUE;

use super::legs::SHORTEST;

/// Programs that it is known of: that under way, those that wait behind it, and one that has just been passed.
const PROGRAMS: usize = GROUP_QUEUE + 2;

/// What a path came nearest to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Nearest {
    /// Which singularity, and how near.
    pub conditioning: Conditioning,
    /// Units of path since it began.
    pub sigma: f64,
    /// The line of the program.
    pub line: u32,
}

#[derive(Clone, Copy, Debug)]
struct Share {
    epoch: u32,
    /// Units of path from which on it is of this one.
    begin: f64,
    /// The line that begins there, once that is known.
    line: Option<u32>,
    nearest: Option<Nearest>,
}

/// Of each of the programs that share a path.
#[derive(Clone, Debug)]
pub struct NearestPlaces {
    /// The newest last.
    programs: VecDeque<Share>,
}

impl NearestPlaces {
    /// Of a path of one program.
    pub fn new(epoch: u32) -> NearestPlaces {
        NearestPlaces {
            programs: VecDeque::from([Share { epoch, begin: f64::NEG_INFINITY, line: None, nearest: None }]),
        }
    }

    /// From `begin` on the path is that of program `epoch`.
    pub fn join(&mut self, begin: f64, epoch: u32) {
        if self.programs.len() == PROGRAMS {
            self.programs.pop_front();
        }
        self.programs.push_back(Share { epoch, begin, line: None, nearest: None });
    }

    /// The newest program goes on with this line.
    pub fn go_on(&mut self, line: u32) {
        if let Some(newest) = self.programs.back_mut() {
            newest.line.get_or_insert(line);
        }
    }

    /// A place of the path, on a stretch that begins there, with its line: that may be one of the program before.
    pub fn note(&mut self, mut place: Nearest, begin: f64) {
        let program = self.programs.iter_mut().rev().find(|program| program.begin < place.sigma);
        if let Some(Share { begin: first, line: Some(line), .. }) = program.as_deref()
            && begin + SHORTEST < *first
        {
            place.line = *line;
        }
        let nearer = |nearest: &Nearest| place.conditioning.distance < nearest.conditioning.distance;
        if let Some(program) = program
            && place.conditioning.nearest.is_some()
            && program.nearest.as_ref().is_none_or(nearer)
        {
            program.nearest = Some(place);
        }
    }

    /// Of the program `epoch`, as far as it is known.
    pub fn of(&self, epoch: u32) -> Option<Nearest> {
        self.programs.iter().rev().find(|program| program.epoch == epoch)?.nearest
    }

    /// Of the newest.
    pub fn newest(&self) -> Option<Nearest> {
        self.programs.back()?.nearest
    }
}
