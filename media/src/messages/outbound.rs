//! What we send: `media`, `mark`, `clear`. Everything is appended to a caller's string, so that it can be reused.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt::Write;

/// Appends a `media` message with `mulaw` (8 kHz, no file header, of any length) as its payload.
pub fn write_media(out: &mut String, stream_sid: &str, mulaw: &[u8]) {
    out.reserve(stream_sid.len() + mulaw.len().div_ceil(3) * 4 + 64);
    out.push_str(r#"{"event":"media","streamSid":"#);
    write_json_string(out, stream_sid);
    out.push_str(r#","media":{"payload":""#);
    STANDARD.encode_string(mulaw, out);
    out.push_str(r#""}}"#);
}

/// Appends a `mark` message. The carrier returns the mark when all audio sent before it has been played, or when a
/// `clear` has emptied its buffer.
pub fn write_mark(out: &mut String, stream_sid: &str, name: &str) {
    out.push_str(r#"{"event":"mark","streamSid":"#);
    write_json_string(out, stream_sid);
    out.push_str(r#","mark":{"name":"#);
    write_json_string(out, name);
    out.push_str("}}");
}

/// Appends a `clear` message: the carrier empties its buffer and returns every outstanding mark.
pub fn write_clear(out: &mut String, stream_sid: &str) {
    out.push_str(r#"{"event":"clear","streamSid":"#);
    write_json_string(out, stream_sid);
    out.push('}');
}

/// A JSON string literal (RFC 8259, section 7).
fn write_json_string(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            control if control < ' ' => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(control));
            }
            other => out.push(other),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn written(write: impl Fn(&mut String)) -> String {
        let mut out = String::new();
        write(&mut out);
        out
    }

    #[test]
    fn messages_are_those_twilio_documents() {
        let sid = "MZ18ad3ab5a668481ce02b83e7395059f0";
        assert_eq!(
            written(|out| write_media(out, sid, &[0xff, 0x7f, 0x00])),
            r#"{"event":"media","streamSid":"MZ18ad3ab5a668481ce02b83e7395059f0","media":{"payload":"/38A"}}"#
        );
        assert_eq!(
            written(|out| write_mark(out, sid, "m1")),
            r#"{"event":"mark","streamSid":"MZ18ad3ab5a668481ce02b83e7395059f0","mark":{"name":"m1"}}"#
        );
        assert_eq!(
            written(|out| write_clear(out, sid)),
            r#"{"event":"clear","streamSid":"MZ18ad3ab5a668481ce02b83e7395059f0"}"#
        );
    }

    #[test]
    fn several_messages_may_share_a_buffer() {
        let mut out = String::from("before");
        write_clear(&mut out, "MZ");
        assert!(out.starts_with(r#"before{"event""#));
    }

    proptest! {
        #[test]
        fn whatever_the_names_the_message_is_json_with_just_these_values(sid: String, name: String, audio: Vec<u8>) {
            let mark: Value = serde_json::from_str(&written(|out| write_mark(out, &sid, &name))).unwrap();
            prop_assert_eq!(mark, json!({"event": "mark", "streamSid": &sid, "mark": {"name": name}}));
            let clear: Value = serde_json::from_str(&written(|out| write_clear(out, &sid))).unwrap();
            prop_assert_eq!(clear, json!({"event": "clear", "streamSid": &sid}));
            let media: Value = serde_json::from_str(&written(|out| write_media(out, &sid, &audio))).unwrap();
            let payload = STANDARD.encode(&audio);
            prop_assert_eq!(media, json!({"event": "media", "streamSid": &sid, "media": {"payload": payload}}));
        }
    }
}
