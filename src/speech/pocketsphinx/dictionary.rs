//! How words are pronounced: CMU's dictionary as Debian ships it, and what other accents make of the words that answers
//! hang on.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Pronunciations of other accents, which CMU's dictionary of North American English lacks: in its format.
const ACCENTS: &str = include_str!("../../../models/en-us-telephone/pronunciations.txt");

/// Why there is no dictionary.
#[derive(Debug, thiserror::Error)]
#[error("the pronunciation dictionary {path} cannot be read ({source}); on Debian: apt install pocketsphinx-en-us")]
pub struct DictionaryError {
    path: String,
    source: std::io::Error,
}

/// A pronunciation dictionary: lines of a word, or `word(2)` for a further variant, and its phones.
pub struct Dictionary {
    text: String,
}

impl Dictionary {
    /// Reads a dictionary and adds the other accents.
    pub fn read(path: &Path) -> Result<Self, DictionaryError> {
        match std::fs::read_to_string(path) {
            Ok(text) => Ok(Self {
                text: format!("{text}\n{ACCENTS}"),
            }),
            Err(source) => Err(DictionaryError {
                path: path.display().to_string(),
                source,
            }),
        }
    }

    /// The pronunciations of each of these words that is known. One pass over the text (about 3 ms for 134,000
    /// lines), which is cheaper to keep than an index over words that are hardly ever asked for.
    pub fn pronunciations(&self, words: &BTreeSet<&str>) -> BTreeMap<String, Vec<String>> {
        let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for line in self.text.lines() {
            let Some((entry, phones)) = line.split_once(' ') else {
                continue;
            };
            let word = entry.split_once('(').map_or(entry, |(word, _)| word);
            if words.contains(word) {
                found.entry(word.to_owned()).or_default().push(phones.trim().to_owned());
            }
        }
        found
    }
}
