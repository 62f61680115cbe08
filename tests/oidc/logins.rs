//! Logins that go well.

use super::browser::Browser;
use super::world::{API, World};
use samvad::access::oidc::{self, TIMEOUT};
use samvad_actors::domain::Role;
use samvad_actors::ports::{AccountStore, SignIn};
use serde_json::json;
use sha2::{Digest, Sha256};
use url::Url;

#[tokio::test]
async fn somebody_signs_in_with_name_address_and_highest_role_and_lands_where_they_wanted_to_go() {
    let world = World::new().await;
    let finished = world.login("asha").await.expect("signed in");
    assert_eq!(finished.return_to, "/campaigns?page=2");
    let expected = SignIn {
        issuer: world.issuer().to_owned(),
        subject: "asha".to_owned(),
        email: Some("asha@example.org".to_owned()),
        name: "Asha Rao".to_owned(),
        role: Role::Admin,
    };
    assert_eq!(finished.who, expected);
    assert_eq!(world.login("vikram").await.expect("signed in").who.role, Role::Viewer);
    assert_eq!(world.asked("/.well-known/openid-configuration").await, 1);
    assert_eq!(world.asked("/jwks").await, 1, "document and keys are kept");
    assert_eq!(world.asked("/me").await, 0, "the ID token says everything");
}

#[tokio::test]
async fn the_provider_is_asked_for_a_code_with_pkce_state_nonce_and_our_scopes() {
    let world = World::new().await;
    let begun = world.begin().await;
    let url = Url::parse(&begun.redirect_url).expect("a URL");
    let parameter = |name: &str| {
        let values: Vec<String> = url
            .query_pairs()
            .filter(|(key, _)| key == name)
            .map(|(_, v)| v.into_owned())
            .collect();
        assert_eq!(values.len(), 1, "{name} is there once");
        values[0].clone()
    };
    assert_eq!(parameter("response_type"), "code");
    assert_eq!(parameter("client_id"), "samvad");
    assert_eq!(parameter("redirect_uri"), format!("{API}/api/v1/callback"));
    assert_eq!(parameter("scope"), "openid profile email");
    assert_eq!(parameter("code_challenge_method"), "S256");
    for name in ["code_challenge", "state", "nonce"] {
        assert_eq!(parameter(name).len(), 43, "{name} has 256 bits");
    }
    let state_hash: String = Sha256::digest(parameter("state"))
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let kept = world
        .accounts
        .take_login(&state_hash, 0)
        .await
        .expect("read")
        .expect("kept by its hash");
    let shown = format!("{kept:?}");
    assert!(
        !shown.contains(&parameter("state")) && !shown.contains(begun.browser_key.expose()),
        "hashes alone are kept"
    );
    assert!(!url.as_str().contains(&kept.pkce_verifier));
    assert_ne!(world.begin().await.redirect_url, begun.redirect_url);
}

#[tokio::test]
async fn what_the_id_token_lacks_comes_from_user_info() {
    let world = World::with(json!({"claimsInUserInfo": true}), &[], TIMEOUT).await;
    let who = world.login("asha").await.expect("signed in").who;
    assert_eq!((who.name.as_str(), who.role), ("Asha Rao", Role::Admin));
    assert_eq!(who.email.as_deref(), Some("asha@example.org"));
    assert_eq!(world.asked("/me").await, 1);
}

#[tokio::test]
async fn a_provider_that_takes_the_secret_in_the_body_alone_gets_it_there() {
    let world = World::with(json!({"authentication": "client_secret_post"}), &[], TIMEOUT).await;
    assert_eq!(world.login("asha").await.expect("signed in").who.subject, "asha");
}

#[tokio::test]
async fn an_address_that_is_not_verified_is_not_kept() {
    let world = World::new().await;
    world
        .meddle(json!({"id_token": {"claims": {"email_verified": false}}}))
        .await;
    assert_eq!(world.login("asha").await.expect("signed in").who.email, None);
}

#[tokio::test]
async fn a_name_of_any_length_with_control_characters_is_kept_short_and_plain() {
    let world = World::new().await;
    let name = format!("\n\u{1b}[31m{}", "a".repeat(5000));
    world.meddle(json!({"id_token": {"claims": {"name": name}}})).await;
    let kept = world.login("asha").await.expect("signed in").who.name;
    assert!(
        kept.chars().count() == 200 && !kept.chars().any(char::is_control),
        "{kept:?}"
    );
}

#[tokio::test]
async fn the_two_handlers_carry_a_login_through_with_a_cookie_of_the_browser() {
    let world = World::new().await;
    let to_provider = oidc::login(&world.logins, Some("/campaigns")).await.expect("begun");
    let cookie = &to_provider.cookies[0];
    assert!(cookie.starts_with("__Host-samvad-login="), "{cookie}");
    assert!(
        cookie.ends_with("; Path=/; Max-Age=600; HttpOnly; SameSite=Lax; Secure"),
        "{cookie}"
    );
    let back = Browser::new().sign_in(&to_provider.location, "vikram").await;
    let sent = format!("other=1; {}", cookie.split(';').next().expect("a pair"));
    let admitted = oidc::callback(&world.logins, &back, Some(&sent))
        .await
        .expect("admitted");
    assert_eq!(admitted.who.subject, "vikram");
    assert_eq!(admitted.redirect.location, "/campaigns");
    assert_eq!(admitted.redirect.cookies, [oidc::forget(&world.logins)]);
    assert!(oidc::forget(&world.logins).starts_with("__Host-samvad-login=; Path=/; Max-Age=0"));
}
