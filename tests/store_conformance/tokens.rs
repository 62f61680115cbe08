//! API tokens.

use crate::accounts::{actions, entry, log, person, set_disabled, user};
use crate::world::*;
use samvad_actors::domain::{Permission, Role, TokenId, UserId};
use samvad_actors::ports::{ApiToken, MOST_TOKENS, NewSession, NewToken, StoreError, TokenCursor, User};

fn new_token(owner: &User, id: &str) -> NewToken {
    NewToken {
        id: TokenId::from(id),
        owner: owner.id.clone(),
        name: format!("{id} of the till"),
        hash: format!("hash-of-{id}"),
        hint: "4jK0".to_owned(),
        scopes: vec![Permission::ReadCampaigns, Permission::ExportResults],
        expires_at_ms: None,
    }
}

async fn add(store: &TestStore, token: &NewToken, now_ms: i64) -> Result<ApiToken, StoreError> {
    let entry = entry("token.create", ("token", token.id.as_str()));
    store.add_token(token, &entry, now_ms).await
}

async fn revoke(store: &TestStore, id: &str) -> Result<bool, StoreError> {
    let entry = entry("token.revoke", ("token", id));
    store.revoke_token(&TokenId::from(id), &entry, NOW + 7).await
}

async fn admits(store: &TestStore, id: &str, now_ms: i64) -> bool {
    let found = store.token_by_hash(&format!("hash-of-{id}"), now_ms).await;
    found.expect("store").is_some()
}

pub async fn a_token_reads_back_with_its_owner(store: TestStore) {
    let ann = user(&store, "ann", Role::CampaignManager).await;
    let kept = add(&store, &new_token(&ann, "a"), NOW).await.expect("kept");
    let expected = ApiToken {
        id: TokenId::from("a"),
        owner: ann.id.clone(),
        name: "a of the till".to_owned(),
        hint: "4jK0".to_owned(),
        scopes: vec![Permission::ReadCampaigns, Permission::ExportResults],
        created_at_ms: NOW,
        expires_at_ms: None,
        revoked_at_ms: None,
        last_used_at_ms: None,
    };
    assert_eq!(kept, expected);
    assert_eq!(store.token(&kept.id).await, Ok(Some(kept.clone())));
    assert_eq!(store.token(&TokenId::from("b")).await, Ok(None));
    let used = ApiToken {
        last_used_at_ms: Some(NOW + 5),
        ..kept
    };
    assert_eq!(
        store.token_by_hash("hash-of-a", NOW + 5).await,
        Ok(Some((used.clone(), ann)))
    );
    assert_eq!(store.token(&used.id).await, Ok(Some(used)));
    assert_eq!(store.token_by_hash("hash-of-b", NOW).await, Ok(None));
    let log = log(&store).await;
    let last = log.last().expect("an entry");
    assert_eq!((last.action.as_str(), last.target_id.as_str()), ("token.create", "a"));

    let every = NewToken {
        scopes: Permission::ALL.to_vec(),
        ..new_token(&store.users(None, 1).await.expect("read")[0], "every")
    };
    let kept = add(&store, &every, NOW).await.expect("kept");
    assert_eq!(store.token(&kept.id).await, Ok(Some(kept)), "every scope reads back");
    let none = NewToken {
        scopes: Vec::new(),
        ..new_token(&store.users(None, 1).await.expect("read")[0], "none")
    };
    let kept = add(&store, &none, NOW).await.expect("kept");
    assert_eq!(store.token(&kept.id).await, Ok(Some(kept)), "and none");
}

pub async fn tokens_are_listed_the_newest_first_for_one_user_or_all_in_pages(store: TestStore) {
    let ann = user(&store, "ann", Role::Viewer).await;
    let bob = user(&store, "bob", Role::Viewer).await;
    for (owner, id, at_ms) in [
        (&ann, "a", NOW),
        (&bob, "b", NOW + 1),
        (&ann, "c", NOW + 2),
        (&ann, "d", NOW + 2),
        (&ann, "e", NOW + 2),
    ] {
        add(&store, &new_token(owner, id), at_ms).await.expect("kept");
    }
    let ids = async |owner: Option<&UserId>, limit| {
        let (mut ids, mut after) = (Vec::new(), None);
        loop {
            let page = store.tokens(owner, after.as_ref(), limit).await.expect("read");
            assert!(page.len() <= 9);
            let Some(last) = page.last() else { return ids };
            after = Some(TokenCursor {
                created_at_ms: last.created_at_ms,
                id: last.id.clone(),
            });
            ids.extend(page.into_iter().map(|token| token.id.as_str().to_owned()));
        }
    };
    for limit in [1, 2, 9] {
        assert_eq!(ids(None, limit).await, ["e", "d", "c", "b", "a"], "{limit}");
        assert_eq!(ids(Some(&ann.id), limit).await, ["e", "d", "c", "a"], "{limit}");
    }
    assert!(ids(Some(&UserId::from("nobody")), 9).await.is_empty());
}

pub async fn an_owner_has_50_tokens_that_admit_and_no_more(store: TestStore) {
    let ann = user(&store, "ann", Role::Viewer).await;
    let bob = user(&store, "bob", Role::Viewer).await;
    let ending = NewToken {
        expires_at_ms: Some(NOW + 10),
        ..new_token(&ann, "ending")
    };
    add(&store, &ending, NOW).await.expect("kept");
    for n in 1..MOST_TOKENS {
        add(&store, &new_token(&ann, &format!("a{n}")), NOW)
            .await
            .expect("kept");
    }
    let before = actions(&store).await;
    let refusal = add(&store, &new_token(&ann, "z"), NOW + 9).await.expect_err("refused");
    let told = refusal.to_string();
    assert!(matches!(refusal, StoreError::Conflict { .. }), "{told}");
    assert!(told.contains("50") && told.contains("take one back"), "{told}");
    assert_eq!(store.token(&TokenId::from("z")).await, Ok(None));
    assert_eq!(actions(&store).await, before, "a refusal is no change");
    add(&store, &new_token(&bob, "b"), NOW).await.expect("another owner's");

    add(&store, &new_token(&ann, "z"), NOW + 10)
        .await
        .expect("one has ended");
    assert!(add(&store, &new_token(&ann, "y"), NOW + 10).await.is_err());
    assert_eq!(revoke(&store, "a1").await, Ok(true));
    add(&store, &new_token(&ann, "y"), NOW + 10)
        .await
        .expect("one is taken back");
}

pub async fn a_token_that_expired_or_was_taken_back_admits_nobody(store: TestStore) {
    let ann = user(&store, "ann", Role::Viewer).await;
    let expiring = NewToken {
        expires_at_ms: Some(NOW + 10),
        ..new_token(&ann, "a")
    };
    add(&store, &expiring, NOW).await.expect("kept");
    add(&store, &new_token(&ann, "b"), NOW).await.expect("kept");
    assert!(admits(&store, "a", NOW + 9).await);
    assert!(!admits(&store, "a", NOW + 10).await);
    assert!(admits(&store, "b", i64::MAX).await, "it never expires");

    assert_eq!(revoke(&store, "b").await, Ok(true));
    assert!(!admits(&store, "b", NOW).await);
    let kept = store.token(&TokenId::from("b")).await.expect("read").expect("a token");
    assert_eq!(kept.revoked_at_ms, Some(NOW + 7));
    let before = actions(&store).await;
    assert_eq!(before.last().map(String::as_str), Some("token.revoke"));
    assert_eq!(revoke(&store, "b").await, Ok(false), "it was already");
    let unknown = StoreError::NotFound {
        what: "token",
        id: "c".to_owned(),
    };
    assert_eq!(revoke(&store, "c").await, Err(unknown));
    assert_eq!(actions(&store).await, before, "nothing was changed");
}

pub async fn a_token_of_a_disabled_owner_admits_nobody(store: TestStore) {
    let ann = user(&store, "ann", Role::Viewer).await;
    add(&store, &new_token(&ann, "a"), NOW).await.expect("kept");
    set_disabled(&store, &ann, true).await.expect("disabled");
    assert!(!admits(&store, "a", NOW).await);
    let refusal = add(&store, &new_token(&ann, "b"), NOW).await.expect_err("disabled");
    assert!(matches!(refusal, StoreError::Conflict { .. }), "{refusal}");
    assert_eq!(store.token(&TokenId::from("b")).await, Ok(None));
    set_disabled(&store, &ann, false).await.expect("enabled");
    assert!(admits(&store, "a", NOW).await);
}

pub async fn a_token_comes_with_the_role_that_its_owner_has_now(store: TestStore) {
    let ann = user(&store, "ann", Role::CampaignManager).await;
    add(&store, &new_token(&ann, "a"), NOW).await.expect("kept");
    let session = NewSession {
        key_hash: "second".to_owned(),
        csrf_hash: "second".to_owned(),
        expires_at_ms: NOW + 1,
    };
    let smaller = person("ann", Role::Viewer);
    store
        .sign_in(&smaller, &ann.id, &session, None, NOW)
        .await
        .expect("signed in");
    let (token, owner) = store
        .token_by_hash("hash-of-a", NOW)
        .await
        .expect("read")
        .expect("a token");
    assert_eq!(owner.role, Role::Viewer);
    assert_eq!(token.scopes, [Permission::ReadCampaigns, Permission::ExportResults]);
}

pub async fn the_use_of_a_token_is_written_once_a_minute(store: TestStore) {
    let ann = user(&store, "ann", Role::Viewer).await;
    add(&store, &new_token(&ann, "a"), NOW).await.expect("kept");
    let last_used = async |now_ms| {
        let found = store.token_by_hash("hash-of-a", now_ms).await.expect("read");
        let (token, _) = found.expect("a token");
        token.last_used_at_ms.expect("used") - NOW
    };
    assert_eq!(last_used(NOW + 10).await, 10);
    assert_eq!(last_used(NOW + 60_009).await, 10);
    assert_eq!(last_used(NOW + 60_010).await, 60_010);
    assert_eq!(
        last_used(NOW).await,
        60_010,
        "a clock that is behind takes nothing back"
    );
}

pub async fn a_token_that_cannot_be_kept_is_refused_without_its_hash_and_not_logged(store: TestStore) {
    let ann = user(&store, "ann", Role::Viewer).await;
    add(&store, &new_token(&ann, "a"), NOW).await.expect("kept");
    let before = actions(&store).await;
    let same_hash = NewToken {
        hash: "hash-of-a".to_owned(),
        ..new_token(&ann, "b")
    };
    let refusal = add(&store, &same_hash, NOW).await.expect_err("the same token");
    assert!(matches!(refusal, StoreError::Conflict { .. }), "{refusal}");
    assert!(!format!("{refusal} {refusal:?}").contains("hash-of"), "{refusal:?}");
    let of_nobody = NewToken {
        owner: UserId::from("nobody"),
        ..new_token(&ann, "b")
    };
    let unknown = StoreError::NotFound {
        what: "user",
        id: "nobody".to_owned(),
    };
    assert_eq!(add(&store, &of_nobody, NOW).await, Err(unknown));
    assert_eq!(store.token(&TokenId::from("b")).await, Ok(None));
    assert_eq!(actions(&store).await, before);
}

pub async fn of_many_who_take_a_token_back_at_once_one_does(store: TestStore) {
    let ann = user(&store, "ann", Role::Viewer).await;
    add(&store, &new_token(&ann, "a"), NOW).await.expect("kept");
    let revocations = (0..16).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { revoke(&store, "a").await })
    });
    let mut revoked = 0;
    for revocation in revocations.collect::<Vec<_>>() {
        revoked += usize::from(revocation.await.expect("no panic").expect("store"));
    }
    assert_eq!(revoked, 1);
    let actions = actions(&store).await;
    assert_eq!(actions.iter().filter(|action| *action == "token.revoke").count(), 1);
}
