//! What the decoders of the embedded recogniser make of recordings: the data that its confidence is fitted on.
//!
//! Without input, `--tasks` prints what may be said at which point of a survey. Else each line of standard input names
//! a recording (`{"wav": …, "task": …, "said": … or null}`) and comes out again with what was heard.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a tool for developers: it says what is missing and ends"
)]

use samvad::speech::pocketsphinx::{DEFAULT_MODELS, Engine, Hypothesis, Models};
use serde_json::{Value, json};
use std::io::BufRead;
use std::path::Path;
use std::sync::Arc;

#[path = "../tests/speech/tasks.rs"]
mod tasks;

fn main() {
    let bench = tasks::Tasks::new();
    if std::env::args().any(|argument| argument == "--tasks") {
        for task in bench.all() {
            println!(
                "{}",
                json!({"task": task.name, "phrases": task.grammar.phrases, "said": task.said})
            );
        }
        return;
    }
    let models = Arc::new(Models::open(Path::new(DEFAULT_MODELS)).expect("the models are installed"));
    let mut engine = Engine::new(models).unwrap();
    for line in std::io::stdin().lock().lines() {
        let mut clip: Value = serde_json::from_str(&line.unwrap()).unwrap();
        let task = bench
            .all()
            .iter()
            .find(|task| clip["task"] == task.name)
            .expect("a known task");
        let audio = samvad_media::wav::read(&std::fs::read(clip["wav"].as_str().unwrap()).unwrap()).unwrap();
        let samples = samvad_media::resample::to_8k(&audio.samples, audio.sample_rate).unwrap();
        let phrases = &task.grammar.phrases;
        if let Some(passes) = engine.hypotheses(phrases, &samples).unwrap() {
            let meant = bench.meaning(task, &passes.grammar.text);
            clip["right"] = clip["said"]
                .as_str()
                .is_some_and(|said| bench.meaning(task, said) == meant)
                .into();
            clip["mark"] = bench.mark(task, &meant).into();
            clip["verified"] = passes.verified.into();
            clip["grammar"] = described(&passes.grammar);
            clip["phones"] = described(&passes.phones);
            clip["general"] = described(&passes.general);
        }
        println!("{clip}");
    }
}

fn described(hypothesis: &Hypothesis) -> Value {
    let segments: Vec<Value> = hypothesis
        .segments
        .iter()
        .map(|segment| {
            json!([
                segment.word,
                segment.first_frame,
                segment.last_frame,
                segment.score,
                segment.variant
            ])
        })
        .collect();
    json!({"text": hypothesis.text, "score": hypothesis.score, "frames": hypothesis.frames, "segments": segments})
}
