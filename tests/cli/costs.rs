//! `samvad costs`: amounts, prices and latency of a campaign.

use super::support::{OPEN, Office, fixture, run, samvad};
use samvad::store::SqlStore;
use samvad_actors::domain::{
    AnsweredBy, AttemptId, CallSid, CampaignId, CarrierStatus, ContactId, Disposition, EndReason, Mode, Outcome,
    PhoneNumber, StreamSid,
};
use samvad_actors::ports::{
    AttemptStore, CallReport, ContactStore, CostStore, MediaTokenClaim, NewAttempt, NewContact, ServiceKind,
    ServiceUse, StatusCallback, Submission, TurnLatency, UsedService,
};
use serde_json::Value;

const PRICES: &str = "
currency: EUR
services:
  deepgram: { nova-3: { audio_minute: 0.6 } }
  elevenlabs: { '*': { characters_1000: 0.1 } }
carrier_minute: { '*': 0.01 }
";

fn used(kind: ServiceKind, service: &str, model: &str, amount: ServiceUse) -> (UsedService, ServiceUse) {
    let service = UsedService {
        kind,
        service: service.to_owned(),
        model: model.to_owned(),
    };
    (service, amount)
}

fn deepgram(audio_ms: u64) -> (UsedService, ServiceUse) {
    let amount = ServiceUse {
        requests: 2,
        audio_ms,
        ..ServiceUse::default()
    };
    used(ServiceKind::Recognition, "deepgram", "nova-3", amount)
}

fn gpt(input_tokens: u64) -> (UsedService, ServiceUse) {
    let amount = ServiceUse {
        requests: 1,
        input_tokens,
        output_tokens: 7,
        ..ServiceUse::default()
    };
    used(ServiceKind::Language, "=cmd|calc", "gpt", amount)
}

/// A call of 61 s whose one turn took 700 ms.
async fn call(store: &SqlStore, n: i64, mode: Mode, outcome: Outcome, service_use: Vec<(UsedService, ServiceUse)>) {
    let contact = NewContact {
        id: ContactId::new(format!("contact-{n}")),
        campaign: "health-survey".into(),
        number: PhoneNumber::parse(&format!("+1415555{n:04}")).expect("a number"),
        external_id: None,
        name: None,
        email: None,
        language: None,
    };
    store
        .add_contacts(std::slice::from_ref(&contact), 1)
        .await
        .expect("added");
    let attempt = AttemptId::new(format!("attempt-{n}"));
    let new = NewAttempt {
        id: attempt.clone(),
        campaign: contact.campaign,
        contact: contact.id,
        mode,
        token_hash: format!("hash-{n}"),
        token_expires_at_ms: i64::MAX,
    };
    store.create_attempt(new, 1).await.expect("created");
    store.mark_submitting(&attempt, 1).await.expect("marked");
    let sid = CallSid::new(format!("CA{n}"));
    let taken = Submission::Accepted { sid: sid.clone() };
    store.record_submission(&attempt, taken, 1).await.expect("recorded");
    let claim = MediaTokenClaim {
        attempt: attempt.clone(),
        token_hash: format!("hash-{n}"),
        call_sid: sid.clone(),
        account_sid: "AC".into(),
        stream_sid: StreamSid::new(format!("MZ{n}")),
    };
    store
        .consume_media_token(&claim, 1)
        .await
        .expect("store")
        .expect("admitted");
    let turn = TurnLatency {
        turn: 0,
        endpoint_ms: 500,
        recognition_ms: 60,
        understanding_ms: 130,
        decision_ms: 1,
        first_audio_ms: 9,
        total_ms: 700,
    };
    let report = CallReport {
        attempt: attempt.clone(),
        outcome,
        disposition: Disposition::Complete,
        end_reason: EndReason::SurveyDone,
        answered_by: AnsweredBy::Unknown,
        consent: None,
        language: None,
        answers: Vec::new(),
        transcript: Vec::new(),
        latencies: vec![turn],
        service_use,
        callback_request: None,
        do_not_call: false,
        ended_at_ms: n * 86_400_000,
    };
    store.record_outcome(&report).await.expect("recorded");
    let over = StatusCallback {
        attempt,
        call_sid: sid,
        status: CarrierStatus::Completed,
        sequence: Some(1),
        call_duration_seconds: Some(61),
        sip_code: None,
    };
    store.record_callback(&over, 1).await.expect("recorded");
}

/// A campaign with three live calls, two of them completed, a simulated one, and a preparation. Calls end on the days of
/// 1970 that their numbers say, from January 2 on.
fn office() -> Office {
    let office = Office::with_campaign(OPEN);
    let runtime = tokio::runtime::Runtime::new().expect("a run time");
    runtime.block_on(async {
        let file = office.directory.path().join("data/samvad.db");
        let store = SqlStore::open(&format!("sqlite://{}", file.display()))
            .await
            .expect("opened");
        call(&store, 1, Mode::Live, Outcome::Completed, vec![deepgram(30_000)]).await;
        call(&store, 2, Mode::Live, Outcome::Completed, vec![deepgram(15_500)]).await;
        call(&store, 3, Mode::Live, Outcome::Refused, Vec::new()).await;
        call(
            &store,
            4,
            Mode::Simulated,
            Outcome::Completed,
            vec![deepgram(1_000), gpt(90)],
        )
        .await;
        let spoken = ServiceUse::of_text(&"a".repeat(1_500));
        let spoken = used(ServiceKind::Synthesis, "elevenlabs", "flash", spoken);
        let campaign = CampaignId::from("health-survey");
        store.record_preparation(&campaign, &[spoken], 1).await.expect("kept");
        store.close().await;
    });
    office.write("prices.yaml", PRICES);
    office
}

/// The output of `samvad costs` with the prices.
fn costs(office: &Office, args: &[&str]) -> String {
    let mut command = office.command(&["costs", "health-survey"]);
    let (out, err, status) = run(command.args(args).env("SAMVAD_PRICES", "prices.yaml"));
    assert_eq!(status, Some(0), "{out}{err}");
    assert!(!out.contains('\u{1b}'), "colour without a terminal: {out}");
    out
}

/// Lines that hold all of these words.
fn lines_with(out: &str, words: &[&str]) -> usize {
    out.lines()
        .filter(|line| words.iter().all(|word| line.contains(word)))
        .count()
}

#[test]
fn totals_are_shown_by_mode_and_model_and_for_each_completed_interview() {
    let office = office();
    let out = costs(&office, &[]);
    assert!(out.lines().all(|line| line.chars().count() <= 80), "{out}");
    for words in [
        &["live: 3 attempts, 3 conversations, 2 completed interviews"][..],
        // 45.5 s at 0.6 a minute.
        &["recognition deepgram nova-3", "45.5 s", "0.4550", "0.2275"],
        &["carrier", "6 min", "0.0600", "0.0300"],
        &["total", "0.5150", "0.2575"],
        &["1 conversation of which no use of services is recorded"],
        &["simulated: 1 attempt, 1 conversation, 1 completed interview"],
        &["language =cmd|calc gpt", "90 + 7 tokens", "unpriced"],
        &["total", "0.0300 + ?"],
        &["synthesis elevenlabs flash", "1,500 characters", "0.1500"],
        &["live, latency of 3 turns"],
    ] {
        assert_eq!(lines_with(&out, words), 1, "{words:?} in\n{out}");
    }
    for words in [["end pointing", "500"], ["understanding", "130"], ["first audio", "9"]] {
        assert_eq!(lines_with(&out, &words), 2, "live and simulated: {words:?} in\n{out}");
    }
    assert!(!out.contains("+1415"), "no number: {out}");

    let out = costs(
        &office,
        &[
            "--mode",
            "live",
            "--since",
            "1970-01-03",
            "--until",
            "1970-01-04T00:00:00Z",
        ],
    );
    assert!(out.contains("live: 1 attempt,") && !out.contains("simulated"), "{out}");
    assert!(out.contains("preparation: nothing"), "{out}");
}

#[test]
fn without_prices_amounts_are_shown_and_nothing_is_called_free() {
    let office = office();
    let out = office.succeeds(&["costs", "health-survey"]);
    assert!(out.contains("SAMVAD_PRICES"), "{out}");
    assert_eq!(
        lines_with(&out, &["recognition deepgram nova-3", "45.5 s", "unpriced"]),
        1,
        "{out}"
    );
    assert!(!out.contains("0.0000"), "{out}");
}

#[test]
fn programs_read_the_same_numbers_as_json_and_csv() {
    let office = office();
    let json: Value = serde_json::from_str(&costs(&office, &["--format", "json"])).expect("JSON");
    assert_eq!(
        (&json["campaign"], &json["currency"]),
        (&"health-survey".into(), &"EUR".into())
    );
    let live = json["modes"]
        .as_array()
        .expect("modes")
        .iter()
        .find(|mode| mode["mode"] == "live");
    let live = live.expect("live calls");
    assert_eq!(live["total"]["cost"], "0.515000");
    assert_eq!(live["per_completed"]["cost"], "0.257500");
    assert_eq!(live["services"][0]["amount"]["audio_ms"], 45_500);
    let latency = live["latency"].as_object().expect("parts");
    let part = |name: &str| latency[name]["p50_ms"].as_u64().expect("a number");
    let parts = [
        "end_pointing",
        "recognition",
        "understanding",
        "decision",
        "first_audio",
    ];
    assert_eq!(parts.iter().map(|name| part(name)).sum::<u64>(), part("total"));
    let simulated = &json["modes"].as_array().expect("modes")[1];
    assert_eq!(
        simulated["services"][0]["cost"],
        serde_json::json!({"cost": null, "complete": false})
    );

    let csv = costs(&office, &["--format", "csv"]);
    assert_eq!(lines_with(&csv, &["calls,live,total", "0.515000,true"]), 1, "{csv}");
    assert!(csv.contains(",'=cmd|calc,gpt,"), "no formula: {csv}");
    let columns: Vec<usize> = csv.lines().map(|line| line.split(',').count()).collect();
    assert!(columns.iter().all(|count| *count == columns[0]), "one table: {csv}");
}

#[test]
fn calls_are_shown_one_by_one_and_add_up() {
    let office = office();
    let text = costs(&office, &["--per-call"]);
    assert_eq!(
        lines_with(&text, &["attempt-1", "live", "completed", "30.000", "0.3200"]),
        1,
        "{text}"
    );
    assert_eq!(text.lines().count(), 5, "{text}");

    let csv = costs(&office, &["--per-call", "--format", "csv", "--mode", "live"]);
    assert_eq!(csv.lines().count(), 4, "{csv}");
    assert_eq!(
        lines_with(&csv, &["attempt-3,live,refused,1970-01-04T00:00:00Z,2,0.000"]),
        1,
        "{csv}"
    );

    let json = costs(&office, &["--per-call", "--format", "json", "--mode", "live"]);
    let calls: Vec<Value> = json
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let micro = |call: &Value| {
        call["cost"]
            .as_str()
            .expect("a cost")
            .replace('.', "")
            .parse::<u64>()
            .expect("digits")
    };
    assert_eq!(calls.iter().map(micro).sum::<u64>(), 515_000);
}

#[test]
fn what_cannot_be_shown_is_refused_with_the_remedy() {
    let office = Office::new();
    assert!(
        office
            .refuses(&["costs", "health-survey"])
            .contains("there is no database")
    );
    let office = Office::with_campaign(OPEN);
    let empty = office.succeeds(&["costs", "health-survey"]);
    assert!(empty.contains("no call has ended yet"), "{empty}");
    assert_eq!(
        office.succeeds(&["costs", "health-survey", "--per-call", "--format", "json"]),
        ""
    );
    for (args, word) in [
        (
            &["costs", "spring"][..],
            "there is no campaign spring; `samvad campaign list`",
        ),
        (
            &["costs", "health-survey", "--since", "yesterday"],
            "write a day such as",
        ),
        (
            &["costs", "health-survey", "--mode", "real"],
            "simulated, dry-run, live",
        ),
        (
            &[
                "costs",
                "health-survey",
                "--since",
                "2026-03-02",
                "--until",
                "2026-03-02",
            ],
            "is not after --since",
        ),
    ] {
        let refusal = office.refuses(args);
        assert!(refusal.contains(word), "{refusal}");
    }
    office.write(
        "wrong.yaml",
        "currency: euro\nservices: { deepgram: { nova-3: { audio_minute: free } } }\n",
    );
    for (file, words) in [
        (
            "wrong.yaml",
            ["currency: \"euro\"", "services.deepgram.nova-3.audio_minute: \"free\""],
        ),
        ("missing.yaml", ["SAMVAD_PRICES", "prices.example.yaml"]),
    ] {
        let (_, err, status) = run(office.command(&["costs", "health-survey"]).env("SAMVAD_PRICES", file));
        assert_eq!(status, Some(2));
        assert!(words.iter().all(|word| err.contains(word)), "{err}");
    }
}

/// One who speaks, once.
const SPEAKER: &str = "
name: Speaker
seed: 5
network: { calls_per_second: 0, dtmf_in_audio: false }
callers:
  - name: speaker
    steps:
      - { name: consent, say: AUDIO/01_yes.wav, otherwise: [{ keys: \"1\" }] }
      - { name: scale, keys: \"3\" }
      - { name: yes_no, keys: \"1\" }
      - { name: choice, keys: \"2\" }
    expect: { answered: true }
";

#[test]
fn a_call_over_the_telephone_network_leaves_what_it_used_and_how_long_its_turns_took() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let (data, scenario) = (directory.path().join("data"), directory.path().join("speaker.yaml"));
    std::fs::write(&scenario, SPEAKER.replace("AUDIO", &fixture("audio"))).expect("written");
    let args = ["simulate", "--recognizer", "fixed:10ms", "--scenario"];
    let mut command = samvad(directory.path(), &args);
    let (out, err, status) = run(command.arg(&scenario).arg("--directory").arg(&data));
    assert_eq!(status, Some(0), "{out}{err}");

    let mut command = samvad(directory.path(), &["costs", "health-survey", "--format", "json"]);
    let (out, err, status) = run(command.env("SAMVAD_DATA_DIR", &data));
    assert_eq!(status, Some(0), "{out}{err}");
    let json: Value = serde_json::from_str(&out).expect("JSON");
    let calls = &json["modes"][0];
    assert_eq!(
        (&calls["mode"], &calls["attempts"]),
        (&"simulated".into(), &1.into()),
        "{out}"
    );
    let used = &calls["services"][0];
    assert_eq!(
        (&used["service"], &used["cost"]["cost"]),
        (&"fixed".into(), &"0.000000".into()),
        "{out}"
    );
    let audio_ms = used["amount"]["audio_ms"].as_u64().expect("a number");
    assert!((300..20_000).contains(&audio_ms), "{out}");
    assert_eq!(calls["carrier"][0]["country"], "+1", "{out}");
    assert_eq!(calls["carrier"][0]["minutes"], 1, "{out}");
    assert!(
        calls["latency"]["total"]["turns"]
            .as_u64()
            .is_some_and(|turns| turns >= 1),
        "{out}"
    );
    assert_eq!(
        calls["latency"]["understanding"]["p99_ms"], 0,
        "no model was asked: {out}"
    );
}
