//! The account around the calls, as far as a check of settings looks at it: it is active, owns every number asked for,
//! and may call every country.

use super::resource;
use axum::extract::{Path, Query};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

/// Which numbers are asked for.
#[derive(Deserialize)]
pub(super) struct Filter {
    #[serde(rename = "PhoneNumber")]
    phone_number: Option<String>,
}

/// <https://www.twilio.com/docs/iam/api/account>
pub(super) async fn fetch(Path(file): Path<String>) -> Response {
    let sid = file.strip_suffix(".json").unwrap_or(&file);
    resource::answer(200, &json!({ "sid": sid, "status": "active", "type": "Full" }))
}

/// <https://www.twilio.com/docs/phone-numbers/api/incomingphonenumber-resource>
pub(super) async fn numbers(Query(filter): Query<Filter>) -> Response {
    let numbers: Vec<Value> = filter
        .phone_number
        .map(|number| json!({ "phone_number": number }))
        .into_iter()
        .collect();
    resource::answer(200, &json!({ "incoming_phone_numbers": numbers }))
}

/// <https://www.twilio.com/docs/voice/api/dialingpermissions-country-resource>
pub(super) async fn country(Path(code): Path<String>) -> Response {
    resource::answer(200, &json!({ "iso_code": code, "low_risk_numbers_enabled": true }))
}
