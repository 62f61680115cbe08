//! From the dialogue's sentences to audio on the line, and from the carrier's marks back to what was heard.

use super::CallActor;
use crate::dialogue::{Input, Millis, PlaybackId};
use crate::runtime::pulse::monotonic_ms;
use actix::Context;
use bytes::Bytes;
use samvad_media::messages::{write_clear, write_mark, write_media};
use samvad_media::playout::{MarkEffect, PlayoutError};

/// Audio per message: one second of mu-law. Large, because each message costs a system call on both sides; not
/// larger, because the carrier must have read a whole message before it plays any of it.
const CHUNK_BYTES: usize = 8_000;

/// Mu-law bytes per millisecond at 8 kHz.
const BYTES_PER_MS: usize = 8;

impl CallActor {
    /// Sends the sentences ahead of real time, a mark after each. Those that have no audio yet are spoken now.
    pub(super) fn speak(&mut self, playback: PlaybackId, sentences: Vec<String>, now: Millis, ctx: &mut Context<Self>) {
        let survey = self.survey.clone();
        self.probe
            .audio_wanted_since(Some(monotonic_ms(self.ports.clock.as_ref())));
        if sentences.is_empty() {
            self.probe.audio_wanted_since(None);
            self.pending.push_back(Input::PlaybackEnded { playback });
            return;
        }
        let named = self.named_greeting.clone();
        let audio = |text: &String| match &named {
            Some(prompt) if self.script.named_greeting() == Some(text) => Some(prompt),
            _ => survey.prompt(self.language(), text),
        };
        let prompts = sentences.iter().map(audio).collect::<Option<Vec<_>>>();
        let Some(prompts) = prompts.filter(|_| self.live.is_idle()) else {
            self.speak_live(playback, sentences, ctx);
            return;
        };
        self.pending.push_back(Input::PlaybackBegan { playback });
        for (sentence, prompt) in prompts.into_iter().enumerate() {
            if let Err(error) = self.send_sentence(playback, sentence, &prompt.mulaw, now) {
                tracing::error!(parent: &self.span, %error, "a sentence cannot be sent");
                self.pending.push_back(Input::PlaybackFailed { playback });
                return;
            }
        }
        self.probe.audio_wanted_since(None);
        self.playout.playback_sent(playback.0);
        self.audio_was_sent(now);
    }

    /// Sends a sentence that is there whole, and its mark.
    pub(super) fn send_sentence(
        &mut self,
        playback: PlaybackId,
        sentence: usize,
        mulaw: &Bytes,
        now: Millis,
    ) -> Result<(), PlayoutError> {
        let duration_ms = (mulaw.len() / BYTES_PER_MS) as u64;
        let mark = self.playout.sentence_sent(playback.0, sentence, duration_ms, now)?;
        self.send_audio(mulaw);
        self.send_mark(&mark);
        self.recording.mark_sent(&mark);
        Ok(())
    }

    /// Sends a part of a sentence.
    pub(super) fn send_part(
        &mut self,
        playback: PlaybackId,
        sentence: usize,
        mulaw: &Bytes,
        now: Millis,
    ) -> Result<(), PlayoutError> {
        let duration_ms = (mulaw.len() / BYTES_PER_MS) as u64;
        self.playout.part_sent(playback.0, sentence, duration_ms, now)?;
        self.send_audio(mulaw);
        Ok(())
    }

    /// Closes a sentence of which all that will come has been sent.
    pub(super) fn close_sentence(
        &mut self,
        playback: PlaybackId,
        sentence: usize,
        now: Millis,
    ) -> Result<(), PlayoutError> {
        let mark = self.playout.sentence_sent(playback.0, sentence, 0, now)?;
        self.send_mark(&mark);
        self.recording.mark_sent(&mark);
        Ok(())
    }

    fn send_audio(&mut self, mulaw: &Bytes) {
        self.listener.prompt_sent(mulaw.clone());
        self.mark_beginning();
        self.recording.sent(mulaw);
        for chunk in mulaw.chunks(CHUNK_BYTES) {
            let mut frame = String::with_capacity(chunk.len() / 3 * 4 + 128);
            write_media(&mut frame, self.stream_sid.as_str(), chunk);
            self.line.send(frame);
        }
    }

    pub(super) fn send_mark(&mut self, mark: &str) {
        let mut frame = String::with_capacity(128);
        write_mark(&mut frame, self.stream_sid.as_str(), mark);
        self.line.send(frame);
    }

    /// Tells the clocks that watch us what is on the line now.
    pub(super) fn audio_was_sent(&mut self, now: Millis) {
        self.turns.first_audio(self.now());
        self.probe
            .voice_until(self.started_ms + self.playout.expected_end_ms().unwrap_or(now));
        self.probe
            .mark_due(self.playout.next_mark_due_ms().map(|due| self.started_ms + due));
    }

    /// Empties the carrier's buffer.
    pub(super) fn clear(&mut self, now: Millis, ctx: &mut Context<Self>) {
        let mut frame = String::with_capacity(96);
        write_clear(&mut frame, self.stream_sid.as_str());
        self.line.send(frame);
        self.recording.clear_sent();
        let cuts = self.playout.clear(now);
        let unsent = self.drop_live(ctx);
        for cut in &cuts {
            self.pending.push_back(Input::PlaybackCleared {
                playback: PlaybackId(cut.playback),
                cut_sentence: cut.cut_sentence,
            });
        }
        // Of these nothing is at the carrier: all that was sent has been heard.
        for (playback, cut_sentence) in unsent {
            if cuts.iter().all(|cut| cut.playback != playback.0) {
                self.pending
                    .push_back(Input::PlaybackCleared { playback, cut_sentence });
            }
        }
        self.listener.set_prompt_playing(false);
        self.probe.voice_cut(monotonic_ms(self.ports.clock.as_ref()));
        self.probe.mark_due(None);
    }

    /// A mark came back; what it means is left in `pending`.
    pub(super) fn mark_returned(&mut self, name: &str) {
        let now = self.now();
        self.recording.mark_returned(name);
        match self.playout.mark_returned(name, now) {
            MarkEffect::Played {
                playback,
                sentence,
                playback_complete,
            } => {
                let playback = PlaybackId(playback);
                let broken_at = self.live.broken_at(playback);
                if broken_at.is_none_or(|broken_at| sentence < broken_at) {
                    self.pending.push_back(Input::SentencePlayed { playback, sentence });
                }
                if playback_complete {
                    self.pending.push_back(match broken_at {
                        None => Input::PlaybackEnded { playback },
                        Some(_) => Input::PlaybackFailed { playback },
                    });
                    self.live.forget(playback);
                }
            }
            // L6: the carrier returns every outstanding mark after a clear; none of them was heard.
            MarkEffect::ReturnedByClear | MarkEffect::Unknown => {}
        }
        self.probe
            .mark_due(self.playout.next_mark_due_ms().map(|due| self.started_ms + due));
        self.listener.set_prompt_playing(self.playout.is_playing(now));
    }
}
