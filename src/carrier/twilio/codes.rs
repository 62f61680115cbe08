//! What Twilio's error codes ask of the caller of the port.
//!
//! After <https://www.twilio.com/docs/api/errors>. A code that is not here is decided by the HTTP status; one that
//! nobody knows costs an attempt, never a number and never the account.

use samvad_actors::ports::StopScope;

/// What an error code means to a request to place a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Not processed: later.
    SlowDown,
    /// The called number is at fault, for ever.
    BadNumber,
    /// An operator must act first.
    Stopped(StopScope),
}

/// Each code with its meaning and Twilio's words for it.
const CODES: &[(u32, Meaning, &str)] = {
    use Meaning::{BadNumber, SlowDown, Stopped};
    use StopScope::{Account, CallerId, Destination};
    &[
        (10001, Stopped(Account), "account is not active"),
        (10002, Stopped(Account), "trial account does not support this feature"),
        (10003, Stopped(Account), "call rejected due to inactive account"),
        (10004, SlowDown, "call concurrency limit exceeded"),
        (
            10005,
            Stopped(Account),
            "voice calling has been disabled for this account",
        ),
        (13227, Stopped(Destination), "geo permissions do not permit the call"),
        (20003, Stopped(Account), "authentication failed"),
        (20005, Stopped(Account), "account not active"),
        (20403, Stopped(Account), "forbidden"),
        (20429, SlowDown, "too many requests"),
        (21202, BadNumber, "the called number is a premium number"),
        (21203, Stopped(Destination), "international calling is not enabled"),
        (21210, Stopped(CallerId), "the calling number is not verified"),
        (21211, BadNumber, "invalid called number"),
        (21212, Stopped(CallerId), "invalid calling number"),
        (21213, Stopped(CallerId), "a calling number is required"),
        (21214, BadNumber, "the called number cannot be reached"),
        (21215, Stopped(Destination), "geo permissions do not permit the call"),
        (21216, BadNumber, "the account is not allowed to call this number"),
        (21217, BadNumber, "the called number does not appear to be valid"),
        (21219, Stopped(Account), "a trial account calls verified numbers only"),
        (22005, SlowDown, "more than 24 hours of calls are queued"),
        (32205, Stopped(Destination), "geo permissions do not permit the call"),
    ]
};

/// The meaning of a code; `None` for one that the HTTP status decides.
pub(super) fn meaning(code: u32) -> Option<Meaning> {
    let position = CODES.binary_search_by_key(&code, |(known, _, _)| *known).ok()?;
    CODES.get(position).map(|(_, meaning, _)| *meaning)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_so_that_every_code_in_it_is_found() {
        assert!(CODES.is_sorted_by(|(one, ..), (next, ..)| one < next));
        for (code, expected, words) in CODES {
            assert_eq!(meaning(*code), Some(*expected), "{words}");
        }
    }

    #[test]
    fn a_code_that_is_not_known_costs_neither_the_number_nor_the_account() {
        for code in [0, 20404, 20500, 21205, 21220, 21262, 99999] {
            assert_eq!(meaning(code), None, "{code}");
        }
    }
}
