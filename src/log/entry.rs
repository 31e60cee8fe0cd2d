//! One log line taken apart: its message, its fields, and both as text.

use std::fmt::{Debug, Write};
use tracing::field::{Field, Visit};

/// Longest text of one field or message, bytes; the rest is cut off. A client's request is logged, and it can be long.
pub const MAX_TEXT_BYTES: usize = 2048;

/// The fields of a line.
#[derive(Debug, Default)]
pub struct Entry {
    /// What it says.
    pub message: String,
    /// Each field's name and value, text without quotes.
    pub fields: Vec<(&'static str, String)>,
    /// The fields as they are shown behind the message, ` name=value` each.
    pub shown: String,
}

impl Entry {
    /// Takes a line apart.
    pub fn of(event: &tracing::Event<'_>) -> Entry {
        let mut entry = Entry::default();
        event.record(&mut entry);
        entry
    }

    fn add(&mut self, field: &Field, mut value: String, shown: std::fmt::Arguments<'_>) {
        cut(&mut value);
        if field.name() == "message" {
            self.message = value;
            return;
        }
        // Writing to a String does not fail.
        let _ = write!(self.shown, " {}={shown}", field.name());
        self.fields.push((field.name(), value));
    }

    /// Message and fields in one line.
    pub fn line(&self) -> String {
        let mut line = format!("{}{}", self.message, self.shown);
        cut(&mut line);
        line
    }
}

impl Visit for Entry {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value.to_string(), format_args!("{value:?}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.add(field, format!("{value:?}"), format_args!("{value:?}"));
    }
}

fn cut(text: &mut String) {
    if text.len() > MAX_TEXT_BYTES {
        let boundary = (0..=MAX_TEXT_BYTES).rev().find(|place| text.is_char_boundary(*place));
        text.truncate(boundary.unwrap_or(0));
        text.push('…');
    }
}
