//! The encoder on the motor shaft: quantisation, 32-bit wrap, a start offset, and a way to get stuck.

/// Encoder on the motor shaft.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EncoderParameters {
    /// Increments of 6064h and 607Ah in one motor turn (608Fh).
    pub increments_per_turn: u32,
    /// Added to every reading, increments; `i32::MAX - 1000` tests the 32-bit wrap after 1000 increments.
    pub offset_increments: i64,
}

impl Default for EncoderParameters {
    fn default() -> EncoderParameters {
        EncoderParameters { increments_per_turn: 1 << 20, offset_increments: 0 }
    }
}
