//! The inbound pipeline of one call: frames in, utterances out.
//!
//! All times are media time: milliseconds since the stream's start by the frames' own timestamps, gaps included.

mod timeline;

use crate::messages::{MediaFrame, MessageError};
use crate::voice::{FRAME_SAMPLES, LONGEST_ONSET_FRAMES, TONE_DETECTION_MS, Verdict, VoiceDetector};
use crate::{SAMPLES_PER_MS, codec};
use base64::Engine;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use timeline::{Placement, Timeline};

/// Settings of a [`Listener`], in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListenerConfig {
    /// Audio handed out from before the speech began, at most 1,000.
    pub pre_roll_ms: u32,
    /// Audio handed out from after its end, as far as the patience allows.
    pub post_roll_ms: u32,
    /// Voice after which speech is sustained, so that it may interrupt a prompt.
    pub sustained_ms: u32,
    /// Speech with less voice than this is discarded.
    pub min_speech_ms: u32,
    /// Silence that ends an utterance, at least 300. See [`Listener::set_patience_ms`].
    pub patience_ms: u32,
    /// An utterance is ended by force after this time.
    pub max_utterance_ms: u32,
}

impl Default for ListenerConfig {
    fn default() -> Self {
        Self {
            pre_roll_ms: 300,
            post_roll_ms: 500,
            sustained_ms: 160,
            min_speech_ms: 100,
            patience_ms: 700,
            max_utterance_ms: 30_000,
        }
    }
}

/// Takes what a [`Listener`] finds. `speech` counts from 1 and names one utterance.
pub trait ListenerSink {
    /// Somebody began to speak, at `began_ms` by estimate.
    fn speech_started(&mut self, speech: u32, began_ms: u64);
    /// The utterance's audio at 8 kHz: from the pre-roll on, as it comes, until the post-roll is through or the
    /// utterance has ended. Of a pause within the utterance that is longer than pre-roll and post-roll, the middle is
    /// left out.
    fn speech_audio(&mut self, speech: u32, samples: &[i16]);
    /// The speech goes on long enough to be no mere noise.
    fn speech_sustained(&mut self, speech: u32, at_ms: u64);
    /// The utterance is over; its last voice was heard at `ended_ms`, by estimate, and `at_ms` is now.
    fn speech_ended(&mut self, speech: u32, ended_ms: u64, at_ms: u64);
    /// It was no speech: too short.
    fn speech_discarded(&mut self, speech: u32, at_ms: u64);
    /// A beep as of a voicemail has ended.
    fn beep(&mut self, at_ms: u64);
    /// A fax has given itself away by its tones. Once a call.
    fn fax(&mut self, at_ms: u64);
    /// A frame has been taken, 8 kHz mu-law, at a media time in samples. Whoever keeps the line listens here.
    fn line_audio(&mut self, _at: u64, _codes: &[u8]) {}
}

/// What became of the frames of a call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ListenerStats {
    /// Frames taken.
    pub frames: u64,
    /// Frames dropped as duplicate, late or of another track.
    pub dropped_frames: u64,
    /// Milliseconds that never came, filled with silence or skipped.
    pub gap_ms: u64,
}

/// The inbound pipeline of one call.
pub struct Listener {
    config: ListenerConfig,
    timeline: Timeline,
    voice: VoiceDetector,
    payload: Vec<u8>,
    /// The frame being filled, as mu-law.
    frame: [u8; FRAME_SAMPLES],
    filled: usize,
    frame_has_gap: bool,
    /// Media time of the last whole frame's end, in samples; `recent` holds what lies before.
    position: u64,
    /// As mu-law, in which it came: every call keeps this much, and it is read once an utterance.
    recent: Box<[u8]>,
    utterance: Option<Utterance>,
    speeches: u32,
    /// One of them was long enough to be speech.
    spoken: bool,
    stats: ListenerStats,
}

#[derive(Debug)]
struct Utterance {
    speech: u32,
    /// These three are media times in samples.
    began: u64,
    voiced_until: u64,
    handed_out_until: u64,
    /// Voice in the current stretch without a pause, and in all, in samples.
    stretch: u64,
    voice: u64,
    sustained: bool,
}

/// Twilio pads its base64; whoever does not is understood as well.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Shorter patience would cut words apart.
const LEAST_PATIENCE_MS: u32 = 300;
/// A pause that begins a new stretch of speech.
const STRETCH_PAUSE_MS: u64 = 100;
/// The longest time from an onset until it is noticed.
const LONGEST_ONSET: u64 = (LONGEST_ONSET_FRAMES as u64 + 1) * FRAME_SAMPLES as u64;
/// No sound, as mu-law.
const SILENCE: u8 = 0xff;
/// A payload of ordinary size fits; what a huge one took is given back.
const PAYLOAD_CAPACITY: usize = 1_024;

const fn samples(ms: u32) -> u64 {
    ms as u64 * SAMPLES_PER_MS
}

impl Listener {
    /// A listener at the beginning of a stream.
    pub fn new(config: ListenerConfig) -> Self {
        let config = ListenerConfig {
            pre_roll_ms: config.pre_roll_ms.min(1_000),
            ..config
        };
        let recent = samples(config.pre_roll_ms) + LONGEST_ONSET;
        let mut listener = Self {
            config,
            timeline: Timeline::default(),
            voice: VoiceDetector::new(),
            payload: Vec::with_capacity(PAYLOAD_CAPACITY),
            frame: [SILENCE; FRAME_SAMPLES],
            filled: 0,
            frame_has_gap: false,
            position: 0,
            recent: vec![SILENCE; recent as usize].into_boxed_slice(),
            utterance: None,
            speeches: 0,
            spoken: false,
            stats: ListenerStats::default(),
        };
        listener.set_patience_ms(config.patience_ms);
        listener
    }

    /// Takes a `media` message. Frames of other tracks than the caller's are dropped.
    ///
    /// # Errors
    /// If the payload is not base64; the listener's state is as before then.
    pub fn push<S: ListenerSink + ?Sized>(&mut self, frame: &MediaFrame<'_>, sink: &mut S) -> Result<(), MessageError> {
        if !frame.is_inbound() {
            self.stats.dropped_frames += 1;
            return Ok(());
        }
        let mut payload = std::mem::take(&mut self.payload);
        payload.clear();
        let decoded = BASE64.decode_vec(frame.payload.as_bytes(), &mut payload);
        if decoded.is_ok() {
            self.push_mulaw(frame.timestamp_ms, &payload, sink);
        }
        payload.clear();
        payload.shrink_to(PAYLOAD_CAPACITY);
        self.payload = payload;
        decoded.map_err(|_| MessageError::Invalid {
            event: "media",
            field: "media.payload",
            expected: "base64",
        })
    }

    /// Takes a frame of 8 kHz mu-law of any length, which begins at `timestamp_ms` of the stream's time.
    pub fn push_mulaw<S: ListenerSink + ?Sized>(&mut self, timestamp_ms: Option<u64>, payload: &[u8], sink: &mut S) {
        match self
            .timeline
            .place(timestamp_ms, payload.len() as u64, self.position + self.filled as u64)
        {
            Placement::Drop => self.stats.dropped_frames += 1,
            Placement::Take { silence, skipped } => {
                self.stats.frames += 1;
                self.stats.gap_ms += (silence + skipped) / SAMPLES_PER_MS;
                self.push_gap(silence, sink);
                self.skip(skipped, sink);
                sink.line_audio(self.position + self.filled as u64, payload);
                self.push_codes(payload, sink);
            }
        }
    }

    /// While a prompt plays, its echo must not be taken for speech. `false` says that nothing of what was given to
    /// [`Listener::prompt_sent`] will be played any more.
    pub fn set_prompt_playing(&mut self, playing: bool) {
        self.voice.set_prompt_playing(playing);
    }

    /// Says what is going to be played from now on (8 kHz mu-law), after what was said before and has not been played
    /// yet, and sets that a prompt plays. Optional: an echo of a known prompt is told the better from the respondent.
    pub fn prompt_sent(&mut self, mulaw: Bytes) {
        self.voice.prompt_sent(mulaw, self.filled);
    }

    /// How long a pause may be before the utterance is over; takes effect at once. At least 300 ms.
    pub fn set_patience_ms(&mut self, patience_ms: u32) {
        self.config.patience_ms = patience_ms.max(LEAST_PATIENCE_MS);
    }

    /// The media time reached, gaps included.
    pub fn media_ms(&self) -> u64 {
        (self.position + self.filled as u64) / SAMPLES_PER_MS
    }

    /// What became of the frames so far.
    pub fn stats(&self) -> ListenerStats {
        self.stats
    }

    /// Ends an open utterance now, because no more frames come or nobody waits for more.
    pub fn flush<S: ListenerSink + ?Sized>(&mut self, sink: &mut S) {
        if let Some(utterance) = self.utterance.take() {
            self.close(&utterance, sink);
        }
    }

    fn push_codes<S: ListenerSink + ?Sized>(&mut self, mut codes: &[u8], sink: &mut S) {
        while !codes.is_empty() {
            let (now, later) = codes.split_at(codes.len().min(FRAME_SAMPLES - self.filled));
            self.frame[self.filled..self.filled + now.len()].copy_from_slice(now);
            self.fill(now.len(), sink);
            codes = later;
        }
    }

    fn push_gap<S: ListenerSink + ?Sized>(&mut self, mut samples: u64, sink: &mut S) {
        while samples > 0 {
            let now = samples.min((FRAME_SAMPLES - self.filled) as u64);
            self.frame[self.filled..self.filled + now as usize].fill(SILENCE);
            self.frame_has_gap = true;
            self.fill(now as usize, sink);
            samples -= now;
        }
    }

    /// Notes that so many samples more are in the frame, and ends it if it is full.
    fn fill<S: ListenerSink + ?Sized>(&mut self, samples: usize, sink: &mut S) {
        self.filled += samples;
        if self.filled == FRAME_SAMPLES {
            self.filled = 0;
            self.end_frame(sink);
            self.frame_has_gap = false;
        }
    }

    /// Time passes of which there is no audio, after more silence than any utterance outlasts.
    fn skip<S: ListenerSink + ?Sized>(&mut self, skipped: u64, sink: &mut S) {
        if skipped > 0 {
            self.flush(sink);
            self.position = self.position.saturating_add(skipped);
        }
    }

    fn end_frame<S: ListenerSink + ?Sized>(&mut self, sink: &mut S) {
        let start = (self.position % self.recent.len() as u64) as usize;
        let (until_end, from_start) = self.frame.split_at(FRAME_SAMPLES.min(self.recent.len() - start));
        self.recent[start..start + until_end.len()].copy_from_slice(until_end);
        self.recent[..from_start.len()].copy_from_slice(from_start);
        self.position += FRAME_SAMPLES as u64;
        let frame = self.frame.map(codec::mulaw_to_linear);
        let verdict = self.voice.push(&frame, self.utterance.is_some(), self.frame_has_gap);
        // Before anybody has spoken it may be a fax: a voicemail has a greeting before its beep.
        let speaks = |utterance: &Utterance| !self.is_too_short(utterance);
        let spoken = self.spoken || self.utterance.as_ref().is_some_and(speaks);
        if verdict.beep && (spoken || !verdict.may_be_fax) {
            sink.beep(self.position / SAMPLES_PER_MS);
        }
        if verdict.fax {
            sink.fax(self.position / SAMPLES_PER_MS);
        }
        match self.utterance.take() {
            None if verdict.starts => self.start(verdict, sink),
            None => {}
            Some(mut utterance) => {
                let over = self.go_on(&mut utterance, verdict, sink);
                if over {
                    self.close(&utterance, sink);
                } else {
                    self.utterance = Some(utterance);
                }
            }
        }
    }

    fn start<S: ListenerSink + ?Sized>(&mut self, verdict: Verdict, sink: &mut S) {
        let earlier = u64::from(verdict.onset_frames) * FRAME_SAMPLES as u64;
        let began = self.position.saturating_sub(earlier);
        self.speeches = self.speeches.wrapping_add(1);
        let mut utterance = Utterance {
            speech: self.speeches,
            began,
            voiced_until: self.position,
            handed_out_until: began.saturating_sub(samples(self.config.pre_roll_ms)),
            stretch: earlier,
            voice: earlier,
            sustained: false,
        };
        sink.speech_started(utterance.speech, began / SAMPLES_PER_MS);
        self.hand_out(&mut utterance, sink);
        self.note_sustained(&mut utterance, sink);
        self.utterance = Some(utterance);
    }

    /// Takes a frame of an open utterance; returns whether it is over.
    fn go_on<S: ListenerSink + ?Sized>(&self, utterance: &mut Utterance, verdict: Verdict, sink: &mut S) -> bool {
        if verdict.tone_began {
            utterance.voice = utterance.voice.saturating_sub(TONE_DETECTION_MS * SAMPLES_PER_MS);
            utterance.stretch = 0;
        }
        let pause = self.position - utterance.voiced_until;
        if verdict.voiced {
            if pause > STRETCH_PAUSE_MS * SAMPLES_PER_MS {
                utterance.stretch = 0;
            }
            if verdict.energetic {
                utterance.stretch += FRAME_SAMPLES as u64;
                utterance.voice += FRAME_SAMPLES as u64;
            }
            utterance.voiced_until = self.position;
            let pre_roll = self.position.saturating_sub(samples(self.config.pre_roll_ms));
            utterance.handed_out_until = utterance.handed_out_until.max(pre_roll);
            self.note_sustained(utterance, sink);
        }
        let silence = self.position - utterance.voiced_until;
        if silence <= samples(self.config.post_roll_ms) {
            self.hand_out(utterance, sink);
        }
        let patience = if self.is_too_short(utterance) {
            LEAST_PATIENCE_MS
        } else {
            self.config.patience_ms
        };
        silence >= samples(patience) || self.position - utterance.began >= samples(self.config.max_utterance_ms)
    }

    fn note_sustained<S: ListenerSink + ?Sized>(&self, utterance: &mut Utterance, sink: &mut S) {
        if !utterance.sustained && utterance.stretch >= samples(self.config.sustained_ms) {
            utterance.sustained = true;
            sink.speech_sustained(utterance.speech, self.position / SAMPLES_PER_MS);
        }
    }

    fn is_too_short(&self, utterance: &Utterance) -> bool {
        utterance.voice < samples(self.config.min_speech_ms)
    }

    fn close<S: ListenerSink + ?Sized>(&mut self, utterance: &Utterance, sink: &mut S) {
        let at_ms = self.position / SAMPLES_PER_MS;
        if self.is_too_short(utterance) {
            sink.speech_discarded(utterance.speech, at_ms);
        } else {
            self.spoken = true;
            sink.speech_ended(utterance.speech, utterance.voiced_until / SAMPLES_PER_MS, at_ms);
        }
    }

    /// Hands out what has not been, as far as it is kept.
    fn hand_out<S: ListenerSink + ?Sized>(&self, utterance: &mut Utterance, sink: &mut S) {
        let size = self.recent.len() as u64;
        let from = utterance.handed_out_until.max(self.position.saturating_sub(size));
        utterance.handed_out_until = self.position;
        let (start, end) = ((from % size) as usize, (self.position % size) as usize);
        if from == self.position {
            return;
        }
        let pieces: [&[u8]; 2] = match start < end {
            true => [&self.recent[start..end], &[]],
            false => [&self.recent[start..], &self.recent[..end]],
        };
        let mut samples = [0; FRAME_SAMPLES];
        for codes in pieces.iter().flat_map(|piece| piece.chunks(FRAME_SAMPLES)) {
            for (sample, &code) in samples.iter_mut().zip(codes) {
                *sample = codec::mulaw_to_linear(code);
            }
            sink.speech_audio(utterance.speech, &samples[..codes.len()]);
        }
    }
}
