//! Users, their sessions, and logins that have begun.

use crate::world::*;
use samvad_actors::domain::{ActorKind, ChangedBy, Role, UserId};
use samvad_actors::ports::{
    AuditEntry, AuditQuery, AuditRow, LoginAttempt, NewSession, Session, SignIn, StoreError, User,
};
use serde_json::json;
use std::collections::BTreeSet;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

/// What the provider says of a person.
pub fn person(subject: &str, role: Role) -> SignIn {
    SignIn {
        issuer: "https://login.example.org".to_owned(),
        subject: subject.to_owned(),
        email: Some(format!("{subject}@example.org")),
        name: format!("Name of {subject}"),
        role,
    }
}

/// A session that ends an hour from now.
fn session(key: &str) -> NewSession {
    NewSession {
        key_hash: format!("hash-of-{key}"),
        csrf_hash: format!("csrf-of-{key}"),
        expires_at_ms: NOW + HOUR,
    }
}

/// Signs somebody in, with the session `key`; their id is that of their subject.
async fn sign_in(store: &TestStore, who: &SignIn, key: &str) -> Option<User> {
    let id = UserId::new(format!("id-of-{}", who.subject));
    let signed_in = store.sign_in(who, &id, &session(key), Some("request-1"), NOW).await;
    signed_in.expect("store")
}

/// A user who has signed in, with a session named after them.
pub async fn user(store: &TestStore, subject: &str, role: Role) -> User {
    sign_in(store, &person(subject, role), subject).await.expect("admitted")
}

/// Disables or enables a user.
pub async fn set_disabled(store: &TestStore, user: &User, disabled: bool) -> Result<User, StoreError> {
    let action = if disabled { "user.disable" } else { "user.enable" };
    let entry = entry(action, ("user", user.id.as_str()));
    store.set_user_disabled(&user.id, disabled, &entry, NOW + 1).await
}

/// An entry of the audit log, by an admin.
pub fn entry(action: &'static str, target: (&'static str, &str)) -> AuditEntry {
    AuditEntry {
        by: ChangedBy {
            kind: ActorKind::User,
            id: "id-of-boss".to_owned(),
            name: "Boss".to_owned(),
            request_id: None,
        },
        action,
        target: (target.0, target.1.to_owned()),
        before: None,
        after: None,
    }
}

/// The whole audit log, the oldest first.
pub async fn log(store: &TestStore) -> Vec<AuditRow> {
    let query = AuditQuery {
        limit: 1_000,
        ..AuditQuery::default()
    };
    let mut rows = store.audit_log(&query).await.expect("read");
    rows.reverse();
    rows
}

pub async fn actions(store: &TestStore) -> Vec<String> {
    log(store).await.into_iter().map(|row| row.action).collect()
}

async fn open_session(store: &TestStore, key: &str, now_ms: i64) -> Option<Session> {
    let found = store.session(&format!("hash-of-{key}"), 10 * MINUTE, now_ms).await;
    found.expect("store")
}

pub async fn a_first_sign_in_makes_the_user_and_opens_a_session(store: TestStore) {
    let ann = user(&store, "ann", Role::Viewer).await;
    let expected = User {
        id: UserId::from("id-of-ann"),
        issuer: "https://login.example.org".to_owned(),
        subject: "ann".to_owned(),
        email: Some("ann@example.org".to_owned()),
        name: "Name of ann".to_owned(),
        role: Role::Viewer,
        disabled: false,
        created_at_ms: NOW,
        last_login_at_ms: Some(NOW),
    };
    assert_eq!(ann, expected);
    assert_eq!(store.user(&ann.id).await, Ok(Some(ann.clone())));
    assert_eq!(store.user(&UserId::from("nobody")).await, Ok(None));
    let open = open_session(&store, "ann", NOW).await.expect("open");
    let expected = Session {
        user: ann,
        csrf_hash: "csrf-of-ann".to_owned(),
        last_seen_at_ms: NOW,
        expires_at_ms: NOW + HOUR,
    };
    assert_eq!(open, expected);
    assert_eq!(open_session(&store, "bob", NOW).await, None);

    let log = log(&store).await;
    assert_eq!(actions(&store).await, ["user.create", "session.open"]);
    assert_eq!(log[0].before, None);
    assert_eq!(
        log[0].after,
        Some(json!({"name": "Name of ann", "email": "ann@example.org", "role": "viewer"}))
    );
    let by = ChangedBy {
        kind: ActorKind::User,
        id: "id-of-ann".to_owned(),
        name: "Name of ann".to_owned(),
        request_id: Some("request-1".to_owned()),
    };
    for row in &log {
        assert_eq!((&row.by, row.at_ms), (&by, NOW));
        assert_eq!(
            (row.target_kind.as_str(), row.target_id.as_str()),
            ("user", "id-of-ann")
        );
        let text = format!("{row:?}");
        assert!(!text.contains("hash-of") && !text.contains("csrf-of"), "{text}");
    }
}

pub async fn a_person_who_comes_again_is_the_same_user_with_one_more_session(store: TestStore) {
    let ann = user(&store, "ann", Role::Viewer).await;
    let again = store
        .sign_in(
            &person("ann", Role::Viewer),
            &UserId::from("another id"),
            &session("second"),
            None,
            NOW + 5,
        )
        .await
        .expect("store")
        .expect("admitted");
    let expected = User {
        last_login_at_ms: Some(NOW + 5),
        ..ann.clone()
    };
    assert_eq!(again, expected);
    assert_eq!(store.user(&ann.id).await, Ok(Some(expected)));
    assert!(open_session(&store, "ann", NOW).await.is_some());
    assert!(open_session(&store, "second", NOW).await.is_some());
    assert_eq!(
        actions(&store).await,
        ["user.create", "session.open", "session.open"],
        "nothing about the user has changed"
    );
    let mut elsewhere = person("ann", Role::Admin);
    elsewhere.issuer = "local".to_owned();
    let id = UserId::from("id-of-another-ann");
    let other = store.sign_in(&elsewhere, &id, &session("third"), None, NOW).await;
    assert_eq!(other.expect("store").expect("admitted").id, id, "another issuer's ann");
}

pub async fn a_sign_in_that_changes_role_name_or_address_writes_what_was_and_what_is(store: TestStore) {
    user(&store, "ann", Role::Admin).await;
    let changed = SignIn {
        email: None,
        name: "Ann Other".to_owned(),
        role: Role::CampaignManager,
        ..person("ann", Role::Admin)
    };
    let ann = sign_in(&store, &changed, "second").await.expect("admitted");
    assert_eq!(
        (ann.role, ann.name.as_str(), &ann.email),
        (Role::CampaignManager, "Ann Other", &None)
    );
    assert_eq!(store.user(&ann.id).await, Ok(Some(ann)));
    let open = open_session(&store, "ann", NOW).await.expect("open");
    assert_eq!(open.user.role, Role::CampaignManager, "in sessions that were open too");
    let log = log(&store).await;
    assert_eq!(
        actions(&store).await,
        ["user.create", "session.open", "user.update", "session.open"]
    );
    assert_eq!(
        log[2].before,
        Some(json!({"name": "Name of ann", "email": "ann@example.org", "role": "admin"}))
    );
    assert_eq!(
        log[2].after,
        Some(json!({"name": "Ann Other", "email": null, "role": "campaign_manager"}))
    );
}

pub async fn of_many_first_sign_ins_of_one_person_at_once_one_makes_the_user(store: TestStore) {
    let sign_ins = (0..16).map(|n| {
        let store = store.clone();
        tokio::spawn(async move {
            let id = UserId::new(format!("id-{n}"));
            let session = session(&format!("key-{n}"));
            store
                .sign_in(&person("ann", Role::Viewer), &id, &session, None, NOW)
                .await
        })
    });
    let mut ids = BTreeSet::new();
    for sign_in in sign_ins.collect::<Vec<_>>() {
        let user = sign_in.await.expect("no panic").expect("store").expect("admitted");
        ids.insert(user.id);
    }
    assert_eq!(ids.len(), 1);
    let actions = actions(&store).await;
    let count = |action: &str| actions.iter().filter(|known| *known == action).count();
    assert_eq!(
        (count("user.create"), count("session.open"), actions.len()),
        (1, 16, 17)
    );
}

pub async fn changes_of_one_user_at_once_are_logged_as_they_followed_each_other(store: TestStore) {
    let ann = user(&store, "ann", Role::Viewer).await;
    let sign_ins = (0..24).map(|n| {
        let (store, id) = (store.clone(), ann.id.clone());
        tokio::spawn(async move {
            let changed = SignIn {
                name: format!("Ann {n}"),
                ..person("ann", Role::Viewer)
            };
            store
                .sign_in(&changed, &id, &session(&format!("key-{n}")), None, NOW)
                .await
        })
    });
    for sign_in in sign_ins.collect::<Vec<_>>() {
        assert!(sign_in.await.expect("no panic").expect("store").is_some());
    }
    let log = log(&store).await;
    let mut last = log[0].after.clone();
    for row in log.iter().filter(|row| row.action == "user.update") {
        assert_eq!(row.before, last);
        last = row.after.clone();
    }
    assert_eq!(log.iter().filter(|row| row.action == "user.update").count(), 24);
    let kept = store.user(&ann.id).await.expect("read").expect("a user");
    assert_eq!(last.expect("an update")["name"], json!(kept.name));
}

pub async fn a_sign_in_that_fails_leaves_no_user_no_session_and_no_entry(store: TestStore) {
    user(&store, "ann", Role::Viewer).await;
    let before = actions(&store).await;
    let id = UserId::from("id-of-bob");
    let taken = store
        .sign_in(&person("bob", Role::Viewer), &id, &session("ann"), None, NOW)
        .await
        .expect_err("the key is taken");
    assert!(matches!(taken, StoreError::Conflict { .. }), "{taken}");
    assert!(!format!("{taken} {taken:?}").contains("of-ann"), "{taken:?}");
    assert_eq!(store.user(&id).await, Ok(None));
    assert_eq!(actions(&store).await, before);
    let open = open_session(&store, "ann", NOW).await.expect("open");
    assert_eq!(open.user.subject, "ann");
}

pub async fn a_session_ends_at_its_time_however_much_it_is_used(store: TestStore) {
    user(&store, "ann", Role::Viewer).await;
    for minute in 0..60 {
        let now_ms = NOW + minute * MINUTE;
        assert!(open_session(&store, "ann", now_ms).await.is_some(), "minute {minute}");
    }
    assert!(open_session(&store, "ann", NOW + HOUR - 1).await.is_some());
    assert_eq!(open_session(&store, "ann", NOW + HOUR).await, None);
}

pub async fn a_session_that_nobody_uses_ends_and_stays_ended(store: TestStore) {
    user(&store, "ann", Role::Viewer).await;
    assert!(open_session(&store, "ann", NOW + 10 * MINUTE).await.is_some());
    let unused = NOW + 20 * MINUTE;
    assert!(
        open_session(&store, "ann", unused).await.is_some(),
        "used ten minutes ago"
    );
    assert_eq!(open_session(&store, "ann", unused + 10 * MINUTE + 1).await, None);
    assert_eq!(
        open_session(&store, "ann", unused + 10 * MINUTE + 2).await,
        None,
        "asking for it is no use of it"
    );
}

pub async fn the_use_of_a_session_is_written_once_a_minute(store: TestStore) {
    user(&store, "ann", Role::Viewer).await;
    let last_seen = async |now_ms| open_session(&store, "ann", now_ms).await.expect("open").last_seen_at_ms;
    assert_eq!(last_seen(NOW + MINUTE - 1).await, NOW);
    assert_eq!(last_seen(NOW + MINUTE).await, NOW + MINUTE);
    assert_eq!(last_seen(NOW + MINUTE + 1).await, NOW + MINUTE, "as it was written");
    assert_eq!(
        last_seen(NOW).await,
        NOW + MINUTE,
        "a clock that is behind takes nothing back"
    );
}

pub async fn a_sign_out_closes_one_session_and_a_csrf_token_is_replaced(store: TestStore) {
    user(&store, "ann", Role::Viewer).await;
    sign_in(&store, &person("ann", Role::Viewer), "second").await;
    assert_eq!(store.renew_csrf("hash-of-second", "another").await, Ok(true));
    let second = open_session(&store, "second", NOW).await.expect("open");
    assert_eq!(second.csrf_hash, "another");
    let before = actions(&store).await.len();
    let audit = entry("session.close", ("user", "id-of-ann"));
    assert_eq!(store.sign_out("hash-of-ann", &audit, NOW + 1).await, Ok(true));
    assert_eq!(store.sign_out("hash-of-ann", &audit, NOW + 2).await, Ok(false));
    let log = log(&store).await;
    let told: Vec<_> = log[before..]
        .iter()
        .map(|row| (row.action.as_str(), row.at_ms))
        .collect();
    assert_eq!(told, [("session.close", NOW + 1)], "once");
    assert_eq!(store.renew_csrf("hash-of-ann", "another").await, Ok(false));
    assert_eq!(open_session(&store, "ann", NOW).await, None);
    assert_eq!(open_session(&store, "second", NOW).await, Some(second));
}

pub async fn a_disabled_user_has_no_session_and_gets_none_until_enabled(store: TestStore) {
    user(&store, "boss", Role::Admin).await;
    let ann = user(&store, "ann", Role::Viewer).await;
    let disabled = set_disabled(&store, &ann, true).await.expect("disabled");
    assert!(disabled.disabled);
    assert_eq!(store.user(&ann.id).await, Ok(Some(disabled)));
    assert_eq!(open_session(&store, "ann", NOW).await, None);
    let before = actions(&store).await;
    let changed = person("ann", Role::Admin);
    assert_eq!(sign_in(&store, &changed, "second").await, None);
    assert_eq!(open_session(&store, "second", NOW).await, None);
    let log = log(&store).await;
    let (refused, others) = log.split_last().expect("an entry");
    assert_eq!(others.len(), before.len(), "it changes nothing");
    assert_eq!(
        (
            refused.action.as_str(),
            refused.by.id.as_str(),
            refused.target_id.as_str()
        ),
        ("session.refuse", "id-of-ann", "id-of-ann")
    );
    let kept = store.user(&ann.id).await.expect("read").expect("a user");
    assert_eq!(kept.role, Role::Viewer);

    set_disabled(&store, &ann, false).await.expect("enabled");
    assert_eq!(
        open_session(&store, "ann", NOW).await,
        None,
        "what was closed stays closed"
    );
    assert!(sign_in(&store, &changed, "third").await.is_some());
    let all = actions(&store).await;
    let disabled_and_enabled = &all[before.len() - 1..][..3];
    assert_eq!(disabled_and_enabled, ["user.disable", "session.refuse", "user.enable"]);
}

pub async fn a_user_who_is_so_already_is_left_alone_and_nothing_is_logged(store: TestStore) {
    let ann = user(&store, "ann", Role::Viewer).await;
    let before = actions(&store).await;
    assert_eq!(set_disabled(&store, &ann, false).await, Ok(ann));
    assert!(open_session(&store, "ann", NOW).await.is_some());
    assert_eq!(actions(&store).await, before);
    let nobody = User {
        id: UserId::from("nobody"),
        ..store.users(None, 1).await.expect("read").remove(0)
    };
    let refusal = set_disabled(&store, &nobody, true).await;
    let expected = StoreError::NotFound {
        what: "user",
        id: "nobody".to_owned(),
    };
    assert_eq!(refusal, Err(expected));
    assert_eq!(actions(&store).await, before);
}

pub async fn the_last_admin_cannot_be_disabled(store: TestStore) {
    let boss = user(&store, "boss", Role::Admin).await;
    let deputy = user(&store, "deputy", Role::Admin).await;
    user(&store, "ann", Role::CampaignManager).await;
    set_disabled(&store, &deputy, true).await.expect("one is left");
    let before = actions(&store).await;
    let refusal = set_disabled(&store, &boss, true).await.expect_err("the last");
    assert!(matches!(refusal, StoreError::Conflict { .. }), "{refusal}");
    assert!(refusal.to_string().contains("last admin"), "{refusal}");
    assert_eq!(store.user(&boss.id).await, Ok(Some(boss.clone())));
    assert!(open_session(&store, "boss", NOW).await.is_some());
    assert_eq!(actions(&store).await, before);
    set_disabled(&store, &deputy, false).await.expect("enabled");
    set_disabled(&store, &boss, true).await.expect("one is left");
}

pub async fn of_admins_who_disable_each_other_at_once_one_is_left(store: TestStore) {
    for round in 0..8 {
        let mut admins = Vec::new();
        for n in 0..4 {
            admins.push(user_of_round(&store, round, n).await);
        }
        let disabled = admins.iter().cloned().map(|admin| {
            let store = store.clone();
            tokio::spawn(async move { set_disabled(&store, &admin, true).await })
        });
        let mut refused = 0;
        for disabled in disabled.collect::<Vec<_>>() {
            match disabled.await.expect("no panic") {
                Ok(_) => {}
                Err(error) => {
                    assert!(matches!(error, StoreError::Conflict { .. }), "{error}");
                    refused += 1;
                }
            }
        }
        assert_eq!(refused, 1);
        let left = store.users(None, 100).await.expect("read");
        let left: Vec<_> = left.into_iter().filter(|user| !user.disabled).collect();
        assert_eq!(left.len(), 1);
        // No admin any more: the next round has its own.
        let session = session(&format!("leaves-{round}"));
        let leaves = person(&left[0].subject, Role::Viewer);
        let left = store.sign_in(&leaves, &left[0].id, &session, None, NOW).await;
        let left = left.expect("store").expect("admitted");
        set_disabled(&store, &left, true).await.expect("a viewer");
    }
}

async fn user_of_round(store: &TestStore, round: u32, n: u32) -> User {
    user(store, &format!("admin-{round}-{n}"), Role::Admin).await
}

pub async fn users_come_in_pages_in_the_order_of_their_ids(store: TestStore) {
    for subject in ["c", "a", "d", "b"] {
        user(&store, subject, Role::Viewer).await;
    }
    let subjects = async |after: Option<&UserId>, limit| {
        let users = store.users(after, limit).await.expect("read");
        users.into_iter().map(|user| user.subject).collect::<Vec<_>>()
    };
    assert_eq!(subjects(None, 3).await, ["a", "b", "c"]);
    assert_eq!(subjects(Some(&UserId::from("id-of-c")), 3).await, ["d"]);
    assert!(subjects(Some(&UserId::from("id-of-d")), 3).await.is_empty());
}

fn login(state: &str, expires_at_ms: i64) -> LoginAttempt {
    LoginAttempt {
        state_hash: format!("hash-of-{state}"),
        browser_hash: "browser".to_owned(),
        nonce: "secret-nonce".to_owned(),
        pkce_verifier: "secret-verifier".to_owned(),
        return_to: "/campaigns?state=running".to_owned(),
        expires_at_ms,
    }
}

pub async fn a_login_is_taken_once_and_in_time(store: TestStore) {
    let begun = login("a", NOW + 1);
    store.begin_login(&begun).await.expect("kept");
    let again = store.begin_login(&begun).await.expect_err("the state is taken");
    assert!(matches!(again, StoreError::Conflict { .. }), "{again}");
    let text = format!("{again} {again:?}");
    assert!(!text.contains("secret") && !text.contains("hash-of"), "{text}");
    assert_eq!(store.take_login("hash-of-b", NOW).await, Ok(None));
    assert_eq!(store.take_login("hash-of-a", NOW).await, Ok(Some(begun)));
    assert_eq!(store.take_login("hash-of-a", NOW).await, Ok(None));

    store.begin_login(&login("late", NOW)).await.expect("kept");
    assert_eq!(store.take_login("hash-of-late", NOW).await, Ok(None), "it has expired");
    assert_eq!(store.take_login("hash-of-late", NOW - 1).await, Ok(None), "and is gone");
}

pub async fn a_login_that_32_take_at_once_is_taken_by_one(store: TestStore) {
    store.begin_login(&login("a", NOW + 1)).await.expect("kept");
    let takes = (0..32).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { store.take_login("hash-of-a", NOW).await })
    });
    let mut taken = 0;
    for take in takes.collect::<Vec<_>>() {
        taken += usize::from(take.await.expect("no panic").expect("store").is_some());
    }
    assert_eq!(taken, 1);
}

pub async fn a_purge_deletes_what_has_expired_and_nothing_else(store: TestStore) {
    let ann = user(&store, "ann", Role::Viewer).await;
    let long = NewSession {
        expires_at_ms: NOW + 2 * HOUR,
        ..session("long")
    };
    let who = person("ann", Role::Viewer);
    store.sign_in(&who, &ann.id, &long, None, NOW).await.expect("signed in");
    store.begin_login(&login("short", NOW + HOUR)).await.expect("kept");
    store.begin_login(&login("long", NOW + HOUR + 1)).await.expect("kept");
    let before = actions(&store).await;

    store.purge_expired(NOW, NOW + HOUR).await.expect("purged");
    // A clock that is behind tells what is gone from what has expired.
    assert_eq!(open_session(&store, "ann", NOW).await, None);
    assert!(open_session(&store, "long", NOW).await.is_some());
    assert_eq!(store.take_login("hash-of-short", NOW).await, Ok(None));
    assert!(store.take_login("hash-of-long", NOW).await.expect("read").is_some());
    assert!(store.user(&ann.id).await.expect("read").is_some());
    assert_eq!(actions(&store).await, before);
}
