//! Lists in the order of preference, with commas between their names.

use super::reader::Invalid;
use std::fmt;

/// What is wrong with such a list.
pub(super) struct Faults {
    /// A name is none of those that may stand there.
    pub unknown: &'static str,
    /// A name stands there twice.
    pub twice: &'static str,
    pub remedy: &'static str,
}

/// Reads a list in which each may stand once.
pub(super) fn parse<T: PartialEq>(
    text: &str,
    named: impl Fn(&str) -> Option<T>,
    faults: &Faults,
) -> Result<Vec<T>, Invalid> {
    let mut list = Vec::new();
    for name in text.split(',') {
        let item = named(name.trim()).ok_or((faults.unknown, faults.remedy))?;
        if list.contains(&item) {
            return Err((faults.twice, faults.remedy));
        }
        list.push(item);
    }
    Ok(list)
}

/// Writes a list as it is read.
pub(super) fn write(list: &[impl fmt::Display], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (index, item) in list.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        write!(f, "{comma}{item}")?;
    }
    Ok(())
}

/// A fault as the command line tells it.
pub(super) fn told((fault, remedy): Invalid) -> String {
    format!("the text {fault}; {remedy}")
}
