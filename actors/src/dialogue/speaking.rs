//! Playing prompts, interrupting them, and resuming what was interrupted by mistake.

use super::input::{Millis, PlaybackId, SpeechId};
use super::machine::Dialogue;
use super::output::Output;
use super::prompt::Prompt;
use super::script::Script;
use super::state::{Ask, MachineStage, Part, Phase, Shown, Speech, Step, Voice};
use super::timers::Timer;
use crate::domain::EndReason;
use crate::ports::TranscriptSpeaker;
use std::sync::Arc;

/// A second failure in a row shows that there is no voice to go on with (L12).
const MOST_PLAYBACK_FAILURES: u8 = 2;

impl Dialogue {
    /// Speaks a prompt in place of whatever is being said.
    pub(super) fn speak(&mut self, prompt: Prompt, interruptible: bool) {
        self.forget_consultation();
        self.held = None;
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
        if self.voice.is_sounding() {
            self.put(Output::Clear);
        }
        self.filler_over();
        self.voice.parts.clear();
        self.voice.saying.close();
        self.voice.cut_by = None;
        self.timers.stop(Timer::Playback);
    }

    /// Silence until it is known what a speech means.
    pub(super) fn interrupt_for(&mut self, speech: SpeechId) {
        if self.voice.filler.is_some() && !self.voice.is_playing() {
            self.put(Output::Clear);
            self.filler_over();
        }
        let coming = self.voice.saying.is_open() && self.voice.cut_by.is_none();
        if (self.voice.is_playing() || coming) && self.voice.interruptible {
            if self.voice.is_playing() {
                self.put(Output::Clear);
            }
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
        let interrupts = |other: &&Speech| {
            let acknowledges = other.shown == Shown::Acknowledgement;
            other.id != speech && other.sustained && other.turn == turn && !acknowledges
        };
        if let Some(other) = self.speeches.iter().find(interrupts) {
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
        if self.voice.filler == Some(playback) {
            self.filler_heard(sentence);
        }
        if let Some(part) = self.voice.part(playback)
            && sentence < part.to - part.from
        {
            self.heard_to(part.from + sentence + 1);
        }
    }

    /// The prompt, or its part that is made in the call, begins to be heard.
    pub(super) fn playback_began(&mut self, playback: PlaybackId) {
        if let Some(part) = self.voice.part(playback) {
            self.voice.reply_began |= part.from < self.voice.saying.live;
            self.timers.stop(Timer::Response);
        }
    }

    pub(super) fn playback_ended(&mut self, playback: PlaybackId) {
        if self.voice.filler == Some(playback) {
            self.filler_over();
        }
        let Some(part) = self.voice.part(playback) else {
            return;
        };
        self.playback_failures = 0;
        self.heard_to(part.to);
        // One that ended while it was being cleared stays: there may be something left to resume.
        if self.voice.cut_by.is_none() {
            self.voice.parts.retain(|other| other.from >= part.to);
            if self.voice.parts.is_empty() {
                self.timers.stop(Timer::Playback);
            }
            if self.voice.is_done() {
                self.prompt_done();
            }
        }
    }

    pub(super) fn playback_cleared(&mut self, playback: PlaybackId, cut_sentence: usize) {
        if self.voice.filler == Some(playback) {
            self.filler_over();
        }
        // Marks that came back before say how much was heard; a clear that was not asked for is covered by the
        // playback's own deadline.
        if let Some(part) = self.voice.part(playback)
            && self.voice.cut_by.is_some()
            && self.voice.heard >= part.from
        {
            let cut = part.from.saturating_add(cut_sentence).min(part.to);
            self.voice.heard = self.voice.heard.max(cut);
        }
    }

    pub(super) fn playback_failed(&mut self, playback: PlaybackId) {
        if self.voice.filler == Some(playback) {
            self.filler_over();
        }
        let Some(part) = self.voice.part(playback) else {
            return;
        };
        if part.from < self.voice.saying.live {
            // Words that were made for this call have a substitute; the campaign's own sentences have none.
            self.reply_unspoken();
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
        let languages = self.survey.in_all_languages();
        let fixed: Vec<String> = languages.flat_map(Script::fixed_sentences).collect();
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
            ..Prompt::default()
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
        if self.voice.saying.is_open() {
            self.voice.heard = self.voice.saying.sentences.len();
            self.voice.parts.clear();
        } else {
            self.prompt_done();
        }
    }

    /// The next sentence of a reply. While it is interrupted it waits with the rest.
    pub(super) fn speak_live(&mut self, sentence: String) {
        let from = self.voice.saying.sentences.len();
        self.voice.saying.add_live(sentence);
        self.play_on(from);
    }

    /// The question, which ends a reply.
    pub(super) fn speak_asking(&mut self, asking: Prompt) {
        let from = self.voice.saying.sentences.len();
        self.voice.saying.add_asking(asking);
        self.play_on(from);
    }

    fn play_rest(&mut self) {
        let rest = self.voice.saying.rest(self.voice.heard);
        self.voice.cut_by = None;
        if rest.sentences.is_empty() && !rest.is_open() {
            self.prompt_done();
        } else {
            self.play(rest);
        }
    }

    fn play(&mut self, saying: Prompt) {
        self.voice.parts.clear();
        self.timers.stop(Timer::Playback);
        self.voice.heard = 0;
        self.voice.saying = saying;
        self.play_on(0);
    }

    /// Plays what there is of the prompt from this sentence on, after what is still playing.
    fn play_on(&mut self, from: usize) {
        let sentences = self.voice.saying.sentences.get(from..).unwrap_or_default().to_vec();
        if sentences.is_empty() || self.voice.cut_by.is_some() {
            return;
        }
        let playback = PlaybackId(self.playbacks);
        self.playbacks = self.playbacks.wrapping_add(1);
        let characters: usize = sentences.iter().map(|sentence| sentence.chars().count()).sum();
        let longest = Millis::try_from(characters)
            .unwrap_or(Millis::MAX)
            .saturating_mul(self.config.playback_ms_per_character)
            .saturating_add(self.config.playback_slack_ms);
        // Of several each has its own time, after the one before it.
        let begins = self
            .timers
            .due(Timer::Playback)
            .map_or(self.now, |due| due.max(self.now));
        self.timers.set(Timer::Playback, begins.saturating_add(longest));
        self.put(Output::Play { playback, sentences });
        if self.voice.heard >= self.voice.saying.asks_from {
            self.asking_begins();
        }
        let to = self.voice.saying.sentences.len();
        self.voice.parts.push(Part { playback, from, to });
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
            if self.phase == Phase::Asking(Ask::Consent) {
                self.consent_script = Arc::clone(&self.script);
            }
        }
    }

    fn prompt_done(&mut self) {
        self.timers.stop(Timer::Playback);
        self.voice.parts.clear();
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
        let settled = self.speeches.is_empty() && self.consultation.is_none();
        if asking && self.voice.is_done() && settled && self.turn.keys.is_empty() && !self.is_holding() {
            self.timers.ensure(Timer::Silence, self.after(self.config.silence_ms));
        }
    }
}
