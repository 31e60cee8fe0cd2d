//! Looks path files through before anything of them is followed: what is wrong in a last line, or leads where the machine must not go, is told
//! before the first one moves it.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use motiond::client::Error;
use motiond::path_file::{PathGroup, PathReader, Problem, ProblemKind, Written};
use motiond::planner::program::Point;
use motiond::programs::{DraftError, Unfit};
use serde_json::{Value, json};

use crate::path_ground::Known;

/// Read at a time, bytes.
const PART: usize = 64 * 1024;
/// How far a machine may be from where a file begins, mm or deg.
const AT_START: f64 = 1e-3;

/// Nothing is wrong with any of the files; else it is told, and that nothing was begun.
///
/// # Errors
/// The first element that the machine must not follow, in the words of the daemon.
pub fn all_right(files: &[PathBuf], group: &PathGroup, mut known: Option<Known>) -> Result<bool, Error> {
    let mut wrong = Vec::new();
    let mut refused = None;
    for file in files {
        let mut walk = Walk { file, group, known: known.as_mut(), begun: false, elsewhere: None, refused: None };
        match mistakes(&mut walk) {
            Ok(mistakes) => {
                wrong.extend(mistakes.iter().map(|mistake| format!("{}:{mistake}", file.display())));
                wrong.extend(walk.elsewhere);
                refused = refused.or(walk.refused);
            }
            Err(error) => wrong.push(format!("{}: {error}", file.display())),
        }
    }
    match refused {
        Some(error) if wrong.is_empty() => Err(error),
        _ => {
            wrong.iter().for_each(|words| eprintln!("motionctl: {words}"));
            if !wrong.is_empty() {
                eprintln!("  nothing of the path was begun");
            }
            Ok(wrong.is_empty())
        }
    }
}

/// That a path does not begin where the machine is then: nobody knows the way there.
pub fn elsewhere(file: &Path, group: &PathGroup, at: &Point, from: &Point) -> Option<String> {
    let apart = |axis: &usize| (from[*axis] - at[*axis]).abs() > AT_START;
    let axis = (0..group.count()).find(apart)?;
    let (name, at, from) = (&group.axes()[axis].name, at[axis], from[axis]);
    let file = file.display();
    Some(format!(
        "{file}: the path begins at {name}={from}, and the machine is at {name}={at:.6} then: move it there first"
    ))
}

/// What is wrong with the text of a file, wherever its path begins; nothing of what can be read only once.
///
/// # Errors
/// It cannot be read.
fn mistakes(walk: &mut Walk<'_>) -> io::Result<Vec<Problem>> {
    if walk.file == Path::new("-") || !std::fs::metadata(walk.file)?.is_file() {
        walk.lose();
        return Ok(Vec::new());
    }
    let mut source = File::open(walk.file)?;
    let mut reader = PathReader::new(walk.group.clone(), None);
    if let Some(at) = walk.at() {
        reader.presume(at);
    }
    let mut part = vec![0; PART];
    while !reader.full() {
        match source.read(&mut part) {
            Ok(0) => break,
            Ok(count) => reader.read(&part[..count], &mut |from, written| walk.take(from, written)),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    reader.end(&mut |from, written| walk.take(from, written));
    let problems = reader.problems();
    let anywhere = problems.iter().any(|problem| problem.kind == ProblemKind::NoStart);
    // A file that does not say where its path begins is read from where the machine is: there its arcs and splines may be right.
    let certain = |problem: &&Problem| {
        let depends = matches!(problem.kind, ProblemKind::NoStart | ProblemKind::Arc(_) | ProblemKind::Spline(_));
        !(anywhere && depends)
    };
    if anywhere {
        walk.lose();
    }
    Ok(problems.iter().filter(certain).cloned().collect())
}

/// The elements of a file, one after the other, on what is known of the machine.
struct Walk<'a> {
    file: &'a Path,
    group: &'a PathGroup,
    known: Option<&'a mut Known>,
    begun: bool,
    elsewhere: Option<String>,
    /// The first element that the machine must not follow.
    refused: Option<Error>,
}

impl Walk<'_> {
    fn at(&self) -> Option<Point> {
        self.known.as_ref().and_then(|known| known.at)
    }

    /// Where the file ends is not known.
    fn lose(&mut self) {
        if let Some(known) = &mut self.known {
            known.at = None;
        }
    }

    fn take(&mut self, from: &Point, written: &Written) {
        let Some(Known { ground, at }) = self.known.as_deref_mut() else { return };
        if !self.begun {
            self.begun = true;
            self.elsewhere = at.and_then(|at| elsewhere(self.file, self.group, &at, from));
            ground.at = ground.order.to_planner(from);
        }
        *at = Some(written.to);
        if self.refused.is_none()
            && let Err(error) = ground.take(written)
        {
            self.refused = Some(unfit(self.group, written.line, &error).of_file(self.file));
        }
    }
}

/// What the daemon would say of an element.
fn unfit(group: &PathGroup, line: u32, error: &DraftError) -> Error {
    let coordinates: Vec<(&str, &str)> =
        group.axes().iter().map(|axis| (axis.name.as_str(), axis.unit.symbol())).collect();
    let Unfit { reason, axis, requested, limit, unit } = Unfit::of(error, &coordinates);
    let hint = format!("{error}; nothing of the path was begun");
    let told = json!({
        "reason": reason, "axis": axis, "requested": requested, "limit": limit, "unit": unit, "line": line, "hint": hint,
        "retryable": false
    });
    let Value::Object(fields) = told else { return Error::NotUnderstood(hint) };
    Error::Refused { name: "io.motiond.v1.Path.Refused".to_string(), fields }
}
