//! Campaigns: written, listed, read, edited, copied, deleted; `lifecycle` has them run.

mod answer;
mod definition;
mod dialing;
mod emails;
mod faults;
mod lifecycle;
mod outlook;
pub(super) mod texts;
mod views;

use self::definition::CampaignDefinition;
use self::views::{CampaignBody, CampaignSummary, cursor};
use super::etag::{IfMatch, OptionalIfMatch};
use super::moment::Moment;
use super::page::{self, Page, PageQuery};
use super::words::CampaignStatusWord;
use super::{ApiState, Json, Query};
use crate::access::Caller;
use crate::app::campaigns::CampaignDetail;
use crate::problem::{FieldFault, Problem};
use actix_web::http::header::{ETAG, LOCATION};
use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, HttpResponseBuilder, delete, get, post, put};
use samvad_actors::domain::CampaignId;
use samvad_actors::ports::CampaignQuery;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// Longest part of a name that is searched for, in characters.
const LONGEST_TEXT: usize = 100;

pub(super) fn configure(cfg: &mut ServiceConfig) {
    cfg.service(list)
        .service(create)
        .service(read)
        .service(edit)
        .service(delete_draft)
        .service(copy);
    lifecycle::configure(cfg);
    outlook::configure(cfg);
}

/// Which campaigns.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct CampaignSearch {
    /// Where they stand.
    #[param(inline)]
    status: Option<CampaignStatusWord>,
    /// Created at this moment or later.
    created_from: Option<Moment>,
    /// Created before this moment.
    created_until: Option<Moment>,
    /// Part of the name, in capitals or small letters.
    #[param(max_length = 100)]
    text: Option<String>,
    /// Rows wanted at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// `next` of the page before.
    #[param(max_length = 1024)]
    cursor: Option<String>,
}

/// List campaigns.
#[utoipa::path(
    tag = "campaigns",
    operation_id = "list_campaigns",
    params(CampaignSearch),
    responses((status = 200, description = "A page of campaigns, the newest first.", body = Page<CampaignSummary>)),
    extensions(("x-permission" = json!("campaigns:read"))),
)]
#[get("/campaigns")]
async fn list(state: Data<ApiState>, Query(search): Query<CampaignSearch>) -> Result<HttpResponse, Problem> {
    let page = PageQuery {
        limit: search.limit,
        cursor: search.cursor,
    };
    let limit = page.limit()?;
    if search
        .text
        .as_ref()
        .is_some_and(|text| text.chars().count() > LONGEST_TEXT)
    {
        return Err(page::fault("text", "is too long", "send at most 100 characters"));
    }
    let query = CampaignQuery {
        lifecycle: search.status.map(|status| status.0),
        created_from_ms: search.created_from.map(|moment| moment.0),
        created_until_ms: search.created_until.map(|moment| moment.0),
        name_contains: search.text,
        after: page.after()?,
        limit: limit + 1,
    };
    let rows = state.campaigns.page(&query).await?;
    let page = Page::of(rows, limit, cursor);
    Ok(HttpResponse::Ok().json(page.map(CampaignSummary::from)))
}

/// Make a campaign.
///
/// It begins as a draft without contacts.
#[utoipa::path(
    tag = "campaigns",
    operation_id = "create_campaign",
    request_body = CampaignDefinition,
    responses(
        (status = 201, description = "The draft.", body = CampaignBody, headers(
            ("etag" = String, description = "Its version, for edits."),
            ("location" = String, description = "Where it is."),
        )),
    ),
    extensions(("x-permission" = json!("campaigns:write"))),
)]
#[post("/campaigns")]
async fn create(
    caller: Caller,
    state: Data<ApiState>,
    Json(definition): Json<CampaignDefinition>,
) -> Result<HttpResponse, Problem> {
    let id = definition.id.clone().unwrap_or_else(|| Uuid::new_v4().to_string());
    let campaign = definition.campaign(CampaignId::new(id));
    let made = state.campaigns.create_draft(&campaign, &caller.changed_by()).await?;
    Ok(created(made))
}

/// Read a campaign.
#[utoipa::path(
    tag = "campaigns",
    operation_id = "read_campaign",
    params(("id" = String, Path, description = "The campaign's id.")),
    responses(
        (status = 200, description = "The campaign with its definition.", body = CampaignBody, headers(
            ("etag" = String, description = "Its version, for edits."),
        )),
    ),
    extensions(("x-permission" = json!("campaigns:read"))),
)]
#[get("/campaigns/{id}")]
async fn read(state: Data<ApiState>, id: Path<String>) -> Result<HttpResponse, Problem> {
    let found = state.campaigns.detail(&CampaignId::new(id.into_inner())).await?;
    Ok(shown(found))
}

/// Edit a campaign.
///
/// Replaces the definition of a draft, or of a scheduled or paused campaign whose calls have all ended.
#[utoipa::path(
    tag = "campaigns",
    operation_id = "edit_campaign",
    params(
        ("id" = String, Path, description = "The campaign's id."),
        ("if-match" = String, Header, description = "The etag of the campaign as it was read."),
    ),
    request_body = CampaignDefinition,
    responses(
        (status = 200, description = "The campaign as it is now.", body = CampaignBody, headers(
            ("etag" = String, description = "Its new version."),
        )),
    ),
    extensions(("x-permission" = json!("campaigns:write"))),
)]
#[put("/campaigns/{id}")]
async fn edit(
    caller: Caller,
    state: Data<ApiState>,
    id: Path<String>,
    IfMatch(version): IfMatch,
    Json(definition): Json<CampaignDefinition>,
) -> Result<HttpResponse, Problem> {
    let id = CampaignId::new(id.into_inner());
    if definition.id.as_ref().is_some_and(|other| other != id.as_str()) {
        let fault = FieldFault::new(
            "/id",
            "is that of another campaign",
            "leave it out: an id never changes",
        );
        return Err(Problem::invalid(vec![fault]));
    }
    let campaign = definition.campaign(id);
    let edited = state.campaigns.edit(&campaign, version.0, &caller.changed_by()).await?;
    Ok(shown(edited))
}

/// Delete a draft, with its contacts and imports.
#[utoipa::path(
    tag = "campaigns",
    operation_id = "delete_campaign",
    params(
        ("id" = String, Path, description = "The campaign's id."),
        ("if-match" = Option<String>, Header, description = "The etag of the campaign, if only that version is meant."),
    ),
    responses((status = 204, description = "It is gone.")),
    extensions(("x-permission" = json!("campaigns:write"))),
)]
#[delete("/campaigns/{id}")]
async fn delete_draft(
    caller: Caller,
    state: Data<ApiState>,
    id: Path<String>,
    OptionalIfMatch(version): OptionalIfMatch,
) -> Result<HttpResponse, Problem> {
    let id = CampaignId::new(id.into_inner());
    let version = version.map(|version| version.0);
    state.campaigns.delete_draft(&id, version, &caller.changed_by()).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// What a copy is called.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CampaignCopy {
    /// Left out, it gets one.
    #[schema(pattern = "^[A-Za-z0-9_-]{1,64}$")]
    id: Option<String>,
    /// Left out, the original's.
    #[schema(min_length = 1, max_length = 500)]
    name: Option<String>,
}

/// Copy a campaign.
///
/// The copy is a draft without contacts.
#[utoipa::path(
    tag = "campaigns",
    operation_id = "copy_campaign",
    params(("id" = String, Path, description = "The original's id.")),
    request_body = CampaignCopy,
    responses(
        (status = 201, description = "The copy.", body = CampaignBody, headers(
            ("etag" = String, description = "Its version, for edits."),
            ("location" = String, description = "Where it is."),
        )),
    ),
    extensions(("x-permission" = json!("campaigns:write"))),
)]
#[post("/campaigns/{id}/copy")]
async fn copy(
    caller: Caller,
    state: Data<ApiState>,
    id: Path<String>,
    Json(wanted): Json<CampaignCopy>,
) -> Result<HttpResponse, Problem> {
    let original = CampaignId::new(id.into_inner());
    let copy = state
        .campaigns
        .copy(
            &original,
            wanted.id.map(CampaignId::new),
            wanted.name.as_deref(),
            &caller.changed_by(),
        )
        .await?;
    Ok(created(copy))
}

fn created(detail: CampaignDetail) -> HttpResponse {
    let campaign = CampaignBody::from(detail);
    let location = format!("/api/v1/campaigns/{}", campaign.id());
    with_etag(HttpResponse::Created().insert_header((LOCATION, location)), &campaign)
}

/// A campaign as it is now.
fn shown(detail: CampaignDetail) -> HttpResponse {
    with_etag(&mut HttpResponse::Ok(), &CampaignBody::from(detail))
}

fn with_etag(response: &mut HttpResponseBuilder, campaign: &CampaignBody) -> HttpResponse {
    response.insert_header((ETAG, campaign.version().etag())).json(campaign)
}
