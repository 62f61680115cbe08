//! What the caller's telephone sends: a recording, noise, and an echo of what it is playing, mixed tick by tick.

use super::{Clip, NoiseLoop, SAMPLES_PER_MS, SILENCE, TICK_SAMPLES, amplitude, clipped, decode, encode};
use std::collections::VecDeque;
use std::sync::Arc;

/// An echo of the agent's voice: through the caller's loudspeaker back into the microphone.
#[derive(Debug)]
pub(crate) struct Echo {
    factor: f64,
    delayed: VecDeque<i16>,
}

impl Echo {
    /// `level_db` relative to what is played (negative: softer), `delay_ms` later.
    pub(crate) fn new(level_db: f64, delay_ms: u64) -> Self {
        let delay = delay_ms as usize * SAMPLES_PER_MS;
        Self {
            factor: amplitude(level_db),
            delayed: VecDeque::from(vec![0; delay]),
        }
    }
}

/// One caller's line towards the network.
#[derive(Debug, Default)]
pub(crate) struct Line {
    noise: Option<(Arc<NoiseLoop>, usize)>,
    echo: Option<Echo>,
    playing: Option<(Arc<Clip>, usize)>,
}

impl Line {
    /// A line with the given background. `noise` comes with the position where its loop begins.
    pub(crate) fn new(noise: Option<(Arc<NoiseLoop>, usize)>, echo: Option<Echo>) -> Self {
        Self {
            noise,
            echo,
            playing: None,
        }
    }

    /// Begins a recording at the next tick, in place of one that is still playing.
    pub(crate) fn play(&mut self, clip: Arc<Clip>) {
        self.playing = Some((clip, 0));
    }

    /// The next 20 ms to send, as mu-law. `heard` is what the caller's loudspeaker plays in this tick, if anything.
    pub(crate) fn tick(&mut self, heard: Option<&[u8]>) -> [u8; TICK_SAMPLES] {
        let mut frame = [SILENCE; TICK_SAMPLES];
        if let Some((clip, at)) = &mut self.playing {
            let rest = &clip.mulaw()[*at..];
            let length = rest.len().min(TICK_SAMPLES);
            frame[..length].copy_from_slice(&rest[..length]);
            *at += length;
            if length < TICK_SAMPLES {
                self.playing = None;
            }
        }
        if self.noise.is_some() || self.echo.is_some() {
            self.mix_background(&mut frame, heard);
        }
        frame
    }

    fn mix_background(&mut self, frame: &mut [u8; TICK_SAMPLES], heard: Option<&[u8]>) {
        for (index, byte) in frame.iter_mut().enumerate() {
            let mut sample = f64::from(decode(*byte));
            if let Some((noise, at)) = &mut self.noise {
                sample += f64::from(noise.at(*at));
                *at += 1;
            }
            if let Some(echo) = &mut self.echo {
                let played = heard.and_then(|bytes| bytes.get(index)).map_or(0, |&byte| decode(byte));
                echo.delayed.push_back(played);
                sample += f64::from(echo.delayed.pop_front().unwrap_or(0)) * echo.factor;
            }
            *byte = encode(clipped(sample));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::Colour;

    #[test]
    fn a_recording_is_sent_byte_for_byte_and_silence_follows() {
        let clip = Arc::new(Clip::tone(&[440.0], 30, -12.0));
        let mut line = Line::default();
        line.play(clip.clone());
        assert_eq!(line.tick(None)[..], clip.mulaw()[..160]);
        let second = line.tick(None);
        assert_eq!(second[..80], clip.mulaw()[160..]);
        assert_eq!(second[80..], [SILENCE; 80]);
        assert_eq!(line.tick(None), [SILENCE; 160]);
    }

    #[test]
    fn an_echo_is_what_was_played_later_and_softer() {
        let mut line = Line::new(None, Some(Echo::new(-20.0, 30)));
        let played = [encode(10_000); 160];
        let mut sent: Vec<i16> = Vec::new();
        for heard in [Some(&played[..]), None, None] {
            sent.extend(line.tick(heard).iter().map(|&byte| decode(byte)));
        }
        assert!(sent[..240].iter().all(|&sample| sample == 0));
        assert!(sent[240..400].iter().all(|&sample| (950..1_050).contains(&sample)));
        assert!(sent[400..].iter().all(|&sample| sample == 0));
    }

    #[test]
    fn noise_is_always_on_the_line() {
        let noise = Arc::new(NoiseLoop::new(Colour::White, 300.0, 1));
        let mut line = Line::new(Some((noise, 0)), None);
        assert_ne!(line.tick(None), [SILENCE; 160]);
    }
}
