//! Fax machines, known by their tones, and what only sounds like one.

use crate::support::*;
use std::f64::consts::TAU;

const RATE: f64 = 8_000.0;

/// What is on a line that is silent but for its noise.
struct Sounds(Vec<f64>);

impl Sounds {
    fn new() -> Self {
        Self(Vec::new()).silence(1_000)
    }

    fn silence(mut self, ms: usize) -> Self {
        self.0.extend(std::iter::repeat_n(0.0, ms * 8));
        self
    }

    fn tone(self, hertz: f64, ms: usize, peak: f64) -> Self {
        self.sound(ms, |time| peak * (time * hertz * TAU).sin())
    }

    fn sound(mut self, ms: usize, sample: impl Fn(f64) -> f64) -> Self {
        self.0.extend((0..ms * 8).map(|index| sample(index as f64 / RATE)));
        self
    }

    fn hear(self, level: f64) -> Heard {
        let noise = noise(self.0.len(), true, level, 7);
        hear_samples(
            &self
                .0
                .iter()
                .zip(noise)
                .map(|(sound, noise)| sound + noise)
                .collect::<Vec<_>>(),
        )
    }
}

/// T.30's answering tone as V.8 has it: its phase turned every 450 ms, its strength swelling 15 times a second.
fn modified_answer(time: f64) -> f64 {
    let turned = if ((time / 0.45) as u32).is_multiple_of(2) {
        0.0
    } else {
        TAU / 2.0
    };
    3_000.0 * (1.0 + 0.2 * (time * 15.0 * TAU).sin()) * (time * 2_100.0 * TAU + turned).sin()
}

#[test]
fn a_fax_that_answers_is_known_by_its_tone_before_the_tone_is_over() {
    for (hertz, peak, noise) in [
        (2_100.0, 6_000.0, 10.0),
        (2_085.0, 800.0, 10.0),
        (2_115.0, 2_000.0, 60.0),
    ] {
        let heard = Sounds::new().tone(hertz, 2_600, peak).silence(1_000).hear(noise);
        assert!(
            matches!(heard.faxes.as_slice(), [at_ms] if (1_900..3_000).contains(at_ms)),
            "{hertz} Hz: {heard:?}"
        );
        assert_eq!(heard.utterances, [], "{hertz} Hz");
    }
    let heard = Sounds::new().sound(3_300, modified_answer).silence(1_000).hear(10.0);
    assert_eq!(heard.faxes.len(), 1, "{heard:?}");
    assert!(heard.faxes[0] < 4_000, "{heard:?}");
}

#[test]
fn a_fax_that_calls_is_known_by_its_second_tone_and_its_first_is_no_beep() {
    for (on, off) in [(500, 3_000), (430, 2_600), (570, 3_400)] {
        let tones = Sounds::new().tone(1_100.0, on, 4_000.0).silence(off);
        let heard = tones.tone(1_100.0, on, 4_000.0).silence(1_000).hear(10.0);
        assert_eq!((heard.faxes.len(), heard.beeps.len()), (1, 0), "{on} {off}: {heard:?}");
    }
}

#[test]
fn l16_a_beep_of_any_pitch_is_no_fax_and_the_beep_after_a_greeting_is_one_even_at_a_faxs_pitch() {
    for hertz in [440.0, 1_000.0, 1_100.0, 1_400.0, 2_100.0] {
        for ms in [200, 500, 900] {
            let heard = Sounds::new().tone(hertz, ms, 6_000.0).silence(1_000).hear(10.0);
            assert!(heard.faxes.is_empty(), "{hertz} Hz, {ms} ms");
        }
    }
    let greeting = Recording::named("24_voicemail_human.wav");
    // At once, while more of the greeting may still come, and after it.
    for pause in [200, 1_000] {
        let mut sounds = Sounds::new();
        sounds
            .0
            .extend(greeting.samples.iter().map(|&sample| f64::from(sample)));
        let heard = sounds
            .silence(pause)
            .tone(1_100.0, 500, 4_000.0)
            .silence(1_000)
            .hear(5.0);
        assert!(heard.faxes.is_empty(), "{heard:?}");
        assert!(!heard.beeps.is_empty(), "{pause}: {heard:?}");
    }
}

#[test]
fn no_recording_of_a_person_or_a_voicemail_is_a_fax() {
    for recording in Recording::all().iter().chain(&Recording::extra()) {
        assert!(hear(recording).faxes.is_empty(), "{}", recording.file);
    }
}

#[test]
fn a_fax_is_known_under_a_prompt_that_is_being_played() {
    let prompt = mulaw(&Recording::named("20_free_service.wav").samples);
    let line = Sounds::new().tone(2_100.0, 2_600, 5_000.0).silence(500).0;
    let mut listener = samvad_media::listener::Listener::new(patient());
    let mut notes = Notes::default();
    listener.prompt_sent(prompt.into());
    for (index, samples) in line.chunks(160).enumerate() {
        let samples: Vec<i16> = samples.iter().map(|&sample| sample as i16).collect();
        listener.push_mulaw(Some(index as u64 * 20), &mulaw(&samples), &mut notes);
    }
    let heard = Heard::from(notes);
    assert!(heard.faxes.len() == 1 && heard.beeps.is_empty(), "{heard:?}");
}
