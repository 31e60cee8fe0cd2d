//! What a panic of the real-time thread said, kept without formatting to memory, a lock or a line of output.
//!
//! The default hook writes to stderr under a lock, from the thread that still has axes to stop. So that thread gets a
//! silent hook: it copies place and message into a fixed buffer, for an ordinary thread to log.

use std::cell::Cell;
use std::fmt::Write;
use std::panic::PanicHookInfo;
use std::sync::Once;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

/// Longest note; the rest of a longer message is lost.
const NOTE_BYTES: usize = 512;

/// A place for one message.
pub struct PanicNote {
    text: [AtomicU8; NOTE_BYTES],
    length: AtomicUsize,
}

thread_local! {
    // Neither lazily made nor dropped: the hook may look at any moment of a thread's life.
    static NOTE: Cell<Option<&'static PanicNote>> = const { Cell::new(None) };
}

impl PanicNote {
    /// A note that lives as long as the process, because a hook may write it until then. One a real-time thread.
    pub fn leak() -> &'static PanicNote {
        Box::leak(Box::new(PanicNote { text: [const { AtomicU8::new(0) }; NOTE_BYTES], length: AtomicUsize::new(0) }))
    }

    /// Makes the panics of the calling thread silent, into this note.
    pub fn take_panics_of_this_thread(&'static self) {
        static INSTALL: Once = Once::new();
        INSTALL.call_once(|| {
            let others = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |info| match NOTE.get() {
                Some(note) => note.write(info),
                None => others(info),
            }));
        });
        NOTE.set(Some(self));
    }

    /// The calling thread is an ordinary one again.
    pub fn give_back() {
        NOTE.set(None);
    }

    fn write(&self, info: &PanicHookInfo<'_>) {
        let mut writer = NoteWriter { note: self, at: 0 };
        let payload = info.payload();
        let message = match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
            (Some(text), _) => text,
            (_, Some(text)) => text.as_str(),
            _ => "(no message)",
        };
        // Formats into the fixed buffer: no allocation. A note that is full is cut, which is no failure.
        let _ = match info.location() {
            Some(place) => write!(writer, "{}:{}: {message}", place.file(), place.line()),
            None => writer.write_str(message),
        };
        // Release: partner of the Acquire in `bytes`, so that a length tells of written text.
        self.length.store(writer.at, Ordering::Release);
    }

    /// What was noted, if anything.
    pub fn text(&self) -> Option<String> {
        let mut buffer = [0; NOTE_BYTES];
        let noted = self.bytes(&mut buffer);
        (!noted.is_empty()).then(|| String::from_utf8_lossy(noted).into_owned())
    }

    /// The same without allocating.
    pub fn bytes<'a>(&self, buffer: &'a mut [u8; NOTE_BYTES]) -> &'a [u8] {
        let length = self.length.load(Ordering::Acquire).min(NOTE_BYTES);
        for (byte, noted) in buffer.iter_mut().zip(&self.text[..length]) {
            *byte = noted.load(Ordering::Relaxed);
        }
        &buffer[..length]
    }

    /// Writes the note to stderr without allocation or lock: the last words before an abort.
    pub fn write_to_stderr(&self) {
        let mut buffer = [0; NOTE_BYTES];
        let text = self.bytes(&mut buffer);
        if text.is_empty() {
            return;
        }
        for part in [&b"motiond: the real-time thread panicked at "[..], text, b"\n"] {
            // Nobody is left to tell when stderr does not take it.
            let _ = nix::unistd::write(std::io::stderr(), part);
        }
    }
}

struct NoteWriter<'a> {
    note: &'a PanicNote,
    at: usize,
}

impl Write for NoteWriter<'_> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        for (place, byte) in self.note.text[self.at..].iter().zip(text.bytes()) {
            place.store(byte, Ordering::Relaxed);
        }
        self.at = (self.at + text.len()).min(NOTE_BYTES);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noted(message: String) -> String {
        let note = PanicNote::leak();
        assert_eq!(note.text(), None);
        let panicked = std::thread::spawn(move || {
            note.take_panics_of_this_thread();
            std::panic::panic_any(message);
        });
        assert!(panicked.join().is_err());
        note.text().unwrap()
    }

    #[test]
    fn a_note_says_where_and_what() {
        let text = noted("index 7 of 3".into());
        assert!(text.starts_with("src/cycle/panic_note.rs:") && text.ends_with(": index 7 of 3"), "{text:?}");
    }

    #[test]
    fn a_note_that_is_too_long_is_cut() {
        assert_eq!(noted("x".repeat(5000)).len(), NOTE_BYTES);
    }
}
