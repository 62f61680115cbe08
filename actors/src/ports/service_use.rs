//! What was used of services that charge for it, in their own units: the ground of a cost sheet.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

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
}

/// Counts what one call, or one campaign's preparation, uses. Clones count into the same sheet, from any thread.
#[derive(Clone, Default, Debug)]
pub struct ServiceMeter {
    sheet: Arc<Mutex<BTreeMap<UsedService, ServiceUse>>>,
}

impl ServiceMeter {
    /// Counts what was used. Whoever sends a request counts it when it is sent: what failed is charged too.
    pub fn add(&self, service: UsedService, amount: ServiceUse) {
        let mut sheet = self.sheet.lock().unwrap_or_else(PoisonError::into_inner);
        let so_far = sheet.entry(service).or_default();
        *so_far = so_far.plus(amount);
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
        meter.clone().add(deepgram(), second);
        meter.add(deepgram(), second);
        assert_eq!(meter.read(), [(deepgram(), second.plus(second))]);
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
