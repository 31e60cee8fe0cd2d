//! Devices and their objects over the socket.

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde_json::{Value, json};

use super::fixture::{Client, context};
use super::machine::Machine;
use crate::control::{DeviceEntry, DeviceObjects, EntryView, NoObject, ObjectEntry, ObjectPlace};

/// A bus with a drive that has two objects, of which one refuses to be written.
pub struct Bus {
    devices: Vec<DeviceEntry>,
    objects: Mutex<BTreeMap<u16, Vec<u8>>>,
}

const WINDOW: u16 = 0x6065;
const STATUS: u16 = 0x6041;

impl Bus {
    pub fn new() -> Bus {
        let device = |place, name: &str, drive| DeviceEntry { bus: "main".into(), place, name: name.into(), drive };
        Bus {
            devices: vec![device(0, "x-drive", true), device(1, "io", false)],
            objects: Mutex::new(BTreeMap::from([(STATUS, vec![0x37, 0x02]), (WINDOW, vec![0xE8, 3, 0, 0])])),
        }
    }

    fn found(&self, bus: &str, device: &str) -> Result<(), NoObject> {
        match (bus, device) {
            ("main", "x-drive") => Ok(()),
            ("main", "io") => Err(NoObject::NoObjects),
            ("main", _) => Err(NoObject::NoSuchDevice),
            _ => Err(NoObject::NoSuchBus),
        }
    }
}

fn missing() -> NoObject {
    NoObject::Aborted { code: 0x0602_0000, words: "there is no such object".into() }
}

impl DeviceObjects for Bus {
    fn devices(&self) -> &[DeviceEntry] {
        &self.devices
    }

    fn read(&self, bus: &str, device: &str, place: ObjectPlace) -> Result<Vec<u8>, NoObject> {
        self.found(bus, device)?;
        self.objects.lock().unwrap().get(&place.index).cloned().ok_or_else(missing)
    }

    fn write(&self, bus: &str, device: &str, place: ObjectPlace, value: &[u8]) -> Result<(), NoObject> {
        self.found(bus, device)?;
        if place.index == STATUS {
            return Err(NoObject::NoAnswer("the device did not answer in time".into()));
        }
        *self.objects.lock().unwrap().get_mut(&place.index).ok_or_else(missing)? = value.to_vec();
        Ok(())
    }

    fn objects(
        &self,
        bus: &str,
        device: &str,
        after: Option<u16>,
        max: usize,
    ) -> Result<(Vec<ObjectEntry>, bool), NoObject> {
        self.found(bus, device)?;
        let objects = self.objects.lock().unwrap();
        let rest: Vec<u16> = objects.keys().copied().filter(|index| after.is_none_or(|after| *index > after)).collect();
        let entry = |index: &u16| ObjectEntry { index: *index, name: "x".into(), data_type: 7, max_subindex: 0 };
        Ok((rest.iter().take(max).map(entry).collect(), rest.len() > max))
    }

    fn entry(&self, bus: &str, device: &str, index: u16, _subindex: u8) -> Result<EntryView, NoObject> {
        self.found(bus, device)?;
        let bits = self.objects.lock().unwrap().get(&index).ok_or_else(missing)?.len() as u16 * 8;
        Ok(EntryView { name: "x".into(), data_type: 7, bits, readable: true, writable: true, backup: true })
    }
}

#[tokio::test]
async fn objects_are_listed_read_and_written() {
    let machine = Machine::new();
    machine.run();
    let context = context(&machine);
    let mut client = Client::of(&context);
    let place = |index: u16| json!({ "bus": "main", "device": "x-drive", "index": index });
    let listed = client.call("io.motiond.v1.Device.List", json!({})).await;
    assert_eq!((&listed["devices"][0]["name"], &listed["devices"][1]["kind"]), (&json!("x-drive"), &json!("terminal")));
    let first = json!({ "bus": "main", "device": "x-drive", "max": 1 });
    let page = client.call("io.motiond.v1.Device.ListObjects", first).await;
    assert_eq!((&page["objects"][0]["index"], &page["next"]), (&json!(STATUS), &json!(STATUS)));
    let rest = json!({ "bus": "main", "device": "x-drive", "after": STATUS });
    let page = client.call("io.motiond.v1.Device.ListObjects", rest).await;
    assert_eq!((&page["objects"][0]["index"], &page["next"]), (&json!(WINDOW), &Value::Null));
    let mut new = place(WINDOW);
    new["value"] = json!("10270000");
    client.call("io.motiond.v1.Device.WriteObject", new).await;
    assert_eq!(client.call("io.motiond.v1.Device.ReadObject", place(WINDOW)).await["value"], "10270000");
}

#[tokio::test]
async fn what_cannot_be_is_refused_by_name() {
    let machine = Machine::new();
    machine.run();
    let context = context(&machine);
    let mut client = Client::of(&context);
    let read = "io.motiond.v1.Device.ReadObject";
    let rows = [
        (json!({ "bus": "other", "device": "x-drive", "index": 1 }), "Refused", "NoSuchBus"),
        (json!({ "bus": "main", "device": "z", "index": 1 }), "Refused", "NoSuchDevice"),
        (json!({ "bus": "main", "device": "io", "index": 1 }), "Refused", "NoObjects"),
        (json!({ "bus": "main", "device": "x-drive", "index": 1 }), "Aborted", ""),
        (json!({ "bus": "main", "device": "x-drive", "index": 65536 }), "OutOfRange", ""),
        (json!({ "bus": "main", "device": "x-drive", "index": 1, "subindex": 2, "complete": true }), "OutOfRange", ""),
    ];
    for (parameters, name, reason) in rows {
        let (error, fields) = client.fail(read, parameters).await;
        assert_eq!(error, format!("io.motiond.v1.Device.{name}"), "{fields}");
        assert_eq!(fields["reason"].as_str().unwrap_or(""), reason);
    }
    let write = "io.motiond.v1.Device.WriteObject";
    for value in ["1", "zz", "+1", "12 4"] {
        let parameters = json!({ "bus": "main", "device": "x-drive", "index": WINDOW, "value": value });
        let (error, fields) = client.fail(write, parameters).await;
        assert_eq!((error.as_str(), &fields["parameter"]), ("org.varlink.service.InvalidParameter", &json!("value")));
    }
    let silent = json!({ "bus": "main", "device": "x-drive", "index": STATUS, "value": "00" });
    let (error, fields) = client.fail(write, silent).await;
    assert_eq!((error.as_str(), &fields["retryable"]), ("io.motiond.v1.Device.NoAnswer", &json!(true)));
}
