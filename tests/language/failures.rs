//! What services do wrong, and what it is called; nothing of it is told, and nothing is left behind.

use crate::server::{CANARY, Conduct, KEY, LanguageServer};
use crate::world::{Kind, PATIENT, SHORT, ask, hear, listen, over, request, schema, threads, until, well};
use samvad::config::{LogFormat, LogSettings};
use samvad::telemetry::{Redactor, subscriber};
use samvad_actors::ports::LanguageModelError;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tracing_subscriber::fmt::MakeWriter;

/// Which error it is.
fn kind(error: &LanguageModelError) -> &'static str {
    match error {
        LanguageModelError::Unavailable { .. } => "unavailable",
        LanguageModelError::Refused { .. } => "refused",
        LanguageModelError::Busy { .. } => "busy",
        LanguageModelError::TimedOut { .. } => "timed out",
        LanguageModelError::Unusable { .. } => "unusable",
    }
}

#[tokio::test]
async fn l12_whatever_is_no_answer_is_told_apart_with_its_remedy() {
    let server = LanguageServer::start();
    let model = well(Kind::Schema, &server);
    for (conduct, expected, hint) in [
        (Conduct::Refuses(429, "error_quota", None), "refused", "quota"),
        (Conduct::Refuses(429, "error_rate", None), "busy", "rate limit"),
        (
            Conduct::Refuses(400, "error_schema", None),
            "refused",
            "STRUCTURED=json_object",
        ),
        (Conduct::Refuses(500, "error_rate", None), "unavailable", "later"),
        (Conduct::KnowsNoSchemas, "refused", "STRUCTURED=json_object"),
        (Conduct::Redirects, "refused", "OPENAI_BASE_URL"),
        (Conduct::Cuts, "unavailable", "OPENAI_BASE_URL"),
        (Conduct::TalksNonsense, "unavailable", "OPENAI_BASE_URL"),
        (Conduct::EndsEarly, "unusable", "not JSON"),
        (Conduct::SendsGarbage, "unusable", "not JSON"),
        (Conduct::SendsAPage, "unusable", "OPENAI_BASE_URL"),
        (Conduct::Says("purple elephants sing"), "unusable", "not JSON"),
        (Conduct::Says("[\"purple elephants sing\"]"), "unusable", "no object"),
        (Conduct::SaysNothing, "unusable", "empty"),
        (Conduct::Finishes("length"), "unusable", "cut short"),
        (Conduct::Finishes("content_filter"), "unusable", "filter"),
        (Conduct::Finishes("tool_calls"), "unusable", "something else"),
        (Conduct::Declines, "unusable", "declines"),
        (Conduct::Fails, "unavailable", "later"),
        (Conduct::NeverEnds, "unusable", "does not end"),
    ] {
        server.behave(conduct);
        let error = ask(&*model, PATIENT).await.expect_err("no answer");
        let text = error.to_string();
        assert_eq!(kind(&error), expected, "{conduct:?}: {text}");
        assert!(text.contains(hint), "{conduct:?}: {text}");
        assert!(
            !text.contains("elephants") && !text.contains(KEY),
            "{conduct:?}: {text}"
        );
    }
}

#[tokio::test]
async fn l12_a_spoken_answer_that_fails_keeps_what_was_said_and_names_the_fault() {
    let server = LanguageServer::start();
    let model = well(Kind::Schema, &server);
    for (conduct, sentences, expected, hint) in [
        (Conduct::Refuses(429, "error_rate", None), 0, "busy", "rate limit"),
        (Conduct::TalksNonsense, 0, "unavailable", "OPENAI_BASE_URL"),
        (Conduct::SendsAPage, 0, "unusable", "text/event-stream"),
        (Conduct::SaysNothing, 0, "unusable", "empty"),
        (Conduct::Declines, 0, "unusable", "declines"),
        (Conduct::Cuts, 1, "unavailable", "broke off"),
        (Conduct::EndsEarly, 1, "unavailable", "broke off"),
        (Conduct::SendsGarbage, 1, "unusable", "not JSON"),
        (Conduct::Fails, 1, "unavailable", "later"),
        (Conduct::Finishes("length"), 1, "unusable", "cut short"),
        (Conduct::Finishes("content_filter"), 1, "unusable", "filter"),
        (Conduct::NeverEnds, 0, "unavailable", "does not end"),
    ] {
        server.behave(conduct);
        let (said, error) = listen(&*model, PATIENT).await;
        let error = error.unwrap_or_else(|| panic!("{conduct:?}: no error after {said:?}"));
        let text = error.to_string();
        assert_eq!(said.len(), sentences, "{conduct:?}: {said:?}");
        assert_eq!(kind(&error), expected, "{conduct:?}: {text}");
        assert!(
            text.contains(hint) && !text.contains("elephants"),
            "{conduct:?}: {text}"
        );
    }
}

#[tokio::test]
async fn when_to_ask_again_is_told_as_the_service_says() {
    let server = LanguageServer::start();
    server.behave(Conduct::Refuses(429, "error_rate", Some("7")));
    let error = ask(&*well(Kind::Schema, &server), PATIENT).await.unwrap_err();
    let seven = Some(Duration::from_secs(7));
    assert!(
        matches!(&error, LanguageModelError::Busy { retry_after, .. } if *retry_after == seven),
        "{error:?}"
    );
}

#[tokio::test]
async fn nobody_at_the_address_is_unavailable_with_the_setting() {
    let server = LanguageServer::start();
    let model = well(Kind::JsonMode, &server);
    drop(server);
    let error = ask(&*model, PATIENT).await.unwrap_err();
    assert_eq!(kind(&error), "unavailable");
    assert!(error.to_string().contains("LANGUAGE_MODEL_BASE_URL"), "{error}");
}

#[tokio::test]
async fn a_service_that_was_not_reached_has_not_been_used() {
    let server = LanguageServer::start();
    let model = well(Kind::Schema, &server);
    drop(server);
    let request = request(PATIENT);
    model.structured(&request, &schema()).await.unwrap_err();
    assert_eq!(hear(&*model, &request).await.0, Vec::<String>::new());
    assert_eq!(request.meter.read(), []);
}

#[tokio::test]
async fn l12_the_next_in_the_list_answers_where_the_first_cannot() {
    // The first wants a schema, which this server does not know.
    let server = LanguageServer::start();
    server.behave(Conduct::KnowsNoSchemas);
    let answer = ask(&*well(Kind::List, &server), PATIENT).await;
    assert_eq!(answer, Ok(serde_json::json!({"answer": "fine"})));
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn failing_services_leave_no_connection_and_no_task() {
    let server = LanguageServer::start();
    let threads = threads();
    let model = over(Kind::List, &server, KEY, "gpt-4.1-mini", &threads);
    for round in 0..40 {
        let conducts = [
            Conduct::StallsWithin,
            Conduct::Cuts,
            Conduct::SendsGarbage,
            Conduct::NeverEnds,
        ];
        server.behave(conducts[round % conducts.len()]);
        let deadline = SHORT / 6;
        // How each ends is told by other tests.
        let _ = tokio::join!(
            ask(&*model, deadline),
            listen(&*model, deadline),
            ask(&*model, deadline)
        );
    }
    // Sound connections are kept for the next request as long as there may be one.
    drop(model);
    until("all connections are closed", || server.open() == 0).await;
    until("all tasks have ended", || threads.tasks() == 0).await;
}

/// Everything that was logged.
#[derive(Clone, Default)]
struct Capture(Arc<Mutex<Vec<u8>>>);

impl Write for Capture {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Capture {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn no_answer_is_logged_however_garbled_and_whatever_the_filter_says() {
    let capture = Capture::default();
    let log = LogSettings {
        filter: "trace,async_openai=trace".to_owned(),
        format: Some(LogFormat::Json),
    };
    let subscriber = subscriber(&log, &Arc::new(Redactor::default()), capture.clone()).unwrap();
    // Once in this process: the library logs from threads of its own.
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let server = LanguageServer::start();
    let model = well(Kind::List, &server);
    for conduct in [
        Conduct::SendsGarbage,
        Conduct::Fails,
        Conduct::Declines,
        Conduct::SendsAPage,
        Conduct::Refuses(500, "error_key", None),
    ] {
        server.behave(conduct);
        ask(&*model, PATIENT).await.unwrap_err();
        listen(&*model, PATIENT).await;
    }
    let log = String::from_utf8(capture.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("the next one takes over"), "something is logged: {log}");
    for secret in [CANARY, KEY, "Incorrect API key"] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}
