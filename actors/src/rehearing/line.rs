//! Both ends of the line of a call heard again: the listener, and a carrier that plays what it is sent at once.

use crate::dialogue::{Input, Millis, PlaybackId, SpeechId};
use crate::ports::Prompt;
use bytes::Bytes;
use samvad_media::SAMPLES_PER_MS;
use samvad_media::codec::MULAW_SILENCE;
use samvad_media::listener::{Listener, ListenerConfig, ListenerSink};
use samvad_media::playout::{MarkEffect, Playout};
use std::collections::VecDeque;

/// How long a character of a sentence takes to say.
const MS_PER_CHARACTER: u64 = 65;

/// What the listener found in a frame.
pub(super) enum Finding {
    Started(SpeechId, Input),
    Audio(Vec<i16>),
    Ended(Input),
    Discarded(Input),
    Other(Input),
}

pub(super) struct Line {
    listener: Listener,
    playout: Playout,
    /// Marks at the carrier, and when they come back.
    marks: VecDeque<(Millis, String)>,
    /// When the carrier has played everything.
    played_ms: Millis,
}

impl Line {
    pub(super) fn new() -> Self {
        Self {
            listener: Listener::new(ListenerConfig::default()),
            playout: Playout::new(),
            marks: VecDeque::new(),
            played_ms: 0,
        }
    }

    pub(super) fn set_patience_ms(&mut self, patience_ms: u32) {
        self.listener.set_patience_ms(patience_ms);
    }

    /// Takes a frame of the caller that begins at `at_ms`.
    pub(super) fn hear(&mut self, at_ms: Millis, frame: &[u8]) -> Vec<Finding> {
        let mut found = Found(Vec::new());
        self.listener.push_mulaw(Some(at_ms), frame, &mut found);
        found.0
    }

    /// Speaks sentences after what is still being played. What follows at once, if anything.
    pub(super) fn play<'a>(
        &mut self,
        playback: PlaybackId,
        sentences: &[String],
        audio: impl Fn(&str) -> Option<&'a Prompt>,
        now: Millis,
    ) -> Vec<Input> {
        // What was spoken for the call alone (a name, a reply) is silence of about its length.
        let found: Vec<Prompt> = sentences
            .iter()
            .map(|text| audio(text).cloned().unwrap_or_else(|| unspoken(text)))
            .collect();
        if found.is_empty() {
            return vec![Input::PlaybackEnded { playback }];
        }
        for (sentence, prompt) in found.into_iter().enumerate() {
            let Ok(mark) = self
                .playout
                .sentence_sent(playback.0, sentence, prompt.duration_ms, now)
            else {
                return vec![Input::PlaybackFailed { playback }];
            };
            self.listener.prompt_sent(prompt.mulaw.clone());
            self.played_ms = self.played_ms.max(now) + prompt.duration_ms;
            self.marks.push_back((self.played_ms, mark));
        }
        self.playout.playback_sent(playback.0);
        vec![Input::PlaybackBegan { playback }]
    }

    /// Empties the carrier's buffer.
    pub(super) fn clear(&mut self, now: Millis) -> Vec<Input> {
        self.marks.clear();
        self.played_ms = now;
        self.listener.set_prompt_playing(false);
        let cuts = self.playout.clear(now).into_iter();
        cuts.map(|cut| Input::PlaybackCleared {
            playback: PlaybackId(cut.playback),
            cut_sentence: cut.cut_sentence,
        })
        .collect()
    }

    /// When the next mark comes back.
    pub(super) fn next_mark(&self) -> Option<Millis> {
        self.marks.front().map(|(at, _)| *at)
    }

    /// The next mark comes back.
    pub(super) fn mark(&mut self) -> Vec<Input> {
        let Some((now, name)) = self.marks.pop_front() else {
            return Vec::new();
        };
        let effect = self.playout.mark_returned(&name, now);
        self.listener.set_prompt_playing(self.playout.is_playing(now));
        let MarkEffect::Played {
            playback,
            sentence,
            playback_complete,
        } = effect
        else {
            return Vec::new();
        };
        let playback = PlaybackId(playback);
        let mut inputs = vec![Input::SentencePlayed { playback, sentence }];
        inputs.extend(playback_complete.then_some(Input::PlaybackEnded { playback }));
        inputs
    }
}

fn unspoken(text: &str) -> Prompt {
    let duration_ms = text.chars().count() as u64 * MS_PER_CHARACTER;
    Prompt {
        mulaw: Bytes::from(vec![MULAW_SILENCE; (duration_ms * SAMPLES_PER_MS) as usize]),
        duration_ms,
    }
}

struct Found(Vec<Finding>);

impl ListenerSink for Found {
    fn speech_started(&mut self, speech: u32, began_ms: u64) {
        let speech = SpeechId(speech);
        self.0
            .push(Finding::Started(speech, Input::SpeechStarted { speech, began_ms }));
    }

    fn speech_audio(&mut self, _speech: u32, samples: &[i16]) {
        self.0.push(Finding::Audio(samples.to_vec()));
    }

    fn speech_sustained(&mut self, speech: u32, _at_ms: u64) {
        let speech = SpeechId(speech);
        self.0.push(Finding::Other(Input::SpeechSustained { speech }));
    }

    fn speech_ended(&mut self, speech: u32, ended_ms: u64, _at_ms: u64) {
        let speech = SpeechId(speech);
        self.0.push(Finding::Ended(Input::SpeechEnded { speech, ended_ms }));
    }

    fn speech_discarded(&mut self, speech: u32, _at_ms: u64) {
        let speech = SpeechId(speech);
        self.0.push(Finding::Discarded(Input::SpeechDiscarded { speech }));
    }

    fn beep(&mut self, _at_ms: u64) {
        self.0.push(Finding::Other(Input::Beep));
    }

    fn fax(&mut self, _at_ms: u64) {
        self.0.push(Finding::Other(Input::FaxTone));
    }
}
