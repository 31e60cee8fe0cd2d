//! `motionctl record` over the built daemon in motion.

#[allow(dead_code, reason = "each test program uses a part")]
#[path = "support/daemon.rs"]
mod daemon;

use daemon::{Daemon, until};

/// A table as `motionctl record` writes it.
struct Table {
    heading: Vec<String>,
    rows: Vec<Vec<f64>>,
}

impl Table {
    fn parse(text: &str) -> Table {
        let mut lines = text.lines();
        let heading: Vec<String> = lines.next().unwrap().split(',').map(ToOwned::to_owned).collect();
        let number = |field: &str| field.parse().unwrap_or_else(|error| panic!("{field:?}: {error}"));
        let rows: Vec<Vec<f64>> = lines.map(|line| line.split(',').map(number).collect()).collect();
        assert!(rows.iter().all(|row| row.len() == heading.len()), "a row has more or less than the heading:\n{text}");
        Table { heading, rows }
    }

    fn column(&self, name: &str) -> Vec<f64> {
        let place = self.heading.iter().position(|known| known == name);
        let place = place.unwrap_or_else(|| panic!("no {name} in {:?}", self.heading));
        self.rows.iter().map(|row| row[place]).collect()
    }
}

/// Records without a gap. Where other tests keep the recorder from the processor for too long, there is one and it is told
/// (exit code 7); then once more.
fn record(daemon: &Daemon, words: &str) -> String {
    let output = until("a recording without a gap", || {
        let output = daemon.motionctl(&format!("record {words}"));
        (output.status.code() != Some(7)).then_some(output)
    });
    assert_eq!(output.status.code(), Some(0), "record {words}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn assert_steps(cycles: &[f64], step: f64) {
    let odd = cycles.windows(2).find(|pair| pair[1] - pair[0] != step);
    assert!(odd.is_none(), "cycles {odd:?} follow each other, {step} apart expected");
}

#[test]
fn a_recorded_move_has_each_cycle_once_and_its_velocity_is_what_the_setpoint_does() {
    let daemon = Daemon::start();
    daemon.done("power on x --wait");
    daemon.done("move x 1100 --velocity 20");
    let table = Table::parse(&record(&daemon, "--axes x --quantities setpoint,velocity --samples 1500"));
    assert_eq!(table.heading, ["cycle", "time_ns", "dropped", "x.setpoint_mm", "x.velocity_mm_per_s"]);
    assert_eq!(table.rows.len(), 1500);
    assert_steps(&table.column("cycle"), 1.0);
    assert!(table.column("dropped").iter().all(|dropped| *dropped == 0.0));
    let (setpoint, velocity) = (table.column("x.setpoint_mm"), table.column("x.velocity_mm_per_s"));
    let moved = setpoint[1499] - setpoint[0];
    assert!(moved > 1.0, "moved by {moved}");
    // The trapezoid rule over the velocity of each period, which is 1 ms whatever was skipped. With the jerk J limited,
    // it is off by at most J T³ / 12 a period; and the ends of phases twice that.
    let sum: f64 = velocity.windows(2).map(|pair| (pair[0] + pair[1]) / 2.0 * 1e-3).sum();
    assert!((sum - moved).abs() < 1e-3, "moved by {moved}, by its velocity {sum}");
}

#[test]
fn a_recording_of_everything_is_as_wide_as_the_machine_and_as_sparse_as_asked_for() {
    let daemon = Daemon::start();
    let file = tempfile::NamedTempFile::new().unwrap();
    record(&daemon, &format!("--decimation 20 --duration 1 {}", file.path().display()));
    let table = Table::parse(&std::fs::read_to_string(file.path()).unwrap());
    assert_eq!(table.heading.len(), 3 + 6 * 11, "six axes, eleven quantities: {:?}", table.heading);
    let cycles = table.column("cycle");
    assert!(cycles.len() > 1 && cycles.len() <= 50, "{} samples in a second", cycles.len());
    assert_steps(&cycles, 20.0);
    assert!(cycles.iter().all(|cycle| cycle % 20.0 == 0.0));
    let time_ns = table.column("time_ns");
    assert!(time_ns.last().unwrap() - time_ns[0] < 1e9);
}

#[test]
fn a_recording_of_what_is_not_there_is_refused() {
    let daemon = Daemon::start();
    let refused = daemon.motionctl("record --axes w");
    assert_eq!(refused.status.code(), Some(4), "{refused:?}");
    assert!(String::from_utf8(refused.stderr).unwrap().contains("axis \"w\""));
    assert_eq!(daemon.motionctl("record --decimation 100000000").status.code(), Some(4));
}
