//! What people look after: campaigns, contacts and the files they come from, the exclusion list, statistics, exports.

mod campaigns;
mod exclusions;
mod export;
mod imports;
mod people;
mod statements;
mod statistics;
mod taken_out;

#[cfg(test)]
pub(super) use statements::ALL;

use samvad_actors::ports::AuditEntry;
use serde_json::Value;

use statements as sql;

/// An entry of the audit log with what the store found and wrote, unless its author says it.
fn filled(entry: &AuditEntry, before: Option<Value>, after: Option<Value>) -> AuditEntry {
    AuditEntry {
        before: entry.before.clone().or(before),
        after: entry.after.clone().or(after),
        ..entry.clone()
    }
}
