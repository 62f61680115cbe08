//! Prints how often the embedded recogniser is right over synthetic voices on a telephone line, and what it makes of
//! clips that hold no answer: `cargo run --release --example speech_accuracy -- --clips 500`. With
//! `--corpus fixtures/audio` instead, how often the recorded answers of a folder are taken right at the first try; with
//! `--words`, only what it makes of single words.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a tool for developers: it says what is missing and ends"
)]

use clap::Parser;
use std::path::PathBuf;

#[path = "../tests/speech/accuracy.rs"]
mod accuracy;
#[path = "../tests/speech/corpus.rs"]
mod corpus;
#[path = "../tests/speech/line.rs"]
mod line;
#[expect(dead_code, reason = "the tests use all of it")]
#[path = "../tests/speech/recordings.rs"]
mod recordings;
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
    /// A folder of recorded answers with a `manifest.csv` like that of `fixtures/audio`.
    #[arg(long, value_name = "DIR")]
    corpus: Option<PathBuf>,
    /// Only single words that no grammar has.
    #[arg(long)]
    words: bool,
}

fn main() {
    let arguments = Arguments::parse();
    match arguments.corpus {
        Some(folder) => println!("{}", corpus::measure(&folder)),
        None if arguments.words => println!("{}", accuracy::measure_words(arguments.seed)),
        None => println!("{}", accuracy::measure(arguments.clips, arguments.seed)),
    }
}
