//! "One moment.": said once a turn where a language model takes its time. It asks nothing and is no part of the prompt;
//! nobody is spoken over for it, and what is decided meanwhile waits for its end.

use super::input::{Millis, PlaybackId};
use super::machine::Dialogue;
use super::output::Output;
use super::timers::Timer;
use super::understanding::About;
use crate::ports::TranscriptSpeaker;

/// Beyond the length of the words, until their mark is taken as lost.
const SLACK_MS: Millis = 500;

impl Dialogue {
    /// The model has been asked something.
    pub(super) fn await_filler(&mut self) {
        if let Some(wait) = self.config.filler_after_ms.filter(|_| !self.turn.filled) {
            self.timers.ensure(Timer::Filler, self.after(wait));
        }
    }

    /// The model is not waited for any more; words that are being said are said to their end.
    pub(super) fn filler_not_needed(&mut self) {
        if self.voice.filler.is_none() {
            self.timers.stop(Timer::Filler);
        }
    }

    /// The wait has become long; or the words that bridge it must have been heard by now.
    pub(super) fn filler_due(&mut self) {
        if self.voice.filler.is_some() {
            self.filler_over();
            return;
        }
        let thinking = self.consultation.as_ref().is_some_and(|asked| match asked.about {
            About::Meaning(..) => asked.is_open(),
            About::Reply(sentences) => sentences == 0,
        });
        let sentences = self.script.lines.one_moment.clone();
        if !thinking || self.turn.filled || sentences.is_empty() {
            return;
        }
        if self.voice.is_playing() || !self.speeches.is_empty() {
            return;
        }
        self.turn.filled = true;
        let playback = PlaybackId(self.playbacks);
        self.playbacks = self.playbacks.wrapping_add(1);
        let characters: usize = sentences.iter().map(|sentence| sentence.chars().count()).sum();
        let longest = Millis::try_from(characters)
            .unwrap_or(Millis::MAX)
            .saturating_mul(self.config.playback_ms_per_character);
        self.timers
            .set(Timer::Filler, self.after(longest.saturating_add(SLACK_MS)));
        self.voice.filler = Some(playback);
        self.put(Output::Play { playback, sentences });
    }

    /// A sentence of it has been heard.
    pub(super) fn filler_heard(&mut self, sentence: usize) {
        if let Some(text) = self.script.lines.one_moment.get(sentence) {
            self.note(TranscriptSpeaker::Agent, text.clone(), None);
        }
    }

    /// It has been said, or cut off, or cannot be said.
    pub(super) fn filler_over(&mut self) {
        if self.voice.filler.take().is_some() {
            self.timers.stop(Timer::Filler);
        }
    }
}
