//! Numbers of the axes in every cycle, as a table that grows.

use serde_json::{Map, Value, json};

use super::{Error, Machine, Stream};

/// What is recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Axes, in the order of columns; all where there are none.
    pub axes: Vec<String>,
    /// Quantities of each, by their names in the interface; all where there are none.
    pub quantities: Vec<String>,
    /// Cycles from sample to sample; each where left out.
    pub decimation: Option<u64>,
    /// Go on with a gap where this program does not keep up, instead of ending.
    pub latest: bool,
}

/// What one place in the values of each sample is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Axis.
    pub axis: String,
    /// Quantity.
    pub quantity: String,
    /// Unit; 1 for pure numbers.
    pub unit: String,
}

/// One cycle.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Its number.
    pub cycle: u64,
    /// When it started, nanoseconds of the daemon's clock.
    pub time_ns: u64,
    /// Samples that were due since the one before and are missing.
    pub dropped: u64,
    /// A value for each column; not a number where the daemon has none.
    pub values: Vec<f64>,
}

/// Samples as they come, those of a few cycles at a time and in order. It goes on for ever, or ends with an error.
pub struct Recording<'a> {
    columns: Vec<Column>,
    replies: Stream<'a>,
}

impl Selection {
    fn parameters(&self) -> Value {
        let mut parameters = Map::new();
        let lists = [("axes", &self.axes), ("quantities", &self.quantities)];
        for (name, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
            parameters.insert(name.to_string(), json!(list));
        }
        if let Some(decimation) = self.decimation {
            parameters.insert("decimation".to_string(), json!(decimation));
        }
        parameters.insert("delivery".to_string(), json!(if self.latest { "latest" } else { "lossless" }));
        Value::Object(parameters)
    }
}

impl Machine {
    /// Records from the next cycles on. The connection is of no other use until the recording has ended.
    ///
    /// # Errors
    /// What the daemon refuses: an unknown axis or quantity, a decimation out of range, too many streams.
    pub fn record(&mut self, selection: &Selection) -> Result<Recording<'_>, Error> {
        let mut replies = self.connection().stream("io.motiond.v1.Telemetry.Record", selection.parameters())?;
        let first = replies.next().unwrap_or_else(|| Err(missing("columns")))?;
        let columns = first.get("columns").and_then(Value::as_array).ok_or_else(|| missing("columns"))?;
        let columns = columns.iter().map(column).collect::<Result<Vec<Column>, Error>>()?;
        Ok(Recording { columns, replies })
    }
}

impl Recording<'_> {
    /// What the values of each sample are.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The samples of one reply.
    fn samples(&self, reply: &Value) -> Result<Vec<Sample>, Error> {
        let mut dropped = reply.get("dropped").and_then(Value::as_u64).ok_or_else(|| missing("dropped"))?;
        let samples = reply.get("samples").and_then(Value::as_array).ok_or_else(|| missing("samples"))?;
        let sample = |sample: &Value| {
            let whole = |name| sample.get(name).and_then(Value::as_u64).ok_or_else(|| missing(name));
            let values = sample.get("values").and_then(Value::as_array).ok_or_else(|| missing("values"))?;
            let values: Vec<f64> = values.iter().map(|value| value.as_f64().unwrap_or(f64::NAN)).collect();
            if values.len() != self.columns.len() {
                return Err(missing("a value of each column"));
            }
            // What a reply misses is missing before its first sample.
            let dropped = std::mem::take(&mut dropped);
            Ok(Sample { cycle: whole("cycle")?, time_ns: whole("time_ns")?, dropped, values })
        };
        samples.iter().map(sample).collect()
    }
}

impl Iterator for Recording<'_> {
    type Item = Result<Vec<Sample>, Error>;

    fn next(&mut self) -> Option<Result<Vec<Sample>, Error>> {
        Some(self.replies.next()?.and_then(|reply| self.samples(&reply)))
    }
}

fn column(column: &Value) -> Result<Column, Error> {
    let text = |name| column.get(name).and_then(Value::as_str).map(ToOwned::to_owned).ok_or_else(|| missing(name));
    Ok(Column { axis: text("axis")?, quantity: text("quantity")?, unit: text("unit")? })
}

fn missing(what: &str) -> Error {
    Error::NotUnderstood(format!("{what} is missing"))
}
