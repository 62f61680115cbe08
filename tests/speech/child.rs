//! The child process: what happens when it dies, hangs or is overrun.

use crate::recordings::fixture_utterance;
use crate::suite::{answers, utterance};
use samvad::speech::embedded::{EmbeddedRecognizer, EmbeddedSettings};
use samvad_actors::domain::Language;
use samvad_actors::ports::{Grammar, Recognizer, RecognizerError};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

pub fn settings() -> EmbeddedSettings {
    EmbeddedSettings {
        program: Some(PathBuf::from(env!("CARGO_BIN_EXE_samvad"))),
        threads: Some(1),
        // Nothing here waits for it to pass, but a busy machine may be slow.
        deadline: Duration::from_secs(120),
        ..EmbeddedSettings::default()
    }
}

pub fn recognizer() -> EmbeddedRecognizer {
    EmbeddedRecognizer::start(settings()).unwrap()
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

#[tokio::test]
async fn an_utterance_that_ends_two_children_is_given_up_and_the_next_one_is_recognised() {
    let recognizer = recognizer();
    recognizer.prepare(&Language::default(), &answers()).await.unwrap();
    let mut pid = recognizer.child_pid().unwrap();
    signal(pid, "STOP");
    let stream = utterance(&recognizer, &answers(), &fixture_utterance("01_yes.wav"));
    let result = tokio::spawn(stream.finish());
    until("the utterance is sent", || (recognizer.waiting() == 1).then_some(())).await;
    for next in 2..=3 {
        signal(pid, "KILL");
        if next == 3 {
            break;
        }
        pid = until("the next child", || {
            recognizer.child_pid().filter(|_| recognizer.child_starts() == next)
        })
        .await;
        signal(pid, "STOP");
    }
    assert!(matches!(result.await.unwrap(), Err(RecognizerError::Lost { .. })));
    let heard = utterance(&recognizer, &answers(), &fixture_utterance("01_yes.wav"))
        .finish()
        .await;
    assert_eq!(heard.unwrap().text, "yes");
}

#[tokio::test]
async fn a_child_that_hangs_is_killed_at_the_deadline_and_replaced() {
    let recognizer = EmbeddedRecognizer::start(EmbeddedSettings {
        deadline: Duration::from_millis(300),
        ..settings()
    })
    .unwrap();
    let pid = until("the child", || recognizer.child_pid()).await;
    signal(pid, "STOP");
    let stream = utterance(&recognizer, &answers(), &fixture_utterance("01_yes.wav"));
    assert_eq!(
        stream.finish().await,
        Err(RecognizerError::TimedOut { deadline_ms: 300 })
    );
    until("another child", || recognizer.child_pid().filter(|next| *next != pid)).await;
}

#[tokio::test]
async fn more_utterances_than_may_wait_are_refused_at_once() {
    let recognizer = recognizer();
    recognizer.prepare(&Language::default(), &answers()).await.unwrap();
    signal(recognizer.child_pid().unwrap(), "STOP");
    let mut results = tokio::task::JoinSet::new();
    for _ in 0..40 {
        results.spawn(utterance(&recognizer, &answers(), &fixture_utterance("01_yes.wav")).finish());
    }
    for _ in 0..8 {
        // 32 wait; only the refused ones can end while the child is stopped.
        let result = results.join_next().await.unwrap().unwrap();
        assert_eq!(result, Err(RecognizerError::Overloaded));
    }
    results.abort_all();
    while results.join_next().await.is_some() {}
    assert_eq!(recognizer.waiting(), 0, "abandoned utterances are forgotten");
}

#[tokio::test]
async fn the_child_ends_when_the_recogniser_is_dropped() {
    let recognizer = recognizer();
    let pid = until("the child", || recognizer.child_pid()).await;
    drop(recognizer);
    until("the child's end", || (!is_running(pid)).then_some(())).await;
}

#[test]
fn the_child_ends_when_its_standard_input_closes_as_it_does_when_the_parent_is_killed() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_samvad"))
        .arg(samvad::speech::embedded::CHILD_SUBCOMMAND)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
}

#[tokio::test]
async fn a_program_that_does_not_start_is_told_as_a_loss_not_awaited() {
    let recognizer = EmbeddedRecognizer::start(EmbeddedSettings {
        program: Some(PathBuf::from("/nonexistent/samvad")),
        ..settings()
    })
    .unwrap();
    let result = recognizer.prepare(&Language::default(), &answers()).await;
    assert!(matches!(result, Err(RecognizerError::Lost { .. })), "{result:?}");
}

#[tokio::test]
async fn missing_models_are_named_with_the_package_that_has_them() {
    let recognizer = EmbeddedRecognizer::start(EmbeddedSettings {
        models: PathBuf::from("/nonexistent/models"),
        ..settings()
    })
    .unwrap();
    let Err(RecognizerError::Unsupported { reason }) = recognizer.prepare(&Language::default(), &answers()).await
    else {
        panic!("no error");
    };
    assert!(
        reason.contains("/nonexistent/models") && reason.contains("pocketsphinx-en-us"),
        "{reason}"
    );
}

#[tokio::test]
async fn every_word_that_the_dictionary_lacks_is_named() {
    let recognizer = recognizer();
    let grammar = Grammar {
        id: "strange".to_owned(),
        phrases: vec!["yes qwrtz".to_owned(), "no".to_owned(), "zzyzxq <no>".to_owned()],
        free_text: false,
    };
    let Err(RecognizerError::Unsupported { reason }) = recognizer.prepare(&Language::default(), &grammar).await else {
        panic!("no error");
    };
    for word in ["qwrtz", "zzyzxq", "<no>"] {
        assert!(reason.contains(word), "{reason}");
    }
    assert!(!reason.contains("\"yes\""), "{reason}");
}

#[tokio::test]
async fn another_language_is_refused_with_a_remedy() {
    let hindi = Language("hi".to_owned());
    let result = recognizer().prepare(&hindi, &answers()).await;
    assert!(matches!(result, Err(RecognizerError::Unsupported { reason }) if reason.contains("speech service")));
}

fn is_running(pid: u32) -> bool {
    std::path::Path::new(&format!("/proc/{pid}")).exists()
}
