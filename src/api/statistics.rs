//! Statistics of a campaign.

use super::words::ModeWord;
use super::{ApiState, Query};
use crate::app::campaigns::StatisticsView;
use crate::problem::Problem;
use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, get};
use samvad_actors::domain::CampaignId;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

pub(super) fn configure(cfg: &mut ServiceConfig) {
    cfg.service(read);
}

/// Of which attempts.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct StatisticsQuery {
    /// Attempts of this mode; without, of the campaign's present one.
    #[param(inline)]
    mode: Option<ModeWord>,
}

/// Count what came of a campaign.
///
/// Contacts, attempts, consents, rates (AAPOR's among them), days and answers of one mode, of one moment. Consents and
/// answers are counted by contact, not by call: the answers are those that the export shows.
#[utoipa::path(
    tag = "results",
    params(("id" = String, Path, description = "The campaign's id."), StatisticsQuery),
    responses((status = 200, description = "The counts.", body = StatisticsView)),
    extensions(("x-permission" = json!("statistics:read"))),
)]
#[get("/campaigns/{id}/statistics")]
async fn read(
    state: Data<ApiState>,
    id: Path<String>,
    Query(query): Query<StatisticsQuery>,
) -> Result<HttpResponse, Problem> {
    let campaign = CampaignId::new(id.into_inner());
    let mode = query.mode.map(|word| word.0);
    Ok(HttpResponse::Ok().json(state.campaigns.statistics(&campaign, mode).await?))
}
