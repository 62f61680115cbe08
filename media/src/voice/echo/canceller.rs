//! An adaptive filter that computes the echo from what is played and takes it off.
//!
//! A Kalman filter in the frequency domain, in partitions of one frame (Enzner and Vary, "Frequency-domain adaptive
//! Kalman filter for acoustic echo control in hands-free telephones", Signal Processing 86, 2006; partitioned after
//! Kuech et al., ICASSP 2014). Its step follows from how certain it is of each frequency and how much else is heard in
//! it, so that it needs no detector of double talk: somebody who speaks makes it slow by himself.

use super::FRAME_SAMPLES;
use super::far_end::FarEnd;
use microfft::Complex32;

const FFT: usize = 2 * FRAME_SAMPLES;
const BINS: usize = FRAME_SAMPLES + 1;
/// The echo may ring for so many frames (64 ms), less what lies before its delay.
const PARTITIONS: usize = 4;
/// How uncertain the filter is at first, as the square of a gain: that of a speaker phone.
const FIRST_VARIANCE: f32 = 0.005;
/// How much of the echo path stays as it is from one frame to the next, as a factor of its gain.
const PERSISTENCE: f32 = 0.996;
/// How much of the level of all else is forgotten in a frame.
const FORGETTING: f32 = 0.4;

type Spectrum = [Complex32; BINS];

pub(super) struct Canceller {
    /// What is played is taken from so many samples ago on.
    delay: usize,
    weights: [Spectrum; PARTITIONS],
    variances: [[f32; BINS]; PARTITIONS],
    played: [Spectrum; PARTITIONS],
    others: [f32; BINS],
    /// The pair of partitions that was constrained last.
    turn: usize,
}

impl Canceller {
    /// A filter that knows of nothing but the delay, in samples.
    pub(super) fn new(delay: usize) -> Self {
        Self {
            delay,
            weights: [[Complex32::default(); BINS]; PARTITIONS],
            variances: [[FIRST_VARIANCE; BINS]; PARTITIONS],
            played: [[Complex32::default(); BINS]; PARTITIONS],
            others: [0.0; BINS],
            turn: 0,
        }
    }

    pub(super) fn delay(&self) -> usize {
        self.delay
    }

    /// The same echo path, later or earlier.
    pub(super) fn set_delay(&mut self, delay: usize, far_end: &FarEnd) {
        self.delay = delay;
        for (age, spectrum) in self.played.iter_mut().enumerate() {
            *spectrum = transformed(&mut far_end.samples(delay + age * FRAME_SAMPLES));
        }
    }

    /// The echo in a frame, as far as the filter knows it. It learns, if it may, from what is left without it.
    pub(super) fn push(
        &mut self,
        frame: &[i16; FRAME_SAMPLES],
        far_end: &FarEnd,
        learns: bool,
    ) -> [f32; FRAME_SAMPLES] {
        self.played.rotate_right(1);
        self.played[0] = transformed(&mut far_end.samples(self.delay));
        if self
            .played
            .as_flattened()
            .iter()
            .all(|bin| bin.re == 0.0 && bin.im == 0.0)
        {
            return [0.0; FRAME_SAMPLES];
        }
        let mut sum = [Complex32::default(); BINS];
        for (weights, played) in self.weights.iter().zip(&self.played) {
            for ((sum, weight), played) in sum.iter_mut().zip(weights).zip(played) {
                *sum += weight * played;
            }
        }
        let mut both = [Complex32::default(); FFT];
        pack(&sum, None, &mut both);
        let filtered = microfft::inverse::ifft_256(&mut both);
        let echo: [f32; FRAME_SAMPLES] = std::array::from_fn(|index| filtered[FRAME_SAMPLES + index].re);
        if learns {
            self.learn(frame, &echo);
        }
        echo
    }

    fn learn(&mut self, frame: &[i16; FRAME_SAMPLES], echo: &[f32; FRAME_SAMPLES]) {
        let mut left = [0.0; FFT];
        for ((left, &heard), echo) in left[FRAME_SAMPLES..].iter_mut().zip(frame).zip(echo) {
            *left = f32::from(heard) - echo;
        }
        let left = transformed(&mut left);
        // Half of each block is silence: see the sources.
        let mut spread = [0.0f32; BINS];
        for (variances, played) in self.variances.iter().zip(&self.played) {
            for ((spread, variance), played) in spread.iter_mut().zip(variances).zip(played) {
                *spread += 0.5 * variance * played.norm_sqr();
            }
        }
        for ((spread, others), left) in spread.iter_mut().zip(&mut self.others).zip(&left) {
            *others += FORGETTING * (left.norm_sqr() - *others);
            // The reciprocal, for all partitions.
            *spread = 1.0 / (*spread + *others + 1.0);
        }
        for ((weights, variances), played) in self.weights.iter_mut().zip(&mut self.variances).zip(&self.played) {
            for bin in 0..BINS {
                let gain = variances[bin] * spread[bin];
                weights[bin] += played[bin].conj() * left[bin] * gain;
                let certain = 1.0 - 0.5 * gain * played[bin].norm_sqr();
                let persistence = PERSISTENCE * PERSISTENCE;
                variances[bin] = persistence * certain * variances[bin] + (1.0 - persistence) * weights[bin].norm_sqr();
            }
        }
        // One pair a frame is enough, and half the work.
        let pairs = self.weights.as_chunks_mut::<2>().0;
        self.turn = (self.turn + 1) % pairs.len();
        constrain(&mut pairs[self.turn]);
    }
}

/// Keeps the filters of two partitions to a frame's length: what the circular convolution adds is no part of them.
fn constrain([first, second]: &mut [Spectrum; 2]) {
    let mut both = [Complex32::default(); FFT];
    pack(first, Some(second), &mut both);
    let taps = microfft::inverse::ifft_256(&mut both);
    taps[FRAME_SAMPLES..].fill(Complex32::default());
    let spectrum = microfft::complex::cfft_256(taps);
    for bin in 0..BINS {
        let (above, below) = (spectrum[bin], spectrum[(FFT - bin) % FFT].conj());
        first[bin] = (above + below) * 0.5;
        second[bin] = (above - below) * Complex32::new(0.0, -0.5);
    }
}

/// The spectra of one or two real signals as that of a complex one, whose parts they are.
fn pack(first: &Spectrum, second: Option<&Spectrum>, both: &mut [Complex32; FFT]) {
    for bin in 0..BINS {
        let turned = second.map_or(Complex32::default(), |second| {
            Complex32::new(-second[bin].im, second[bin].re)
        });
        both[bin] = first[bin] + turned;
        if bin > 0 {
            both[FFT - bin] = (first[bin] - turned).conj();
        }
    }
    // Of a real signal the lowest and the highest frequency are real.
    for bin in [0, FRAME_SAMPLES] {
        both[bin] = Complex32::new(first[bin].re, second.map_or(0.0, |second| second[bin].re));
    }
}

fn transformed(samples: &mut [f32; FFT]) -> Spectrum {
    let spectrum = microfft::real::rfft_256(samples);
    // The first bin packs the lowest and the highest frequency.
    let ends = spectrum[0];
    std::array::from_fn(|bin| match bin {
        0 => Complex32::new(ends.re, 0.0),
        FRAME_SAMPLES => Complex32::new(ends.im, 0.0),
        _ => spectrum[bin],
    })
}
