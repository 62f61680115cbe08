//! How long the dialogue waits for what. All in milliseconds unless the name says otherwise.

use super::input::Millis;
use serde::{Deserialize, Serialize};

/// Waits and bounds of one conversation. Kept in the journal, so that a replay waits as long.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DialogueConfig {
    /// How long the person called may take to say "hello" before the greeting begins (L8).
    pub opening_wait_ms: Millis,
    /// How long the greeting waits for its sentence with the name when it is due; then it goes without.
    pub name_grace_ms: Millis,
    /// Silence after a prompt until it is asked again.
    pub silence_ms: Millis,
    /// Longest turn, counted from the end of its prompt, whatever noise there is.
    pub turn_limit_ms: Millis,
    /// Longest speech without an end; free text has the longest answer of its question instead.
    pub speech_limit_ms: Millis,
    /// Longest wait for a recogniser's result.
    pub recognition_limit_ms: Millis,
    /// From the end of a speech to our first audio at most; then the question is asked again. Journals of earlier versions
    /// have none.
    #[serde(default)]
    pub response_limit_ms: Option<Millis>,
    /// Pause that ends a number given by keys.
    pub key_pause_ms: Millis,
    /// How long "hold on" is waited for.
    pub hold_ms: Millis,
    /// Longest wait for do-not-call to be written.
    pub do_not_call_limit_ms: Millis,
    /// Speech at the very beginning that is longer than this and not understood is a machine's greeting.
    pub machine_speech_ms: Millis,
    /// Such speech is ended as a machine's even while it goes on after this long.
    pub machine_speech_limit_ms: Millis,
    /// Speeches that began before this count as "at the very beginning".
    pub machine_window_ms: Millis,
    /// Longest wait for a machine's greeting to end before the message is left.
    pub beep_limit_ms: Millis,
    /// Silence after a machine's greeting that stands for its end.
    pub beep_silence_ms: Millis,
    /// How long a person is waited for, once a service that screens calls has asked who calls.
    pub screening_limit_ms: Millis,
    /// Longest a playback may take: this for each character…
    pub playback_ms_per_character: Millis,
    /// …and this besides. After that its marks are taken as lost.
    pub playback_slack_ms: Millis,
    /// Speech that began at most this long before the end of the question still counts as after it.
    pub early_ms: Millis,
    /// False interruptions of one prompt after which speech does not interrupt it any more.
    pub false_interruptions: u8,
    /// How long a speech that could interrupt goes on, from when it is sustained, before it does so without any word of
    /// it: only with a recogniser that shows words before the end.
    pub acknowledgement_ms: Millis,
    /// Repetitions, "who is this" and waits in one turn before they count as re-prompts.
    pub detours: u8,
    /// Silence that ends an utterance: consent, confirming turns, yes/no and choices.
    pub patience_closed_ms: u32,
    /// Silence that ends an utterance: numbers and scales.
    pub patience_number_ms: u32,
    /// Silence that ends an utterance: free text.
    pub patience_free_ms: u32,
    /// In a confirming turn, a "yes" or the same thing said again counts from this confidence on: two hearings that
    /// agree need not both be certain.
    pub second_hearing: f32,
    /// Whether there is a language model to be asked about what the lexicon does not understand.
    pub language_model: bool,
    /// Longest wait for the language model: for a meaning, and for each sentence of a reply.
    pub understanding_limit_ms: Millis,
    /// Wait for the language model after which the caller is told that it takes a moment. Journals of earlier versions
    /// have none.
    #[serde(default)]
    pub filler_after_ms: Option<Millis>,
}

impl Default for DialogueConfig {
    fn default() -> Self {
        Self {
            opening_wait_ms: 900,
            name_grace_ms: 300,
            silence_ms: 5_000,
            turn_limit_ms: 25_000,
            speech_limit_ms: 15_000,
            recognition_limit_ms: 3_000,
            response_limit_ms: Some(5_000),
            key_pause_ms: 2_500,
            hold_ms: 30_000,
            do_not_call_limit_ms: 3_000,
            machine_speech_ms: 5_000,
            machine_speech_limit_ms: 12_000,
            machine_window_ms: 8_000,
            beep_limit_ms: 25_000,
            beep_silence_ms: 2_500,
            screening_limit_ms: 30_000,
            playback_ms_per_character: 100,
            playback_slack_ms: 5_000,
            early_ms: 300,
            false_interruptions: 3,
            acknowledgement_ms: 300,
            detours: 4,
            patience_closed_ms: 700,
            patience_number_ms: 700,
            patience_free_ms: 1_400,
            second_hearing: 0.65,
            language_model: false,
            understanding_limit_ms: 1_500,
            filler_after_ms: Some(700),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_from_before_turns_had_a_limit_and_waits_a_bridge_replays_without_them() {
        let config: DialogueConfig = serde_json::from_str(r#"{"opening_wait_ms": 900}"#).expect("a header's waits");
        assert_eq!((config.response_limit_ms, config.filler_after_ms), (None, None));
        let written = serde_json::to_string(&DialogueConfig::default()).expect("plain data");
        assert_eq!(
            serde_json::from_str::<DialogueConfig>(&written).expect("the same"),
            DialogueConfig::default()
        );
    }
}
