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

/// Resolution behind the increments that the bus sees, so that the velocity loop is not limited by a coarse unit.
const FINE_RESOLUTION: u64 = 1 << 23;

/// The encoder, read once in a step of the drive.
///
/// It counts finer than the bus by a power of two, as an interpolated sine encoder does; the bus sees the nearest
/// whole increment, without bound in an `i64` here and wrapped to 32 bits in 6064h.
#[derive(Clone, Copy, Debug)]
pub struct Encoder {
    fine_per_turn: i64,
    shift: u32,
    offset: i64,
    /// Present reading, fine counts.
    fine: i64,
    stuck: bool,
}

impl Encoder {
    /// An encoder that reads the given position (whole turns, rest in [0, 1)).
    pub fn new(parameters: &EncoderParameters, position: (i64, f64)) -> Encoder {
        let increments = u64::from(parameters.increments_per_turn.max(1));
        let mut shift = 0;
        while (increments << shift) < FINE_RESOLUTION {
            shift += 1;
        }
        let fine_per_turn = (increments << shift) as i64;
        let offset = parameters.offset_increments.wrapping_shl(shift);
        let mut encoder = Encoder { fine_per_turn, shift, offset, fine: 0, stuck: false };
        encoder.read(position);
        encoder
    }

    /// Takes a new reading, unless it is stuck.
    pub fn read(&mut self, (turns, fraction): (i64, f64)) {
        if !self.stuck {
            let within = (fraction * self.fine_per_turn as f64) as i64;
            self.fine = turns.wrapping_mul(self.fine_per_turn).wrapping_add(within).wrapping_add(self.offset);
        }
    }

    /// Lets the reading stand still, or follow again.
    pub fn set_stuck(&mut self, stuck: bool) {
        self.stuck = stuck;
    }

    /// The reading in fine counts.
    pub fn fine(&self) -> i64 {
        self.fine
    }

    /// Fine counts in one increment, as a power of two.
    pub fn shift(&self) -> u32 {
        self.shift
    }

    /// Fine counts in one motor turn.
    pub fn fine_per_turn(&self) -> f64 {
        self.fine_per_turn as f64
    }

    /// The nearest increment, before the wrap to 32 bits.
    pub fn increments(&self) -> i64 {
        let half = if self.shift == 0 { 0 } else { 1 << (self.shift - 1) };
        (self.fine + half) >> self.shift
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readings_are_the_nearest_increment() {
        let parameters = EncoderParameters { increments_per_turn: 4096, offset_increments: 0 };
        let mut encoder = Encoder::new(&parameters, (0, 0.0));
        for n in -10_000..10_000i64 {
            let turns = n as f64 / 4096.0 / 7.0;
            encoder.read((turns.floor() as i64, turns - turns.floor()));
            let exact = turns * 4096.0;
            assert!((encoder.increments() as f64 - exact).abs() <= 0.501, "{turns} turns: {}", encoder.increments());
        }
    }

    #[test]
    fn the_offset_brings_the_wrap_near() {
        let parameters =
            EncoderParameters { increments_per_turn: 1 << 20, offset_increments: i64::from(i32::MAX) - 1000 };
        let mut encoder = Encoder::new(&parameters, (0, 0.0));
        assert_eq!(encoder.increments() as i32, i32::MAX - 1000);
        encoder.read((0, 1001.0 / f64::from(1 << 20)));
        assert_eq!(encoder.increments() as i32, i32::MIN);
    }

    #[test]
    fn a_stuck_encoder_stands_still_until_it_is_freed() {
        let mut encoder = Encoder::new(&EncoderParameters::default(), (3, 0.5));
        encoder.set_stuck(true);
        encoder.read((4, 0.0));
        assert_eq!(encoder.increments(), 3 * (1 << 20) + (1 << 19));
        encoder.set_stuck(false);
        encoder.read((4, 0.0));
        assert_eq!(encoder.increments(), 4 << 20);
    }
}
