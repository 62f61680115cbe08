//! The carrier's callbacks: status of a call, and its machine detection.
//!
//! Twilio repeats a callback that is answered with 5xx, in any order with others; what has been kept before changes
//! nothing. An answer of 4xx is final, so it is for requests that no repetition can mend.

use super::HttpState;
use super::signed::SignedForm;
use crate::problem::Problem;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use samvad_actors::domain::{AttemptId, CallSid, CarrierStatus, MachineVerdict};
use samvad_actors::ports::{CallbackEffect, MachineDetection, StatusCallback, StoreError};

/// Longest id in a path or a field, in characters.
const LONGEST_ID: usize = 64;

/// `POST /twilio/status/{attempt}`.
pub(super) async fn status(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<HttpState>,
) -> Result<HttpResponse, Problem> {
    let said = Callback::read(&request, payload, &state).await?;
    if let Some(status) = said.word("CallStatus", CarrierStatus::parse)? {
        let callback = StatusCallback {
            status,
            sequence: sequence(&said.form)?,
            call_duration_seconds: said.form.get("CallDuration").and_then(|text| text.parse().ok()),
            sip_code: said.form.get("SipResponseCode").and_then(|text| text.parse().ok()),
            attempt: said.attempt,
            call_sid: said.call_sid,
        };
        let now_ms = state.clock.unix_ms();
        let effect = state.store.record_callback(&callback, now_ms).await.map_err(refused)?;
        tracing::debug!(attempt = %callback.attempt, status = status.as_str(), ?effect, "status callback");
        if matches!(effect, CallbackEffect::Advanced | CallbackEffect::Ended) {
            state.events.status(&callback.attempt, status, effect);
        }
    }
    Ok(HttpResponse::NoContent().finish())
}

/// `POST /twilio/amd/{attempt}`.
pub(super) async fn machine(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<HttpState>,
) -> Result<HttpResponse, Problem> {
    let said = Callback::read(&request, payload, &state).await?;
    if let Some(verdict) = said.word("AnsweredBy", verdict)? {
        let detection = MachineDetection {
            attempt: said.attempt,
            call_sid: said.call_sid,
            verdict,
        };
        let recording = state.store.record_machine_detection(&detection, state.clock.unix_ms());
        let new = recording.await.map_err(refused)?;
        tracing::debug!(attempt = %detection.attempt, ?verdict, new, "machine detection callback");
        if new {
            state.events.machine(&detection.attempt, verdict);
        }
    }
    Ok(HttpResponse::NoContent().finish())
}

/// What every callback has: a signed form about a call of an attempt.
pub(super) struct Callback {
    pub form: SignedForm,
    pub attempt: AttemptId,
    call_sid: CallSid,
}

impl Callback {
    pub async fn read(request: &HttpRequest, payload: web::Payload, state: &HttpState) -> Result<Self, Problem> {
        let form = SignedForm::read(request, payload, state).await?;
        Ok(Self {
            attempt: attempt(request)?,
            call_sid: call_sid(&form)?,
            form,
        })
    }

    /// What the callback is about, in a field of one word. `None` for a word we do not know: it changes nothing.
    pub fn word<T>(&self, field: &'static str, known: impl FnOnce(&str) -> Option<T>) -> Result<Option<T>, Problem> {
        let word = self.form.required(field)?;
        let meaning = known(word);
        if meaning.is_none() {
            tracing::warn!(attempt = %self.attempt, field, word = printable(word), "a word that is not known changes nothing");
        }
        Ok(meaning)
    }
}

/// Twilio's `AnsweredBy`; `None` for a word we do not know.
fn verdict(word: &str) -> Option<MachineVerdict> {
    Some(match word {
        "human" => MachineVerdict::Human,
        "machine_start" => MachineVerdict::MachineStart,
        "machine_end_beep" | "machine_end_silence" | "machine_end_other" => MachineVerdict::MachineEnd,
        "fax" => MachineVerdict::Fax,
        "unknown" => MachineVerdict::Unknown,
        _ => return None,
    })
}

fn attempt(request: &HttpRequest) -> Result<AttemptId, Problem> {
    let id = request.match_info().get("attempt").unwrap_or_default();
    let well_formed = is_id(id, |b| b.is_ascii_alphanumeric() || b == b'-');
    let unknown = || Problem::new(StatusCode::NOT_FOUND, "there is no such attempt");
    well_formed.then(|| AttemptId::new(id)).ok_or_else(unknown)
}

fn call_sid(form: &SignedForm) -> Result<CallSid, Problem> {
    let sid = form.required("CallSid")?;
    let malformed = || {
        Problem::new(
            StatusCode::BAD_REQUEST,
            "CallSid: not a call id; send letters and digits only",
        )
    };
    is_id(sid, |b| b.is_ascii_alphanumeric())
        .then(|| CallSid::new(sid))
        .ok_or_else(malformed)
}

/// The number by which a repeated callback is known.
fn sequence(form: &SignedForm) -> Result<Option<u32>, Problem> {
    let malformed = |_| {
        Problem::new(
            StatusCode::BAD_REQUEST,
            "SequenceNumber: not a number; send one from 0 on",
        )
    };
    form.get("SequenceNumber")
        .map(|text| text.parse().map_err(malformed))
        .transpose()
}

/// Whether a text may be an id: not long, and of these characters only.
pub(super) fn is_id(text: &str, allowed: impl Fn(u8) -> bool) -> bool {
    (1..=LONGEST_ID).contains(&text.len()) && text.bytes().all(allowed)
}

/// A carrier's word as far as it is fit for a log.
fn printable(word: &str) -> &str {
    let fit = is_id(word, |b| b.is_ascii_lowercase() || matches!(b, b'-' | b'_'));
    if fit { word } else { "(not printable)" }
}

/// What a store's refusal is to Twilio: 5xx if a repetition may succeed.
fn refused(error: StoreError) -> Problem {
    let (status, detail) = match &error {
        StoreError::NotFound { .. } => (StatusCode::NOT_FOUND, "there is no such attempt"),
        StoreError::Conflict { .. } => (StatusCode::CONFLICT, "the callback does not belong to this attempt"),
        StoreError::Unavailable { .. } => (StatusCode::SERVICE_UNAVAILABLE, "the database is away; send it again"),
        StoreError::Corrupt { .. } => (
            StatusCode::INTERNAL_SERVER_ERROR,
            "the database is at fault; send it again",
        ),
    };
    tracing::warn!(%error, "a callback was not kept");
    Problem::new(status, detail)
}
