//! The `MESSAGE_ID` of each kind of line that programs may look for. An id is never used for another kind;
//! `systemd/motiond.catalog` explains each.

/// Each kind by its name, with its id.
pub const IDS: &[(&str, u128)] = &[
    // A fault was raised: something stops.
    ("fault_raised", 0x26be9e53dc294205b4cc46e6de42cfae),
    // A fault was reset.
    ("fault_cleared", 0x4e7af5dbe8834daa9964939d1a37592c),
    // A stop was carried out, and locks until released.
    ("stopped", 0x892ac58b06ac4d6b9b3a71c92aac7533),
    // A stop was released.
    ("released", 0x1227b7717ee7420cb9149be391cd191e),
    // A drive was enabled or disabled.
    ("power", 0x2e6e27a49e2f40448e14fceaf10a8b20),
    // An axis got or lost its reference.
    ("referenced", 0xc2978d30b8e943b1b176ecaebd141645),
    // A persisted value holds instead of the one in the configuration.
    ("parameter_persisted", 0xc10303866c2149bc9a0db66e11f1c4b4),
    // An axis got other limits, windows or gains.
    ("parameters_changed", 0xb21a926794f2405fb723227ec31553b3),
    // An axis came to rest at a soft limit.
    ("soft_limit_reached", 0x94ff9bd27859432fb28c5dc29089c903),
    // A path began.
    ("path_begun", 0x14598e25bf3c40c4ad4cdfc989ee15e8),
    // A path rests because no more of it is known.
    ("path_starved", 0xc5236f553c024eb5981ddd2669d5825b),
    // More of a path is known again.
    ("path_supplied", 0x327615f626534fb1b955375d6ee345da),
    // A path is held.
    ("path_held", 0x0ccf2c0ff5d249b39399eaf402c636cf),
    // A path is held no more.
    ("path_resumed", 0x944e57fe446f466896aae8e119cb32d1),
    // A path goes back.
    ("path_retreating", 0x7db64b54ddc64b139ad27cd65984a433),
    // A path has gone back as far as it can.
    ("path_retreated", 0xd7c086ffb0d444468906e9a909281707),
    // A path goes forward again.
    ("path_advancing", 0x967046ceb7584c37bc55006fdd91bbe9),
    // A path is slow because of a singularity.
    ("path_slowed", 0x4b3bdb2ac79841a29819531c2661d708),
    // A path waits at the end of a line for the next step.
    ("path_line_ended", 0x1a8eecededcf482e8e68ba766f4c86ae),
    // A path ended.
    ("path_ended", 0x0ca07e677a814625a9fce25cbdd59369),
    // A device dropped out of the exchange.
    ("device_lost", 0x084f0f3e6cb7438fba8357a883088112),
    // A device takes part in the exchange again.
    ("device_returned", 0x4def9cad30f042a48c864badb35c4518),
    // A device is back, and cannot be made operational.
    ("device_not_restored", 0x86b700ab464946e0a99168c2701d7344),
    // A device told of a fault by an emergency message.
    ("device_emergency", 0xfb55a6df2f30438c93cdbb34aec5ae2d),
    // A ring has a break.
    ("ring_broken", 0xcea3db1f6df24337bb3eed5f5e2191d4),
    // A ring has no break any more.
    ("ring_whole", 0xd623d151afa84b2eb96b90293d2682af),
    // A CAN controller is off its bus.
    ("can_bus_off", 0xbe1762c1d8074e1fa66fe4af4639e524),
    // There are many errors on a CAN bus.
    ("can_errors", 0x6b1704ed681844de80925666a97daa67),
    // A CAN bus has few errors again.
    ("can_good", 0x600be1878af640aea3a071f92bb3b1b1),
    // A CAN interface takes no more frames.
    ("can_queue_full", 0xd1269fcd5fd14d089c14d523a8ad11b8),
    // A bus exchanges again.
    ("bus_recovered", 0x4472900008404cdf94ae31e51f165723),
    // The cycle missed periods.
    ("overrun", 0x3a0c3981c2e3431f91507a20d892666a),
    // Events gave way before they were logged.
    ("events_lost", 0x1dce6fd1e78044da96f4ff00923c24f6),
    // The disk does not take events.
    ("events_not_kept", 0x8c1f0d6b5a374e0e9d1b7c42f6a35e18),
    // A client's mutating call: who, what, and with what result.
    ("command", 0x033d65dfffc34aee88feec5505bd5121),
    // A client asked for what its role does not give it.
    ("denied", 0xf04d4c53318541f1854c012ee0876635),
    // A lease ended without being released.
    ("lease_lost", 0xc913ad65083240babe53d5c9719be5bb),
    // The daemon is ready for clients.
    ("ready", 0xc6bae3a4d633439287db0f0132b4c127),
    // The cycle lacks something to be real-time.
    ("degraded", 0x7eb174afe1c542f8b11573cb0cfff734),
    // The daemon was asked to end.
    ("stopping", 0x0ebcf67622dd4e51b9e9d7ff1256242c),
    // The daemon has ended, every drive disabled.
    ("ended", 0x84f478fe883f4ae9a1e3dda130291585),
    // The daemon has ended, and a drive did not let go.
    ("not_disabled", 0x8e513f28dc894a0a84d3068dee2f10fd),
    // The real-time thread failed.
    ("cycle_failed", 0x99032d39f680402da65c57b7f236ddef),
    // A service died and is restarted.
    ("service_died", 0x10f81c57c92447f6b97a93551a82e9db),
    // A service cannot be brought back: the machine is stopped.
    ("service_lost", 0xfafde6b346b74fedaa09e82b996ddf78),
    // Lines that came too often were left out.
    ("lines_suppressed", 0x59abe1cbd3354e989e1a3328bb63503f),
    // The journal was behind for too long to take all lines.
    ("lines_lost", 0x0121760ee8e049878189939a307a7ad6),
];

/// The id of the lines of this name; `None` for lines without a name.
pub fn of(name: &str) -> Option<u128> {
    IDS.iter().find(|(kind, _)| *kind == name).map(|(_, id)| *id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    fn sources(folder: &Path, found: &mut String) {
        for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                sources(&entry, found);
            } else if !entry.starts_with(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/log")) {
                *found += &std::fs::read_to_string(entry).unwrap();
            }
        }
    }

    #[test]
    fn every_id_is_unique_and_every_named_line_has_one() {
        let ids: BTreeSet<u128> = IDS.iter().map(|(_, id)| *id).collect();
        assert_eq!(ids.len(), IDS.len());
        let mut text = String::new();
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut text);
        let lines = ["error!(", "warn!(", "info!(", "debug!("].into_iter().flat_map(|level| text.split(level).skip(1));
        let named = lines.filter_map(|rest| rest.trim_start().strip_prefix("name: \"")?.split('"').next());
        // Those of the machine's events are made by a macro.
        let events = ["line!(", "news!("].into_iter().flat_map(|macro_| text.split(macro_).skip(1));
        let events = events.filter_map(|rest| rest.split('"').nth(1));
        let named: BTreeSet<&str> = named.chain(events).collect();
        for name in &named {
            assert!(of(name).is_some(), "no id for {name}");
        }
        let own = ["lines_suppressed", "lines_lost"];
        for (name, _) in IDS.iter().filter(|(name, _)| !own.contains(name)) {
            assert!(named.contains(name), "no line is named {name}");
        }
    }

    #[test]
    fn the_catalog_explains_exactly_these() {
        let catalog = Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd/motiond.catalog");
        let catalog = std::fs::read_to_string(catalog).unwrap();
        let explained = catalog.lines().filter_map(|line| line.strip_prefix("-- ")).map(str::to_string);
        let explained: BTreeSet<String> = explained.collect();
        let ids: BTreeSet<String> = IDS.iter().map(|(_, id)| format!("{id:032x}")).collect();
        assert_eq!(explained, ids);
    }
}
