//! What is written by e-mail to people who are through with a survey.

use super::validate::Faults;
use serde::{Deserialize, Serialize};

/// Longest line that a message may have (RFC 5322, section 2.1.1), with room for its name and for what is filled in.
const LONGEST_SUBJECT: usize = 200;
/// Longest text in characters.
const LONGEST_BODY: usize = 10_000;
/// What may stand in braces, and is filled in for each person.
const PLACEHOLDERS: [&str; 3] = ["name", "organisation", "purpose"];

/// One e-mail. `{name}`, `{organisation}` and `{purpose}` stand for what they say; `{{` and `}}` are braces.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmailTemplate {
    /// One line.
    #[serde(default)]
    pub subject: String,
    /// Plain text, with line breaks.
    #[serde(default)]
    pub text: String,
}

/// The e-mails of a campaign in one language, by how a contact's survey ended. Nothing is written where there is none.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmailTemplates {
    /// To who answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed: Option<EmailTemplate>,
    /// To who did not want to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<EmailTemplate>,
    /// To who was not reached by any call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_reached: Option<EmailTemplate>,
}

impl EmailTemplates {
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Faults {
    /// What is wrong with the e-mails under `field`.
    pub(super) fn emails(&mut self, field: &str, emails: &EmailTemplates) {
        let templates = [
            ("completed", &emails.completed),
            ("refused", &emails.refused),
            ("not_reached", &emails.not_reached),
        ];
        for (event, template) in templates {
            let Some(template) = template else { continue };
            let subject = format!("{field}.{event}.subject");
            self.written(&subject, &template.subject, LONGEST_SUBJECT);
            // A line break would begin another field of the message's head.
            self.unless(
                !template.subject.chars().any(char::is_control),
                &subject,
                "contains a control character or a line break",
                "write it on one line",
            );
            let text = format!("{field}.{event}.text");
            self.written(&text, &template.text, LONGEST_BODY);
            self.unless(
                !template
                    .text
                    .chars()
                    .any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')),
                &text,
                "contains a control character",
                "write plain text; it may have line breaks",
            );
        }
    }

    fn written(&mut self, field: &str, text: &str, longest: usize) {
        self.unless(!text.trim().is_empty(), field, "is empty", "write a text");
        let length = text.chars().count();
        self.unless(
            length <= longest,
            field,
            format!("has {length} characters"),
            format!("use at most {longest}"),
        );
        if let Err(fault) = placeholders(text) {
            let known = PLACEHOLDERS.map(|name| format!("{{{name}}}")).join(", ");
            self.unless(
                false,
                field,
                fault,
                format!("use {known}, and write {{{{ and }}}} for braces"),
            );
        }
    }
}

/// The names in braces, in their order.
///
/// # Errors
/// Says what stands in braces and is not known, or which brace is alone.
fn placeholders(text: &str) -> Result<Vec<&str>, String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let brace = &rest[at..];
        if brace.starts_with("{{") || brace.starts_with("}}") {
            rest = &brace[2..];
            continue;
        }
        let name = brace.strip_prefix('{').and_then(|inside| inside.split_once('}'));
        let Some((name, after)) = name else {
            return Err("has a brace that belongs to no other".to_owned());
        };
        if !PLACEHOLDERS.contains(&name) {
            return Err(format!("has `{{{name}}}`, which stands for nothing"));
        }
        found.push(name);
        rest = after;
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Campaign, Language};
    use proptest::prelude::*;

    const HEALTH: &str = include_str!("../../../../fixtures/campaigns/health_survey.yaml");
    const BILINGUAL: &str = include_str!("../../../../fixtures/campaigns/health_survey_bilingual.yaml");

    fn faults(emails: &str) -> String {
        let text = format!("{HEALTH}\nemails: {emails}\n");
        let faults = Campaign::from_yaml(&text).expect_err("refused");
        let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
        lines.join("\n")
    }

    #[test]
    fn a_campaign_keeps_its_emails_in_each_of_its_languages() {
        let campaign = Campaign::from_yaml(BILINGUAL).expect("valid");
        let thanks = campaign.emails.completed.clone().expect("an e-mail");
        assert_eq!(placeholders(&thanks.text), Ok(vec!["name", "organisation"]));
        let hindi = campaign.in_language(&Language("hi".to_owned())).expect("translated");
        assert_ne!(hindi.emails.completed.expect("an e-mail"), thanks);
        let json = serde_json::to_string(&campaign).expect("JSON");
        assert_eq!(serde_json::from_str::<Campaign>(&json).expect("read"), campaign);
        let plain = Campaign::from_yaml(HEALTH).expect("valid");
        assert!(!serde_json::to_string(&plain).expect("JSON").contains("emails"));
    }

    #[test]
    fn every_fault_of_an_email_is_told_with_its_field_and_remedy() {
        let long = "x".repeat(201);
        for (emails, fault) in [
            (
                "{ completed: { subject: Thanks } }",
                "emails.completed.text: is empty; write a text",
            ),
            (
                "{ refused: { text: Sorry } }",
                "emails.refused.subject: is empty; write a text",
            ),
            (
                &format!("{{ not_reached: {{ subject: {long}, text: Hello }} }}"),
                "emails.not_reached.subject: has 201 characters; use at most 200",
            ),
            (
                r#"{ completed: { subject: "a\nBcc: b@example.org", text: a } }"#,
                "emails.completed.subject: contains a control character or a line break; write it on one line",
            ),
            (
                r#"{ completed: { subject: a, text: "a\0" } }"#,
                "emails.completed.text: contains a control character",
            ),
            (
                r#"{ completed: { subject: "{phone}", text: a } }"#,
                "emails.completed.subject: has `{phone}`, which stands for nothing; use {name}, {organisation}, {purpose}, \
                 and write {{ and }} for braces",
            ),
            (
                r#"{ completed: { subject: a, text: "a } b" } }"#,
                "emails.completed.text: has a brace that belongs to no other",
            ),
            ("{ answered: { subject: a, text: a } }", "unknown field `answered`"),
        ] {
            let all = faults(emails);
            assert!(all.contains(fault), "{fault} in\n{all}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_and_doubled_braces_are_never_placeholders(text in "[ab{}name]{0,30}") {
            let doubled = text.replace('{', "{{").replace('}', "}}");
            prop_assert_eq!(placeholders(&doubled), Ok(Vec::new()));
            let _ = placeholders(&text);
        }
    }
}
