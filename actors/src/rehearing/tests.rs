//! Calls heard again, with the words said aloud and a recogniser that was told them.

use super::*;
use crate::dialogue::{LanguagePack, ModelFault, ModelMeaning, ModelValue, RequestId};
use crate::domain::{AnswerValue, Campaign, EndReason, Intent, Language};
use crate::ports::{Grammar, Prompt, PromptBook};
use async_trait::async_trait;
use bytes::Bytes;
use samvad_media::codec::{MULAW_SILENCE, encode_mulaw};
use samvad_media::{resample, wav};
use std::collections::BTreeMap;
use std::sync::Mutex;

const YES: &[u8] = include_bytes!("../../../fixtures/audio/01_yes.wav");

/// Hears these, one after the other.
struct Told(Mutex<VecDeque<&'static str>>);

#[async_trait]
impl Recognizer for Told {
    fn name(&self) -> &'static str {
        "told"
    }

    async fn prepare(&self, _language: &Language, _grammar: &Grammar) -> Result<(), RecognizerError> {
        Ok(())
    }

    fn start(&self, _request: RecognitionRequest) -> Box<dyn UtteranceStream> {
        let next = self.0.lock().expect("whole").pop_front();
        Box::new(ToldUtterance(next))
    }
}

struct ToldUtterance(Option<&'static str>);

#[async_trait]
impl UtteranceStream for ToldUtterance {
    fn push(&mut self, _samples: &[i16]) {}

    async fn finish(self: Box<Self>) -> Result<Heard, RecognizerError> {
        Ok(self.0.map_or_else(Heard::rejected, |text| Heard {
            text: text.to_owned(),
            confidence: 0.97,
            uncertain: false,
        }))
    }
}

fn script() -> Arc<Script> {
    let campaign = Campaign::from_yaml(include_str!("../../../fixtures/campaigns/health_survey.yaml")).expect("valid");
    let pack = LanguagePack::embedded(&campaign.language).expect("English");
    Arc::new(Script::build(&campaign, &pack).expect("valid"))
}

/// Every sentence lasts a second.
fn prompts(script: &Script) -> PromptBook {
    let prompt = Prompt {
        mulaw: Bytes::from(vec![MULAW_SILENCE; 8_000]),
        duration_ms: 1_000,
    };
    let sentences = script.fixed_sentences().into_iter();
    sentences.map(|text| (text, prompt.clone())).collect()
}

/// Somebody who says "yes" at these seconds, and nothing else.
fn audio(seconds: &[usize], length: usize) -> Vec<u8> {
    let yes = wav::read(YES).expect("a recording");
    let mut codes = Vec::new();
    encode_mulaw(
        &resample::to_8k(&yes.samples, yes.sample_rate).expect("resampled"),
        &mut codes,
    );
    let mut audio = vec![MULAW_SILENCE; length * 8_000];
    for second in seconds {
        audio[second * 8_000..][..codes.len()].copy_from_slice(&codes);
    }
    audio
}

async fn heard(audio: &[u8], words: &[&'static str], inputs: &[(Millis, Input)]) -> Vec<(Millis, Happening)> {
    heard_with(audio, words, inputs, None).await
}

/// With a language model, if the call asked one.
async fn heard_with(
    audio: &[u8],
    words: &[&'static str],
    inputs: &[(Millis, Input)],
    asked: Option<(Millis, Output)>,
) -> Vec<(Millis, Happening)> {
    let script = script();
    let survey = Survey {
        campaign: script.campaign().clone(),
        prompts: Arc::new(prompts(&script)),
        script,
        voice: None,
        translations: BTreeMap::new(),
        names: None,
    };
    let rehearing = Rehearing {
        survey: &survey,
        recognizer: &Told(Mutex::new(words.iter().copied().collect())),
        config: DialogueConfig {
            language_model: asked.is_some(),
            ..DialogueConfig::default()
        },
        recognition_ms: 100,
        recognition_deadline: Duration::from_secs(5),
        inputs,
        outputs: asked.as_slice(),
    };
    rehearing.run(audio).await
}

fn end(happened: &[(Millis, Happening)]) -> Option<EndReason> {
    happened.iter().find_map(|(_, happening)| match happening {
        Happening::Output(Output::End { reason, .. }) => Some(*reason),
        _ => None,
    })
}

#[tokio::test]
async fn what_was_said_is_heard_and_decided_on_at_the_audios_own_time() {
    // The greeting with its question and its keys lasts six seconds; each question is asked with its lead and hint.
    let happened = heard(
        &audio(&[8, 16, 24, 32], 60),
        &["yes", "four", "yes", "in the evening"],
        &[],
    )
    .await;
    assert_eq!(end(&happened), Some(EndReason::SurveyDone), "{happened:#?}");
    let consent = happened.iter().find_map(|(at, happening)| match happening {
        Happening::Output(Output::RecordConsent(consent)) => Some((*at, consent.granted)),
        _ => None,
    });
    let (at, granted) = consent.expect("asked and answered");
    assert!(granted && (8_700..11_000).contains(&at), "{at}");
}

#[tokio::test]
async fn keys_come_from_the_journal_at_their_time_and_what_audio_tells_does_not() {
    let inputs = [
        (8_000, Input::Key { key: '2' }),
        (9_000, Input::Beep),
        (
            9_000,
            Input::Recognized {
                speech: SpeechId(1),
                text: "yes".to_owned(),
                confidence: 1.0,
                uncertain: false,
            },
        ),
    ];
    let happened = heard(&audio(&[], 30), &[], &inputs).await;
    assert_eq!(end(&happened), Some(EndReason::Refused));
    let key = (8_000, Happening::Input(Input::Key { key: '2' }));
    assert!(happened.contains(&key));
    let from_audio = |(_, happening): &(Millis, Happening)| {
        matches!(happening, Happening::Input(Input::Beep | Input::Recognized { .. }))
    };
    assert!(!happened.iter().any(from_audio));
}

/// A call of which the model was asked what `text` means, as an answer to the first question; at a quarter of a minute,
/// and it took 300 ms to say "two".
async fn heard_after_asking_about(text: &str) -> Vec<(Millis, Happening)> {
    const WORDS: &str = "well i was there with my sister you know";
    let request = RequestId(7);
    let query = ModelQuery {
        request,
        expectation: Expectation::Question(0),
        text: text.to_owned(),
        history: Vec::new(),
    };
    let meaning = ModelMeaning {
        intent: Intent::Unclear,
        value: Some(ModelValue::Number(2)),
        callback_words: None,
        question_about_call: false,
    };
    let inputs = [(15_300, Input::Classified { request, meaning })];
    let asked = Some((15_000, Output::Classify(query)));
    heard_with(&audio(&[8, 16], 40), &["yes", WORDS], &inputs, asked).await
}

fn asked_and_answered(happened: &[(Millis, Happening)]) -> (Option<Millis>, Option<(Millis, AnswerValue)>) {
    let asked = happened.iter().find_map(|(at, happening)| match happening {
        Happening::Output(Output::Classify(_)) => Some(*at),
        _ => None,
    });
    let answered = happened.iter().find_map(|(at, happening)| match happening {
        Happening::Output(Output::RecordAnswer(answer)) => Some((*at, answer.value.clone())),
        _ => None,
    });
    (asked, answered)
}

#[tokio::test]
async fn what_the_model_answered_in_the_call_is_its_answer_again_after_the_same_time() {
    let happened = heard_after_asking_about("well i was there with my sister you know").await;
    let (asked, answered) = asked_and_answered(&happened);
    let (at, value) = answered.expect("answered");
    assert_eq!(value, AnswerValue::Scale(2));
    assert_eq!(at, asked.expect("asked") + 300);
}

#[tokio::test]
async fn a_model_that_was_not_asked_the_same_in_the_call_is_gone() {
    let happened = heard_after_asking_about("something else").await;
    let (asked, answered) = asked_and_answered(&happened);
    assert!(asked.is_some(), "{happened:#?}");
    assert_eq!(answered.filter(|(_, value)| *value != AnswerValue::NotAnswered), None);
    let lost = |(_, happening): &(Millis, Happening)| {
        matches!(
            happening,
            Happening::Input(Input::ClassifyFailed {
                fault: ModelFault::Lost,
                ..
            })
        )
    };
    assert!(happened.iter().any(lost));
}

#[tokio::test]
async fn a_recording_that_ends_early_is_followed_by_silence_and_the_end_of_the_call() {
    let happened = heard(&audio(&[], 1), &[], &[]).await;
    assert!(end(&happened).is_some());
    assert!(happened.len() > 10, "it was asked again");
}

#[test]
fn the_usual_wait_for_a_recognition_is_the_median_of_the_calls() {
    let speech = |number: u32, ended: Millis, wait: Millis| {
        let speech = SpeechId(number);
        let recognized = recognized(speech, Ok(Heard::rejected()));
        [
            (
                ended,
                Input::SpeechEnded {
                    speech,
                    ended_ms: ended,
                },
            ),
            (ended + wait, recognized),
        ]
    };
    let inputs = [speech(1, 1_000, 60), speech(2, 9_000, 900), speech(3, 20_000, 70)].concat();
    assert_eq!(recognition_ms(&inputs), Some(70));
    assert_eq!(recognition_ms(&[]), None);
}
