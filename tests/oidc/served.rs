//! Logins through the API's own operations: what a browser is sent and what it is let in with.

use super::api::client::{Answer, Request};
use super::api::world::{World, generous};
use super::browser::Browser;
use super::world::{API, SECRET, start};
use samvad::access::oidc::CallbackQuery;
use samvad::app::SystemClock;
use samvad_actors::ports::{AccountStore, AuditQuery, AuditStore, Clock};
use serde_json::json;
use std::sync::atomic::Ordering;
use tokio::process::Child;
use url::Url;

const LOGIN: &str = "/api/v1/login";
const CALLBACK: &str = "/api/v1/callback";
const SESSION_COOKIE: &str = "__Host-samvad=";
const LOGIN_COOKIE: &str = "__Host-samvad-login=";

/// The API with a provider, and a run time for the provider's pages.
struct Served {
    api: World,
    runtime: tokio::runtime::Runtime,
    _provider: Child,
}

/// A login that has been to the provider and back.
struct Returned {
    /// The query of the callback.
    query: CallbackQuery,
    /// The cookie of the login, as a browser sends it.
    cookie: String,
}

impl Served {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a run time");
        let redirect = json!({ "redirect": format!("{API}{CALLBACK}") });
        let (provider, origin) = runtime.block_on(start(&redirect));
        let settings = [
            ("SAMVAD_API_PUBLIC_URL", API),
            ("SAMVAD_OIDC_ISSUER", &origin),
            ("SAMVAD_OIDC_CLIENT_ID", "samvad"),
            ("SAMVAD_OIDC_CLIENT_SECRET", SECRET),
            ("SAMVAD_OIDC_ROLE_CLAIM", "groups"),
            ("SAMVAD_OIDC_ROLES", "admin=samvad-admins,viewer=staff"),
        ];
        let api = World::with(&settings, generous());
        // The provider's times are those of the machine.
        api.clock.0.store(SystemClock::default().unix_ms(), Ordering::Relaxed);
        Self {
            api,
            runtime,
            _provider: provider,
        }
    }

    fn sign_in(&self, person: &str) -> Returned {
        let answer = self.api.send(&Request::get(&format!("{LOGIN}?return_to=/campaigns")));
        assert_eq!(answer.status, 303, "{}", answer.text());
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let to = answer.header("location").expect("a place to go to");
        let query = self.runtime.block_on(Browser::new().sign_in(to, person));
        Returned {
            query,
            cookie: pair(&answer, LOGIN_COOKIE).expect("a cookie"),
        }
    }

    fn come_back(&self, with: &Returned) -> Answer {
        let mut target = Url::parse(&format!("{API}{CALLBACK}")).expect("a URL");
        let CallbackQuery {
            state,
            code,
            iss,
            error,
        } = with.query.clone();
        for (name, value) in [("state", state), ("code", code), ("iss", iss), ("error", error)] {
            if let Some(value) = value {
                target.query_pairs_mut().append_pair(name, &value);
            }
        }
        // A provider may send more than it must.
        target.query_pairs_mut().append_pair("session_state", "of no interest");
        let target = &target[url::Position::BeforePath..];
        self.api.send(&Request::get(target).header("cookie", &with.cookie))
    }
}

/// A cookie that an answer sets, as a browser sends it back.
fn pair(answer: &Answer, name: &str) -> Option<String> {
    let set = answer.headers.iter().filter(|(header, _)| header == "set-cookie");
    let mut pairs = set.filter_map(|(_, cookie)| cookie.split(';').next());
    pairs.find(|pair| pair.starts_with(name)).map(str::to_owned)
}

#[test]
fn somebody_signs_in_and_has_a_session_with_the_role_that_the_provider_says() {
    let served = Served::new();
    let returned = served.sign_in("asha");
    let answer = served.come_back(&returned);
    assert_eq!(answer.status, 303, "{}", answer.text());
    assert_eq!(answer.header("location"), Some("/campaigns"));
    assert_eq!(pair(&answer, LOGIN_COOKIE).as_deref(), Some(LOGIN_COOKIE), "taken back");
    let cookie = pair(&answer, SESSION_COOKIE).expect("a session");
    let session = served
        .api
        .send(&Request::get("/api/v1/session").header("cookie", cookie));
    assert_eq!(session.json()["user"]["name"], "Asha Rao");
    assert_eq!(session.json()["user"]["role"], "admin");
    let query = AuditQuery {
        limit: 10,
        ..AuditQuery::default()
    };
    let log = served.api.wait(served.api.store.audit_log(&query)).expect("a log");
    let actions: Vec<&str> = log.iter().map(|row| row.action.as_str()).collect();
    assert_eq!(actions, ["session.open", "user.create"]);
    assert_eq!(log[0].by.request_id.as_deref(), answer.header("x-request-id"));
}

#[test]
fn who_comes_back_twice_or_from_another_browser_is_not_let_in() {
    let served = Served::new();
    let returned = served.sign_in("asha");
    let stranger = Returned {
        query: returned.query.clone(),
        cookie: format!("{LOGIN_COOKIE}made-up"),
    };
    let answer = served.come_back(&stranger);
    answer.problem(400);
    assert_eq!(pair(&answer, SESSION_COOKIE), None);
    assert_eq!(pair(&answer, LOGIN_COOKIE).as_deref(), Some(LOGIN_COOKIE), "taken back");
    served.come_back(&returned).problem(400);
    let query = AuditQuery {
        limit: 10,
        ..AuditQuery::default()
    };
    let log = served.api.wait(served.api.store.audit_log(&query));
    assert_eq!(log, Ok(Vec::new()), "strangers write nothing into the log");

    let returned = served.sign_in("asha");
    assert_eq!(served.come_back(&returned).status, 303);
    let again = served.come_back(&returned);
    again.problem(400);
    assert_eq!(pair(&again, SESSION_COOKIE), None);
}

#[test]
fn who_has_no_role_or_is_disabled_is_told_so_and_has_no_session() {
    let served = Served::new();
    let answer = served.come_back(&served.sign_in("nobody"));
    let problem = answer.problem(403);
    assert!(
        problem["detail"].as_str().expect("text").contains("groups"),
        "{problem}"
    );
    assert_eq!(pair(&answer, SESSION_COOKIE), None);

    assert_eq!(served.come_back(&served.sign_in("asha")).status, 303);
    assert_eq!(served.come_back(&served.sign_in("vikram")).status, 303);
    let users = served.api.wait(served.api.store.users(None, 10)).expect("users");
    let vikram = users.iter().find(|user| user.subject == "vikram").expect("signed in");
    let admin = served.api.person(samvad_actors::domain::Role::Admin);
    let disable = Request::new("PATCH", &format!("/api/v1/users/{}", vikram.id)).json(&json!({ "disabled": true }));
    assert_eq!(served.api.as_somebody(&admin, disable).status, 200);
    let answer = served.come_back(&served.sign_in("vikram"));
    answer.problem(403);
    assert_eq!(pair(&answer, SESSION_COOKIE), None);

    let query = AuditQuery {
        action_prefix: Some("session.refuse".to_owned()),
        limit: 10,
        ..AuditQuery::default()
    };
    let log = served.api.wait(served.api.store.audit_log(&query)).expect("a log");
    let refused: Vec<&str> = log.iter().map(|row| row.target_id.as_str()).collect();
    assert_eq!(refused, [vikram.id.as_str(), "nobody"]);
    assert_eq!(log[0].by.request_id.as_deref(), answer.header("x-request-id"));
}

#[test]
fn a_login_goes_to_our_own_pages_alone_and_only_where_there_is_a_provider() {
    let served = Served::new();
    for elsewhere in ["https://evil.example/", "//evil.example", "/\\evil.example"] {
        let target = format!("{LOGIN}?return_to={}", elsewhere.replace('\\', "%5C"));
        served.api.send(&Request::get(&target)).problem(400);
    }
    let alone = World::start();
    alone.send(&Request::get(LOGIN)).problem(404);
    alone
        .send(&Request::get(&format!("{CALLBACK}?state=a&code=b")))
        .problem(404);
}
