//! What a device must say it is (1018h, or the SII of an EtherCAT device).

/// How near a device's revision must be to the expected one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RevisionPolicy {
    /// The same.
    #[default]
    Exact,
    /// The same or a later one.
    AtLeast,
    /// It is not looked at.
    Any,
}

/// What a device must be; `None` is not looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExpectedIdentity {
    /// Vendor ID.
    pub vendor: Option<u32>,
    /// Product code.
    pub product: Option<u32>,
    /// Revision number.
    pub revision: Option<u32>,
    /// How near to it.
    pub revision_policy: RevisionPolicy,
    /// Serial number.
    pub serial: Option<u32>,
}
