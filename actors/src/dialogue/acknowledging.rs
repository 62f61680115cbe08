//! Acknowledgements over a prompt ("okay", "haan haan"): where the recogniser shows words before the end of a speech, a
//! prompt is not stopped for them. Without partial results it stops for any speech that lasts, and goes on from the
//! sentence that was cut when that was nothing.

use super::input::SpeechId;
use super::machine::Dialogue;
use super::state::{Phase, Shown, Speech, Step};
use super::timers::Timer;
use super::words::words;

impl Dialogue {
    /// A speech lasts: it interrupts, unless what is shown of it may be no more than an acknowledgement.
    pub(super) fn may_interrupt(&mut self, speech: &Speech) {
        match speech.shown {
            Shown::Nothing if self.passes_acknowledgements() => {
                let due = self.after(self.config.acknowledgement_ms);
                self.timers.set(Timer::Acknowledgement, due);
            }
            Shown::Acknowledgement if self.passes_acknowledgements() => {}
            _ => self.interrupt_for(speech.id),
        }
    }

    /// Words of a speech that goes on.
    pub(super) fn partly_recognized(&mut self, id: SpeechId, text: &str) {
        let said = words(text);
        let lexicon = self.script.lexicon();
        let shown = match said.as_slice() {
            [] => Shown::Nothing,
            said if lexicon.is_acknowledgement(&lexicon.heard(said)) => Shown::Acknowledgement,
            _ => Shown::Words,
        };
        let turn = self.turn.number;
        let Some(speech) = self.speeches.iter_mut().find(|speech| speech.id == id) else {
            return;
        };
        speech.shown = shown;
        let speech = *speech;
        if !speech.sustained || speech.turn != turn || !matches!(self.phase, Phase::Asking(_)) {
            return;
        }
        if shown == Shown::Acknowledgement && self.passes_acknowledgements() {
            self.resume_after(id);
        } else if shown == Shown::Words {
            self.interrupt_for(id);
        }
    }

    /// So long without a word: it may be somebody whom the recogniser does not understand.
    pub(super) fn acknowledgement_overdue(&mut self) {
        let turn = self.turn.number;
        let lasting = |speech: &&Speech| speech.sustained && speech.turn == turn && speech.shown == Shown::Nothing;
        let lasting = self.speeches.iter().find(lasting).map(|speech| speech.id);
        if let Some(id) = lasting
            && matches!(self.phase, Phase::Asking(_))
        {
            self.interrupt_for(id);
        }
    }

    /// Nothing has been asked yet that an acknowledgement could answer.
    fn passes_acknowledgements(&self) -> bool {
        self.voice.asked_at.is_none() && self.turn.step == Step::Asked
    }
}
