//! Ids of rows that come by the million.

use jiff::Timestamp;
use uuid::{Builder, Uuid};

/// A new id: UUID version 7 (RFC 9562, 5.7), 74 random bits behind the milliseconds. Ids are about in the order in which
/// they were made, so that a database writes new rows, and reads those of one time, side by side in its indexes; random
/// ones lie all over them. It tells when it was made, and is no secret.
pub(crate) fn new_id() -> String {
    let now_ms = u64::try_from(Timestamp::now().as_millisecond()).unwrap_or(0);
    let mut random = [0; 10];
    // Bytes 6 and 8 of a random UUID hold its version and variant besides.
    let bytes = Uuid::new_v4().into_bytes();
    let whole = bytes[..6].iter().chain(&bytes[9..13]);
    random.iter_mut().zip(whole).for_each(|(to, from)| *to = *from);
    Builder::from_unix_timestamp_millis(now_ms, &random)
        .into_uuid()
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn ids_differ_and_begin_with_the_time_at_which_they_were_made() {
        let before = Timestamp::now().as_millisecond();
        let ids: BTreeSet<String> = (0..10_000).map(|_| new_id()).collect();
        let after = Timestamp::now().as_millisecond();
        assert_eq!(ids.len(), 10_000);
        for id in ids {
            let id = Uuid::parse_str(&id).expect("a UUID");
            assert_eq!(id.get_version_num(), 7);
            let (seconds, nanoseconds) = id.get_timestamp().expect("of a time").to_unix();
            let made_ms = seconds as i64 * 1_000 + i64::from(nanoseconds / 1_000_000);
            assert!((before..=after).contains(&made_ms), "{id}");
        }
    }
}
