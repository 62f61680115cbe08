//! The id of a request: in every answer, in the log's lines about it, and in the audit log.

use std::fmt;
use uuid::Uuid;

/// Our own id of one request. What a client sends as such is not taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(String);

impl RequestId {
    /// A new one.
    pub fn generate() -> Self {
        Self(Uuid::new_v4().to_string())
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
