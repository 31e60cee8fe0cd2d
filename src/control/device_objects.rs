//! What the control service must know of devices to show them and to reach their objects. The daemon's root implements it,
//! because it alone knows the buses.

/// An object, or a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObjectPlace {
    /// Index.
    pub index: u16,
    /// Subindex.
    pub subindex: u8,
    /// All subindices from there on.
    pub complete: bool,
}

/// One object of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectEntry {
    /// Index.
    pub index: u16,
    /// Name.
    pub name: String,
    /// Type (CiA 301).
    pub data_type: u16,
    /// Highest subindex.
    pub max_subindex: u8,
}

/// A part of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryView {
    /// Name.
    pub name: String,
    /// Type (CiA 301).
    pub data_type: u16,
    /// Length, bits.
    pub bits: u16,
    /// It can be read in Operational.
    pub readable: bool,
    /// It can be written in Operational.
    pub writable: bool,
    /// It is kept for the replacement of the device.
    pub backup: bool,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoObject {
    /// The machine has no such bus.
    NoSuchBus,
    /// The bus has no such device.
    NoSuchDevice,
    /// The device is simulated in the daemon, or has no objects.
    NoObjects,
    /// The device refused it.
    Aborted {
        /// Its abort code.
        code: u32,
        /// What that means.
        words: String,
    },
    /// Nothing came of it.
    NoAnswer(String),
}

/// One device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceEntry {
    /// Its bus.
    pub bus: String,
    /// Its place on it, as in `BusSnapshot::not_operational`.
    pub place: u8,
    /// Its name.
    pub name: String,
    /// It is a drive, else a terminal.
    pub drive: bool,
}

/// The devices and their objects. Calls to objects may take seconds.
pub trait DeviceObjects: Send + Sync {
    /// Every device, bus by bus.
    fn devices(&self) -> &[DeviceEntry];

    /// Reads an object.
    ///
    /// # Errors
    /// Where there is no answer.
    fn read(&self, bus: &str, device: &str, place: ObjectPlace) -> Result<Vec<u8>, NoObject>;

    /// Writes an object.
    ///
    /// # Errors
    /// Where there is no answer; it may have been written.
    fn write(&self, bus: &str, device: &str, place: ObjectPlace, value: &[u8]) -> Result<(), NoObject>;

    /// The objects above an index, at most so many, and whether there are more.
    ///
    /// # Errors
    /// Where there is no answer.
    fn objects(
        &self,
        bus: &str,
        device: &str,
        after: Option<u16>,
        max: usize,
    ) -> Result<(Vec<ObjectEntry>, bool), NoObject>;

    /// A part of an object.
    ///
    /// # Errors
    /// Where there is no answer.
    fn entry(&self, bus: &str, device: &str, index: u16, subindex: u8) -> Result<EntryView, NoObject>;
}
