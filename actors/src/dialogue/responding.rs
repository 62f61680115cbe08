//! The deadline of a turn: from the end of speech to our first audio, whatever of recogniser, language model and voice
//! takes its time. After it the question is asked again, and what comes late is passed over.

use super::input::{Millis, SpeechId};
use super::machine::Dialogue;
use super::state::Phase;
use super::timers::Timer;
use super::understanding::About;

/// Who speaks when the deadline is over is heard first; then it is looked again.
const LOOK_AGAIN_MS: Millis = 500;

impl Dialogue {
    /// A speech ended; `ended` was its last voice.
    pub(super) fn await_response(&mut self, ended: Millis) {
        if let Some(limit) = self.config.response_limit_ms
            && matches!(self.phase, Phase::Asking(_))
        {
            self.timers.set(Timer::Response, ended.saturating_add(limit));
        }
    }

    pub(super) fn response_overdue(&mut self) {
        if !matches!(self.phase, Phase::Asking(_)) {
            return;
        }
        let turn = self.turn.number;
        let of_turn = || self.speeches.iter().filter(|speech| speech.turn == turn);
        let awaited: Vec<SpeechId> = of_turn()
            .filter(|speech| speech.ended.is_some())
            .map(|speech| speech.id)
            .collect();
        if of_turn().count() > awaited.len() {
            self.timers.set(Timer::Response, self.after(LOOK_AGAIN_MS));
            return;
        }
        for speech in awaited {
            self.recognition_failed(speech);
        }
        match self.consultation.as_ref().map(|asked| &asked.about) {
            Some(About::Meaning(..)) => self.consultation_overdue(),
            Some(About::Reply(_)) => self.reply_unspoken(),
            // A reply whose words are there and that nobody speaks.
            None if self.is_unspoken_reply() => self.reply_unspoken(),
            None => {}
        }
    }

    fn is_unspoken_reply(&self) -> bool {
        self.voice.saying.live > 0 && !self.voice.reply_began && self.voice.is_playing()
    }
}
