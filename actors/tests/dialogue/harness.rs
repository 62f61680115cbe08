//! A line and a caller in virtual time: sentences take as long as they are long, speech is recognised as told.

use samvad_actors::dialogue::{
    Dialogue, DialogueConfig, Expectation, Input, LanguagePack, Millis, ModelFault, ModelMeaning, ModelQuery,
    ModelValue, Output, PlaybackId, RequestId, Script, SpeechId,
};
use samvad_actors::domain::{
    Answer, AnswerValue, Campaign, ConsentEvidence, Disposition, EndReason, Intent, Language, Outcome, SpokenTime,
};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, LazyLock};

pub const HEALTH: &str = include_str!("../../../fixtures/campaigns/health_survey.yaml");
pub const BILINGUAL: &str = include_str!("../../../fixtures/campaigns/health_survey_bilingual.yaml");
pub const FEEDBACK: &str = include_str!("../../../fixtures/campaigns/feedback_free_text.yaml");

const MS_PER_CHARACTER: Millis = 60;
const END_POINT_MS: Millis = 700;
const RECOGNITION_MS: Millis = 60;
const SUSTAINED_MS: Millis = 250;

pub fn pack() -> LanguagePack {
    LanguagePack::embedded(&Language::default()).expect("English is embedded")
}

pub fn script(campaign: &str) -> Arc<Script> {
    let campaign = Campaign::from_yaml(campaign).expect("fixture without fault");
    Arc::new(Script::build(&campaign, &pack()).expect("fixture without fault"))
}

pub static HEALTH_SCRIPT: LazyLock<Arc<Script>> = LazyLock::new(|| script(HEALTH));
/// The health survey in English and Hindi.
pub static BILINGUAL_SCRIPT: LazyLock<Arc<Script>> = LazyLock::new(|| {
    let campaign = Campaign::from_yaml(BILINGUAL).expect("fixture without fault");
    Arc::new(Script::build_with(&campaign, &pack(), LanguagePack::embedded).expect("fixture without fault"))
});

pub static FEEDBACK_SCRIPT: LazyLock<Arc<Script>> = LazyLock::new(|| script(FEEDBACK));

/// The health survey, whose questions about the call may be answered in live words.
pub static SPOKEN_SCRIPT: LazyLock<Arc<Script>> =
    LazyLock::new(|| script(&HEALTH.replace("spoken_replies: false", "spoken_replies: true")));

/// The Hindi fixture of the health survey.
pub fn hindi_script() -> Arc<Script> {
    let campaign = include_str!("../../../fixtures/campaigns/health_survey_hi.yaml");
    let campaign = Campaign::from_yaml(campaign).expect("fixture without fault");
    let pack = LanguagePack::embedded(&campaign.language).expect("Hindi is embedded");
    Arc::new(Script::build(&campaign, &pack).expect("fixture without fault"))
}

/// The waits of a call that has a language model.
pub fn model_config() -> DialogueConfig {
    DialogueConfig {
        language_model: true,
        ..DialogueConfig::default()
    }
}

/// What a model takes something to mean.
pub fn means(intent: Intent) -> ModelMeaning {
    ModelMeaning {
        intent,
        value: None,
        callback_words: None,
        question_about_call: false,
    }
}

/// A value, as a model gives it.
pub fn value(value: ModelValue) -> ModelMeaning {
    ModelMeaning {
        value: Some(value),
        ..means(Intent::Unclear)
    }
}

/// A question about the call.
pub fn question() -> ModelMeaning {
    ModelMeaning {
        question_about_call: true,
        ..means(Intent::Unclear)
    }
}

/// What the model does when it is asked, and after how long.
#[derive(Clone, Debug)]
pub enum Model {
    Answers(Millis, ModelMeaning),
    Fails(Millis),
    Never,
    /// Sentences, each so long after the one before it.
    Says(Vec<(Millis, &'static str)>),
}

/// A line on which sentences are being played.
struct Playing {
    id: PlaybackId,
    /// When each sentence ends.
    ends: Vec<Millis>,
    played: usize,
}

/// One call.
pub struct Call {
    pub dialogue: Dialogue,
    pub now: Millis,
    pub outputs: Vec<(Millis, Output)>,
    pub inputs: Vec<(Millis, Input)>,
    scheduled: BTreeMap<(Millis, u32), Input>,
    sequence: u32,
    playing: VecDeque<Playing>,
    speeches: u32,
    /// What the model does next; nothing is left: it never answers.
    pub model: VecDeque<Model>,
    begun: VecDeque<PlaybackId>,
    /// False: whoever speaks has no audio, and says nothing of it.
    pub audio: bool,
    /// False: marks never come back.
    pub marks: bool,
    /// False: do-not-call is never reported as written.
    pub store: bool,
}

impl Call {
    /// A call on which the stream has just begun.
    pub fn begin(script: &Arc<Script>) -> Self {
        let mut call = Self::new(script);
        call.input(Input::Started);
        call
    }

    pub fn new(script: &Arc<Script>) -> Self {
        Self::with(script, DialogueConfig::default())
    }

    /// A call with a language model, in which the consent question has been heard.
    pub fn with_model(script: &Arc<Script>, model: impl IntoIterator<Item = Model>) -> Self {
        let mut call = Self::with_config(script, model_config(), model);
        call.listen();
        call
    }

    /// A call with a language model and these waits, on which the stream has just begun.
    pub fn with_config(script: &Arc<Script>, config: DialogueConfig, model: impl IntoIterator<Item = Model>) -> Self {
        let mut call = Self::with(script, config);
        call.model = model.into_iter().collect();
        call.input(Input::Started);
        call
    }

    fn with(script: &Arc<Script>, config: DialogueConfig) -> Self {
        Self {
            dialogue: Dialogue::new(Arc::clone(script), config),
            now: 0,
            outputs: Vec::new(),
            inputs: Vec::new(),
            scheduled: BTreeMap::new(),
            sequence: 0,
            playing: VecDeque::new(),
            speeches: 0,
            model: VecDeque::new(),
            begun: VecDeque::new(),
            audio: true,
            marks: true,
            store: true,
        }
    }

    /// A call in which the greeting has been heard and consent given.
    pub fn consented(script: &Arc<Script>) -> Self {
        let mut call = Self::begin(script);
        call.listen();
        call.say("yes");
        call
    }

    pub fn input(&mut self, input: Input) {
        self.inputs.push((self.now, input.clone()));
        self.dialogue.handle(self.now, input);
        self.drain();
        self.tell_of_audio();
    }

    fn tell_of_audio(&mut self) {
        while let Some(playback) = self.begun.pop_front() {
            self.dialogue.handle(self.now, Input::PlaybackBegan { playback });
            self.drain();
        }
    }

    pub fn later(&mut self, wait: Millis, input: Input) {
        self.sequence += 1;
        self.scheduled.insert((self.now + wait, self.sequence), input);
    }

    fn drain(&mut self) {
        while let Some(output) = self.dialogue.poll_output() {
            match &output {
                Output::Play { playback, sentences } => {
                    let after = self.playing.back().and_then(|before| before.ends.last().copied());
                    let mut end = after.unwrap_or(self.now);
                    let ends = sentences.iter().map(|sentence| {
                        end += sentence.chars().count() as Millis * MS_PER_CHARACTER;
                        end
                    });
                    let ends = ends.collect();
                    if self.audio {
                        self.begun.push_back(*playback);
                    }
                    self.playing.push_back(Playing {
                        id: *playback,
                        ends,
                        played: 0,
                    });
                }
                Output::Classify(query) | Output::Reply(query) => self.ask_model(&query.clone()),
                Output::Clear => {
                    for playing in std::mem::take(&mut self.playing) {
                        let cleared = Input::PlaybackCleared {
                            playback: playing.id,
                            cut_sentence: playing.played,
                        };
                        self.later(20, cleared);
                    }
                }
                Output::AddDoNotCall if self.store => self.later(5, Input::DoNotCallRecorded { stored: true }),
                _ => {}
            }
            self.outputs.push((self.now, output));
        }
    }

    fn ask_model(&mut self, query: &ModelQuery) {
        let request = query.request;
        assert_eq!(self.dialogue.open_request(), Some(request), "one at a time");
        match self.model.pop_front() {
            Some(Model::Answers(wait, meaning)) => self.later(wait, Input::Classified { request, meaning }),
            Some(Model::Fails(wait)) => {
                let fault = ModelFault::Lost;
                self.later(wait, Input::ClassifyFailed { request, fault });
                self.later(wait, Input::ReplyFailed { request, fault });
            }
            Some(Model::Says(sentences)) => {
                let mut at = 0;
                for (wait, text) in sentences {
                    at += wait;
                    let text = text.into();
                    self.later(at, Input::ReplySentence { request, text });
                }
                self.later(at + 10, Input::ReplyEnded { request });
            }
            Some(Model::Never) | None => {}
        }
    }

    /// Goes to the next thing that happens, at most to `limit`. False if nothing happens before it.
    pub fn step(&mut self, limit: Millis) -> bool {
        let mark = self
            .playing
            .front()
            .filter(|_| self.marks)
            .and_then(|p| p.ends.get(p.played).copied());
        let input = self.scheduled.keys().next().map(|(at, _)| *at);
        let timeout = self.dialogue.poll_timeout();
        let Some(next) = [mark, input, timeout]
            .into_iter()
            .flatten()
            .min()
            .filter(|next| *next <= limit)
        else {
            self.now = self.now.max(limit);
            return false;
        };
        self.now = self.now.max(next);
        if input == Some(next) {
            let (_, input) = self.scheduled.pop_first().expect("scheduled");
            self.input(input);
        } else if mark == Some(next) {
            let playing = self.playing.front_mut().expect("playing");
            let (playback, sentence) = (playing.id, playing.played);
            playing.played += 1;
            let done = playing.played == playing.ends.len();
            if done {
                self.playing.pop_front();
            }
            self.input(Input::SentencePlayed { playback, sentence });
            if done {
                self.input(Input::PlaybackEnded { playback });
            }
        } else {
            self.dialogue.handle_timeout(self.now);
            self.drain();
            self.tell_of_audio();
        }
        true
    }

    pub fn wait(&mut self, wait: Millis) {
        let limit = self.now + wait;
        while self.step(limit) {}
    }

    /// Listens until the next prompt (or the one being played) has been heard to its end.
    pub fn listen(&mut self) {
        let limit = self.now + 60_000;
        while self.playing.is_empty() && !self.dialogue.is_over() && self.step(limit) {}
        while !self.playing.is_empty() && !self.dialogue.is_over() && self.step(limit) {}
    }

    /// Speaks; returns when it has been understood. Then listens to what comes of it.
    pub fn say(&mut self, text: &str) {
        self.say_as(text, 0.95);
        self.listen();
    }

    /// Speaks with this confidence; returns when it has been understood.
    pub fn say_as(&mut self, text: &str, confidence: f32) {
        self.speak(text, confidence, 200 + 80 * text.len() as Millis);
    }

    /// Speaks for so long; returns when it has been understood.
    pub fn speak(&mut self, text: &str, confidence: f32, length: Millis) {
        let speech = self.start_speech(length);
        let recognized = Input::Recognized {
            speech,
            text: text.into(),
            confidence,
            uncertain: false,
        };
        self.later(length + END_POINT_MS + RECOGNITION_MS, recognized);
        self.wait(length + END_POINT_MS + RECOGNITION_MS);
    }

    /// Begins a speech whose words are shown as they come, by a recogniser that does so: each so long after the beginning.
    pub fn start_shown(&mut self, length: Millis, shown: &[(Millis, &str)]) -> SpeechId {
        let speech = self.start_speech(length);
        for (after, text) in [(0, "")].iter().chain(shown) {
            let text = (*text).to_owned();
            self.later(*after, Input::Partial { speech, text });
        }
        speech
    }

    /// Gives a speech its words.
    pub fn recognized(&mut self, speech: SpeechId, text: &str) {
        self.input(Input::Recognized {
            speech,
            text: text.into(),
            confidence: 0.95,
            uncertain: false,
        });
    }

    /// Begins a speech of this length that will be end-pointed, but not recognised.
    pub fn start_speech(&mut self, length: Millis) -> SpeechId {
        let speech = SpeechId(self.speeches);
        self.speeches += 1;
        self.input(Input::SpeechStarted {
            speech,
            began_ms: self.now.saturating_sub(60),
        });
        if length > SUSTAINED_MS {
            self.later(SUSTAINED_MS, Input::SpeechSustained { speech });
        }
        let ended_ms = self.now + length;
        self.later(length + END_POINT_MS, Input::SpeechEnded { speech, ended_ms });
        speech
    }

    pub fn press(&mut self, keys: &str) {
        for key in keys.chars() {
            self.input(Input::Key { key });
            self.wait(150);
        }
    }

    /// Goes on until the end; fails if it does not come within an hour.
    pub fn finish(&mut self) -> (EndReason, Outcome, Disposition) {
        while !self.dialogue.is_over() {
            assert!(self.step(3_600_000), "the call does not end: {:?}", self.dialogue);
        }
        self.end()
    }

    pub fn end(&self) -> (EndReason, Outcome, Disposition) {
        match self.outputs.last() {
            Some((
                _,
                Output::End {
                    reason,
                    outcome,
                    disposition,
                },
            )) => (*reason, *outcome, *disposition),
            other => panic!("the last output is {other:?}"),
        }
    }

    /// Every sentence of every `Play`, in order.
    pub fn spoken(&self) -> Vec<String> {
        let plays = self.outputs.iter().filter_map(|(_, output)| match output {
            Output::Play { sentences, .. } => Some(sentences.clone()),
            _ => None,
        });
        plays.flatten().collect()
    }

    /// The sentences of the last `Play`.
    pub fn last_said(&self) -> String {
        let last = self.outputs.iter().rev().find_map(|(_, output)| match output {
            Output::Play { sentences, .. } => Some(sentences.join(" ")),
            _ => None,
        });
        last.unwrap_or_default()
    }

    /// What is being played is heard no more, and nobody is told.
    pub fn lose_playback(&mut self) {
        self.playing.clear();
    }

    pub fn is_playing(&self) -> bool {
        !self.playing.is_empty()
    }

    pub fn clears(&self) -> usize {
        self.outputs
            .iter()
            .filter(|(_, output)| *output == Output::Clear)
            .count()
    }

    pub fn answers(&self) -> Vec<Answer> {
        let answers = self.outputs.iter().filter_map(|(_, output)| match output {
            Output::RecordAnswer(answer) => Some(answer.clone()),
            _ => None,
        });
        answers.collect()
    }

    pub fn values(&self) -> Vec<AnswerValue> {
        self.answers().into_iter().map(|answer| answer.value).collect()
    }

    pub fn consent(&self) -> Option<ConsentEvidence> {
        self.outputs.iter().find_map(|(_, output)| match output {
            Output::RecordConsent(evidence) => Some(evidence.clone()),
            _ => None,
        })
    }

    pub fn do_not_call(&self) -> bool {
        self.outputs.iter().any(|(_, output)| *output == Output::AddDoNotCall)
    }

    /// The time asked for, as said and as meant.
    pub fn callback(&self) -> Option<(Option<String>, Option<SpokenTime>)> {
        self.outputs.iter().find_map(|(_, output)| match output {
            Output::RequestCallback { when, time } => Some((when.clone(), *time)),
            _ => None,
        })
    }

    /// Everything the model was asked, in its order.
    pub fn queries(&self) -> Vec<ModelQuery> {
        let queries = self.outputs.iter().filter_map(|(_, output)| match output {
            Output::Classify(query) | Output::Reply(query) => Some(query.clone()),
            _ => None,
        });
        queries.collect()
    }

    pub fn open_request(&self) -> Option<RequestId> {
        self.dialogue.open_request()
    }

    pub fn expectation(&self) -> Option<Expectation> {
        self.outputs.iter().rev().find_map(|(_, output)| match output {
            Output::Listen { expectation, .. } => Some(*expectation),
            _ => None,
        })
    }
}
