//! What every recogniser does. Each check takes a recogniser; [`every_check`] runs all of them.

use crate::recordings::fixture_utterance;
use samvad_actors::domain::{AttemptId, Language};
use samvad_actors::ports::{Grammar, Heard, Progress, RecognitionRequest, Recognizer, ServiceMeter, UtteranceStream};
use std::sync::Arc;

/// A grammar of these phrases.
pub fn grammar(phrases: &[&str], free_text: bool) -> Arc<Grammar> {
    Arc::new(Grammar {
        id: format!("{}|{free_text}", phrases.join("|")),
        phrases: phrases.iter().map(|phrase| (*phrase).to_owned()).collect(),
        free_text,
    })
}

/// Answers to a scale, with a wish to be called no more.
pub fn answers() -> Arc<Grammar> {
    grammar(
        &["yes", "no", "one", "two", "three", "four", "five", "stop calling me"],
        false,
    )
}

/// An utterance of these samples, as the line delivers them.
pub fn utterance(recognizer: &dyn Recognizer, grammar: &Arc<Grammar>, samples: &[i16]) -> Box<dyn UtteranceStream> {
    metered(recognizer, grammar, samples, &ServiceMeter::default())
}

/// An utterance whose audio is counted.
pub fn metered(
    recognizer: &dyn Recognizer,
    grammar: &Arc<Grammar>,
    samples: &[i16],
    meter: &ServiceMeter,
) -> Box<dyn UtteranceStream> {
    let mut stream = recognizer.start(RecognitionRequest {
        attempt: AttemptId::from("attempt"),
        language: Language::default(),
        grammar: Arc::clone(grammar),
        meter: meter.clone(),
    });
    for frame in samples.chunks(160) {
        stream.push(frame);
    }
    stream
}

fn is_rejection(heard: &Heard) -> bool {
    heard.text.is_empty() && heard.confidence < Heard::PLAUSIBLE
}

async fn a_grammar_may_be_prepared_again(recognizer: &dyn Recognizer) {
    for _ in 0..2 {
        recognizer.prepare(&Language::default(), &answers()).await.unwrap();
    }
}

async fn what_is_heard_is_a_phrase_of_the_grammar_with_a_confidence(recognizer: &dyn Recognizer) {
    let speech = fixture_utterance("01_yes.wav");
    let heard = utterance(recognizer, &answers(), &speech).finish().await.unwrap();
    assert_eq!(heard.text, "yes");
    assert!((0.0..=1.0).contains(&heard.confidence) && !heard.uncertain, "{heard:?}");
}

async fn a_grammar_that_was_not_prepared_is_recognised_too(recognizer: &dyn Recognizer) {
    let unprepared = grammar(&["yes", "tomorrow morning"], false);
    let speech = fixture_utterance("01_yes.wav");
    let heard = utterance(recognizer, &unprepared, &speech).finish().await.unwrap();
    assert_eq!(heard.text, "yes");
}

async fn no_audio_is_a_rejection(recognizer: &dyn Recognizer) {
    let heard = utterance(recognizer, &answers(), &[]).finish().await.unwrap();
    assert!(is_rejection(&heard), "{heard:?}");
}

async fn free_speech_is_marked_as_a_guess_by_those_not_made_for_it(recognizer: &dyn Recognizer, kind: Kind) {
    let free = grammar(&[], true);
    recognizer.prepare(&Language::default(), &free).await.unwrap();
    let heard = utterance(recognizer, &free, &fixture_utterance("20_free_service.wav"))
        .finish()
        .await
        .unwrap();
    assert!(
        heard.uncertain == (kind != Kind::Dictation) && !heard.text.is_empty(),
        "{heard:?}"
    );
}

async fn a_stream_may_be_opened_and_filled_where_no_runtime_is_and_dropped_at_any_time(recognizer: &dyn Recognizer) {
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let speech = fixture_utterance("01_yes.wav");
            drop(utterance(recognizer, &answers(), &[]));
            drop(utterance(recognizer, &answers(), &speech));
        });
    });
    no_audio_is_a_rejection(recognizer).await;
}

async fn many_utterances_at_once_are_told_apart(recognizer: &dyn Recognizer, told_apart: bool) {
    let said = [("01_yes.wav", "yes"), ("05_no.wav", "no"), ("17_num_3.wav", "three")];
    let mut results = tokio::task::JoinSet::new();
    for (file, text) in said.into_iter().cycle().take(24) {
        let result = utterance(recognizer, &answers(), &fixture_utterance(file)).finish();
        results.spawn(async move { (result.await.unwrap().text, text) });
    }
    while let Some(result) = results.join_next().await {
        let (heard, said) = result.unwrap();
        assert!(!told_apart || heard == said, "{heard} for {said}");
    }
}

/// What sort of recogniser it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A stand-in that answers by rote.
    ByRote,
    /// One that knows what may be said.
    Grammar,
    /// One made for any words.
    Dictation,
}

async fn one_that_serves_shows_no_failure_while_it_listens(recognizer: &dyn Recognizer) {
    let stream = utterance(recognizer, &answers(), &fixture_utterance("01_yes.wav"));
    assert!(
        !matches!(stream.progress(), Progress::Failed(_)),
        "{:?}",
        stream.progress()
    );
}

/// All of them.
pub async fn every_check(recognizer: &dyn Recognizer, kind: Kind) {
    assert!(!recognizer.name().is_empty());
    a_grammar_may_be_prepared_again(recognizer).await;
    what_is_heard_is_a_phrase_of_the_grammar_with_a_confidence(recognizer).await;
    a_grammar_that_was_not_prepared_is_recognised_too(recognizer).await;
    no_audio_is_a_rejection(recognizer).await;
    free_speech_is_marked_as_a_guess_by_those_not_made_for_it(recognizer, kind).await;
    one_that_serves_shows_no_failure_while_it_listens(recognizer).await;
    a_stream_may_be_opened_and_filled_where_no_runtime_is_and_dropped_at_any_time(recognizer).await;
    many_utterances_at_once_are_told_apart(recognizer, kind != Kind::ByRote).await;
}
