//! Looks a path file through before anything of it is followed: what is wrong in its last line is told before its first one moves a machine.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use motiond::path_file::{PathGroup, PathReader, Problem, ProblemKind};

/// Read at a time, bytes.
const PART: usize = 64 * 1024;

/// Nothing is wrong with any of the files; else it is told, and that nothing was begun.
pub fn all_right(files: &[PathBuf], group: &PathGroup) -> bool {
    let mut right = true;
    for file in files {
        match mistakes(file, group) {
            Ok(mistakes) => {
                right &= mistakes.is_empty();
                mistakes.iter().for_each(|mistake| eprintln!("motionctl: {}:{mistake}", file.display()));
            }
            Err(error) => {
                right = false;
                eprintln!("motionctl: {}: {error}", file.display());
            }
        }
    }
    if !right {
        eprintln!("  nothing of the path was begun");
    }
    right
}

/// What is wrong with a file, wherever its path begins; nothing of what can be read only once.
///
/// # Errors
/// It cannot be read.
fn mistakes(file: &Path, group: &PathGroup) -> io::Result<Vec<Problem>> {
    if file == Path::new("-") || !std::fs::metadata(file)?.is_file() {
        return Ok(Vec::new());
    }
    let mut source = File::open(file)?;
    let mut reader = PathReader::new(group.clone(), None);
    let mut part = vec![0; PART];
    while !reader.full() {
        match source.read(&mut part) {
            Ok(0) => break,
            Ok(count) => reader.read(&part[..count], &mut |_, _| {}),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    reader.end(&mut |_, _| {});
    let problems = reader.problems();
    let anywhere = problems.iter().any(|problem| problem.kind == ProblemKind::NoStart);
    // A file that does not say where its path begins is read from where the machine is: there its arcs and splines may be right.
    let certain = |problem: &&Problem| {
        let depends = matches!(problem.kind, ProblemKind::NoStart | ProblemKind::Arc(_) | ProblemKind::Spline(_));
        !(anywhere && depends)
    };
    Ok(problems.iter().filter(certain).cloned().collect())
}
