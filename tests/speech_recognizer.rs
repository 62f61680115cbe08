//! The embedded recogniser in its child process: what it understands, and what happens when the child dies.

mod speech_support;

use samvad::speech::embedded::{EmbeddedRecognizer, EmbeddedSettings};
use samvad_actors::domain::{AttemptId, Language};
use samvad_actors::ports::{Grammar, Heard, RecognitionRequest, Recognizer, RecognizerError, UtteranceStream};
use speech_support::{fixture_utterance, grammar};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

fn settings() -> EmbeddedSettings {
    EmbeddedSettings {
        program: Some(PathBuf::from(env!("CARGO_BIN_EXE_samvad"))),
        threads: Some(1),
        deadline: Duration::from_secs(60),
        ..EmbeddedSettings::default()
    }
}

fn recognizer() -> EmbeddedRecognizer {
    EmbeddedRecognizer::start(settings()).unwrap()
}

fn utterance(recognizer: &dyn Recognizer, grammar: &Arc<Grammar>, samples: &[i16]) -> Box<dyn UtteranceStream> {
    let mut stream = recognizer.start(RecognitionRequest {
        attempt: AttemptId::from("attempt"),
        language: Language::default(),
        grammar: Arc::clone(grammar),
    });
    for frame in samples.chunks(160) {
        stream.push(frame);
    }
    stream
}

fn answers() -> Arc<Grammar> {
    grammar(&["yes", "no", "one", "two", "three", "four", "five", "stop calling me"])
}

fn signal(pid: u32, name: &str) {
    let status = Command::new("kill")
        .args([&format!("-{name}"), &pid.to_string()])
        .status();
    assert!(status.unwrap().success(), "kill -{name}");
}

/// Waits for what another process does; there is no event to wait for.
async fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    for _ in 0..20_000 {
        if let Some(found) = look() {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("never happened: {what}");
}

#[tokio::test]
async fn a_prepared_grammar_is_recognised() {
    let recognizer = recognizer();
    recognizer.prepare(&Language::default(), &answers()).await.unwrap();
    let heard = utterance(&recognizer, &answers(), &fixture_utterance("17_num_3.wav"))
        .finish()
        .await
        .unwrap();
    assert_eq!(heard.text, "three");
    assert!(heard.confidence >= Heard::PLAUSIBLE, "{heard:?}");
}

#[tokio::test]
async fn an_utterance_in_flight_when_the_child_is_killed_is_recognised_by_the_next_child() {
    let recognizer = recognizer();
    recognizer.prepare(&Language::default(), &answers()).await.unwrap();
    let first = recognizer.child_pid().unwrap();
    // Stopped, it can neither answer nor notice: whatever is sent now is in flight when it dies.
    signal(first, "STOP");
    let stream = utterance(&recognizer, &answers(), &fixture_utterance("01_yes.wav"));
    let result = tokio::spawn(stream.finish());
    until("the utterance is sent", || (recognizer.waiting() == 1).then_some(())).await;
    signal(first, "KILL");
    assert_eq!(result.await.unwrap().unwrap().text, "yes");
    assert_ne!(recognizer.child_pid(), Some(first));
    assert_eq!(recognizer.child_starts(), 2);
}
