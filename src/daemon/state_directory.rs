//! Where the daemon keeps what must outlive it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// What systemd calls it: the unit has `StateDirectory=`.
const VARIABLE: &str = "STATE_DIRECTORY";

/// A directory of the daemon's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateDirectory(PathBuf);

impl StateDirectory {
    /// The one that is asked for, made where it is not there; else the one of the unit, if any.
    ///
    /// # Errors
    /// Where the one that is asked for cannot be made; the text says which.
    pub fn open(asked: Option<&Path>) -> io::Result<Option<StateDirectory>> {
        let Some(asked) = asked else {
            // Several are separated by colons.
            let all = std::env::var_os(VARIABLE).filter(|all| !all.is_empty());
            return Ok(all.and_then(|all| std::env::split_paths(&all).next()).map(StateDirectory));
        };
        fs::DirBuilder::new().recursive(true).mode(0o750).create(asked).map_err(|error| {
            io::Error::new(error.kind(), format!("the state directory {}: {error}", asked.display()))
        })?;
        Ok(Some(StateDirectory::at(asked)))
    }

    /// The one at this place.
    pub fn at(place: &Path) -> StateDirectory {
        StateDirectory(place.to_path_buf())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The place of a file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Replaces a file as a whole: after a crash at any moment there is the old one or the new one.
    ///
    /// # Errors
    /// Whatever the file system says; the old file is there then.
    pub fn replace(&self, name: &str, text: &str) -> io::Result<PathBuf> {
        let (place, next) = (self.file(name), self.file(&format!("{name}.next")));
        let mut file = File::create(&next)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&next, &place)?;
        self.sync()?;
        Ok(place)
    }

    /// Renames are on the disk only when their directory is.
    fn sync(&self) -> io::Result<()> {
        File::open(&self.0)?.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crash_before_the_rename_leaves_the_old_file() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("made");
        let state = StateDirectory::open(Some(&place)).unwrap().unwrap();
        state.replace("kept", "old").unwrap();
        // What a crash leaves: the next file begun, not renamed.
        fs::write(place.join("kept.next"), "ne").unwrap();
        assert_eq!(fs::read_to_string(state.file("kept")).unwrap(), "old");
        state.replace("kept", "new").unwrap();
        assert_eq!(fs::read_to_string(state.file("kept")).unwrap(), "new");
        assert_eq!(fs::read_dir(place).unwrap().count(), 1);
    }

    #[test]
    fn a_directory_that_cannot_be_written_is_an_error_and_the_old_file_stays() {
        let state = StateDirectory::at(Path::new("/nowhere"));
        assert_eq!(state.replace("kept", "new").unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
