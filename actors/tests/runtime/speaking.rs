//! Sentences that are made in the call.

use crate::line::{Caller, Frame};
use crate::voice::{HandVoice, as_synthesizer, on_the_line};
use crate::world::{World, spoken_survey, until};
use samvad_actors::domain::{EndReason, Outcome};
use samvad_actors::ports::Clock;
use samvad_actors::runtime::{Overrun, Survey};
use std::sync::Arc;

const QUESTION: &str = "How satisfied";
const HINT: &str = "Please say a number from one to five.";

/// A survey whose first question has no audio, nor its hint if wanted, and the voice that makes them.
fn survey_of(voice: &Arc<HandVoice>, with_hint: bool) -> Arc<Survey> {
    let lacks = move |text: &str| text.starts_with(QUESTION) || !with_hint && text == HINT;
    spoken_survey(move |text| !lacks(text), as_synthesizer(voice), None)
}

/// A call in which consent has been given, and the first question is asked of the voice.
async fn asking(world: &World, name: &str, voice: &Arc<HandVoice>, with_hint: bool) -> Caller {
    let caller = world.call_with(name, survey_of(voice, with_hint));
    assert!(caller.listen().await, "the greeting");
    caller.press('1');
    until("the question is asked for", || !voice.asked().is_empty()).await;
    caller
}

/// The frames up to now, as soon as there are marks enough among them.
async fn frames(caller: &Caller, marks: usize) -> Vec<Frame> {
    let mut all = Vec::new();
    let count = |all: &[Frame]| all.iter().filter(|frame| matches!(frame, Frame::Mark(_))).count();
    until("the marks come", || {
        all.extend(caller.frames());
        count(&all) >= marks
    })
    .await;
    all
}

/// The audio between the marks, and after the last.
fn sentences(frames: &[Frame]) -> Vec<Vec<u8>> {
    let mut sentences = vec![Vec::new()];
    for frame in frames {
        match frame {
            Frame::Media(codes) => sentences.last_mut().expect("one").extend(codes),
            Frame::Mark(_) => sentences.push(Vec::new()),
            Frame::Clear => panic!("nothing is cleared"),
        }
    }
    sentences
}

fn marks(frames: &[Frame]) -> Vec<String> {
    let names = frames.iter().filter_map(|frame| match frame {
        Frame::Mark(name) => Some(name.clone()),
        _ => None,
    });
    names.collect()
}

const CACHED: &[u8] = &[0xff; 160];

#[actix::test]
async fn a_sentence_that_the_book_lacks_goes_out_as_it_comes_and_in_its_place() {
    let world = World::new();
    let voice = Arc::new(HandVoice::default());
    let caller = asking(&world, "live", &voice, true).await;
    // The two sentences before it do not wait for it.
    let before = frames(&caller, 2).await;
    assert_eq!(sentences(&before), [CACHED, CACHED, &[]]);
    let mut early = Vec::new();
    for _ in 0..6 {
        voice.speak(0);
    }
    until("audio comes before its end", || {
        early.extend(caller.frames());
        !early.is_empty()
    })
    .await;
    assert!(marks(&early).is_empty(), "it is not over");
    voice.end(0);
    early.extend(frames(&caller, 2).await);
    assert_eq!(
        sentences(&early),
        [on_the_line(6), CACHED.to_vec(), Vec::new()],
        "byte for byte, then the hint"
    );
    for mark in marks(&before).iter().chain(&marks(&early)) {
        caller.return_mark(mark);
    }
    caller.press('4');
    caller.answer("13").await;
    assert_eq!(world.ended("live").await, Outcome::Completed);
    assert!(world.journals.replayed(&"live".into()).is_same());
    world.all_quiet().await;
}

#[actix::test]
async fn the_next_sentence_is_asked_for_while_the_first_is_heard_and_never_overlaps_it() {
    let world = World::new();
    let voice = Arc::new(HandVoice::default());
    let caller = asking(&world, "two", &voice, false).await;
    frames(&caller, 2).await;
    assert_eq!(voice.asked().len(), 1, "one at a time until it is heard");
    for _ in 0..4 {
        voice.speak(0);
    }
    until("the next is asked for", || voice.asked().len() == 2).await;
    assert_eq!(voice.asked()[1], HINT);
    // The hint is there whole before the question is.
    for _ in 0..5 {
        voice.speak(1);
    }
    voice.end(1);
    voice.speak(0);
    voice.speak(0);
    voice.end(0);
    let sent = frames(&caller, 2).await;
    assert_eq!(sentences(&sent)[1..], [on_the_line(5), Vec::new()]);
    caller.reset();
    world.ended("two").await;
}

#[actix::test]
async fn l4_a_barge_in_a_hang_up_and_an_end_from_outside_drop_what_is_being_made() {
    for (name, answered) in [("key", true), ("reset", false), ("end", false)] {
        let world = World::new();
        let voice = Arc::new(HandVoice::default());
        let caller = asking(&world, name, &voice, false).await;
        for _ in 0..4 {
            voice.speak(0);
        }
        until("two are asked for", || voice.asked().len() == 2).await;
        caller.frames();
        match name {
            "key" => caller.press('4'),
            "reset" => caller.reset(),
            _ => caller.command(samvad_actors::runtime::CallCommand::Terminate(EndReason::Terminated)),
        }
        until("both requests end", || voice.is_dropped(0) && voice.is_dropped(1)).await;
        if answered {
            // The next question is cached; nothing of the first comes after the clear.
            voice.speak(0);
            let after = frames(&caller, 4).await;
            assert_eq!(after[0], Frame::Clear);
            assert!(
                sentences(&after[1..])
                    .iter()
                    .all(|sentence| sentence.len() <= CACHED.len())
            );
            caller.reset();
        }
        world.ended(name).await;
        world.all_quiet().await;
    }
}

#[actix::test]
async fn l12_a_sentence_that_breaks_off_is_said_again_when_what_was_sent_has_been_heard() {
    let world = World::new();
    let voice = Arc::new(HandVoice::default());
    let caller = asking(&world, "broken", &voice, true).await;
    let before = frames(&caller, 2).await;
    for _ in 0..4 {
        voice.speak(0);
    }
    voice.fail(0);
    // What came of it goes out, with a mark.
    let part = frames(&caller, 1).await;
    for mark in marks(&before) {
        caller.return_mark(&mark);
    }
    caller.return_mark("m-unknown");
    assert_eq!(voice.asked().len(), 1, "the rest is still to be heard");
    for mark in marks(&part) {
        caller.return_mark(&mark);
    }
    until("it is asked for again", || voice.asked().len() == 2).await;
    voice.speak(1);
    voice.end(1);
    caller.answer("413").await;
    assert_eq!(world.ended("broken").await, Outcome::Completed);
    let transcript = world.store.report(&"broken".into()).transcript;
    let said = transcript.iter().filter(|line| line.text.starts_with(QUESTION)).count();
    assert_eq!(said, 1, "what broke off was not said");
    assert!(world.journals.replayed(&"broken".into()).is_same());
}

#[actix::test]
async fn l12_a_panic_or_silence_costs_the_sentence_and_not_the_call() {
    let world = World::new();
    for name in ["panic", "empty"] {
        let voice = Arc::new(HandVoice::default());
        let caller = asking(&world, name, &voice, true).await;
        // The two sentences before are heard, so that the fault is told at once.
        assert!(caller.listen().await);
        match name {
            "panic" => voice.panic(0),
            _ => voice.end(0),
        }
        until("it is asked for again", || voice.asked().len() == 2).await;
        voice.speak(1);
        voice.end(1);
        caller.answer("413").await;
        assert_eq!(world.ended(name).await, Outcome::Completed);
    }
    world.all_quiet().await;
}

#[actix::test]
async fn l12_the_watchdog_sees_a_call_that_waits_for_its_voice_and_none_that_has_spoken() {
    let world = World::new();
    let voice = Arc::new(HandVoice::default());
    let caller = asking(&world, "watched", &voice, true).await;
    assert!(caller.listen().await);
    let probe = world.ports.calls.snapshot().pop().expect("a call");
    let overrun = || {
        let now = u64::try_from(world.clock.monotonic().as_millis()).expect("short");
        // What was sent has been heard by then, so that no mark is missed.
        probe.overrun(now + 12_000)
    };
    assert_eq!(overrun(), Some(Overrun::FirstAudio));
    voice.speak(0);
    voice.end(0);
    assert!(caller.listen().await);
    until("nothing is waited for", || overrun().is_none()).await;
    caller.reset();
    world.ended("watched").await;
}
