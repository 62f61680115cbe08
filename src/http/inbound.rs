//! Calls to one of our numbers: the carrier asks what to do, and tells which key was pressed.
//!
//! Whatever fails here, the caller gets an answer in words: an error would make Twilio say that the application is at
//! fault. An opt-out is written before it is confirmed; asking twice changes nothing.

use super::HttpState;
use super::signed::SignedForm;
use crate::carrier::inbound::{Before, InboundDesk, InboundTexts};
use crate::carrier::twilio::{Menu, WITHHELD_NUMBERS, hang_up_after, offer};
use crate::problem::Problem;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use samvad_actors::domain::{Campaign, PhoneNumber};
use std::sync::Arc;

/// How long a key is waited for after the offer.
const WAIT_SECONDS: u32 = 8;
/// The key that opts out.
const OPT_OUT_KEY: &str = "9";

/// What people who call us are answered from.
pub struct Inbound {
    /// Knows who called, and takes opt-outs.
    pub desk: Arc<dyn InboundDesk>,
    /// Our own URL to which keys are told.
    pub key_url: String,
}

/// `POST /twilio/voice`.
pub(super) async fn voice(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<HttpState>,
) -> Result<HttpResponse, Problem> {
    let caller = Caller::read(&request, payload, &state).await?;
    match &caller.number {
        Some(_) => Ok(caller.menu(Before::Greeting, &state)),
        None => Ok(caller.farewell(&caller.texts.without_number())),
    }
}

/// `POST /twilio/voice/key`.
pub(super) async fn key(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<HttpState>,
) -> Result<HttpResponse, Problem> {
    let caller = Caller::read(&request, payload, &state).await?;
    let Some(number) = &caller.number else {
        return Ok(caller.farewell(&caller.texts.without_number()));
    };
    if caller.form.get("Digits") != Some(OPT_OUT_KEY) {
        return Ok(caller.menu(Before::OtherKey, &state));
    }
    match state.inbound.desk.opt_out(number, state.clock.unix_ms()).await {
        Ok(()) => {
            tracing::info!("a caller opted out");
            Ok(caller.farewell(&caller.texts.removed))
        }
        Err(error) => {
            tracing::error!(%error, "a caller's opt-out could not be written");
            Ok(caller.menu(Before::NotRemoved, &state))
        }
    }
}

/// Who calls.
struct Caller {
    form: SignedForm,
    /// `None` if it is withheld.
    number: Option<PhoneNumber>,
    /// Who called this number last.
    campaign: Option<Campaign>,
    texts: InboundTexts,
}

impl Caller {
    async fn read(request: &HttpRequest, payload: web::Payload, state: &HttpState) -> Result<Self, Problem> {
        let form = SignedForm::read(request, payload, state).await?;
        let from = Some(form.required("From")?).filter(|from| !WITHHELD_NUMBERS.contains(from));
        let number = from.and_then(|from| PhoneNumber::parse(from).ok());
        let campaign = match &number {
            None => None,
            Some(number) => last_caller(number, state).await,
        };
        let language = campaign.as_ref().map(|campaign| campaign.language.clone());
        let texts = InboundTexts::of(&language.unwrap_or_default()).map_err(|error| {
            tracing::error!(%error, "callers cannot be answered");
            Problem::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the texts for callers cannot be read",
            )
        })?;
        Ok(Self {
            form,
            number,
            campaign,
            texts,
        })
    }

    fn menu(&self, before: Before, state: &HttpState) -> HttpResponse {
        twiml(offer(&Menu {
            language: &self.texts.say_language,
            offer: &self.texts.menu(before, self.campaign.as_ref()),
            action_url: &state.inbound.key_url,
            wait_seconds: WAIT_SECONDS,
            goodbye: &self.texts.goodbye,
        }))
    }

    fn farewell(&self, sentences: &[String]) -> HttpResponse {
        twiml(hang_up_after(&self.texts.say_language, sentences))
    }
}

/// Who called a number last; nobody, if that cannot be read: the caller gets the general text, and can opt out.
async fn last_caller(number: &PhoneNumber, state: &HttpState) -> Option<Campaign> {
    match state.inbound.desk.last_caller(number, state.clock.unix_ms()).await {
        Ok(campaign) => campaign,
        Err(error) => {
            tracing::warn!(%error, "who called a caller could not be read");
            None
        }
    }
}

fn twiml(document: String) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/xml; charset=utf-8")
        .body(document)
}
