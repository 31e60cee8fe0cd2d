//! What the kernel and the system tell of themselves in files, below a root that tests plant.
//!
//! Nothing is trusted: every reading is bounded, no file is waited for, and text that is not as expected is
//! [`Unread::Garbled`], never a panic.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::cpu_list::CpuList;
use crate::limits::{DOCTOR_FILE_BYTES, DOCTOR_FOLDER_ENTRIES, DOCTOR_SHOWN_CHARS};

/// Why something is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unread {
    /// There is no such file.
    Absent(String),
    /// It is there and cannot be read.
    Refused(String, String),
    /// It was read and is not what it should be.
    Garbled(String, String),
}

impl fmt::Display for Unread {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unread::Absent(path) => write!(out, "{path} is not there"),
            Unread::Refused(path, error) => write!(out, "{path}: {error}"),
            Unread::Garbled(path, text) => write!(out, "{path} says {text:?}, which is not understood"),
        }
    }
}

/// A file system tree with `proc`, `sys`, `dev`, `etc` in it.
#[derive(Clone, Debug)]
pub struct Host {
    root: PathBuf,
}

impl Host {
    /// The machine that this runs on.
    pub fn this() -> Host {
        Host::below("/")
    }

    /// A tree below another root.
    pub fn below(root: impl Into<PathBuf>) -> Host {
        Host { root: root.into() }
    }

    /// Where a file of the host really is.
    pub fn place(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    /// The text of a file without white space at its ends, at most `limits::DOCTOR_FILE_BYTES` of it.
    pub fn text(&self, path: &str) -> Result<String, Unread> {
        let read = || {
            // A pipe that lies where a file should must not hold this up.
            let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(self.place(path))?;
            let mut bytes = Vec::new();
            file.take(DOCTOR_FILE_BYTES).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        let bytes: Vec<u8> = read().map_err(|error| unread(path, &error))?;
        Ok(String::from_utf8_lossy(&bytes).trim().to_string())
    }

    /// The same, `None` where there is no such file.
    pub fn text_if_there(&self, path: &str) -> Result<Option<String>, Unread> {
        if_there(self.text(path))
    }

    /// A file that holds one whole number.
    pub fn number(&self, path: &str) -> Result<i64, Unread> {
        let text = self.text(path)?;
        text.parse().map_err(|_| garbled(path, &text))
    }

    /// The same, `None` where there is no such file.
    pub fn number_if_there(&self, path: &str) -> Result<Option<i64>, Unread> {
        if_there(self.number(path))
    }

    /// A file that holds a list of CPUs, `0-2,5`.
    pub fn cpus(&self, path: &str) -> Result<CpuList, Unread> {
        let text = self.text(path)?;
        CpuList::parse(&text).ok_or_else(|| garbled(path, &text))
    }

    /// The same, `None` where there is no such file.
    pub fn cpus_if_there(&self, path: &str) -> Result<Option<CpuList>, Unread> {
        if_there(self.cpus(path))
    }

    /// The names in a folder, sorted, at most `limits::DOCTOR_FOLDER_ENTRIES`.
    pub fn names(&self, path: &str) -> Result<Vec<String>, Unread> {
        let entries = fs::read_dir(self.place(path)).map_err(|error| unread(path, &error))?;
        let names = entries.take(DOCTOR_FOLDER_ENTRIES).flatten();
        let mut names: Vec<String> = names.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        Ok(names)
    }

    /// Whether there is anything at this place.
    pub fn has(&self, path: &str) -> bool {
        fs::symlink_metadata(self.place(path)).is_ok()
    }

    /// Owner, group and permission bits.
    pub fn access(&self, path: &str) -> Result<fs::Metadata, Unread> {
        fs::metadata(self.place(path)).map_err(|error| unread(path, &error))
    }

    /// A line of the form `key: value` or `key value` in a text of the kernel.
    pub fn field(&self, path: &str, key: &str) -> Result<String, Unread> {
        let text = self.text(path)?;
        let value = text.lines().find_map(|line| line.strip_prefix(key));
        value.map(|value| value.trim().to_string()).ok_or_else(|| garbled(path, &format!("no {key}")))
    }
}

/// `None` for what is not there.
pub fn if_there<T>(read: Result<T, Unread>) -> Result<Option<T>, Unread> {
    match read {
        Ok(value) => Ok(Some(value)),
        Err(Unread::Absent(_)) => Ok(None),
        Err(other) => Err(other),
    }
}

/// What was read is not as it should be.
pub fn garbled(path: &str, text: &str) -> Unread {
    Unread::Garbled(Path::new("/").join(path).display().to_string(), shown(text))
}

/// Text of a file as it may be shown on a terminal: short, on one line, without control characters.
pub fn shown(text: &str) -> String {
    let clean = |c: char| if c.is_control() { ' ' } else { c };
    let mut shown: String = text.chars().take(DOCTOR_SHOWN_CHARS).map(clean).collect();
    if text.chars().nth(DOCTOR_SHOWN_CHARS).is_some() {
        shown.push('…');
    }
    shown
}

/// Why a file could not be read.
pub fn unread(path: &str, error: &io::Error) -> Unread {
    let path = Path::new("/").join(path).display().to_string();
    match error.raw_os_error() {
        // Removed while it was read, or a device without the feature, is as good as not there.
        Some(libc::ENOENT | libc::ENOTDIR | libc::ENODEV | libc::ESRCH) => Unread::Absent(path),
        Some(code) => Unread::Refused(path, nix::errno::Errno::from_raw(code).desc().to_lowercase()),
        None => Unread::Refused(path, error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_absent_refused_or_garbled_is_told_apart() {
        let root = tempfile::tempdir().unwrap();
        let host = Host::below(root.path());
        assert!(matches!(host.number("/proc/x"), Err(Unread::Absent(_))));
        assert_eq!(host.number_if_there("/proc/x"), Ok(None));
        fs::create_dir_all(root.path().join("proc/x")).unwrap();
        assert!(matches!(host.number("/proc/x"), Err(Unread::Refused(..))));
        fs::write(root.path().join("proc/y"), "4\u{1b}[31m\n").unwrap();
        let garbled = host.number("/proc/y").unwrap_err();
        assert!(!garbled.to_string().contains('\u{1b}'), "{garbled}");
    }

    #[test]
    fn an_endless_file_is_cut_and_a_pipe_is_not_waited_for() {
        let root = tempfile::tempdir().unwrap();
        let host = Host::below(root.path());
        std::os::unix::fs::symlink("/dev/zero", root.path().join("endless")).unwrap();
        assert!(host.text("/endless").unwrap().len() as u64 <= DOCTOR_FILE_BYTES);
        nix::unistd::mkfifo(&root.path().join("pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert_eq!(host.text("/pipe"), Ok(String::new()));
    }
}
