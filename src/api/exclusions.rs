//! The exclusion list: do-not-call. Numbers travel in bodies alone, cursors included: addresses stand in logs.

use super::campaigns::texts::Number;
use super::moment::Moment;
use super::page::{Page, PageQuery};
use super::{ApiState, Json};
use crate::access::Caller;
use crate::app::campaigns::{ExclusionView, OptOuts};
use crate::problem::{FieldFault, Problem};
use actix_web::web::Data;
use actix_web::{HttpResponse, post};
use samvad_actors::domain::PhoneNumber;
use samvad_actors::ports::{ExclusionCursor, ExclusionQuery, ExclusionSource};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

/// Numbers of one request at most.
const MOST_NUMBERS: usize = 1_000;

pub(super) fn configure(cfg: &mut ServiceConfig) {
    cfg.service(search).service(add).service(remove);
}

/// Where an entry comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ExclusionSource)]
#[serde(rename_all = "snake_case")]
enum SourceName {
    /// The person said so, in a call.
    InCall,
    /// A file.
    Import,
    /// Somebody wrote it.
    Manual,
}

impl From<SourceName> for ExclusionSource {
    fn from(name: SourceName) -> Self {
        match name {
            SourceName::InCall => Self::InCall,
            SourceName::Import => Self::Import,
            SourceName::Manual => Self::Manual,
        }
    }
}

/// Which entries.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ExclusionSearch {
    /// This number alone.
    number: Option<Number>,
    /// From there alone.
    source: Option<SourceName>,
    /// Entries wanted at most.
    #[schema(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// `next` of the page before.
    #[schema(max_length = 1024)]
    cursor: Option<String>,
}

/// An entry of the list.
#[derive(Debug, Serialize, ToSchema)]
struct Exclusion {
    number: String,
    /// `in_call`, `import` or `manual`.
    source: String,
    /// The attempt in whose call it was said.
    #[schema(required = true)]
    attempt_id: Option<String>,
    /// Whether it can be removed: what was said in a call cannot.
    removable: bool,
    added_at: Moment,
}

impl From<ExclusionView> for Exclusion {
    fn from(view: ExclusionView) -> Self {
        Self {
            number: view.phone_number,
            source: view.source,
            attempt_id: view.attempt_id,
            removable: view.removable,
            added_at: Moment(view.added_at_ms),
        }
    }
}

/// Search the exclusion list, or list it.
///
/// It changes nothing. The search stands in the body because a telephone number must not stand in an address.
#[utoipa::path(
    tag = "exclusions",
    operation_id = "search_exclusions",
    request_body = ExclusionSearch,
    responses((status = 200, description = "A page of entries, the newest first.", body = Page<Exclusion>)),
    extensions(("x-permission" = json!("exclusions:read")), ("x-idempotency-key" = json!(false))),
)]
#[post("/exclusions/search")]
async fn search(state: Data<ApiState>, Json(search): Json<ExclusionSearch>) -> Result<HttpResponse, Problem> {
    let page = PageQuery {
        limit: search.limit,
        cursor: search.cursor,
    };
    let (limit, after) = (
        page.limit().map_err(in_body)?,
        page.after::<(i64, Number)>().map_err(in_body)?,
    );
    let query = ExclusionQuery {
        number: search.number.map(|number| number.0),
        source: search.source.map(Into::into),
        after: after.map(|(added_at_ms, number)| ExclusionCursor {
            added_at_ms,
            number: number.0,
        }),
        limit: limit + 1,
    };
    let rows: Vec<Exclusion> = (state.campaigns.exclusions(&query).await?)
        .into_iter()
        .map(Exclusion::from)
        .collect();
    let page = Page::of(rows, limit, |entry| (entry.added_at.0, entry.number.clone()));
    Ok(HttpResponse::Ok().json(page))
}

/// A fault of a page's parameters that stand in a body.
fn in_body(problem: Problem) -> Problem {
    let faults = problem.errors.into_iter();
    Problem::invalid(
        faults
            .map(|fault| FieldFault::new(format!("/{}", fault.field), fault.fault, fault.remedy))
            .collect(),
    )
}

/// Numbers that must not be called.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewExclusions {
    /// In E.164 form.
    #[schema(min_items = 1, max_items = 1000, example = json!(["+14155550123"]))]
    numbers: Vec<String>,
}

/// What adding to the list did.
#[derive(Debug, Serialize, ToSchema)]
struct ExclusionsAdded {
    /// Numbers that were new; the others were listed already.
    added: u64,
    /// Calls that were queued or ringing and have been taken back.
    calls_cancelled: u64,
    /// Calls that could not be taken back yet; the server tries again.
    calls_left: u64,
}

impl From<OptOuts> for ExclusionsAdded {
    fn from(done: OptOuts) -> Self {
        Self {
            added: done.added,
            calls_cancelled: done.calls_cancelled,
            calls_left: done.calls_left,
        }
    }
}

/// Add numbers to the exclusion list.
///
/// All of them or none. Their contacts are called no more, in any campaign, and calls that wait or ring are taken back.
#[utoipa::path(
    tag = "exclusions",
    operation_id = "add_exclusions",
    request_body = NewExclusions,
    responses((status = 200, description = "They are on the list.", body = ExclusionsAdded)),
    extensions(("x-permission" = json!("exclusions:write"))),
)]
#[post("/exclusions")]
async fn add(
    caller: Caller,
    state: Data<ApiState>,
    Json(wanted): Json<NewExclusions>,
) -> Result<HttpResponse, Problem> {
    let numbers = read_numbers(&wanted.numbers)?;
    let done = state
        .campaigns
        .add_do_not_call(&numbers, ExclusionSource::Manual, &caller.changed_by())
        .await?;
    Ok(HttpResponse::Ok().json(ExclusionsAdded::from(done)))
}

/// Each number once.
///
/// # Errors
/// 422, which names every one that is none by its place.
fn read_numbers(texts: &[String]) -> Result<Vec<PhoneNumber>, Problem> {
    if !(1..=MOST_NUMBERS).contains(&texts.len()) {
        let fault = format!("has {} numbers", texts.len());
        let remedy = format!("send 1 to {MOST_NUMBERS} at once");
        return Err(Problem::invalid(vec![FieldFault::new("/numbers", fault, remedy)]));
    }
    let (mut numbers, mut faults) = (BTreeSet::new(), Vec::new());
    for (index, text) in texts.iter().enumerate() {
        match PhoneNumber::parse(text) {
            Ok(number) => {
                numbers.insert(number);
            }
            Err(_) => faults.push(FieldFault::new(
                format!("/numbers/{index}"),
                "is not an E.164 telephone number",
                "write a plus sign, the country code and the number, as in +14155550123",
            )),
        }
    }
    match faults.is_empty() {
        true => Ok(numbers.into_iter().collect()),
        false => Err(Problem::invalid(faults)),
    }
}

/// A number to be taken off the list.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ExclusionRemoval {
    number: Number,
}

/// What taking a number off the list did.
#[derive(Debug, Serialize, ToSchema)]
struct ExclusionRemoved {
    /// Contacts that may be called again: they were excluded for nothing else.
    contacts_pending_again: u64,
}

/// Take a number off the exclusion list.
///
/// 404: it is not on the list. 409: its person asked in a call to be on it, which cannot be taken back.
#[utoipa::path(
    tag = "exclusions",
    operation_id = "remove_exclusion",
    request_body = ExclusionRemoval,
    responses(
        (status = 200, description = "It is off the list.", body = ExclusionRemoved),
        (status = 404, description = "It is not on the list.",
            content_type = "application/problem+json", body = crate::problem::ProblemBody<'static>),
    ),
    extensions(("x-permission" = json!("exclusions:write"))),
)]
#[post("/exclusions/remove")]
async fn remove(
    caller: Caller,
    state: Data<ApiState>,
    Json(wanted): Json<ExclusionRemoval>,
) -> Result<HttpResponse, Problem> {
    let contacts_pending_again = state
        .campaigns
        .remove_do_not_call(&wanted.number.0, &caller.changed_by())
        .await?;
    Ok(HttpResponse::Ok().json(ExclusionRemoved { contacts_pending_again }))
}
