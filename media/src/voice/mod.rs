//! Voice activity on a telephone line, 16 ms at a time.
//!
//! An energy gate against an adaptive background decides which frames are looked at; steady tones are taken out; what
//! remains goes through the neural detector earshot, brought to a like level first, because earshot's features depend
//! on level and a respondent's loudness must not matter. earshot costs a hundred times what the gate does, so it runs
//! only while the gate is open.

mod echo;
mod fax;
mod gate;
mod tone;

use crate::resample::Doubler;
use bytes::Bytes;
use fax::FaxDetector;
use gate::Gate;
use tone::{Tone, ToneDetector};

/// Samples of a frame: 16 ms, which earshot wants.
pub const FRAME_SAMPLES: usize = 128;
/// Milliseconds of a frame.
pub const FRAME_MS: u64 = 16;

/// The furthest back that the begin of a voice is looked for.
pub const LONGEST_ONSET_FRAMES: u32 = 28;
/// How long a tone must last to be told from a voice: the detector's window and three steps.
pub const TONE_DETECTION_MS: u64 = 112;

/// earshot's score from which a frame is voice.
const THRESHOLD: f32 = 0.5;
/// The same of a frame so loud and so far above the background that little else can be meant: some vowels score low.
const CLEAR_THRESHOLD: f32 = 0.35;
const CLEAR_ABOVE_FLOOR_DB: f32 = 14.0;
const QUIETEST_CLEAR_DB: f32 = -30.0;
/// Speech starts when 3 of the last 5 frames are voice.
const START_WINDOW: u32 = 0b1_1111;
const START_FRAMES: u32 = 3;
/// Frames the gate stays open after the last that stood out: 300 ms.
const GATE_HANG_FRAMES: u8 = 19;
/// Frames before the gate's opening that earshot is shown, to know what the voice rises from.
const WARM_UP_FRAMES: usize = 6;
/// The level of the loudest frames as earshot is shown them, dBFS. Found by trying: louder, noise becomes a voice to
/// it; softer, voices in noise no longer do.
const TARGET_DB: f32 = -28.0;
/// No gain above this: the background of a silent line is not to become a voice.
const HIGHEST_GAIN_DB: f32 = 12.0;
/// How fast the loudness of a voice is forgotten, decibels a frame.
const LEVEL_DECAY_DB: f32 = 0.05;
/// No voice is expected nearer to the background than this: noise is not to be shown as loud as a voice.
const VOICE_ABOVE_FLOOR_DB: f32 = 15.0;
/// What lies further below the loudest of a voice is somebody else's: echo, or people behind the respondent.
const VOICE_RANGE_DB: f32 = 24.0;
/// What lies nearer to the background than this cannot be told from it.
const AUDIBLE_ABOVE_FLOOR_DB: f32 = 1.5;
/// Frames after a tone in which its end still rings in the detector's window.
const TONE_HANG_FRAMES: u8 = 3;
/// Frames of a single steady tone that make a beep: 180 ms, one frame of which the detection costs.
const BEEP_FRAMES: u16 = 10;
/// Longer tones (3 s) are dial tones and the like.
const LONGEST_BEEP_FRAMES: u16 = 187;

/// What a frame holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Verdict {
    /// It stands out of the background.
    pub energetic: bool,
    /// Somebody speaks in it.
    pub voiced: bool,
    /// With this frame, 3 of 5 are voice.
    pub starts: bool,
    /// How many frames ago the voice began; only if `starts`.
    pub onset_frames: u32,
    /// A steady tone has just been recognised, which began [`TONE_DETECTION_MS`] ago: what seemed voice since was none.
    pub tone_began: bool,
    /// A beep has just ended.
    pub beep: bool,
    /// That beep has the pitch of a fax, which may give itself away yet.
    pub may_be_fax: bool,
    /// A fax has given itself away by its tones. Said once.
    pub fax: bool,
}

/// The voice activity detector of one line.
pub struct VoiceDetector {
    gate: Gate,
    tones: ToneDetector,
    fax: FaxDetector,
    earshot: Box<earshot::Detector>,
    doubler: Doubler,
    /// The last frames, which earshot has not seen while the gate was closed.
    recent: [[i16; FRAME_SAMPLES]; WARM_UP_FRAMES],
    /// Frames until the gate closes.
    open_frames: u8,
    tone_hang: u8,
    tone_frames: u16,
    /// The loudness of the voice on the line, dBFS.
    level_db: f32,
    gain: f32,
    /// A bit per frame, the latest lowest.
    voiced: u32,
    sounding: u32,
}

impl Default for VoiceDetector {
    fn default() -> Self {
        Self::new()
    }
}

impl VoiceDetector {
    /// A detector at the beginning of a call.
    pub fn new() -> Self {
        Self {
            gate: Gate::new(),
            tones: ToneDetector::new(),
            fax: FaxDetector::new(),
            earshot: earshot::Detector::default_boxed(),
            doubler: Doubler::new(),
            recent: [[0; FRAME_SAMPLES]; WARM_UP_FRAMES],
            open_frames: 0,
            tone_hang: 0,
            tone_frames: 0,
            level_db: TARGET_DB - HIGHEST_GAIN_DB,
            gain: 1.0,
            voiced: 0,
            sounding: 0,
        }
    }

    /// While a prompt plays, its echo must not count as speech.
    pub fn set_prompt_playing(&mut self, playing: bool) {
        self.gate.echo().set_playing(playing);
    }

    /// What is going to be played (8 kHz mu-law), after all that was given before: its echo can be told from a voice
    /// the better. Optional.
    ///
    /// `offset` says how many samples after the last frame that was judged it begins, unless something is played still.
    pub fn prompt_sent(&mut self, mulaw: Bytes, offset: usize) {
        self.gate.echo().sent(mulaw, offset);
    }

    /// Judges a frame. `speaking` says whether an utterance is open, `gap` that (part of) the frame never came.
    pub fn push(&mut self, frame: &[i16; FRAME_SAMPLES], speaking: bool, gap: bool) -> Verdict {
        // On the frame as it came: under a prompt a steady tone would pass for the loudest of its echo.
        let is_fax = self.fax.push(frame);
        let floor_db = self.gate.floor_db();
        let frame = &self.gate.echo().push(frame, floor_db, speaking, gap);
        let frame_db = level_db(frame);
        // A beep is not to become the background before it ends.
        if !gap && (self.tone_hang == 0 || self.tone_frames > LONGEST_BEEP_FRAMES) {
            self.gate.learn(frame_db, speaking);
        }
        let energetic = frame_db >= self.gate.threshold_db(speaking);
        // Where speech began is looked for in what stands out at all.
        let sounding = frame_db >= self.gate.threshold_db(true);
        let opens = energetic && self.open_frames == 0;
        if energetic {
            self.open_frames = GATE_HANG_FRAMES;
        } else {
            self.open_frames = self.open_frames.saturating_sub(1);
        }
        let mut tone = Tone::None;
        let mut verdict = Verdict {
            energetic,
            fax: is_fax,
            ..Verdict::default()
        };
        if self.open_frames == 0 {
            self.tones.skip(frame);
            verdict.beep = self.note_tone(Tone::None);
            self.level_db -= LEVEL_DECAY_DB;
        } else {
            tone = self.tones.push(frame);
            verdict.tone_began = self.tone_hang == 0 && matches!(tone, Tone::Single | Tone::Double);
            verdict.beep = self.note_tone(tone);
            if self.tone_hang == 0 {
                self.level_db = (self.level_db - LEVEL_DECAY_DB).max(frame_db);
            }
            self.level_db = self.level_db.max(self.gate.floor_db() + VOICE_ABOVE_FLOOR_DB);
            if opens {
                self.warm_up();
            }
            // Of a tone, and of nearly nothing, earshot need not be asked. It must hear fainter noise than the voice,
            // though, or it will take the next noise for more of the voice.
            if self.tone_hang == 0 && frame_db >= gate::QUIETEST_DB {
                let score = self.score(frame);
                verdict.voiced =
                    score >= self.score_threshold(frame_db) && frame_db >= self.quietest_voice_db(speaking);
            }
        }
        verdict.may_be_fax = verdict.beep && self.fax.may_be_fax();
        self.recent.rotate_left(1);
        self.recent[WARM_UP_FRAMES - 1] = *frame;
        self.voiced = self.voiced << 1 | u32::from(verdict.voiced);
        self.sounding = self.sounding << 1 | u32::from(sounding && self.tone_hang == 0);
        verdict.starts =
            verdict.voiced && tone == Tone::None && (self.voiced & START_WINDOW).count_ones() >= START_FRAMES;
        if verdict.starts {
            verdict.onset_frames = self.onset_frames();
        }
        verdict
    }

    /// How long the frames up to now have been voice or stood out, but for single ones in between.
    fn onset_frames(&self) -> u32 {
        let sounding = self.voiced | self.sounding;
        let bridged = sounding | sounding << 1 & sounding >> 1;
        bridged.trailing_ones().min(LONGEST_ONSET_FRAMES)
    }

    /// The level below which a frame holds nothing of the voice that is heard now, whatever earshot still remembers.
    fn quietest_voice_db(&self, speaking: bool) -> f32 {
        let quietest = (self.level_db - VOICE_RANGE_DB).max(self.gate.floor_db() + AUDIBLE_ABOVE_FLOOR_DB);
        quietest.max(self.gate.echo_threshold_db(speaking))
    }

    fn score_threshold(&self, frame_db: f32) -> f32 {
        if frame_db >= QUIETEST_CLEAR_DB.max(self.gate.floor_db() + CLEAR_ABOVE_FLOOR_DB) {
            CLEAR_THRESHOLD
        } else {
            THRESHOLD
        }
    }

    fn note_tone(&mut self, tone: Tone) -> bool {
        if matches!(tone, Tone::Single | Tone::Double) {
            self.tone_hang = TONE_HANG_FRAMES;
        } else {
            self.tone_hang = self.tone_hang.saturating_sub(1);
        }
        if matches!(tone, Tone::Single | Tone::Perhaps) {
            self.tone_frames = self.tone_frames.saturating_add(1);
            return false;
        }
        (BEEP_FRAMES..=LONGEST_BEEP_FRAMES).contains(&std::mem::take(&mut self.tone_frames))
    }

    fn warm_up(&mut self) {
        self.earshot.reset();
        self.gain = self.wanted_gain();
        for index in 0..WARM_UP_FRAMES {
            let frame = self.recent[index];
            self.score(&frame);
        }
    }

    fn wanted_gain(&self) -> f32 {
        let gain_db = (TARGET_DB - self.level_db).min(HIGHEST_GAIN_DB);
        10f32.powf(gain_db / 20.0)
    }

    fn score(&mut self, frame: &[i16; FRAME_SAMPLES]) -> f32 {
        // The gain glides within the frame: a step would be a click.
        let step = (self.wanted_gain() - self.gain) / FRAME_SAMPLES as f32;
        let mut doubled = [0i16; 2 * FRAME_SAMPLES];
        let mut pairs = doubled.as_chunks_mut::<2>().0.iter_mut();
        let gain = &mut self.gain;
        self.doubler.push(frame, |between, sample| {
            *gain += step;
            if let Some(pair) = pairs.next() {
                *pair = [(f32::from(between) * *gain) as i16, (f32::from(sample) * *gain) as i16];
            }
        });
        self.earshot.predict_i16(&doubled)
    }
}

/// Level of a frame in dB of full scale, without its constant part.
fn level_db(frame: &[i16; FRAME_SAMPLES]) -> f32 {
    let sum: i32 = frame.iter().map(|&sample| i32::from(sample)).sum();
    let squares: i64 = frame
        .iter()
        .map(|&sample| i64::from(i32::from(sample) * i32::from(sample)))
        .sum();
    let mean = sum as f32 / FRAME_SAMPLES as f32;
    let power = squares as f32 / FRAME_SAMPLES as f32 - mean * mean;
    10.0 * (power.max(0.01) / (32_768.0 * 32_768.0)).log10()
}
