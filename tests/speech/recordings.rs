//! Recorded answers, cut as the voice activity detector cuts them.

use std::path::{Path, PathBuf};

/// One row of the recordings' manifest.
#[derive(Debug, Clone)]
pub struct Recording {
    pub file: String,
    pub question: String,
    pub expected_intent: String,
    /// What is said.
    pub text: String,
    /// First and last millisecond of speech, if there is any.
    pub speech_ms: Option<(usize, usize)>,
}

impl Recording {
    /// True if it holds an answer to a closed question, or a wish.
    pub fn is_answer(&self) -> bool {
        !matches!(
            self.expected_intent.as_str(),
            "free_text" | "voicemail" | "no_input" | "dtmf"
        )
    }

    /// All of it.
    pub fn samples(&self, folder: &Path) -> Vec<i16> {
        let bytes = std::fs::read(folder.join(&self.file)).unwrap();
        samvad_media::wav::read(&bytes).unwrap().samples
    }
}

/// The folder of recorded answers.
pub fn recordings_folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/audio")
}

/// Every recorded answer.
pub fn recordings() -> Vec<Recording> {
    recordings_in(&recordings_folder())
}

/// Every recording in the manifest of this folder.
pub fn recordings_in(folder: &Path) -> Vec<Recording> {
    let mut reader = csv::Reader::from_path(folder.join("manifest.csv")).unwrap();
    let headers = reader.headers().unwrap().clone();
    let column = |name: &str| headers.iter().position(|header| header == name).unwrap();
    reader
        .records()
        .map(|row| {
            let row = row.unwrap();
            let text = |name: &str| row[column(name)].to_owned();
            let ms = |name: &str| row[column(name)].parse().ok();
            Recording {
                file: text("file"),
                question: text("question"),
                expected_intent: text("expected_intent"),
                text: text("text"),
                speech_ms: ms("speech_start_ms").zip(ms("speech_end_ms")),
            }
        })
        .collect()
}

/// The samples of a recorded answer from 300 ms before its speech to 500 ms after; all of it if there is no speech.
pub fn utterance_of(recording: &Recording) -> Vec<i16> {
    let samples = recording.samples(&recordings_folder());
    let Some((start, end)) = recording.speech_ms else {
        return samples;
    };
    let end = ((end + 500) * 8).min(samples.len());
    samples[start.saturating_sub(300) * 8..end].to_vec()
}

/// The same by file name.
pub fn fixture_utterance(file: &str) -> Vec<i16> {
    let recording = recordings().into_iter().find(|recording| recording.file == file);
    utterance_of(&recording.unwrap_or_else(|| panic!("no recording {file}")))
}
