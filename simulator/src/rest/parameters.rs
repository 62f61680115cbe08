//! The parameters of requests, checked against Twilio's own description of its API (`data/twilio_calls.json`, derived
//! from the OpenAPI file of github.com/twilio/twilio-oai, MIT).

use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// The description, as far as the Calls resource goes.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Description {
    pub create_call: Operation,
    pub update_call: Operation,
    pub list_calls: Operation,
    #[cfg(test)]
    pub call_members: BTreeMap<String, Member>,
    pub subresources: Vec<String>,
}

/// The parameters of one operation.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Operation {
    required: Vec<String>,
    parameters: BTreeMap<String, Parameter>,
}

#[derive(Debug, Deserialize)]
struct Parameter {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    repeated: bool,
    #[serde(rename = "enum")]
    words: Option<Vec<String>>,
    minimum: Option<i64>,
    maximum: Option<i64>,
}

/// A member of a call in a reply.
#[cfg(test)]
#[derive(Debug, Deserialize)]
pub(super) struct Member {
    /// Whether it may be null.
    pub nullable: bool,
}

/// The description. The file is part of the program, and a test reads it.
pub(super) static DESCRIPTION: LazyLock<Description> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../data/twilio_calls.json")).unwrap_or_default());

/// The fields of a form or a query, in their order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads `application/x-www-form-urlencoded`.
    pub(super) fn parse(encoded: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(encoded).into_owned().collect())
    }

    /// The value of a field; an empty one counts as absent.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(key, value)| key == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    /// The values of a repeated field.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(key, value)| key == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    /// A whole number.
    pub(super) fn integer(&self, name: &str) -> Option<u64> {
        self.get(name)?.parse().ok()
    }

    /// True unless the method is GET; Twilio's default is POST.
    pub(super) fn is_post(&self, name: &str) -> bool {
        self.get(name) != Some("GET")
    }

    /// What the description does not allow, in words that name the field and never its value.
    pub(super) fn faults(&self, operation: &Operation) -> Vec<String> {
        let mut faults = Vec::new();
        for (index, (name, value)) in self.0.iter().enumerate() {
            let Some(parameter) = operation.parameters.get(name) else {
                faults.push(format!("{name} is not a parameter of this operation"));
                continue;
            };
            if !parameter.repeated && self.0[..index].iter().any(|(earlier, _)| earlier == name) {
                faults.push(format!("{name} is given more than once"));
            }
            if !value.is_empty() {
                faults.extend(parameter.fault(value).map(|fault| format!("{name} {fault}")));
            }
        }
        for name in &operation.required {
            if self.get(name).is_none() {
                faults.push(format!("{name} is required"));
            }
        }
        faults
    }
}

impl Parameter {
    fn fault(&self, value: &str) -> Option<String> {
        if let Some(words) = &self.words {
            return (!words.iter().any(|word| word == value)).then(|| format!("is not one of {}", words.join(", ")));
        }
        match self.kind.as_str() {
            "integer" => match value.parse::<i64>() {
                Err(_) => Some("is not a whole number".to_owned()),
                Ok(number) => {
                    let inside =
                        self.minimum.is_none_or(|min| number >= min) && self.maximum.is_none_or(|max| number <= max);
                    (!inside).then(|| "is out of range".to_owned())
                }
            },
            "boolean" => (!["true", "false"].contains(&value)).then(|| "is neither true nor false".to_owned()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_description_has_the_operations_and_the_members_of_a_call() {
        assert_eq!(DESCRIPTION.create_call.required, ["To", "From"]);
        assert!(DESCRIPTION.update_call.parameters.contains_key("Status"));
        assert!(DESCRIPTION.list_calls.parameters.contains_key("StartTime<"));
        assert!(DESCRIPTION.call_members.contains_key("queue_time") && !DESCRIPTION.subresources.is_empty());
    }

    #[test]
    fn a_proper_request_has_no_faults_and_may_repeat_the_events() {
        let fields = Fields::parse(
            b"To=%2B14155550123&From=%2B14155550199&Twiml=%3CResponse%2F%3E&StatusCallbackEvent=initiated\
              &StatusCallbackEvent=completed&Timeout=30&Record=false",
        );
        assert_eq!(fields.faults(&DESCRIPTION.create_call), Vec::<String>::new());
        assert_eq!(
            fields.all("StatusCallbackEvent").collect::<Vec<_>>(),
            ["initiated", "completed"]
        );
        assert_eq!(fields.get("To"), Some("+14155550123"));
    }

    #[test]
    fn every_fault_of_a_request_is_named() {
        let fields = Fields::parse(b"To=x&To=y&Timeout=soon&Record=maybe&StatusCallbackMethod=PUT&IdempotencyKey=1");
        let faults = fields.faults(&DESCRIPTION.create_call).join("; ");
        for part in [
            "To is given more",
            "Timeout is not",
            "Record is",
            "Method is not one of GET, POST",
            "IdempotencyKey is not",
            "From is required",
        ] {
            assert!(faults.contains(part), "{part} in {faults}");
        }
    }

    proptest! {
        #[test]
        fn no_form_makes_the_check_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Fields::parse(&bytes).faults(&DESCRIPTION.create_call);
        }
    }
}
