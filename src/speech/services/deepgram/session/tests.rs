use super::*;
use proptest::prelude::*;
use samvad_actors::ports::RecognizerError;

fn fixture(name: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/services/deepgram");
    std::fs::read_to_string(format!("{folder}/{name}.json")).expect("a fixture")
}

/// An utterance of so many seconds.
fn spoken(session: &mut DeepgramSession, seconds: f64) {
    session.begin(&mut Vec::new());
    session.audio(&vec![0; (seconds * RATE) as usize], &mut Vec::new());
}

fn final_result(start: f64, duration: f64, text: &str, from_finalize: bool) -> String {
    serde_json::json!({
        "type": "Results", "channel_index": [0, 1], "start": start, "duration": duration, "is_final": true,
        "from_finalize": from_finalize,
        "channel": {"alternatives": [{"transcript": text, "confidence": 0.99, "words": []}]},
    })
    .to_string()
}

#[test]
fn audio_goes_out_as_mu_law_and_the_rest_as_the_fixtures_have_it() {
    let mut session = DeepgramSession::default();
    let mut out = Vec::new();
    session.audio(&[0, 1_000, -1_000], &mut out);
    session.end(&mut out);
    out.push(session.keep_alive());
    assert_eq!(out[0], Message::binary(vec![0xFF, 0xCE, 0x4E]));
    let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
    assert_eq!(read(out[1].to_text().expect("text")), read(&fixture("finalize")));
    assert_eq!(read(out[2].to_text().expect("text")), read(&fixture("keep_alive")));
}

#[test]
fn what_is_final_is_put_together_and_given_with_the_answer_to_finalize() {
    let mut session = DeepgramSession::default();
    spoken(&mut session, 1.5);
    assert_eq!(session.receive(&fixture("speech_started")), Event::Nothing);
    assert_eq!(
        session.receive(&fixture("results_interim")),
        Event::Partial("yes".to_owned())
    );
    assert_eq!(
        session.receive(&fixture("results_final")),
        Event::Partial("yes please".to_owned())
    );
    assert_eq!(session.receive(&fixture("utterance_end")), Event::Nothing);
    session.end(&mut Vec::new());
    let Event::Result(heard) = session.receive(&fixture("results_from_finalize")) else {
        panic!("no result");
    };
    assert_eq!(heard.text, "yes please");
    assert!(heard.confidence >= Heard::BINDING, "{heard:?}");
    assert_eq!(session.receive(&fixture("metadata")), Event::Nothing);
}

#[test]
fn where_all_was_final_before_no_answer_to_finalize_is_waited_for() {
    let mut session = DeepgramSession::default();
    spoken(&mut session, 1.2);
    session.end(&mut Vec::new());
    assert_eq!(session.settle(), None, "nothing has come at all");
    session.receive(&fixture("results_final"));
    assert_eq!(session.settle().expect("complete").text, "yes please");
    session.begin(&mut Vec::new());
    session.audio(&[0; 16_000], &mut Vec::new());
    session.receive(&final_result(1.2, 1.0, "no", false));
    assert_eq!(session.settle(), None, "a second of it is still to come");
}

#[test]
fn a_final_result_that_reaches_to_the_end_of_the_audio_is_the_result_without_an_answer_to_finalize() {
    let mut session = DeepgramSession::default();
    spoken(&mut session, 2.0);
    session.receive(&final_result(0.0, 1.5, "yes", false));
    session.end(&mut Vec::new());
    assert!(!session.is_complete(), "half a second is not final");
    let Event::Result(heard) = session.receive(&final_result(1.5, 0.5, "please", false)) else {
        panic!("no result");
    };
    assert_eq!(heard.text, "yes please");

    spoken(&mut session, 1.0);
    let before_the_end = session.receive(&final_result(2.0, 1.0, "no", false));
    assert_eq!(before_the_end, Event::Partial("no".to_owned()), "more may be said");
    session.end(&mut Vec::new());
    assert!(session.is_complete(), "nothing need be waited for");
}

#[test]
fn what_comes_late_of_an_utterance_is_not_the_next_ones() {
    let mut session = DeepgramSession::default();
    spoken(&mut session, 1.0);
    session.begin(&mut Vec::new());
    session.audio(&[0; 8_000], &mut Vec::new());
    assert_eq!(session.receive(&final_result(0.0, 1.0, "yes", true)), Event::Nothing);
    session.end(&mut Vec::new());
    let Event::Result(heard) = session.receive(&final_result(1.0, 1.0, "no", true)) else {
        panic!("no result");
    };
    assert_eq!(heard.text, "no");
}

#[test]
fn noise_is_a_rejection() {
    let mut session = DeepgramSession::default();
    spoken(&mut session, 1.0);
    session.end(&mut Vec::new());
    assert_eq!(
        session.receive(&final_result(0.0, 1.0, "", true)),
        Event::Result(Heard::rejected())
    );
}

#[test]
fn unknown_messages_and_fields_are_left_alone_and_garbage_ends_the_connection() {
    let mut session = DeepgramSession::default();
    spoken(&mut session, 1.0);
    assert_eq!(session.receive(r#"{"type":"Confetti","colours":3}"#), Event::Nothing);
    for garbage in [
        "",
        "{",
        "<html>",
        r#"{"kind":"Results"}"#,
        r#"{"type":"Results","is_final":true,"start":0.5,"duration":1}"#,
    ] {
        let event = session.receive(garbage);
        assert!(
            matches!(event, Event::Failed(RecognizerError::Lost { .. })),
            "{garbage}: {event:?}"
        );
    }
}

proptest! {
    #[test]
    fn no_message_makes_it_panic(messages in prop::collection::vec(".{0,80}", 0..8), starts in prop::collection::vec(any::<f64>(), 0..4)) {
        let mut session = DeepgramSession::default();
        spoken(&mut session, 0.5);
        for message in &messages {
            session.receive(message);
        }
        for start in starts {
            session.receive(&final_result(start, start, "x", true));
            session.settle();
        }
    }
}
