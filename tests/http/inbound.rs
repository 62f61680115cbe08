//! People who call one of our numbers.

use crate::callbacks::{Fields, post, post_signed, signature};
use crate::harness::{ACCOUNT, PUBLIC_HOST, TestServer};
use samvad_actors::domain::Campaign;
use std::sync::atomic::Ordering;

const VOICE: &str = "/twilio/voice";
const KEY: &str = "/twilio/voice/key";
const CALLED: &str = "+14155550123";

/// What Twilio asks when somebody calls.
fn asked<'a>(from: &'a str, key: Option<&'a str>) -> Fields<'a> {
    let mut fields = vec![
        ("CallSid", "CA1"),
        ("AccountSid", ACCOUNT),
        ("From", from),
        ("To", "+14155550100"),
        ("Direction", "inbound"),
        ("CallStatus", "ringing"),
        ("New", "field"),
    ];
    fields.extend(key.map(|key| ("Digits", key)));
    fields
}

/// A server whose campaign has called a number.
async fn server() -> (TestServer, Campaign) {
    let server = TestServer::start().await;
    let campaign = include_str!("../../fixtures/campaigns/health_survey.yaml");
    let campaign = Campaign::from_yaml(campaign).expect("fixture without fault");
    *server.desk.called.lock().expect("not poisoned") = Some((CALLED.to_owned(), campaign.clone()));
    (server, campaign)
}

async fn answer(server: &TestServer, path: &str, fields: &Fields<'_>) -> String {
    let (status, twiml) = post(server, path, fields).await;
    assert_eq!(status, 200, "{twiml}");
    assert!(
        twiml.starts_with("<Response>") && twiml.ends_with("</Response>"),
        "{twiml}"
    );
    twiml
}

#[actix_web::test]
async fn who_was_called_hears_by_whom_and_why_and_may_press_nine() {
    let (server, campaign) = server().await;
    let twiml = answer(&server, VOICE, &asked(CALLED, None)).await;
    assert!(
        twiml.contains(&campaign.organisation) && twiml.contains(&campaign.purpose),
        "{twiml}"
    );
    assert!(twiml.contains("press 9"), "{twiml}");
    let action = format!("action=\"https://{PUBLIC_HOST}{KEY}\" method=\"POST\"");
    assert!(twiml.contains("numDigits=\"1\"") && twiml.contains(&action), "{twiml}");
    assert!(!twiml.contains("4155550"), "no number is spoken: {twiml}");
}

#[actix_web::test]
async fn an_opt_out_is_written_before_it_is_confirmed() {
    let (server, _) = server().await;
    let twiml = answer(&server, KEY, &asked(CALLED, Some("9"))).await;
    assert_eq!(server.desk.opted_out(), [CALLED]);
    assert!(
        twiml.contains("will not call you again") && twiml.contains("<Hangup/>"),
        "{twiml}"
    );
}

#[actix_web::test]
async fn an_opt_out_that_cannot_be_written_is_not_confirmed() {
    let (server, _) = server().await;
    server.desk.away.store(true, Ordering::SeqCst);
    let twiml = answer(&server, KEY, &asked(CALLED, Some("9"))).await;
    assert!(!twiml.contains("will not call you again"), "{twiml}");
    assert!(
        twiml.contains("press 9 once more") && twiml.contains("<Gather"),
        "{twiml}"
    );
    assert!(server.desk.opted_out().is_empty());
    server.desk.away.store(false, Ordering::SeqCst);
    answer(&server, KEY, &asked(CALLED, Some("9"))).await;
    assert_eq!(server.desk.opted_out(), [CALLED]);
}

#[actix_web::test]
async fn another_key_or_none_opts_nobody_out() {
    let (server, _) = server().await;
    for key in [None, Some("1"), Some("99"), Some("")] {
        let twiml = answer(&server, KEY, &asked(CALLED, key)).await;
        assert!(twiml.contains("no meaning") && twiml.contains("press 9"), "{twiml}");
    }
    assert!(server.desk.opted_out().is_empty());
}

#[actix_web::test]
async fn who_was_not_called_hears_of_no_campaign_and_may_opt_out_all_the_same() {
    let (server, campaign) = server().await;
    let stranger = "+14155550199";
    let twiml = answer(&server, VOICE, &asked(stranger, None)).await;
    assert!(
        !twiml.contains(&campaign.organisation) && !twiml.contains(&campaign.purpose),
        "{twiml}"
    );
    assert!(twiml.contains("press 9"), "{twiml}");
    answer(&server, KEY, &asked(stranger, Some("9"))).await;
    assert_eq!(server.desk.opted_out(), [stranger]);
}

#[actix_web::test]
async fn a_withheld_number_is_told_that_it_cannot_be_taken_off() {
    let (server, campaign) = server().await;
    for withheld in ["anonymous", "Restricted", "+266696687", "sip:a@b"] {
        for path in [VOICE, KEY] {
            let twiml = answer(&server, path, &asked(withheld, Some("9"))).await;
            assert!(twiml.contains("withheld") && !twiml.contains("<Gather"), "{twiml}");
            assert!(!twiml.contains(&campaign.organisation), "{twiml}");
        }
    }
    assert!(server.desk.opted_out().is_empty());
}

#[actix_web::test]
async fn a_store_that_is_away_leaves_callers_the_general_text() {
    let (server, campaign) = server().await;
    server.desk.away.store(true, Ordering::SeqCst);
    let twiml = answer(&server, VOICE, &asked(CALLED, None)).await;
    assert!(
        twiml.contains("survey calls") && !twiml.contains(&campaign.organisation),
        "{twiml}"
    );
}

#[actix_web::test]
async fn l24_nobody_but_twilio_opts_a_number_out_or_learns_who_called_it() {
    let (server, campaign) = server().await;
    let fields = asked(CALLED, Some("9"));
    let good = signature(KEY, &fields);
    let mut forged = fields.clone();
    forged[2].1 = "+14155550198";
    let mut elsewhere = fields.clone();
    elsewhere[1].1 = "AC00000000000000000000000000000000";
    for (path, fields, signature) in [
        (KEY, &fields, None),
        (VOICE, &fields, Some(good.clone())),
        (KEY, &forged, Some(good)),
        (KEY, &elsewhere, Some(signature(KEY, &elsewhere))),
    ] {
        let (status, body) = post_signed(&server, path, fields, signature.as_deref()).await;
        assert_eq!(status, 403, "{path}");
        assert!(!body.contains(&campaign.organisation), "{body}");
    }
    assert!(server.desk.opted_out().is_empty());
}
