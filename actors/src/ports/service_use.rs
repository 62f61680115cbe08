//! What was used of services that charge for it, in their own units: the ground of a cost sheet.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Telephone audio.
const SAMPLES_PER_MS: u64 = 8;

/// What kind of service.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServiceKind {
    /// Speech to text.
    Recognition,
    /// Text to speech.
    Synthesis,
    /// Language model.
    Language,
}

/// Which model of which service.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct UsedService {
    /// What kind.
    pub kind: ServiceKind,
    /// Its name in the settings, for example `deepgram`.
    pub service: String,
    /// The model it was asked for; empty if it has none.
    pub model: String,
}

/// How much of it. What a kind of service does not have stays 0.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct ServiceUse {
    /// Requests, or utterances, that reached the service, failed ones included.
    pub requests: u64,
    /// Audio sent to be recognised, in milliseconds.
    pub audio_ms: u64,
    /// Unicode characters sent to be spoken.
    pub characters: u64,
    /// Tokens read, those read from the service's cache included.
    pub input_tokens: u64,
    /// Tokens written.
    pub output_tokens: u64,
}

impl ServiceUse {
    /// Both together; stops at the largest number.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            requests: self.requests.saturating_add(other.requests),
            audio_ms: self.audio_ms.saturating_add(other.audio_ms),
            characters: self.characters.saturating_add(other.characters),
            input_tokens: self.input_tokens.saturating_add(other.input_tokens),
            output_tokens: self.output_tokens.saturating_add(other.output_tokens),
        }
    }

    /// Without another amount; stops at 0.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self {
            requests: self.requests.saturating_sub(other.requests),
            audio_ms: self.audio_ms.saturating_sub(other.audio_ms),
            characters: self.characters.saturating_sub(other.characters),
            input_tokens: self.input_tokens.saturating_sub(other.input_tokens),
            output_tokens: self.output_tokens.saturating_sub(other.output_tokens),
        }
    }

    /// A request to speak a text.
    #[must_use]
    pub fn of_text(text: &str) -> Self {
        Self {
            requests: 1,
            characters: text.chars().count() as u64,
            ..Self::default()
        }
    }
}

/// The audio of one utterance on its way to a service: counts what is sent as it is sent.
#[derive(Debug)]
pub struct AudioMeter {
    meter: ServiceMeter,
    service: UsedService,
    /// Samples sent so far, and milliseconds counted of them: a rest below a millisecond waits for more samples.
    samples: u64,
    counted_ms: u64,
}

impl AudioMeter {
    /// For an utterance that goes to this model; nothing is counted before audio is sent.
    pub fn new(meter: ServiceMeter, service: &str, model: &str) -> Self {
        Self {
            meter,
            service: UsedService {
                kind: ServiceKind::Recognition,
                service: service.to_owned(),
                model: model.to_owned(),
            },
            samples: 0,
            counted_ms: 0,
        }
    }

    /// Samples of 8 kHz have been sent. The first are the utterance's request.
    pub fn sent(&mut self, samples: usize) {
        if samples == 0 {
            return;
        }
        let requests = u64::from(self.samples == 0);
        self.samples = self.samples.saturating_add(samples as u64);
        let audio_ms = self.samples / SAMPLES_PER_MS - self.counted_ms;
        self.counted_ms += audio_ms;
        let amount = ServiceUse {
            requests,
            audio_ms,
            ..ServiceUse::default()
        };
        self.meter.add(&self.service, amount);
    }

    /// None of it has reached the service.
    pub fn take_back(self) {
        let amount = ServiceUse {
            requests: u64::from(self.samples > 0),
            audio_ms: self.counted_ms,
            ..ServiceUse::default()
        };
        self.meter.take_back(&self.service, amount);
    }
}

/// Counts what one call, or one campaign's preparation, uses. Clones count into the same sheet, from any thread.
#[derive(Clone, Default, Debug)]
pub struct ServiceMeter {
    sheet: Arc<Mutex<BTreeMap<UsedService, ServiceUse>>>,
}

impl ServiceMeter {
    /// Counts what was used. Whoever sends a request counts it when it is sent: what failed is charged too.
    pub fn add(&self, service: &UsedService, amount: ServiceUse) {
        let mut sheet = self.sheet.lock().unwrap_or_else(PoisonError::into_inner);
        match sheet.get_mut(service) {
            Some(so_far) => *so_far = so_far.plus(amount),
            None => drop(sheet.insert(service.clone(), amount)),
        }
    }

    /// Takes back what was counted for a request that turned out never to have reached its service.
    pub fn take_back(&self, service: &UsedService, amount: ServiceUse) {
        let mut sheet = self.sheet.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(so_far) = sheet.get_mut(service) else {
            return;
        };
        *so_far = so_far.minus(amount);
        if *so_far == ServiceUse::default() {
            sheet.remove(service);
        }
    }

    /// Everything counted so far, by service.
    pub fn read(&self) -> Vec<(UsedService, ServiceUse)> {
        let sheet = self.sheet.lock().unwrap_or_else(PoisonError::into_inner);
        sheet
            .iter()
            .map(|(service, amount)| (service.clone(), *amount))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn deepgram() -> UsedService {
        UsedService {
            kind: ServiceKind::Recognition,
            service: "deepgram".into(),
            model: "nova-3".into(),
        }
    }

    #[test]
    fn clones_count_into_one_sheet() {
        let meter = ServiceMeter::default();
        let second = ServiceUse {
            requests: 1,
            audio_ms: 1_000,
            ..ServiceUse::default()
        };
        meter.clone().add(&deepgram(), second);
        meter.add(&deepgram(), second);
        assert_eq!(meter.read(), [(deepgram(), second.plus(second))]);
    }

    #[test]
    fn what_is_taken_back_leaves_no_trace() {
        let meter = ServiceMeter::default();
        let sentence = ServiceUse::of_text("नमस्ते");
        assert_eq!((sentence.requests, sentence.characters), (1, 6));
        meter.add(&deepgram(), sentence);
        meter.take_back(&deepgram(), sentence);
        meter.take_back(&deepgram(), sentence);
        assert_eq!(meter.read(), []);
    }

    proptest! {
        #[test]
        fn the_pieces_of_an_utterance_add_up_to_its_length(pieces in prop::collection::vec(0_usize..2_000, 0..50)) {
            let meter = ServiceMeter::default();
            let mut audio = AudioMeter::new(meter.clone(), "deepgram", "nova-3");
            for piece in &pieces {
                audio.sent(*piece);
            }
            let samples: usize = pieces.iter().sum();
            let counted = meter.read().first().map_or(ServiceUse::default(), |(_, amount)| *amount);
            prop_assert_eq!(counted.audio_ms, samples as u64 / 8);
            prop_assert_eq!(counted.requests, u64::from(samples > 0));
            audio.take_back();
            prop_assert_eq!(meter.read(), []);
        }
    }

    #[test]
    fn an_amount_stops_at_the_largest_number() {
        let most = ServiceUse {
            characters: u64::MAX,
            ..ServiceUse::default()
        };
        assert_eq!(most.plus(most).characters, u64::MAX);
    }
}
