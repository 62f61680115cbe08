//! The TwiML documents we send: connect the call to our media socket; say something to people who call us.

/// Longest TwiML that Twilio takes in a request, in characters.
pub(super) const LONGEST_TWIML: usize = 4000;
/// A stream parameter's name and value together stay below this many characters.
const PARAMETER_LIMIT: usize = 500;

/// Connects the call to `stream_url` with these parameters; what becomes of the stream is told to `events_url`. `None`
/// if it would be longer than Twilio allows.
///
/// The token travels as a `<Parameter>`, because Twilio drops a stream URL's query.
pub(super) fn connect_stream(stream_url: &str, events_url: &str, parameters: &[(&str, &str)]) -> Option<String> {
    let mut twiml = format!(
        "<Response><Connect><Stream url=\"{}\" statusCallback=\"{}\" statusCallbackMethod=\"POST\">",
        escape(stream_url),
        escape(events_url)
    );
    for (name, value) in parameters {
        if name.chars().count() + value.chars().count() >= PARAMETER_LIMIT {
            return None;
        }
        let (name, value) = (escape(name), escape(value));
        twiml.push_str(&format!("<Parameter name=\"{name}\" value=\"{value}\"/>"));
    }
    twiml.push_str("</Stream></Connect></Response>");
    (twiml.chars().count() <= LONGEST_TWIML).then_some(twiml)
}

/// What is offered to a caller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Menu<'a> {
    /// BCP 47 tag of everything that is said.
    pub language: &'a str,
    /// Said while a key may be pressed.
    pub offer: &'a [String],
    /// Where the key goes.
    pub action_url: &'a str,
    /// How long a key is waited for after the offer, in seconds.
    pub wait_seconds: u32,
    /// Said if none comes; then the call ends.
    pub goodbye: &'a [String],
}

/// Says something, takes one key, and ends the call if none comes.
pub(crate) fn offer(menu: &Menu<'_>) -> String {
    format!(
        "<Response><Gather input=\"dtmf\" numDigits=\"1\" timeout=\"{}\" action=\"{}\" method=\"POST\">{}</Gather>\
         {}<Hangup/></Response>",
        menu.wait_seconds,
        escape(menu.action_url),
        say(menu.language, menu.offer),
        say(menu.language, menu.goodbye),
    )
}

/// Says something and ends the call.
pub(crate) fn hang_up_after(language: &str, sentences: &[String]) -> String {
    format!("<Response>{}<Hangup/></Response>", say(language, sentences))
}

fn say(language: &str, sentences: &[String]) -> String {
    let language = escape(language);
    let say = |sentence: &String| format!("<Say language=\"{language}\">{}</Say>", escape(sentence));
    sentences.iter().map(say).collect()
}

/// Escapes a text for an attribute or an element (XML 1.0, section 2.4). White space becomes a reference, else a parser would
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

    const MEDIA: &str = "wss://voice.example.org/twilio/media";
    const EVENTS: &str = "https://voice.example.org/twilio/stream/1";

    #[test]
    fn l25_the_token_travels_in_a_parameter_not_in_the_query() {
        let twiml = connect_stream(MEDIA, EVENTS, &[("token", "abc"), ("language", "en")]).expect("short enough");
        assert_eq!(
            twiml,
            "<Response><Connect><Stream url=\"wss://voice.example.org/twilio/media\" \
             statusCallback=\"https://voice.example.org/twilio/stream/1\" statusCallbackMethod=\"POST\">\
             <Parameter name=\"token\" value=\"abc\"/><Parameter name=\"language\" value=\"en\"/>\
             </Stream></Connect></Response>"
        );
    }

    #[test]
    fn what_twilio_would_refuse_is_not_sent() {
        assert!(connect_stream(MEDIA, EVENTS, &[("token", &"x".repeat(494))]).is_some());
        assert!(connect_stream(MEDIA, EVENTS, &[("token", &"x".repeat(495))]).is_none());
        assert!(connect_stream(&format!("wss://h/{}", "x".repeat(4000)), EVENTS, &[]).is_none());
    }

    #[test]
    fn an_offer_is_said_while_a_key_is_waited_for_and_the_goodbye_after_it() {
        let twiml = offer(&Menu {
            language: "en",
            offer: &["Fish & chips.".to_owned(), "Press 9.".to_owned()],
            action_url: "https://voice.example.org/twilio/voice/key",
            wait_seconds: 6,
            goodbye: &["Goodbye.".to_owned()],
        });
        assert_eq!(
            twiml,
            "<Response><Gather input=\"dtmf\" numDigits=\"1\" timeout=\"6\" \
             action=\"https://voice.example.org/twilio/voice/key\" method=\"POST\">\
             <Say language=\"en\">Fish &amp; chips.</Say><Say language=\"en\">Press 9.</Say></Gather>\
             <Say language=\"en\">Goodbye.</Say><Hangup/></Response>"
        );
        assert_eq!(
            hang_up_after("en", &["Bye.".to_owned()]),
            "<Response><Say language=\"en\">Bye.</Say><Hangup/></Response>"
        );
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
