//! A call that goes on in another language: what is recognised, played and made in the call follows.

use crate::line::{Caller, Frame};
use crate::recognizer::Recognition;
use crate::voice::{HandVoice, as_synthesizer};
use crate::world::{World, launch, until};
use bytes::Bytes;
use samvad_actors::dialogue::{LanguagePack, Script};
use samvad_actors::domain::{AnswerValue, Campaign, Language, Outcome};
use samvad_actors::ports::{Prompt, PromptBook};
use samvad_actors::runtime::{Survey, TranslatedSpeech};
use std::sync::Arc;

const BILINGUAL: &str = include_str!("../../../fixtures/campaigns/health_survey_bilingual.yaml");
const ENGLISH: u8 = 0xff;
const HINDI: u8 = 0x7f;
/// The Hindi sentence that is made in the call, as if it were none of the fixed ones.
const MADE: &str = "क्या आपको तय समय के तीस मिनट के अंदर देखा गया?";

/// 20 ms of one code for each sentence of a language.
fn book(script: &Script, code: u8) -> Arc<PromptBook> {
    let sentences = script.fixed_sentences().into_iter().filter(|text| text != MADE);
    let prompts = sentences.map(|text| {
        let prompt = Prompt {
            mulaw: Bytes::from(vec![code; 160]),
            duration_ms: 20,
        };
        (text, prompt)
    });
    Arc::new(prompts.collect())
}

fn survey(english: &Arc<HandVoice>, hindi: &Arc<HandVoice>) -> Arc<Survey> {
    let campaign = Campaign::from_yaml(BILINGUAL).expect("fixture without fault");
    let pack = LanguagePack::embedded(&campaign.language).expect("English");
    let script = Script::build_with(&campaign, &pack, LanguagePack::embedded).expect("fixture without fault");
    let tag = Language("hi".into());
    let script = Arc::new(script);
    let translated = script.speaking(&tag).expect("Hindi");
    let speech = TranslatedSpeech {
        prompts: book(&translated, HINDI),
        voice: as_synthesizer(hindi),
        names: None,
    };
    Arc::new(Survey {
        campaign,
        prompts: book(&script, ENGLISH),
        script,
        voice: as_synthesizer(english),
        translations: [(tag, speech)].into(),
        names: None,
    })
}

/// Waits for the next prompt, returns its marks, and gives the codes that it consists of.
async fn heard(caller: &Caller) -> Vec<u8> {
    let mut frames = Vec::new();
    let is_mark = |frame: &Frame| matches!(frame, Frame::Mark(_));
    until("a prompt comes", || {
        frames.extend(caller.frames());
        frames.last().is_some_and(is_mark)
    })
    .await;
    let mut codes: Vec<u8> = Vec::new();
    for frame in frames {
        match frame {
            Frame::Media(media) => codes.extend(media),
            Frame::Mark(name) => caller.return_mark(&name),
            Frame::Clear => {}
        }
    }
    codes.dedup();
    codes
}

#[actix::test]
async fn after_a_switch_recogniser_prompts_and_voice_are_of_the_new_language_and_so_is_the_report() {
    let world = World::new();
    let (english, hindi) = (Arc::new(HandVoice::default()), Arc::new(HandVoice::default()));
    let caller = world.call_with("switch", survey(&english, &hindi));
    assert_eq!(heard(&caller).await, [ENGLISH], "the greeting");
    caller.press('1');
    assert_eq!(heard(&caller).await, [ENGLISH], "the first question");
    world.recognizer.set(Recognition::Text("hindi please"));
    caller.speak();
    assert_eq!(heard(&caller).await, [HINDI], "the question again");
    world.recognizer.set(Recognition::Text("चार"));
    caller.speak();
    until("the next question is asked for", || hindi.asked() == [MADE]).await;
    assert_eq!(world.recognizer.languages(), ["en", "hi"]);
    assert!(english.asked().is_empty());
    for _ in 0..6 {
        hindi.speak(0);
    }
    hindi.end(0);
    heard(&caller).await;
    caller.press('1');
    caller.answer("3").await;
    assert_eq!(world.ended("switch").await, Outcome::Completed);
    let report = world.store.report(&"switch".into());
    assert_eq!(report.language, Some(Language("hi".into())));
    assert_eq!(report.consent.map(|consent| consent.language), Some("en".to_owned()));
    assert_eq!(report.answers[0].value, AnswerValue::Scale(4));
    assert!(world.journals.replayed(&"switch".into()).is_same());
    world.all_quiet().await;
}

#[actix::test]
async fn who_chose_a_language_beforehand_hears_that_one_alone_and_is_recognised_in_it() {
    let world = World::new();
    let (english, hindi) = (Arc::new(HandVoice::default()), Arc::new(HandVoice::default()));
    let mut admitted = world.admitted("chosen");
    admitted.language = Some(Language("hi-IN".into()));
    let caller = launch(world.call_ports(), admitted, survey(&english, &hindi));
    caller.press('#');
    assert_eq!(heard(&caller).await, [HINDI], "the greeting");
    world.recognizer.set(Recognition::Text("हाँ जी"));
    caller.speak();
    assert_eq!(heard(&caller).await, [HINDI], "the first question");
    assert_eq!(world.recognizer.languages(), ["hi"]);
    caller.reset();
    world.ended("chosen").await;
    let report = world.store.report(&"chosen".into());
    assert_eq!(report.language, Some(Language("hi".into())));
    assert_eq!(report.consent.map(|consent| consent.language), Some("hi".to_owned()));
    assert!(world.journals.replayed(&"chosen".into()).is_same());
}

#[actix::test]
async fn languages_are_offered_each_in_its_own_voice() {
    let world = World::new();
    let (english, hindi) = (Arc::new(HandVoice::default()), Arc::new(HandVoice::default()));
    let caller = world.call_with("offer", survey(&english, &hindi));
    heard(&caller).await;
    caller.press('1');
    heard(&caller).await;
    world.recognizer.set(Recognition::Text("another language please"));
    caller.speak();
    assert_eq!(
        heard(&caller).await,
        [ENGLISH, HINDI, ENGLISH],
        "two offers, and the question"
    );
    caller.reset();
    world.ended("offer").await;
    let report = world.store.report(&"offer".into());
    assert_eq!(report.language, Some(Language("en".into())));
}
