//! The e-mails of a campaign, as the API reads and writes them.

use super::definition::alike;
use samvad_actors::domain::{EmailTemplate, EmailTemplates};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The e-mails of a campaign in one language, by how a contact's survey ended. They are kept with the campaign; this
/// version sends none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Emails)]
#[serde(deny_unknown_fields)]
pub(super) struct EmailsDefinition {
    /// To who answered.
    #[serde(default)]
    completed: Option<EmailDefinition>,
    /// To who did not want to.
    #[serde(default)]
    refused: Option<EmailDefinition>,
    /// To who was not reached by any call.
    #[serde(default)]
    not_reached: Option<EmailDefinition>,
}

/// One e-mail. `{name}`, `{organisation}` and `{purpose}` are filled in; `{{` and `}}` are braces.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Email)]
#[serde(deny_unknown_fields)]
struct EmailDefinition {
    /// One line.
    #[schema(min_length = 1, max_length = 200, example = "Thank you, {name}")]
    subject: String,
    /// Plain text, with line breaks.
    #[schema(min_length = 1, max_length = 10000)]
    text: String,
}

alike!(EmailDefinition, EmailTemplate { subject, text } {});

impl From<EmailsDefinition> for EmailTemplates {
    fn from(emails: EmailsDefinition) -> Self {
        Self {
            completed: emails.completed.map(Into::into),
            refused: emails.refused.map(Into::into),
            not_reached: emails.not_reached.map(Into::into),
        }
    }
}

impl From<EmailTemplates> for EmailsDefinition {
    fn from(emails: EmailTemplates) -> Self {
        Self {
            completed: emails.completed.map(Into::into),
            refused: emails.refused.map(Into::into),
            not_reached: emails.not_reached.map(Into::into),
        }
    }
}
