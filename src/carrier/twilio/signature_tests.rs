use super::*;
use proptest::prelude::*;
use samvad_actors::domain::AccountSid;

fn validator(public_url: &str, tokens: (&str, Option<&str>)) -> SignatureValidator {
    SignatureValidator::new(&TwilioSettings {
        api_base_url: Url::parse(TwilioSettings::API_BASE_URL).expect("a URL"),
        account_sid: AccountSid::new(format!("AC{}", "0".repeat(32))),
        auth_token: AuthToken::new(tokens.0),
        other_auth_token: tokens.1.map(AuthToken::new),
        public_url: Url::parse(public_url).expect("a URL"),
        connect_timeout: TwilioSettings::CONNECT_TIMEOUT,
        request_timeout: TwilioSettings::REQUEST_TIMEOUT,
    })
    .expect("good settings")
}

fn sign(token: &str, text: &str) -> String {
    STANDARD.encode(Algorithm::Sha1.sign(&AuthToken::new(token), &[text]))
}

fn verify(
    validator: &SignatureValidator,
    path_and_query: &str,
    content: Content<'_>,
    signature: &str,
) -> Result<(), SignatureFault> {
    validator.verify(&SignedRequest {
        path_and_query,
        content,
        signature: Some(signature),
        settings: None,
    })
}

fn fields(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

#[test]
fn twilios_own_example_validates() {
    let fields = fields(&[
        ("CallSid", "CA1234567890ABCDE"),
        ("Caller", "+14158675310"),
        ("Digits", "1234"),
        ("From", "+14158675310"),
        ("To", "+18005551212"),
    ]);
    let validator = validator("https://example.com", ("12345", None));
    let verdict = |signature| verify(&validator, "/myapp.php?foo=1&bar=2", Content::Form(&fields), signature);
    assert_eq!(verdict("L/OH5YylLD5NRKLltdqwSvS0BnU="), Ok(()));
    assert_eq!(verdict("L/OH5YylLD5NRKLltdqwSvS0BnV="), Err(SignatureFault::Mismatch));
    assert_eq!(verdict("not base64"), Err(SignatureFault::Mismatch));
    assert_eq!(verdict(""), Err(SignatureFault::Mismatch));
}

#[test]
fn l24_a_request_without_a_signature_is_not_twilios() {
    let request = SignedRequest {
        path_and_query: "/",
        content: Content::Nothing,
        signature: None,
        settings: None,
    };
    let validator = validator("https://example.com", ("12345", None));
    assert_eq!(validator.verify(&request), Err(SignatureFault::Missing));
}

#[test]
fn the_default_port_may_be_there_or_not() {
    for public_url in [
        "https://example.com",
        "https://example.com:443",
        "https://user:pass@example.com",
    ] {
        let validator = validator(public_url, ("key", None));
        for signed in ["https://example.com/x?y=1", "https://example.com:443/x?y=1"] {
            let verdict = verify(&validator, "/x?y=1", Content::Nothing, &sign("key", signed));
            assert_eq!(verdict, Ok(()), "{public_url} {signed}");
        }
    }
    let validator = validator("https://example.com:8443", ("key", None));
    for (signed, good) in [
        ("https://example.com:8443/x", true),
        ("https://example.com/x", true),
        ("https://example.com:443/x", false),
    ] {
        assert_eq!(
            verify(&validator, "/x", Content::Nothing, &sign("key", signed)).is_ok(),
            good,
            "{signed}"
        );
    }
}

#[test]
fn l26_an_upgrade_is_signed_as_wss_over_the_public_origin_with_or_without_a_slash() {
    let validator = validator("https://example.com", ("key", None));
    for (signed, good) in [
        ("wss://example.com/twilio/media", true),
        ("wss://example.com/twilio/media/", true),
        ("wss://example.com:443/twilio/media", true),
        ("https://example.com/twilio/media", false),
        ("ws://example.com/twilio/media", false),
        ("wss://127.0.0.1/twilio/media", false),
        ("wss://example.com/", false),
    ] {
        let verdict = verify(&validator, "/twilio/media", Content::Upgrade, &sign("key", signed));
        assert_eq!(verdict.is_ok(), good, "{signed}");
    }
}

#[test]
fn a_webhook_is_not_validated_as_an_upgrade() {
    let validator = validator("https://example.com", ("key", None));
    for signed in ["wss://example.com/x", "https://example.com/x/"] {
        assert!(
            verify(&validator, "/x", Content::Form(&[]), &sign("key", signed)).is_err(),
            "{signed}"
        );
    }
}

#[test]
fn two_keys_are_accepted_during_rotation_and_no_third() {
    let validator = validator("https://example.com", ("new", Some("old")));
    for (key, good) in [("new", true), ("old", true), ("older", false)] {
        let signature = sign(key, "https://example.com/x");
        assert_eq!(
            verify(&validator, "/x", Content::Nothing, &signature).is_ok(),
            good,
            "{key}"
        );
    }
}

#[test]
fn a_key_that_comes_twice_has_its_values_sorted_and_each_signed_once() {
    let validator = validator("https://example.com", ("key", None));
    let fields = fields(&[("b", "2"), ("a", " x "), ("b", "1"), ("b", "2"), ("B", "0")]);
    let signature = sign("key", "https://example.com/xB0a x b1b2");
    assert_eq!(verify(&validator, "/x", Content::Form(&fields), &signature), Ok(()));
}

#[test]
fn a_body_that_is_no_form_is_covered_by_its_hash() {
    let validator = validator("https://example.com", ("key", None));
    let hash = hex(&Sha256::digest(b"{}"));
    let path = format!("/x?bodySHA256={hash}");
    let signature = sign("key", &format!("https://example.com{path}"));
    assert_eq!(verify(&validator, &path, Content::Raw(b"{}"), &signature), Ok(()));
    assert!(verify(&validator, &path, Content::Raw(b"{ }"), &signature).is_err());
    let signature = sign("key", "https://example.com/x");
    assert!(
        verify(&validator, "/x", Content::Raw(b"{}"), &signature).is_err(),
        "nothing covers the body"
    );
}

#[test]
fn an_algorithm_that_is_not_known_is_refused() {
    for (settings, algorithm) in [
        (None, Some(Algorithm::Sha1)),
        (Some(""), Some(Algorithm::Sha1)),
        (Some("key=abc"), Some(Algorithm::Sha1)),
        (Some("key=abc,algorithm=HMAC_SHA256"), Some(Algorithm::Sha256)),
        (Some("algorithm = hmac_sha1 , key=abc"), Some(Algorithm::Sha1)),
        (Some("key=abc,algorithm=HMAC_MD5"), None),
        (Some("key=abc,algorithm=none"), None),
    ] {
        assert_eq!(Algorithm::named_in(settings), algorithm, "{settings:?}");
    }
    let validator = validator("https://example.com", ("key", None));
    let request = SignedRequest {
        path_and_query: "/x",
        content: Content::Nothing,
        signature: Some(&sign("key", "https://example.com/x")),
        settings: Some("algorithm=none"),
    };
    assert_eq!(validator.verify(&request), Err(SignatureFault::UnknownAlgorithm));
}

proptest! {
    #[test]
    fn nothing_a_stranger_sends_validates_or_panics(
        path_and_query in any::<String>(), signature in any::<String>(), settings in any::<Option<String>>(),
        names in proptest::collection::vec((any::<String>(), any::<String>()), 0..4),
        body in proptest::collection::vec(any::<u8>(), 0..20), kind in 0..4,
    ) {
        let content = match kind {
            0 => Content::Nothing,
            1 => Content::Form(&names),
            2 => Content::Raw(&body),
            _ => Content::Upgrade,
        };
        let verdict = validator("https://example.com", ("key", None)).verify(&SignedRequest {
            path_and_query: &path_and_query,
            content,
            signature: Some(&signature),
            settings: settings.as_deref(),
        });
        prop_assert!(verdict.is_err());
    }

    #[test]
    fn the_order_in_which_fields_arrive_does_not_matter(
        (one, other) in proptest::collection::vec(("[a-cA-C]{1,2}", any::<String>()), 0..8)
            .prop_flat_map(|pairs| (Just(pairs.clone()), Just(pairs).prop_shuffle())),
    ) {
        let validator = validator("https://example.com", ("key", None));
        let signature = sign("key", &format!("https://example.com/x{}", sorted_fields(&one)));
        prop_assert_eq!(verify(&validator, "/x", Content::Form(&other), &signature), Ok(()));
    }
}
