//! The built programs, as somebody uses them who has unknown drives: `motionctl bus scan` on a virtual cable with `motion-sim`
//! at its other end, then `motiond check-config` and a first move with the configuration that was written.

#[allow(dead_code, reason = "each test program uses a part")]
#[path = "support/daemon.rs"]
mod daemon;

use daemon::{HANG, Killed, drained, motiond, output};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// Two networks and a cable between them, gone with it.
struct Cable {
    networks: [String; 2],
}

fn ip(words: &str) -> Result<(), String> {
    let run = Command::new("ip").args(words.split_whitespace()).output().map_err(|error| format!("ip: {error}"))?;
    if run.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&run.stderr).trim().to_string()) }
}

impl Cable {
    fn lay(name: &str) -> Result<Cable, String> {
        let networks = ["master", "segment"].map(|end| format!("motiond-{name}-{end}-{}", std::process::id()));
        let cable = Cable { networks };
        let [master, segment] = &cable.networks;
        ip(&format!("netns add {master}"))?;
        ip(&format!("netns add {segment}"))?;
        ip(&format!("-n {master} link add fieldbus type veth peer name drives netns {segment}"))?;
        ip(&format!("-n {master} link add dark type veth peer name light"))?;
        ip(&format!("-n {master} link set fieldbus up"))?;
        ip(&format!("-n {master} link set lo up"))?;
        ip(&format!("-n {segment} link set drives up"))?;
        Ok(cable)
    }

    fn command(&self, network: usize, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.networks[network], program]);
        command
    }

    fn motionctl(&self, words: &[&str], directory: &Path) -> Output {
        output(self.command(0, env!("CARGO_BIN_EXE_motionctl")).args(words).current_dir(directory))
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        for network in &self.networks {
            let _ = ip(&format!("netns del {network}"));
        }
    }
}

fn words(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The devices of the shipped machine at the other end.
fn simulated(cable: &Cable, directory: &TempDir) -> Killed {
    let file = directory.path().join("there.toml");
    std::fs::write(&file, include_str!("../config/ethercat-terminals.toml")).unwrap();
    let mut command = cable.command(1, env!("CARGO_BIN_EXE_motion-sim"));
    command.args(["--interface", "drives", "--config"]).arg(&file).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut simulation = Killed(command.spawn().unwrap());
    let said = drained(simulation.0.stdout.take().unwrap());
    assert!(said.recv_timeout(HANG).unwrap().contains("3 devices on drives"));
    simulation
}

#[test]
fn from_unknown_drives_to_the_first_move() {
    let cable = match Cable::lay("scan") {
        Ok(cable) => cable,
        Err(why) => {
            println!("skipped: bus_scan: {why}");
            return;
        }
    };
    let directory = tempfile::Builder::new().prefix("motiond-").tempdir().unwrap();
    let here = directory.path();
    let _simulation = simulated(&cable, &directory);

    let scan = ["bus", "scan", "--interface", "fieldbus", "--skeleton", "machine.toml"];
    let run = cable.motionctl(&scan, here);
    let table = words(&run.stdout);
    println!("{table}");
    assert_eq!(run.status.code(), Some(0), "{}", words(&run.stderr));
    let rows: Vec<Vec<&str>> = table.lines().skip(1).map(|row| row.split_whitespace().collect()).collect();
    assert_eq!(rows[0][..5], ["0", "4096", "-", "drive", "x-drive"], "{table}");
    assert_eq!(rows[2][3..8], ["terminal", "io", "0x00000a5a", "0x00000191", "0x00000001"], "{table}");
    assert_eq!(*rows[1].last().unwrap(), "PREOP", "{table}");

    let object = |words_of: &str| {
        let mut all = vec!["bus", "sdo"];
        all.extend(words_of.split_whitespace());
        let run = cable.motionctl(&all, here);
        (run.status.code(), words(&run.stdout) + &words(&run.stderr))
    };
    assert_eq!(object("read -i fieldbus -p 0 1008 --as text"), (Some(0), "x-drive\n".into()));
    assert_eq!(object("write -i fieldbus -p 1 6067 77 --as u32"), (Some(0), "6067:00 written\n".into()));
    assert_eq!(object("read -i fieldbus -p 1 6067 --as u32"), (Some(0), "77\n".into()));
    assert_eq!(object("write -i fieldbus -p 1 6067 300 --as u8").0, Some(1));
    let refused =
        "motionctl: interface fieldbus: object 6FFFh:00: the device has no such object (abort code 06020000h)\n";
    assert_eq!(object("read -i fieldbus -p 0 6FFF"), (Some(1), refused.into()));
    let nobody = "motionctl: interface fieldbus: there is no device at position 3: 3 answer, counted from 0\n";
    assert_eq!(object("read -i fieldbus -p 3 1008"), (Some(1), nobody.into()));

    std::fs::write(here.join("new.efw"), vec![0x5A; 50_000]).unwrap();
    let file = |words_of: &str| {
        let all: Vec<&str> = ["bus", "file"].into_iter().chain(words_of.split_whitespace()).collect();
        let run = cable.motionctl(&all, here);
        (run.status.code(), words(&run.stdout) + &words(&run.stderr))
    };
    let written = "new.efw: 50000 bytes written to the device\n";
    let device = "--interface fieldbus --position 0";
    assert_eq!(file(&format!("write {device} --boot firmware.efw new.efw")), (Some(0), written.into()));
    assert_eq!(
        file(&format!("read {device} --boot firmware.efw back.efw")),
        (Some(0), "back.efw: 50000 bytes read\n".into())
    );
    assert_eq!(std::fs::read(here.join("back.efw")).unwrap(), [0x5A; 50_000]);
    let refused = file(&format!("write {device} firmware.efw new.efw"));
    assert!(refused.0 == Some(1) && refused.1.contains("--boot"), "{refused:?}");
    let kept = file(&format!("read {device} --boot firmware.efw back.efw"));
    assert!(kept.0 == Some(1) && kept.1.contains("back.efw exists already"), "{kept:?}");

    // Nothing is overwritten.
    let again = cable.motionctl(&scan, here);
    assert_eq!(again.status.code(), Some(1));
    assert!(words(&again.stderr).contains("machine.toml exists already"), "{}", words(&again.stderr));

    let checked = output(motiond().args(["check-config", "machine.toml"]).current_dir(here));
    assert_eq!(checked.status.code(), Some(0), "{}", words(&checked.stderr));
    assert!(
        words(&checked.stdout).contains("ok: 2 axes, 0 groups, 1 bus with 3 devices"),
        "{}",
        words(&checked.stdout)
    );

    // Neither side has a processor of its own here.
    let text = std::fs::read_to_string(here.join("machine.toml")).unwrap();
    let text =
        text.replace("[[bus]]", "[realtime]\nmax-skipped-periods = 1000\n\n[[bus]]\nlost-frames-tolerated = 100");
    let text = text.replace("[[bus.device]]", "[[bus.device]]\nwatchdog-ms = 1000");
    let text = text.replace("time-ms = 50", "time-ms = 1000\nstale-cycles-tolerated = 100");
    std::fs::write(here.join("machine.toml"), text).unwrap();
    let mut daemon = cable.command(0, env!("CARGO_BIN_EXE_motiond"));
    daemon.env("NO_COLOR", "1").current_dir(here).args(["run", "machine.toml", "--metrics", "127.0.0.1:0", "--socket"]);
    let mut daemon = Killed(daemon.arg(here.join("control.sock")).stderr(Stdio::piped()).spawn().unwrap());
    let log = drained(daemon.0.stderr.take().unwrap());
    while !log.recv_timeout(HANG).expect("the daemon is ready").contains("ready: drives are disabled") {}

    // Who has the interface is told, and nothing is sent.
    let busy = cable.motionctl(&["bus", "scan", "--interface", "fieldbus"], here);
    assert_eq!(busy.status.code(), Some(1));
    let said = words(&busy.stderr);
    assert!(said.contains("interface fieldbus is used by another EtherCAT master: motiond (process "), "{said}");

    let socket = here.join("control.sock");
    for verb in ["power on axis-0 --wait", "move axis-0 --relative 20 --wait"] {
        let mut all = vec!["--socket", socket.to_str().unwrap()];
        all.extend(verb.split_whitespace());
        let run = cable.motionctl(&all, here);
        assert_eq!(run.status.code(), Some(0), "{verb}: {} {}", words(&run.stdout), words(&run.stderr));
    }
}

#[test]
fn an_interface_that_cannot_be_used_says_what_to_do() {
    let cable = match Cable::lay("none") {
        Ok(cable) => cable,
        Err(why) => {
            println!("skipped: bus_scan interfaces: {why}");
            return;
        }
    };
    let directory = tempfile::tempdir().unwrap();
    let said = |interface: &str| {
        let run = cable.motionctl(&["bus", "scan", "--interface", interface], directory.path());
        assert_eq!(run.status.code(), Some(1), "{interface}");
        words(&run.stderr)
    };
    assert_eq!(said("eno9"), "motionctl: there is no network interface eno9\n  there are: dark, fieldbus, light, lo\n");
    assert_eq!(said("dark"), "motionctl: interface dark is down\n  switch it on: ip link set dark up\n");
    assert!(said("fieldbus").contains("no device answers"));
    ip(&format!("-n {} link set drives down", cable.networks[1])).unwrap();
    assert_eq!(
        said("fieldbus"),
        "motionctl: interface fieldbus has no link\n  look at the cable and at the supply of the first device\n"
    );
    let mut powerless = cable.command(0, "setpriv");
    powerless.args(["--bounding-set", "-net_raw", "--inh-caps", "-net_raw", env!("CARGO_BIN_EXE_motionctl")]);
    ip(&format!("-n {} link set drives up", cable.networks[1])).unwrap();
    let run = output(powerless.args(["bus", "scan", "--interface", "fieldbus"]));
    if run.status.code() == Some(1) {
        let expected = "motionctl: raw frames need the capability CAP_NET_RAW\n  run it as root, or let the program do it: \
                        setcap cap_net_raw+ep FILE\n";
        assert_eq!(words(&run.stderr), expected);
    } else {
        println!("skipped: bus_scan without rights: {}", words(&run.stderr));
    }
}

#[test]
fn a_profile_is_made_out_of_a_description() {
    let directory = tempfile::tempdir().unwrap();
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/esi/example.xml");
    let import = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_motionctl"));
        output(command.args(["bus", "import-esi", example]).args(more).current_dir(directory.path()))
    };
    let run = import(&["--product", "0x192", "--revision", "1"]);
    let text = words(&run.stdout);
    assert_eq!(run.status.code(), Some(0), "{text} {}", words(&run.stderr));
    assert!(
        text.starts_with("# ED-402 servo drive (ED-402) by Example Drives, as example.xml describes it.\n"),
        "{text}"
    );
    assert!(text.contains("# CHECK: 10F1h:00 = 02 00 01 00 00 00: no number, and not written"), "{text}");
    assert!(words(&run.stderr).contains("device \"ED-000\": ProductCode of Type is missing"));
    assert_eq!(import(&["--out", "drive.toml"]).status.code(), Some(0), "of one product the latest revision");
    assert!(std::fs::read_to_string(directory.path().join("drive.toml")).unwrap().contains("revision = 0x00000005\n"));
    assert_eq!(import(&["--out", "drive.toml"]).status.code(), Some(1), "nothing is overwritten");
    let none = import(&["--product", "1"]);
    assert_eq!(none.status.code(), Some(1));
    assert!(words(&none.stderr).contains("  --product 0x00000192 --revision 0x00000001   ED-402: ED-402 servo drive"));
}
