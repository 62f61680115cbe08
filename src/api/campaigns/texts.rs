//! Values that are written as texts of a certain form.

use samvad_actors::domain::{CalendarDate, Language, PhoneNumber, TimeOfDay};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

/// A type that is written as text, read by `$parse`, and described by a pattern. What cannot be read is told with what
/// is expected, and not repeated.
macro_rules! text {
    ($(#[$doc:meta])* $name:ident($inner:ty), $parse:expr, $write:expr, $expected:literal, $pattern:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(in crate::api) struct $name(pub(in crate::api) $inner);

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let write: fn(&$inner) -> String = $write;
                serializer.serialize_str(&write(&self.0))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Reader;
                impl de::Visitor<'_> for Reader {
                    type Value = $name;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($expected)
                    }

                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$name, E> {
                        let parse: fn(&str) -> Option<$inner> = $parse;
                        parse(text).map($name).ok_or_else(|| E::invalid_value(de::Unexpected::Other("text"), &self))
                    }
                }
                deserializer.deserialize_str(Reader)
            }
        }

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .description(Some(concat!("Write ", $expected, ".")))
                    .pattern(Some($pattern))
                    .into()
            }
        }

        impl ToSchema for $name {}
    };
}

text!(
    /// A telephone number.
    Number(PhoneNumber),
    |text| PhoneNumber::parse(text).ok(),
    |number| number.expose().to_owned(),
    "a telephone number in E.164 form as in +14155550123",
    r"^\+[1-9][0-9]{6,14}$"
);
text!(
    /// A time of day.
    Time(TimeOfDay),
    |text| TimeOfDay::parse(text).ok(),
    ToString::to_string,
    "a time of day as in 09:30",
    "^([01][0-9]|2[0-3]):[0-5][0-9]$"
);
text!(
    /// A day.
    Date(CalendarDate),
    |text| CalendarDate::parse(text).ok(),
    ToString::to_string,
    "a day of the calendar as in 2026-01-26",
    "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
);
text!(
    /// A language.
    Tag(Language),
    tag,
    |language| language.0.clone(),
    "a language tag as in en or hi-IN",
    "^[A-Za-z0-9-]{1,35}$"
);

/// Longest tag of a language (RFC 5646, section 4.4.1).
const LONGEST_TAG: usize = 35;

fn tag(text: &str) -> Option<Language> {
    let fits = (1..=LONGEST_TAG).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    fits.then(|| Language(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn what_is_not_of_the_form_is_refused_without_being_repeated() {
        for text in ["4155550123", "=1+1", "+1415555canary", ""] {
            let error = serde_json::from_value::<Number>(json!(text))
                .expect_err("refused")
                .to_string();
            assert!(
                error.ends_with("as in +14155550123") && !error.contains("canary"),
                "{error}"
            );
        }
        assert!(serde_json::from_value::<Time>(json!("24:00")).is_err());
        assert!(serde_json::from_value::<Date>(json!("2026-02-29")).is_err());
        assert!(serde_json::from_value::<Tag>(json!("../hi")).is_err());
        assert!(serde_json::from_value::<Number>(json!(14_155_550_123_u64)).is_err());
    }

    proptest! {
        #[test]
        fn what_is_of_the_form_reads_back(digits in "[1-9][0-9]{6,14}", minutes in 0..1440_u16, tag in "[a-zA-Z0-9-]{1,35}") {
            let number = json!(format!("+{digits}"));
            let read: Number = serde_json::from_value(number.clone()).expect("a number");
            prop_assert_eq!(serde_json::to_value(&read).expect("written"), number);
            let time = Time(TimeOfDay::from_minutes(minutes));
            let written = serde_json::to_value(&time).expect("written");
            prop_assert_eq!(serde_json::from_value::<Time>(written).expect("a time"), time);
            let read: Tag = serde_json::from_value(json!(tag)).expect("a tag");
            prop_assert_eq!(read.0.0, tag);
        }
    }
}
