//! The life of a campaign: previewed, activated, paused, resumed, stopped, taken from the schedule, put away.

use super::faults::missing;
use super::shown;
use super::views::{CampaignBody, PreviewBody};
use crate::access::Caller;
use crate::api::moment::Moment;
use crate::api::words::ModeWord;
use crate::api::{ApiState, Json, Query};
use crate::app::campaigns::{Activation, CampaignError};
use crate::problem::{FieldFault, Problem};
use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, get, post};
use samvad_actors::domain::CampaignId;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

pub(super) fn configure(cfg: &mut ServiceConfig) {
    cfg.service(preview)
        .service(activate)
        .service(pause)
        .service(resume)
        .service(stop)
        .service(unschedule)
        .service(archive);
}

/// As what it would be activated.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct PreviewQuery {
    /// How real its attempts would be.
    #[param(inline)]
    mode: ModeWord,
}

/// Preview an activation: what it would do, and everything that is missing.
#[utoipa::path(
    tag = "campaigns",
    operation_id = "preview_campaign",
    params(("id" = String, Path, description = "The campaign's id."), PreviewQuery),
    responses((status = 200, description = "What activating it now would do.", body = PreviewBody)),
    extensions(("x-permission" = json!("campaigns:read"))),
)]
#[get("/campaigns/{id}/preview")]
async fn preview(
    state: Data<ApiState>,
    id: Path<String>,
    Query(query): Query<PreviewQuery>,
) -> Result<HttpResponse, Problem> {
    let (id, mode) = (CampaignId::new(id.into_inner()), query.mode.0);
    let preview = state.campaigns.preview(&id, mode).await?;
    let mut faults = missing(&preview.missing);
    if let Err(CampaignError::WrongMode { remedy, .. }) = state.campaigns.check_mode(mode) {
        faults.push(FieldFault::new("mode", "is not what this server makes", remedy));
    }
    Ok(HttpResponse::Ok().json(PreviewBody::new(preview, faults)))
}

/// How a campaign is activated.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ActivationRequest {
    /// How real its attempts are. Where this changes, contacts start anew.
    mode: ModeWord,
    /// When it begins; now if it is left out or past.
    starts_at: Option<Moment>,
    /// `confirmation` of the preview that was shown; needed for live calls.
    #[schema(max_length = 100)]
    confirmation: Option<String>,
}

/// Activate a campaign, now or later.
///
/// 422 names everything that is missing, with pointers into the campaign as it is read. 409: it cannot start from where
/// it stands, the server does not make such attempts, or what was confirmed holds no more.
#[utoipa::path(
    tag = "campaigns",
    operation_id = "activate_campaign",
    params(("id" = String, Path, description = "The campaign's id.")),
    request_body = ActivationRequest,
    responses((status = 200, description = "The campaign, running or scheduled.", body = CampaignBody)),
    extensions(("x-permission" = json!("campaigns:run"))),
)]
#[post("/campaigns/{id}/activate")]
async fn activate(
    caller: Caller,
    state: Data<ApiState>,
    id: Path<String>,
    Json(wanted): Json<ActivationRequest>,
) -> Result<HttpResponse, Problem> {
    let wish = Activation {
        campaign: CampaignId::new(id.into_inner()),
        mode: wanted.mode.0,
        starts_at_ms: wanted.starts_at.map(|moment| moment.0),
        confirmation: wanted.confirmation,
    };
    state.campaigns.activate(&wish, &caller.changed_by()).await?;
    as_it_is(&state, &wish.campaign).await
}

/// Pause a campaign: no call begins any more; those under way go on.
#[utoipa::path(
    tag = "campaigns",
    operation_id = "pause_campaign",
    params(("id" = String, Path, description = "The campaign's id.")),
    responses((status = 200, description = "The campaign, paused.", body = CampaignBody)),
    extensions(("x-permission" = json!("campaigns:run"))),
)]
#[post("/campaigns/{id}/pause")]
async fn pause(caller: Caller, state: Data<ApiState>, id: Path<String>) -> Result<HttpResponse, Problem> {
    let id = CampaignId::new(id.into_inner());
    state.campaigns.pause(&id, &caller.changed_by()).await?;
    as_it_is(&state, &id).await
}

/// Resume a campaign that was paused, in the mode it had.
#[utoipa::path(
    tag = "campaigns",
    operation_id = "resume_campaign",
    params(("id" = String, Path, description = "The campaign's id.")),
    responses((status = 200, description = "The campaign, running.", body = CampaignBody)),
    extensions(("x-permission" = json!("campaigns:run"))),
)]
#[post("/campaigns/{id}/resume")]
async fn resume(caller: Caller, state: Data<ApiState>, id: Path<String>) -> Result<HttpResponse, Problem> {
    let id = CampaignId::new(id.into_inner());
    state.campaigns.resume(&id, &caller.changed_by()).await?;
    as_it_is(&state, &id).await
}

/// Stop a campaign for good: queued and ringing calls are taken back, those that talk come to their end.
#[utoipa::path(
    tag = "campaigns",
    operation_id = "stop_campaign",
    params(("id" = String, Path, description = "The campaign's id.")),
    responses((status = 200, description = "The campaign, completed.", body = CampaignBody)),
    extensions(("x-permission" = json!("campaigns:run"))),
)]
#[post("/campaigns/{id}/stop")]
async fn stop(caller: Caller, state: Data<ApiState>, id: Path<String>) -> Result<HttpResponse, Problem> {
    let id = CampaignId::new(id.into_inner());
    state.campaigns.stop(&id, &caller.changed_by()).await?;
    as_it_is(&state, &id).await
}

/// Take a campaign from the schedule: it is a draft again.
#[utoipa::path(
    tag = "campaigns",
    operation_id = "unschedule_campaign",
    params(("id" = String, Path, description = "The campaign's id.")),
    responses((status = 200, description = "The campaign, a draft.", body = CampaignBody)),
    extensions(("x-permission" = json!("campaigns:run"))),
)]
#[post("/campaigns/{id}/unschedule")]
async fn unschedule(caller: Caller, state: Data<ApiState>, id: Path<String>) -> Result<HttpResponse, Problem> {
    let id = CampaignId::new(id.into_inner());
    state.campaigns.unschedule(&id, &caller.changed_by()).await?;
    as_it_is(&state, &id).await
}

/// Put a campaign away that is completed.
#[utoipa::path(
    tag = "campaigns",
    operation_id = "archive_campaign",
    params(("id" = String, Path, description = "The campaign's id.")),
    responses((status = 200, description = "The campaign, archived.", body = CampaignBody)),
    extensions(("x-permission" = json!("campaigns:run"))),
)]
#[post("/campaigns/{id}/archive")]
async fn archive(caller: Caller, state: Data<ApiState>, id: Path<String>) -> Result<HttpResponse, Problem> {
    let id = CampaignId::new(id.into_inner());
    state.campaigns.archive(&id, &caller.changed_by()).await?;
    as_it_is(&state, &id).await
}

async fn as_it_is(state: &ApiState, id: &CampaignId) -> Result<HttpResponse, Problem> {
    Ok(shown(state.campaigns.detail(id).await?))
}
