//! The tables of analogue inputs and outputs: a part of the [`super::schema`].

use super::key::Kind::*;
use super::key::Presence::{Default, Optional, Required};
use super::schema::{FAST, ObjectType, U32};
use super::section::{sections, words};

words! {
    /// What an analogue output does on a fault.
    AnalogWord {
        /// It goes to its safe value.
        SafeValue = "safe-value",
        /// Nothing.
        Keep = "keep",
    }
}

sections! {
    /// A named analogue input.
    AnalogInput = "analog-input" {
        /// Its name.
        name: String = "name", Name, Required, Restart;
        /// Its bus.
        bus: String = "bus", Name, Required, Restart;
        /// Its terminal.
        device: String = "device", Name, Required, Restart;
        /// The index of its number among the device's pdo-inputs.
        index: u16 = "index", Whole(0x1000, 0xFFFF), Required, Restart;
        /// Its sub-index.
        subindex: u8 = "subindex", Whole(0, 255), Default("1"), Restart;
        /// What the number is on the wire (up to 32 bits).
        kind: ObjectType = "type", Choice(ObjectType::WORDS), Default("\"i16\""), Restart;
        /// What its values are in, shown to people.
        unit: Option<String> = "unit", Text, Optional("nothing"), Restart;
        /// The value where the number is 0.
        zero: f64 = "zero", Number(-FAST, FAST), Default("0"), Restart;
        /// The value where the number is raw-full-scale.
        full_scale: f64 = "full-scale", Number(-FAST, FAST), Required, Restart;
        /// The number that means full-scale.
        raw_full_scale: Option<i64> = "raw-full-scale", Whole(1, U32), Optional("the highest number of the type, 32767 for i16"), Restart;
    }

    /// A named analogue output.
    AnalogOutput = "analog-output" {
        /// Its name.
        name: String = "name", Name, Required, Restart;
        /// Its bus.
        bus: String = "bus", Name, Required, Restart;
        /// Its terminal.
        device: String = "device", Name, Required, Restart;
        /// The index of its number among the device's pdo-outputs.
        index: u16 = "index", Whole(0x1000, 0xFFFF), Required, Restart;
        /// Its sub-index.
        subindex: u8 = "subindex", Whole(0, 255), Default("1"), Restart;
        /// What the number is on the wire (up to 32 bits).
        kind: ObjectType = "type", Choice(ObjectType::WORDS), Default("\"i16\""), Restart;
        /// What its values are in, shown to people.
        unit: Option<String> = "unit", Text, Optional("nothing"), Restart;
        /// The value where the number is 0.
        zero: f64 = "zero", Number(-FAST, FAST), Default("0"), Restart;
        /// The value where the number is raw-full-scale.
        full_scale: f64 = "full-scale", Number(-FAST, FAST), Required, Restart;
        /// The number that means full-scale.
        raw_full_scale: Option<i64> = "raw-full-scale", Whole(1, U32), Optional("the highest number of the type, 32767 for i16"), Restart;
        /// The lowest value that it may be set to.
        lowest: Option<f64> = "lowest", Number(-FAST, FAST), Optional("what the type can represent"), Restart;
        /// The highest value that it may be set to.
        highest: Option<f64> = "highest", Number(-FAST, FAST), Optional("what the type can represent"), Restart;
        /// What it is set to at start and at the end of the daemon.
        safe: f64 = "safe-value", Number(-FAST, FAST), Default("0"), Restart;
        /// What it does when the machine gets a fault.
        on_fault: AnalogWord = "on-fault", Choice(AnalogWord::WORDS), Default("\"safe-value\""), Restart;
    }
}
