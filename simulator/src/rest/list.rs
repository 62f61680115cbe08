//! `GET …/Calls.json`: filters and pages.

use super::error::ApiError;
use super::parameters::{DESCRIPTION, Fields};
use super::resource;
use crate::network::{Call, World};
use axum::extract::{OriginalUri, State};
use axum::response::Response;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use std::sync::Arc;

const USUAL_PAGE: u64 = 50;
const LARGEST_PAGE: u64 = 1_000;

pub(super) async fn list(State(world): State<Arc<World>>, OriginalUri(uri): OriginalUri) -> Result<Response, ApiError> {
    let query = uri.query().unwrap_or_default();
    let fields = Fields::parse(query.as_bytes());
    for fault in fields.faults(&DESCRIPTION.list_calls) {
        world.reporter.violation(format!("listing calls: {fault}"));
    }
    let filter = Filter::read(&fields)?;
    let matching: Vec<Arc<Call>> = world
        .registry()
        .newest_first()
        .filter(|call| filter.matches(call))
        .cloned()
        .collect();
    Ok(resource::answer(
        200,
        &page(&matching, &fields, query, uri.path(), &world.account_sid),
    ))
}

struct Filter {
    to: Option<String>,
    from: Option<String>,
    status: Option<String>,
    parent: bool,
    started: Days,
    ended: Days,
}

/// Days in UTC; what a client gives beyond the day is ignored.
struct Days {
    on: Option<Date>,
    until: Option<Date>,
    since: Option<Date>,
}

impl Filter {
    fn read(fields: &Fields) -> Result<Self, ApiError> {
        let text = |name| fields.get(name).map(str::to_owned);
        Ok(Self {
            to: text("To"),
            from: text("From"),
            status: text("Status"),
            parent: fields.get("ParentCallSid").is_some(),
            started: Days::read(fields, "StartTime")?,
            ended: Days::read(fields, "EndTime")?,
        })
    }

    fn matches(&self, call: &Call) -> bool {
        let same = |wanted: &Option<String>, value: &str| wanted.as_deref().is_none_or(|wanted| wanted == value);
        let state = call.state();
        same(&self.to, &call.request.to)
            && same(&self.from, &call.request.from)
            && same(&self.status, state.status.word())
            && !self.parent
            && self.started.contain(state.started)
            && self.ended.contain(state.ended)
    }
}

impl Days {
    fn read(fields: &Fields, name: &str) -> Result<Self, ApiError> {
        let day = |suffix: &str| {
            let name = format!("{name}{suffix}");
            match fields.get(&name) {
                None => Ok(None),
                Some(text) => match text.get(..10).unwrap_or(text).parse() {
                    Ok(day) => Ok(Some(day)),
                    Err(_) => {
                        let message = format!("{name} is not a date (YYYY-MM-DD)");
                        Err(ApiError::Parameter { code: 20001, message })
                    }
                },
            }
        };
        Ok(Self {
            on: day("")?,
            until: day("<")?,
            since: day(">")?,
        })
    }

    fn contain(&self, time: Option<Timestamp>) -> bool {
        if self.on.is_none() && self.until.is_none() && self.since.is_none() {
            return true;
        }
        time.is_some_and(|time| {
            let day = time.to_zoned(TimeZone::UTC).date();
            self.on.is_none_or(|on| day == on)
                && self.until.is_none_or(|until| day <= until)
                && self.since.is_none_or(|since| day >= since)
        })
    }
}

/// One page with Twilio's envelope. `PageToken` names the last call of the page before, so that calls created meanwhile
/// shift nothing.
fn page(matching: &[Arc<Call>], fields: &Fields, query: &str, path: &str, account_sid: &str) -> Value {
    let size = fields.integer("PageSize").unwrap_or(USUAL_PAGE).clamp(1, LARGEST_PAGE) as usize;
    let number = fields.integer("Page").unwrap_or(0) as usize;
    let after = fields.get("PageToken").and_then(|token| token.strip_prefix("PA"));
    let start = after
        .and_then(|sid| matching.iter().position(|call| call.sid == sid).map(|at| at + 1))
        .unwrap_or_else(|| number.saturating_mul(size))
        .min(matching.len());
    let end = (start + size).min(matching.len());
    let shown = &matching[start..end];
    let uri = |page: usize, token: Option<&str>| {
        let kept = url::form_urlencoded::parse(query.as_bytes())
            .filter(|(name, _)| !["Page", "PageSize", "PageToken"].contains(&name.as_ref()));
        let mut pairs = url::form_urlencoded::Serializer::new(String::new());
        pairs.extend_pairs(kept);
        pairs
            .append_pair("PageSize", &size.to_string())
            .append_pair("Page", &page.to_string());
        if let Some(token) = token {
            pairs.append_pair("PageToken", &format!("PA{token}"));
        }
        format!("{path}?{}", pairs.finish())
    };
    let last = shown.last().filter(|_| end < matching.len());
    json!({
        "calls": shown.iter().map(|call| resource::call(call, account_sid)).collect::<Vec<_>>(),
        "end": end.saturating_sub(1).max(start.min(end)),
        "first_page_uri": uri(0, None),
        "next_page_uri": last.map(|call| uri(number + 1, Some(&call.sid))),
        "page": number,
        "page_size": size,
        "previous_page_uri": number.checked_sub(1).map(|before| uri(before, None)),
        "start": start,
        "uri": uri(number, after),
    })
}

#[cfg(test)]
mod tests {
    use super::super::resource::tests::sample;
    use super::*;
    use crate::network::CallStatus;

    fn calls() -> Vec<Arc<Call>> {
        (0..5)
            .map(|index| {
                let created = "2024-02-29T23:59:59Z".parse().expect("well formed");
                Arc::new(sample(
                    &format!("CA{index}"),
                    &format!("+1415555012{}", index % 2),
                    created,
                ))
            })
            .collect()
    }

    #[test]
    fn pages_follow_one_another_by_their_links_until_the_last() {
        let calls = calls();
        let mut query = "PageSize=2".to_owned();
        let mut seen = Vec::new();
        loop {
            let fields = Fields::parse(query.as_bytes());
            let page = page(&calls, &fields, &query, "/x.json", "AC0");
            seen.extend(
                page["calls"]
                    .as_array()
                    .expect("list")
                    .iter()
                    .map(|call| call["sid"].clone()),
            );
            match page["next_page_uri"].as_str() {
                Some(next) => query = next.split_once('?').expect("has a query").1.to_owned(),
                None => break,
            }
        }
        assert_eq!(seen, ["CA0", "CA1", "CA2", "CA3", "CA4"]);
    }

    #[test]
    fn a_page_has_the_envelope_that_twilio_documents() {
        let golden: Value = serde_json::from_str(include_str!("../../golden/calls_api.json")).expect("is JSON");
        let page = page(&calls(), &Fields::parse(b""), "", "/x.json", "AC0");
        let mut names: Vec<&String> = page.as_object().expect("object").keys().collect();
        names.retain(|name| *name != "calls");
        assert_eq!(
            names,
            golden["page"].as_object().expect("object").keys().collect::<Vec<_>>()
        );
    }

    #[test]
    fn filters_go_by_number_status_and_day() {
        let calls = calls();
        calls[1].progress(CallStatus::Ringing);
        let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
        let count = |query: &str| {
            let filter = Filter::read(&Fields::parse(query.as_bytes())).expect("well formed");
            calls.iter().filter(|call| filter.matches(call)).count()
        };
        assert_eq!(count(""), 5);
        assert_eq!(count("To=%2B14155550121"), 2);
        assert_eq!(count("Status=ringing"), 1);
        assert_eq!(count(&format!("StartTime={today}")), 1);
        assert_eq!(count("StartTime%3C=2001-01-01"), 0);
        assert_eq!(count(&format!("StartTime%3E={today}T00:00:00Z")), 1);
        assert!(Filter::read(&Fields::parse(b"StartTime=yesterday")).is_err());
    }
}
