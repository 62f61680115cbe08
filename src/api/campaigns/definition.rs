//! What a campaign is made of, as the API reads and writes it: the fields of [`Campaign`], each described, with all
//! defaults written out. The two are converted field by field, so that neither can have what the other lacks.

use super::answer::AnswerDefinition;
use super::dialing::DialingDefinition;
use super::emails::EmailsDefinition;
use super::texts::{Number, Tag};
use samvad_actors::domain::{
    Campaign, CampaignId, ChoiceOption, Language, Opening, Question, TranslatedQuestion, Translation, VoicemailPolicy,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A survey by telephone. Texts are spoken or shown: one line of at most 500 characters, without braces.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CampaignDefinition {
    /// Of a new campaign: left out, it gets one. In an edit: left out, or that of the campaign.
    #[serde(default)]
    #[schema(pattern = "^[A-Za-z0-9_-]{1,64}$")]
    pub(super) id: Option<String>,
    /// For people; never spoken.
    #[schema(min_length = 1, max_length = 500)]
    name: String,
    /// In which a call begins.
    #[serde(default = "own_language")]
    #[schema(default = "en")]
    language: Tag,
    /// Who calls, as spoken: "the Riverside Health Survey".
    #[schema(min_length = 1, max_length = 500)]
    organisation: String,
    /// Why, as spoken: "a short survey about your last visit".
    #[schema(min_length = 1, max_length = 500)]
    purpose: String,
    /// Shown to the person called.
    caller_id: Number,
    /// The synthesiser's own name of a voice; its default if left out.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 500)]
    voice: Option<String>,
    /// Asked in their order.
    #[schema(min_items = 3, max_items = 3)]
    questions: Vec<QuestionDefinition>,
    /// The same survey in other languages, by their tags, for callers who ask for one.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, TranslationDefinition>)]
    translations: BTreeMap<Tag, TranslationDefinition>,
    /// How often a question is asked again before it counts as not answered.
    #[serde(default = "two")]
    #[schema(maximum = 5, default = 2)]
    max_reprompts: u8,
    /// When the opening line comes.
    #[serde(default)]
    opening: OpeningName,
    /// Milliseconds of silence after which the opening comes without a "hello"; 900 if left out.
    #[serde(default)]
    #[schema(minimum = 200, maximum = 5000)]
    hello_wait_ms: Option<u32>,
    /// What happens when a machine answers.
    #[serde(default)]
    voicemail: VoicemailDefinition,
    /// Whether calls are recorded. The script says so before it asks for consent.
    #[serde(default)]
    recording: bool,
    /// Whether a language model may answer questions about the call in its own words.
    #[serde(default)]
    spoken_replies: bool,
    /// Longest call.
    #[serde(default = "five_minutes")]
    #[schema(minimum = 30, maximum = 3600, default = 300)]
    longest_call_seconds: u32,
    /// What is written to people who are through with it.
    #[serde(default)]
    emails: EmailsDefinition,
    /// When, how often, and how many at once.
    #[serde(default)]
    dialing: DialingDefinition,
}

fn own_language() -> Tag {
    Tag(Language::default())
}

fn two() -> u8 {
    2
}

fn five_minutes() -> u32 {
    300
}

/// A question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct QuestionDefinition {
    /// As spoken, without how to answer.
    #[schema(min_length = 1, max_length = 500)]
    text: String,
    answer: AnswerDefinition,
    /// Milliseconds of silence that end an answer; left out, the default for the type.
    #[serde(default)]
    #[schema(minimum = 300, maximum = 3000)]
    patience_ms: Option<u32>,
}

/// One option of a choice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OptionDefinition {
    /// Kept as the answer.
    #[schema(min_length = 1, max_length = 500, example = "evening")]
    key: String,
    /// Spoken.
    #[schema(min_length = 1, max_length = 500, example = "in the evening")]
    label: String,
    /// Further phrases that mean it; key and label always do.
    #[serde(default)]
    phrases: Vec<String>,
}

/// What a campaign says in another language.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TranslationDefinition {
    #[schema(min_length = 1, max_length = 500)]
    organisation: String,
    #[schema(min_length = 1, max_length = 500)]
    purpose: String,
    /// A voice of this language.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 500)]
    voice: Option<String>,
    /// The campaign's questions, in their order.
    #[schema(min_items = 3, max_items = 3)]
    questions: Vec<TranslatedQuestionDefinition>,
    /// What is left on a machine, if the campaign leaves a message.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 500)]
    leave_message: Option<String>,
    /// What is written in this language to people who are through with it.
    #[serde(default)]
    emails: EmailsDefinition,
}

/// What a question says in another language.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TranslatedQuestionDefinition {
    #[schema(min_length = 1, max_length = 500)]
    text: String,
    /// Of a choice: each of its options by its key.
    #[serde(default)]
    options: Vec<OptionDefinition>,
}

/// When the opening line comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Opening)]
#[serde(rename_all = "snake_case")]
enum OpeningName {
    /// After the callee's "hello", or after some silence.
    #[default]
    AfterHello,
    /// As soon as the call is up.
    AtOnce,
}

/// What happens when a machine answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum VoicemailDefinition {
    /// Hang up.
    #[default]
    HangUp,
    /// Leave this message after the beep.
    LeaveMessage(String),
}

impl CampaignDefinition {
    /// The campaign that it describes, under this id. Whether it is valid is for the services to say.
    pub(super) fn campaign(self, id: CampaignId) -> Campaign {
        Campaign {
            id,
            name: self.name,
            language: self.language.0,
            organisation: self.organisation,
            purpose: self.purpose,
            caller_id: self.caller_id.0,
            voice: self.voice,
            questions: self.questions.into_iter().map(Question::from).collect(),
            translations: (self.translations.into_iter())
                .map(|(tag, translation)| (tag.0, translation.into()))
                .collect(),
            max_reprompts: self.max_reprompts,
            opening: match self.opening {
                OpeningName::AfterHello => Opening::AfterHello,
                OpeningName::AtOnce => Opening::AtOnce,
            },
            hello_wait_ms: self.hello_wait_ms,
            voicemail: match self.voicemail {
                VoicemailDefinition::HangUp => VoicemailPolicy::HangUp,
                VoicemailDefinition::LeaveMessage(message) => VoicemailPolicy::LeaveMessage(message),
            },
            recording: self.recording,
            spoken_replies: self.spoken_replies,
            longest_call_seconds: self.longest_call_seconds,
            emails: self.emails.into(),
            dialing: self.dialing.into(),
        }
    }
}

impl From<Campaign> for CampaignDefinition {
    fn from(campaign: Campaign) -> Self {
        Self {
            id: Some(campaign.id.to_string()),
            name: campaign.name,
            language: Tag(campaign.language),
            organisation: campaign.organisation,
            purpose: campaign.purpose,
            caller_id: Number(campaign.caller_id),
            voice: campaign.voice,
            questions: campaign.questions.into_iter().map(QuestionDefinition::from).collect(),
            translations: (campaign.translations.into_iter())
                .map(|(language, translation)| (Tag(language), translation.into()))
                .collect(),
            max_reprompts: campaign.max_reprompts,
            opening: match campaign.opening {
                Opening::AfterHello => OpeningName::AfterHello,
                Opening::AtOnce => OpeningName::AtOnce,
            },
            hello_wait_ms: campaign.hello_wait_ms,
            voicemail: match campaign.voicemail {
                VoicemailPolicy::HangUp => VoicemailDefinition::HangUp,
                VoicemailPolicy::LeaveMessage(message) => VoicemailDefinition::LeaveMessage(message),
            },
            recording: campaign.recording,
            spoken_replies: campaign.spoken_replies,
            longest_call_seconds: campaign.longest_call_seconds,
            emails: campaign.emails.into(),
            dialing: campaign.dialing.into(),
        }
    }
}

/// Two types with the same fields are made of one another.
macro_rules! alike {
    ($one:ident, $other:ident { $($field:ident),* } { $($list:ident),* }) => {
        impl From<$one> for $other {
            fn from($one { $($field,)* $($list,)* }: $one) -> Self {
                Self { $($field: $field.into(),)* $($list: $list.into_iter().map(Into::into).collect(),)* }
            }
        }

        impl From<$other> for $one {
            fn from($other { $($field,)* $($list,)* }: $other) -> Self {
                Self { $($field: $field.into(),)* $($list: $list.into_iter().map(Into::into).collect(),)* }
            }
        }
    };
}
pub(super) use alike;

alike!(QuestionDefinition, Question { text, answer, patience_ms } {});
alike!(OptionDefinition, ChoiceOption { key, label } { phrases });
alike!(TranslationDefinition, Translation { organisation, purpose, voice, leave_message, emails } { questions });
alike!(TranslatedQuestionDefinition, TranslatedQuestion { text } { options });

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use samvad_actors::domain::QuestionKind;
    use serde_json::{Value, json};

    const HEALTH: &str = include_str!("../../../fixtures/campaigns/health_survey.yaml");
    const BILINGUAL: &str = include_str!("../../../fixtures/campaigns/health_survey_bilingual.yaml");

    fn rewritten(campaign: &Campaign) -> (Campaign, Value) {
        let written = serde_json::to_value(CampaignDefinition::from(campaign.clone())).expect("written");
        let read: CampaignDefinition = serde_json::from_value(written.clone()).expect("read");
        (read.campaign(campaign.id.clone()), written)
    }

    #[test]
    fn the_examples_are_the_same_after_being_written_and_read() {
        for text in [HEALTH, BILINGUAL] {
            let campaign = Campaign::from_yaml(text).expect("valid");
            let (read, written) = rewritten(&campaign);
            assert_eq!(read, campaign);
            // The campaign's own form says the same.
            assert_eq!(serde_json::from_value::<Campaign>(written).expect("read"), campaign);
            let own = serde_json::to_value(&campaign).expect("written");
            let read: CampaignDefinition = serde_json::from_value(own).expect("read");
            assert_eq!(read.campaign(campaign.id.clone()), campaign);
        }
    }

    #[test]
    fn what_is_left_out_has_the_defaults_of_a_campaign() {
        let least = json!({
            "id": "a", "name": "a", "organisation": "a", "purpose": "a", "caller_id": "+14155550100",
            "questions": [{"text": "a", "answer": {"type": "free_text"}}],
        });
        let campaign: Campaign = serde_json::from_value(least.clone()).expect("read");
        let definition: CampaignDefinition = serde_json::from_value(least).expect("read");
        assert_eq!(definition.campaign(campaign.id.clone()), campaign);
    }

    #[test]
    fn what_is_not_known_is_refused_at_every_depth() {
        let written = rewritten(&Campaign::from_yaml(BILINGUAL).expect("valid")).1;
        for place in [
            "",
            "/questions/0",
            "/questions/0/answer",
            "/questions/1/answer",
            "/questions/2/answer",
            "/questions/2/answer/options/0",
            "/translations/hi",
            "/translations/hi/questions/0",
            "/translations/hi/questions/2/options/0",
            "/translations/hi/emails",
            "/emails",
            "/emails/completed",
            "/dialing",
            "/dialing/window",
            "/dialing/retry",
            "/dialing/limits",
            "/dialing/breaker",
        ] {
            let mut strange = written.clone();
            strange.pointer_mut(place).expect("there")["strange"] = json!(1);
            assert!(
                serde_json::from_value::<CampaignDefinition>(strange).is_err(),
                "{place}"
            );
        }
    }

    fn any_answer() -> impl Strategy<Value = QuestionKind> {
        let options = proptest::collection::vec((".{0,9}", ".{0,9}", proptest::collection::vec(".{0,9}", 0..3)), 0..4);
        prop_oneof![
            Just(QuestionKind::YesNo),
            any::<(i64, i64)>().prop_map(|(min, max)| QuestionKind::Number { min, max }),
            any::<(i64, i64)>().prop_map(|(min, max)| QuestionKind::Scale { min, max }),
            any::<u32>().prop_map(|max_seconds| QuestionKind::FreeText { max_seconds }),
            options.prop_map(|options| QuestionKind::Choice {
                options: options
                    .into_iter()
                    .map(|(key, label, phrases)| ChoiceOption { key, label, phrases })
                    .collect()
            }),
        ]
    }

    proptest! {
        #[test]
        fn any_campaign_reads_back(
            texts in any::<[String; 4]>(),
            answers in proptest::collection::vec(any_answer(), 0..4),
            numbers in any::<(u8, u32, i32, u32)>(),
            maybe in any::<(Option<u32>, Option<u32>, Option<String>)>(),
            flags in any::<[bool; 4]>(),
        ) {
            let mut campaign = Campaign::from_yaml(BILINGUAL).expect("valid");
            let [name, organisation, purpose, message] = texts;
            (campaign.name, campaign.organisation, campaign.purpose) = (name.clone(), organisation, purpose);
            campaign.questions = answers
                .into_iter()
                .map(|answer| Question { text: name.clone(), answer, patience_ms: maybe.0 })
                .collect();
            (campaign.hello_wait_ms, campaign.dialing.scrub_max_age_days, campaign.voice) = maybe;
            let (reprompts, longest, priority, attempts) = numbers;
            (campaign.max_reprompts, campaign.longest_call_seconds) = (reprompts, longest);
            (campaign.dialing.priority, campaign.dialing.retry.max_attempts) = (priority, attempts);
            let [opening, voicemail, recording, replies] = flags;
            (campaign.recording, campaign.spoken_replies, campaign.dialing.spread) = (recording, replies, opening);
            if opening {
                campaign.opening = Opening::AtOnce;
            }
            if voicemail {
                campaign.voicemail = VoicemailPolicy::LeaveMessage(message);
            }
            prop_assert_eq!(rewritten(&campaign).0, campaign);
        }
    }
}
