//! What a campaign has to do now, or waits for.

use crate::api::ApiState;
use crate::api::moment::Moment;
use crate::app::Outlook;
use crate::problem::Problem;
use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, get};
use samvad_actors::domain::CampaignId;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

pub(super) fn configure(cfg: &mut ServiceConfig) {
    cfg.service(read);
}

/// What a campaign waits for.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum WaitsFor {
    /// Nothing: somebody is being called, or may be called now.
    Nothing,
    /// Its window is closed wherever somebody is left.
    Window,
    /// Nobody may be called now, though the window is open: retries, callbacks and cooldowns are due later.
    DueContacts,
    /// It, or all campaigns together, have made the calls of the day.
    NextDay,
    /// It is scheduled.
    ItsBeginning,
    /// It does not run: somebody has to activate or resume it, or it is over.
    Somebody,
}

/// What a campaign has to do now.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CampaignOutlook)]
struct OutlookBody {
    waits_for: WaitsFor,
    /// Until when, where that is known: the window opens, the campaign begins.
    #[schema(required = true)]
    until: Option<Moment>,
    /// Why it does not run, for people.
    #[schema(required = true)]
    reason: Option<String>,
}

impl From<Outlook> for OutlookBody {
    fn from(outlook: Outlook) -> Self {
        let (waits_for, until_ms, reason) = match outlook {
            Outlook::Busy => (WaitsFor::Nothing, None, None),
            Outlook::WindowClosed { opens_at_ms } => (WaitsFor::Window, opens_at_ms, None),
            Outlook::NothingDue => (WaitsFor::DueContacts, None, None),
            Outlook::DayIsFull => (WaitsFor::NextDay, None, None),
            Outlook::NotBegun { starts_at_ms } => (WaitsFor::ItsBeginning, Some(starts_at_ms), None),
            Outlook::Halted { reason, .. } => (WaitsFor::Somebody, None, reason),
        };
        Self {
            waits_for,
            until: until_ms.map(Moment),
            reason,
        }
    }
}

/// Tell what a campaign waits for, if it calls nobody just now.
#[utoipa::path(
    tag = "campaigns",
    operation_id = "read_campaign_outlook",
    params(("id" = String, Path, description = "The campaign's id.")),
    responses((status = 200, description = "What it has to do now, as the database has it.", body = OutlookBody)),
    extensions(("x-permission" = json!("campaigns:read"))),
)]
#[get("/campaigns/{id}/outlook")]
async fn read(state: Data<ApiState>, id: Path<String>) -> Result<HttpResponse, Problem> {
    let campaign = CampaignId::new(id.into_inner());
    let outlook = state.campaigns.outlook(&campaign).await?;
    Ok(HttpResponse::Ok().json(OutlookBody::from(outlook)))
}
