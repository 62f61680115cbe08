//! Opting out over a call to us, with a real store and a carrier that keeps what it was asked.

use crate::api_double::{ApiDouble, Behaviour, CALL, call_json};
use samvad::carrier::inbound::{InboundDesk, StoreDesk};
use samvad::store::SqlStore;
use samvad_actors::domain::{AttemptId, Campaign, Mode, PhoneNumber};
use samvad_actors::ports::{
    AttemptStore, CampaignStore, ContactStore, DoNotCallStore, NewAttempt, NewContact, StoreError, Submission,
};
use std::sync::Arc;
use std::time::Duration;

const NOW: i64 = 1_700_000_000_000;
const DAY_MS: i64 = 86_400_000;

struct World {
    store: Arc<SqlStore>,
    double: Arc<ApiDouble>,
    desk: StoreDesk<SqlStore>,
    campaign: Campaign,
    _scratch: tempfile::TempDir,
}

impl World {
    /// A campaign that has called a number, and the carrier has taken the call.
    async fn new() -> Self {
        let scratch = tempfile::tempdir().expect("temporary directory");
        let url = format!("sqlite://{}", scratch.path().join("samvad.db").display());
        let store = Arc::new(SqlStore::open(&url).await.expect("opened"));
        let campaign = include_str!("../../fixtures/campaigns/health_survey.yaml");
        let campaign = Campaign::from_yaml(campaign).expect("fixture without fault");
        store.put_campaign(&campaign, NOW).await.expect("written");
        let contact = NewContact {
            id: "contact".into(),
            campaign: campaign.id.clone(),
            number: number(),
            external_id: None,
            name: None,
            email: None,
            language: None,
        };
        store.add_contacts(&[contact], NOW).await.expect("added");
        let attempt = NewAttempt {
            id: AttemptId::from("attempt"),
            campaign: campaign.id.clone(),
            contact: "contact".into(),
            mode: Mode::Simulated,
            token_hash: "00".to_owned(),
            token_expires_at_ms: NOW + 60_000,
        };
        let id = attempt.id.clone();
        store.create_attempt(attempt, NOW).await.expect("created");
        store.mark_submitting(&id, NOW).await.expect("submitting");
        let accepted = Submission::Accepted { sid: CALL.into() };
        store.record_submission(&id, accepted, NOW).await.expect("submitted");
        let double = Arc::new(ApiDouble::start(Behaviour::Answer(200, call_json("canceled"))).await);
        let desk = StoreDesk::new(store.clone(), double.carrier.clone());
        Self {
            store,
            double,
            desk,
            campaign,
            _scratch: scratch,
        }
    }
}

fn number() -> PhoneNumber {
    PhoneNumber::parse("+14155550123").expect("a number")
}

#[tokio::test]
async fn an_opt_out_is_written_and_takes_back_a_call_that_waits_or_rings() {
    let world = World::new().await;
    world.desk.opt_out(&number(), NOW + 1).await.expect("written");
    assert_eq!(world.store.is_do_not_call(&number()).await, Ok(true));
    let asked = async {
        while world.double.asked().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(10), asked).await;
    assert!(in_time.is_ok(), "the carrier was not asked");
    let [request] = &world.double.asked()[..] else {
        panic!("not one request")
    };
    // Not "completed": somebody who has answered goes on talking.
    assert_eq!(request.form, [("Status".to_owned(), "canceled".to_owned())]);
    assert!(request.path.ends_with(&format!("/Calls/{CALL}.json")));
    world.desk.opt_out(&number(), NOW + 2).await.expect("idempotent");
}

#[tokio::test]
async fn an_opt_out_of_a_store_that_is_closed_is_an_error_and_the_carrier_is_not_asked() {
    let world = World::new().await;
    world.store.close().await;
    let error = world.desk.opt_out(&number(), NOW + 1).await.expect_err("closed");
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
    assert!(world.double.asked().is_empty());
}

#[tokio::test]
async fn who_called_is_remembered_for_thirty_days() {
    let world = World::new().await;
    let caller = async |now_ms| world.desk.last_caller(&number(), now_ms).await.expect("read");
    assert_eq!(caller(NOW).await.as_ref(), Some(&world.campaign));
    assert_eq!(caller(NOW + 30 * DAY_MS).await.as_ref(), Some(&world.campaign));
    assert_eq!(caller(NOW + 30 * DAY_MS + 1).await, None);
    let stranger = PhoneNumber::parse("+14155550199").expect("a number");
    assert_eq!(world.desk.last_caller(&stranger, NOW).await, Ok(None));
}
