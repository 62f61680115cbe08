//! Reading the fields of a scenario file so that every fault is found in one go.

use serde_norway::Value;
use std::cell::RefCell;
use std::fmt;
use std::ops::RangeInclusive;

/// One thing that is wrong with a scenario file.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{field}: {fault}")]
pub struct ScenarioFault {
    /// Which field, for example `callers[2].steps[0].say`.
    pub field: String,
    /// What is wrong, and what to write instead.
    pub fault: String,
}

/// Where faults are gathered.
#[derive(Default)]
pub(super) struct Faults(RefCell<Vec<ScenarioFault>>);

impl Faults {
    /// Notes one.
    pub(super) fn add(&self, field: &str, fault: impl Into<String>) {
        self.0.borrow_mut().push(ScenarioFault {
            field: field.to_owned(),
            fault: fault.into(),
        });
    }

    /// All that were noted.
    pub(super) fn into_all(self) -> Vec<ScenarioFault> {
        self.0.into_inner()
    }
}

/// A mapping whose fields are taken one by one; what is left at the end is unknown.
pub(super) struct Section<'f> {
    path: String,
    fields: Vec<(String, Value)>,
    faults: &'f Faults,
}

impl<'f> Section<'f> {
    /// A section at `path`. What is not a mapping is a fault and reads as empty.
    pub(super) fn new(path: &str, value: Value, faults: &'f Faults) -> Self {
        let mut fields = Vec::new();
        match value {
            Value::Mapping(mapping) => {
                for (key, value) in mapping {
                    match key {
                        Value::String(name) => fields.push((name, value)),
                        _ => faults.add(path, "has a key that is not a word"),
                    }
                }
            }
            _ => faults.add(path, "is not a section of fields (name: value)"),
        }
        Self {
            path: path.to_owned(),
            fields,
            faults,
        }
    }

    /// The path of one of its fields.
    pub(super) fn path(&self, name: &str) -> String {
        if self.path.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.path)
        }
    }

    /// The path of the section itself.
    pub(super) fn own_path(&self) -> &str {
        if self.path.is_empty() { "the file" } else { &self.path }
    }

    /// Notes a fault of one of its fields.
    pub(super) fn fault(&self, name: &str, fault: impl Into<String>) {
        self.faults.add(&self.path(name), fault);
    }

    /// Takes a field as it is. A null counts as absent.
    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        let at = self.fields.iter().position(|(key, _)| key == name)?;
        match self.fields.swap_remove(at).1 {
            Value::Null => None,
            value => Some(value),
        }
    }

    /// True if the field is there, null or not.
    pub(super) fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|(key, _)| key == name)
    }

    /// Takes a text.
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        match self.take(name)? {
            Value::String(text) => Some(text),
            _ => {
                self.fault(name, "is not a text; put it between quotes");
                None
            }
        }
    }

    /// Takes true or false.
    pub(super) fn flag(&mut self, name: &str) -> Option<bool> {
        match self.take(name)? {
            Value::Bool(flag) => Some(flag),
            _ => {
                self.fault(name, "is neither true nor false");
                None
            }
        }
    }

    /// Takes a whole number within a range.
    pub(super) fn integer(&mut self, name: &str, range: RangeInclusive<u64>) -> Option<u64> {
        let value = self.take(name)?;
        let number = value.as_u64().filter(|number| range.contains(number));
        if number.is_none() {
            self.fault(
                name,
                format!("is not a whole number from {} to {}", range.start(), range.end()),
            );
        }
        number
    }

    /// Takes a number within a range.
    pub(super) fn number(&mut self, name: &str, range: RangeInclusive<f64>) -> Option<f64> {
        let value = self.take(name)?;
        let number = value.as_f64().filter(|number| range.contains(number));
        if number.is_none() {
            self.fault(
                name,
                format!("is not a number from {} to {}", range.start(), range.end()),
            );
        }
        number
    }

    /// Takes one of some words.
    pub(super) fn choice<T: Copy>(&mut self, name: &str, words: &[(&str, T)]) -> Option<T> {
        let value = self.take(name)?;
        let found = value
            .as_str()
            .and_then(|text| words.iter().find(|(word, _)| *word == text));
        if found.is_none() {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.fault(name, format!("is not one of {}", known.join(", ")));
        }
        found.map(|(_, value)| *value)
    }

    /// Takes a section.
    pub(super) fn section(&mut self, name: &str) -> Option<Section<'f>> {
        let value = self.take(name)?;
        Some(Section::new(&self.path(name), value, self.faults))
    }

    /// Takes a list, each item with its path.
    pub(super) fn list(&mut self, name: &str) -> Vec<(String, Value)> {
        match self.take(name) {
            None => Vec::new(),
            Some(Value::Sequence(items)) => {
                let path = self.path(name);
                items
                    .into_iter()
                    .enumerate()
                    .map(|(index, item)| (format!("{path}[{index}]"), item))
                    .collect()
            }
            Some(_) => {
                self.fault(name, "is not a list (lines that begin with a dash)");
                Vec::new()
            }
        }
    }

    /// Where faults go, for the sections of a list.
    pub(super) fn faults(&self) -> &'f Faults {
        self.faults
    }

    /// Takes all that is left, by name.
    pub(super) fn rest(&mut self) -> Vec<(String, Value)> {
        std::mem::take(&mut self.fields)
    }

    /// Notes what is left as unknown.
    pub(super) fn finish(self) {
        for (name, _) in &self.fields {
            self.fault(name, "is not a field that is known here; see docs/scenarios.md");
        }
    }
}

/// All faults of a file, a line each.
pub(super) fn joined(faults: &[ScenarioFault]) -> impl fmt::Display + '_ {
    struct Lines<'a>(&'a [ScenarioFault]);
    impl fmt::Display for Lines<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
        }
    }
    Lines(faults)
}
