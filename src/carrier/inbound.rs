//! People who call one of our numbers: they hear who called them and why, and key 9 puts their number on do-not-call.
//!
//! Caller ids can be forged, so nothing is said that only the person called may know; what a forger can do is to keep
//! somebody from being called.

use async_trait::async_trait;
use samvad_actors::domain::{Campaign, Language, PhoneNumber};
use samvad_actors::ports::{
    CallLedger, CallUpdate, Carrier, CarrierError, DialerStore, DoNotCallEntry, ExclusionSource, StoreError,
};
use serde::Deserialize;
use std::sync::Arc;

/// A campaign that called longer ago is not named any more.
const RECENT_DAYS: i64 = 30;
const DAY_MS: i64 = 86_400_000;

/// Knows who called a number, and takes wishes not to be called.
#[async_trait]
pub trait InboundDesk: Send + Sync {
    /// The campaign that called a number last, if that was lately.
    async fn last_caller(&self, number: &PhoneNumber, now_ms: i64) -> Result<Option<Campaign>, StoreError>;

    /// Puts a number on do-not-call. It is written when this returns.
    async fn opt_out(&self, number: &PhoneNumber, now_ms: i64) -> Result<(), StoreError>;
}

/// The desk over store and carrier.
pub struct StoreDesk<S> {
    store: Arc<S>,
    carrier: Arc<dyn Carrier>,
}

impl<S: CallLedger + DialerStore> StoreDesk<S> {
    /// A desk that takes calls to a number back through `carrier` once it has opted out.
    pub fn new(store: Arc<S>, carrier: Arc<dyn Carrier>) -> Self {
        Self { store, carrier }
    }
}

#[async_trait]
impl<S: CallLedger + DialerStore> InboundDesk for StoreDesk<S> {
    async fn last_caller(&self, number: &PhoneNumber, now_ms: i64) -> Result<Option<Campaign>, StoreError> {
        let since_ms = now_ms.saturating_sub(RECENT_DAYS * DAY_MS);
        self.store.last_campaign_to(number, since_ms).await
    }

    async fn opt_out(&self, number: &PhoneNumber, now_ms: i64) -> Result<(), StoreError> {
        let entry = DoNotCallEntry {
            number: number.clone(),
            source: ExclusionSource::InCall,
            attempt: None,
            added_at_ms: now_ms,
        };
        let report = self.store.opt_out(&[entry]).await?;
        // The confirmation does not wait for the carrier. A call that was answered goes on; one that is still queued or
        // rings and cannot be taken back now meets do-not-call when it is answered.
        for attempt in report.in_flight {
            let Some(sid) = attempt.call_sid else { continue };
            let carrier = self.carrier.clone();
            tokio::spawn(async move {
                match carrier.update_call(&sid, CallUpdate::Cancel).await {
                    Ok(_) | Err(CarrierError::NotInProgress { .. }) => {}
                    Err(error) => tracing::error!(attempt = %attempt.id, %error,
                        "a call to a number that opted out could not be taken back"),
                }
            });
        }
        Ok(())
    }
}

/// What callers hear, in one language: each a list of sentences.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InboundTexts {
    /// The carrier's name of the language.
    pub say_language: String,
    known: Vec<String>,
    unknown: Vec<String>,
    offer: Vec<String>,
    withheld: Vec<String>,
    other_key: Vec<String>,
    /// After which the call ends.
    pub goodbye: Vec<String>,
    /// The opt-out is written; after which the call ends.
    pub removed: Vec<String>,
    not_removed: Vec<String>,
}

/// What went before a menu.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Before {
    /// The call has just been answered.
    Greeting,
    /// A key without meaning.
    OtherKey,
    /// An opt-out that could not be written.
    NotRemoved,
}

impl InboundTexts {
    /// The texts of a language; English where there are none.
    ///
    /// # Errors
    /// What is wrong with the file, in words.
    pub fn of(language: &Language) -> Result<Self, String> {
        // Every language that has texts of its own stands here.
        let texts = [("en", include_str!("../../prompts/en/inbound.yaml"))];
        let own = texts.iter().find(|(tag, _)| *tag == language.0);
        let (_, text) = own.unwrap_or(&texts[0]);
        serde_norway::from_str(text).map_err(|error| format!("inbound.yaml: {error}; compare it with prompts/en"))
    }

    /// What is said while a key may be pressed, to a caller whom `campaign` called last.
    pub fn menu(&self, before: Before, campaign: Option<&Campaign>) -> Vec<String> {
        let (first, offer) = match (before, campaign) {
            (Before::Greeting, Some(campaign)) => (filled(&self.known, campaign), &self.offer[..]),
            (Before::Greeting, None) => (self.unknown.clone(), &self.offer[..]),
            (Before::OtherKey, _) => (self.other_key.clone(), &self.offer[..]),
            (Before::NotRemoved, _) => (self.not_removed.clone(), &[][..]),
        };
        first.into_iter().chain(offer.iter().cloned()).collect()
    }

    /// What is said to a caller without a number; after which the call ends.
    pub fn without_number(&self) -> Vec<String> {
        let said = self.unknown.iter().chain(&self.withheld).chain(&self.goodbye);
        said.cloned().collect()
    }
}

fn filled(sentences: &[String], campaign: &Campaign) -> Vec<String> {
    let fill = |sentence: &String| {
        let parts = sentence.split_inclusive('}').map(|part| {
            part.strip_suffix("{organisation}")
                .map(|before| format!("{before}{}", campaign.organisation))
                .or_else(|| {
                    part.strip_suffix("{purpose}")
                        .map(|before| format!("{before}{}", campaign.purpose))
                })
                .unwrap_or_else(|| part.to_owned())
        });
        parts.collect()
    };
    sentences.iter().map(fill).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn campaign() -> Campaign {
        let text = include_str!("../../fixtures/campaigns/health_survey.yaml");
        Campaign::from_yaml(text).expect("fixture without fault")
    }

    fn texts() -> InboundTexts {
        InboundTexts::of(&Language::default()).expect("a good file")
    }

    #[test]
    fn a_caller_who_was_called_hears_by_whom_and_why_and_how_to_opt_out() {
        let campaign = campaign();
        let said = texts().menu(Before::Greeting, Some(&campaign)).join(" ");
        assert!(
            said.contains(&campaign.organisation) && said.contains(&campaign.purpose),
            "{said}"
        );
        assert!(said.ends_with("press 9 now."), "{said}");
        assert!(!said.contains(['{', '}']), "{said}");
    }

    #[test]
    fn a_text_that_looks_like_a_placeholder_is_spoken_and_not_filled_again() {
        let mut campaign = campaign();
        campaign.organisation = "{purpose} & Sons".to_owned();
        let said = texts().menu(Before::Greeting, Some(&campaign)).join(" ");
        assert!(said.contains("line of {purpose} & Sons."), "{said}");
    }

    #[test]
    fn a_caller_who_is_not_known_hears_of_no_campaign() {
        let said = texts().menu(Before::Greeting, None).join(" ");
        assert!(said.contains("survey calls") && said.contains("press 9"), "{said}");
        assert!(!texts().without_number().join(" ").contains("press 9"));
    }

    #[test]
    fn a_language_without_texts_is_answered_in_english() {
        let texts = InboundTexts::of(&Language("xx".to_owned())).expect("a good file");
        assert_eq!(texts.say_language, "en-US");
    }
}
