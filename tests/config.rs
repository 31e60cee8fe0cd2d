//! Shipped configurations load; bad ones are refused with exactly the words in tests/data; nothing panics.

use std::path::{Path, PathBuf};

use motiond::config::key::{Occurs, Presence, Section};
use motiond::config::reader::{Table, default};
use motiond::config::schema::File;
use motiond::config::{self, MachineConfig};

fn files(directory: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).unwrap_or_else(|error| panic!("{directory}: {error}"));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    assert!(!files.is_empty(), "{directory} has no .toml file");
    files
}

fn loaded(file: &str) -> MachineConfig {
    config::load(Path::new(file)).unwrap_or_else(|error| panic!("{error}"))
}

/// With `UPDATE=1` in the environment the file is written instead: read the difference before you commit it.
fn expect(file: &Path, found: &str) {
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(file, found).unwrap();
        return;
    }
    let expected = std::fs::read_to_string(file).unwrap_or_default();
    assert!(found == expected, "{} differs; found:\n{found}\nexpected:\n{expected}", file.display());
}

#[test]
fn every_shipped_configuration_loads() {
    for file in files("config") {
        let summary = config::check(&file, None).unwrap_or_else(|error| panic!("{error}"));
        println!("{summary}");
    }
}

#[test]
fn the_demo_has_a_gantry_a_rotary_table_and_a_conveyor() {
    let demo = config::demo().unwrap_or_else(|error| panic!("{error}"));
    assert!(demo.axes.len() >= 6);
    assert_eq!(demo.runnable(), Ok(()));
    assert!(!demo.require_realtime(), "it runs as an ordinary user");
}

#[test]
fn each_bad_configuration_is_refused_with_exactly_these_words() {
    for file in files("tests/data") {
        let text = std::fs::read_to_string(&file).unwrap();
        let name = file.file_name().unwrap().to_string_lossy();
        let error = match config::parse(&text, &name) {
            Err(error) => error,
            Ok(machine) => panic!("{} was taken: {}", file.display(), machine.summary()),
        };
        expect(&file.with_extension("expected"), &format!("{error}\n"));
    }
}

#[test]
fn the_reference_runs_on_real_buses_and_simulated() {
    let reference = loaded("config/reference.toml");
    assert_eq!(reference.runnable(), Ok(()));
    let simulated = reference.clone().simulated();
    assert_eq!(simulated.runnable(), Ok(()));
    for (real, simulated) in reference.buses.iter().zip(&simulated.buses) {
        assert_eq!(real.devices.len(), simulated.simulation.devices.len(), "bus {}", real.name);
        for (device, twin) in real.devices.iter().zip(&simulated.simulation.devices) {
            assert_eq!((&device.name, &device.layout), (&twin.name, &twin.layout));
        }
    }
}

fn sections(section: &'static Section, visit: &mut impl FnMut(&'static Section)) {
    visit(section);
    for part in section.parts {
        sections(part.section, visit);
    }
}

#[test]
fn every_default_is_a_value_that_its_key_takes() {
    sections(File::SECTION, &mut |section| {
        for key in section.keys {
            if let Presence::Default(text) = key.presence {
                assert!(default(&key.kind, text).is_some(), "{}.{}: {text}", section.title, key.name);
            }
        }
    });
}

/// The reference without its generated comments, and with them anew. A section's and a key's comment stands above the
/// first place where it occurs.
fn with_comments(reference: &str) -> String {
    let mut wanted: Vec<(&str, Option<String>, Vec<String>)> = Vec::new();
    let mut lists = Vec::new();
    sections(File::SECTION, &mut |section| {
        wanted.push((section.title, None, vec![section.what.trim().to_string()]));
        for key in section.keys {
            wanted.push((section.title, Some(key.name.to_string()), key.reference().into()));
        }
        lists.extend(section.parts.iter().filter(|part| part.occurs == Occurs::Many).map(|part| part.section.title));
    });
    let mut text = String::new();
    let mut title = String::new();
    for written in reference.lines().filter(|line| !line.starts_with("#:")) {
        // What stands behind #= is not in force, for it is of another kind of machine.
        let line = written.strip_prefix("#= ").unwrap_or(written);
        let key = if line.starts_with('[') {
            title = line.trim_matches(['[', ']']).to_string();
            assert_eq!(line.starts_with("[["), lists.contains(&title.as_str()), "{line}");
            Some(None)
        } else {
            line.split_once(" = ").filter(|_| !line.starts_with('#')).map(|(key, _)| Some(key.to_string()))
        };
        let comment = key.and_then(|key| {
            wanted.iter().position(|(section, name, _)| {
                let templates = |key: &String| [Some(key.replace("mm", "{unit}")), Some(key.replace("deg", "{unit}"))];
                *section == title && (*name == key || key.as_ref().is_some_and(|key| templates(key).contains(name)))
            })
        });
        if let Some(comment) = comment {
            for comment in wanted.remove(comment).2 {
                text.push_str(&format!("#: {comment}\n"));
            }
        }
        text.push_str(written);
        text.push('\n');
    }
    wanted.retain(|(section, _, _)| !section.is_empty());
    assert!(wanted.is_empty(), "config/reference.toml lacks {wanted:#?}");
    text
}

#[test]
fn a_bus_of_the_kernels_master_is_refused_where_the_program_is_built_without_it() {
    let shipped = std::fs::read_to_string("config/ethercat-terminals.toml").unwrap();
    let text = shipped.replace("interface = \"enp3s0\"", "master = \"igh\"\nigh-master-index = 1");
    let machine = config::parse(&identified(&text), "igh.toml").unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((machine.buses[0].igh_master_index, &machine.buses[0].interface), (1, &None));
    let refused = machine.runnable().map_err(|error| error.to_string());
    let without = "bus \"field\": this motiond was built without the IgH master: build it with \
                   `cargo build --release --features igh`, or say master = \"built-in\"";
    assert_eq!(refused, if motiond::fieldbus::igh::BUILT { Ok(()) } else { Err(without.into()) });
}

/// Every position with an identity, which the kernel's master finds its devices by.
fn identified(text: &str) -> String {
    let line = |line: &str| match line.strip_prefix("position = ") {
        Some(_) => format!("{line}\nvendor-id = 1\nproduct-code = 2\n"),
        None => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}

#[test]
fn the_reference_tells_unit_range_default_and_change_of_every_key() {
    let file = Path::new("config/reference.toml");
    let found = with_comments(&std::fs::read_to_string(file).unwrap());
    expect(file, &found);
}

#[test]
fn a_file_that_cannot_be_read_is_named_with_its_cause() {
    let error = config::load(Path::new("config/no-such-file.toml")).unwrap_err().to_string();
    assert_eq!(error, "config/no-such-file.toml: cannot be read: No such file or directory (os error 2)");
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("latin1.toml");
    std::fs::write(&file, b"[machine]\nname = \"Fr\xe4se\"\n").unwrap();
    let error = config::load(&file).unwrap_err().to_string();
    let place = format!("{}:2: text: ", file.display());
    assert_eq!(error, place + "found bytes that are no UTF-8 text, allowed: a TOML file in UTF-8");
}

/// What a hand, or a bad disk, does to a file: each of these replaces a random piece of a shipped configuration.
const PIECES: [&str; 26] = [
    "",
    "\n",
    "[",
    "[[",
    "]]",
    "]",
    "=",
    "\"",
    "'",
    "#",
    "-1",
    "0",
    "nan",
    "1e308",
    "99999999999999999999",
    "true",
    "{ a = 1 }",
    "[[axis]]\n",
    "[axis.limits]\n",
    "[[bus]]\nkind = \"canopen\"\n",
    "name = \"x\"\n",
    "\u{0}",
    "é",
    "\u{feff}",
    "[bus.simulation]\n",
    "0.000_000_000_001",
];

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(2000))]

    #[test]
    fn a_mutated_configuration_never_panics(
        reference in proptest::bool::ANY,
        edits in proptest::collection::vec((0.0..1.0f64, 0usize..40, 0..PIECES.len()), 1..6),
    ) {
        let file = if reference { "config/reference.toml" } else { "config/demo.toml" };
        let mut text = std::fs::read_to_string(file).unwrap();
        for (place, length, piece) in edits {
            let boundary = |text: &str, mut at: usize| { while !text.is_char_boundary(at) { at += 1; } at };
            let start = boundary(&text, (place * text.len() as f64) as usize);
            let end = boundary(&text, (start + length).min(text.len()));
            text.replace_range(start..end, PIECES[piece]);
        }
        if let Err(error) = config::parse(&text, "mutated.toml") {
            for line in error.to_string().lines() {
                assert!(line.starts_with("mutated.toml:") && line.contains(", allowed: "), "{line}\n{text}");
            }
        }
    }

    #[test]
    fn garbage_never_panics(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400)) {
        let text = String::from_utf8_lossy(&bytes);
        assert!(config::parse(&text, "garbage.toml").is_err());
    }
}

#[test]
fn deep_nesting_is_refused_not_followed() {
    for open in ["[", "{ a = ", "a."] {
        let text = format!("machine = {}", open.repeat(100_000));
        assert!(config::parse(&text, "deep.toml").is_err(), "{open}");
    }
    let dotted = format!("[{}a]\n", "a.".repeat(100_000));
    assert!(config::parse(&dotted, "deep.toml").is_err());
}
