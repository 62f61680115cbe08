//! The one TwiML document we send: connect the call to our media socket.

/// Longest TwiML that Twilio takes in a request, in characters.
const LONGEST_TWIML: usize = 4000;
/// A stream parameter's name and value together stay below this many characters.
const PARAMETER_LIMIT: usize = 500;

/// Connects the call to `stream_url` and hands it one parameter. `None` if it would be longer than Twilio allows.
///
/// The token travels as a `<Parameter>`, because Twilio drops a stream URL's query.
pub(super) fn connect_stream(stream_url: &str, name: &str, value: &str) -> Option<String> {
    if name.chars().count() + value.chars().count() >= PARAMETER_LIMIT {
        return None;
    }
    let (stream_url, name, value) = (escape(stream_url), escape(name), escape(value));
    let twiml = format!(
        "<Response><Connect><Stream url=\"{stream_url}\">\
         <Parameter name=\"{name}\" value=\"{value}\"/>\
         </Stream></Connect></Response>"
    );
    (twiml.chars().count() <= LONGEST_TWIML).then_some(twiml)
}

/// Escapes a text for an attribute (XML 1.0, section 2.4). White space becomes a reference, else a parser would
/// normalise it; characters that XML does not have become U+FFFD.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '\t' | '\n' | '\r' => escaped.push_str(&format!("&#{};", u32::from(character))),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            _ => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn l25_the_token_travels_in_a_parameter_not_in_the_query() {
        let twiml = connect_stream("wss://voice.example.org/twilio/media", "token", "abc").expect("short enough");
        assert_eq!(
            twiml,
            "<Response><Connect><Stream url=\"wss://voice.example.org/twilio/media\">\
             <Parameter name=\"token\" value=\"abc\"/></Stream></Connect></Response>"
        );
    }

    #[test]
    fn what_twilio_would_refuse_is_not_sent() {
        assert!(connect_stream("wss://h", "token", &"x".repeat(494)).is_some());
        assert!(connect_stream("wss://h", "token", &"x".repeat(495)).is_none());
        assert!(connect_stream(&format!("wss://h/{}", "x".repeat(4000)), "token", "x").is_none());
    }

    proptest! {
        #[test]
        fn no_value_breaks_out_of_its_attribute(value in any::<String>()) {
            let escaped = escape(&value);
            prop_assert!(!escaped.contains(['<', '>', '"', '\'']));
            let unescaped = escaped
                .replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&apos;", "'")
                .replace("&#9;", "\t").replace("&#10;", "\n").replace("&#13;", "\r").replace("&amp;", "&");
            let expected: String = value.chars().map(|c| match c {
                '\t' | '\n' | '\r' => c,
                '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => '\u{fffd}',
                c => c,
            }).collect();
            prop_assert_eq!(unescaped, expected);
        }
    }
}
