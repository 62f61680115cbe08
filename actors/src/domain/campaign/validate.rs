//! Every rule a campaign must keep, checked at once so that its author sees every fault in one go.

use super::{
    Campaign, CampaignFault, ChoiceOption, DialingRules, LONGEST_SCRUB_AGE_DAYS, Opening, QUESTION_COUNT, Question,
    QuestionKind, VoicemailPolicy,
};
use std::collections::BTreeSet;

/// Longest spoken text in characters: about a minute of speech.
const LONGEST_TEXT: usize = 500;

/// Largest number that can be asked for: six keys.
const LARGEST_NUMBER: i64 = 999_999;

impl Campaign {
    /// Reads a campaign from YAML and checks it.
    ///
    /// # Errors
    /// Every fault found; a text that is not YAML of the right shape gives one fault that names the place.
    pub fn from_yaml(text: &str) -> Result<Self, Vec<CampaignFault>> {
        let campaign: Self = serde_norway::from_str(text).map_err(|error| {
            vec![CampaignFault {
                field: "campaign".to_owned(),
                fault: error.to_string(),
                remedy: "compare it with fixtures/campaigns/health_survey.yaml".to_owned(),
            }]
        })?;
        let faults = campaign.validate();
        if faults.is_empty() { Ok(campaign) } else { Err(faults) }
    }

    /// Everything that is wrong with this campaign; empty if nothing is.
    pub fn validate(&self) -> Vec<CampaignFault> {
        let mut faults = Faults::default();
        let id = self.id.as_str();
        let id_ok = (1..=64).contains(&id.len())
            && id
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        faults.unless(
            id_ok,
            "id",
            "is not an identifier",
            "use 1 to 64 letters, digits, hyphens or underscores",
        );
        faults.text("name", &self.name);
        faults.text("language", &self.language.0);
        faults.text("organisation", &self.organisation);
        faults.text("purpose", &self.purpose);
        if let Some(voice) = &self.voice {
            faults.text("voice", voice);
        }
        faults.unless(
            self.max_reprompts <= 5,
            "max_reprompts",
            format!("is {}", self.max_reprompts),
            "use 0 to 5",
        );
        faults.unless(
            (30..=3600).contains(&self.longest_call_seconds),
            "longest_call_seconds",
            format!("is {}", self.longest_call_seconds),
            "use 30 to 3600",
        );
        if let Some(wait_ms) = self.hello_wait_ms {
            faults.unless(
                (200..=5_000).contains(&wait_ms),
                "hello_wait_ms",
                format!("is {wait_ms}"),
                "use 200 to 5000",
            );
            faults.unless(
                self.opening == Opening::AfterHello,
                "hello_wait_ms",
                "is given, and `opening: at_once` waits for no hello",
                "remove one of the two",
            );
        }
        if let VoicemailPolicy::LeaveMessage(message) = &self.voicemail {
            faults.text("voicemail.leave_message", message);
        }
        faults.unless(
            self.questions.len() == QUESTION_COUNT,
            "questions",
            format!("has {} questions", self.questions.len()),
            format!("write exactly {QUESTION_COUNT}"),
        );
        for (index, question) in self.questions.iter().enumerate() {
            faults.question(&format!("questions[{index}]"), question);
        }
        faults.translations(self);
        faults.emails("emails", &self.emails);
        faults.dialing(&self.dialing);
        faults.0
    }
}

/// Faults found so far.
#[derive(Default)]
pub(super) struct Faults(Vec<CampaignFault>);

impl Faults {
    pub(super) fn unless(&mut self, good: bool, field: &str, fault: impl Into<String>, remedy: impl Into<String>) {
        if !good {
            self.0.push(CampaignFault {
                field: field.to_owned(),
                fault: fault.into(),
                remedy: remedy.into(),
            });
        }
    }

    /// A text that is spoken or shown.
    pub(super) fn text(&mut self, field: &str, text: &str) {
        self.unless(!text.trim().is_empty(), field, "is empty", "write a text");
        let length = text.chars().count();
        self.unless(
            length <= LONGEST_TEXT,
            field,
            format!("has {length} characters"),
            format!("use at most {LONGEST_TEXT}"),
        );
        self.unless(
            !text.chars().any(|c| c.is_control() || c == '{' || c == '}'),
            field,
            "contains a control character, a line break or a brace",
            "write it on one line without braces",
        );
    }

    fn dialing(&mut self, rules: &DialingRules) {
        let window = &rules.window;
        let zone_ok = !window.zone.is_empty()
            && (window.zone.bytes()).all(|byte| byte.is_ascii_alphanumeric() || b"/_+-".contains(&byte));
        self.unless(
            zone_ok,
            "dialing.window.zone",
            "is no name of a zone",
            "use a name of the IANA time zone database, for example Asia/Kolkata",
        );
        self.unless(
            !window.weekdays.is_empty(),
            "dialing.window.weekdays",
            "is empty",
            "name the days, for example [monday, friday]",
        );
        self.unless(
            window.start != window.end || window.is_all_day(),
            "dialing.window.end",
            "is the start",
            "write a later time, an earlier one for a window that passes midnight, or 00:00 twice for the whole day",
        );
        let bounded = [
            ("dialing.retry.max_attempts", Some(rules.retry.max_attempts), 1, 20),
            ("dialing.cooldown_days", Some(rules.cooldown_days), 0, 365),
            (
                "dialing.scrub_max_age_days",
                rules.scrub_max_age_days,
                1,
                LONGEST_SCRUB_AGE_DAYS,
            ),
            (
                "dialing.limits.concurrent_calls",
                rules.limits.concurrent_calls,
                1,
                u32::MAX,
            ),
            (
                "dialing.limits.calls_per_second",
                rules.limits.calls_per_second,
                1,
                u32::MAX,
            ),
            ("dialing.limits.calls_per_day", rules.limits.calls_per_day, 1, u32::MAX),
        ];
        for (field, value, lowest, highest) in bounded {
            let Some(value) = value else { continue };
            let remedy = match highest {
                u32::MAX => format!("use {lowest} or more, or leave it out"),
                _ => format!("use {lowest} to {highest}"),
            };
            self.unless(
                (lowest..=highest).contains(&value),
                field,
                format!("is {value}"),
                remedy,
            );
        }
    }

    fn question(&mut self, field: &str, question: &Question) {
        self.text(&format!("{field}.text"), &question.text);
        if let Some(patience) = question.patience_ms {
            self.unless(
                (300..=3000).contains(&patience),
                &format!("{field}.patience_ms"),
                format!("is {patience}"),
                "use 300 to 3000 milliseconds",
            );
        }
        let answer = format!("{field}.answer");
        match &question.answer {
            QuestionKind::YesNo => {}
            QuestionKind::Number { min, max } => self.range(&answer, *min, *max, 0, LARGEST_NUMBER),
            QuestionKind::Scale { min, max } => {
                self.range(&answer, *min, *max, 0, 10);
                self.unless(
                    (0..=1).contains(min),
                    &format!("{answer}.min"),
                    format!("is {min}"),
                    "start a scale at 0 or 1, or use a number question",
                );
            }
            QuestionKind::Choice { options } => self.options(&answer, options),
            QuestionKind::FreeText { max_seconds } => self.unless(
                (5..=120).contains(max_seconds),
                &format!("{answer}.max_seconds"),
                format!("is {max_seconds}"),
                "use 5 to 120",
            ),
        }
    }

    fn range(&mut self, field: &str, min: i64, max: i64, lowest: i64, highest: i64) {
        self.unless(
            min >= lowest,
            &format!("{field}.min"),
            format!("is {min}"),
            format!("use {lowest} or more: keys must be able to give it"),
        );
        self.unless(
            max <= highest,
            &format!("{field}.max"),
            format!("is {max}"),
            format!("use at most {highest}"),
        );
        self.unless(
            min < max,
            &format!("{field}.max"),
            format!("is {max}, not above min {min}"),
            "make max larger than min",
        );
    }

    pub(super) fn options(&mut self, field: &str, options: &[ChoiceOption]) {
        self.unless(
            (2..=9).contains(&options.len()),
            &format!("{field}.options"),
            format!("has {} options", options.len()),
            "write two to nine: each has a key on the telephone",
        );
        let mut keys = BTreeSet::new();
        let mut phrases = BTreeSet::new();
        for (index, option) in options.iter().enumerate() {
            let field = format!("{field}.options[{index}]");
            self.text(&format!("{field}.key"), &option.key);
            self.text(&format!("{field}.label"), &option.label);
            self.unless(
                keys.insert(option.key.as_str()),
                &format!("{field}.key"),
                format!("repeats `{}`", option.key),
                "give each option its own key",
            );
            // The key, the label and the phrases of one option may agree with each other, not with another option's.
            let own: BTreeSet<String> = option.spoken_forms().into_iter().collect();
            for (number, phrase) in option.phrases.iter().enumerate() {
                self.text(&format!("{field}.phrases[{number}]"), phrase);
            }
            for phrase in own {
                self.unless(
                    phrases.insert(phrase.clone()),
                    &field,
                    format!("can be answered by `{phrase}`, and so can an option before it"),
                    "use different words",
                );
            }
        }
    }
}

impl ChoiceOption {
    /// Every phrase that means this option, in lower case without punctuation: label first, then key, then the
    /// further phrases.
    pub fn spoken_forms(&self) -> Vec<String> {
        let mut forms = Vec::new();
        let all = [self.label.clone(), self.key.replace(['_', '-'], " ")]
            .into_iter()
            .chain(self.phrases.iter().cloned());
        for form in all {
            let form = crate::dialogue::normalise(&form);
            if !form.is_empty() && !forms.contains(&form) {
                forms.push(form);
            }
        }
        forms
    }
}
