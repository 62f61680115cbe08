//! The same survey in another language: whatever of it is spoken. Types, ranges and the keys of options are the
//! campaign's own, so that an answer is the same in every language.

use super::validate::Faults;
use super::{Campaign, ChoiceOption, EmailTemplates, Language, Question, QuestionKind, VoicemailPolicy};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Longest tag of a language (RFC 5646, section 4.4.1).
const LONGEST_TAG: usize = 35;

/// What a campaign says in another language. What is missing is a fault of its own, as what is wrong.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Translation {
    /// See [`Campaign::organisation`].
    #[serde(default)]
    pub organisation: String,
    /// See [`Campaign::purpose`].
    #[serde(default)]
    pub purpose: String,
    /// See [`Campaign::voice`]: a voice of this language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voice: Option<String>,
    /// The campaign's questions, in their order.
    #[serde(default)]
    pub questions: Vec<TranslatedQuestion>,
    /// What is left on a machine, if the campaign leaves a message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leave_message: Option<String>,
    /// See [`Campaign::emails`].
    #[serde(default, skip_serializing_if = "EmailTemplates::is_empty")]
    pub emails: EmailTemplates,
}

/// What a question says in another language.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TranslatedQuestion {
    /// See [`Question::text`].
    #[serde(default)]
    pub text: String,
    /// Of a choice: each of its options by its key, with label and phrases of this language.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<ChoiceOption>,
}

impl Language {
    /// Whether this is the other language, or a variety of it: `hi-IN` of `hi`, `zh-Hant-TW` of `zh-Hant` and of `zh`.
    pub fn is_kind_of(&self, other: &Self) -> bool {
        let rest = self.0.strip_prefix(other.0.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    }
}

impl Campaign {
    /// The languages it can be spoken in, its own first.
    pub fn languages(&self) -> impl Iterator<Item = &Language> {
        std::iter::once(&self.language).chain(self.translations.keys())
    }

    /// The one of its languages that a tag means: that language, else the one that the tag is a variety of (`hi` for
    /// `hi-IN`), else a variety of it. Capital letters make no difference in tags (RFC 5646, section 2.1.1).
    pub fn language_of(&self, tag: &Language) -> Option<&Language> {
        let tag = Language(tag.0.to_ascii_lowercase());
        let lowercase = |language: &Language| Language(language.0.to_ascii_lowercase());
        let meant = |is: fn(&Language, &Language) -> bool| self.languages().find(|own| is(&tag, &lowercase(own)));
        meant(Language::eq)
            .or_else(|| meant(Language::is_kind_of))
            .or_else(|| meant(|tag, own| own.is_kind_of(tag)))
    }

    /// The same survey in one of its languages alone; `None` if it is not one of them. Of a campaign
    /// [without fault](Campaign::validate) it is without fault.
    pub fn in_language(&self, language: &Language) -> Option<Self> {
        if *language == self.language {
            return Some(Self {
                translations: BTreeMap::new(),
                ..self.clone()
            });
        }
        let translation = self.translations.get(language)?;
        let questions = self.questions.iter().zip(&translation.questions);
        Some(Self {
            language: language.clone(),
            organisation: translation.organisation.clone(),
            purpose: translation.purpose.clone(),
            voice: translation.voice.clone(),
            questions: questions
                .map(|(question, translated)| question.translated(translated))
                .collect(),
            voicemail: match &translation.leave_message {
                Some(message) => VoicemailPolicy::LeaveMessage(message.clone()),
                None => VoicemailPolicy::HangUp,
            },
            emails: translation.emails.clone(),
            translations: BTreeMap::new(),
            ..self.clone()
        })
    }
}

impl Question {
    fn translated(&self, translated: &TranslatedQuestion) -> Self {
        let answer = match &self.answer {
            QuestionKind::Choice { options } => QuestionKind::Choice {
                // In the campaign's order: that is what the keys of the telephone go by.
                options: options
                    .iter()
                    .filter_map(|option| translated.options.iter().find(|other| other.key == option.key).cloned())
                    .collect(),
            },
            other => other.clone(),
        };
        Self {
            text: translated.text.clone(),
            answer,
            patience_ms: self.patience_ms,
        }
    }
}

impl Faults {
    /// What is wrong with a campaign's translations.
    pub(super) fn translations(&mut self, campaign: &Campaign) {
        for (language, translation) in &campaign.translations {
            let field = format!("translations.{}", language.0);
            let tag = &language.0;
            self.unless(
                (1..=LONGEST_TAG).contains(&tag.len()) && tag.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'),
                &field,
                "is no language tag",
                "write one such as en or hi",
            );
            self.unless(
                *language != campaign.language,
                &field,
                "is the campaign's own language",
                "write another tag, or remove it",
            );
            self.translation(&field, translation, campaign);
        }
    }

    fn translation(&mut self, field: &str, translation: &Translation, campaign: &Campaign) {
        self.text(&format!("{field}.organisation"), &translation.organisation);
        self.text(&format!("{field}.purpose"), &translation.purpose);
        if let Some(voice) = &translation.voice {
            self.text(&format!("{field}.voice"), voice);
        }
        let message = format!("{field}.leave_message");
        match (&campaign.voicemail, &translation.leave_message) {
            (VoicemailPolicy::HangUp, Some(_)) => self.unless(
                false,
                &message,
                "is there, and the campaign leaves no message",
                "remove it, or write the campaign's own under voicemail",
            ),
            (VoicemailPolicy::LeaveMessage(_), text) => self.text(&message, text.as_deref().unwrap_or_default()),
            (VoicemailPolicy::HangUp, None) => {}
        }
        self.emails(&format!("{field}.emails"), &translation.emails);
        let (count, wanted) = (translation.questions.len(), campaign.questions.len());
        self.unless(
            count == wanted,
            &format!("{field}.questions"),
            format!("has {count} questions"),
            format!("translate each of the campaign's {wanted}, in their order"),
        );
        let questions = campaign.questions.iter().zip(&translation.questions);
        for (index, (question, translated)) in questions.enumerate() {
            let field = format!("{field}.questions[{index}]");
            self.text(&format!("{field}.text"), &translated.text);
            self.translated_options(&field, &question.answer, &translated.options);
        }
    }

    fn translated_options(&mut self, field: &str, kind: &QuestionKind, translated: &[ChoiceOption]) {
        let options = match kind {
            QuestionKind::Choice { options } => options.as_slice(),
            _ => &[],
        };
        let place = format!("{field}.options");
        let (wanted, given): (BTreeSet<_>, BTreeSet<_>) = (
            options.iter().map(|option| &option.key).collect(),
            translated.iter().map(|option| &option.key).collect(),
        );
        for key in wanted.difference(&given) {
            self.unless(
                false,
                &place,
                format!("lacks the option `{key}`"),
                "add it: answers are stored by the same keys in every language",
            );
        }
        for key in given.difference(&wanted) {
            self.unless(
                false,
                &place,
                format!("has the option `{key}`, which the question does not have"),
                "write the campaign's own keys, and translate labels and phrases alone",
            );
        }
        if wanted == given && !wanted.is_empty() {
            self.options(field, translated);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BILINGUAL: &str = include_str!("../../../../fixtures/campaigns/health_survey_bilingual.yaml");

    fn faults(from: &str, to: &str) -> String {
        assert!(BILINGUAL.contains(from), "{from}");
        let faults = Campaign::from_yaml(&BILINGUAL.replacen(from, to, 1)).expect_err("refused");
        let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
        lines.join("\n")
    }

    #[test]
    fn a_translated_campaign_has_the_same_keys_types_and_rules_and_other_words() {
        let campaign = Campaign::from_yaml(BILINGUAL).expect("valid");
        let hindi = Language("hi".to_owned());
        let tags: Vec<_> = campaign.languages().map(|language| language.0.as_str()).collect();
        assert_eq!(tags, ["en", "hi"]);
        let translated = campaign.in_language(&hindi).expect("translated");
        assert_eq!(translated.validate(), []);
        assert_eq!(translated.language, hindi);
        assert_ne!(translated.organisation, campaign.organisation);
        assert_eq!(translated.questions[0].answer, campaign.questions[0].answer);
        let keys = |campaign: &Campaign| match &campaign.questions[2].answer {
            QuestionKind::Choice { options } => options.iter().map(|option| option.key.clone()).collect::<Vec<_>>(),
            _ => Vec::new(),
        };
        assert_eq!(keys(&translated), ["morning", "afternoon", "evening"]);
        assert_eq!(translated.questions[2].patience_ms, campaign.questions[2].patience_ms);
        assert_eq!(campaign.in_language(&Language("ta".to_owned())), None);
        let own = campaign.in_language(&campaign.language).expect("its own");
        assert_eq!((own.languages().count(), &own.questions), (1, &campaign.questions));
    }

    #[test]
    fn a_campaign_survives_the_store_with_its_translations_and_one_without_is_written_as_before() {
        let campaign = Campaign::from_yaml(BILINGUAL).expect("valid");
        let json = serde_json::to_string(&campaign).expect("JSON");
        assert_eq!(serde_json::from_str::<Campaign>(&json).expect("read"), campaign);
        let plain = campaign.in_language(&campaign.language).expect("its own");
        assert!(!serde_json::to_string(&plain).expect("JSON").contains("translations"));
    }

    #[test]
    fn every_fault_of_a_translation_is_one_of_its_own_with_field_and_remedy() {
        for (from, to, fault) in [
            ("  hi:", "  en:", "translations.en: is the campaign's own language"),
            ("  hi:", "  \"../hi\":", "translations.../hi: is no language tag"),
            (
                "organisation: रिवरसाइड हेल्थ",
                "organisation: \"\"",
                "translations.hi.organisation: is empty",
            ),
            ("    purpose: आपकी", "    #", "translations.hi.purpose: is empty"),
            (
                "      - text: क्या आपको तय समय के तीस मिनट के अंदर देखा गया?\n",
                "",
                "translations.hi.questions: has 2 questions; translate each of the campaign's 3",
            ),
            (
                "text: क्या आपको तय समय के तीस मिनट के अंदर देखा गया?",
                "options: []",
                "translations.hi.questions[1].text: is empty",
            ),
            (
                "{ key: evening, label: शाम को",
                "{ key: शाम, label: शाम को",
                "translations.hi.questions[2].options: lacks the option `evening`; add it",
            ),
            (
                "{ key: evening, label: शाम को",
                "{ key: शाम, label: शाम को",
                "translations.hi.questions[2].options: has the option `शाम`, which the question does not have",
            ),
            (
                "label: शाम को",
                "label: सुबह",
                "translations.hi.questions[2].options[2]: can be answered by `सुबह`",
            ),
            (
                "text: क्या आपको तय समय के तीस मिनट के अंदर देखा गया?",
                "text: क्या?\n        options: [{ key: yes, label: हाँ }]",
                "translations.hi.questions[1].options: has the option `yes`",
            ),
            (
                "    organisation: रिवरसाइड",
                "    leave_message: हम फिर कॉल करेंगे।\n    organisation: रिवरसाइड",
                "translations.hi.leave_message: is there, and the campaign leaves no message",
            ),
            (
                "voicemail: hang_up",
                "voicemail: { leave_message: Goodbye. }",
                "translations.hi.leave_message: is empty; write a text",
            ),
        ] {
            let all = faults(from, to);
            assert!(all.contains(fault), "{fault} in\n{all}");
        }
    }

    #[test]
    fn a_language_is_a_kind_of_what_its_tag_begins_with() {
        let is = |one: &str, other: &str| Language(one.to_owned()).is_kind_of(&Language(other.to_owned()));
        assert!(is("hi", "hi") && is("hi-IN", "hi") && is("zh-Hant-TW", "zh") && is("zh-Hant-TW", "zh-Hant"));
        assert!(!is("hi", "hi-IN") && !is("hin", "hi") && !is("zh-Hans", "zh-Hant") && !is("en", "hi"));
    }
}
