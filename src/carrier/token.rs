//! The media token: what lets one media stream into one attempt, once.
//!
//! HMAC-SHA256 with a key of our own over attempt, expiry and a random number. It is not derived from any of Twilio's
//! secrets, so that who knows those cannot make one, and it is kept only as a hash, so that who reads the database
//! cannot use one. That it is used once is the store's part
//! ([`AttemptStore::consume_media_token`](samvad_actors::ports::AttemptStore::consume_media_token)).

use super::twilio::hex;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use samvad_actors::domain::AttemptId;
use sha2::{Digest, Sha256};
use std::fmt;

/// Longest attempt id that goes into a token, in bytes; keeps the token far below the 500 characters of a parameter.
const LONGEST_ATTEMPT: usize = 128;
/// Shortest key, in bytes: the length of the hash (RFC 2104, section 3).
const SHORTEST_KEY: usize = 32;
/// Longest text that is looked at.
const LONGEST_TOKEN: usize = 400;
/// How long a token outlives the longest possible wait for the answer.
const GRACE_SECONDS: u32 = 60;

const VERSION: u8 = 1;
const EXPIRY: usize = 8;
const NONCE: usize = 16;
const TAG: usize = 32;
const HEAD: usize = 1 + EXPIRY + NONCE;

/// How long a token lives, in milliseconds: as long as the carrier may queue the call and let it ring, and 60 s.
pub fn lifetime_ms(queue_limit_seconds: u32, ring_timeout_seconds: u32) -> i64 {
    1000 * (i64::from(queue_limit_seconds) + i64::from(ring_timeout_seconds) + i64::from(GRACE_SECONDS))
}

/// Makes and verifies media tokens.
#[derive(Clone)]
pub struct MediaTokens {
    mac: Hmac<Sha256>,
}

/// A new token.
#[derive(Clone, PartialEq, Eq)]
pub struct MintedToken {
    /// The token itself, for the carrier only.
    pub text: String,
    /// Its SHA-256, hexadecimal, for the store.
    pub hash_hex: String,
    /// Until when it admits, in UTC milliseconds since 1970.
    pub expires_at_ms: i64,
}

/// A token that we made and that has not expired.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VerifiedToken {
    /// For which attempt.
    pub attempt: AttemptId,
    /// Its SHA-256, hexadecimal.
    pub hash_hex: String,
}

/// Why a key cannot be used or a token cannot be made or does not admit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenFault {
    /// The key is too short.
    #[error("the media token key is shorter than 32 bytes; use 32 random bytes")]
    ShortKey,
    /// The attempt's id does not fit into a token.
    #[error("the attempt's id is empty or longer than 128 bytes")]
    AttemptId,
    /// Not one of our tokens, or altered.
    #[error("not a media token of ours")]
    NotOurs,
    /// Too late.
    #[error("the media token has expired")]
    Expired,
}

impl MediaTokens {
    /// Tokens under this key: at least 32 random bytes, the same on every node, and never one of Twilio's.
    ///
    /// # Errors
    /// [`TokenFault::ShortKey`].
    pub fn new(key: &[u8]) -> Result<Self, TokenFault> {
        if key.len() < SHORTEST_KEY {
            return Err(TokenFault::ShortKey);
        }
        let mac = Hmac::new_from_slice(key).map_err(|_| TokenFault::ShortKey)?;
        Ok(Self { mac })
    }

    /// Makes a token that admits one stream into `attempt` until `lifetime_ms` from `now_ms`.
    ///
    /// # Errors
    /// [`TokenFault::AttemptId`].
    pub fn mint(&self, attempt: &AttemptId, now_ms: i64, lifetime_ms: i64) -> Result<MintedToken, TokenFault> {
        let id = attempt.as_str().as_bytes();
        if !(1..=LONGEST_ATTEMPT).contains(&id.len()) {
            return Err(TokenFault::AttemptId);
        }
        let expires_at_ms = now_ms.saturating_add(lifetime_ms);
        let nonce: [u8; NONCE] = rand::random();
        let mut token = Vec::with_capacity(HEAD + id.len() + TAG);
        token.push(VERSION);
        token.extend_from_slice(&expires_at_ms.to_be_bytes());
        token.extend_from_slice(&nonce);
        token.extend_from_slice(id);
        let tag = self.mac.clone().chain_update(&token).finalize().into_bytes();
        token.extend_from_slice(&tag);
        let text = URL_SAFE_NO_PAD.encode(token);
        Ok(MintedToken {
            hash_hex: hash_hex(&text),
            text,
            expires_at_ms,
        })
    }

    /// Says for which attempt a token is, in constant time for any token of its length.
    ///
    /// # Errors
    /// [`TokenFault::NotOurs`] or [`TokenFault::Expired`].
    pub fn verify(&self, text: &str, now_ms: i64) -> Result<VerifiedToken, TokenFault> {
        if text.len() > LONGEST_TOKEN {
            return Err(TokenFault::NotOurs);
        }
        let token = URL_SAFE_NO_PAD.decode(text).map_err(|_| TokenFault::NotOurs)?;
        let (signed, tag) = token.split_last_chunk::<TAG>().ok_or(TokenFault::NotOurs)?;
        self.mac
            .clone()
            .chain_update(signed)
            .verify_slice(tag)
            .map_err(|_| TokenFault::NotOurs)?;
        let (version, rest) = signed.split_first().ok_or(TokenFault::NotOurs)?;
        let (expiry, rest) = rest.split_first_chunk::<EXPIRY>().ok_or(TokenFault::NotOurs)?;
        let (_nonce, id) = rest.split_first_chunk::<NONCE>().ok_or(TokenFault::NotOurs)?;
        let id = std::str::from_utf8(id).map_err(|_| TokenFault::NotOurs)?;
        if *version != VERSION {
            return Err(TokenFault::NotOurs);
        }
        if now_ms >= i64::from_be_bytes(*expiry) {
            return Err(TokenFault::Expired);
        }
        Ok(VerifiedToken {
            attempt: AttemptId::new(id),
            hash_hex: hash_hex(text),
        })
    }
}

impl fmt::Debug for MediaTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MediaTokens(***)")
    }
}

impl fmt::Debug for MintedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MintedToken")
            .field("text", &"***")
            .field("hash_hex", &self.hash_hex)
            .field("expires_at_ms", &self.expires_at_ms)
            .finish()
    }
}

fn hash_hex(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ATTEMPT: &str = "0e7b4e0c-5a0f-4c0e-8b7e-0d5c0f6f2a11";

    fn tokens() -> MediaTokens {
        MediaTokens::new(&[7; 32]).expect("long enough")
    }

    fn minted(now_ms: i64, lifetime_ms: i64) -> MintedToken {
        tokens()
            .mint(&AttemptId::from(ATTEMPT), now_ms, lifetime_ms)
            .expect("a token")
    }

    #[test]
    fn a_token_lives_as_long_as_the_carrier_may_queue_and_ring_and_a_minute() {
        assert_eq!(lifetime_ms(600, 30), 690_000);
        let token = minted(1_000, lifetime_ms(600, 30));
        assert_eq!(token.expires_at_ms, 691_000);
        assert!(tokens().verify(&token.text, 690_999).is_ok());
        assert_eq!(tokens().verify(&token.text, 691_000), Err(TokenFault::Expired));
    }

    #[test]
    fn l24_a_token_of_another_key_does_not_admit() {
        let token = minted(0, 1_000);
        let others = MediaTokens::new(&[8; 32]).expect("long enough");
        assert_eq!(others.verify(&token.text, 0), Err(TokenFault::NotOurs));
    }

    #[test]
    fn a_token_names_its_attempt_and_its_hash_and_fits_into_a_parameter() {
        let token = minted(0, 1_000);
        let verified = tokens().verify(&token.text, 0).expect("ours");
        assert_eq!(verified.attempt.as_str(), ATTEMPT);
        assert_eq!(verified.hash_hex, token.hash_hex);
        assert_eq!(token.hash_hex.len(), 64);
        assert!(token.text.len() < 150, "{}", token.text.len());
        let longest = AttemptId::new("x".repeat(LONGEST_ATTEMPT));
        let longest = tokens().mint(&longest, 0, 1).expect("a token").text;
        assert!(longest.len() <= LONGEST_TOKEN);
        assert!(tokens().verify(&longest, 0).is_ok());
    }

    #[test]
    fn two_tokens_for_one_attempt_differ() {
        assert_ne!(minted(0, 1).text, minted(0, 1).text);
    }

    #[test]
    fn neither_key_nor_token_is_printed() {
        let token = minted(0, 1_000);
        assert!(!format!("{token:?}").contains(&token.text));
        assert_eq!(format!("{:?}", tokens()), "MediaTokens(***)");
    }

    #[test]
    fn a_short_key_or_an_id_that_does_not_fit_is_refused() {
        assert_eq!(MediaTokens::new(&[7; 31]).err(), Some(TokenFault::ShortKey));
        for id in [String::new(), "x".repeat(LONGEST_ATTEMPT + 1)] {
            assert_eq!(tokens().mint(&AttemptId::new(id), 0, 1), Err(TokenFault::AttemptId));
        }
    }

    proptest! {
        #[test]
        fn a_token_altered_anywhere_does_not_admit(at in any::<prop::sample::Index>(), to in "[A-Za-z0-9_=+/ -]") {
            let token = minted(0, 1_000).text;
            let at = at.index(token.len());
            let altered = format!("{}{to}{}", &token[..at], &token[at + 1..]);
            prop_assume!(altered != token);
            prop_assert_eq!(tokens().verify(&altered, 0), Err(TokenFault::NotOurs));
            prop_assert_eq!(tokens().verify(&token[..at], 0), Err(TokenFault::NotOurs));
        }

        #[test]
        fn no_text_makes_verification_panic(text in any::<String>(), now_ms in any::<i64>()) {
            prop_assert!(tokens().verify(&text, now_ms).is_err());
        }
    }
}
