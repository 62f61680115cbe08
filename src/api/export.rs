//! Results of a campaign as a table.

use super::csv_body::{answer, body, file_name_part};
use super::{ApiState, Query};
use crate::access::Caller;
use crate::app::campaigns::{EXPORT_PAGE, write_header, write_rows};
use crate::problem::Problem;
use actix_web::http::header::{CACHE_CONTROL, ETAG, EntityTag, Header, HeaderValue, IfNoneMatch, TryIntoHeaderValue};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get};
use samvad_actors::domain::CampaignId;
use samvad_actors::ports::{ExportQuery, ExportStamp};
use serde::Deserialize;
use std::io;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

/// Grows when the same results are written differently.
const FORMAT: u32 = 1;

pub(super) fn configure(cfg: &mut ServiceConfig) {
    cfg.service(results);
}

/// What is exported.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ResultsQuery {
    /// Whether contacts that are excluded are wanted too.
    #[serde(default)]
    #[param(default = false)]
    include_excluded: bool,
}

/// Export the results of a campaign.
///
/// A line for each contact that is finished, in the order of adding, with the answers of its newest call in which it answered
/// anything, whatever came of the calls after. No cell is a formula to a spreadsheet; telephone numbers stay as they are, so
/// that the table can be imported again. Names and e-mail addresses are not in it.
#[utoipa::path(
    tag = "results",
    params(
        ("id" = String, Path, description = "The campaign's id."),
        ResultsQuery,
        ("if-none-match" = Option<String>, Header, description = "The `etag` of an export that one has."),
    ),
    responses(
        (status = 200, description = "The table.", body = String, content_type = "text/csv",
            headers(("etag" = String, description = "Stays as long as the results do; none with `include_excluded`."))),
        (status = 304, description = "The results are those that one has."),
    ),
    extensions(("x-permission" = json!("results:export"))),
)]
#[get("/campaigns/{id}/results.csv")]
async fn results(
    caller: Caller,
    state: Data<ApiState>,
    id: Path<String>,
    Query(query): Query<ResultsQuery>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let campaign = CampaignId::new(id.into_inner());
    let stamp = state.campaigns.export_stamp(&campaign).await?;
    let mut headers = vec![
        // Kept by nobody but whoever asks, and never used without asking again.
        (CACHE_CONTROL, HeaderValue::from_static("private, no-cache")),
    ];
    // Who is excluded changes without a trace in the stamp, so a table with them is always made anew.
    if !query.include_excluded {
        let tag = tag(&stamp);
        headers.push((ETAG, tag.clone().try_into_value().map_err(|_| Problem::internal())?));
        if has_it(&request, &tag) {
            let mut response = HttpResponse::NotModified();
            headers.into_iter().for_each(|header| {
                response.insert_header(header);
            });
            return Ok(response.finish());
        }
    }
    let file_name = format!("{}-results.csv", file_name_part(campaign.as_str()));
    let by = caller.changed_by();
    let begun = state
        .campaigns
        .begin_export(&campaign, query.include_excluded, &stamp, &by);
    begun.await?;

    let mut header = Vec::new();
    write_header(&mut header).map_err(unwritten)?;
    let campaigns = state.campaigns.clone();
    let body = body(header, 0, move |after_position| {
        let campaigns = campaigns.clone();
        let page = ExportQuery {
            campaign: campaign.clone(),
            include_excluded: query.include_excluded,
            after_position,
            limit: EXPORT_PAGE,
        };
        async move {
            let rows = campaigns.export_page(&page).await?;
            let Some(last) = rows.last() else { return Ok(None) };
            let mut text = Vec::new();
            write_rows(&mut text, &rows).map_err(unwritten)?;
            Ok(Some((text, last.position)))
        }
    });
    Ok(answer(file_name, &headers, body.await?))
}

/// Weak: what ends while the table is written may be in it already.
fn tag(stamp: &ExportStamp) -> EntityTag {
    let last = stamp.last_ended_at_ms.unwrap_or(0);
    EntityTag::new_weak(format!("r{FORMAT}-{}-{last}-{}", stamp.version, stamp.results))
}

fn has_it(request: &HttpRequest, tag: &EntityTag) -> bool {
    if !request.headers().contains_key(IfNoneMatch::name()) {
        return false;
    }
    // A condition that cannot be read is none (RFC 9110, 13.1): the table is sent.
    match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Any) => true,
        Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|other| other.weak_eq(tag)),
        Err(_) => false,
    }
}

fn unwritten(error: io::Error) -> Problem {
    tracing::error!(%error, "a table could not be written");
    Problem::internal()
}
