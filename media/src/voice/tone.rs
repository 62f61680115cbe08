//! Steady tones: keys heard in the audio, dial and busy tones, a voicemail's beep. None of them is speech.
//!
//! A tone keeps one or two frequencies, to a few hertz, and nearly all its energy lies there. A voice moves.

use super::FRAME_SAMPLES;

const WINDOW: usize = 256;
const HERTZ_PER_BIN: f32 = 8_000.0 / WINDOW as f32;
/// Tones of the telephone network lie in these bins: 312 to 2,187 Hz.
const FIRST_BIN: usize = 10;
const LAST_BIN: usize = 70;
/// Half the width of a tone's peak under a Hann window.
const PEAK_BINS: usize = 2;
/// Part of the energy that must lie in the peaks.
const PURITY: f32 = 0.9;
/// What a tone's frequency may differ by from one frame to the next.
const DRIFT_HERTZ: f32 = 6.0;

/// What a frame is, as far as tones go.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Tone {
    None,
    /// One frequency.
    Single,
    /// Two frequencies, as keys and dial tones have.
    Double,
}

pub(super) struct ToneDetector {
    window: [f32; WINDOW],
    recent: [f32; WINDOW],
    previous: Option<Peaks>,
}

#[derive(Debug, Clone, Copy)]
struct Peaks {
    strongest_hertz: f32,
    /// The second frequency, where there is one of weight.
    second_hertz: Option<f32>,
}

impl ToneDetector {
    pub(super) fn new() -> Self {
        let hann = |index: usize| 0.5 - 0.5 * (std::f32::consts::TAU * index as f32 / WINDOW as f32).cos();
        Self {
            window: std::array::from_fn(hann),
            recent: [0.0; WINDOW],
            previous: None,
        }
    }

    /// Notes a frame without looking for a tone in it.
    pub(super) fn skip(&mut self, frame: &[i16; FRAME_SAMPLES]) {
        self.note(frame);
        self.previous = None;
    }

    /// Looks for a tone in this frame and the one before.
    pub(super) fn push(&mut self, frame: &[i16; FRAME_SAMPLES]) -> Tone {
        self.note(frame);
        let mut windowed: [f32; WINDOW] = std::array::from_fn(|index| self.recent[index] * self.window[index]);
        let spectrum = microfft::real::rfft_256(&mut windowed);
        let mut power: [f32; WINDOW / 2] = std::array::from_fn(|bin| spectrum[bin].norm_sqr());
        // The first bin packs the constant and the highest frequency; the next are hum.
        power[..4].fill(0.0);
        let peaks = find_peaks(&mut power);
        let steady = peaks
            .zip(self.previous)
            .is_some_and(|(now, before)| now.continues(before));
        self.previous = peaks;
        match peaks {
            Some(peaks) if steady && peaks.second_hertz.is_some() => Tone::Double,
            Some(_) if steady => Tone::Single,
            _ => Tone::None,
        }
    }

    fn note(&mut self, frame: &[i16; FRAME_SAMPLES]) {
        self.recent.copy_within(FRAME_SAMPLES.., 0);
        for (recent, &sample) in self.recent[WINDOW - FRAME_SAMPLES..].iter_mut().zip(frame) {
            *recent = f32::from(sample);
        }
    }
}

impl Peaks {
    fn continues(self, before: Self) -> bool {
        let near = |now: f32, before: f32| (now - before).abs() <= DRIFT_HERTZ;
        match (self.second_hertz, before.second_hertz) {
            (None, None) => near(self.strongest_hertz, before.strongest_hertz),
            (Some(second), Some(second_before)) => {
                // Two tones of like strength may change places.
                near(self.strongest_hertz, before.strongest_hertz) && near(second, second_before)
                    || near(self.strongest_hertz, second_before) && near(second, before.strongest_hertz)
            }
            _ => false,
        }
    }
}

/// The one or two frequencies that hold nearly all of the energy. Empties the peaks it finds.
fn find_peaks(power: &mut [f32; WINDOW / 2]) -> Option<Peaks> {
    let total: f32 = power.iter().sum();
    let (strongest_hertz, first) = take_peak(power)?;
    if first >= PURITY * total {
        return Some(Peaks {
            strongest_hertz,
            second_hertz: None,
        });
    }
    let (second_hertz, second) = take_peak(power)?;
    // A key's two tones differ by few decibels; a partner 10 dB weaker is a harmonic of a voice.
    let pair = first + second >= PURITY * total && second >= 0.1 * first;
    pair.then_some(Peaks {
        strongest_hertz,
        second_hertz: Some(second_hertz),
    })
}

/// Frequency and energy of the highest peak in the tones' range, which is taken out.
fn take_peak(power: &mut [f32; WINDOW / 2]) -> Option<(f32, f32)> {
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
    Some(((bin as f32 + offset) * HERTZ_PER_BIN, energy))
}
