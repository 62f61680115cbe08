//! The second tier: what the lexicon does not understand is asked of a language model, under a deadline.
//!
//! What the model says is acted upon as the lexicon's reading would be, with less weight: whatever binds or ends
//! something (consent, refusal, removal, a call at another time, a wrong number) leads to the confirming turn, and
//! consent and removal are never confirmed by the model either. When no answer comes, or none that can be, the lexicon's
//! own reading stands, which mostly means that the question is asked again.

use super::hearing::{Level, Said};
use super::input::{RequestId, SpeechId};
use super::interpret::Interpretation;
use super::lexicon::Lexicon;
use super::machine::Dialogue;
use super::meaning::ModelMeaning;
use super::output::{ModelQuery, Output};
use super::state::{Ask, Doubt, Phase, Step};
use super::timers::Timer;
use crate::domain::{AnswerVia, Intent, QuestionKind};
use crate::ports::{Speaker, Spoken, TranscriptSpeaker};
use std::collections::VecDeque;

/// Lines of a conversation that a model is told: the last few turns.
const REMEMBERED_LINES: usize = 8;

/// What the model has been asked.
#[derive(Clone, Debug)]
pub(super) struct Consultation {
    pub(super) request: RequestId,
    pub(super) about: About,
}

#[derive(Clone, Debug)]
pub(super) enum About {
    /// The meaning of an utterance.
    Meaning(Box<Said>, Verdict),
    /// A reply, of which so many sentences have come.
    Reply(usize),
}

/// What has come of a question for a meaning. Until nobody speaks it is not acted upon.
#[derive(Clone, Debug)]
pub(super) enum Verdict {
    Awaited,
    Given(ModelMeaning),
    NoneCame,
}

impl Consultation {
    /// Whether the model still has something to say about it.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.about, About::Meaning(_, Verdict::Awaited) | About::Reply(_))
    }
}

/// The last lines of the conversation.
#[derive(Clone, Default, Debug)]
pub(super) struct Memory(VecDeque<Spoken>);

impl Memory {
    /// Keeps a line of the transcript. Keys, which have no confidence, are no speech.
    pub(super) fn keep(&mut self, speaker: TranscriptSpeaker, text: &str, confidence: Option<f32>) {
        let speaker = match speaker {
            TranscriptSpeaker::Agent => Speaker::Agent,
            TranscriptSpeaker::Caller if confidence.is_some() => Speaker::Caller,
            TranscriptSpeaker::Caller => return,
        };
        // One more than is told: the last may be what is asked about.
        if self.0.len() > REMEMBERED_LINES {
            self.0.pop_front();
        }
        self.0.push_back(Spoken {
            speaker,
            text: text.to_owned(),
        });
    }

    /// What was said besides `text`, which the caller said last, perhaps in parts.
    fn besides(&self, mut text: &str) -> Vec<Spoken> {
        let mut rest: Vec<Spoken> = Vec::with_capacity(self.0.len());
        for line in self.0.iter().rev() {
            let before = text.strip_suffix(line.text.as_str());
            match before.filter(|_| line.speaker == Speaker::Caller && !line.text.is_empty()) {
                Some(before) => text = before.trim_end(),
                None => rest.push(line.clone()),
            }
        }
        rest.reverse();
        rest
    }
}

impl Dialogue {
    /// Whether a model may make more of it than the lexicon did. A burst over a prompt is left to the noise it mostly is.
    pub(super) fn is_for_the_model(&self, said: &Said) -> bool {
        self.config.language_model
            && !self.is_holding()
            && said.meant.is_open()
            && (!said.over_prompt || said.speech.sustained)
    }

    /// Asks what an utterance means.
    pub(super) fn classify(&mut self, said: Said) {
        self.reply_over();
        let query = self.query(&said);
        self.consult(query.request, About::Meaning(Box::new(said), Verdict::Awaited));
        self.put(Output::Classify(query));
    }

    pub(super) fn query(&mut self, said: &Said) -> ModelQuery {
        let request = RequestId(self.requests);
        self.requests = self.requests.wrapping_add(1);
        ModelQuery {
            request,
            expectation: self.expectation(),
            text: said.utterance.text.clone(),
            history: self.memory.besides(&said.utterance.text),
        }
    }

    /// From now on this is waited for.
    pub(super) fn consult(&mut self, request: RequestId, about: About) {
        self.consultation = Some(Consultation { request, about });
        self.await_model();
        self.await_filler();
    }

    pub(super) fn await_model(&mut self) {
        let due = self.after(self.config.understanding_limit_ms);
        self.timers.set(Timer::Understanding, due);
    }

    /// Nothing is waited for any more; what still comes is passed over.
    pub(super) fn forget_consultation(&mut self) {
        self.consultation = None;
        self.filler_not_needed();
        self.timers.stop(Timer::Understanding);
    }

    /// A newer utterance takes the place of one whose meaning is not known: it is all in the history of what is asked
    /// next.
    pub(super) fn supersede(&mut self, newer: SpeechId) {
        if let Some(About::Meaning(older, _)) = self.consultation.as_ref().map(|consultation| &consultation.about) {
            if self.voice.cut_by == Some(older.speech.id) {
                self.voice.cut_by = Some(newer);
            }
            self.forget_consultation();
        }
    }

    /// The model's answer.
    pub(super) fn classified(&mut self, request: RequestId, meaning: ModelMeaning) {
        if self.open_request() == Some(request) {
            self.decided(Verdict::Given(meaning));
        }
    }

    /// No answer will come, or no more of it.
    pub(super) fn consultation_over(&mut self, request: RequestId) {
        if self.open_request() == Some(request) {
            self.consultation_overdue();
        }
    }

    pub(super) fn consultation_overdue(&mut self) {
        self.decided(Verdict::NoneCame);
        self.reply_over();
    }

    fn decided(&mut self, came: Verdict) {
        if let Some(Consultation {
            about: About::Meaning(_, verdict),
            ..
        }) = &mut self.consultation
        {
            *verdict = came;
            self.timers.stop(Timer::Understanding);
        }
    }

    /// Acts on what has come: the model's answer, or else the lexicon's reading. It waits while the caller speaks on,
    /// because what they say next may change it; a wish to stop waits for nothing.
    pub(super) fn settle_consultation(&mut self) {
        let Some(Consultation {
            about: About::Meaning(said, verdict),
            ..
        }) = &self.consultation
        else {
            return;
        };
        let urgent = match verdict {
            Verdict::Awaited => return,
            Verdict::Given(meaning) => stops(meaning.intent, self.phase == Phase::Asking(Ask::Consent)),
            Verdict::NoneCame => false,
        };
        let speaking = self.speeches.iter().any(|speech| speech.turn == self.turn.number);
        if (speaking || self.voice.filler.is_some()) && !urgent {
            return;
        }
        let (said, verdict) = (said.as_ref().clone(), verdict.clone());
        self.forget_consultation();
        match verdict {
            Verdict::Given(meaning) => self.said_by_model(said, &meaning),
            Verdict::Awaited | Verdict::NoneCame => self.understood(said),
        }
    }

    fn said_by_model(&mut self, said: Said, meaning: &ModelMeaning) {
        let question = self.context().question;
        let Some(meant) = meaning.check(question, &said.utterance.text, self.script.lexicon()) else {
            self.understood(said);
            return;
        };
        let asking_consent = self.phase == Phase::Asking(Ask::Consent);
        let stops = stops(meant.intent, asking_consent);
        let ends = stops || matches!(meant.intent, Intent::CallLater | Intent::WrongPerson);
        let about_call = !ends && (meaning.question_about_call || meant.intent == Intent::WhoIsThis);
        if meant.is_unclear() && !meant.out_of_range && !about_call {
            self.understood(said);
            return;
        }
        let heard = Level::of(&said.utterance, true);
        let level = heard.min(if binds(meant.intent) && meant.value.is_none() {
            Level::Plausible
        } else {
            Level::Certain
        });
        self.meet(&said.speech, &meant, Level::Plausible.min(level));
        let said = Said {
            level,
            meant,
            by_model: true,
            ..said
        };
        if stops && self.turn.detours >= self.config.detours {
            // Often enough put into doubt: who may want to stop is let go.
            self.refuse(&said.utterance, AnswerVia::Speech, "would rather not take part");
        } else if about_call {
            self.answer_about_call(&said);
        } else if asking_consent && self.turn.step == Step::Asked && said.meant.intent == Intent::No {
            // Also where it was said into the greeting, which a mere "no" of the lexicon's would not stop.
            self.confirm(Doubt::Refusal, said);
        } else {
            self.understood(said);
        }
    }
}

impl ModelMeaning {
    /// What a call makes of it where `question` is open and the caller said `text`: as [`ModelMeaning::check`], uncertain
    /// where it is confirmed before it is acted upon, and a question about the call before anything that ends nothing.
    pub(crate) fn reading(
        &self,
        question: Option<&QuestionKind>,
        text: &str,
        lexicon: &Lexicon,
    ) -> Option<Interpretation> {
        let meant = self.check(question, text, lexicon)?;
        let ends = stops(meant.intent, false) || matches!(meant.intent, Intent::CallLater | Intent::WrongPerson);
        if self.question_about_call && !ends {
            return Some(Interpretation {
                intent: Intent::WhoIsThis,
                value: None,
                ..meant
            });
        }
        let certain = !binds(meant.intent) || meant.value.is_some();
        Some(Interpretation { certain, ..meant })
    }
}

/// A wish to stop, in the consent question also a plain no.
fn stops(intent: Intent, asking_consent: bool) -> bool {
    matches!(intent, Intent::RemoveMe | Intent::NotInterested) || asking_consent && intent == Intent::No
}

/// What is confirmed before it is acted upon if a model takes it to be meant.
fn binds(intent: Intent) -> bool {
    matches!(
        intent,
        Intent::Yes
            | Intent::No
            | Intent::Interested
            | Intent::NotInterested
            | Intent::CallLater
            | Intent::WrongPerson
            | Intent::RemoveMe
    )
}
