//! Rates, and origins that browsers may call from.

use super::client::Request;
use super::world::{World, generous};
use samvad::api::limits::{Rate, Rates};
use samvad_actors::domain::Role;
use std::num::NonZeroU32;

const SESSION: &str = "/api/v1/session";

fn slow() -> Rates {
    // One at once, and no second for a long time as seen by a test.
    let one = NonZeroU32::MIN;
    let burst = NonZeroU32::new(3).expect("3");
    Rates {
        principal: Rate::new(one, burst),
        address: Rate::new(one, burst),
    }
}

#[test]
fn too_many_requests_are_told_when_to_come_back_and_others_are_served() {
    let world = World::with(&[], slow());
    let hasty = world.person(Role::Viewer);
    let refused = (0..50)
        .map(|_| world.as_somebody(&hasty, Request::get(SESSION)))
        .find(|answer| answer.status != 200);
    let refused = refused.expect("a limit");
    refused.problem(429);
    assert!(
        refused
            .header("retry-after")
            .and_then(|after| after.parse::<u32>().ok())
            .is_some_and(|after| after >= 1)
    );
    let calm = world.person(Role::Viewer);
    assert_eq!(world.as_somebody(&calm, Request::get(SESSION)).status, 200);
}

#[test]
fn who_shows_no_valid_credential_is_slowed_down_by_address_and_health_is_not() {
    let world = World::with(&[], slow());
    let guess = || Request::get(SESSION).header("authorization", format!("Bearer smv_{}", "a".repeat(43)));
    let statuses: Vec<u16> = (0..50).map(|_| world.send(&guess()).status).collect();
    assert!(statuses.contains(&401) && statuses.contains(&429), "{statuses:?}");
    let person = world.person(Role::Viewer);
    assert_eq!(world.as_somebody(&person, Request::get(SESSION)).status, 200);
    for _ in 0..20 {
        assert_eq!(world.send(&Request::get("/healthz")).status, 200);
    }
}

fn preflight(origin: &str) -> Request {
    Request::new("OPTIONS", SESSION)
        .header("origin", origin)
        .header("access-control-request-method", "GET")
        .header("access-control-request-headers", "authorization")
}

#[test]
fn clients_behind_a_proxy_of_ours_are_told_apart_and_others_cannot_pretend_to_be_many() {
    let burst = |proxies: &[(&str, &str)]| {
        let one = NonZeroU32::MIN;
        let rates = Rates {
            address: Rate::new(one, one),
            ..generous()
        };
        let world = World::with(proxies, rates);
        let ask = |client: &str| {
            world
                .send(&Request::get(SESSION).header("x-forwarded-for", client))
                .status
        };
        [ask("198.51.100.1"), ask("198.51.100.2"), ask("198.51.100.1")]
    };
    assert_eq!(burst(&[("SAMVAD_API_PROXIES", "127.0.0.1")]), [401, 401, 429]);
    assert_eq!(burst(&[]), [401, 429, 429]);
}

#[test]
fn no_other_origin_may_call_unless_it_is_named() {
    let world = World::start();
    let answer = world.send(&preflight("https://reports.example.org"));
    assert_eq!(answer.header("access-control-allow-origin"), None);
    answer.problem(answer.status);
    let answer = world.send(&Request::get("/healthz").header("origin", "https://reports.example.org"));
    assert_eq!(answer.header("access-control-allow-origin"), None);
}

#[test]
fn an_origin_that_is_named_may_call_with_a_token_and_never_with_the_cookie() {
    let origins = [(
        "SAMVAD_CORS_ORIGINS",
        "https://reports.example.org, https://other.example.org",
    )];
    let world = World::with(&origins, generous());
    let allowed = world.send(&preflight("https://reports.example.org"));
    assert_eq!(allowed.status, 200, "{}", allowed.text());
    assert_eq!(
        allowed.header("access-control-allow-origin"),
        Some("https://reports.example.org")
    );
    assert_eq!(allowed.header("access-control-allow-credentials"), None);
    // An error is readable there too.
    let refused = world.send(&Request::get(SESSION).header("origin", "https://reports.example.org"));
    refused.problem(401);
    assert_eq!(
        refused.header("access-control-allow-origin"),
        Some("https://reports.example.org")
    );
    let stranger = world.send(&preflight("https://evil.example"));
    assert_eq!(stranger.header("access-control-allow-origin"), None);
}
