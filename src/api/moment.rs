//! Moments as the API writes them: RFC 3339 in UTC, to the millisecond.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};

/// A moment, in milliseconds since 1970 in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub i64);

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let moment = Timestamp::from_millisecond(self.0).map_err(serde::ser::Error::custom)?;
        serializer.serialize_str(&format!("{moment:.3}"))
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Rfc3339;
        impl de::Visitor<'_> for Rfc3339 {
            type Value = Moment;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a time as in 2026-01-31T12:00:00Z")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Moment, E> {
                let read = text.parse::<Timestamp>();
                read.map(|moment| Moment(moment.as_millisecond()))
                    .map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_str(Rfc3339)
    }
}

impl PartialSchema for Moment {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .into()
    }
}

impl ToSchema for Moment {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_moment_is_written_in_utc_to_the_millisecond() {
        let text = serde_json::to_string(&Moment(1_769_860_800_007)).expect("written");
        assert_eq!(text, "\"2026-01-31T12:00:00.007Z\"");
        let read: Moment = serde_json::from_str("\"2026-01-31T13:00:00.007+01:00\"").expect("read");
        assert_eq!(read, Moment(1_769_860_800_007));
        assert!(serde_json::from_str::<Moment>("\"tomorrow\"").is_err());
    }

    proptest! {
        #[test]
        fn a_moment_reads_back(ms in 0..4_102_444_800_000_i64) {
            let text = serde_json::to_string(&Moment(ms)).expect("written");
            prop_assert_eq!(serde_json::from_str::<Moment>(&text).expect("read"), Moment(ms));
        }
    }
}
