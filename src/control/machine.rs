//! `io.motiond.v1.Machine`: the machine as a whole.

use serde_json::{Value, json};

use super::call::Parameters;
use super::commands;
use super::context::Context;
use super::dispatch::Reply;
use super::failure::{Failure, Unknown, fields};
use super::view;
use crate::gateway::{AnalogDescription, Request, StopScope};

/// Answers a method of this interface.
pub async fn call(context: &Context, method: &str, parameters: &Parameters) -> Result<Reply, Failure> {
    let machine = context.gateway.description();
    let request = match method {
        "Describe" => return Ok(describe(context)),
        "Status" => return Ok(status(context)),
        "Release" => Request::Release { scope: StopScope::Machine, generation: parameters.whole("generation")? },
        "Reset" => Request::ResetMachine,
        "SetOutput" => {
            let name = parameters.text("output")?;
            let output = machine.output(name).ok_or_else(|| Failure::unknown(Unknown::Output, name))?;
            Request::SetOutput { output, on: parameters.flag("on")? }
        }
        "SetAnalogOutput" => {
            let (name, value) = (parameters.text("output")?, parameters.float("value")?);
            let output = machine.analog_output(name).ok_or_else(|| Failure::unknown(Unknown::Output, name))?;
            let AnalogDescription { range, unit, .. } = &machine.analog_outputs[usize::from(output)];
            if !(range.0..=range.1).contains(&value) {
                let hint = "the configuration says what the output may be set to";
                return Err(Failure::out_of_range("value", value, *range, unit, hint));
            }
            Request::SetAnalogOutput { output, value }
        }
        "RecoverBus" => {
            let name = parameters.text("bus")?;
            let bus = machine.bus(name).ok_or_else(|| Failure::unknown(Unknown::Bus, name))?;
            Request::RecoverBus { bus }
        }
        _ => return Err(Failure::not_implemented(format!("io.motiond.v1.Machine.{method}"))),
    };
    commands::submit(context, parameters, request).await
}

/// Stops the machine at once.
pub fn stop(context: &Context, _: &Parameters) -> Result<Reply, Failure> {
    Ok(commands::stop(context, StopScope::Machine))
}

fn describe(context: &Context) -> Reply {
    let machine = context.gateway.description();
    fields(json!({
        "name": machine.name,
        "version": env!("CARGO_PKG_VERSION"),
        "period_ns": machine.period_ns,
        "simulated": machine.simulated,
        "axes": machine.axes.iter().map(|axis| &axis.name).collect::<Vec<_>>(),
        "groups": machine.groups.iter().map(|group| &group.name).collect::<Vec<_>>(),
        "buses": machine.buses,
        "inputs": machine.inputs,
        "outputs": machine.outputs,
        "analog_inputs": analogs(&machine.analog_inputs),
        "analog_outputs": analogs(&machine.analog_outputs),
    }))
}

fn analogs(analogs: &[AnalogDescription]) -> Vec<Value> {
    let described = |analog: &AnalogDescription| {
        let AnalogDescription { name, unit, range: (minimum, maximum) } = analog;
        json!({ "name": name, "unit": unit, "minimum": minimum, "maximum": maximum })
    };
    analogs.iter().map(described).collect()
}

fn status(context: &Context) -> Reply {
    let machine = context.gateway.description();
    let inputs = machine.analog_inputs.len();
    let values = |analogs: &[AnalogDescription], values: &[f64]| -> Vec<Value> {
        let value = |(analog, value): (&AnalogDescription, &f64)| json!({ "name": analog.name, "value": value, "unit": analog.unit });
        analogs.iter().zip(values).map(value).collect()
    };
    let snapshot = context.gateway.snapshot();
    let state = &snapshot.machine;
    let signals = |names: &[String], bits: u64| -> Vec<Value> {
        let signal = |(bit, name): (usize, &String)| json!({ "name": name, "on": bits >> bit & 1 == 1 });
        names.iter().enumerate().map(signal).collect()
    };
    let buses = machine.buses.iter().zip(&snapshot.buses).map(|(name, bus)| view::bus_status(name, bus));
    let mut reply = fields(json!({
        "skipped_periods": state.skipped,
        "events_dropped": state.events_dropped,
        "stopped": state.stopped,
        "stop_generation": state.stop_generation,
        "permitted": state.permitted,
        "fault": view::fault(state.fault),
        "inputs": signals(&machine.inputs, state.inputs),
        "outputs": signals(&machine.outputs, state.outputs),
        "analog_inputs": values(&machine.analog_inputs, &snapshot.analogs),
        "analog_outputs": values(&machine.analog_outputs, snapshot.analogs.get(inputs..).unwrap_or_default()),
        "buses": buses.collect::<Vec<_>>(),
    }));
    reply.extend(view::instant(state));
    if !context.degraded.is_empty() {
        reply.insert("degraded".to_string(), json!(context.degraded));
    }
    reply
}
