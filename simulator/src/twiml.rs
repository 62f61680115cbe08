//! TwiML, as far as it is interpreted here: `<Response>` with `<Connect><Stream>`, `<Say>`, `<Gather>`, `<Pause>`,
//! `<Hangup>` and `<Reject>`. Everything else is a fault, so that what the server writes is what is understood.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use url::Url;

/// What a document tells the network to do, in order.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Verb {
    /// Connect the call to a bidirectional stream.
    Stream(StreamNoun),
    /// Speak: here the words, and the time that they take.
    Say {
        /// What is said.
        text: String,
        /// Estimated from the words, at three a second.
        milliseconds: u64,
    },
    /// Take a key.
    Gather {
        /// Where it is told, absolute or relative to the document's own URL.
        action: String,
        /// How long it is waited for once everything within has been said.
        timeout_ms: u64,
        /// Said meanwhile: `<Say>` and `<Pause>` only.
        meanwhile: Vec<Verb>,
    },
    /// Wait.
    Pause {
        /// How long.
        milliseconds: u64,
    },
    /// End the call.
    Hangup,
    /// Refuse the call; for one that has been answered it ends it.
    Reject,
}

/// The `<Stream>` noun.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct StreamNoun {
    /// Where to, without a query string.
    pub url: String,
    /// True if a query string was dropped from the URL.
    pub query_dropped: bool,
    /// `<Parameter>`s in their order.
    pub parameters: Vec<(String, String)>,
    /// `statusCallback`, if given.
    pub status_callback: Option<String>,
    /// `name`, if given.
    pub name: Option<String>,
}

/// Why a document is refused, with the error code that Twilio would log.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("TwiML error {code}: {fault}")]
pub(crate) struct TwimlError {
    /// 12100 not well formed, 12102 another root, 12200 not after the schema, 31923 a malformed stream URL.
    pub code: u32,
    /// What is wrong.
    pub fault: String,
}

fn fault<T>(code: u32, fault: impl Into<String>) -> Result<T, TwimlError> {
    Err(TwimlError {
        code,
        fault: fault.into(),
    })
}

/// An element with what is in it: enough of a document tree for a grammar of this size.
#[derive(Default)]
struct Element {
    name: String,
    attributes: Vec<(String, String)>,
    children: Vec<Element>,
    text: String,
}

/// Elements within one another; TwiML has three levels.
const DEEPEST: usize = 8;

/// Reads a document.
///
/// # Errors
/// [`TwimlError`] for anything but the verbs and attributes named in this module.
pub(crate) fn parse(document: &str) -> Result<Vec<Verb>, TwimlError> {
    let root = tree(document)?;
    if root.name != "Response" {
        return fault(12102, format!("the root is <{}>, not <Response>", root.name));
    }
    root.attributes(&[])?;
    root.no_text()?;
    root.children.iter().map(verb).collect()
}

fn verb(element: &Element) -> Result<Verb, TwimlError> {
    match element.name.as_str() {
        "Connect" => {
            element.attributes(&[])?;
            element.no_text()?;
            match element.children.as_slice() {
                [noun] if noun.name == "Stream" => stream(noun).map(Verb::Stream),
                _ => fault(12200, "<Connect> takes exactly one <Stream>"),
            }
        }
        "Say" => {
            element.attributes(&["voice", "language", "loop"])?;
            element.no_children()?;
            let words = element.text.split_whitespace().count() as u64;
            Ok(Verb::Say {
                text: element.text.clone(),
                milliseconds: words * 333,
            })
        }
        "Gather" => gather(element),
        "Pause" => {
            element.attributes(&["length"])?;
            element.empty()?;
            match element.get("length").unwrap_or("1").parse::<u64>() {
                Ok(seconds) if seconds <= 600 => Ok(Verb::Pause {
                    milliseconds: seconds * 1_000,
                }),
                _ => fault(12200, "<Pause length> is not a number of seconds up to 600"),
            }
        }
        "Hangup" => {
            element.attributes(&[])?;
            element.empty()?;
            Ok(Verb::Hangup)
        }
        "Reject" => {
            element.attributes(&["reason"])?;
            element.empty()?;
            match element.get("reason") {
                None | Some("busy" | "rejected") => Ok(Verb::Reject),
                Some(_) => fault(12200, "<Reject reason> is neither busy nor rejected"),
            }
        }
        other => fault(12200, format!("<{other}> is not a verb that is understood here")),
    }
}

/// One key, told by POST: all that is interpreted of `<Gather>`.
fn gather(element: &Element) -> Result<Verb, TwimlError> {
    element.attributes(&["input", "numDigits", "timeout", "action", "method"])?;
    element.no_text()?;
    for (name, only) in [("input", "dtmf"), ("method", "POST")] {
        if element.get(name).is_some_and(|value| value != only) {
            return fault(
                12200,
                format!("<Gather {name}> is not {only}, which alone is understood here"),
            );
        }
    }
    if element.get("numDigits") != Some("1") {
        return fault(12200, "<Gather numDigits> is not 1, which alone is understood here");
    }
    let Some(action) = element.get("action") else {
        return fault(12200, "<Gather> has no action");
    };
    let timeout_ms = match element.get("timeout").unwrap_or("5").parse::<u64>() {
        Ok(seconds) if seconds <= 600 => seconds * 1_000,
        _ => return fault(12200, "<Gather timeout> is not a number of seconds up to 600"),
    };
    let meanwhile = element.children.iter().map(verb).collect::<Result<Vec<_>, _>>()?;
    if meanwhile
        .iter()
        .any(|verb| !matches!(verb, Verb::Say { .. } | Verb::Pause { .. }))
    {
        return fault(12200, "<Gather> takes <Say> and <Pause> only");
    }
    Ok(Verb::Gather {
        action: action.to_owned(),
        timeout_ms,
        meanwhile,
    })
}

fn stream(element: &Element) -> Result<StreamNoun, TwimlError> {
    element.attributes(&["url", "name", "track", "statusCallback", "statusCallbackMethod"])?;
    element.no_text()?;
    let Some(url) = element.get("url") else {
        return fault(31923, "<Stream> has no url");
    };
    let Ok(mut parsed) = Url::parse(url) else {
        return fault(31923, "<Stream url> is not a URL");
    };
    if parsed.scheme() != "wss" {
        return fault(31923, "<Stream url> is not wss");
    }
    if element.get("track").is_some_and(|track| track != "inbound_track") {
        return fault(31941, "<Stream track> of a bidirectional stream is inbound_track");
    }
    let query_dropped = parsed.query().is_some() || parsed.fragment().is_some();
    parsed.set_query(None);
    parsed.set_fragment(None);
    let mut parameters = Vec::new();
    for child in &element.children {
        if child.name != "Parameter" {
            return fault(12200, format!("<{}> is not allowed in <Stream>", child.name));
        }
        child.attributes(&["name", "value"])?;
        child.empty()?;
        match (child.get("name"), child.get("value")) {
            (Some(name), Some(value)) if name.len() + value.len() < 500 => {
                parameters.push((name.to_owned(), value.to_owned()));
            }
            (Some(_), Some(_)) => return fault(12200, "<Parameter> name and value are 500 characters or more"),
            _ => return fault(12200, "<Parameter> takes a name and a value"),
        }
    }
    Ok(StreamNoun {
        // The URL as it was written: the signature covers it to the letter.
        url: url.split(['?', '#']).next().unwrap_or_default().to_owned(),
        query_dropped,
        parameters,
        status_callback: element.get("statusCallback").map(str::to_owned),
        name: element.get("name").map(str::to_owned),
    })
}

impl Element {
    fn open(start: &BytesStart<'_>) -> Result<Self, TwimlError> {
        let not_well_formed = |error: &dyn std::fmt::Display| TwimlError {
            code: 12100,
            fault: error.to_string(),
        };
        let mut element = Self {
            name: String::from_utf8_lossy(start.name().as_ref()).into_owned(),
            ..Self::default()
        };
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|error| not_well_formed(&error))?;
            let value = attribute
                .decode_and_unescape_value(start.decoder())
                .map_err(|error| not_well_formed(&error))?;
            element.attributes.push((
                String::from_utf8_lossy(attribute.key.as_ref()).into_owned(),
                value.into_owned(),
            ));
        }
        Ok(element)
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    fn attributes(&self, allowed: &[&str]) -> Result<(), TwimlError> {
        match self
            .attributes
            .iter()
            .find(|(name, _)| !allowed.contains(&name.as_str()))
        {
            Some((name, _)) => fault(12200, format!("<{}> does not take the attribute {name:?}", self.name)),
            None => Ok(()),
        }
    }

    fn no_children(&self) -> Result<(), TwimlError> {
        if self.children.is_empty() {
            Ok(())
        } else {
            fault(12200, format!("<{}> takes no elements", self.name))
        }
    }

    fn no_text(&self) -> Result<(), TwimlError> {
        if self.text.trim().is_empty() {
            Ok(())
        } else {
            fault(12200, format!("<{}> takes no text", self.name))
        }
    }

    fn empty(&self) -> Result<(), TwimlError> {
        self.no_children()?;
        self.no_text()
    }
}

fn tree(document: &str) -> Result<Element, TwimlError> {
    let mut reader = Reader::from_str(document);
    let mut open: Vec<Element> = Vec::new();
    let mut root = None;
    loop {
        let closed = match reader.read_event().map_err(|error| TwimlError {
            code: 12100,
            fault: error.to_string(),
        })? {
            Event::Start(start) => {
                if open.len() == DEEPEST {
                    return fault(12200, "the elements are nested too deep");
                }
                open.push(Element::open(&start)?);
                None
            }
            Event::Empty(start) => Some(Element::open(&start)?),
            // That it closes the right element is checked by the reader.
            Event::End(_) => open.pop(),
            Event::Text(text) => {
                append(&mut open, &String::from_utf8_lossy(&text))?;
                None
            }
            Event::CData(text) => {
                append(&mut open, &String::from_utf8_lossy(&text))?;
                None
            }
            Event::GeneralRef(reference) => {
                append(&mut open, referred(&String::from_utf8_lossy(&reference)))?;
                None
            }
            Event::Decl(_) | Event::Comment(_) => None,
            Event::PI(_) | Event::DocType(_) => return fault(12100, "processing instructions have no place here"),
            Event::Eof => break,
        };
        if let Some(element) = closed {
            match open.last_mut() {
                Some(parent) => parent.children.push(element),
                None if root.is_none() => root = Some(element),
                None => return fault(12100, "there is more than one root"),
            }
        }
    }
    if !open.is_empty() {
        return fault(12100, "an element is not closed");
    }
    root.map_or_else(|| fault(12100, "the document is empty"), Ok)
}

/// What a reference stands for; only those of XML itself are known (XML 1.0, section 4.6).
fn referred(name: &str) -> &'static str {
    match name {
        "lt" => "<",
        "gt" => ">",
        "quot" => "\"",
        "apos" => "'",
        "amp" => "&",
        _ => "\u{fffd}",
    }
}

fn append(open: &mut [Element], text: &str) -> Result<(), TwimlError> {
    match open.last_mut() {
        Some(element) => element.text.push_str(text),
        None if text.trim().is_empty() => {}
        None => return fault(12100, "there is text outside the root"),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_stream_with_parameters_is_understood_and_escapes_are_resolved() {
        let document = r#"<?xml version="1.0" encoding="UTF-8"?>
            <Response><Connect><Stream url="wss://s.example/media"><Parameter name="token" value="a&amp;b"/></Stream>
            </Connect></Response>"#;
        let expected = StreamNoun {
            url: "wss://s.example/media".to_owned(),
            parameters: vec![("token".to_owned(), "a&b".to_owned())],
            ..StreamNoun::default()
        };
        assert_eq!(parse(document), Ok(vec![Verb::Stream(expected)]));
    }

    #[test]
    fn l25_a_query_string_on_the_stream_url_is_dropped() {
        let document = r#"<Response><Connect><Stream url="wss://s.example/m?token=1"/></Connect></Response>"#;
        let verbs = parse(document).expect("understood");
        assert!(matches!(&verbs[..], [Verb::Stream(s)] if s.url == "wss://s.example/m" && s.query_dropped));
    }

    #[test]
    fn other_verbs_are_understood() {
        let document = r#"<Response><Say voice="alice">one two three</Say><Pause length="2"/><Hangup/></Response>"#;
        let expected = vec![
            Verb::Say {
                text: "one two three".to_owned(),
                milliseconds: 999,
            },
            Verb::Pause { milliseconds: 2_000 },
            Verb::Hangup,
        ];
        assert_eq!(parse(document), Ok(expected));
    }

    #[test]
    fn a_key_is_gathered_while_something_is_said() {
        let document = r#"<Response><Gather input="dtmf" numDigits="1" timeout="8" action="https://s.example/key"
            method="POST"><Say>Fish &amp; chips</Say></Gather><Hangup/></Response>"#;
        let expected = vec![
            Verb::Gather {
                action: "https://s.example/key".to_owned(),
                timeout_ms: 8_000,
                meanwhile: vec![Verb::Say {
                    text: "Fish & chips".to_owned(),
                    milliseconds: 999,
                }],
            },
            Verb::Hangup,
        ];
        assert_eq!(parse(document), Ok(expected));
    }

    #[test]
    fn what_is_not_understood_is_named_with_twilios_code() {
        for (document, code, fault) in [
            ("<Response>", 12100, "closed"),
            ("", 12100, "empty"),
            ("<Response/><Response/>", 12100, "root"),
            ("<Answer/>", 12102, "<Answer>"),
            ("<Response><Gather/></Response>", 12200, "numDigits"),
            ("<Response><Gather numDigits='1'/></Response>", 12200, "action"),
            (
                "<Response><Gather numDigits='1' action='x' input='speech'/></Response>",
                12200,
                "input",
            ),
            (
                "<Response><Gather numDigits='1' action='x'><Hangup/></Gather></Response>",
                12200,
                "<Say>",
            ),
            ("<Response><Dial/></Response>", 12200, "<Dial>"),
            ("<Response><Hangup now='1'/></Response>", 12200, "now"),
            ("<Response>hello</Response>", 12200, "text"),
            ("<Response><Connect/></Response>", 12200, "<Stream>"),
            ("<Response><Connect><Stream/></Connect></Response>", 31923, "url"),
            (
                "<Response><Connect><Stream url='ws://a.example/'/></Connect></Response>",
                31923,
                "wss",
            ),
            ("<Response><Pause length='long'/></Response>", 12200, "length"),
        ] {
            let error = parse(document).expect_err(document);
            assert!(error.code == code && error.fault.contains(fault), "{document}: {error}");
        }
        let long = format!(
            "<Response><Connect><Stream url='wss://a.example/'><Parameter name='n' value='{}'/></Stream></Connect></Response>",
            "x".repeat(499)
        );
        assert_eq!(parse(&long).map_err(|error| error.code), Err(12200));
    }

    proptest! {
        #[test]
        fn no_document_makes_the_parser_panic(document in "[<>/a-zA-Z \"'=&;?!\\[\\]-]{0,80}") {
            let _ = parse(&document);
        }
    }
}
