//! Steady tones: keys heard in the audio, dial and busy tones, a voicemail's beep. None of them is speech.
//!
//! A tone keeps one or two frequencies, to a few hertz, and nearly all its energy lies there. A voice moves.

use super::FRAME_SAMPLES;
use std::sync::LazyLock;

const WINDOW: usize = 512;
const HERTZ_PER_BIN: f32 = 8_000.0 / WINDOW as f32;
/// Tones of the telephone network and of fax machines lie in these bins: 328 to 2,141 Hz.
const FIRST_BIN: usize = 21;
const LAST_BIN: usize = 137;
/// Half the width of a tone's peak under a Hann window.
const PEAK_BINS: usize = 3;
/// Part of the energy that must lie in the peaks.
const PURITY: f32 = 0.9;
/// What a tone's frequency may differ by from one frame to the next.
const DRIFT_HERTZ: f32 = 4.0;
/// What its energy may differ by, as a factor.
const DRIFT_ENERGY: f32 = 1.3;
/// So many frames in a row must continue the one before: a sung note has one frequency as well, but hardly two.
const STEADY_SINGLE: u8 = 4;
const STEADY_DOUBLE: u8 = 2;

static HANN: LazyLock<[f32; WINDOW]> = LazyLock::new(|| {
    std::array::from_fn(|index| 0.5 - 0.5 * (std::f32::consts::TAU * index as f32 / WINDOW as f32).cos())
});

/// What a frame is, as far as tones go.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Tone {
    None,
    /// It continues the frame before as a tone does, but not for long enough yet to be sure.
    Perhaps,
    /// One frequency.
    Single,
    /// Two frequencies, as keys and dial tones have.
    Double,
}

pub(super) struct ToneDetector {
    recent: [i16; WINDOW],
    previous: Option<Peaks>,
    steady: u8,
}

#[derive(Debug, Clone, Copy)]
struct Peak {
    hertz: f32,
    energy: f32,
}

#[derive(Debug, Clone, Copy)]
struct Peaks {
    strongest: Peak,
    /// The second frequency, where there is one of weight.
    second: Option<Peak>,
}

impl ToneDetector {
    pub(super) fn new() -> Self {
        Self {
            recent: [0; WINDOW],
            previous: None,
            steady: 0,
        }
    }

    /// Notes a frame without looking for a tone in it.
    pub(super) fn skip(&mut self, frame: &[i16; FRAME_SAMPLES]) {
        self.note(frame);
        self.previous = None;
        self.steady = 0;
    }

    /// Looks for a tone in this frame and the one before.
    pub(super) fn push(&mut self, frame: &[i16; FRAME_SAMPLES]) -> Tone {
        self.note(frame);
        let mut windowed: [f32; WINDOW] = std::array::from_fn(|index| f32::from(self.recent[index]) * HANN[index]);
        let spectrum = microfft::real::rfft_512(&mut windowed);
        let mut power: [f32; WINDOW / 2] = std::array::from_fn(|bin| spectrum[bin].norm_sqr());
        // The first bin packs the constant and the highest frequency; the next are hum.
        power[..8].fill(0.0);
        let peaks = find_peaks(&mut power);
        let continues = peaks
            .zip(self.previous)
            .is_some_and(|(now, before)| now.continues(before));
        self.previous = peaks;
        self.steady = if continues { self.steady.saturating_add(1) } else { 0 };
        match peaks {
            Some(Peaks { second: Some(_), .. }) if self.steady >= STEADY_DOUBLE => Tone::Double,
            Some(Peaks { second: None, .. }) if self.steady >= STEADY_SINGLE => Tone::Single,
            Some(_) if self.steady > 0 => Tone::Perhaps,
            _ => Tone::None,
        }
    }

    fn note(&mut self, frame: &[i16; FRAME_SAMPLES]) {
        self.recent.copy_within(FRAME_SAMPLES.., 0);
        self.recent[WINDOW - FRAME_SAMPLES..].copy_from_slice(frame);
    }
}

impl Peak {
    fn continues(self, before: Self) -> bool {
        (self.hertz - before.hertz).abs() <= DRIFT_HERTZ
            && self.energy <= before.energy * DRIFT_ENERGY
            && before.energy <= self.energy * DRIFT_ENERGY
    }
}

impl Peaks {
    fn continues(self, before: Self) -> bool {
        match (self.second, before.second) {
            (None, None) => self.strongest.continues(before.strongest),
            // Two tones of like strength may change places.
            (Some(second), Some(second_before)) => {
                self.strongest.continues(before.strongest) && second.continues(second_before)
                    || self.strongest.continues(second_before) && second.continues(before.strongest)
            }
            _ => false,
        }
    }
}

/// The one or two frequencies that hold nearly all of the energy. Empties the peaks it finds.
fn find_peaks(power: &mut [f32; WINDOW / 2]) -> Option<Peaks> {
    let total: f32 = power.iter().sum();
    let strongest = take_peak(power)?;
    if strongest.energy >= PURITY * total {
        return Some(Peaks {
            strongest,
            second: None,
        });
    }
    let second = take_peak(power)?;
    // A key's two tones differ by few decibels; a partner 10 dB weaker is a harmonic of a voice.
    let pair = strongest.energy + second.energy >= PURITY * total && second.energy >= 0.1 * strongest.energy;
    pair.then_some(Peaks {
        strongest,
        second: Some(second),
    })
}

/// Frequency and energy of the highest peak in the tones' range, which is taken out.
fn take_peak(power: &mut [f32; WINDOW / 2]) -> Option<Peak> {
    let bin = (FIRST_BIN..=LAST_BIN).max_by(|&a, &b| power[a].total_cmp(&power[b]))?;
    let (below, at, above) = (power[bin - 1], power[bin], power[bin + 1]);
    if at <= 0.0 {
        return None;
    }
    // The Hann window's peak is close to a parabola on a logarithmic scale.
    let (below, at, above) = ((below + 1e-9).ln(), at.ln(), (above + 1e-9).ln());
    let curvature = below - 2.0 * at + above;
    let offset = if curvature < 0.0 {
        0.5 * (below - above) / curvature
    } else {
        0.0
    };
    let peak = &mut power[bin - PEAK_BINS..=bin + PEAK_BINS];
    let energy = peak.iter().sum();
    peak.fill(0.0);
    Some(Peak {
        hertz: (bin as f32 + offset) * HERTZ_PER_BIN,
        energy,
    })
}
