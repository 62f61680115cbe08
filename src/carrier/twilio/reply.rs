//! What Twilio's answers mean to a caller of the carrier port.

use super::codes::{Meaning, meaning};
use jiff::fmt::rfc2822;
use samvad_actors::domain::{CallSid, CarrierStatus, PhoneNumber};
use samvad_actors::ports::{CarrierCall, CarrierError, StopScope};
use serde::Deserialize;

/// Longest part of Twilio's error message that is kept, in characters.
const LONGEST_MESSAGE: usize = 300;
/// This many digits or more may be somebody's number.
const NUMBER_DIGITS: usize = 7;

/// What was asked: the same answer means different things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// To place a call.
    Create,
    /// To read or change a call there is.
    Existing,
    /// Which calls there are.
    List,
}

/// A call as Twilio describes it; of its many fields those that are acted on.
#[derive(Deserialize)]
struct Call {
    sid: String,
    #[serde(default)]
    status: Option<String>,
    /// Milliseconds, as a string.
    #[serde(default)]
    queue_time: Option<String>,
    #[serde(default)]
    to: Option<String>,
    #[serde(default)]
    from: Option<String>,
    /// RFC 2822.
    #[serde(default)]
    date_created: Option<String>,
}

/// A page of a list.
#[derive(Deserialize)]
struct Page {
    calls: Vec<Call>,
    /// Path and query of the next one.
    #[serde(default)]
    next_page_uri: Option<String>,
}

/// Twilio's description of an error.
#[derive(Default, Deserialize)]
struct Fault {
    #[serde(default)]
    code: Option<u32>,
    #[serde(default)]
    message: Option<String>,
}

/// Reads a whole answer that describes one call.
pub(super) fn read(asked: Asked, http: u16, body: &[u8]) -> Result<CarrierCall, CarrierError> {
    succeeded(asked, http, body)?;
    let call = serde_json::from_slice(body).map_err(|_| unclear("the answer does not describe a call"))?;
    read_call(call)
}

/// Reads a page of a list: its calls, and path and query of the next page.
pub(super) fn read_page(http: u16, body: &[u8]) -> Result<(Vec<CarrierCall>, Option<String>), CarrierError> {
    succeeded(Asked::List, http, body)?;
    let page: Page = serde_json::from_slice(body).map_err(|_| unclear("the answer is no list of calls"))?;
    let calls = page.calls.into_iter().map(read_call).collect::<Result<_, _>>()?;
    Ok((calls, page.next_page_uri.filter(|uri| !uri.is_empty())))
}

/// What an answer without success means.
fn succeeded(asked: Asked, http: u16, body: &[u8]) -> Result<(), CarrierError> {
    if (200..300).contains(&http) {
        return Ok(());
    }
    if http == 408 || http >= 500 {
        return Err(unclear(&format!("HTTP {http}")));
    }
    let fault: Fault = serde_json::from_slice(body).unwrap_or_default();
    let code = fault.code;
    let message = printable(fault.message.as_deref().unwrap_or("no message"));
    Err(match (http, code.and_then(meaning), asked) {
        (429, ..) | (_, Some(Meaning::SlowDown), _) => CarrierError::RateLimited { code },
        (404, _, Asked::Existing) => CarrierError::NotInProgress { code },
        _ if asked == Asked::Existing && code == Some(21220) => CarrierError::NotInProgress { code },
        (_, Some(Meaning::Stopped(scope)), _) => CarrierError::Stopped {
            scope,
            http,
            code,
            message,
        },
        (_, Some(Meaning::BadNumber), Asked::Create) => CarrierError::BadNumber {
            code: code.unwrap_or_default(),
            message,
        },
        (401 | 403, ..) => CarrierError::Stopped {
            scope: StopScope::Account,
            http,
            code,
            message,
        },
        _ => CarrierError::Refused { http, code, message },
    })
}

fn read_call(call: Call) -> Result<CarrierCall, CarrierError> {
    if !is_sid(&call.sid) {
        return Err(unclear("the answer's sid is not a call id"));
    }
    let number = |text: Option<String>| text.and_then(|text| PhoneNumber::parse(&text).ok());
    Ok(CarrierCall {
        sid: CallSid::new(call.sid),
        status: call.status.as_deref().and_then(CarrierStatus::parse),
        queue_time_ms: call.queue_time.and_then(|time| time.parse().ok()),
        to: number(call.to),
        from: number(call.from),
        created_at_ms: call.date_created.and_then(|date| {
            let moment = rfc2822::DateTimeParser::new().parse_timestamp(&date).ok()?;
            Some(moment.as_millisecond())
        }),
    })
}

fn unclear(reason: &str) -> CarrierError {
    CarrierError::Unclear {
        reason: reason.to_owned(),
    }
}

/// True for what may stand in a path as a call's id: letters and digits.
pub(super) fn is_sid(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// A message fit for a log: one line, not long, and without telephone numbers.
fn printable(message: &str) -> String {
    let line: String = message
        .chars()
        .take(LONGEST_MESSAGE)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    mask_numbers(&line)
}

/// Replaces everything that may be a telephone number, however it is grouped, by `[number]`.
fn mask_numbers(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_numeric() || c == '+') {
        let (before, from) = rest.split_at(start);
        masked.push_str(before);
        let end = from
            .find(|c: char| !(c.is_numeric() || matches!(c, '+' | ' ' | '-' | '.' | '(' | ')' | '\u{a0}')))
            .unwrap_or(from.len());
        let (run, after) = from.split_at(end);
        if run.chars().filter(|c| c.is_numeric()).count() >= NUMBER_DIGITS {
            masked.push_str("[number]");
            // What separates the number from the next word is no part of it.
            masked.push_str(&run[run.trim_end_matches(' ').len()..]);
        } else {
            masked.push_str(run);
        }
        rest = after;
    }
    masked.push_str(rest);
    masked
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fault(code: u32, message: &str) -> Vec<u8> {
        serde_json::json!({"code": code, "message": message, "more_info": "", "status": 400})
            .to_string()
            .into_bytes()
    }

    #[test]
    fn a_call_is_read_from_twilios_own_example() {
        let body = br#"{"sid":"CAaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","status":"queued","queue_time":"1000","price":null,
                "to":"+14155552344","from":"+15017122661","date_created":"Tue, 31 Aug 2010 20:36:28 +0000"}"#;
        let call = read(Asked::Create, 201, body).expect("a call");
        assert_eq!(call.sid.as_str(), "CAaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
        assert_eq!(call.status, Some(CarrierStatus::Queued));
        assert_eq!(call.queue_time_ms, Some(1000));
        assert_eq!(call.to, PhoneNumber::parse("+14155552344").ok());
        assert_eq!(call.from, PhoneNumber::parse("+15017122661").ok());
        assert_eq!(call.created_at_ms, Some(1_283_286_988_000));
    }

    #[test]
    fn numbers_and_dates_that_cannot_be_read_leave_the_call_readable() {
        let body = br#"{"sid":"CA1","to":"sip:a@b","from":"client:anna","date_created":"yesterday"}"#;
        let call = read(Asked::Existing, 200, body).expect("a call");
        assert_eq!((call.to, call.from, call.created_at_ms), (None, None, None));
    }

    #[test]
    fn a_page_has_its_calls_and_where_the_next_one_is() {
        let page = br#"{"calls":[{"sid":"CA1"},{"sid":"CA2"}],"next_page_uri":"/2010-04-01/x?Page=1"}"#;
        let (calls, next) = read_page(200, page).expect("a page");
        assert_eq!(calls.len(), 2);
        assert_eq!(next.as_deref(), Some("/2010-04-01/x?Page=1"));
        for last in [&br#"{"calls":[]}"#[..], br#"{"calls":[],"next_page_uri":null}"#] {
            assert_eq!(read_page(200, last), Ok((vec![], None)));
        }
        for unreadable in [&b"{}"[..], b"", br#"{"calls":[{"sid":"../x"}]}"#] {
            assert!(matches!(read_page(200, unreadable), Err(CarrierError::Unclear { .. })));
        }
    }

    #[test]
    fn a_status_word_that_is_not_known_leaves_the_call_readable() {
        let call = read(
            Asked::Create,
            201,
            br#"{"sid":"CA1","status":"parked","queue_time":null}"#,
        )
        .expect("a call");
        assert_eq!((call.status, call.queue_time_ms), (None, None));
    }

    #[test]
    fn l20_an_unreadable_success_is_unclear_and_not_a_refusal() {
        for body in [
            &b""[..],
            b"<html>",
            b"{}",
            br#"{"sid":""}"#,
            br#"{"sid":"../Accounts"}"#,
            br#"{"sid":7}"#,
        ] {
            assert!(
                matches!(read(Asked::Create, 201, body), Err(CarrierError::Unclear { .. })),
                "{body:?}"
            );
        }
    }

    #[test]
    fn each_answer_becomes_the_error_that_callers_act_on() {
        use Asked::{Create, Existing, List};
        let limited = |code| CarrierError::RateLimited { code };
        let refused = |http, code, message: &str| CarrierError::Refused {
            http,
            code,
            message: message.to_owned(),
        };
        let stopped = |scope, http, code, message: &str| CarrierError::Stopped {
            scope,
            http,
            code,
            message: message.to_owned(),
        };
        let bad = |code| CarrierError::BadNumber {
            code,
            message: "x".to_owned(),
        };
        let over = |code| CarrierError::NotInProgress { code: Some(code) };
        let (account, caller, place) = (StopScope::Account, StopScope::CallerId, StopScope::Destination);
        for (asked, http, body, error) in [
            (Create, 429, fault(20429, "x"), limited(Some(20429))),
            (Create, 400, fault(20429, "x"), limited(Some(20429))),
            (Create, 400, fault(10004, "x"), limited(Some(10004))),
            (Create, 429, b"not JSON".to_vec(), limited(None)),
            (Create, 429, fault(21211, "x"), limited(Some(21211))),
            (Create, 401, fault(20003, "x"), stopped(account, 401, Some(20003), "x")),
            (Create, 403, vec![], stopped(account, 403, None, "no message")),
            (Create, 400, fault(10001, "x"), stopped(account, 400, Some(10001), "x")),
            (Create, 400, fault(21210, "x"), stopped(caller, 400, Some(21210), "x")),
            (Create, 403, fault(21215, "x"), stopped(place, 403, Some(21215), "x")),
            (Create, 404, fault(20404, "x"), refused(404, Some(20404), "x")),
            (Create, 400, fault(21211, "x"), bad(21211)),
            (Create, 403, fault(21216, "x"), bad(21216)),
            (Create, 400, fault(99999, "x"), refused(400, Some(99999), "x")),
            (Create, 302, vec![], refused(302, None, "no message")),
            (Create, 500, fault(20500, "x"), unclear("HTTP 500")),
            (Create, 503, fault(21211, "x"), unclear("HTTP 503")),
            (Existing, 404, fault(20404, "x"), over(20404)),
            (Existing, 400, fault(21220, "x"), over(21220)),
            (
                Existing,
                401,
                fault(20003, "x"),
                stopped(account, 401, Some(20003), "x"),
            ),
            (List, 404, fault(20404, "x"), refused(404, Some(20404), "x")),
        ] {
            assert_eq!(read(asked, http, &body), Err(error), "{asked:?} {http}");
        }
    }

    #[test]
    fn a_refusal_is_told_without_the_number() {
        let body = fault(
            21211,
            "The 'To' number +91 98765-43210 is not\na valid phone number (code 21211).",
        );
        let Err(CarrierError::BadNumber { message, .. }) = read(Asked::Create, 400, &body) else {
            panic!("not a refusal");
        };
        assert_eq!(
            message,
            "The 'To' number [number] is not a valid phone number (code 21211)."
        );
    }

    proptest! {
        #[test]
        fn no_number_survives_in_a_message(
            before in "[a-z ]{0,20}", number in "\\+?[0-9]{2,4}[ .()-]{0,2}[0-9]{3,5}[ -]?[0-9]{3,5}", after in "[a-z ]{0,20}",
        ) {
            let digits: String = number.chars().filter(char::is_ascii_digit).collect();
            let message = printable(&format!("{before}{number}{after}"));
            prop_assert!(!message.chars().any(|c| c.is_ascii_digit()), "{} {}", digits, message);
        }

        #[test]
        fn no_answer_makes_the_reader_panic(http in 100_u16..600, body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(Asked::Create, http, &body);
            let _ = read(Asked::Existing, http, &body);
            let _ = read_page(http, &body);
        }

        #[test]
        fn no_message_makes_the_mask_panic(message in any::<String>()) {
            prop_assert!(printable(&message).chars().count() <= LONGEST_MESSAGE + "[number]".len() * LONGEST_MESSAGE);
        }
    }
}
