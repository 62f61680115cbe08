//! From the dialogue's sentences to audio on the line, and from the carrier's marks back to what was heard.

use super::CallActor;
use crate::dialogue::{Input, Millis, PlaybackId};
use crate::runtime::pulse::monotonic_ms;
use samvad_media::messages::{write_clear, write_mark, write_media};
use samvad_media::playout::MarkEffect;

/// Audio per message: one second of mu-law. Large, because each message costs a system call on both sides; not
/// larger, because the carrier must have read a whole message before it plays any of it.
const CHUNK_BYTES: usize = 8_000;

/// Mu-law bytes per millisecond at 8 kHz.
const BYTES_PER_MS: usize = 8;

impl CallActor {
    /// Sends the sentences ahead of real time, a mark after each.
    pub(super) fn speak(&mut self, playback: PlaybackId, sentences: &[String], now: Millis) {
        let survey = self.survey.clone();
        self.probe
            .audio_wanted_since(Some(monotonic_ms(self.ports.clock.as_ref())));
        // All or nothing: half a question is worse than none.
        let Some(prompts) = sentences
            .iter()
            .map(|text| survey.prompts.get(text))
            .collect::<Option<Vec<_>>>()
        else {
            tracing::error!(parent: &self.span, "a sentence has no audio");
            self.pending.push_back(Input::PlaybackFailed { playback });
            return;
        };
        if prompts.is_empty() {
            self.probe.audio_wanted_since(None);
            self.pending.push_back(Input::PlaybackEnded { playback });
            return;
        }
        self.mark_beginning();
        for (sentence, prompt) in prompts.into_iter().enumerate() {
            let duration_ms = (prompt.mulaw.len() / BYTES_PER_MS) as u64;
            let mark = match self.playout.sentence_sent(playback.0, sentence, duration_ms, now) {
                Ok(mark) => mark,
                Err(error) => {
                    tracing::error!(parent: &self.span, %error, "a sentence cannot be sent");
                    self.pending.push_back(Input::PlaybackFailed { playback });
                    return;
                }
            };
            self.listener.prompt_sent(prompt.mulaw.clone());
            self.recording.sent(&prompt.mulaw);
            self.recording.mark_sent(&mark);
            for chunk in prompt.mulaw.chunks(CHUNK_BYTES) {
                let mut frame = String::with_capacity(chunk.len() / 3 * 4 + 128);
                write_media(&mut frame, self.stream_sid.as_str(), chunk);
                self.line.send(frame);
            }
            let mut frame = String::with_capacity(128);
            write_mark(&mut frame, self.stream_sid.as_str(), &mark);
            self.line.send(frame);
        }
        self.probe.audio_wanted_since(None);
        self.playout.playback_sent(playback.0);
        self.turns.first_audio(self.now());
        self.probe
            .voice_until(self.started_ms + self.playout.expected_end_ms().unwrap_or(now));
        self.probe
            .mark_due(self.playout.next_mark_due_ms().map(|due| self.started_ms + due));
    }

    /// Empties the carrier's buffer.
    pub(super) fn clear(&mut self, now: Millis) {
        let mut frame = String::with_capacity(96);
        write_clear(&mut frame, self.stream_sid.as_str());
        self.line.send(frame);
        self.recording.clear_sent();
        for cut in self.playout.clear(now) {
            self.pending.push_back(Input::PlaybackCleared {
                playback: PlaybackId(cut.playback),
                cut_sentence: cut.cut_sentence,
            });
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
                self.pending.push_back(Input::SentencePlayed { playback, sentence });
                if playback_complete {
                    self.pending.push_back(Input::PlaybackEnded { playback });
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
