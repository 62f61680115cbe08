//! What needs randomness: attempt ids and media tokens.

use crate::domain::AttemptId;

/// A media token, fresh from the mint. Its text is a secret.
pub struct MediaToken {
    /// What travels to the carrier.
    pub text: String,
    /// What is stored: SHA-256 of the text, hexadecimal.
    pub hash: String,
    /// Until when it may be used.
    pub expires_at_ms: i64,
}

/// Makes media tokens and attempt ids: the two things here that need randomness.
pub trait TokenMint: Send + Sync + 'static {
    /// A new attempt id.
    fn attempt_id(&self) -> AttemptId;
    /// A token for an attempt.
    ///
    /// # Errors
    /// If the system gives no randomness.
    fn media_token(&self, attempt: &AttemptId, now_ms: i64) -> Result<MediaToken, String>;
}
