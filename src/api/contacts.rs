//! Contacts of a campaign, and what came of their calls.

mod taken_out;

use super::moment::Moment;
use super::page::{Page, PageQuery};
use super::words::{AttemptStateWord, ContactStateWord, DispositionCode, ModeWord, OutcomeWord};
use super::{ApiState, Query};
use crate::app::campaigns::{AttemptView, ContactView};
use crate::problem::Problem;
use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, get};
use samvad_actors::domain::{CampaignId, ContactId};
use samvad_actors::ports::{ContactCursor, ContactFilter, ContactOrder, ContactQuery};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

pub(super) fn configure(cfg: &mut ServiceConfig) {
    cfg.service(list).service(one);
    taken_out::configure(cfg);
}

/// A contact. Counts, times and outcomes are of the campaign's present mode.
#[derive(Debug, Serialize, ToSchema)]
struct Contact {
    contact_id: String,
    campaign_id: String,
    /// Order of adding; numbers may be missing.
    position: i64,
    /// E.164.
    phone_number: String,
    /// The customer's own id for the person.
    #[schema(required = true)]
    external_contact_id: Option<String>,
    #[schema(required = true)]
    name: Option<String>,
    /// The person's e-mail address; in letters of any script (RFC 6531).
    #[schema(required = true)]
    email: Option<String>,
    /// Their own language (BCP 47).
    #[schema(required = true)]
    language: Option<String>,
    /// Their own IANA time zone.
    #[schema(required = true)]
    zone: Option<String>,
    has_prior_consent: bool,
    state: ContactStateWord,
    /// Why it is excluded.
    #[schema(required = true)]
    excluded_reason: Option<String>,
    /// Attempts used up.
    attempt_count: u32,
    #[schema(required = true)]
    last_attempt_at: Option<Moment>,
    /// What came of the last attempt that ended.
    #[schema(required = true)]
    last_outcome: Option<OutcomeWord>,
    #[schema(required = true)]
    last_disposition: Option<DispositionCode>,
    /// Not called before this; only of contacts that have been put off.
    #[schema(required = true)]
    next_attempt_at: Option<Moment>,
    created_at: Moment,
}

impl From<ContactView> for Contact {
    fn from(view: ContactView) -> Self {
        Self {
            contact_id: view.contact_id,
            campaign_id: view.campaign_id,
            position: view.position,
            phone_number: view.phone_number,
            external_contact_id: view.external_contact_id,
            name: view.name,
            email: view.email,
            language: view.language,
            zone: view.zone,
            has_prior_consent: view.has_prior_consent,
            state: ContactStateWord(view.state),
            excluded_reason: view.excluded_reason,
            attempt_count: view.attempt_count,
            last_attempt_at: view.last_attempt_at_ms.map(Moment),
            last_outcome: view.last_outcome.map(OutcomeWord),
            last_disposition: view.last_disposition.map(DispositionCode),
            next_attempt_at: view.next_attempt_at_ms.map(Moment),
            created_at: Moment(view.created_at_ms),
        }
    }
}

/// An attempt to call a contact.
#[derive(Debug, Serialize, ToSchema)]
struct Attempt {
    attempt_id: String,
    /// From 1, in each mode.
    attempt_number: u32,
    mode: ModeWord,
    state: AttemptStateWord,
    /// What the carrier says of the call, for example `no-answer`.
    #[schema(required = true)]
    carrier_status: Option<&'static str>,
    #[schema(required = true)]
    outcome: Option<OutcomeWord>,
    #[schema(required = true)]
    disposition: Option<DispositionCode>,
    /// Who or what took the call.
    #[schema(required = true)]
    answered_by: Option<&'static str>,
    created_at: Moment,
    #[schema(required = true)]
    ended_at: Option<Moment>,
}

impl From<AttemptView> for Attempt {
    fn from(view: AttemptView) -> Self {
        Self {
            attempt_id: view.attempt_id,
            attempt_number: view.attempt_number,
            mode: ModeWord(view.mode),
            state: AttemptStateWord(view.state),
            carrier_status: view.carrier_status,
            outcome: view.outcome.map(OutcomeWord),
            disposition: view.disposition.map(DispositionCode),
            answered_by: view.answered_by,
            created_at: Moment(view.created_at_ms),
            ended_at: view.ended_at_ms.map(Moment),
        }
    }
}

/// A contact with its attempts.
#[derive(Debug, Serialize, ToSchema)]
struct ContactWithAttempts {
    #[serde(flatten)]
    contact: Contact,
    /// Every attempt, of every mode, the first first.
    attempts: Vec<Attempt>,
}

/// A page of contacts.
#[derive(Debug, Serialize, ToSchema)]
struct ContactPage {
    items: Vec<Contact>,
    /// `cursor` of the page after; `null` on the last one.
    #[schema(required = true)]
    next: Option<String>,
    /// All contacts that match, if `count` asks for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<u64>,
}

/// Which contacts.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ContactSearch {
    /// Where they stand.
    #[param(inline)]
    state: Option<ContactStateWord>,
    /// What came of the last attempt that ended.
    #[param(inline)]
    last_outcome: Option<OutcomeWord>,
    /// The customer's own id, whole.
    external_id: Option<String>,
    /// In which order: as they were added, or by the last attempt; with `-`, backwards. By the last attempt those
    /// never called are first, and a contact that is called meanwhile moves.
    #[serde(default)]
    #[param(inline)]
    sort: ContactSort,
    /// Whether to count all that match.
    #[serde(default)]
    #[param(default = false)]
    count: bool,
    /// Rows wanted at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// `next` of the page before.
    #[param(max_length = 1024)]
    cursor: Option<String>,
}

#[derive(Clone, Copy, Default, Deserialize, ToSchema)]
enum ContactSort {
    #[default]
    #[serde(rename = "position")]
    Position,
    #[serde(rename = "-position")]
    PositionDescending,
    #[serde(rename = "last_attempt_at")]
    LastAttempt,
    #[serde(rename = "-last_attempt_at")]
    LastAttemptDescending,
}

impl From<ContactSort> for ContactOrder {
    fn from(sort: ContactSort) -> Self {
        match sort {
            ContactSort::Position => Self::Position,
            ContactSort::PositionDescending => Self::PositionDescending,
            ContactSort::LastAttempt => Self::LastAttempt,
            ContactSort::LastAttemptDescending => Self::LastAttemptDescending,
        }
    }
}

/// List contacts of a campaign.
#[utoipa::path(
    tag = "contacts",
    params(("id" = String, Path, description = "The campaign's id."), ContactSearch),
    responses((status = 200, description = "A page of contacts.", body = ContactPage)),
    extensions(("x-permission" = json!("contacts:read"))),
)]
#[get("/campaigns/{id}/contacts")]
async fn list(
    state: Data<ApiState>,
    id: Path<String>,
    Query(search): Query<ContactSearch>,
) -> Result<HttpResponse, Problem> {
    let page = PageQuery {
        limit: search.limit,
        cursor: search.cursor,
    };
    let limit = page.limit()?;
    let query = ContactQuery {
        campaign: CampaignId::new(id.into_inner()),
        filter: ContactFilter {
            state: search.state.map(|word| word.0),
            last_outcome: search.last_outcome.map(|word| word.0),
            last_disposition: None,
            external_id: search.external_id,
        },
        order: search.sort.into(),
        after: page.after::<ContactCursor>()?,
        limit: limit + 1,
    };
    let contacts = state.campaigns.contacts(&query).await?;
    let total = match search.count {
        true => Some(state.campaigns.count_contacts(&query.campaign, &query.filter).await?),
        false => None,
    };
    let page = Page::of(contacts, limit, |contact| ContactCursor {
        last_attempt_at_ms: contact.last_attempt_at_ms.unwrap_or(0),
        position: contact.position,
    });
    let page = page.map(Contact::from);
    Ok(HttpResponse::Ok().json(ContactPage {
        items: page.items,
        next: page.next,
        total,
    }))
}

/// Read a contact with its attempts.
#[utoipa::path(
    tag = "contacts",
    params(
        ("id" = String, Path, description = "The campaign's id."),
        ("contact" = String, Path, description = "The contact's id."),
    ),
    responses((status = 200, description = "The contact.", body = ContactWithAttempts)),
    extensions(("x-permission" = json!("contacts:read"))),
)]
#[get("/campaigns/{id}/contacts/{contact}")]
async fn one(state: Data<ApiState>, path: Path<(String, String)>) -> Result<HttpResponse, Problem> {
    let (campaign, contact) = path.into_inner();
    let found = state
        .campaigns
        .contact(&CampaignId::new(campaign), &ContactId::new(contact))
        .await?;
    Ok(HttpResponse::Ok().json(ContactWithAttempts {
        contact: found.contact.into(),
        attempts: found.attempts.into_iter().map(Attempt::from).collect(),
    }))
}
