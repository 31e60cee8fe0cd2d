//! `io.motiond.v1.Device`: devices on the buses and their objects.

use std::sync::Arc;

use serde_json::{Value, json};

use super::call::Parameters;
use super::context::Context;
use super::device_objects::{DeviceEntry, DeviceObjects, NoObject, ObjectPlace};
use super::dispatch::Reply;
use super::failure::{Failure, fields};
use super::{commands, view};
use crate::limits::OBJECTS_PER_REPLY;

/// Answers a method of this interface.
pub async fn call(context: &Context, method: &str, parameters: &Parameters) -> Result<Reply, Failure> {
    let Some(devices) = &context.devices else { return Err(Failure::no_interface("io.motiond.v1.Device")) };
    if method == "List" {
        return list(context, &**devices, parameters);
    }
    let (bus, device) = (parameters.text("bus")?.to_string(), parameters.text("device")?.to_string());
    match method {
        "ReadObject" => {
            let place = place(parameters)?;
            let value = aside(devices, move |devices| devices.read(&bus, &device, place)).await?;
            Ok(fields(json!({ "value": hexadecimal(&value) })))
        }
        "WriteObject" => {
            let place = place(parameters)?;
            let value = bytes(parameters.text("value")?).ok_or_else(|| Failure::parameter("value"))?;
            aside(devices, move |devices| devices.write(&bus, &device, place, &value)).await?;
            Ok(Reply::new())
        }
        "ListObjects" => {
            let after = whole(parameters, "after", u64::from(u16::MAX))?.map(|after| after as u16);
            let max = whole(parameters, "max", OBJECTS_PER_REPLY as u64)?.unwrap_or(OBJECTS_PER_REPLY as u64) as usize;
            let (objects, more) =
                aside(devices, move |devices| devices.objects(&bus, &device, after, max.max(1))).await?;
            let next = objects.last().filter(|_| more).map(|last| last.index);
            let object = |object: &super::device_objects::ObjectEntry| {
                json!({
                    "index": object.index,
                    "name": object.name,
                    "data_type": object.data_type,
                    "max_subindex": object.max_subindex,
                })
            };
            let objects: Vec<Value> = objects.iter().map(object).collect();
            Ok(fields(json!({ "objects": objects, "next": next })))
        }
        "DescribeEntry" => {
            let ObjectPlace { index, subindex, .. } = place(parameters)?;
            let entry = aside(devices, move |devices| devices.entry(&bus, &device, index, subindex)).await?;
            Ok(fields(json!({
                "name": entry.name,
                "data_type": entry.data_type,
                "bits": entry.bits,
                "readable": entry.readable,
                "writable": entry.writable,
                "backup": entry.backup,
            })))
        }
        _ => Err(Failure::not_implemented(format!("io.motiond.v1.Device.{method}"))),
    }
}

fn list(context: &Context, devices: &dyn DeviceObjects, parameters: &Parameters) -> Result<Reply, Failure> {
    let snapshot = context.gateway.snapshot();
    let machine = context.gateway.description();
    let first = parameters.optional_whole("first")?;
    let of_bus = |name: &str| machine.buses.iter().position(|bus| bus == name).and_then(|bus| snapshot.buses.get(bus));
    let entry = |device: &DeviceEntry| {
        let bit = |word: u64| word >> device.place & 1 != 0;
        let bus = of_bus(&device.bus);
        json!({
            "bus": device.bus,
            "name": device.name,
            "kind": if device.drive { "drive" } else { "terminal" },
            "operational": bus.is_some_and(|bus| bus.up && !bit(bus.not_operational)),
            "lost": bus.is_some_and(|bus| !bus.up || bit(bus.dropped)),
        })
    };
    view::page("devices", devices.devices().iter().map(entry), first)
}

fn place(parameters: &Parameters) -> Result<ObjectPlace, Failure> {
    let index = whole(parameters, "index", u64::from(u16::MAX))?.ok_or_else(|| Failure::parameter("index"))? as u16;
    let complete = parameters.optional_flag("complete").unwrap_or(false);
    let most = if complete { 1 } else { u64::from(u8::MAX) };
    let subindex = whole(parameters, "subindex", most)?.unwrap_or(0) as u8;
    Ok(ObjectPlace { index, subindex, complete })
}

fn whole(parameters: &Parameters, name: &str, most: u64) -> Result<Option<u64>, Failure> {
    let value = parameters.optional_whole(name)?;
    match value {
        Some(value) if value > most => {
            let hint = "an object has an index of 16 and a subindex of 8 bits; with `complete` it begins at 0 or 1";
            Err(Failure::out_of_range(name, value as f64, (0.0, most as f64), "", hint))
        }
        value => Ok(value),
    }
}

/// On another thread, for it may take seconds, so that nobody else of the service waits for it.
async fn aside<T: Send + 'static>(
    devices: &Arc<dyn DeviceObjects>,
    work: impl FnOnce(&dyn DeviceObjects) -> Result<T, NoObject> + Send + 'static,
) -> Result<T, Failure> {
    let devices = Arc::clone(devices);
    let done = tokio::task::spawn_blocking(move || work(&*devices)).await;
    done.map_err(|_| commands::refused(crate::gateway::Refusal::Interrupted))?.map_err(failure)
}

fn failure(error: NoObject) -> Failure {
    let refused = |reason: &str, hint: &str| {
        Failure::Own("Refused", fields(json!({ "reason": reason, "hint": hint, "retryable": false })))
    };
    match error {
        NoObject::NoSuchBus => refused("NoSuchBus", "io.motiond.v1.Device.List tells the buses and their devices"),
        NoObject::NoSuchDevice => refused("NoSuchDevice", "io.motiond.v1.Device.List tells the devices of the bus"),
        NoObject::NoObjects => refused(
            "NoObjects",
            "only devices on a real bus have objects to ask for, and not each of them has a mailbox",
        ),
        NoObject::Aborted { code, words } => {
            let hint = "the manual of the device tells when the object can be read and written, and what it may be";
            let refused = json!({ "code": code, "words": words, "hint": hint, "retryable": false });
            Failure::Own("Aborted", fields(refused))
        }
        NoObject::NoAnswer(problem) => {
            let hint = "look whether the device is operational, then try again";
            Failure::Own("NoAnswer", fields(json!({ "problem": problem, "hint": hint, "retryable": true })))
        }
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(digits: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).map(|digit| digit as u8);
    let pair = |pair: &[u8]| match pair {
        [high, low] => Some(digit(high)? << 4 | digit(low)?),
        _ => None,
    };
    digits.as_bytes().chunks(2).map(pair).collect()
}
