//! What services refuse, as problems.

use crate::api::etag;
use crate::app::campaigns::CampaignError;
use crate::problem::{FieldFault, Problem};
use actix_web::http::StatusCode;
use samvad_actors::domain::CampaignFault;
use samvad_actors::ports::{EditRefusal, RemovalRefusal};

impl From<CampaignError> for Problem {
    /// Logs what is the server's own fault. Faults of a definition are told with pointers into the definition.
    fn from(error: CampaignError) -> Self {
        match error {
            CampaignError::Invalid(faults) => Self::invalid(faults.iter().map(|fault| told("", fault)).collect()),
            CampaignError::NotReady(faults) => Self::invalid(missing(&faults)),
            CampaignError::Unknown(_) => Self::no_such("campaign"),
            CampaignError::NotFound { what, .. } => Self::no_such(what),
            CampaignError::Edit(EditRefusal::VersionMismatch { .. }) => etag::changed(),
            CampaignError::Removal(RemovalRefusal::NotListed) => {
                Self::new(StatusCode::NOT_FOUND, RemovalRefusal::NotListed.to_string())
            }
            CampaignError::Edit(_)
            | CampaignError::Removal(_)
            | CampaignError::Contact(_)
            | CampaignError::NotConfirmed
            | CampaignError::WrongMode { .. } => Self::new(StatusCode::CONFLICT, error.to_string()),
            CampaignError::UnusableFile(reason) => Self::new(StatusCode::UNPROCESSABLE_ENTITY, reason),
            CampaignError::Store(error) => error.into(),
        }
    }
}

/// What keeps a campaign from being activated, with pointers into the campaign as it is read.
pub(super) fn missing(faults: &[CampaignFault]) -> Vec<FieldFault> {
    let told = |fault: &CampaignFault| match fault.field.as_str() {
        "contacts" => told("", fault),
        _ => told("/definition", fault),
    };
    faults.iter().map(told).collect()
}

/// A fault of a campaign, below this place.
fn told(place: &str, fault: &CampaignFault) -> FieldFault {
    let field = format!("{place}{}", pointer(&fault.field));
    FieldFault::new(field, fault.fault.as_str(), fault.remedy.as_str())
}

/// `questions[1].answer.max` as a JSON pointer (RFC 6901): `/questions/1/answer/max`. What is about the whole is about
/// the root.
fn pointer(field: &str) -> String {
    if field == "campaign" {
        return String::new();
    }
    let mut pointer = String::new();
    for part in field.split(['.', '[']) {
        pointer.push('/');
        let part = part.strip_suffix(']').unwrap_or(part);
        pointer.push_str(&part.replace('~', "~0").replace('/', "~1"));
    }
    pointer
}

#[cfg(test)]
mod tests {
    use super::*;
    use samvad_actors::domain::{CampaignId, Lifecycle};
    use samvad_actors::ports::{ContactRefusal, StoreError};

    #[test]
    fn a_field_is_told_as_a_json_pointer() {
        for (field, expected) in [
            ("name", "/name"),
            ("questions[1].answer.max", "/questions/1/answer/max"),
            (
                "translations.hi.questions[2].options[0].phrases[3]",
                "/translations/hi/questions/2/options/0/phrases/3",
            ),
            ("campaign", ""),
        ] {
            assert_eq!(pointer(field), expected);
        }
    }

    #[test]
    fn what_keeps_a_campaign_from_running_is_told_where_it_is_read() {
        let fault = |field: &str| CampaignFault {
            field: field.to_owned(),
            fault: "is wrong".to_owned(),
            remedy: "do otherwise".to_owned(),
        };
        let told = missing(&[fault("contacts"), fault("voicemail.leave_message")]);
        let fields: Vec<&str> = told.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(fields, ["/contacts", "/definition/voicemail/leave_message"]);
    }

    #[test]
    fn every_refusal_has_its_status() {
        let lifecycle = Lifecycle::Running;
        for (error, status) in [
            (CampaignError::Unknown(CampaignId::new("secret")), 404),
            (
                CampaignError::NotFound {
                    what: "contact",
                    id: "secret".to_owned(),
                },
                404,
            ),
            (EditRefusal::VersionMismatch { current: 7 }.into(), 412),
            (EditRefusal::NotEditable { lifecycle }.into(), 409),
            (EditRefusal::OpenAttempts { open: 1 }.into(), 409),
            (RemovalRefusal::InCall.into(), 409),
            (RemovalRefusal::NotListed.into(), 404),
            (ContactRefusal::Settled.into(), 409),
            (ContactRefusal::Listed.into(), 409),
            (CampaignError::NotConfirmed, 409),
            (CampaignError::Invalid(Vec::new()), 422),
            (CampaignError::NotReady(Vec::new()), 422),
            (CampaignError::UnusableFile("it is empty".to_owned()), 422),
            (
                StoreError::Conflict {
                    reason: "it runs".to_owned(),
                }
                .into(),
                409,
            ),
        ] {
            let problem = Problem::from(error);
            assert_eq!(problem.status.as_u16(), status, "{problem}");
            assert!(!problem.body(None).contains("secret"));
        }
    }
}
