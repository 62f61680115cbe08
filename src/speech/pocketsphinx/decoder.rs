//! A safe decoder over PocketSphinx: the only unsafe code of the project.
#![expect(unsafe_code, reason = "PocketSphinx is a C library")]

use super::ffi;
use std::collections::HashMap;
use std::ffi::{CStr, CString, c_int};
use std::path::Path;
use std::ptr::{NonNull, null_mut};

/// Samples per second of the acoustic model.
pub const SAMPLE_RATE: u32 = 16_000;

/// Why PocketSphinx refused. The library says no more than that it did.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecoderError {
    /// A text for the library held a NUL byte.
    #[error("{what} holds a NUL byte")]
    NulByte {
        /// Which text.
        what: &'static str,
    },
    /// The model or a setting is missing or wrong.
    #[error("PocketSphinx cannot load the acoustic model in {path}; on Debian: apt install pocketsphinx-en-us")]
    Model {
        /// The model's directory.
        path: String,
    },
    /// A word was not taken.
    #[error("PocketSphinx refused the word {word:?} with the pronunciation {phones:?}")]
    Word {
        /// The word.
        word: String,
        /// Its phones.
        phones: String,
    },
    /// A search was not taken or does not exist.
    #[error("PocketSphinx refused the {kind} {name:?}")]
    Search {
        /// Grammar, phone loop or language model.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// Decoding failed.
    #[error("PocketSphinx failed to {step}")]
    Decode {
        /// The step.
        step: &'static str,
    },
}

/// A stretch of a hypothesis: a word, or a phone of a phone loop, or silence.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Segment {
    /// As the dictionary spells it; `<sil>` and `[NOISE]` are fillers.
    pub word: String,
    /// Which of the word's pronunciations it was, from 0.
    pub variant: usize,
    /// First frame of 10 ms.
    pub first_frame: usize,
    /// Last frame.
    pub last_frame: usize,
    /// Acoustic score: logarithmic, 0 is best.
    pub score: i32,
}

impl Segment {
    /// True for silence and noise.
    pub fn is_filler(&self) -> bool {
        self.word.starts_with(['<', '[', '+']) || self.word == "SIL"
    }

    /// Length in frames of 10 ms.
    pub fn frames(&self) -> usize {
        (self.last_frame + 1).saturating_sub(self.first_frame)
    }
}

/// What a search found in an utterance.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Hypothesis {
    /// Words separated by a space; empty if the search found no path to its end.
    pub text: String,
    /// Path score: logarithmic, 0 is best.
    pub score: i32,
    /// Frames of 10 ms that were searched (the library leaves out long silences).
    pub frames: usize,
    /// The path.
    pub segments: Vec<Segment>,
}

/// One decoder with its searches and words. It may move between threads but serves one at a time.
pub struct Decoder {
    raw: NonNull<ffi::PsDecoder>,
    /// Each word with its pronunciations.
    words: HashMap<String, Vec<String>>,
}

// SAFETY: a decoder owns all its state; the library keeps no thread-local data about it.
unsafe impl Send for Decoder {}

impl Decoder {
    /// Loads an acoustic model. `settings` are further options of PocketSphinx with their values. The library's own
    /// log is turned off for the whole process: it would hold what was said.
    pub fn new(model: &Path, settings: &[(&str, &str)]) -> Result<Self, DecoderError> {
        let path = model.display().to_string();
        let model_error = || DecoderError::Model { path: path.clone() };
        let mut arguments = Vec::new();
        for (name, value) in std::iter::once(&("-hmm", path.as_str())).chain(settings) {
            arguments.push(text("a setting", name)?);
            arguments.push(text("a setting", value)?);
        }
        let mut raw_arguments: Vec<_> = arguments.iter().map(|text| text.as_ptr().cast_mut()).collect();
        let count = i32::try_from(raw_arguments.len()).map_err(|_| model_error())?;
        // SAFETY: plain calls; the arguments are only read, and copied, by the call that takes them.
        unsafe {
            ffi::err_set_logfp(null_mut());
            let config = ffi::cmd_ln_parse_r(null_mut(), ffi::ps_args(), count, raw_arguments.as_mut_ptr(), 1);
            if config.is_null() {
                return Err(model_error());
            }
            let raw = ffi::ps_init(config);
            ffi::cmd_ln_free_r(config);
            Ok(Self {
                raw: NonNull::new(raw).ok_or_else(model_error)?,
                words: HashMap::new(),
            })
        }
    }

    /// The pronunciations of a word that was taught, each a list of phones separated by a space; none if it was not.
    pub fn pronunciations(&self, word: &str) -> &[String] {
        self.words.get(word).map_or(&[], Vec::as_slice)
    }

    /// Teaches a word: its pronunciations, each a list of phones separated by a space.
    pub fn add_word(&mut self, word: &str, pronunciations: &[String]) -> Result<(), DecoderError> {
        for (index, phones) in pronunciations.iter().enumerate() {
            let entry = match index {
                0 => word.to_owned(),
                _ => format!("{word}({})", index + 1),
            };
            let (entry, raw_phones) = (text("a word", &entry)?, text("a pronunciation", phones)?);
            // SAFETY: the decoder is live and the strings outlive the call.
            let id = unsafe { ffi::ps_add_word(self.raw.as_ptr(), entry.as_ptr(), raw_phones.as_ptr(), 0) };
            if id < 0 {
                return Err(DecoderError::Word {
                    word: word.to_owned(),
                    phones: phones.clone(),
                });
            }
        }
        self.words.insert(word.to_owned(), pronunciations.to_vec());
        Ok(())
    }

    /// Adds a grammar in JSGF under a name. Every word must have been taught before.
    pub fn add_grammar(&mut self, name: &str, jsgf: &str) -> Result<(), DecoderError> {
        self.add_search("grammar", name, jsgf, ffi::ps_set_jsgf_string)
    }

    /// Adds a phone loop under a name, with a language model of phones if `path` is not empty.
    pub fn add_phone_loop(&mut self, name: &str, path: &str) -> Result<(), DecoderError> {
        self.add_search("phone loop", name, path, ffi::ps_set_allphone_file)
    }

    /// Adds a language model of words under a name. Words must have been taught before.
    pub fn add_language_model(&mut self, name: &str, path: &str) -> Result<(), DecoderError> {
        self.add_search("language model", name, path, ffi::ps_set_lm_file)
    }

    /// Forgets a search. Unknown names are ignored.
    pub fn remove_search(&mut self, name: &str) {
        if let Ok(name) = text("a name", name) {
            // SAFETY: the decoder is live and the string outlives the call.
            unsafe { ffi::ps_unset_search(self.raw.as_ptr(), name.as_ptr()) };
        }
    }

    /// Decodes a whole utterance, 16 kHz, with the search of that name.
    pub fn decode(&mut self, search: &str, samples: &[i16]) -> Result<Hypothesis, DecoderError> {
        let name = text("a name", search)?;
        let raw = self.raw.as_ptr();
        let check = |step, status: c_int| match status {
            0.. => Ok(()),
            _ => Err(DecoderError::Decode { step }),
        };
        // SAFETY: the decoder is live, no other thread has it (`&mut self`), and the samples outlive the call.
        unsafe {
            check("choose the search", ffi::ps_set_search(raw, name.as_ptr()))?;
            check("start the utterance", ffi::ps_start_utt(raw))?;
            let status = ffi::ps_process_raw(raw, samples.as_ptr(), samples.len(), 0, 1);
            // The utterance is ended in any case: the decoder must be fit for the next one.
            let ended = ffi::ps_end_utt(raw);
            check("search the samples", status)?;
            check("end the utterance", ended)?;
            let mut score = 0;
            let hypothesis = ffi::ps_get_hyp(raw, &mut score);
            Ok(Hypothesis {
                text: owned(hypothesis),
                score,
                frames: usize::try_from(ffi::ps_get_n_frames(raw)).unwrap_or(0),
                segments: self.segments(),
            })
        }
    }

    fn segments(&mut self) -> Vec<Segment> {
        let mut found = Vec::new();
        // SAFETY: the decoder is live; the iterator is read to its end, where the library frees it.
        unsafe {
            let mut segment = ffi::ps_seg_iter(self.raw.as_ptr());
            while !segment.is_null() {
                let (mut first, mut last, mut score, mut language, mut backoff) = (0, 0, 0, 0, 0);
                ffi::ps_seg_frames(segment, &mut first, &mut last);
                ffi::ps_seg_prob(segment, &mut score, &mut language, &mut backoff);
                let (word, variant) = spelled(&owned(ffi::ps_seg_word(segment)));
                found.push(Segment {
                    word,
                    variant,
                    first_frame: usize::try_from(first).unwrap_or(0),
                    last_frame: usize::try_from(last).unwrap_or(0),
                    score,
                });
                segment = ffi::ps_seg_next(segment);
            }
        }
        found
    }

    fn add_search(
        &mut self,
        kind: &'static str,
        name: &str,
        content: &str,
        add: unsafe extern "C" fn(*mut ffi::PsDecoder, *const std::ffi::c_char, *const std::ffi::c_char) -> c_int,
    ) -> Result<(), DecoderError> {
        let (raw_name, content) = (text("a name", name)?, text("a search", content)?);
        // SAFETY: the decoder is live and the strings outlive the call.
        match unsafe { add(self.raw.as_ptr(), raw_name.as_ptr(), content.as_ptr()) } {
            0.. => Ok(()),
            _ => Err(DecoderError::Search {
                kind,
                name: name.to_owned(),
            }),
        }
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        // SAFETY: the pointer came from `ps_init` and is freed once.
        unsafe { ffi::ps_free(self.raw.as_ptr()) };
    }
}

fn text(what: &'static str, value: &str) -> Result<CString, DecoderError> {
    CString::new(value).map_err(|_| DecoderError::NulByte { what })
}

/// Splits a dictionary's entry, `word` or `word(2)`, into the word and which of its pronunciations it is, from 0.
fn spelled(entry: &str) -> (String, usize) {
    match entry.strip_suffix(')').and_then(|entry| entry.split_once('(')) {
        Some((word, number)) => (
            word.to_owned(),
            number.parse().map_or(0, |number: usize| number.saturating_sub(1)),
        ),
        None => (entry.to_owned(), 0),
    }
}

/// Copies a string of the library's; empty if there is none.
///
/// # Safety
/// `raw` is null or a C string that lives until the return.
unsafe fn owned(raw: *const std::ffi::c_char) -> String {
    match raw.is_null() {
        true => String::new(),
        // SAFETY: the caller vouches for it.
        false => unsafe { CStr::from_ptr(raw) }.to_string_lossy().into_owned(),
    }
}
