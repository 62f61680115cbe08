//! Changes of accounts and their entries in the audit log are one.

use super::schema::{databases, execute, open};
use crate::store::{migrate_up, pools};
use samvad_actors::domain::{ActorKind, ChangedBy, Permission, Role, TokenId, UserId};
use samvad_actors::ports::{
    AccountStore, AuditEntry, AuditQuery, AuditStore, NewSession, NewToken, SignIn, StoreError,
};

fn session(key: &str) -> NewSession {
    NewSession {
        key_hash: key.to_owned(),
        csrf_hash: "csrf".to_owned(),
        expires_at_ms: 100,
    }
}

#[tokio::test]
async fn a_change_whose_entry_in_the_audit_log_cannot_be_written_is_not_made() {
    for (url, _kept) in databases().await {
        migrate_up(&url, None).await.expect("migrated");
        let store = open(&url).await.expect("opened");
        let ann = UserId::from("ann");
        let who = |subject: &str| SignIn {
            issuer: "local".to_owned(),
            subject: subject.to_owned(),
            email: None,
            name: "Name".to_owned(),
            role: Role::Viewer,
        };
        let signed_in = store.sign_in(&who("ann"), &ann, &session("first"), None, 1).await;
        let before = signed_in.expect("signed in").expect("admitted");
        let token = |id: &str| NewToken {
            id: TokenId::from(id),
            owner: ann.clone(),
            name: "till".to_owned(),
            hash: id.to_owned(),
            hint: String::new(),
            scopes: vec![Permission::ReadCampaigns],
            expires_at_ms: None,
        };
        let entry = AuditEntry {
            by: ChangedBy {
                kind: ActorKind::System,
                id: String::new(),
                name: "samvad".to_owned(),
                request_id: None,
            },
            action: "test.change",
            target: ("user", "ann".to_owned()),
            before: None,
            after: None,
        };
        store.add_token(&token("kept"), &entry, 1).await.expect("kept");

        // The next ids of the log are taken.
        let mut connection = pools::connect_once(&url).await.expect("connected");
        execute(
            &mut connection,
            "INSERT INTO audit_log (id, at_ms, actor_kind, actor_id, actor_name, action, target_kind, target_id)
             SELECT id + 3, 1, 'system', '', '', 'test', 'test', 'test' FROM audit_log",
        )
        .await;
        drop(connection);
        let refused = |refusal: StoreError| assert!(matches!(refusal, StoreError::Conflict { .. }), "{url}: {refusal}");
        let bob = UserId::from("bob");
        refused(
            store
                .sign_in(&who("bob"), &bob, &session("second"), None, 2)
                .await
                .expect_err("not logged"),
        );
        refused(
            store
                .set_user_disabled(&ann, true, &entry, 2)
                .await
                .expect_err("not logged"),
        );
        refused(store.add_token(&token("new"), &entry, 2).await.expect_err("not logged"));
        refused(
            store
                .revoke_token(&TokenId::from("kept"), &entry, 2)
                .await
                .expect_err("not logged"),
        );

        assert_eq!(store.user(&bob).await, Ok(None));
        assert_eq!(store.session("second", 100, 2).await, Ok(None));
        assert_eq!(store.user(&ann).await, Ok(Some(before)));
        assert!(store.session("first", 100, 2).await.expect("read").is_some());
        let tokens = store.tokens(None, None, 9).await.expect("read");
        let tokens: Vec<_> = tokens
            .iter()
            .map(|token| (token.id.as_str(), token.revoked_at_ms))
            .collect();
        assert_eq!(tokens, [("kept", None)]);
        let query = AuditQuery {
            limit: 100,
            ..AuditQuery::default()
        };
        assert_eq!(store.audit_log(&query).await.expect("read").len(), 6);
    }
}

#[tokio::test]
async fn a_user_who_is_disabled_by_whatever_means_is_not_admitted_by_a_session_that_is_there() {
    for (url, _kept) in databases().await {
        migrate_up(&url, None).await.expect("migrated");
        let store = open(&url).await.expect("opened");
        let who = SignIn {
            issuer: "local".to_owned(),
            subject: "ann".to_owned(),
            email: None,
            name: "Ann".to_owned(),
            role: Role::Viewer,
        };
        let ann = UserId::from("ann");
        store
            .sign_in(&who, &ann, &session("key"), None, 1)
            .await
            .expect("signed in");
        let mut connection = pools::connect_once(&url).await.expect("connected");
        for (disabled, is_open) in [(0, true), (1, false)] {
            execute(&mut connection, format!("UPDATE users SET disabled = {disabled}")).await;
            assert_eq!(
                store.session("key", 100, 2).await.expect("read").is_some(),
                is_open,
                "{url}"
            );
        }
    }
}
