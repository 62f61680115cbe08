//! Logins that somebody has forged, repeated, carried off or may not make.

use super::browser::Browser;
use super::world::World;
use samvad::access::oidc::{CallbackQuery, LoginError, RoleFault};
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn a_code_that_has_been_used_signs_in_nobody_again() {
    let world = World::new().await;
    let begun = world.begin().await;
    let back = Browser::new().sign_in(&begun.redirect_url, "asha").await;
    let key = Some(begun.browser_key.expose().as_str());
    world.logins.finish(&back, key).await.expect("signed in");
    let again = world.logins.finish(&back, key).await;
    assert!(matches!(again, Err(LoginError::UnknownLogin)), "{again:?}");

    let other = world.begin().await;
    let state = Browser::new().sign_in(&other.redirect_url, "asha").await.state;
    let replayed = CallbackQuery { state, ..back };
    let told = world.logins.finish(&replayed, Some(other.browser_key.expose())).await;
    let told = told.expect_err("refused").to_string();
    assert!(told.contains("invalid_grant"), "the provider knows the code: {told}");
}

#[tokio::test]
async fn the_code_of_another_login_is_refused_because_its_verifier_is_another() {
    let world = World::new().await;
    let (own, others) = (world.begin().await, world.begin().await);
    let own_back = Browser::new().sign_in(&own.redirect_url, "vikram").await;
    let others_back = Browser::new().sign_in(&others.redirect_url, "asha").await;
    let injected = CallbackQuery {
        code: others_back.code,
        ..own_back
    };
    let told = world.logins.finish(&injected, Some(own.browser_key.expose())).await;
    assert!(matches!(told, Err(LoginError::Token(_))), "{told:?}");
}

#[tokio::test]
async fn a_forged_or_missing_state_is_refused_before_the_provider_is_asked() {
    let world = World::new().await;
    let begun = world.begin().await;
    let back = Browser::new().sign_in(&begun.redirect_url, "asha").await;
    for state in [
        None,
        Some(String::new()),
        Some("forged".to_owned()),
        Some("x".repeat(100_000)),
    ] {
        let forged = CallbackQuery { state, ..back.clone() };
        let told = world.logins.finish(&forged, Some(begun.browser_key.expose())).await;
        assert!(matches!(told, Err(LoginError::UnknownLogin)), "{told:?}");
    }
    assert_eq!(world.asked("/token").await, 0);
}

#[tokio::test]
async fn a_login_that_another_browser_has_begun_is_refused_and_void() {
    let world = World::new().await;
    let others_key = world.begin().await.browser_key;
    for key in [None, Some(""), Some(others_key.expose().as_str())] {
        let begun = world.begin().await;
        let back = Browser::new().sign_in(&begun.redirect_url, "asha").await;
        let told = world.logins.finish(&back, key).await;
        assert!(matches!(told, Err(LoginError::OtherBrowser)), "{told:?}");
        let told = world.logins.finish(&back, Some(begun.browser_key.expose())).await;
        assert!(matches!(told, Err(LoginError::UnknownLogin)), "{told:?}");
    }
    assert_eq!(world.asked("/token").await, 0);
}

#[tokio::test]
async fn a_login_that_takes_longer_than_ten_minutes_has_expired() {
    let world = World::new().await;
    let begun = world.begin().await;
    let back = Browser::new().sign_in(&begun.redirect_url, "asha").await;
    world.turn_calendar(Duration::from_secs(601));
    let told = world.logins.finish(&back, Some(begun.browser_key.expose())).await;
    assert!(matches!(told, Err(LoginError::UnknownLogin)), "{told:?}");
}

#[tokio::test]
async fn who_cancels_at_the_provider_is_told_so_and_an_unknown_error_is_not_repeated() {
    let world = World::new().await;
    let begun = world.begin().await;
    let back = Browser::new().cancel(&begun.redirect_url).await;
    let told = world.logins.finish(&back, Some(begun.browser_key.expose())).await;
    assert!(matches!(told, Err(LoginError::Refused("access_denied"))), "{told:?}");

    let begun = world.begin().await;
    let mut back = Browser::new().cancel(&begun.redirect_url).await;
    back.error = Some("<b>canary</b>".to_owned());
    let told = world
        .logins
        .finish(&back, Some(begun.browser_key.expose()))
        .await
        .expect_err("refused");
    assert!(
        matches!(told, LoginError::Refused(_)) && !told.to_string().contains("canary"),
        "{told}"
    );
}

#[tokio::test]
async fn an_answer_that_names_another_provider_or_none_is_refused() {
    let world = World::new().await;
    for iss in [None, Some("https://evil.example"), Some("")] {
        let begun = world.begin().await;
        let mut back = Browser::new().sign_in(&begun.redirect_url, "asha").await;
        assert_eq!(back.iss.as_deref(), Some(world.issuer()), "this provider names itself");
        back.iss = iss.map(str::to_owned);
        let told = world.logins.finish(&back, Some(begun.browser_key.expose())).await;
        assert!(matches!(told, Err(LoginError::OtherProvider)), "{told:?}");
    }
    assert_eq!(world.asked("/token").await, 0);
}

#[tokio::test]
async fn a_provider_that_does_not_announce_to_name_itself_need_not_but_must_not_be_another() {
    let world = World::new().await;
    let silent = json!({"authorization_response_iss_parameter_supported": false});
    world.meddle(json!({"discovery": silent})).await;
    for (iss, admitted) in [(None, true), (Some("https://evil.example"), false)] {
        let begun = world.begin().await;
        let mut back = Browser::new().sign_in(&begun.redirect_url, "asha").await;
        back.iss = iss.map(str::to_owned);
        let told = world.logins.finish(&back, Some(begun.browser_key.expose())).await;
        assert_eq!(told.is_ok(), admitted, "{told:?}");
    }
}

#[tokio::test]
async fn an_answer_without_a_code_is_refused() {
    let world = World::new().await;
    let begun = world.begin().await;
    let mut back = Browser::new().sign_in(&begun.redirect_url, "asha").await;
    back.code = None;
    let told = world.logins.finish(&back, Some(begun.browser_key.expose())).await;
    assert!(matches!(told, Err(LoginError::Code)), "{told:?}");
}

#[tokio::test]
async fn who_has_no_role_does_not_get_in_and_is_told_the_claim_but_not_its_values() {
    let world = World::new().await;
    for (person, expected) in [("nobody", RoleFault::Unmapped), ("groupless", RoleFault::Missing)] {
        let told = world.login(person).await.expect_err("refused");
        assert!(
            matches!(&told, LoginError::Role { fault, .. } if *fault == expected),
            "{told:?}"
        );
        assert_eq!(told.status(), 403);
        let told = told.to_string();
        assert!(
            told.contains("claim groups") && !told.contains("unheard-of-group"),
            "{told}"
        );
    }
    world
        .meddle(json!({"id_token": {"claims": {"groups": {"samvad-admins": true}}}}))
        .await;
    let told = world.login("asha").await.expect_err("refused");
    assert!(
        matches!(
            &told,
            LoginError::Role {
                fault: RoleFault::Malformed,
                ..
            }
        ),
        "{told:?}"
    );
}

#[tokio::test]
async fn a_login_leads_to_our_own_pages_alone() {
    let world = World::new().await;
    for place in [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "/a\r\nb",
        "campaigns",
    ] {
        let told = world.logins.begin(Some(place)).await;
        assert!(matches!(told, Err(LoginError::ReturnTo)), "{place}");
    }
    assert_eq!(world.asked("/.well-known/openid-configuration").await, 0);
}
