//! The client of Twilio's Calls API.

use super::reply::{Asked, is_sid, read, read_page};
use super::twiml::{LONGEST_TWIML, connect_stream};
use super::{
    MACHINE_DETECTION_PATH, MEDIA_PATH, STATUS_PATH, STREAM_PATH, TOKEN_PARAMETER, TwilioSettings, TwilioSetupError,
    check, is_loopback, under,
};
use async_trait::async_trait;
use jiff::Timestamp;
use reqwest::{Client, RequestBuilder, Response, redirect};
use samvad_actors::domain::CallSid;
use samvad_actors::ports::{AnswerDetection, CallQuery, CallUpdate, Carrier, CarrierCall, CarrierError, NewCall};
use std::error::Error;
use url::Url;

/// Longest answer that is read, in bytes; a call's description has about 2 KiB.
const LONGEST_ANSWER: usize = 1024 * 1024;
/// Calls on a page of a list.
const PAGE_SIZE: u32 = 100;
/// Pages of a list that are followed; one number does not get as many calls.
const MOST_PAGES: usize = 50;
/// Longest ringing time that Twilio takes, in seconds.
const LONGEST_RINGING: u32 = 600;

/// Twilio behind the [`Carrier`] port.
///
/// Every method but the list, which reads page after page, makes exactly one request: nothing is repeated and no redirect followed, because a creation that was
/// repeated would be a second call to the same person. For the same reason connections are not kept: on a connection
/// that Twilio closes while it is idle, a request ends unclear although it was never read.
pub struct TwilioCarrier {
    client: Client,
    settings: TwilioSettings,
}

impl TwilioCarrier {
    /// A client with these settings.
    ///
    /// # Errors
    /// [`TwilioSetupError`] names the setting that cannot be used.
    pub fn new(settings: TwilioSettings) -> Result<Self, TwilioSetupError> {
        check(&settings)?;
        // An error only says that a provider has been installed before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = Client::builder()
            .connect_timeout(settings.connect_timeout)
            .timeout(settings.request_timeout)
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .pool_max_idle_per_host(0);
        if is_loopback(&settings.api_base_url) {
            builder = builder.no_proxy();
        }
        if settings.api_base_url.scheme() == "http" {
            // No certificate will be checked, so none need be installed on this machine.
            builder = builder.tls_certs_only([]);
        }
        let client = builder.build().map_err(|error| TwilioSetupError::Client {
            reason: innermost(&error),
        })?;
        Ok(Self { client, settings })
    }

    /// `…/2010-04-01/Accounts/{AccountSid}/Calls.json`, or one call's own resource.
    fn calls_url(&self, sid: Option<&CallSid>) -> Result<Url, CarrierError> {
        let account = &self.settings.account_sid;
        let path = match sid {
            None => format!("/2010-04-01/Accounts/{account}/Calls.json"),
            Some(sid) if is_sid(sid.as_str()) => format!("/2010-04-01/Accounts/{account}/Calls/{sid}.json"),
            Some(_) => return Err(not_sent("the call id is not one of Twilio's: letters and digits only")),
        };
        Url::parse(&under(&self.settings.api_base_url, &path)).map_err(|_| not_sent("the API's URL cannot be formed"))
    }

    /// The fields of a creation.
    fn creation(&self, call: &NewCall) -> Result<Vec<(&'static str, String)>, CarrierError> {
        if !(1..=LONGEST_RINGING).contains(&call.ring_timeout_seconds) {
            return Err(not_sent("ring_timeout_seconds: not between 1 and 600; choose another"));
        }
        let media_url = self.settings.own_url(MEDIA_PATH).replacen("http", "ws", 1);
        let events_url = self.settings.own_url(&format!("{STREAM_PATH}/{}", call.attempt));
        let parameters = [
            (TOKEN_PARAMETER, call.media_token.as_str()),
            ("language", &call.language.0),
            ("campaign", call.campaign.as_str()),
            ("contact", call.contact.as_str()),
        ];
        let twiml = connect_stream(&media_url, &events_url, &parameters).ok_or_else(|| {
            not_sent("media_token, campaign or public_url: longer than TwiML allows; choose a shorter one")
        })?;
        let mut form = vec![
            ("To", call.to.expose().to_owned()),
            ("From", call.from.expose().to_owned()),
            ("Twiml", twiml),
            ("Timeout", call.ring_timeout_seconds.to_string()),
            ("TimeLimit", call.time_limit_seconds.to_string()),
            (
                "StatusCallback",
                self.settings.own_url(&format!("{STATUS_PATH}/{}", call.attempt)),
            ),
            ("StatusCallbackMethod", "POST".to_owned()),
        ];
        for event in ["initiated", "ringing", "answered", "completed"] {
            form.push(("StatusCallbackEvent", event.to_owned()));
        }
        let detection = match call.answer_detection {
            AnswerDetection::Off => None,
            AnswerDetection::Machine => Some("Enable"),
            AnswerDetection::MessageEnd => Some("DetectMessageEnd"),
        };
        if let Some(detection) = detection {
            let url = self
                .settings
                .own_url(&format!("{MACHINE_DETECTION_PATH}/{}", call.attempt));
            form.push(("MachineDetection", detection.to_owned()));
            form.push(("AsyncAmd", "true".to_owned()));
            form.push(("AsyncAmdStatusCallback", url));
            form.push(("AsyncAmdStatusCallbackMethod", "POST".to_owned()));
        }
        Ok(form)
    }

    /// The URL of a list's first page.
    fn list_url(&self, query: &CallQuery) -> Result<Url, CarrierError> {
        let mut url = self.calls_url(None)?;
        let mut pairs = url.query_pairs_mut();
        pairs.append_pair("To", query.to.expose());
        if let Some(from) = &query.from {
            pairs.append_pair("From", from.expose());
        }
        if let Some(status) = query.status {
            pairs.append_pair("Status", status.as_str());
        }
        if let Some(since_ms) = query.started_since_ms {
            let since = Timestamp::from_millisecond(since_ms)
                .map_err(|_| not_sent("started_since_ms: not a moment of the calendar; choose another"))?;
            pairs.append_pair("StartTime>", &since.strftime("%Y-%m-%d").to_string());
        }
        pairs.append_pair("PageSize", &PAGE_SIZE.to_string());
        drop(pairs);
        Ok(url)
    }

    /// The URL of a list's next page. Our credentials go nowhere but to our own list.
    fn next_url(&self, uri: &str) -> Result<Url, CarrierError> {
        let list = format!("/2010-04-01/Accounts/{}/Calls.json?", self.settings.account_sid);
        let url = uri
            .starts_with(&list)
            .then(|| Url::parse(&under(&self.settings.api_base_url, uri)).ok());
        url.flatten().ok_or_else(|| CarrierError::Unclear {
            reason: "the next page is not one of our list of calls".to_owned(),
        })
    }

    /// Sends one request about one call.
    async fn exchange(&self, asked: Asked, request: RequestBuilder) -> Result<CarrierCall, CarrierError> {
        let (http, body) = self.answer(request).await?;
        read(asked, http, &body)
    }

    /// Sends one request and reads the answer to its end.
    async fn answer(&self, request: RequestBuilder) -> Result<(u16, Vec<u8>), CarrierError> {
        let token = self.settings.auth_token.expose();
        let response = request
            .basic_auth(self.settings.account_sid.as_str(), Some(token))
            .send()
            .await
            .map_err(|error| self.unsuccessful(&error))?;
        let http = response.status().as_u16();
        let body = match bounded_body(response).await {
            Ok(body) => body,
            // The status alone says what became of a request that did not succeed.
            Err(_) if !(200..300).contains(&http) => Vec::new(),
            Err(reason) => return Err(CarrierError::Unclear { reason }),
        };
        Ok((http, body))
    }

    /// What it means that there was no answer.
    fn unsuccessful(&self, error: &reqwest::Error) -> CarrierError {
        if error.is_builder() {
            not_sent("the request cannot be formed")
        } else if error.is_connect() {
            CarrierError::Unreachable {
                reason: innermost(error),
            }
        } else if error.is_timeout() {
            CarrierError::Unclear {
                reason: format!("no answer within {} ms", self.settings.request_timeout.as_millis()),
            }
        } else {
            CarrierError::Unclear {
                reason: innermost(error),
            }
        }
    }
}

#[async_trait]
impl Carrier for TwilioCarrier {
    async fn create_call(&self, call: NewCall) -> Result<CarrierCall, CarrierError> {
        let form = self.creation(&call)?;
        let request = self.client.post(self.calls_url(None)?).form(&form);
        self.exchange(Asked::Create, request).await
    }

    async fn fetch_call(&self, sid: &CallSid) -> Result<CarrierCall, CarrierError> {
        let request = self.client.get(self.calls_url(Some(sid))?);
        self.exchange(Asked::Existing, request).await
    }

    async fn update_call(&self, sid: &CallSid, update: CallUpdate) -> Result<CarrierCall, CarrierError> {
        let field = match update {
            CallUpdate::Cancel => ("Status", "canceled".to_owned()),
            CallUpdate::Complete => ("Status", "completed".to_owned()),
            CallUpdate::Instructions(twiml) if twiml.chars().count() > LONGEST_TWIML => {
                return Err(not_sent("instructions: more than 4000 characters; write shorter ones"));
            }
            CallUpdate::Instructions(twiml) => ("Twiml", twiml),
        };
        let request = self.client.post(self.calls_url(Some(sid))?).form(&[field]);
        self.exchange(Asked::Existing, request).await
    }

    async fn list_calls(&self, query: &CallQuery) -> Result<Vec<CarrierCall>, CarrierError> {
        let mut calls = Vec::new();
        let mut url = self.list_url(query)?;
        for _ in 0..MOST_PAGES {
            let (http, body) = self.answer(self.client.get(url)).await?;
            let (page, next) = read_page(http, &body)?;
            calls.extend(page);
            match next {
                None => return Ok(calls),
                Some(uri) => url = self.next_url(&uri)?,
            }
        }
        Err(CarrierError::Unclear {
            reason: format!("the list has more than {MOST_PAGES} pages"),
        })
    }
}

/// A request that was refused here, before it was sent (HTTP status 0).
fn not_sent(message: &str) -> CarrierError {
    CarrierError::Refused {
        http: 0,
        code: None,
        message: message.to_owned(),
    }
}

/// The body, if it is not too long.
async fn bounded_body(mut response: Response) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| innermost(&error))? {
        if body.len() + chunk.len() > LONGEST_ANSWER {
            return Err(format!("the answer is longer than {LONGEST_ANSWER} bytes"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The root of an error's chain: what happened, without the URL that reqwest puts in front.
fn innermost(error: &reqwest::Error) -> String {
    let mut source: Option<&dyn Error> = error.source();
    let mut reason = None;
    while let Some(error) = source {
        reason = Some(error.to_string());
        source = error.source();
    }
    reason.unwrap_or_else(|| "the connection broke".to_owned())
}
