//! Values that hold instead of those in the configuration: what was changed while the machine ran, and kept.
//!
//! An overlay is a TOML file with one line a parameter, by the parameter's name:
//!
//! ```toml
//! axis.x.limits.max-jerk-mm-per-s3 = 40000
//! ```

use std::collections::BTreeMap;

use toml::de::{DeTable, DeValue};

use super::reader::line_starts;

/// Overridden keys by the names of their parameters.
pub type Overrides = BTreeMap<String, Override>;

/// One value that holds instead of that in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// As it would stand in the file.
    pub text: String,
    /// Its line in the overlay, from 1; 0 where it comes from no file.
    pub line: usize,
}

impl Override {
    /// A number that comes from no file.
    pub fn number(value: f64) -> Override {
        Override { text: written(value), line: 0 }
    }
}

/// A number as it stands in a file: a whole one without a fraction, else with as many digits as tell it apart.
pub fn written(value: f64) -> String {
    /// Below this every whole number is a 64-bit float.
    const EXACT: f64 = 9e15;
    if value.fract() == 0.0 && value.abs() < EXACT { format!("{value:.0}") } else { format!("{value:?}") }
}

/// The overrides in a text, or the syntax errors in it.
pub(super) fn read(text: &str) -> Result<Overrides, Vec<toml::de::Error>> {
    let (root, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        return Err(errors);
    }
    let starts = line_starts(text);
    let mut overrides = Overrides::new();
    flatten(root.get_ref(), "", text, &starts, &mut overrides);
    Ok(overrides)
}

/// Bounded by the nesting of the file, which the parser bounds.
fn flatten(table: &DeTable<'_>, path: &str, text: &str, starts: &[usize], overrides: &mut Overrides) {
    for (key, value) in table {
        let name = format!("{path}{}", key.get_ref());
        match value.get_ref() {
            DeValue::Table(inner) => flatten(inner, &format!("{name}."), text, starts, overrides),
            _ => {
                let span = value.span();
                let line = starts.partition_point(|start| *start <= span.start);
                let text = text.get(span).unwrap_or_default().to_string();
                overrides.insert(name, Override { text, line });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dotted_names_and_tables_say_the_same() {
        let dotted = read("# a comment\naxis.x.limits.a = 1.5\naxis.x.limits.b = 2").unwrap();
        assert_eq!(dotted["axis.x.limits.a"], Override { text: "1.5".into(), line: 2 });
        let tables = read("[axis.x.limits]\na = 1.5\nb = 2").unwrap();
        assert_eq!(dotted, tables);
        assert!(read("axis.x.limits.a = ").is_err());
    }

    #[test]
    fn a_number_is_read_as_it_was_written() {
        for value in [0.0, -0.5, 1.0, 0.1 + 0.2, 1e-300, 123_456_789.125, 1e15, 1e16, 1e300, -7.0] {
            assert_eq!(written(value).parse::<f64>().unwrap(), value);
        }
        assert_eq!((written(500.0), written(0.25)), ("500".to_string(), "0.25".to_string()));
    }
}
