//! The CPU time of one exchange of process data, beside SOEM's, on the same simulated drives in the same run.
//!
//! ```text
//! cargo bench --bench ethercat [-- PAIRS [DRIVES…]]
//! ```
//!
//! Both masters run as processes of their own on one end of a virtual cable, by turns, with the same period, priority and
//! processor, distributed clocks on; `motion-sim` is on the other end. Each sends, sleeps until the answers must be back, and
//! takes them: what is measured, by the thread's own CPU clock, is sending and taking, without a wait. SOEM's sources come
//! with PyPI's pysoem and are built into `target/`. Needs root, iproute2, a C compiler and pip; says so where one is missing.

#[path = "../../tests/support/many_drives.rs"]
mod many_drives;
mod own;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};

use many_drives::many_drives;

/// Cycles before those that count, and those.
const WARM_UP: usize = 1000;
const CYCLES: usize = 4000;
const PERIOD_US: u64 = 1000;
/// What the product has to keep to.
const AIM: f64 = 1.3;
const PYSOEM: &str = "pysoem-1.1.13";

/// What one run tells.
#[derive(Clone, Copy, Debug)]
struct Run {
    incomplete: u64,
    mean_ns: f64,
    median_ns: f64,
}

fn run(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    let [out, errors] = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    if output.status.success() { Ok(out) } else { Err(format!("{command:?}: {}{}", errors.trim(), out.trim())) }
}

fn words(line: &str) -> Command {
    let mut words = line.split_whitespace();
    let mut command = Command::new(words.next().expect("a program"));
    command.args(words);
    command
}

/// Builds SOEM and its loop; the program.
fn soem() -> Result<PathBuf, String> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("soem");
    std::fs::create_dir_all(&place).map_err(|error| error.to_string())?;
    let sources = place.join(PYSOEM);
    if !sources.exists() {
        let version = PYSOEM.replacen('-', "==", 1);
        let fetch = format!("python3 -m pip download --quiet --no-deps --no-binary pysoem {version}");
        run(words(&fetch).current_dir(&place))?;
        run(words(&format!("tar xzf {PYSOEM}.tar.gz")).current_dir(&place))?;
    }
    let program = place.join("loop");
    let folders = ["soem/soem", "soem/osal", "soem/osal/linux", "soem/oshw/linux"];
    let mut command = words("cc -O2 -w -DEC_VER2 -o");
    command.arg(&program).arg(own.join("benches/ethercat/soem.c"));
    command.args(folders.iter().map(|folder| format!("-I{}", sources.join(folder).display())));
    for folder in ["soem/soem", "soem/osal/linux", "soem/oshw/linux"] {
        for file in std::fs::read_dir(sources.join(folder)).map_err(|error| error.to_string())?.flatten() {
            if file.path().extension().is_some_and(|extension| extension == "c") {
                command.arg(file.path());
            }
        }
    }
    run(command.args(["-lpthread", "-lrt"]))?;
    Ok(program)
}

/// Two networks, a cable, and the drives on its far end; gone with it.
struct Segment {
    networks: [String; 2],
    drives: Option<Child>,
}

impl Segment {
    fn start(count: usize, file: &Path) -> Result<Segment, String> {
        let networks = ["master", "segment"].map(|end| format!("motiond-bench-{end}-{}", std::process::id()));
        let mut segment = Segment { networks, drives: None };
        let [master, far] = &segment.networks;
        for line in [
            format!("ip netns add {master}"),
            format!("ip netns add {far}"),
            format!("ip -n {master} link add fieldbus type veth peer name drives netns {far}"),
            format!("ip -n {master} link set fieldbus up"),
            format!("ip -n {far} link set drives up"),
        ] {
            run(&mut words(&line))?;
        }
        std::fs::write(file, many_drives(count, "", "", "")).map_err(|error| error.to_string())?;
        let line = format!("ip netns exec {far} chrt -f 75 taskset -c 0 {}", env!("CARGO_BIN_EXE_motion-sim"));
        let mut drives = words(&line);
        drives.args(["--interface", "drives", "--config"]).arg(file).stdin(Stdio::null()).stdout(Stdio::null());
        segment.drives = Some(drives.spawn().map_err(|error| format!("{drives:?}: {error}"))?);
        Ok(segment)
    }

    /// A master on the near end, measured.
    fn measure(&self, program: &Path, first: &[&str]) -> Result<Run, String> {
        let line = format!("ip netns exec {} chrt -f 80 taskset -c {}", self.networks[0], last_processor());
        let mut command = words(&line);
        command.arg(program).args(first);
        let said = run(&mut command)?;
        let numbers: Vec<f64> = said.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        let [_, incomplete, mean_ns, median_ns] = numbers[..] else { return Err(format!("{command:?}: {said}")) };
        Ok(Run { incomplete: incomplete as u64, mean_ns, median_ns })
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        if let Some(mut drives) = self.drives.take() {
            let _ = drives.kill();
            let _ = drives.wait();
        }
        for network in &self.networks {
            let _ = run(&mut words(&format!("ip netns del {network}")));
        }
    }
}

fn last_processor() -> usize {
    std::thread::available_parallelism().map_or(0, |count| count.get() - 1)
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn compare(count: usize, pairs: usize, soem: &Path) -> Result<(), String> {
    let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
    let file = directory.path().join("drives.toml");
    let segment = Segment::start(count, &file)?;
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    let [period, warm_up, cycles] = [PERIOD_US.to_string(), WARM_UP.to_string(), CYCLES.to_string()];
    let path = file.display().to_string();
    let mut all = Vec::new();
    for pair in 0..pairs {
        let product = || segment.measure(&own, &[own::WORD, "fieldbus", &path, &warm_up, &cycles]);
        let peer = || segment.measure(soem, &["fieldbus", &period, &warm_up, &cycles]);
        let both = if pair % 2 == 0 {
            let first = product()?;
            (first, peer()?)
        } else {
            let first = peer()?;
            (product()?, first)
        };
        println!(
            "{count} drives, pair {pair}: motiond {:.1} us (median {:.1}), SOEM {:.1} us (median {:.1}); incomplete {} and {}",
            both.0.mean_ns / 1e3,
            both.0.median_ns / 1e3,
            both.1.mean_ns / 1e3,
            both.1.median_ns / 1e3,
            both.0.incomplete,
            both.1.incomplete
        );
        all.push(both);
    }
    for (what, of) in [("mean", (|run: &Run| run.mean_ns) as fn(&Run) -> f64), ("median", |run| run.median_ns)] {
        let mut ratios: Vec<f64> = all.iter().map(|(product, peer)| of(product) / of(peer)).collect();
        let middle = median(&mut ratios);
        let kept = if middle <= AIM { "kept" } else { "missed" };
        println!(
            "{count} drives: ratio of the {what} CPU times {middle:.2} ({:.2} to {:.2}); aim {AIM}: {kept}",
            ratios[0],
            ratios[ratios.len() - 1]
        );
    }
    Ok(())
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if words.first().is_some_and(|word| word == own::WORD) {
        return own::run(&words[1..]);
    }
    let numbers: Vec<usize> = words.iter().filter_map(|word| word.parse().ok()).collect();
    let pairs = numbers.first().copied().unwrap_or(5).max(1);
    let counts = if numbers.len() > 1 { &numbers[1..] } else { &[2, 16, 64] };
    let soem = match soem() {
        Ok(soem) => soem,
        Err(why) => {
            println!("skipped: ethercat: no SOEM: {why}");
            return ExitCode::SUCCESS;
        }
    };
    for count in counts {
        if let Err(why) = compare(*count, pairs, &soem) {
            println!("skipped: ethercat, {count} drives: {why}");
        }
    }
    ExitCode::SUCCESS
}
