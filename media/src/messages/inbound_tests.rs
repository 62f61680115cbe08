use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};

fn capture(name: &str) -> String {
    let path = format!(
        "{}/../fixtures/twilio/media_streams/{name}.json",
        env!("CARGO_MANIFEST_DIR")
    );
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn twilios_connected_message_is_read() {
    assert_eq!(parse_inbound(&capture("connected")), Ok(Inbound::Connected));
}

#[test]
fn l25_the_token_travels_in_a_custom_parameter_of_start() {
    let text = capture("start");
    let Ok(Inbound::Start(start)) = parse_inbound(&text) else {
        panic!("not a start message")
    };
    assert_eq!(start.stream_sid, "MZXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX");
    assert_eq!(start.call_sid, "CAXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX");
    assert_eq!(start.account_sid, "ACXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX");
    assert_eq!(start.custom_parameters["token"], "v1.eyJhIjoxfQ.c2ln");
    assert_eq!(
        (start.encoding.as_ref(), start.sample_rate, start.channels),
        ("audio/x-mulaw", 8000, 1)
    );
}

#[test]
fn twilios_media_message_is_read_without_copying() {
    let text = capture("media");
    let Ok(Inbound::Media(frame)) = parse_inbound(&text) else {
        panic!("not a media message")
    };
    assert_eq!(
        (frame.sequence, frame.chunk, frame.timestamp_ms),
        (Some(3), Some(1), Some(5))
    );
    assert!(frame.is_inbound());
    assert!(matches!(frame.payload, Cow::Borrowed(payload) if payload.len() == 216));
}

#[test]
fn twilios_other_messages_are_read() {
    assert_eq!(parse_inbound(&capture("dtmf")), Ok(Inbound::Dtmf { digit: '1' }));
    assert_eq!(
        parse_inbound(&capture("mark")),
        Ok(Inbound::Mark {
            name: Cow::Borrowed("my label")
        })
    );
    assert_eq!(parse_inbound(&capture("stop")), Ok(Inbound::Stop));
}

#[test]
fn numbers_may_be_numbers_and_texts_escaped() {
    let text = r#"{"media":{"payload":"\/38A","timestamp":40,"chunk":2},"sequenceNumber":7,"ev\u0065nt":"media"}"#;
    let expected = MediaFrame {
        sequence: Some(7),
        chunk: Some(2),
        timestamp_ms: Some(40),
        track: Cow::Borrowed("inbound"),
        payload: Cow::Borrowed("/38A"),
    };
    assert_eq!(parse_inbound(text), Ok(Inbound::Media(expected)));
}

#[test]
fn absent_and_null_optional_fields_are_the_same() {
    let frame = Ok(Inbound::Media(MediaFrame::from_payload(None, "")));
    assert_eq!(parse_inbound(r#"{"event":"media","media":{"payload":""}}"#), frame);
    let null =
        r#"{"event":"media","sequenceNumber":null,"start":null,"media":{"track":null,"chunk":null,"payload":""}}"#;
    assert_eq!(parse_inbound(null), frame);
}

#[test]
fn start_takes_the_outer_stream_sid_and_documented_format_if_its_own_are_absent() {
    let text = r#"{"event":"start","streamSid":"MZ1","start":{"callSid":"CA1","accountSid":"AC1"}}"#;
    let Ok(Inbound::Start(start)) = parse_inbound(text) else {
        panic!("not a start message")
    };
    assert_eq!(start.stream_sid, "MZ1");
    assert!(start.custom_parameters.is_empty());
    assert_eq!(
        (start.encoding.as_ref(), start.sample_rate, start.channels),
        ("audio/x-mulaw", 8000, 1)
    );
}

#[test]
fn unknown_events_are_named_even_if_they_give_known_fields_another_shape() {
    for text in [r#"{"event":"pong","media":5}"#, r#"{"event":"pong","extra":[{}]}"#] {
        assert_eq!(
            parse_inbound(text),
            Ok(Inbound::Unknown {
                event: Cow::Borrowed("pong")
            })
        );
    }
}

#[test]
fn errors_name_the_field_and_the_fault() {
    let cases = [
        (
            r#"{}"#,
            "the inbound message has no `event`; send it as Twilio documents it",
        ),
        (
            r#"{"event":"media"}"#,
            "the media message has no `media`; send it as Twilio documents it",
        ),
        (
            r#"{"event":"media","media":{"payload":"","timestamp":"soon"}}"#,
            "`media.timestamp` of the media message is not a whole number from 0; send it as Twilio documents it",
        ),
        (
            r#"{"event":"media","media":{"payload":["x"]}}"#,
            "`media.payload` of the media message is not a string; send it as Twilio documents it",
        ),
        (
            r#"{"event":"dtmf","dtmf":{"digit":"12"}}"#,
            "`dtmf.digit` of the dtmf message is not one of 0-9, *, # and A-D; send it as Twilio documents it",
        ),
        (
            r#"{"event":"start","start":{"streamSid":"MZ","accountSid":"AC"}}"#,
            "the start message has no `start.callSid`; send it as Twilio documents it",
        ),
    ];
    for (text, message) in cases {
        assert_eq!(
            parse_inbound(text).map_err(|error| error.to_string()),
            Err(message.to_owned()),
            "{text}"
        );
    }
}

#[test]
fn errors_do_not_quote_the_message() {
    for text in [
        "canary",
        r#""canary""#,
        r#"{"event":"media","media":"canary"}"#,
        r#"{"event":"dtmf","dtmf":{"digit":"canary"}}"#,
    ] {
        let error = parse_inbound(text).expect_err("no such message");
        assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");
    }
}

/// The keys of an object in an order of one's choice, with a field Twilio does not know today.
fn shuffled(object: &Value, seed: usize) -> String {
    let Value::Object(entries) = object else {
        return object.to_string();
    };
    let mut parts: Vec<String> = entries
        .iter()
        .map(|(key, value)| format!("{}: {}", json!(key), shuffled(value, seed / 7)))
        .collect();
    parts.push(r#""novelty": [1, {"a": null}]"#.to_owned());
    let middle = seed % parts.len();
    parts.rotate_left(middle);
    format!("{{{}}}", parts.join(" , "))
}

proptest! {
    #[test]
    fn no_text_makes_parsing_panic(text: String) {
        let _ = parse_inbound(&text);
    }

    #[test]
    fn no_json_value_in_a_known_place_makes_parsing_panic(
        event in "connected|start|media|dtmf|mark|stop|x",
        field in "start|media|dtmf|mark|event|sequenceNumber",
        value in r#"null|true|-1|1\.5|1e99|18446744073709551616|"a"|\[\[\]\]|\{"payload":\{\}\}|\{"digit":""\}"#,
    ) {
        let _ = parse_inbound(&format!(r#"{{"{field}":{value},"event":"{event}"}}"#));
    }

    #[test]
    fn any_key_order_and_unknown_fields_leave_the_meaning(seed: usize, timestamp: u64, payload in "[A-Za-z0-9+/]{0,40}") {
        let message = json!({
            "event": "media", "sequenceNumber": "3", "streamSid": "MZ",
            "media": {"track": "inbound", "chunk": "1", "timestamp": timestamp.to_string(), "payload": &payload},
        });
        let text = shuffled(&message, seed);
        let expected = MediaFrame { sequence: Some(3), chunk: Some(1), ..MediaFrame::from_payload(Some(timestamp), payload) };
        prop_assert_eq!(parse_inbound(&text), Ok(Inbound::Media(expected)));
    }
}
