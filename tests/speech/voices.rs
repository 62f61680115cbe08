//! Synthetic speakers that the acoustic model and the confidence were not fitted to.

use std::path::Path;
use std::process::{Command, Stdio};

/// A speaker: a program's voice.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Voice {
    Flite(&'static str),
    /// Voice and words a minute.
    Espeak(&'static str, u16),
}

/// English speakers, none of them among those of `models/en-us-telephone/adapt.py`.
pub const HELD_OUT: [Voice; 6] = [
    Voice::Flite("awb"),
    Voice::Flite("kal16"),
    Voice::Espeak("en-029", 150),
    Voice::Espeak("en-gb-scotland", 155),
    Voice::Espeak("en-us+f3", 150),
    Voice::Espeak("en-gb+m7", 150),
];

/// What is said in other languages: language and text.
pub const FOREIGN: [(&str, &str); 8] = [
    ("hi", "मुझे नहीं पता आप क्या कह रहे हैं"),
    ("hi", "कौन बोल रहा है"),
    ("hi", "ठीक है"),
    ("de", "guten tag wer ist da"),
    ("es", "no hablo inglés lo siento"),
    ("it", "pronto chi parla"),
    ("fr", "je ne comprends pas"),
    ("te", "నాకు అర్థం కాలేదు"),
];

/// Sentences that no grammar has.
pub const SENTENCES: [&str; 24] = [
    "the bakery on the corner sells fresh bread",
    "my uncle repairs old clocks and watches",
    "we drove along the coast for two days",
    "she forgot her passport at the hotel",
    "there is a spider on the ceiling",
    "the mayor opened the new library yesterday",
    "please water the plants while i am away",
    "his bicycle has a flat tire again",
    "they are building a tunnel under the lake",
    "the soup needs a little more salt",
    "our neighbours have three small children",
    "the museum is free on the first sunday",
    "i dropped my wallet somewhere near the station",
    "the orchestra played until late at night",
    "cut the onions and fry them in butter",
    "a storm knocked over the big oak tree",
    "he wrote a letter to the newspaper",
    "the bus was full so we walked home",
    "what colour are you going to paint the fence",
    "could somebody turn the radio down",
    "put the ladder back in the garage",
    "my sister is learning to play the violin",
    "the dentist found a small hole in my tooth",
    "good morning how are you doing today",
];

/// Single words that no grammar has.
pub const WORDS: [&str; 24] = [
    "hospital", "cucumber", "window", "saturday", "thunder", "camera", "bottle", "purple", "carpet", "engine",
    "village", "lemon", "jacket", "river", "potato", "hello", "planet", "market", "soldier", "apple", "dream", "horse",
    "bread", "cloud",
];

/// Words and pairs of words that no grammar of [`crate::tasks`] has or pronounces alike: 200 drawn from the vocabulary of
/// the general language model, frequent ones the oftener.
pub const ORDINARY: &str = include_str!("ordinary.txt");

/// Single words chosen for sounding like an answer; none is pronounced as one.
pub const LOOK_ALIKES: &str = include_str!("look_alikes.txt");

/// The text in this voice: 8 kHz, without the silence around it.
pub fn speak(voice: Voice, text: &str, folder: &Path) -> Vec<i16> {
    let path = folder.join("said.wav");
    let mut command = match voice {
        Voice::Flite(name) => {
            let mut command = Command::new("flite");
            command.args(["-voice", name, "-t", text, "-o"]).arg(&path);
            command
        }
        Voice::Espeak(name, speed) => {
            let mut command = Command::new("espeak-ng");
            command
                .args(["-v", name, "-s", &speed.to_string(), "-w"])
                .arg(&path)
                .arg(text);
            command
        }
    };
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status();
    assert!(
        status.expect("flite and espeak-ng are installed").success(),
        "{voice:?}"
    );
    let audio = samvad_media::wav::read(&std::fs::read(&path).unwrap()).unwrap();
    let samples = samvad_media::resample::to_8k(&audio.samples, audio.sample_rate).unwrap();
    let loudest = samples.iter().map(|sample| sample.unsigned_abs()).max().unwrap_or(0);
    let speech = |sample: &i16| sample.unsigned_abs() > loudest / 50;
    let first = samples.iter().position(speech).unwrap_or(0);
    let last = samples.iter().rposition(speech).unwrap_or(0);
    samples[first..=last].to_vec()
}
