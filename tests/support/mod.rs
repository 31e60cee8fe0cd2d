//! What the tests share.

mod random;
#[allow(dead_code, reason = "each test program uses a part")]
pub mod rig;

#[allow(unused_imports, reason = "each test program uses a part")]
pub use random::*;
