//! A PostgreSQL server that goes away and comes back, and what is said of it.

use super::campaign;
use super::postgres::Server;
use crate::store::{DatabaseUrl, OpenError, SqlStore, migrate_up};
use samvad_actors::ports::CampaignStore;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_comes_back_is_served_again_without_a_restart() {
    let mut server = Server::start().expect("PostgreSQL");
    let url = server.new_database().await.expect("a database");
    migrate_up(&DatabaseUrl::parse(&url).expect("a URL"), None)
        .await
        .expect("migrated");
    let store = SqlStore::open(&url).await.expect("opened");
    store.put_campaign(&campaign(), 1).await.expect("written");
    for _ in 0..2 {
        server.crash().expect("stopped");
        let waiting = {
            let store = store.clone();
            tokio::spawn(async move { store.put_campaign(&campaign(), 2).await })
        };
        server.restart().expect("started");
        assert_eq!(waiting.await.expect("no panic"), Ok(()), "nothing was begun: it waits");
        assert_eq!(store.campaign(&campaign().id).await, Ok(Some(campaign())));
    }
}

#[tokio::test]
async fn a_server_without_the_database_or_the_user_is_named_without_the_password() {
    let server = Server::start().expect("PostgreSQL");
    let url = server.new_database().await.expect("a database");
    for (wrong, reason) in [
        (url.replace("test_", "absent_"), "no database of this name"),
        (url.replace("samvad:", "nobody:"), "refuses this user"),
    ] {
        let refusal = SqlStore::open(&wrong).await.expect_err("refused");
        assert!(matches!(refusal, OpenError::Connect { .. }));
        let text = format!("{refusal} {refusal:?}");
        assert!(text.contains(reason) && text.contains("DATABASE_URL"), "{text}");
        assert!(!text.contains("canary"), "{text}");
    }
    assert!(!format!("{:?}", SqlStore::open("sqlite::memory:").await).contains("canary"));
}
