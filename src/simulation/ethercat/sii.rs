//! The EEPROM of a simulated device, made from what the device is (ETG.2010).

use crate::fieldbus::mapping::drive_pdos;
use crate::simulation::{SimulatedDevice, SimulatedDeviceKind, SimulatedDeviceParameters};

use super::controller::{
    BOOT_BYTES, BOOT_RECEIVE, BOOT_SEND, INPUT_START, MAILBOX_BYTES, MAILBOX_RECEIVE, MAILBOX_SEND, OUTPUT_START,
};

/// Size in KiBit, less one (word 3Eh).
const SIZE: u16 = 15;

/// Builds the image, in bytes.
pub fn image(parameters: &SimulatedDeviceParameters, device: &SimulatedDevice, alias: u16, has_clock: bool) -> Vec<u8> {
    let mut image = vec![0; 0x80];
    let mut word = |at: usize, value: u16| image[2 * at..2 * at + 2].copy_from_slice(&value.to_le_bytes());
    word(0, 0x0C08); // PDI control: process data interface of a microcontroller
    word(4, alias);
    let identity = &parameters.identity;
    for (at, value) in [(8, identity.vendor), (10, identity.product), (12, identity.revision), (14, identity.serial)] {
        word(at, value as u16);
        word(at + 1, (value >> 16) as u16);
    }
    for (at, value) in [
        (0x14, BOOT_RECEIVE),
        (0x15, BOOT_BYTES),
        (0x16, BOOT_SEND),
        (0x17, BOOT_BYTES),
        (0x18, MAILBOX_RECEIVE),
        (0x19, MAILBOX_BYTES),
        (0x1A, MAILBOX_SEND),
        (0x1B, MAILBOX_BYTES),
        (0x1C, 0x000C), // CoE, FoE
        (0x3E, SIZE),
        (0x3F, 1),
    ] {
        word(at, value);
    }
    let checksum = crc8(&image[..14]);
    image[14] = checksum;

    let mut strings = vec![2];
    for text in [parameters.name.as_str(), "Simulated"] {
        let text = &text.as_bytes()[..text.len().min(250)];
        strings.push(text.len() as u8);
        strings.extend(text);
    }
    category(&mut image, 10, &strings);

    let mut general = [0; 32];
    // Group, image, order and name: strings; CoE with SDO, information, PDO assignment and configuration, complete access.
    (general[0], general[2], general[3], general[5]) = (2, 1, 1, 0x2F);
    category(&mut image, 30, &general);

    let (outputs, inputs) = device.process_data_bytes();
    // Outputs, inputs, mailbox status.
    category(&mut image, 40, &[1, 2, 3, 0]);
    let manager = |start: u16, length: usize, control: u8, enable: bool, usage: u8| {
        let ([a, b], [c, d]) = (start.to_le_bytes(), (length as u16).to_le_bytes());
        [a, b, c, d, control, 0, u8::from(enable), usage]
    };
    let managers = [
        manager(MAILBOX_RECEIVE, usize::from(MAILBOX_BYTES), 0x26, true, 1),
        manager(MAILBOX_SEND, usize::from(MAILBOX_BYTES), 0x22, true, 2),
        manager(OUTPUT_START, outputs, 0x64, outputs > 0, 3),
        manager(INPUT_START, inputs, 0x20, inputs > 0, 4),
    ];
    category(&mut image, 41, &managers.concat());
    for (kind, index, manager, entries) in
        [(50, 0x1A00_u16, 3, &parameters.layout.inputs), (51, 0x1600, 2, &parameters.layout.outputs)]
    {
        let is_drive = !matches!(parameters.kind, SimulatedDeviceKind::Terminal(_));
        let pdos = if is_drive { drive_pdos(entries) } else { vec![(0, &entries[..])] };
        let mut content = Vec::new();
        for (number, entries) in pdos.into_iter().filter(|(_, entries)| !entries.is_empty()) {
            let [low, high] = (index + number).to_le_bytes();
            content.extend([low, high, entries.len() as u8, manager, u8::from(has_clock), 0, 0, 0]);
            for entry in entries {
                let [low, high] = entry.index.to_le_bytes();
                content.extend([low, high, entry.subindex, 0, 0, entry.bits, 0, 0]);
            }
        }
        if !content.is_empty() {
            category(&mut image, kind, &content);
        }
    }
    image.extend([0xFF, 0xFF]);
    image.resize((usize::from(SIZE) + 1) * 128, 0xFF);
    image
}

fn category(image: &mut Vec<u8>, kind: u16, content: &[u8]) {
    image.extend(kind.to_le_bytes());
    image.extend((content.len().div_ceil(2) as u16).to_le_bytes());
    image.extend(content);
    if !content.len().is_multiple_of(2) {
        image.push(0);
    }
}

/// Over the first seven words: polynomial 7, begun with FFh.
fn crc8(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0xFF_u8, |crc, byte| {
        (0..8).fold(crc ^ byte, |crc, _| if crc & 0x80 != 0 { crc << 1 ^ 0x07 } else { crc << 1 })
    })
}
