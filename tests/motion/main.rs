//! What axes and groups promise at the border of the kernel: one claim a test, on an ideal drive that follows at once.

mod axes;
mod bench;
mod figures;
mod groups;
