//! Emergency messages (CiA 301, 7.2.7).

/// What a node tells of a fault, or of its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Emergency {
    /// Error code, as in object 603Fh; 0 is "no fault any more".
    pub code: u16,
    /// Error register, object 1001h.
    pub register: u8,
}

impl Emergency {
    /// Of a frame's bytes; `None` where they are too few.
    pub fn decode(bytes: &[u8]) -> Option<Emergency> {
        match *bytes {
            [low, high, register, ..] => Some(Emergency { code: u16::from_le_bytes([low, high]), register }),
            _ => None,
        }
    }
}
