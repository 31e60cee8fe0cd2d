//! Colours of speeds: slow is warm, fast is cool.

/// So many are told apart.
pub const LEVELS: usize = 40;
/// From standing still to the fastest.
const STOPS: [[f64; 3]; 6] = [
    [176.0, 18.0, 54.0],
    [226.0, 80.0, 36.0],
    [240.0, 168.0, 40.0],
    [92.0, 178.0, 112.0],
    [28.0, 134.0, 176.0],
    [46.0, 58.0, 140.0],
];

/// The level of a share of the fastest.
pub fn level(share: f64) -> usize {
    ((share.clamp(0.0, 1.0) * LEVELS as f64) as usize).min(LEVELS - 1)
}

/// As SVG writes it.
pub fn of_level(level: usize) -> String {
    let place = (level as f64 + 0.5) / LEVELS as f64 * (STOPS.len() - 1) as f64;
    let first = (place as usize).min(STOPS.len() - 2);
    let share = place - first as f64;
    let [red, green, blue] =
        [0, 1, 2].map(|i| (STOPS[first][i] + share * (STOPS[first + 1][i] - STOPS[first][i])).round() as u8);
    format!("#{red:02x}{green:02x}{blue:02x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_level_has_its_colour() {
        let mut colours: Vec<String> = (0..LEVELS).map(of_level).collect();
        colours.dedup();
        assert_eq!(colours.len(), LEVELS);
        assert_eq!([level(-1.0), level(0.0), level(0.999), level(7.0)], [0, 0, LEVELS - 1, LEVELS - 1]);
    }
}
