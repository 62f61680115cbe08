//! Campaigns whose calls are recorded: everybody is told before they can agree.

use crate::harness::*;
use samvad_actors::dialogue::{Dialogue, DialogueConfig, Input, LanguagePack, Output, PlaybackId, Script};
use samvad_actors::domain::{Campaign, ConsentEvidence};
use std::sync::Arc;

const NOTICE: &str = "This call is recorded.";
const QUESTION: &str = "May I ask you three short questions now?";

fn recorded() -> Campaign {
    let mut campaign = Campaign::from_yaml(HEALTH).expect("fixture without fault");
    campaign.recording = true;
    campaign
}

/// A call at its beginning, and everything it decides.
struct Call {
    dialogue: Dialogue,
    outputs: Vec<Output>,
}

impl Call {
    fn new() -> Self {
        let script = Script::build(&recorded(), &pack()).expect("announced");
        let mut call = Self {
            dialogue: Dialogue::new(Arc::new(script), DialogueConfig::default()),
            outputs: Vec::new(),
        };
        call.input(0, Input::Started);
        call.wait();
        call
    }

    fn drain(&mut self) {
        while let Some(output) = self.dialogue.poll_output() {
            self.outputs.push(output);
        }
    }

    fn input(&mut self, now: u64, input: Input) {
        self.dialogue.handle(now, input);
        self.drain();
    }

    /// Until the next wait is over.
    fn wait(&mut self) {
        let due = self.dialogue.poll_timeout().expect("something is waited for");
        self.dialogue.handle_timeout(due);
        self.drain();
    }

    /// Sentences of each prompt so far.
    fn prompts(&self) -> Vec<Vec<String>> {
        let prompts = self.outputs.iter().filter_map(|output| match output {
            Output::Play { sentences, .. } => Some(sentences.clone()),
            _ => None,
        });
        prompts.collect()
    }

    fn consent(&self) -> Option<&ConsentEvidence> {
        self.outputs.iter().find_map(|output| match output {
            Output::RecordConsent(consent) => Some(consent),
            _ => None,
        })
    }
}

#[test]
fn the_recording_is_announced_before_the_question_for_consent_each_time_it_is_asked() {
    let mut call = Call::new();
    for _ in 0..2 {
        // Nobody answers; the marks of the prompt are lost, and then the silence is over.
        call.wait();
        call.wait();
    }
    let prompts = call.prompts();
    assert!(prompts.len() >= 2, "{prompts:?}");
    for sentences in prompts {
        let asks = sentences
            .iter()
            .position(|sentence| sentence == QUESTION)
            .expect("it asks");
        assert_eq!(sentences[asks - 1], NOTICE, "{sentences:?}");
    }
}

#[test]
fn nobody_agrees_before_the_announcement_has_been_heard_and_the_evidence_has_its_words() {
    let mut call = Call::new();
    let playback = PlaybackId(0);
    let greeting = call.prompts()[0]
        .iter()
        .position(|sentence| sentence == NOTICE)
        .expect("there");
    for sentence in 0..greeting {
        call.input(2_000, Input::SentencePlayed { playback, sentence });
    }
    call.input(2_500, Input::Key { key: '1' });
    assert_eq!(call.consent(), None, "the announcement is being spoken");
    call.input(
        3_000,
        Input::SentencePlayed {
            playback,
            sentence: greeting,
        },
    );
    call.input(3_500, Input::Key { key: '1' });
    let consent = call.consent().expect("it has been spoken");
    assert!(consent.granted);
    assert_eq!(consent.wording, format!("{NOTICE} {QUESTION}"));
}

#[test]
fn a_campaign_that_is_not_recorded_says_nothing_of_it_and_has_the_fingerprint_it_had() {
    let plain = Campaign::from_yaml(HEALTH).expect("fixture without fault");
    let script = Script::build(&plain, &pack()).expect("valid");
    assert!(!script.fixed_sentences().iter().any(|sentence| sentence == NOTICE));
    let json = serde_json::to_string(&plain).expect("written");
    assert!(!json.contains("recording"), "{json}");
}

#[test]
fn a_language_that_cannot_announce_a_recording_refuses_the_campaign_with_the_remedy() {
    let english = pack();
    let entry = format!("recording_notice:\n  - \"{NOTICE}\"\n");
    let prompts = english.prompts_text().replace(&entry, "");
    assert_ne!(prompts, english.prompts_text());
    let silent = LanguagePack::parse(&prompts, english.lexicon_text()).expect("it may be left out");
    let faults = Script::build(&recorded(), &silent).expect_err("refused");
    let fault = faults.first().expect("one").to_string();
    assert!(
        fault.starts_with("recording: is on") && fault.contains("`en`") && fault.contains("recording_notice"),
        "{fault}"
    );
    let mut plain = recorded();
    plain.recording = false;
    assert!(Script::build(&plain, &silent).is_ok());
}
