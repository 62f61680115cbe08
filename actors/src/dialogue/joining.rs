//! Answers in parts: whoever goes on speaking while what they said is still being made out has not finished. The parts
//! are understood together, and no part is acted upon by itself.

use super::hearing::{Level, Said};
use super::input::SpeechId;
use super::interpret::Interpretation;
use super::machine::Dialogue;
use super::state::{Phase, Speech, Utterance};
use super::understanding::{About, Consultation};
use super::words::words;
use crate::domain::Intent;

impl Dialogue {
    /// An utterance of the current turn, perhaps a part of what is being said.
    pub(super) fn said_in_parts(&mut self, said: Said) {
        let burst = said.over_prompt && !said.speech.sustained && said.means_nothing();
        let nothing = said.level == Level::Low || said.meant.acknowledgement && said.meant.is_unclear() || burst;
        if nothing {
            let id = said.speech.id;
            if !self.go_on_without(id) {
                self.said(said);
            }
            return;
        }
        if said.meant.intent == Intent::SwitchLanguage && said.level >= Level::Certain {
            // What follows is being recognised as the language that is not wanted.
            self.held = None;
            self.said(said);
            return;
        }
        let said = match self.earlier_part(&said) {
            Some(earlier) => self.together(earlier, said),
            None => said,
        };
        if said.meant.intent == Intent::RemoveMe && said.level == Level::Binding {
            // Never lost, whatever follows.
            self.remove(said.utterance);
            return;
        }
        if self.is_being_said() && !said.before_asking {
            self.held = Some(Box::new(said));
        } else {
            self.said(said);
        }
    }

    /// A speech came to nothing: what was said before it is all there was. False if there was nothing either, or
    /// somebody still speaks.
    pub(super) fn go_on_without(&mut self, id: SpeechId) -> bool {
        if self.is_being_said() {
            return false;
        }
        let Some(said) = self.held.take() else {
            return false;
        };
        if self.voice.cut_by == Some(id) {
            self.voice.cut_by = Some(said.speech.id);
        }
        self.said(*said);
        true
    }

    /// What was said before the end stands, though more was being said.
    pub(super) fn act_on_what_is_held(&mut self) {
        if let Some(said) = self.held.take().filter(|_| matches!(self.phase, Phase::Asking(_))) {
            self.said(*said);
        }
    }

    /// Somebody speaks in this turn, or has and is not understood yet.
    fn is_being_said(&self) -> bool {
        self.speeches.iter().any(|speech| speech.turn == self.turn.number)
    }

    /// What was said before it and has led to nothing yet.
    fn earlier_part(&mut self, later: &Said) -> Option<Said> {
        if let Some(held) = self.held.take() {
            return Some(*held);
        }
        let Some(Consultation {
            about: About::Meaning(earlier, _),
            ..
        }) = &self.consultation
        else {
            return None;
        };
        // What was said before the question was asked is no part of its answer.
        if earlier.before_asking != later.before_asking {
            return None;
        }
        let earlier = earlier.as_ref().clone();
        self.forget_consultation();
        Some(earlier)
    }

    fn together(&mut self, earlier: Said, later: Said) -> Said {
        if self.voice.cut_by == Some(earlier.speech.id) {
            self.voice.cut_by = Some(later.speech.id);
        }
        let text = format!("{} {}", earlier.utterance.text.trim(), later.utterance.text.trim());
        let meant = self.interpret(&text);
        let lexicon = self.script.lexicon();
        let before = lexicon.heard(&words(&earlier.utterance.text));
        let turns_round = lexicon.has_reversal(&before) || (0..before.len()).any(|at| lexicon.negated(&before[..=at]));
        let understood = later.meant.certain && !later.meant.is_unclear();
        let mere_beginning = earlier.meant.value.is_none()
            && matches!(
                earlier.meant.intent,
                Intent::Unclear | Intent::HoldOn | Intent::Repeat | Intent::WhoIsThis
            );
        let lost = !meant.certain || meant.value.is_none() && later.meant.value.is_some();
        if lost && mere_beginning && understood && !turns_round {
            // "Let me think about that." "Four."
            return later;
        }
        let (joined, first) = (meant.intent, earlier.meant.intent);
        let stops = |intent| matches!(intent, Intent::RemoveMe | Intent::NotInterested);
        let meant = if stops(first) && !stops(joined) {
            // What else is said takes no wish to stop away; it is confirmed.
            Interpretation {
                certain: false,
                ..earlier.meant.clone()
            }
        } else {
            meant
        };
        let least = |one: Option<f32>, other: Option<f32>| Some(one?.min(other?));
        let utterance = Utterance {
            confidence: least(earlier.utterance.confidence, later.utterance.confidence),
            uncertain: earlier.utterance.uncertain || later.utterance.uncertain,
            text,
        };
        Said {
            level: Level::of(&utterance, meant.certain),
            speech: Speech {
                began: earlier.speech.began,
                sustained: earlier.speech.sustained || later.speech.sustained,
                ..later.speech
            },
            before_asked: earlier.before_asked,
            meant,
            utterance,
            ..later
        }
    }
}
