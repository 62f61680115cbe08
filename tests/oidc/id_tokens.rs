//! ID tokens that prove nothing: each is refused for its own reason.

use super::world::World;
use samvad::access::oidc::{IdTokenFault, LoginError};
use serde_json::{Value, json};

/// How an ID token is refused that the provider signs again in another way.
async fn refused(change: Value) -> IdTokenFault {
    let world = World::new().await;
    world.meddle(json!({"id_token": {}})).await;
    world.login("asha").await.expect("signing again is no fault in itself");
    world.meddle(json!({"id_token": change})).await;
    match world.refusal().await {
        LoginError::IdToken(fault) => fault,
        other => panic!("refused for another reason: {other:?}"),
    }
}

fn in_seconds(seconds: i64) -> i64 {
    use samvad_actors::ports::Clock as _;
    samvad::app::SystemClock::default().unix_ms() / 1000 + seconds
}

#[tokio::test]
async fn a_signature_by_another_key_under_the_name_of_the_published_one_is_refused() {
    assert_eq!(refused(json!({"key": "foreign"})).await, IdTokenFault::Signature);
}

#[tokio::test]
async fn a_token_that_is_not_signed_is_refused() {
    assert_eq!(refused(json!({"alg": "none"})).await, IdTokenFault::Algorithm);
}

#[tokio::test]
async fn a_token_signed_with_the_clients_secret_is_refused() {
    assert_eq!(refused(json!({"alg": "HS256"})).await, IdTokenFault::Algorithm);
}

#[tokio::test]
async fn a_token_signed_with_the_clients_secret_is_refused_even_if_the_provider_announces_it() {
    let world = World::new().await;
    let announced = json!({"id_token_signing_alg_values_supported": ["HS256", "none", "RS256"]});
    world
        .meddle(json!({"discovery": announced, "id_token": {"alg": "HS256"}}))
        .await;
    let told = world.refusal().await;
    assert!(matches!(told, LoginError::IdToken(IdTokenFault::Algorithm)), "{told:?}");
}

#[tokio::test]
async fn a_key_that_the_provider_does_not_publish_is_refused() {
    assert_eq!(refused(json!({"key": "next"})).await, IdTokenFault::Key);
}

#[tokio::test]
async fn the_nonce_of_another_login_is_refused() {
    assert_eq!(
        refused(json!({"claims": {"nonce": "another"}})).await,
        IdTokenFault::Nonce
    );
}

#[tokio::test]
async fn a_token_without_a_nonce_is_refused() {
    assert_eq!(refused(json!({"remove": ["nonce"]})).await, IdTokenFault::Nonce);
}

#[tokio::test]
async fn a_token_for_another_client_is_refused() {
    assert_eq!(
        refused(json!({"claims": {"aud": "another"}})).await,
        IdTokenFault::Audience
    );
}

#[tokio::test]
async fn a_token_for_another_client_besides_is_refused() {
    let change = json!({"claims": {"aud": ["samvad", "another"], "azp": "samvad"}});
    assert_eq!(refused(change).await, IdTokenFault::Audience);
}

#[tokio::test]
async fn a_token_that_was_given_to_another_client_is_refused() {
    assert_eq!(
        refused(json!({"claims": {"azp": "another"}})).await,
        IdTokenFault::AuthorizedParty
    );
}

#[tokio::test]
async fn a_token_that_has_expired_is_refused() {
    let change = json!({"claims": {"exp": in_seconds(-61)}});
    assert_eq!(refused(change).await, IdTokenFault::Expired);
}

#[tokio::test]
async fn a_token_without_an_end_is_refused() {
    assert_eq!(refused(json!({"remove": ["exp"]})).await, IdTokenFault::Expired);
}

#[tokio::test]
async fn a_token_from_before_the_login_is_refused() {
    let change = json!({"claims": {"iat": in_seconds(-300)}});
    assert_eq!(refused(change).await, IdTokenFault::IssuedAt);
}

#[tokio::test]
async fn a_token_from_the_future_is_refused() {
    let change = json!({"claims": {"iat": in_seconds(1000), "exp": in_seconds(2000)}});
    assert_eq!(refused(change).await, IdTokenFault::IssuedAt);
}

#[tokio::test]
async fn a_token_that_does_not_hold_yet_is_refused() {
    let change = json!({"claims": {"nbf": in_seconds(1000)}});
    assert_eq!(refused(change).await, IdTokenFault::NotBefore);
}

#[tokio::test]
async fn another_issuers_token_is_refused() {
    let change = json!({"claims": {"iss": "https://evil.example"}});
    assert_eq!(refused(change).await, IdTokenFault::Issuer);
}

#[tokio::test]
async fn a_token_without_a_subject_is_refused() {
    assert_eq!(refused(json!({"remove": ["sub"]})).await, IdTokenFault::Subject);
}

#[tokio::test]
async fn a_subject_that_is_empty_too_long_or_holds_control_characters_is_refused() {
    for subject in [json!(""), json!("a".repeat(256)), json!("a\nb"), json!(7)] {
        assert_eq!(
            refused(json!({"claims": {"sub": subject}})).await,
            IdTokenFault::Subject
        );
    }
}

#[tokio::test]
async fn an_answer_without_an_id_token_or_with_none_that_can_be_read_is_refused() {
    let world = World::new().await;
    for (token, fault) in [
        (json!(null), IdTokenFault::Missing),
        (json!("canary"), IdTokenFault::Unreadable),
        (json!("canary.canary.canary"), IdTokenFault::Unreadable),
        (json!(["canary"]), IdTokenFault::Unreadable),
    ] {
        world.meddle(json!({"token": {"id_token": token}})).await;
        let told = world.refusal().await;
        assert!(
            matches!(told, LoginError::IdToken(found) if found == fault),
            "{token}: {told:?}"
        );
    }
}
