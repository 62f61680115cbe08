//! What an answer other than a success means, and what to do about it.

use super::ChatService;
use crate::speech::services::{code_of, is_of_credit, refusal_body, retry_after};
use reqwest::{Response, StatusCode};
use samvad_actors::ports::LanguageModelError;
use serde_json::Value;
use std::time::Duration;

/// What a body tells of a fault: `error.code`, `error.type`, `error.param` and `error.message` of OpenAI; other servers
/// leave out some of them, or write them without `error` around.
#[derive(Default, Debug)]
struct Fault {
    code: String,
    kind: String,
    /// Parameter and sentence: looked into, and never told, because a sentence can repeat a key or what was said.
    words: String,
}

impl Fault {
    fn read(body: &Value) -> Self {
        let error = if body["error"].is_null() { body } else { &body["error"] };
        let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
        let words = [
            text("param"),
            text("message"),
            error.as_str().unwrap_or_default().to_owned(),
        ];
        Self {
            code: text("code"),
            kind: text("type"),
            words: words.join(" ").to_ascii_lowercase(),
        }
    }

    fn mentions(&self, words: &[&str]) -> bool {
        let code = self.code.to_ascii_lowercase();
        words
            .iter()
            .any(|word| code.contains(word) || self.words.contains(word))
    }
}

/// The error that an answer stands for.
pub(super) async fn refusal(answer: Response, service: &ChatService) -> LanguageModelError {
    let status = answer.status();
    let retry_after = retry_after(answer.headers());
    let body = refusal_body(answer).await;
    meaning(status, &Fault::read(&body), retry_after, service)
}

/// Codes come first: OpenAI tells of a used quota with 429.
fn meaning(
    status: StatusCode,
    fault: &Fault,
    retry_after: Option<Duration>,
    service: &ChatService,
) -> LanguageModelError {
    let code = if fault.code.is_empty() {
        &fault.kind
    } else {
        &fault.code
    };
    let told = format!("({}, {})", status.as_u16(), code_of(code));
    let refused = |reason: String| LanguageModelError::Refused { reason };
    let busy = |reason: String| LanguageModelError::Busy { reason, retry_after };
    match status.as_u16() {
        402 => refused(format!(
            "the account has no credit {told}; raise it in the service's console"
        )),
        400..500 if is_of_credit(&fault.code) || is_of_credit(&fault.kind) => refused(format!(
            "the account's quota or credit is used up {told}; raise it in the service's console"
        )),
        401 | 403 => refused(format!("it does not accept the key {told}; check {}", service.key)),
        408 | 429 => busy(format!(
            "too much is asked of it at once {told}; raise the account's rate limit, or allow fewer calls at once"
        )),
        503 | 529 if retry_after.is_some() => busy(format!("it is overloaded {told}; try again later")),
        413 | 400 if status.as_u16() == 413 || fault.mentions(&["context_length", "maximum context"]) => {
            refused(format!(
                "the conversation is too long for the model {told}; choose another in {}",
                service.model
            ))
        }
        400 | 422 | 500 | 501 if fault.mentions(&["response_format", "json_schema"]) => refused(format!(
            "it does not take the answer's schema {told}; set {}=json_object, or choose another model in {}",
            service.structured, service.model
        )),
        400 | 422 if fault.mentions(&["temperature"]) => refused(format!(
            "the model takes no temperature {told}: it reasons, too long for a call; choose another in {}",
            service.model
        )),
        400 | 404 | 405 | 422 => refused(format!(
            "it does not know the model or the address, or does not take a parameter {told}; check {}, {} and {}",
            service.model, service.base_url, service.structured
        )),
        300..400 => refused(format!(
            "its address leads elsewhere {told}; check {}",
            service.base_url
        )),
        _ if status.is_client_error() => refused(format!(
            "it does not take the request {told}; check {}",
            service.base_url
        )),
        _ => LanguageModelError::Unavailable {
            reason: format!("it has a fault of its own {told}; try again later"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::OPENAI;
    use super::*;

    fn error(status: u16, body: &str) -> LanguageModelError {
        let status = StatusCode::from_u16(status).expect("a status");
        let body = serde_json::from_str(body).unwrap_or_default();
        meaning(status, &Fault::read(&body), None, &OPENAI)
    }

    #[test]
    fn each_fault_is_named_with_its_remedy_and_never_in_the_services_own_words() {
        for (status, body, remedy) in [
            (
                401,
                r#"{"error":{"message":"canary","code":"invalid_api_key"}}"#,
                "OPENAI_API_KEY",
            ),
            (403, "<html>canary</html>", "OPENAI_API_KEY"),
            (402, "", "console"),
            (
                429,
                r#"{"error":{"code":"insufficient_quota","message":"canary"}}"#,
                "quota",
            ),
            (429, r#"{"error":{"code":null,"type":"insufficient_quota"}}"#, "quota"),
            (
                404,
                r#"{"error":{"code":"model_not_found","message":"canary"}}"#,
                "OPENAI_LANGUAGE_MODEL",
            ),
            (
                400,
                r#"{"error":{"code":400,"param":"response_format"}}"#,
                "OPENAI_LANGUAGE_STRUCTURED=json_object",
            ),
            (
                400,
                r#"{"message":"'response_format.type' canary","type":"BadRequestError"}"#,
                "=json_object",
            ),
            (
                400,
                r#"{"error":{"code":"unsupported_value","param":"temperature"}}"#,
                "reasons",
            ),
            (400, r#"{"error":{"code":"context_length_exceeded"}}"#, "too long"),
            (413, "", "too long"),
            (400, r#"{"error":"canary"}"#, "OPENAI_BASE_URL"),
            (301, "", "OPENAI_BASE_URL"),
            (418, "", "OPENAI_BASE_URL"),
        ] {
            let error = error(status, body);
            let text = error.to_string();
            assert!(matches!(error, LanguageModelError::Refused { .. }), "{error:?}");
            assert!(text.contains(remedy) && !text.contains("canary"), "{text}");
        }
    }

    #[test]
    fn rate_is_busy_and_its_own_faults_are_passing() {
        let rate = r#"{"error":{"code":"rate_limit_exceeded","type":"requests"}}"#;
        assert!(matches!(error(429, rate), LanguageModelError::Busy { .. }));
        assert!(matches!(error(500, "canary"), LanguageModelError::Unavailable { .. }));
        assert!(matches!(error(503, ""), LanguageModelError::Unavailable { .. }));
        let wait = Some(Duration::from_secs(2));
        let overloaded = meaning(StatusCode::SERVICE_UNAVAILABLE, &Fault::default(), wait, &OPENAI);
        assert!(matches!(overloaded, LanguageModelError::Busy { retry_after, .. } if retry_after == wait));
    }
}
