//! Providers that are down, slow, changed, or not what they say.

use super::world::{Ahead, World, logins, store};
use samvad::access::oidc::{HttpFault, IdTokenFault, LoginError, ProviderFault, TIMEOUT};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 3600);

async fn token_fault(how: Value, timeout: Duration) -> ProviderFault {
    let world = World::with(json!({}), &[], timeout).await;
    world.meddle(json!({ "token": how })).await;
    match world.refusal().await {
        LoginError::Token(fault) => fault,
        other => panic!("refused for another reason: {other:?}"),
    }
}

#[tokio::test]
async fn a_token_endpoint_that_is_down_is_told_with_its_status() {
    let fault = token_fault(json!("down"), TIMEOUT).await;
    assert_eq!(fault, ProviderFault::Http(HttpFault::Status(500)));
}

#[tokio::test]
async fn a_token_endpoint_that_never_answers_is_given_up() {
    let fault = token_fault(json!("hang"), Duration::from_secs(5)).await;
    assert_eq!(fault, ProviderFault::Http(HttpFault::TooSlow));
}

#[tokio::test]
async fn an_answer_of_ten_mebibytes_is_not_read() {
    let fault = token_fault(json!("huge"), TIMEOUT).await;
    assert_eq!(fault, ProviderFault::Http(HttpFault::TooLong));
}

#[tokio::test]
async fn a_token_endpoint_that_redirects_is_not_followed() {
    let world = World::new().await;
    world.meddle(json!({"token": "redirect"})).await;
    let told = world.refusal().await;
    assert!(
        matches!(told, LoginError::Token(ProviderFault::Http(HttpFault::Redirect))),
        "{told:?}"
    );
    assert_eq!(world.asked("/elsewhere").await, 0);
}

#[tokio::test]
async fn a_wrong_client_secret_is_told_by_the_providers_code() {
    let world = World::with(
        json!({}),
        &[("SAMVAD_OIDC_CLIENT_SECRET", "canary-another-secret")],
        TIMEOUT,
    )
    .await;
    let told = world.refusal().await;
    assert!(
        matches!(told, LoginError::Token(ProviderFault::Code("invalid_client"))),
        "{told:?}"
    );
}

#[tokio::test]
async fn user_info_of_another_person_is_refused() {
    let world = World::with(json!({"claimsInUserInfo": true}), &[], TIMEOUT).await;
    world.meddle(json!({"userinfo": {"sub": "canary"}})).await;
    let told = world.refusal().await;
    assert!(matches!(told, LoginError::UserInfo(ProviderFault::Subject)), "{told:?}");
    world.meddle(json!({"userinfo": "down"})).await;
    let told = world.refusal().await;
    assert!(
        matches!(told, LoginError::UserInfo(ProviderFault::Http(HttpFault::Status(500)))),
        "{told:?}"
    );
}

#[tokio::test]
async fn new_keys_are_fetched_when_a_token_is_signed_by_one() {
    let world = World::new().await;
    world.login("asha").await.expect("signed in");
    world
        .meddle(json!({"rotated": true, "id_token": {"key": "next"}}))
        .await;
    world.login("asha").await.expect("signed in by the new key");
    world.login("asha").await.expect("signed in by the new key");
    assert_eq!(
        world.asked("/jwks").await,
        2,
        "once more, for the key that was not known"
    );
    world.meddle(json!({"rotated": true, "id_token": {"key": "own"}})).await;
    world.pass(MINUTE);
    let told = world.refusal().await;
    assert!(matches!(told, LoginError::IdToken(IdTokenFault::Key)), "{told:?}");
}

#[tokio::test]
async fn unknown_keys_make_us_ask_for_the_key_set_once_a_minute_and_no_more() {
    let world = World::new().await;
    world.meddle(json!({"id_token": {"key": "next"}})).await;
    for _ in 0..3 {
        let told = world.refusal().await;
        assert!(matches!(told, LoginError::IdToken(IdTokenFault::Key)), "{told:?}");
    }
    assert_eq!(
        world.asked("/jwks").await,
        2,
        "at discovery, and once for the unknown key"
    );
    world.pass(MINUTE);
    world.refusal().await;
    assert_eq!(world.asked("/jwks").await, 3);
}

#[tokio::test]
async fn a_key_set_that_is_down_is_told_where_it_is_needed_and_only_there() {
    let world = World::new().await;
    world.login("asha").await.expect("signed in");
    world.meddle(json!({"jwks": "down"})).await;
    world.login("asha").await.expect("the keys of before still hold");
    world.meddle(json!({"jwks": "down", "id_token": {"key": "next"}})).await;
    let told = world.refusal().await;
    assert!(
        matches!(told, LoginError::Provider(ProviderFault::Http(HttpFault::Status(500)))),
        "{told:?}"
    );
}

#[tokio::test]
async fn discovery_is_repeated_after_a_day_and_what_was_known_holds_while_it_fails() {
    let world = World::new().await;
    world.begin().await;
    world.pass(DAY - MINUTE);
    world.begin().await;
    assert_eq!(world.asked("/.well-known/openid-configuration").await, 1);
    world.pass(MINUTE);
    world.meddle(json!({"discovery": "down"})).await;
    world.login("asha").await.expect("what was known holds");
    assert_eq!(world.asked("/.well-known/openid-configuration").await, 2);
    world.pass(MINUTE);
    world.meddle(json!({})).await;
    world.begin().await;
    world.begin().await;
    assert_eq!(world.asked("/.well-known/openid-configuration").await, 3);
}

#[tokio::test]
async fn a_provider_that_is_down_at_the_start_is_told_at_the_login_and_asked_again_soon() {
    let world = World::new().await;
    world.meddle(json!({"discovery": "down"})).await;
    for _ in 0..2 {
        let told = world.logins.begin(None).await.expect_err("no provider");
        assert!(
            matches!(told, LoginError::Provider(ProviderFault::Http(HttpFault::Status(500)))),
            "{told:?}"
        );
        assert_eq!(told.status(), 503);
    }
    assert_eq!(
        world.asked("/.well-known/openid-configuration").await,
        1,
        "not by every login"
    );
    world.meddle(json!({})).await;
    world.pass(Duration::from_secs(5));
    world.login("asha").await.expect("it is there again");
}

#[tokio::test]
async fn a_provider_that_nobody_listens_for_is_told_at_the_login() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let nobody = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let ((accounts, _scratch), clock) = (store().await, Arc::new(Ahead::default()));
    let told = logins(&nobody, &[], &accounts, &clock, TIMEOUT)
        .begin(None)
        .await
        .expect_err("nobody");
    assert!(
        matches!(
            told,
            LoginError::Provider(ProviderFault::Http(HttpFault::Unreachable(_)))
        ),
        "{told:?}"
    );
}

#[tokio::test]
async fn a_discovery_document_of_another_issuer_or_with_addresses_elsewhere_is_refused() {
    for (change, expected) in [
        (json!({"issuer": "https://evil.example"}), ProviderFault::Issuer),
        (
            json!({"authorization_endpoint": "javascript:alert(1)"}),
            ProviderFault::Metadata("authorization_endpoint"),
        ),
        (
            json!({"authorization_endpoint": "http://evil.example"}),
            ProviderFault::Metadata("authorization_endpoint"),
        ),
        (
            json!({"token_endpoint": null}),
            ProviderFault::Metadata("token_endpoint"),
        ),
        (
            json!({"jwks_uri": "http://169.254.169.254/"}),
            ProviderFault::Http(HttpFault::Address),
        ),
        (json!({"jwks_uri": 7}), ProviderFault::Unreadable),
    ] {
        let world = World::new().await;
        world.meddle(json!({ "discovery": change })).await;
        let told = world.logins.begin(None).await.expect_err("refused");
        assert!(
            matches!(&told, LoginError::Provider(fault) if *fault == expected),
            "{change}: {told:?}"
        );
    }
}
