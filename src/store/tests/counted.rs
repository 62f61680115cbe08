//! Results of a version that does not say which of a contact's are counted.

use super::campaign;
use super::schema::{databases, execute, open};
use crate::store::{DatabaseUrl, migrate_up, pools};
use samvad_actors::domain::{CampaignId, Mode};
use samvad_actors::ports::{CampaignCounts, StatisticsStore};
use sqlx::AnyConnection;

/// An ended call of contact `contact` as version 11 leaves it: consent, an answer on a scale, if one was given, and words.
async fn call(connection: &mut AnyConnection, contact: u32, number: u32, scale: Option<u32>) {
    let attempt = format!("a{contact}-{number}");
    let (granted, outcome, value_type, value) = match scale {
        Some(scale) => (1, "partial", "scale", format!("'{scale}'")),
        None => (0, "abandoned", "not_answered", "NULL".to_owned()),
    };
    for statement in [
        format!(
            "INSERT INTO contacts (id, campaign_id, position, phone_number, attempts_count, created_at_ms, state)
             VALUES ('c{contact}', 'survey', {contact}, '+1415555010{contact}', {number}, 1, 'pending')
             ON CONFLICT (id) DO UPDATE SET attempts_count = {number}"
        ),
        format!(
            "INSERT INTO attempts (id, campaign_id, contact_id, attempt_number, mode, state, token_hash,
                 token_expires_at_ms, outcome, disposition, created_at_ms, ended_at_ms)
             VALUES ('{attempt}', 'survey', 'c{contact}', {number}, 'live', 'ended', 'h', 9, '{outcome}', '1.2',
                 86400000, 86400001)"
        ),
        format!(
            "INSERT INTO consents (attempt_id, granted, wording, language, heard, via, at_ms)
             VALUES ('{attempt}', {granted}, 'w', 'en', 'yes', 'speech', 1)"
        ),
        format!(
            "INSERT INTO answers (attempt_id, question, value_type, value, via, uncertain, times_asked)
             VALUES ('{attempt}', 0, '{value_type}', {value}, 'speech', 0, 1)"
        ),
    ] {
        execute(connection, statement).await;
    }
    if scale.is_some() {
        let words = format!(
            "INSERT INTO answers (attempt_id, question, value_type, value, via, uncertain, times_asked)
             VALUES ('{attempt}', 1, 'free_text', 'words', 'speech', 0, 1)"
        );
        execute(connection, words).await;
    }
}

async fn counts(url: &DatabaseUrl) -> CampaignCounts {
    let store = open(url).await.expect("opened");
    let counts = store
        .campaign_counts(&CampaignId::from("survey"), Some(Mode::Live))
        .await
        .expect("counted");
    store.close().await;
    counts
}

#[tokio::test]
async fn results_from_before_an_upgrade_and_of_servers_that_are_not_replaced_yet_are_counted_once_a_person() {
    for (url, _kept) in databases().await {
        migrate_up(&url, Some(11)).await.expect("version 11");
        let mut connection = pools::connect_once(&url).await.expect("connected");
        let definition = serde_json::to_string(&campaign()).expect("JSON");
        execute(
            &mut connection,
            format!(
                "INSERT INTO campaigns (id, definition, created_at_ms, updated_at_ms, mode)
                 VALUES ('survey', '{definition}', 1, 1, 'live')"
            ),
        )
        .await;
        // The first of them answers twice, the second refuses the second time, the third never says anything.
        for (contact, number, scale) in [
            (1, 1, Some(5)),
            (1, 2, Some(2)),
            (2, 1, Some(2)),
            (2, 2, None),
            (3, 1, None),
        ] {
            call(&mut connection, contact, number, scale).await;
        }
        migrate_up(&url, None).await.expect("upgraded");
        let before = counts(&url).await;
        assert_eq!((before.consents_granted, before.consents_refused), (1, 2), "{url}");
        let [scale, words] = before.questions.as_slice() else {
            panic!("{url}: {:?}", before.questions);
        };
        assert_eq!(scale.values, [("2".to_owned(), 2)], "{url}");
        assert_eq!((scale.answered, scale.not_answered), (2, 0), "{url}");
        assert_eq!(
            (words.answered, words.values.len()),
            (2, 0),
            "{url}: words are no value"
        );

        // A server that knows nothing of it goes on for a while.
        for (contact, number, scale) in [
            (4, 1, Some(2)),
            (1, 3, Some(5)),
            (2, 3, None),
            (3, 2, Some(5)),
            (3, 3, Some(4)),
        ] {
            call(&mut connection, contact, number, scale).await;
        }
        let after = counts(&url).await;
        assert_eq!((after.consents_granted, after.consents_refused), (3, 1), "{url}");
        let [scale, words] = after.questions.as_slice() else {
            panic!("{url}: {:?}", after.questions);
        };
        let values = [("2".to_owned(), 2), ("4".to_owned(), 1), ("5".to_owned(), 1)];
        assert_eq!(scale.values, values, "{url}");
        let numbers = scale.numbers.expect("a scale");
        assert_eq!((numbers.count, numbers.min, numbers.max), (4, 2, 5), "{url}");
        assert!((numbers.mean - 3.25).abs() < 1e-9, "{url}: {}", numbers.mean);
        assert_eq!(words.answered, 4, "{url}");
        assert_eq!(after.days.len(), 1, "{url}");
    }
}
