//! Prints how often the embedded recogniser is right over synthetic voices on a telephone line, and what it makes of
//! clips that hold no answer. `cargo run --release --example speech_accuracy -- --clips 500`
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a tool for developers: it says what is missing and ends"
)]

use clap::Parser;

#[path = "../tests/speech/accuracy.rs"]
mod accuracy;
#[path = "../tests/speech/line.rs"]
mod line;
#[path = "../tests/speech/tasks.rs"]
mod tasks;
#[path = "../tests/speech/voices.rs"]
mod voices;

#[derive(Parser)]
struct Arguments {
    /// Clips that hold an answer, and as many that hold none.
    #[arg(long, default_value_t = 500)]
    clips: usize,
    /// Another seed, other clips.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

fn main() {
    let arguments = Arguments::parse();
    println!("{}", accuracy::measure(arguments.clips, arguments.seed));
}
