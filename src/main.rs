//! The `samvad` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    samvad::cli::run()
}
