//! Playing prompts, interrupting them, and resuming what was interrupted by mistake.

use super::input::{Millis, PlaybackId, SpeechId};
use super::machine::Dialogue;
use super::output::Output;
use super::prompt::Prompt;
use super::state::{MachineStage, Phase, Step, Voice};
use super::timers::Timer;
use crate::domain::EndReason;
use crate::ports::TranscriptSpeaker;

/// A second failure in a row shows that there is no voice to go on with (L12).
const MOST_PLAYBACK_FAILURES: u8 = 2;

impl Dialogue {
    /// Speaks a prompt in place of whatever is being said.
    pub(super) fn speak(&mut self, prompt: Prompt, interruptible: bool) {
        self.hush();
        let number = self.voice.prompt.wrapping_add(1);
        self.voice = Voice {
            prompt: number,
            interruptible,
            ..Voice::default()
        };
        for timer in [
            Timer::Opening,
            Timer::LongSpeech,
            Timer::Silence,
            Timer::Turn,
            Timer::Hold,
            Timer::Keys,
        ] {
            self.timers.stop(timer);
        }
        self.turn.keys.clear();
        self.play(prompt);
        self.listen();
    }

    /// Silence, for good: what was left of the prompt will not be heard.
    pub(super) fn hush(&mut self) {
        if self.voice.is_playing() {
            self.put(Output::Clear);
        }
        self.voice.playback = None;
        self.voice.cut_by = None;
        self.timers.stop(Timer::Playback);
    }

    /// Silence until it is known what a speech means.
    pub(super) fn interrupt_for(&mut self, speech: SpeechId) {
        if self.voice.is_playing() && self.voice.interruptible {
            self.put(Output::Clear);
            self.voice.cut_by = Some(speech);
            self.timers.stop(Timer::Playback);
        }
    }

    /// The speech meant nothing: what it interrupted goes on from the sentence that was cut. Another speech that is
    /// meant to interrupt takes its place first.
    pub(super) fn resume_after(&mut self, speech: SpeechId) {
        if self.voice.cut_by != Some(speech) {
            return;
        }
        let turn = self.turn.number;
        if let Some(other) = self.speeches.iter().find(|other| other.sustained && other.turn == turn) {
            self.voice.cut_by = Some(other.id);
            return;
        }
        self.voice.false_interruptions = self.voice.false_interruptions.saturating_add(1);
        if self.voice.false_interruptions >= self.config.false_interruptions {
            self.voice.interruptible = false;
        }
        self.play_rest();
    }

    pub(super) fn sentence_played(&mut self, playback: PlaybackId, sentence: usize) {
        if self.voice.playback == Some(playback) && sentence < self.voice.saying.sentences.len() {
            self.heard_to(sentence + 1);
        }
    }

    pub(super) fn playback_ended(&mut self, playback: PlaybackId) {
        if self.voice.playback == Some(playback) {
            self.playback_failures = 0;
            if self.voice.cut_by.is_none() {
                self.heard_to(self.voice.saying.sentences.len());
                self.prompt_done();
            } else {
                // It ended while it was being cleared: nothing will be left to resume.
                self.heard_to(self.voice.saying.sentences.len());
            }
        }
    }

    pub(super) fn playback_cleared(&mut self, playback: PlaybackId, cut_sentence: usize) {
        // Marks that came back before say how much was heard; a clear that was not asked for is covered by the
        // playback's own deadline.
        if self.voice.playback == Some(playback) && self.voice.cut_by.is_some() {
            let whole = self.voice.saying.sentences.len();
            self.voice.heard = self.voice.heard.max(cut_sentence.min(whole));
        }
    }

    pub(super) fn playback_failed(&mut self, playback: PlaybackId) {
        if self.voice.playback != Some(playback) {
            return;
        }
        if self.leave_out_what_is_made_in_the_call() {
            return;
        }
        self.playback_failures = self.playback_failures.saturating_add(1);
        match self.phase {
            Phase::Closing(_) | Phase::Machine(_) => self.prompt_done(),
            _ if self.playback_failures >= MOST_PLAYBACK_FAILURES => self.end_with(EndReason::Fault),
            _ => {
                self.voice.cut_by = None;
                self.play_rest();
            }
        }
    }

    /// Goes on with the fixed sentences of a prompt that failed: everybody who can speak has been asked for the others,
    /// and would be asked again while the caller hears nothing (L12). False if all are fixed, or none is.
    fn leave_out_what_is_made_in_the_call(&mut self) -> bool {
        let heard = self.voice.heard;
        let saying = &self.voice.saying;
        let fixed = self.script.fixed_sentences();
        let is_left = |sentence: &&String| fixed.contains(sentence);
        let left = |to: usize| {
            saying
                .sentences
                .get(heard..to)
                .unwrap_or_default()
                .iter()
                .filter(is_left)
        };
        let whole = saying.sentences.len();
        let rest = Prompt {
            sentences: left(whole).cloned().collect(),
            asks_from: left(saying.asks_from).count(),
            asks_to: left(saying.asks_to).count(),
        };
        if rest.sentences.is_empty() || heard + rest.sentences.len() >= whole {
            return false;
        }
        self.voice.cut_by = None;
        self.play(rest);
        true
    }

    /// The marks of a playback did not come back in time: it is taken as ended, so that the call goes on.
    pub(super) fn marks_lost(&mut self) {
        self.prompt_done();
    }

    fn play_rest(&mut self) {
        let heard = self.voice.heard;
        let saying = &self.voice.saying;
        let rest = Prompt {
            sentences: saying.sentences.get(heard..).unwrap_or_default().to_vec(),
            asks_from: saying.asks_from.saturating_sub(heard),
            asks_to: saying.asks_to.saturating_sub(heard),
        };
        self.voice.cut_by = None;
        if rest.sentences.is_empty() {
            self.prompt_done();
        } else {
            self.play(rest);
        }
    }

    fn play(&mut self, saying: Prompt) {
        let playback = PlaybackId(self.playbacks);
        self.playbacks = self.playbacks.wrapping_add(1);
        let characters: usize = saying.sentences.iter().map(|sentence| sentence.chars().count()).sum();
        let longest = Millis::try_from(characters)
            .unwrap_or(Millis::MAX)
            .saturating_mul(self.config.playback_ms_per_character)
            .saturating_add(self.config.playback_slack_ms);
        self.timers.set(Timer::Playback, self.now.saturating_add(longest));
        self.put(Output::Play {
            playback,
            sentences: saying.sentences.clone(),
        });
        if saying.asks_from == 0 {
            self.asking_begins();
        }
        self.voice.playback = Some(playback);
        self.voice.heard = 0;
        self.voice.saying = saying;
    }

    fn heard_to(&mut self, heard: usize) {
        let heard_now: Vec<String> = self
            .voice
            .saying
            .sentences
            .get(self.voice.heard..heard)
            .unwrap_or_default()
            .to_vec();
        for sentence in heard_now {
            self.note(TranscriptSpeaker::Agent, sentence, None);
        }
        self.voice.heard = self.voice.heard.max(heard);
        if self.voice.heard >= self.voice.saying.asks_from {
            self.asking_begins();
        }
        if self.voice.heard >= self.voice.saying.asks_to {
            self.voice.asked_at.get_or_insert(self.now);
        }
    }

    fn asking_begins(&mut self) {
        self.voice.asking_at.get_or_insert(self.now);
        if matches!(self.phase, Phase::Asking(_)) && self.turn.step == Step::Asked {
            self.introduced = true;
        }
    }

    fn prompt_done(&mut self) {
        self.timers.stop(Timer::Playback);
        self.voice.playback = None;
        self.voice.cut_by = None;
        self.asking_begins();
        self.voice.asked_at.get_or_insert(self.now);
        match self.phase {
            Phase::Closing(_) => self.last_words_spoken(),
            Phase::Machine(MachineStage::Leaving { .. }) => self.end_with(EndReason::Machine),
            Phase::Asking(_) => {
                self.timers.ensure(Timer::Turn, self.after(self.turn_limit()));
                self.await_answer();
            }
            _ => {}
        }
    }

    /// Arms the wait for an answer if the prompt is over and nobody speaks (L2: always, or the call falls mute).
    pub(super) fn await_answer(&mut self) {
        let asking = matches!(self.phase, Phase::Asking(_));
        if asking && self.voice.is_done() && self.speeches.is_empty() && self.turn.keys.is_empty() && !self.is_holding()
        {
            self.timers.ensure(Timer::Silence, self.after(self.config.silence_ms));
        }
    }
}
