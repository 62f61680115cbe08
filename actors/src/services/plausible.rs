//! Whether audio can be the speech it is said to be.

use crate::ports::{Pcm, SynthesisError};

/// Samples above this are sound: -46 dBFS.
const AUDIBLE: u16 = 164;
/// Less sound than this is no word.
const SHORTEST_SOUND_MS: u64 = 20;
/// Fastest and slowest plausible speech, in milliseconds a character. People and synthesisers take 50 to 90; numbers
/// are short to write and long to say.
const FASTEST_MS_PER_CHARACTER: u64 = 15;
const SLOWEST_MS_PER_CHARACTER: u64 = 250;
/// What even the shortest sentence may take.
const LONGEST_SHORT_MS: u64 = 4_000;

/// Judges audio as it comes, piece by piece.
#[derive(Clone, Debug)]
pub struct SpeechCheck {
    sample_rate: u64,
    samples: u64,
    sound: u64,
}

impl SpeechCheck {
    /// A judge of audio of which nothing has come yet.
    pub fn new(sample_rate: u32) -> Self {
        Self {
            sample_rate: u64::from(sample_rate.max(1)),
            samples: 0,
            sound: 0,
        }
    }

    /// Takes the next samples.
    pub fn push(&mut self, samples: &[i16]) {
        let sound = samples.iter().filter(|sample| sample.unsigned_abs() > AUDIBLE);
        self.sound += sound.count() as u64;
        self.samples += samples.len() as u64;
    }

    /// Whether something can be heard in what has come.
    pub fn is_audible(&self) -> bool {
        self.ms(self.sound) >= SHORTEST_SOUND_MS
    }

    /// How much has come, in milliseconds.
    pub fn duration_ms(&self) -> u64 {
        self.ms(self.samples)
    }

    /// Judges the whole: no audio, silence, far too little or far too much cannot be the text.
    ///
    /// # Errors
    /// [`SynthesisError::Unusable`] says which.
    pub fn finish(&self, text: &str) -> Result<(), SynthesisError> {
        let unusable = |reason: String| Err(SynthesisError::Unusable { reason });
        if self.samples == 0 {
            return unusable("there is no audio in it".to_owned());
        }
        if !self.is_audible() {
            return unusable("the audio is silent".to_owned());
        }
        let characters = text.chars().filter(|c| c.is_alphanumeric()).count() as u64;
        let all_characters = text.chars().count() as u64;
        let duration_ms = self.duration_ms();
        let plausible =
            characters * FASTEST_MS_PER_CHARACTER..=LONGEST_SHORT_MS + all_characters * SLOWEST_MS_PER_CHARACTER;
        if !plausible.contains(&duration_ms) {
            return unusable(format!("{duration_ms} ms of audio for {all_characters} characters"));
        }
        Ok(())
    }

    fn ms(&self, samples: u64) -> u64 {
        samples * 1_000 / self.sample_rate
    }
}

/// Refuses audio that cannot be the text: [`SpeechCheck::finish`] for all of it at once.
///
/// # Errors
/// [`SynthesisError::Unusable`] says what is wrong with it.
pub fn check_speech(pcm: &Pcm, text: &str) -> Result<(), SynthesisError> {
    let mut check = SpeechCheck::new(pcm.sample_rate);
    check.push(&pcm.samples);
    check.finish(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tone(ms: usize, amplitude: i16) -> Pcm {
        Pcm {
            sample_rate: 8_000,
            samples: vec![amplitude; ms * 8],
        }
    }

    fn fault(pcm: &Pcm, text: &str) -> String {
        check_speech(pcm, text).map_or_else(|fault| fault.to_string(), |()| "plausible".to_owned())
    }

    #[test]
    fn l12_nothing_silence_and_lengths_that_cannot_be_right_are_refused() {
        let sentence = "May I ask you three questions about the clinic?";
        assert!(fault(&tone(0, 0), sentence).contains("no audio"));
        assert!(fault(&tone(2_000, 100), sentence).contains("silent"));
        assert!(fault(&tone(200, 9_000), sentence).contains("200 ms of audio for 47 characters"));
        assert!(fault(&tone(60_000, 9_000), sentence).contains("60000 ms"));
        assert_eq!(fault(&tone(3_000, 9_000), sentence), "plausible");
        assert_eq!(
            fault(&tone(4_900, 9_000), "1500"),
            "plausible",
            "numbers are long to say"
        );
    }

    proptest! {
        #[test]
        fn speech_at_any_human_pace_is_plausible(text in "[a-z ]{4,200}", ms_per_character in 40_usize..150) {
            let ms = (text.chars().count() * ms_per_character).max(100);
            prop_assert!(check_speech(&tone(ms, -9_000), &text).is_ok());
        }

        #[test]
        fn the_size_of_the_pieces_changes_no_judgement(
            samples in prop::collection::vec(-400_i16..400, 0..4_000), piece in 1_usize..900, text in "[a-z ]{0,40}"
        ) {
            let mut check = SpeechCheck::new(8_000);
            samples.chunks(piece).for_each(|piece| check.push(piece));
            let whole = Pcm { sample_rate: 8_000, samples };
            prop_assert_eq!(check.finish(&text), check_speech(&whole, &text));
        }
    }
}
