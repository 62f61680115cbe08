//! The `samvad` binary.

use samvad::speech::embedded::{CHILD_SUBCOMMAND, run_recognizer_child};
use std::process::ExitCode;

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some(CHILD_SUBCOMMAND) => run_recognizer_child(),
        _ => ExitCode::SUCCESS,
    }
}
