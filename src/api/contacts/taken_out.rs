//! Single contacts, excluded by hand and included again.

use super::Contact;
use crate::access::Caller;
use crate::api::{ApiState, Json};
use crate::problem::{FieldFault, Problem, ProblemBody};
use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, post};
use samvad_actors::domain::{CampaignId, ContactId, ExclusionReason, ExclusionReasonError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

pub(super) fn configure(cfg: &mut ServiceConfig) {
    cfg.service(exclude).service(include);
}

/// Why a contact is excluded.
#[derive(Deserialize, ToSchema)]
#[schema(as = ContactExclusion)]
#[serde(deny_unknown_fields)]
struct ContactExclusion {
    /// 1 to 200 characters, none of them a control character. It is shown with the contact and in the audit log: write
    /// no telephone number.
    #[schema(min_length = 1, max_length = 200, example = "moved away")]
    reason: String,
}

/// A contact that is excluded now, and what became of calls to it.
#[derive(Debug, Serialize, ToSchema)]
struct ContactExcluded {
    contact: Contact,
    /// Calls that were queued or ringing and have been taken back.
    calls_cancelled: u64,
    /// Calls that could not be taken back yet; the server tries again.
    calls_left: u64,
}

/// Exclude a contact from its campaign.
///
/// It is called no more, and a call that waits or rings is taken back; one that is spoken to goes on. The number stays
/// what it is in other campaigns. 409: the contact has answered, refused or cannot be reached, is excluded already, or
/// the campaign is over.
#[utoipa::path(
    tag = "contacts",
    operation_id = "exclude_contact",
    params(
        ("id" = String, Path, description = "The campaign's id."),
        ("contact" = String, Path, description = "The contact's id."),
    ),
    request_body = ContactExclusion,
    responses(
        (status = 200, description = "It is excluded.", body = ContactExcluded),
        (status = 409, description = "It cannot be excluded as it stands.", body = ProblemBody,
            content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("contacts:write"))),
)]
#[post("/campaigns/{id}/contacts/{contact}/exclude")]
async fn exclude(
    caller: Caller,
    state: Data<ApiState>,
    path: Path<(String, String)>,
    Json(wanted): Json<ContactExclusion>,
) -> Result<HttpResponse, Problem> {
    let (campaign, contact) = ids(path);
    let reason = ExclusionReason::parse(&wanted.reason).map_err(told)?;
    let done = state
        .campaigns
        .exclude_contact(&campaign, &contact, &reason, &caller.changed_by())
        .await?;
    let found = state.campaigns.contact(&campaign, &contact).await?;
    Ok(HttpResponse::Ok().json(ContactExcluded {
        contact: found.contact.into(),
        calls_cancelled: done.calls_cancelled,
        calls_left: done.calls_left,
    }))
}

/// Include a contact again that was excluded.
///
/// It may be called as before. 409: it is not excluded, its number is on the exclusion list, or the campaign is over.
#[utoipa::path(
    tag = "contacts",
    operation_id = "include_contact",
    params(
        ("id" = String, Path, description = "The campaign's id."),
        ("contact" = String, Path, description = "The contact's id."),
    ),
    responses(
        (status = 200, description = "The contact as it is now.", body = Contact),
        (status = 409, description = "It cannot be included as it stands.", body = ProblemBody,
            content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("contacts:write"))),
)]
#[post("/campaigns/{id}/contacts/{contact}/include")]
async fn include(caller: Caller, state: Data<ApiState>, path: Path<(String, String)>) -> Result<HttpResponse, Problem> {
    let (campaign, contact) = ids(path);
    state
        .campaigns
        .include_contact(&campaign, &contact, &caller.changed_by())
        .await?;
    let found = state.campaigns.contact(&campaign, &contact).await?;
    Ok(HttpResponse::Ok().json(Contact::from(found.contact)))
}

fn ids(path: Path<(String, String)>) -> (CampaignId, ContactId) {
    let (campaign, contact) = path.into_inner();
    (CampaignId::new(campaign), ContactId::new(contact))
}

/// 422 for a reason that is none.
fn told(error: ExclusionReasonError) -> Problem {
    let text = error.to_string();
    let (fault, remedy) = text.split_once("; ").unwrap_or((&text, "send another"));
    Problem::invalid(vec![FieldFault::new("/reason", fault, remedy)])
}
