//! The `samvad` binary.

fn main() {}
