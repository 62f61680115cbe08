//! Idempotency keys.

use crate::world::*;
use samvad_actors::ports::{KeptAnswer, KeyState, KeyedRequest, StoreError};

/// What was begun before this is abandoned.
const ABANDONED: i64 = NOW - 60_000;

fn request(key: &str) -> KeyedRequest {
    KeyedRequest {
        principal: "ann".to_owned(),
        key: key.to_owned(),
        fingerprint: "print-1".to_owned(),
        came_at_ms: NOW,
    }
}

fn request_at(key: &str, came_at_ms: i64) -> KeyedRequest {
    KeyedRequest {
        came_at_ms,
        ..request(key)
    }
}

fn answer() -> KeptAnswer {
    KeptAnswer {
        status: 201,
        headers: vec![
            ("content-type".to_owned(), "application/json".to_owned()),
            ("etag".to_owned(), "\"v1\"".to_owned()),
        ],
        body: r#"{"name":"नमस्ते, \"Ann\""}"#.to_owned(),
    }
}

async fn take(store: &TestStore, request: &KeyedRequest) -> KeyState {
    store.take_key(request, ABANDONED).await.expect("store")
}

pub async fn a_key_is_new_then_under_way_then_answered_as_it_was(store: TestStore) {
    assert_eq!(take(&store, &request("k")).await, KeyState::New);
    assert_eq!(take(&store, &request("k")).await, KeyState::UnderWay);
    store.keep_answer(&request("k"), &answer()).await.expect("kept");
    for _ in 0..2 {
        assert_eq!(take(&store, &request("k")).await, KeyState::Done(answer()));
    }
    let empty = KeptAnswer {
        status: 204,
        headers: Vec::new(),
        body: String::new(),
    };
    assert_eq!(take(&store, &request("other")).await, KeyState::New);
    store.keep_answer(&request("other"), &empty).await.expect("kept");
    assert_eq!(take(&store, &request("other")).await, KeyState::Done(empty));
}

pub async fn a_key_is_taken_by_one_of_32_at_once(store: TestStore) {
    let takes = (0..32).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { take(&store, &request("k")).await })
    });
    let mut new = 0;
    for take in takes.collect::<Vec<_>>() {
        match take.await.expect("no panic") {
            KeyState::New => new += 1,
            state => assert_eq!(state, KeyState::UnderWay),
        }
    }
    assert_eq!(new, 1);
}

pub async fn a_key_of_another_request_is_refused_and_one_of_another_sender_is_another_key(store: TestStore) {
    let other = KeyedRequest {
        fingerprint: "print-2".to_owned(),
        ..request("k")
    };
    let of_bob = KeyedRequest {
        principal: "bob".to_owned(),
        ..other.clone()
    };
    assert_eq!(take(&store, &request("k")).await, KeyState::New);
    assert_eq!(take(&store, &other).await, KeyState::OtherRequest, "while under way");
    assert_eq!(take(&store, &of_bob).await, KeyState::New);
    store.keep_answer(&request("k"), &answer()).await.expect("kept");
    assert_eq!(take(&store, &other).await, KeyState::OtherRequest, "and when done");
    assert_eq!(take(&store, &of_bob).await, KeyState::UnderWay);
}

pub async fn an_abandoned_key_counts_as_never_begun_and_is_taken_over_by_one(store: TestStore) {
    for fingerprint in ["print-1", "print-2"] {
        let key = request_at(fingerprint, ABANDONED - 1);
        let began = store.take_key(&key, ABANDONED).await;
        assert_eq!(began, Ok(KeyState::New));
        let next = KeyedRequest {
            fingerprint: "print-2".to_owned(),
            ..request(fingerprint)
        };
        let takes = (0..16).map(|_| {
            let (store, next) = (store.clone(), next.clone());
            tokio::spawn(async move { take(&store, &next).await })
        });
        let mut new = 0;
        for take in takes.collect::<Vec<_>>() {
            new += usize::from(take.await.expect("no panic") == KeyState::New);
        }
        assert_eq!(new, 1, "{fingerprint}");
    }
    let began = store.take_key(&request_at("k", ABANDONED), ABANDONED).await;
    assert_eq!(began, Ok(KeyState::New));
    assert_eq!(
        take(&store, &request("k")).await,
        KeyState::UnderWay,
        "not long enough ago"
    );
}

pub async fn an_answer_is_never_abandoned_and_the_first_one_stays(store: TestStore) {
    let first = request_at("k", ABANDONED - 1);
    assert_eq!(store.take_key(&first, ABANDONED).await, Ok(KeyState::New));
    store.keep_answer(&first, &answer()).await.expect("kept");
    assert_eq!(take(&store, &request("k")).await, KeyState::Done(answer()));
    let late = KeptAnswer {
        status: 500,
        ..answer()
    };
    let refusal = store.keep_answer(&first, &late).await.expect_err("answered");
    assert!(matches!(refusal, StoreError::Conflict { .. }), "{refusal}");
    store.release_key(&first).await.expect("nothing to give back");
    assert_eq!(take(&store, &request("k")).await, KeyState::Done(answer()));
}

pub async fn a_key_given_back_may_be_taken_again_by_any_request(store: TestStore) {
    let other = KeyedRequest {
        fingerprint: "print-2".to_owned(),
        ..request("k")
    };
    assert_eq!(take(&store, &request("k")).await, KeyState::New);
    store.release_key(&other).await.expect("not its own");
    assert_eq!(take(&store, &request("k")).await, KeyState::UnderWay);
    store.release_key(&request("k")).await.expect("given back");
    assert_eq!(take(&store, &other).await, KeyState::New);
}

pub async fn who_lost_a_key_by_taking_too_long_can_neither_answer_nor_free_it(store: TestStore) {
    let slow = request_at("k", ABANDONED - 1);
    assert_eq!(store.take_key(&slow, ABANDONED).await, Ok(KeyState::New));
    // The same request, sent again after a long time.
    assert_eq!(take(&store, &request("k")).await, KeyState::New);
    store.release_key(&slow).await.expect("nothing to give back");
    assert_eq!(take(&store, &request("k")).await, KeyState::UnderWay);
    let refusal = store.keep_answer(&slow, &answer()).await.expect_err("lost");
    assert!(matches!(refusal, StoreError::Conflict { .. }), "{refusal}");
    store.keep_answer(&request("k"), &answer()).await.expect("kept");
}

pub async fn an_answer_without_a_key_is_refused_without_a_word_of_it(store: TestStore) {
    let refusal = store
        .keep_answer(&request("secret"), &answer())
        .await
        .expect_err("no key");
    assert!(matches!(refusal, StoreError::Conflict { .. }), "{refusal}");
    let text = format!("{refusal} {refusal:?}");
    assert!(!text.contains("secret") && !text.contains("Ann"), "{text}");
    assert_eq!(take(&store, &request("secret")).await, KeyState::New);
}

pub async fn a_purge_deletes_answers_that_are_old_enough(store: TestStore) {
    for (key, taken_at_ms) in [("old", NOW - 2), ("young", NOW - 1)] {
        let request = request_at(key, taken_at_ms);
        assert_eq!(store.take_key(&request, ABANDONED).await, Ok(KeyState::New));
        store.keep_answer(&request, &answer()).await.expect("kept");
    }
    store.purge_expired(NOW - 1, NOW).await.expect("purged");
    assert_eq!(take(&store, &request("old")).await, KeyState::New);
    assert_eq!(take(&store, &request("young")).await, KeyState::Done(answer()));
}
