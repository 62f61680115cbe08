//! People are greeted by name if the sentence is there in time, and without if it is not.

use crate::harness::*;
use samvad_actors::dialogue::{Input, Millis, NamedGreeting, Output, PlaybackId};
use samvad_actors::domain::{MachineVerdict, Outcome, PersonName};

const BY_NAME: &str = "Hello {name}.";
const OPENING_WAIT: Millis = 900;
const GRACE: Millis = 300;

fn named(call: &mut Call, state: NamedGreeting) {
    call.input(Input::NamedGreeting { state });
}

/// When the greeting began, and its sentences.
fn greeting(call: &Call) -> Option<(Millis, Vec<String>)> {
    call.outputs.iter().find_map(|(at, output)| match output {
        Output::Play { sentences, .. } => Some((*at, sentences.clone())),
        _ => None,
    })
}

/// The sentences of a greeting without a name.
fn nameless() -> Vec<String> {
    let mut call = Call::begin(&HEALTH_SCRIPT);
    call.listen();
    greeting(&call).expect("a greeting").1
}

/// They differ in the first sentence alone: who calls and why is said to everybody in the same words.
fn by_name() -> Vec<String> {
    let mut sentences = nameless();
    sentences[0] = BY_NAME.to_owned();
    sentences
}

#[test]
fn a_name_that_is_ready_takes_the_place_of_the_salutation_and_nothing_waits() {
    let mut call = Call::begin(&HEALTH_SCRIPT);
    named(&mut call, NamedGreeting::Coming);
    call.wait(400);
    named(&mut call, NamedGreeting::Ready);
    call.listen();
    assert_eq!(greeting(&call), Some((OPENING_WAIT, by_name())));
    call.say("yes");
    assert!(call.consent().is_some_and(|consent| consent.granted));
    assert_eq!(call.spoken().iter().filter(|sentence| *sentence == BY_NAME).count(), 1);
}

#[test]
fn l8_a_name_that_is_late_is_waited_for_a_moment_and_then_done_without() {
    let mut call = Call::begin(&HEALTH_SCRIPT);
    named(&mut call, NamedGreeting::Coming);
    call.listen();
    assert_eq!(greeting(&call), Some((OPENING_WAIT + GRACE, nameless())));
    named(&mut call, NamedGreeting::Ready);
    call.say("yes");
    assert!(!call.spoken().contains(&BY_NAME.to_owned()), "it comes too late");
}

#[test]
fn news_of_the_name_ends_the_wait() {
    for (state, sentences) in [(NamedGreeting::Ready, by_name()), (NamedGreeting::Lost, nameless())] {
        let mut call = Call::begin(&HEALTH_SCRIPT);
        named(&mut call, NamedGreeting::Coming);
        call.wait(OPENING_WAIT + 100);
        named(&mut call, state);
        assert_eq!(greeting(&call), Some((OPENING_WAIT + 100, sentences)), "{state:?}");
    }
}

#[test]
fn whoever_says_hello_is_greeted_by_name_and_whoever_has_none_as_ever() {
    let mut call = Call::begin(&HEALTH_SCRIPT);
    named(&mut call, NamedGreeting::Coming);
    named(&mut call, NamedGreeting::Ready);
    call.wait(100);
    call.say_as("hello", 0.9);
    call.listen();
    assert_eq!(greeting(&call).expect("a greeting").1, by_name());
    let mut call = Call::begin(&HEALTH_SCRIPT);
    named(&mut call, NamedGreeting::Lost);
    call.listen();
    assert_eq!(greeting(&call), Some((OPENING_WAIT, nameless())));
}

#[test]
fn l12_a_sentence_with_the_name_that_cannot_be_played_is_left_out_and_the_rest_is_said() {
    let mut call = Call::begin(&HEALTH_SCRIPT);
    named(&mut call, NamedGreeting::Ready);
    call.wait(OPENING_WAIT);
    call.lose_playback();
    assert_eq!(greeting(&call).expect("a greeting").1, by_name());
    call.input(Input::PlaybackFailed {
        playback: PlaybackId(0),
    });
    assert_eq!(call.last_said(), nameless()[1..].join(" "));
    call.listen();
    call.say("yes");
    assert!(
        call.consent().is_some_and(|consent| consent.granted),
        "the question was asked"
    );
}

#[test]
fn no_greeting_comes_late_to_a_machine() {
    let mut call = Call::begin(&HEALTH_SCRIPT);
    named(&mut call, NamedGreeting::Coming);
    call.wait(OPENING_WAIT + 50);
    call.input(Input::Machine {
        verdict: MachineVerdict::MachineStart,
    });
    let (_, outcome, _) = call.finish();
    assert_eq!(outcome, Outcome::Voicemail);
    assert!(!call.spoken().contains(&nameless()[0]));
}

#[test]
fn the_dialogue_never_knows_the_name_and_it_is_not_rendered_for_everybody() {
    let name = PersonName::parse("Priya {organisation}").expect("a name");
    assert_eq!(HEALTH_SCRIPT.named_greeting(), Some(BY_NAME));
    let spoken = HEALTH_SCRIPT.greeting_for(&name);
    assert_eq!(
        spoken.as_deref(),
        Some("Hello Priya {organisation}."),
        "a name is no template"
    );
    assert!(
        HEALTH_SCRIPT
            .fixed_sentences()
            .iter()
            .all(|sentence| !sentence.contains('{'))
    );
}
