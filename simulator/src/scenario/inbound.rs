//! Calls that people make to the server's number.

use super::fields::Section;
use super::parse::number;

/// Who calls.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum From {
    /// Everybody of this kind of caller, once the call to them has ended; to the number that called.
    Caller(String),
    /// Somebody who was not called, from this number (`None`: withheld) to that.
    Stranger { number: Option<u64>, to: u64 },
}

/// A call to the server's number, and what must come of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct InboundCall {
    pub name: String,
    pub from: From,
    /// After the end of the call that is returned; for a stranger, after the first call of the run.
    pub after_ms: u64,
    /// One for each `<Gather>`.
    pub keys: Vec<char>,
    /// From the beginning of a `<Gather>` to the key.
    pub press_after_ms: u64,
    /// Path of the number's voice URL on the public origin.
    pub voice_path: String,
    /// The server is first asked the same without a signature, and must refuse.
    pub forged_first: bool,
    /// Parts of what is said, in this order.
    pub hears: Vec<String>,
    /// What must not be said.
    pub hears_not: Vec<String>,
}

/// Reads one call. `callers` are the names of those who are called.
pub(super) fn inbound(mut section: Section<'_>, callers: &[&str]) -> InboundCall {
    let name = section.text("name").unwrap_or_default();
    if name.is_empty() {
        section.fault("name", "is missing; give the call a short name of its own");
    }
    let caller = section.text("caller");
    let from_number = number(&mut section, "number");
    let withheld = section.flag("withheld").unwrap_or(false);
    let to = number(&mut section, "to");
    let from = match (caller, from_number, withheld, to) {
        (Some(caller), None, false, None) if callers.contains(&caller.as_str()) => Some(From::Caller(caller)),
        (Some(_), None, false, None) => {
            section.fault("caller", "is not the name of a caller of this file");
            None
        }
        (None, Some(number), false, Some(to)) => Some(From::Stranger {
            number: Some(number),
            to,
        }),
        (None, None, true, Some(to)) => Some(From::Stranger { number: None, to }),
        _ => {
            section.fault(
                "caller",
                "or a stranger's call: give either caller, or to with number or withheld",
            );
            None
        }
    };
    let keys = section.text("keys").unwrap_or_default();
    if !keys.chars().all(|key| key.is_ascii_digit() || matches!(key, '*' | '#')) {
        section.fault("keys", "has something else than digits, * and #");
    }
    let voice_path = section.text("voice_path").unwrap_or_else(|| "/twilio/voice".to_owned());
    if !voice_path.starts_with('/') {
        section.fault("voice_path", "does not begin with a slash");
    }
    let call = InboundCall {
        after_ms: section.integer("after_ms", 0..=3_600_000).unwrap_or(1_000),
        press_after_ms: section.integer("press_after_ms", 0..=60_000).unwrap_or(1_000),
        forged_first: section.flag("forged_first").unwrap_or(false),
        hears: texts(&mut section, "hears"),
        hears_not: texts(&mut section, "hears_not"),
        keys: keys.chars().collect(),
        voice_path,
        // With a fault the file is not used.
        from: from.unwrap_or(From::Caller(String::new())),
        name,
    };
    section.finish();
    call
}

fn texts(section: &mut Section<'_>, name: &str) -> Vec<String> {
    let faults = section.faults();
    let list = section.list(name).into_iter();
    list.filter_map(|(path, value)| {
        let text = value.as_str().map(str::to_owned);
        if text.is_none() {
            faults.add(&path, "is not a text");
        }
        text
    })
    .collect()
}
