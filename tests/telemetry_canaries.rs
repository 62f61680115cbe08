//! Plants a telephone number, an e-mail address, spoken words and secrets wherever they could slip into output, and looks for them in
//! everything that comes out. A process of its own, because logs and the panic hook are set up once.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests; clippy knows test functions only"
)]

use samvad::config::{LogFormat, LogSettings, Secret, Settings};
use samvad::store::SqlStore;
use samvad::telemetry::{Redactor, install_panic_hook, subscriber};
use samvad_actors::domain::{
    Answer, AnswerValue, AnswerVia, AnsweredBy, AttemptId, CallbackRequest, Campaign, ContactId, Disposition,
    EmailAddress, EndReason, Mode, Outcome, PersonName, PhoneNumber,
};
use samvad_actors::ports::{
    AttemptStore, CallReport, CampaignStore, ContactStore, DoNotCallEntry, DoNotCallStore, ExclusionSource, NewAttempt,
    NewContact, ResultStore, StoreError, TranscriptLine, TranscriptSpeaker,
};
use sqlx::ConnectOptions;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use tracing_subscriber::fmt::MakeWriter;

const NUMBER: &str = "+14155550199";
const EMAIL: &str = "purple.canary@riverside.example";
const WORDS: &str = "purple elephants sing";
const AUTH_TOKEN: &str = "canary-auth-token";
const TOKEN_KEY: &str = "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00";
const MEDIA_TOKEN: &str = "a1.1767322800.Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmE";

/// What must not be found; of the media token, the part that makes it one.
const CANARIES: [&str; 8] = [
    "4155550199",
    "purple.canary",
    "riverside",
    "elephants",
    AUTH_TOKEN,
    TOKEN_KEY,
    "Zm9vYmFyYmF6cXV4",
    "QUMwMTIzNDU2Nzg5YWJjZGVm",
];

/// Everything that was written.
#[derive(Clone, Default)]
struct Capture(Arc<Mutex<Vec<u8>>>);

impl Write for Capture {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic while writing").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Capture {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

impl Capture {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("no panic while writing").clone()).expect("UTF-8")
    }
}

fn settings() -> Settings {
    let environment = BTreeMap::from(
        [
            ("TWILIO_ACCOUNT_SID", "AC0123456789abcdef0123456789abcdef"),
            ("TWILIO_AUTH_TOKEN", AUTH_TOKEN),
            ("SAMVAD_MEDIA_TOKEN_KEY", TOKEN_KEY),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned())),
    );
    Settings::from_env(&environment).expect("usable")
}

fn trace(format: LogFormat) -> LogSettings {
    LogSettings {
        filter: "trace".to_owned(),
        format: Some(format),
    }
}

/// What a careless line could hold.
fn log_carelessly(settings: &Settings) {
    let key = settings.media_token_key.as_ref().expect("set").expose();
    let span = tracing::trace_span!("call", to = NUMBER, token = MEDIA_TOKEN, heard = tracing::field::Empty);
    let _entered = span.enter();
    tracing::trace!(?settings, "settings");
    tracing::debug!(number = NUMBER, "calling {NUMBER} with {AUTH_TOKEN}");
    tracing::info!(url = "/twilio/status/a1?To=%2B14155550199", "request");
    tracing::warn!(authorization = "Basic QUMwMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZjpjYW5hcnktYXV0aC10b2tlbg==");
    tracing::error!(key = TOKEN_KEY, "stream with {MEDIA_TOKEN}");
    tracing::error!(hidden = ?Secret::new(key.clone()), number = ?PhoneNumber::parse(NUMBER).expect("E.164"));
    tracing::info!(name = ?PersonName::parse(WORDS), "greeted");
    tracing::info!(
        url = "/leave?to=purple.canary%40riverside.example",
        "writing to {EMAIL}"
    );
    tracing::info!(shown = %EmailAddress::parse(EMAIL).expect("an address"), read = ?EmailAddress::parse(EMAIL));
}

/// Errors of every kind that the store can be brought to, from values that must not show.
async fn provoke_the_store(directory: &std::path::Path) -> Vec<StoreError> {
    let url = format!("sqlite://{}", directory.join("samvad.db").display());
    let store = SqlStore::open(&url).await.expect("opened");
    let number = PhoneNumber::parse(NUMBER).expect("E.164");
    let campaign: Campaign = serde_json::from_value(serde_json::json!({
        "id": "c", "name": "n", "organisation": WORDS, "purpose": WORDS, "caller_id": NUMBER, "questions": []
    }))
    .expect("a campaign");
    store.put_campaign(&campaign, 1).await.expect("written");
    let contact = |id: &str, number: &PhoneNumber| NewContact {
        id: ContactId::from(id),
        campaign: campaign.id.clone(),
        number: number.clone(),
        external_id: Some(WORDS.to_owned()),
        name: PersonName::parse(WORDS).ok(),
        email: EmailAddress::parse(EMAIL).ok(),
        language: None,
    };
    store.add_contacts(&[contact("p", &number)], 1).await.expect("added");
    let attempt = |id: &str| NewAttempt {
        id: AttemptId::from(id),
        campaign: campaign.id.clone(),
        contact: ContactId::from("p"),
        mode: Mode::Simulated,
        token_hash: TOKEN_KEY.to_owned(),
        token_expires_at_ms: 9,
    };
    let open = store.create_attempt(attempt("a"), 1).await.expect("created").id;
    let answer = Answer {
        question: 9,
        value: AnswerValue::FreeText(WORDS.to_owned()),
        via: AnswerVia::Speech,
        heard: Some(WORDS.to_owned()),
        confidence: None,
        uncertain: true,
        times_asked: 1,
    };
    let report = CallReport {
        attempt: open.clone(),
        outcome: Outcome::Completed,
        disposition: Disposition::Complete,
        end_reason: EndReason::SurveyDone,
        answered_by: AnsweredBy::Unknown,
        consent: None,
        language: None,
        answers: vec![answer],
        transcript: vec![TranscriptLine {
            at_ms: 0,
            speaker: TranscriptSpeaker::Caller,
            text: WORDS.to_owned(),
            confidence: None,
        }],
        latencies: Vec::new(),
        service_use: Vec::new(),
        callback_request: Some(CallbackRequest {
            words: Some(WORDS.to_owned()),
            time: None,
            at_ms: 1,
        }),
        do_not_call: false,
        ended_at_ms: 2,
    };
    let of_nobody = DoNotCallEntry {
        number: number.clone(),
        source: ExclusionSource::InCall,
        attempt: Some(WORDS.into()),
        added_at_ms: 1,
    };
    let other = PhoneNumber::parse("+14155550100").expect("E.164");
    let mut errors = vec![
        store.create_attempt(attempt("b"), 1).await.expect_err("open"),
        store
            .add_contacts(&[contact("p", &other)], 1)
            .await
            .expect_err("same id"),
        store.record_outcome(&report).await.expect_err("no such question"),
        store.add_do_not_call(&of_nobody).await.expect_err("no such attempt"),
    ];
    store
        .record_outcome(&CallReport {
            answers: Vec::new(),
            ..report.clone()
        })
        .await
        .expect("recorded");

    // A database that somebody else has written into.
    let mut connection = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(directory.join("samvad.db"))
        .connect()
        .await
        .expect("opened");
    for statement in [
        "UPDATE contacts SET phone_number = '4155550199 purple elephants sing'",
        "UPDATE contacts SET email = 'purple.canary@riverside.example '",
        "UPDATE transcript_lines SET at_ms = 'purple elephants sing'",
        "UPDATE campaigns SET definition = 'purple elephants sing'",
    ] {
        sqlx::query(statement).execute(&mut connection).await.expect("written");
    }
    errors.push(store.contacts(&campaign.id).await.expect_err("no number"));
    errors.push(store.transcript(&open).await.expect_err("no time"));
    errors.push(store.campaign(&campaign.id).await.expect_err("no campaign"));
    store.close().await;
    errors.push(store.campaign(&campaign.id).await.expect_err("closed"));
    errors
}

/// Panics whose messages quote what they stumble over.
fn panic_in_every_way() {
    let number = NUMBER.to_owned();
    let said = WORDS.to_owned();
    let refused = WORDS.parse::<u8>().map_err(|_| TOKEN_KEY);
    let panics: [Box<dyn FnOnce() + Send>; 6] = [
        Box::new(move || panic!("cannot call {number}")),
        Box::new(|| panic!("cannot write to {}", [EMAIL].concat())),
        Box::new(|| assert_eq!(WORDS, AUTH_TOKEN, "{MEDIA_TOKEN}")),
        Box::new(move || {
            refused.expect("a number");
        }),
        Box::new(move || drop(said.split_at(said.len() + 1).0.to_owned())),
        Box::new(|| panic!("a literal stays")),
    ];
    for one in panics {
        std::thread::Builder::new()
            .name("doomed".to_owned())
            .spawn(one)
            .expect("started")
            .join()
            .expect_err("panics");
    }
}

#[test]
fn no_number_no_spoken_word_and_no_secret_reaches_any_output() {
    let settings = settings();
    let redactor = Arc::new(Redactor::for_settings(&settings));
    let global = Capture::default();
    let json = subscriber(&trace(LogFormat::Json), &redactor, global.clone()).expect("filter");
    tracing::subscriber::set_global_default(json).expect("the first");
    install_panic_hook();

    log_carelessly(&settings);
    let scratch = tempfile::tempdir().expect("temporary directory");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("runtime");
    let errors = runtime.block_on(provoke_the_store(scratch.path()));
    for error in &errors {
        tracing::error!(%error, debug = ?error, "store");
    }
    panic_in_every_way();
    // Back to the standard hook, so that a failing assertion below can be read.
    drop(std::panic::take_hook());

    let text = Capture::default();
    let lines = subscriber(&trace(LogFormat::Text), &redactor, text.clone()).expect("filter");
    tracing::subscriber::with_default(lines, || {
        log_carelessly(&settings);
        errors
            .iter()
            .for_each(|error| tracing::error!(%error, debug = ?error, "store"));
    });

    for output in [global.text(), text.text()] {
        for canary in CANARIES {
            assert!(!output.contains(canary), "{canary} in:\n{output}");
        }
        for expected in [
            "+[number]",
            "[email]",
            "[secret]",
            "[token]",
            "Secret(***)",
            "+14*******99",
            "***@***.example",
        ] {
            assert!(output.contains(expected), "{expected} is missing in:\n{output}");
        }
        assert!(
            output.contains("the database holds or said something unexpected"),
            "{output}"
        );
    }
    let panics = global
        .text()
        .lines()
        .filter(|line| line.contains("samvad::panic"))
        .count();
    assert_eq!(panics, 6);
    assert!(global.text().contains("a literal stays"));
    assert!(
        global
            .text()
            .lines()
            .all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok())
    );
}

#[test]
fn other_crates_are_not_heard_below_info() {
    let capture = Capture::default();
    let lines = subscriber(&trace(LogFormat::Text), &Arc::default(), capture.clone()).expect("filter");
    tracing::subscriber::with_default(lines, || {
        tracing::trace!(target: "hyper::proto", "headers");
        tracing::debug!(target: "sqlx::query", "values");
        tracing::info!(target: "hyper::client", "connected");
        tracing::trace!(target: "samvad::http", "ours");
    });
    let output = capture.text();
    assert!(!output.contains("headers") && !output.contains("values"), "{output}");
    assert!(output.contains("connected") && output.contains("ours"), "{output}");
}

#[test]
fn a_filter_that_cannot_be_read_is_an_error() {
    let log = LogSettings {
        filter: "info,=,".to_owned(),
        format: None,
    };
    let Err(refusal) = subscriber(&log, &Arc::default(), io::sink) else {
        panic!("taken")
    };
    assert!(refusal.to_string().contains("SAMVAD_LOG"), "{refusal}");
}
