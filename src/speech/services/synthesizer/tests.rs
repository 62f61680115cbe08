use super::*;

const NAMES: Variables = Variables {
    key: "X_KEY",
    base_url: "X_URL",
    voice: "X_VOICE",
    model: "X_MODEL",
};

fn meaning(status: u16, code: &str) -> SynthesisError {
    refusal(StatusCode::from_u16(status).expect("a status"), code, None, &NAMES)
}

#[test]
fn quota_key_rate_and_parameters_are_told_apart_with_what_to_do() {
    for (status, code, hint) in [
        (401, "quota_exceeded", "quota or credit"),
        (429, "insufficient_quota_error", "quota or credit"),
        (402, "", "no credit"),
        (401, "invalid_api_key", "check X_KEY"),
        (403, "invalid_api_key_error", "check X_KEY"),
    ] {
        let fault = meaning(status, code);
        assert!(
            matches!(&fault, SynthesisError::Refused { .. }),
            "{status} {code}: {fault}"
        );
        assert!(fault.to_string().contains(hint), "{fault}");
    }
    for (status, code) in [
        (404, "voice_not_found"),
        (400, "x"),
        (422, "unprocessable_entity_error"),
    ] {
        let fault = meaning(status, code);
        assert!(matches!(&fault, SynthesisError::Unsupported { .. }), "{fault}");
        assert!(fault.to_string().contains("X_VOICE, X_MODEL"), "{fault}");
    }
    assert!(matches!(meaning(429, "system_busy"), SynthesisError::Busy { .. }));
    assert!(matches!(meaning(500, "quota"), SynthesisError::Unavailable { .. }));
    assert!(matches!(meaning(503, ""), SynthesisError::Unavailable { .. }));
}

#[test]
fn a_sentence_in_place_of_a_code_is_not_repeated() {
    let fault = meaning(400, "the text 'call me on 12345' is too long").to_string();
    assert!(!fault.contains("12345") && fault.contains("without a code"), "{fault}");
}

#[test]
fn retry_after_is_read_in_seconds_and_not_believed_without_end() {
    let after = |value: &'static str| {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, reqwest::header::HeaderValue::from_static(value));
        retry_after(&headers)
    };
    assert_eq!(after("7"), Some(Duration::from_secs(7)));
    assert_eq!(after("86400"), Some(LONGEST_RETRY_AFTER));
    assert_eq!(after("Wed, 21 Oct 2015 07:28:00 GMT"), None);
    assert_eq!(retry_after(&HeaderMap::new()), None);
}
