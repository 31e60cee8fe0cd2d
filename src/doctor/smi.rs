//! System management interrupts: the firmware takes every CPU away for tens of microseconds and more, and the kernel
//! does not even notice. Intel's CPUs count them (MSR_SMI_COUNT, 34h).

use std::fs::OpenOptions;
use std::os::unix::fs::{FileExt, OpenOptionsExt};

use super::examination::Examination;
use super::finding::{Examined, Judgement, Verdict, good, nothing, warn};
use super::host::{Host, Unread, garbled, unread};

/// The register, which is its offset in the CPU's msr file.
const MSR_SMI_COUNT: u64 = 0x34;

/// How many this CPU counted since it was switched on.
pub fn count(host: &Host, cpu: usize) -> Result<u32, Unread> {
    let path = format!("/dev/cpu/{cpu}/msr");
    let read = || {
        let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(host.place(&path))?;
        let mut register = [0; 8];
        file.read_exact_at(&mut register, MSR_SMI_COUNT).map(|()| register)
    };
    let register: [u8; 8] = read().map_err(|error: std::io::Error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => garbled(&path, "nothing at 34h"),
        _ => unread(&path, &error),
    })?;
    // The upper half is reserved.
    let [a, b, c, d, ..] = register;
    Ok(u32::from_le_bytes([a, b, c, d]))
}

/// How many came between two countings; the register wraps.
pub fn between(before: Result<u32, Unread>, after: Result<u32, Unread>) -> Result<u32, Unread> {
    Ok(after?.wrapping_sub(before?))
}

/// Judges what came while wake-ups were measured.
pub(super) fn examine(examination: &Examination<'_>) -> Examined {
    let Some(counted) = &examination.trial.smis else { return nothing() };
    let cpu_info = examination.host.text("/proc/cpuinfo")?;
    // Others have no such register, and that of a virtual CPU is not the host's.
    if !cpu_info.contains("GenuineIntel") || cpu_info.contains("hypervisor") {
        return nothing();
    }
    match counted {
        Ok(0) => good("none while wake-ups were measured"),
        Ok(count) => warn(
            format!("{count} while wake-ups were measured"),
            "turn off in the firmware's setup: legacy USB support, power management of its own, polling of ECC and \
             sensors; hwlatdetect (rt-tests) tells how long each takes",
        ),
        Err(unread) => {
            let hint = "modprobe msr, and run it as root".to_string();
            Ok(vec![Judgement { verdict: Verdict::Unknown, found: unread.to_string(), hint: Some(hint) }])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn the_register_is_read_at_its_place_and_wraps() {
        let root = tempfile::tempdir().unwrap();
        let host = Host::below(root.path());
        assert!(matches!(count(&host, 3), Err(Unread::Absent(_))));
        fs::create_dir_all(root.path().join("dev/cpu/3")).unwrap();
        let plant = |count: u32| {
            let mut file = vec![0xff; MSR_SMI_COUNT as usize];
            file.extend(count.to_le_bytes());
            file.extend([0xff; 12]);
            fs::write(root.path().join("dev/cpu/3/msr"), file).unwrap();
        };
        plant(u32::MAX);
        let before = count(&host, 3);
        assert_eq!(before, Ok(u32::MAX));
        plant(2);
        assert_eq!(between(before, count(&host, 3)), Ok(3));
        fs::write(root.path().join("dev/cpu/3/msr"), "short").unwrap();
        assert!(matches!(count(&host, 3), Err(Unread::Garbled(..))));
    }
}
