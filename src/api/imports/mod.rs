//! Files of contacts: streamed into a campaign, looked at while they are read and afterwards.

mod body;

use self::body::{pipe, too_long};
use super::csv_body::{answer, body as csv_body, file_name_part};
use super::extract::body_limit;
use super::moment::Moment;
use super::page::{Page, PageQuery, fault};
use super::words::ImportStateWord;
use super::{ApiState, Query};
use crate::access::Caller;
use crate::app::campaigns::{CampaignError, ImportFile, ImportSummary, ImportView, RejectionView};
use crate::contact_files::{Region, harmless};
use crate::problem::{Problem, ProblemBody};
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION};
use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse, get, post};
use samvad_actors::domain::{CampaignId, ImportId};
use samvad_actors::ports::{ImportCursor, ImportState};
use serde::{Deserialize, Serialize};
use std::io;
use std::time::Duration;
use tracing::Instrument;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

/// How long nothing may come of a body.
const PATIENCE: Duration = Duration::from_secs(30);
/// Longest name of a file, in characters.
const LONGEST_NAME: usize = 200;
/// Rejected rows of one page.
const PAGE: u32 = 1_000;

pub(super) fn configure(cfg: &mut ServiceConfig) {
    cfg.service(create).service(list).service(one).service(rejected);
}

/// An import. `total_rows` = `accepted_rows` + `known_rows` + `rejected_rows`; they grow while it is running.
#[derive(Debug, Serialize, ToSchema)]
struct Import {
    import_id: String,
    campaign_id: String,
    /// The file's name, as whoever sent it calls it.
    source_name: String,
    state: ImportStateWord,
    /// Why it failed. What was taken before stays.
    #[schema(required = true)]
    fault: Option<String>,
    total_rows: u64,
    /// Contacts that were new.
    accepted_rows: u64,
    /// Rows whose number the campaign has already: left as it is.
    known_rows: u64,
    /// Rows that were not taken.
    rejected_rows: u64,
    /// Who began it, by name.
    started_by: String,
    started_at: Moment,
    #[schema(required = true)]
    ended_at: Option<Moment>,
}

impl From<ImportView> for Import {
    fn from(view: ImportView) -> Self {
        Self {
            import_id: view.import_id,
            campaign_id: view.campaign_id,
            source_name: view.source_name,
            state: ImportStateWord(view.state),
            fault: view.fault,
            total_rows: view.total_rows,
            accepted_rows: view.accepted_rows,
            known_rows: view.known_rows,
            rejected_rows: view.rejected_rows,
            started_by: view.started_by,
            started_at: Moment(view.started_at_ms),
            ended_at: view.ended_at_ms.map(Moment),
        }
    }
}

/// A row that was not taken.
#[derive(Debug, Serialize, ToSchema)]
struct RejectedRow {
    /// As a spreadsheet counts, the header being row 1.
    row: u64,
    /// The column's name; empty: the row as a whole.
    column: String,
    /// What is wrong, and what to do.
    reason: String,
}

impl From<RejectionView> for RejectedRow {
    fn from(view: RejectionView) -> Self {
        Self {
            row: view.row,
            column: view.column,
            reason: view.reason,
        }
    }
}

/// What became of a file.
#[derive(Debug, Serialize, ToSchema)]
struct ImportReport {
    #[serde(flatten)]
    import: Import,
    /// Columns that nothing is made of.
    unused_columns: Vec<String>,
    /// The first rows that were rejected; `rejected.csv` has all.
    sample_rejections: Vec<RejectedRow>,
    /// Numbers that came onto the exclusion list.
    excluded_numbers: u64,
    /// Calls to these numbers that could not be taken back at once; the server tries again.
    calls_left: u64,
}

impl From<ImportSummary> for ImportReport {
    fn from(summary: ImportSummary) -> Self {
        Self {
            import: summary.import.into(),
            unused_columns: summary.unused_columns,
            sample_rejections: summary.sample_rejections.into_iter().map(RejectedRow::from).collect(),
            excluded_numbers: summary.excluded_numbers,
            calls_left: summary.calls_left,
        }
    }
}

/// What is sent.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct NewImport {
    /// The file's name.
    #[serde(default = "unnamed")]
    #[param(min_length = 1, max_length = 200, default = "contacts.csv")]
    source: String,
    /// The country in which numbers without a country code are (ISO 3166-1, two letters); without, those are rejected.
    #[param(min_length = 2, max_length = 2, example = "IN")]
    region: Option<String>,
}

fn unnamed() -> String {
    "contacts.csv".to_owned()
}

/// Import contacts from a file.
///
/// The body is a CSV file as it is: UTF-8, with commas, semicolons or tabs, the first line naming the columns. It is read
/// while it arrives; every good row is taken, whatever is wrong with others. Sending a file again adds nobody twice.
#[utoipa::path(
    tag = "imports",
    params(("id" = String, Path, description = "The campaign's id."), NewImport),
    request_body(content = String, content_type = "text/csv", description = "The file."),
    responses(
        (status = 201, description = "The file was read to its end.", body = ImportReport),
        (status = 409, description = "The campaign is over.", body = ProblemBody, content_type = "application/problem+json"),
    ),
    extensions(
        ("x-permission" = json!("contacts:write")),
        ("x-body-limit" = json!(1_073_741_824)),
        ("x-idempotency-key" = json!(false)),
    ),
)]
#[post("/campaigns/{id}/imports")]
async fn create(
    caller: Caller,
    state: Data<ApiState>,
    id: Path<String>,
    Query(wanted): Query<NewImport>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let campaign = CampaignId::new(id.into_inner());
    let limit = body_limit(&request) as u64;
    let size = check_head(request.headers(), limit)?;
    let (sender, reader) = pipe(limit, PATIENCE);
    let file = ImportFile {
        name: check_name(wanted.source)?,
        bytes: Box::new(reader),
        size,
        region: wanted.region.as_deref().map(read_region).transpose()?,
    };
    let (campaigns, by) = (state.campaigns.clone(), caller.changed_by());
    let readiness = state.readiness.clone();
    // A server that stops ends imports as they should be, rather than leave them to be found abandoned.
    let work = async move {
        let go_on = |_| !readiness.is_draining();
        campaigns.import_file(&campaign, file, &by, go_on).await
    };
    // In a task of its own: a client that hangs up does not keep it from being ended as it should.
    let work = actix_web::rt::spawn(work.in_current_span());
    let sent = sender.pass_on(payload).await;
    let done = work.await.map_err(|_| Problem::internal())?;
    match (sent, done) {
        (Ok(()), Ok(summary)) if summary.import.state == ImportState::Completed => Ok(HttpResponse::Created()
            .insert_header((LOCATION, location(&summary.import)))
            .json(ImportReport::from(summary))),
        (Ok(()), Ok(summary)) if state.readiness.is_draining() => {
            let detail = "the server is stopping; send the file again when it is back, nobody is added twice";
            Err(broken_off(
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail),
                &summary.import,
            ))
        }
        (Ok(()), Ok(summary)) => {
            let fault = summary.import.fault.as_deref().unwrap_or("it was ended");
            let detail = format!("the file could not be read to its end: {fault}");
            Err(broken_off(
                Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail),
                &summary.import,
            ))
        }
        (Ok(()), Err(refusal)) => Err(refusal.into()),
        (Err(problem), Ok(summary)) => Err(broken_off(problem, &summary.import)),
        // There is no import: nothing of it could be read, or it was refused.
        (Err(problem), Err(CampaignError::UnusableFile(_))) => Err(problem),
        (Err(_), Err(refusal)) => Err(refusal.into()),
    }
}

/// Refuses what cannot be a file before any of it is read. Its size, if it is announced.
fn check_head(headers: &HeaderMap, limit: u64) -> Result<Option<u64>, Problem> {
    let text = |name| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    };
    let essence = text(CONTENT_TYPE).split(';').next().unwrap_or_default();
    if !essence.trim().eq_ignore_ascii_case("text/csv") {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "the body is to be the file as it is: send `content-type: text/csv`",
        ));
    }
    let size = text(CONTENT_LENGTH).parse().ok();
    match size {
        Some(size) if size > limit => Err(too_long(limit)),
        size => Ok(size),
    }
}

fn check_name(name: String) -> Result<String, Problem> {
    let fits = !name.trim().is_empty() && name.chars().count() <= LONGEST_NAME && !name.chars().any(char::is_control);
    match fits {
        true => Ok(name),
        false => Err(fault(
            "source",
            "is no name of a file",
            "send 1 to 200 characters, without control characters",
        )),
    }
}

fn read_region(code: &str) -> Result<Region, Problem> {
    Region::parse(code).map_err(|remedy| fault("region", "is no country", &remedy))
}

/// A problem that says what was stored before it.
fn broken_off(mut problem: Problem, import: &ImportView) -> Problem {
    problem.detail = format!(
        "{}; {} contacts of {} rows were stored before, and stay: `location` has what became of them",
        problem.detail, import.accepted_rows, import.total_rows
    );
    match HeaderValue::from_str(&location(import)) {
        Ok(location) => problem.with_header(LOCATION, location),
        Err(_) => problem,
    }
}

/// Where an import is, escaped as a path.
fn location(import: &ImportView) -> String {
    let escape = |text: &str| -> String { url::form_urlencoded::byte_serialize(text.as_bytes()).collect() };
    // What stands for a blank in a form does not in a path.
    let campaign = escape(&import.campaign_id).replace('+', "%20");
    format!("/api/v1/campaigns/{campaign}/imports/{}", escape(&import.import_id))
}

/// List imports into a campaign.
#[utoipa::path(
    tag = "imports",
    params(("id" = String, Path, description = "The campaign's id."), PageQuery),
    responses((
        status = 200,
        description = "A page of imports, the newest first, those that are running included.",
        body = Page<Import>,
    )),
    extensions(("x-permission" = json!("contacts:read"))),
)]
#[get("/campaigns/{id}/imports")]
async fn list(state: Data<ApiState>, id: Path<String>, Query(page): Query<PageQuery>) -> Result<HttpResponse, Problem> {
    let limit = page.limit()?;
    let after = page.after::<ImportCursor>()?;
    let imports = state
        .campaigns
        .imports(&CampaignId::new(id.into_inner()), after.as_ref(), limit + 1)
        .await?;
    let page = Page::of(imports, limit, |import| ImportCursor {
        started_at_ms: import.started_at_ms,
        id: ImportId::new(import.import_id.clone()),
    });
    Ok(HttpResponse::Ok().json(page.map(Import::from)))
}

/// Read an import.
#[utoipa::path(
    tag = "imports",
    params(
        ("id" = String, Path, description = "The campaign's id."),
        ("import" = String, Path, description = "The import's id."),
    ),
    responses((status = 200, description = "The import as it stands.", body = Import)),
    extensions(("x-permission" = json!("contacts:read"))),
)]
#[get("/campaigns/{id}/imports/{import}")]
async fn one(state: Data<ApiState>, path: Path<(String, String)>) -> Result<HttpResponse, Problem> {
    let (campaign, import) = path.into_inner();
    let found = state
        .campaigns
        .import(&CampaignId::new(campaign), &ImportId::new(import))
        .await?;
    Ok(HttpResponse::Ok().json(Import::from(found)))
}

/// Read the rows that an import rejected.
///
/// All of them in their order, those with a number that the campaign has already among them. What stands in the cells is
/// not kept.
#[utoipa::path(
    tag = "imports",
    params(
        ("id" = String, Path, description = "The campaign's id."),
        ("import" = String, Path, description = "The import's id."),
    ),
    responses((
        status = 200,
        description = "A table with the columns `row`, `column` and `reason`.",
        body = String,
        content_type = "text/csv",
    )),
    extensions(("x-permission" = json!("contacts:read"))),
)]
#[get("/campaigns/{id}/imports/{import}/rejected.csv")]
async fn rejected(state: Data<ApiState>, path: Path<(String, String)>) -> Result<HttpResponse, Problem> {
    let (campaign, import) = path.into_inner();
    let import = ImportId::new(import);
    state.campaigns.import(&CampaignId::new(campaign), &import).await?;
    let file_name = format!("{}-rejected.csv", file_name_part(import.as_str()));
    let header = b"row,column,reason\n".to_vec();
    let campaigns = state.campaigns.clone();
    let body = csv_body(header, 0, move |after_row| {
        let (campaigns, import) = (campaigns.clone(), import.clone());
        async move {
            let rows = campaigns.rejections(&import, after_row, PAGE).await?;
            let Some(last) = rows.last() else { return Ok(None) };
            let text = lines(&rows).map_err(|error| {
                tracing::error!(%error, "a table could not be written");
                Problem::internal()
            })?;
            Ok(Some((text, last.row)))
        }
    });
    Ok(answer(file_name, &[], body.await?))
}

fn lines(rows: &[RejectionView]) -> io::Result<Vec<u8>> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    for row in rows {
        let record = [row.row.to_string(), harmless(&row.column), harmless(&row.reason)];
        csv.write_record(record).map_err(io::Error::other)?;
    }
    csv.into_inner().map_err(|error| io::Error::other(error.to_string()))
}
