//! Reads variables and collects what is wrong with them. No value is ever repeated in a fault: a secret may have
//! been pasted into the wrong variable.

use super::Secret;
use super::variables::{default_of, is_known};
use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// One thing that is wrong with the settings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{variable} {fault}; {remedy}")]
pub struct ConfigFault {
    /// Which variable.
    pub variable: String,
    /// What is wrong with it, without its value.
    pub fault: String,
    /// What to do.
    pub remedy: String,
}

/// Everything that is wrong with the settings; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigFaults(pub Vec<ConfigFault>);

impl fmt::Display for ConfigFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the settings are not usable:")?;
        self.0.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
    }
}

impl std::error::Error for ConfigFaults {}

/// What a parser found wrong: the fault and the remedy.
pub(super) type Invalid = (&'static str, &'static str);

/// The environment, and the faults found in it so far.
pub(super) struct Reader<'a> {
    environment: &'a BTreeMap<String, String>,
    faults: Vec<ConfigFault>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(environment: &'a BTreeMap<String, String>) -> Self {
        Self {
            environment,
            faults: Vec::new(),
        }
    }

    /// A variable's text without blanks around it, or its default; an empty one counts as not set.
    pub(super) fn text(&self, name: &str) -> Option<&'a str> {
        self.set(name).or_else(|| default_of(name))
    }

    /// A variable that is set, or its default, read by a parser. `None` without a value or with a fault.
    pub(super) fn parsed<T>(&mut self, name: &str, parse: impl FnOnce(&str) -> Result<T, Invalid>) -> Option<T> {
        match parse(self.text(name)?) {
            Ok(value) => Some(value),
            Err((fault, remedy)) => {
                self.fault(name, fault, remedy);
                None
            }
        }
    }

    /// A number within a range.
    pub(super) fn number<T: FromStr + PartialOrd + fmt::Display>(
        &mut self,
        name: &str,
        range: RangeInclusive<T>,
    ) -> Option<T> {
        let number = self.text(name)?.parse().ok().filter(|number| range.contains(number));
        if number.is_none() {
            let remedy = format!("write a number from {} to {}", range.start(), range.end());
            self.fault(name, "is not a number in its range", &remedy);
        }
        number
    }

    /// A secret: the variable, or the file that `NAME_FILE` names.
    pub(super) fn secret(&mut self, name: &str) -> Option<Secret<String>> {
        let file_variable = format!("{name}_FILE");
        match (self.set(name), self.set(&file_variable)) {
            (Some(_), Some(_)) => {
                self.fault(name, &format!("and {file_variable} are both set"), "keep one of them");
                None
            }
            (Some(value), None) => Some(Secret::new(value.to_owned())),
            (None, Some(path)) => match std::fs::read_to_string(path).map(|content| content.trim().to_owned()) {
                Ok(value) if !value.is_empty() => Some(Secret::new(value)),
                Ok(_) => {
                    self.fault(&file_variable, "names an empty file", "write the secret into it");
                    None
                }
                Err(error) => {
                    let fault = format!("names a file that cannot be read: {}", error.kind());
                    self.fault(&file_variable, &fault, "check the path and the file's owner");
                    None
                }
            },
            (None, None) => None,
        }
    }

    /// Notes a fault.
    pub(super) fn fault(&mut self, variable: &str, fault: &str, remedy: &str) {
        self.faults.push(ConfigFault {
            variable: variable.to_owned(),
            fault: fault.to_owned(),
            remedy: remedy.to_owned(),
        });
    }

    /// Variables that look like ours and are not: a slip of the pen would otherwise leave a default in force.
    pub(super) fn unknown(&self) -> Vec<String> {
        let ours = |name: &&String| name.starts_with("SAMVAD_") && !is_known(name);
        self.environment.keys().filter(ours).cloned().collect()
    }

    pub(super) fn into_faults(self) -> Vec<ConfigFault> {
        self.faults
    }

    fn set(&self, name: &str) -> Option<&'a str> {
        self.environment
            .get(name)
            .map(|value| value.trim())
            .filter(|value| !value.is_empty())
    }
}
