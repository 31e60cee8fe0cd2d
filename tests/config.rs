//! Shipped configurations load; bad ones are refused with exactly these words.

use std::path::Path;
#[test]
fn demo_loads() {
    match motiond::config::check(Path::new("config/demo.toml")) {
        Ok(t) => println!("{t}"),
        Err(e) => panic!("\n{e}\n"),
    }
}
