//! `motionctl path` and the machine that follows: the real programs.

#[allow(dead_code, reason = "each test program uses a part")]
#[path = "support/daemon.rs"]
mod daemon;

use daemon::Daemon;

#[test]
fn a_file_with_a_mistake_at_its_end_moves_nothing() {
    let daemon = Daemon::start();
    daemon.done("enable gantry");
    let file = daemon.socket().with_file_name("wrong.path");
    let given = || daemon.motionctl(&format!("path {} --group gantry", file.display()));
    for (text, complaint) in [
        ("relative\nfeed 50\nline x=100\nline q=5\n", ":4: line: found axis \"q\""),
        ("relative\nline x=100\nspline degree 2\npoint x=5\n", ":4: end: "),
        ("start x=0 y=0 z=0\nline x=10\narc x=20 radius 1 left\n", ":3: arc: "),
    ] {
        std::fs::write(&file, text).unwrap();
        let ended = given();
        let said = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(2), "{said}");
        assert!(said.contains(complaint) && said.contains("nothing of the path was begun"), "{said}");
    }
    let events = String::from_utf8(daemon.motionctl("events").stdout).unwrap();
    assert!(!events.contains("path begun"), "{events}");
    // An arc of a file that does not say where it begins: from x=100, where the machine is, it is one.
    std::fs::write(&file, "feed 300\narc x=120 radius 10 left\n").unwrap();
    daemon.done(&format!("path {} --group gantry --wait", file.display()));
}
