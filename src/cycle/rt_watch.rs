//! Page faults and context switches of the real-time thread, read by an ordinary thread from /proc.

use std::fs;
use std::io;

/// What a thread cost since it began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ThreadUsage {
    /// Page faults without I/O.
    pub minor_faults: u64,
    /// Page faults that read a disk.
    pub major_faults: u64,
    /// It gave the CPU up.
    pub voluntary_switches: u64,
    /// The CPU was taken from it.
    pub involuntary_switches: u64,
}

/// Reads the usage of thread `tid` of this process.
///
/// # Errors
/// Where the thread is gone, /proc is not mounted, or its text is not as proc(5) describes it.
pub fn read(tid: i32) -> io::Result<ThreadUsage> {
    let stat = fs::read_to_string(format!("/proc/self/task/{tid}/stat"))?;
    let status = fs::read_to_string(format!("/proc/self/task/{tid}/status"))?;
    parse(&stat, &status)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "unexpected text in /proc/self/task"))
}

fn parse(stat: &str, status: &str) -> Option<ThreadUsage> {
    // The second field, the name in parentheses, may itself hold spaces and parentheses.
    let mut after_name = stat[stat.rfind(')')? + 1..].split_ascii_whitespace();
    // Fields by proc(5): 10 is minflt, 12 is majflt; the first one here is 3.
    let minor_faults = after_name.nth(10 - 3)?.parse().ok()?;
    let major_faults = after_name.nth(12 - 11)?.parse().ok()?;
    let value = |key: &str| status.lines().find_map(|line| line.strip_prefix(key))?.trim().parse().ok();
    Some(ThreadUsage {
        minor_faults,
        major_faults,
        voluntary_switches: value("voluntary_ctxt_switches:")?,
        involuntary_switches: value("nonvoluntary_ctxt_switches:")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &str = "Name:\tx\nvoluntary_ctxt_switches:\t150545\nnonvoluntary_ctxt_switches:\t545\n";

    #[test]
    fn a_name_with_spaces_and_parentheses_does_not_shift_the_fields() {
        let stat = "123 (a ) b (c)) S 1 2 3 4 5 4194304 1001 0 77 0 5 6 0 0 20 0 1";
        let usage = parse(stat, STATUS).unwrap();
        let expected = ThreadUsage {
            minor_faults: 1001,
            major_faults: 77,
            voluntary_switches: 150_545,
            involuntary_switches: 545,
        };
        assert_eq!(usage, expected);
    }

    #[test]
    fn any_cut_of_the_text_is_an_error_or_a_number_and_never_a_panic() {
        let stat = "123 (motion-rt) S 1 2 3 4 5 4194304 1001 0 77 0 5 6";
        for end in 0..=stat.len() {
            let _ = parse(&stat[..end], STATUS);
        }
        for end in 0..STATUS.len() {
            let _ = parse(stat, &STATUS[..end]);
        }
        assert_eq!(parse("", ""), None);
        assert_eq!(parse(") a b c d e f g x y z", STATUS), None);
    }

    #[test]
    fn touching_fresh_memory_shows_as_page_faults_and_a_missing_thread_is_an_error() {
        let own = nix::unistd::gettid().as_raw();
        let before = read(own).unwrap();
        // Larger than any block that malloc keeps, so it is mapped afresh.
        std::hint::black_box(vec![1u8; 64 << 20]);
        assert!(read(own).unwrap().minor_faults > before.minor_faults);
        assert!(read(i32::MAX).is_err());
    }
}
