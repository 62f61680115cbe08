//! A campaign as its author writes it, and what is wrong with it.

mod calendar;
mod dialing;
mod emails;
mod translation;
mod validate;

pub use calendar::{CalendarDate, CalendarError, TimeOfDay, Weekday};
pub use dialing::{CallingWindow, CampaignLimits, DialingRules, FollowUp, LONGEST_SCRUB_AGE_DAYS, RetryPolicy};
pub use emails::{EmailTemplate, EmailTemplates};
pub use translation::{TranslatedQuestion, Translation};

use super::{CampaignId, PhoneNumber};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How many questions a survey has: exactly three (CALL-5).
pub const QUESTION_COUNT: usize = 3;

/// A language that prompts and lexicons exist for, as a BCP 47 tag (`en`, later `hi`).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Language(pub String);

impl Default for Language {
    fn default() -> Self {
        Self("en".to_owned())
    }
}

/// One option of a choice question.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChoiceOption {
    /// Stored as the answer, for example `evening`.
    pub key: String,
    /// Spoken, for example "in the evening".
    pub label: String,
    /// Further phrases that mean this option; the key and the label always do.
    #[serde(default)]
    pub phrases: Vec<String>,
}

/// The type of a question, with what its answers must be.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum QuestionKind {
    /// Yes or no; keys 1 and 2.
    YesNo,
    /// A whole number between `min` and `max`, both included; keys, ended by `#` or a pause.
    Number {
        /// Smallest.
        min: i64,
        /// Largest.
        max: i64,
    },
    /// A point on a scale of at most eleven; keys.
    Scale {
        /// Smallest, 0 or 1.
        min: i64,
        /// Largest, at most 10.
        max: i64,
    },
    /// One of two to nine options; keys 1 to 9 in their order.
    Choice {
        /// The options.
        options: Vec<ChoiceOption>,
    },
    /// Anything, said in at most `max_seconds`.
    FreeText {
        /// Longest answer in seconds.
        #[serde(default = "default_free_text_seconds")]
        max_seconds: u32,
    },
}

fn default_free_text_seconds() -> u32 {
    30
}

/// A question.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// As spoken, without how to answer.
    pub text: String,
    /// Its type. (Written beside `text` in YAML: `type: scale`, `min: 1`, `max: 5`.)
    pub answer: QuestionKind,
    /// Milliseconds of silence that end an answer, in place of the default for the type.
    #[serde(default)]
    pub patience_ms: Option<u32>,
}

/// When the opening line comes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Opening {
    /// After the callee's "hello", or after some silence.
    #[default]
    AfterHello,
    /// As soon as the call is up. A "hello" said into it does not stop it.
    AtOnce,
}

impl Opening {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// What happens when a machine answers.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VoicemailPolicy {
    /// Hang up.
    #[default]
    HangUp,
    /// Leave this message after the beep.
    LeaveMessage(String),
}

/// A campaign.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Campaign {
    /// Identifier.
    pub id: CampaignId,
    /// For people.
    pub name: String,
    /// Language of prompts and lexicon, in which a call begins.
    #[serde(default)]
    pub language: Language,
    /// Who calls, as spoken: "the Riverside Health Survey".
    pub organisation: String,
    /// Why, as spoken: "a short survey about your last visit".
    pub purpose: String,
    /// The number that is shown to the person called.
    pub caller_id: PhoneNumber,
    /// The synthesiser's voice; its default if absent.
    #[serde(default)]
    pub voice: Option<String>,
    /// The three questions, asked in order.
    pub questions: Vec<Question>,
    /// The same survey in other languages: callers who ask for one of them are spoken to in it from then on.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub translations: BTreeMap<Language, Translation>,
    /// How often a question is asked again before it counts as not answered (0 to 5).
    #[serde(default = "default_reprompts")]
    pub max_reprompts: u8,
    /// When the opening line comes: `after_hello` or `at_once`.
    #[serde(default, skip_serializing_if = "Opening::is_default")]
    pub opening: Opening,
    /// With `opening: after_hello`: milliseconds of silence after which it comes all the same (200 to 5000), in place of
    /// the default of 900.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hello_wait_ms: Option<u32>,
    /// What happens when a machine answers: `hang_up`, or `{ leave_message: "…" }`.
    #[serde(default, with = "serde_norway::with::singleton_map")]
    pub voicemail: VoicemailPolicy,
    /// Whether calls are recorded. The script says so before it asks for consent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub recording: bool,
    /// Whether a language model may answer questions about the call in its own words. Nobody speaks words in an
    /// organisation's name that it has not approved, unless it says so here; else "who is this" is answered for them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub spoken_replies: bool,
    /// Longest call in seconds (30 to 3600).
    #[serde(default = "default_longest_call")]
    pub longest_call_seconds: u32,
    /// What is written to people who are through with it.
    #[serde(default, skip_serializing_if = "EmailTemplates::is_empty")]
    pub emails: EmailTemplates,
    /// When, how often, and how many at once.
    #[serde(default, skip_serializing_if = "DialingRules::is_default")]
    pub dialing: DialingRules,
}

fn default_reprompts() -> u8 {
    2
}

fn default_longest_call() -> u32 {
    300
}

/// One thing that is wrong with a campaign.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{field}: {fault}; {remedy}")]
pub struct CampaignFault {
    /// Which field, for example `questions[1].answer.max`.
    pub field: String,
    /// What is wrong with its value.
    pub fault: String,
    /// What to do.
    pub remedy: String,
}
