//! Sets of CPUs as the kernel writes them: lists (`0-2,5`) and masks (`ff,00000001`).

use std::collections::BTreeSet;
use std::fmt;

use crate::limits::DOCTOR_CPUS;

/// A set of CPU numbers, each below `limits::DOCTOR_CPUS`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CpuList(BTreeSet<usize>);

impl CpuList {
    /// From a list. Empty text is the empty set, and so is the `(null)` of some kernels.
    pub fn parse(text: &str) -> Option<CpuList> {
        let mut cpus = BTreeSet::new();
        let text = text.trim();
        if text.is_empty() || text == "(null)" {
            return Some(CpuList(cpus));
        }
        for part in text.split([',', ' ']).filter(|part| !part.is_empty()) {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last): (usize, usize) = (first.parse().ok()?, last.parse().ok()?);
            if first > last || last >= DOCTOR_CPUS {
                return None;
            }
            cpus.extend(first..=last);
        }
        Some(CpuList(cpus))
    }

    /// From a mask: words of 8 hexadecimal digits, the highest first.
    pub fn parse_mask(text: &str) -> Option<CpuList> {
        let mut cpus = BTreeSet::new();
        for (word, digits) in text.trim().rsplit(',').enumerate() {
            let bits = u32::from_str_radix(digits, 16).ok()?;
            cpus.extend((0..32).filter(|bit| bits >> bit & 1 != 0).map(|bit| word * 32 + bit));
        }
        cpus.iter().all(|cpu| *cpu < DOCTOR_CPUS).then_some(CpuList(cpus))
    }

    /// Whether a CPU is in it.
    pub fn has(&self, cpu: usize) -> bool {
        self.0.contains(&cpu)
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The numbers, rising.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.0.iter().copied()
    }

    /// The highest.
    pub fn last(&self) -> Option<usize> {
        self.0.last().copied()
    }

    /// The same without one.
    pub fn without(&self, cpu: usize) -> CpuList {
        CpuList(self.0.iter().copied().filter(|other| *other != cpu).collect())
    }
}

impl fmt::Display for CpuList {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return out.write_str("none");
        }
        let mut rest = self.0.iter().copied().peekable();
        let mut comma = "";
        while let Some(first) = rest.next() {
            let mut last = first;
            while rest.next_if_eq(&(last + 1)).is_some() {
                last += 1;
            }
            write!(out, "{comma}{first}")?;
            if last > first {
                write!(out, "-{last}")?;
            }
            comma = ",";
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_masks_are_read_as_the_kernel_writes_them() {
        for (text, shown) in [("", "none"), ("(null)", "none"), ("3", "3"), ("0-2,5", "0-2,5"), ("1 2 4", "1-2,4")] {
            assert_eq!(CpuList::parse(text).unwrap().to_string(), shown, "{text:?}");
        }
        for (text, shown) in [("f", "0-3"), ("00000001,00000008", "3,32"), ("0", "none")] {
            assert_eq!(CpuList::parse_mask(text).unwrap().to_string(), shown, "{text:?}");
        }
    }

    #[test]
    fn nonsense_and_endless_ranges_are_no_list() {
        for text in ["x", "3-1", "0-18446744073709551615", "99999", "-", "1-", ",-,", "0-99999999999999999999"] {
            assert_eq!(CpuList::parse(text), None, "{text:?}");
        }
        for text in ["", "g", "fffffffff", ",", &"ffffffff,".repeat(10_000)] {
            assert_eq!(CpuList::parse_mask(text), None, "{text:?}");
        }
    }
}
