//! Samples as JSON, field for field as the interface description says.

use serde_json::{Value, json};

use crate::gateway::{AxisDescription, AxisSnapshot, MachineDescription, Snapshot};
use crate::limits::{MAX_AXES, MAX_REPLY_BYTES};

use super::quantity::Quantity;
use super::selection::{Form, Selection};
use super::stream::Round;

/// What a session writes before a reply: `{"parameters":{"dropped":` and the number.
const HEAD_BYTES: usize = 64;
/// Longest text of a double in JSON, with its comma: sign, 17 digits, point, exponent.
const NUMBER_BYTES: usize = 26;
/// Longest boot id, frame and cycle of a reply.
const FRAME_BYTES: usize = 512;
const END: &[u8] = b"]},\"continues\":true}\0";

const _: () = assert!(
    HEAD_BYTES + FRAME_BYTES + MAX_AXES * Quantity::ALL.len() * NUMBER_BYTES <= MAX_REPLY_BYTES,
    "a sample of everything fits into a reply"
);

/// A round of one selection while it is put together.
#[derive(Default)]
pub(super) struct Batch {
    round: Round,
    open: Vec<u8>,
}

impl Batch {
    /// Adds a cycle's sample.
    pub fn add(&mut self, selection: &Selection, machine: &MachineDescription, snapshot: &Snapshot) {
        if self.round.samples == 0 {
            self.round.first_cycle = snapshot.machine.cycle;
        }
        self.round.samples += 1;
        match &selection.form {
            Form::Rows => self.round.replies.push(rows(selection, machine, snapshot)),
            Form::Columns(quantities) => {
                let sample = columns(selection, quantities, snapshot);
                if self.open.len() + sample.len() + HEAD_BYTES + END.len() > MAX_REPLY_BYTES {
                    self.close();
                }
                if self.open.is_empty() {
                    self.open = begin(machine, "samples");
                } else {
                    self.open.push(b',');
                }
                self.open.extend(sample);
            }
        }
    }

    /// Everything that was added; `None` where that is nothing.
    pub fn finish(mut self) -> Option<Round> {
        self.close();
        (self.round.samples > 0).then_some(self.round)
    }

    fn close(&mut self) {
        if !self.open.is_empty() {
            let mut reply = std::mem::take(&mut self.open);
            reply.extend(END);
            self.round.replies.push(reply);
        }
    }
}

fn begin(machine: &MachineDescription, list: &str) -> Vec<u8> {
    format!("\"boot_id\":{},\"{list}\":[", json!(machine.boot_id)).into_bytes()
}

fn rows(selection: &Selection, machine: &MachineDescription, snapshot: &Snapshot) -> Vec<u8> {
    let mut reply = begin(machine, "axes");
    for (place, axis) in selection.axes.iter().enumerate() {
        if place > 0 {
            reply.push(b',');
        }
        reply.extend(row(&machine.axes[axis.index()], &snapshot.axes[axis.index()]).to_string().into_bytes());
    }
    let (cycle, time_ns) = (snapshot.machine.cycle, snapshot.machine.time_ns);
    reply.extend(format!("],\"cycle\":{cycle},\"time_ns\":{time_ns}}},\"continues\":true}}\0").into_bytes());
    reply
}

fn row(axis: &AxisDescription, state: &AxisSnapshot) -> Value {
    json!({
        "name": axis.name,
        "state": state.state.name(),
        "setpoint": state.setpoint,
        "velocity": state.velocity,
        "acceleration": state.acceleration,
        "turns": state.turns,
        "actual": state.actual,
        "actual_velocity": state.actual_velocity,
        "following_error": state.following_error,
        "torque_ratio": state.torque,
    })
}

fn columns(selection: &Selection, quantities: &[Quantity], snapshot: &Snapshot) -> Vec<u8> {
    let (cycle, time_ns) = (snapshot.machine.cycle, snapshot.machine.time_ns);
    let mut sample = format!("{{\"cycle\":{cycle},\"time_ns\":{time_ns},\"values\":[").into_bytes();
    for axis in &selection.axes {
        for quantity in quantities {
            if !sample.ends_with(b"[") {
                sample.push(b',');
            }
            let value = quantity.of(&snapshot.axes[axis.index()]);
            sample.extend(Value::from(value).to_string().into_bytes());
        }
    }
    sample.extend(b"]}");
    sample
}
