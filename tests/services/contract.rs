//! What goes over the wire to and from Deepgram, against its AsyncAPI description.

use crate::doubles::Ear;
use crate::suite::{Kind, every_check};
use crate::world::{Service, over, until};
use samvad_actors::domain::Language;
use samvad_actors::ports::Recognizer;
use serde_json::Value;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/services/deepgram")
}

/// The extract, and the whole description where `SAMVAD_DEEPGRAM_ASYNCAPI` says that there is one.
fn descriptions() -> Vec<Value> {
    let whole = std::env::var_os("SAMVAD_DEEPGRAM_ASYNCAPI").map(PathBuf::from);
    let files = std::iter::once(folder().join("asyncapi-extract.yml")).chain(whole);
    files
        .map(|file| serde_norway::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap())
        .collect()
}

/// What is wrong with a value by a schema: types, required properties, enumerations, items and references, which is all
/// that the description uses.
fn faults(description: &Value, schema: &Value, value: &Value, at: &str) -> Vec<String> {
    if let Some(reference) = schema["$ref"].as_str() {
        let pointer = reference.trim_start_matches('#');
        let schema = description
            .pointer(pointer)
            .unwrap_or_else(|| panic!("{reference} is missing"));
        return faults(description, schema, value, at);
    }
    let fits = match schema["type"].as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        Some("boolean") => value.is_boolean(),
        _ => true,
    };
    let mut found = Vec::new();
    if !fits {
        found.push(format!("{at}: {value} is no {}", schema["type"]));
    }
    if let Some(allowed) = schema["enum"].as_array()
        && !allowed.contains(value)
    {
        found.push(format!("{at}: {value} is not among {allowed:?}"));
    }
    for name in schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
    {
        if value.get(name).is_none() {
            found.push(format!("{at}: {name} is missing"));
        }
    }
    for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
        if let Some(value) = value.get(name) {
            found.extend(faults(description, schema, value, &format!("{at}.{name}")));
        }
    }
    if let Some(items) = schema.get("items") {
        for value in value.as_array().into_iter().flatten() {
            found.extend(faults(description, items, value, &format!("{at}[]")));
        }
    }
    found
}

/// Faults by the schema whose `type` the message has, `ListenV1` and its name.
fn message_faults(description: &Value, message: &Value) -> Vec<String> {
    let name = message["type"].as_str().unwrap_or("without a type");
    match description.pointer(&format!("/components/schemas/ListenV1_ListenV1{name}")) {
        Some(schema) => faults(description, schema, message, name),
        None => vec![format!("{name} is no message of /v1/listen")],
    }
}

#[tokio::test]
async fn every_message_between_us_and_the_test_server_and_every_fixture_is_as_described() {
    let double = Service::Deepgram.double(Ear::of_the_suite()).await;
    let recognizer = over(Service::Deepgram, &double);
    every_check(&recognizer, Kind::Dictation).await;
    recognizer
        .prepare(&Language::default(), &crate::suite::answers())
        .await
        .unwrap();
    until("a sign of life", || {
        let received = double.record().received.lock().unwrap();
        received.iter().any(|message| message["type"] == "KeepAlive")
    })
    .await;

    let mut messages = double.record().received.lock().unwrap().clone();
    messages.extend(double.record().sent.lock().unwrap().iter().cloned());
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "json") {
            messages.push(serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap());
        }
    }
    for kind in [
        "Results",
        "SpeechStarted",
        "UtteranceEnd",
        "Metadata",
        "Finalize",
        "KeepAlive",
        "CloseStream",
    ] {
        assert!(
            messages.iter().any(|message| message["type"] == kind),
            "{kind} is missing"
        );
    }
    let upgrades = double.record().upgrades.lock().unwrap().clone();
    for description in descriptions() {
        let found: Vec<String> = messages
            .iter()
            .flat_map(|message| message_faults(&description, message))
            .collect();
        assert!(found.is_empty(), "{found:#?}");
        let query = &description["channels"]["/v1/listen"]["bindings"]["ws"]["query"];
        for upgrade in &upgrades {
            for (name, value) in &upgrade.query {
                let schema = query["properties"]
                    .get(name)
                    .unwrap_or_else(|| panic!("{name} is no parameter"));
                let found = faults(&description, schema, &Value::from(value.as_str()), name);
                assert!(found.is_empty(), "{found:#?}");
            }
        }
    }
}

#[test]
fn a_message_that_is_not_as_described_is_found() {
    for description in descriptions() {
        let wrong = serde_json::json!({"type": "Results", "channel_index": ["x"], "duration": "1", "channel": {}});
        let found = message_faults(&description, &wrong).join("; ");
        for part in [
            "start is missing",
            "alternatives is missing",
            "duration",
            "channel_index[]",
        ] {
            assert!(found.contains(part), "{found}");
        }
        assert_eq!(
            message_faults(&description, &serde_json::json!({"type": "Confetti"})).len(),
            1
        );
    }
}
