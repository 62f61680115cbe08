//! Idempotency keys: a write that is sent twice is done once, and answered the same both times
//! (draft-ietf-httpapi-idempotency-key-header).

use super::StoreError;
use async_trait::async_trait;

/// A write, by its key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyedRequest {
    /// Id of the user or token that sends it: keys of different senders are different.
    pub principal: String,
    /// The `Idempotency-Key`.
    pub key: String,
    /// SHA-256 of method, path, query and body, hexadecimal.
    pub fingerprint: String,
    /// When it came, UTC milliseconds. Who lost the key to a later one, after a long time, keeps no answer for it.
    pub came_at_ms: i64,
}

/// An answer to be given again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeptAnswer {
    /// HTTP status.
    pub status: u16,
    /// Headers that belong to it (`content-type`, `etag`, `location`), by lower-case name.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: String,
}

/// Where a write with a key stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum KeyState {
    /// Not seen before: whoever gets this does it, and says how it ended.
    New,
    /// Somebody is doing it.
    UnderWay,
    /// Done: this was the answer.
    Done(KeptAnswer),
    /// The key was used for another request.
    OtherRequest,
}

/// Keeps answers.
#[async_trait]
pub trait IdempotencyStore: Send + Sync {
    /// Takes a key, if nobody has. One under way since before `abandoned_before_ms` counts as never begun; choose it so
    /// that no request takes as long.
    async fn take_key(&self, request: &KeyedRequest, abandoned_before_ms: i64) -> Result<KeyState, StoreError>;
    /// Keeps the answer to a request whose key was taken. `Conflict` if it was not, has its answer, or was lost to a later
    /// request.
    async fn keep_answer(&self, request: &KeyedRequest, answer: &KeptAnswer) -> Result<(), StoreError>;
    /// Gives a key back, unless it was lost to a later request: this one failed without effect, and may be sent again.
    async fn release_key(&self, request: &KeyedRequest) -> Result<(), StoreError>;
}
