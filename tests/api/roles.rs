//! Who may use which operation: every operation of the served description, with everybody, against this table.

use super::client::{Answer, Request};
use super::world::{Somebody, World};
use samvad_actors::domain::{Permission, Role};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Who may use an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    /// Everybody.
    Everybody,
    /// Whoever has signed in, and every token.
    SignedIn,
    /// Whoever has signed in, and no token.
    People,
    /// This role and those that may more, and tokens with this scope.
    From(Role, &'static str),
}
use Who::{Everybody, From, People, SignedIn};

/// Every operation. What is added to the API is added here.
const TABLE: &[(&str, &str, Who)] = &[
    ("GET", "/healthz", Everybody),
    ("GET", "/readyz", Everybody),
    ("GET", "/metrics", From(Role::Viewer, "metrics:read")),
    ("GET", "/api/v1/openapi.json", Everybody),
    ("GET", "/api/v1/session", SignedIn),
    ("DELETE", "/api/v1/session", People),
    ("POST", "/api/v1/local-login", Everybody),
    ("GET", "/api/v1/login", Everybody),
    ("GET", "/api/v1/callback", Everybody),
    ("GET", "/api/v1/tokens", People),
    ("POST", "/api/v1/tokens", People),
    ("DELETE", "/api/v1/tokens/{id}", People),
    ("GET", "/api/v1/users", From(Role::Admin, "accounts:write")),
    ("PATCH", "/api/v1/users/{id}", From(Role::Admin, "accounts:write")),
    ("GET", "/api/v1/audit", From(Role::Admin, "audit:read")),
    ("GET", "/api/v1/campaigns", From(Role::Viewer, "campaigns:read")),
    (
        "POST",
        "/api/v1/campaigns",
        From(Role::CampaignManager, "campaigns:write"),
    ),
    ("GET", "/api/v1/campaigns/{id}", From(Role::Viewer, "campaigns:read")),
    (
        "PUT",
        "/api/v1/campaigns/{id}",
        From(Role::CampaignManager, "campaigns:write"),
    ),
    (
        "DELETE",
        "/api/v1/campaigns/{id}",
        From(Role::CampaignManager, "campaigns:write"),
    ),
    (
        "POST",
        "/api/v1/campaigns/{id}/copy",
        From(Role::CampaignManager, "campaigns:write"),
    ),
    (
        "GET",
        "/api/v1/campaigns/{id}/preview",
        From(Role::Viewer, "campaigns:read"),
    ),
    (
        "GET",
        "/api/v1/campaigns/{id}/outlook",
        From(Role::Viewer, "campaigns:read"),
    ),
    (
        "POST",
        "/api/v1/campaigns/{id}/activate",
        From(Role::CampaignManager, "campaigns:run"),
    ),
    (
        "POST",
        "/api/v1/campaigns/{id}/pause",
        From(Role::CampaignManager, "campaigns:run"),
    ),
    (
        "POST",
        "/api/v1/campaigns/{id}/resume",
        From(Role::CampaignManager, "campaigns:run"),
    ),
    (
        "POST",
        "/api/v1/campaigns/{id}/stop",
        From(Role::CampaignManager, "campaigns:run"),
    ),
    (
        "POST",
        "/api/v1/campaigns/{id}/unschedule",
        From(Role::CampaignManager, "campaigns:run"),
    ),
    (
        "POST",
        "/api/v1/campaigns/{id}/archive",
        From(Role::CampaignManager, "campaigns:run"),
    ),
    (
        "POST",
        "/api/v1/exclusions/search",
        From(Role::Admin, "exclusions:read"),
    ),
    ("POST", "/api/v1/exclusions", From(Role::Admin, "exclusions:write")),
    (
        "POST",
        "/api/v1/exclusions/remove",
        From(Role::Admin, "exclusions:write"),
    ),
    (
        "GET",
        "/api/v1/campaigns/{id}/contacts",
        From(Role::Viewer, "contacts:read"),
    ),
    (
        "GET",
        "/api/v1/campaigns/{id}/contacts/{contact}",
        From(Role::Viewer, "contacts:read"),
    ),
    (
        "POST",
        "/api/v1/campaigns/{id}/contacts/{contact}/exclude",
        From(Role::CampaignManager, "contacts:write"),
    ),
    (
        "POST",
        "/api/v1/campaigns/{id}/contacts/{contact}/include",
        From(Role::CampaignManager, "contacts:write"),
    ),
    (
        "GET",
        "/api/v1/campaigns/{id}/imports",
        From(Role::Viewer, "contacts:read"),
    ),
    (
        "POST",
        "/api/v1/campaigns/{id}/imports",
        From(Role::CampaignManager, "contacts:write"),
    ),
    (
        "GET",
        "/api/v1/campaigns/{id}/imports/{import}",
        From(Role::Viewer, "contacts:read"),
    ),
    (
        "GET",
        "/api/v1/campaigns/{id}/imports/{import}/rejected.csv",
        From(Role::Viewer, "contacts:read"),
    ),
    (
        "GET",
        "/api/v1/campaigns/{id}/statistics",
        From(Role::Viewer, "statistics:read"),
    ),
    (
        "GET",
        "/api/v1/campaigns/{id}/results.csv",
        From(Role::CampaignManager, "results:export"),
    ),
];

/// The operations of the served description, with what they say of who may use them.
fn described(world: &World) -> BTreeMap<(String, String), String> {
    let description = world.send(&Request::get("/api/v1/openapi.json")).json();
    let mut operations = BTreeMap::new();
    for (path, item) in description["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let permission = operation["x-permission"].as_str().expect("a permission").to_owned();
            operations.insert((path.clone(), method.to_uppercase()), permission);
        }
    }
    operations
}

/// A request that changes nothing even where it is let in: nothing has such an id, and no body is empty.
fn harmless(method: &str, path: &str) -> Request {
    let path = ["{id}", "{contact}", "{import}"]
        .iter()
        .fold(path.to_owned(), |path, name| path.replace(name, "none"));
    let request = Request::new(method, &path);
    match method {
        "POST" | "PUT" | "PATCH" => request.json(&json!({})),
        _ => request,
    }
}

fn is_let_in(answer: &Answer) -> bool {
    match answer.status {
        401 => {
            assert!(
                answer
                    .header("www-authenticate")
                    .is_some_and(|challenge| challenge.starts_with("Bearer"))
            );
            answer.problem(401);
            false
        }
        403 => {
            answer.problem(403);
            false
        }
        status => {
            assert!(status < 500, "{}", answer.text());
            true
        }
    }
}

#[test]
fn the_table_names_every_operation_that_is_served_and_no_other() {
    let world = World::start();
    let served = described(&world);
    let in_table: BTreeMap<(String, String), String> = TABLE
        .iter()
        .map(|(method, path, who)| {
            let permission = match who {
                Everybody if matches!(*path, "/healthz" | "/readyz") => "health",
                Everybody => "public",
                SignedIn => "signed_in",
                People => "session",
                From(_, scope) => scope,
            };
            (((*path).to_owned(), (*method).to_owned()), permission.to_owned())
        })
        .collect();
    assert_eq!(served, in_table);
}

#[test]
fn every_operation_lets_in_whom_the_table_says_and_nobody_else() {
    let world = World::start();
    let owner = world.person(Role::Admin);
    let tokens = Permission::ALL.map(|scope| (scope, world.program(owner.id(), &[scope])));
    for (method, path, who) in TABLE {
        let request = || harmless(method, path);
        let nobody = is_let_in(&world.send(&request()));
        assert_eq!(nobody, *who == Everybody, "{method} {path}: nobody");
        for role in Role::ALL {
            let person = world.person(role);
            let expected = match who {
                From(least, _) => role >= *least,
                _ => true,
            };
            assert_eq!(
                is_let_in(&world.as_somebody(&person, request())),
                expected,
                "{method} {path}: {role}"
            );
        }
        for (scope, token) in &tokens {
            let expected = match who {
                Everybody | SignedIn => true,
                People => false,
                From(_, needed) => scope.scope() == *needed,
            };
            assert_eq!(
                is_let_in(&world.as_somebody(token, request())),
                expected,
                "{method} {path}: {scope}"
            );
        }
    }
}

#[test]
fn a_token_never_does_more_than_its_owner_may() {
    let world = World::start();
    let viewer = world.person(Role::Viewer);
    let token = world.program(viewer.id(), &Permission::ALL);
    for (method, path, who) in TABLE {
        let expected = match who {
            Everybody | SignedIn => true,
            People => false,
            From(least, _) => *least == Role::Viewer,
        };
        let answer = world.as_somebody(&token, harmless(method, path));
        assert_eq!(is_let_in(&answer), expected, "{method} {path}");
    }
}

#[test]
fn what_does_not_exist_is_404_for_everybody_and_another_method_is_405_with_the_allowed_ones() {
    let world = World::start();
    let admin = world.person(Role::Admin);
    for who in [&Somebody::Nobody, &admin] {
        for path in [
            "/",
            "/api",
            "/api/v1",
            "/api/v1/",
            "/api/v1/nothing",
            "/api/v1/tokens/a/b",
            "/api/v1/users/",
        ] {
            world.as_somebody(who, Request::get(path)).problem(404);
        }
        let answer = world.as_somebody(who, Request::new("PUT", "/api/v1/tokens"));
        answer.problem(405);
        assert_eq!(answer.header("allow"), Some("GET, POST"));
        world.as_somebody(who, Request::new("TRACE", "/healthz")).problem(405);
        world
            .as_somebody(who, Request::new("INVENTED", "/healthz"))
            .problem(405);
    }
}

#[test]
fn escapes_in_a_path_lead_past_no_guard() {
    let world = World::start();
    for path in [
        "/api/v1/%75sers",
        "/api/v1/audi%74",
        "//api/v1/users",
        "/api/v1/./users",
        "/api/v1/users%2f",
        "/metri%63s",
    ] {
        let answer = world.send(&Request::get(path));
        assert!(matches!(answer.status, 401 | 404), "{path}: {}", answer.status);
    }
    world.send(&Request::new("DELETE", "/api/v1/tokens/%00")).problem(404);
}

#[test]
fn every_operation_describes_its_security_and_its_problems() {
    let world = World::start();
    let description = world.send(&Request::get("/api/v1/openapi.json")).json();
    let schemes = &description["components"]["securitySchemes"];
    assert_eq!(
        schemes["session"],
        json!({
            "type": "apiKey", "in": "cookie", "name": "samvad",
            "description": schemes["session"]["description"],
        })
    );
    assert_eq!(schemes["token"]["scheme"], "bearer");
    for (method, path, who) in TABLE {
        let operation = &description["paths"][*path][method.to_lowercase()];
        let is_described = |status: &str| !operation["responses"][status].is_null();
        assert!(is_described("500"), "{method} {path}");
        assert_eq!(is_described("401"), *who != Everybody, "{method} {path}");
        assert!(is_described("404") || !path.contains('{'), "{method} {path}");
        let security: Vec<&Value> = operation["security"].as_array().expect("security").iter().collect();
        assert_eq!(
            security.contains(&&json!({"token": []})),
            !matches!(who, Everybody | People),
            "{method} {path}"
        );
        assert!(
            operation["operationId"].is_string() && operation["summary"].is_string(),
            "{method} {path}"
        );
    }
}
