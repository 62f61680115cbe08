//! API tokens: how one is made, what it may do, and how one is read from a request.
//!
//! A token is `smv_` and 256 bits of the operating system's random source. It is shown once; its SHA-256 is kept. Nothing
//! is compared in secret: a token is looked up by its hash, of which nobody can learn a part.

use super::keys::hash;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::TryRng;
use rand::rngs::SysRng;
use samvad_actors::domain::{Permission, Role, TokenId};
use samvad_actors::ports::{NewToken, User};
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;

/// What every token begins with, so that scanners for leaked secrets know it.
pub const PREFIX: &str = "smv_";
/// The shortest life of a token.
pub const SHORTEST_LIFE: Duration = Duration::from_secs(60);
/// The longest life of a token that ends: two years.
pub const LONGEST_LIFE: Duration = Duration::from_secs(2 * 365 * 24 * 60 * 60);
/// The longest name of a token, in characters.
pub const LONGEST_NAME: usize = 100;

const RANDOM_BYTES: usize = 32;
/// Characters after the prefix that a token is known by: 36 of its 256 bits.
const HINT_CHARACTERS: usize = 6;

/// What somebody wants a token for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TokenWish {
    /// What it is for.
    pub name: String,
    /// What it may do; in any order, repetitions do no harm.
    pub scopes: Vec<Permission>,
    /// Ends then, in UTC milliseconds; `None`: never, which is for admins.
    pub expires_at_ms: Option<i64>,
}

/// A token that was made.
#[derive(Debug)]
pub struct IssuedToken {
    /// The token itself, to be shown once.
    pub secret: SecretString,
    /// What the store keeps of it.
    pub kept: NewToken,
}

/// What is wrong with a wish for a token.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TokenFault {
    /// It has no name that people can tell it by.
    #[error("a token's name has 1 to {LONGEST_NAME} characters, none of them a control character; say what it is for")]
    Name,
    /// It could do nothing.
    #[error("a token needs at least one scope, for example campaigns:read")]
    NoScope,
    /// It would do more than its owner may.
    #[error("the scope {scope} is beyond the role {role} of the token's owner, it needs {needed}; leave it out")]
    BeyondRole {
        /// What it would do.
        scope: Permission,
        /// What its owner is.
        role: Role,
        /// Who may least of those who may do it.
        needed: Role,
    },
    /// It would end too soon or too late.
    #[error("a token lives from 1 minute to 2 years; choose a time of expiry between them")]
    Life,
    /// It would never end.
    #[error("only a token of an admin may live for ever, this owner is {role}; give it a time of expiry")]
    EndlessLife {
        /// What its owner is.
        role: Role,
    },
}

impl TokenFault {
    /// The field of [`TokenWish`] that it is about.
    pub fn field(&self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::NoScope | Self::BeyondRole { .. } => "scopes",
            Self::Life | Self::EndlessLife { .. } => "expires_at_ms",
        }
    }
}

/// Why no token was made.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// The wish has faults: all of them, at least one.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Wish(Vec<TokenFault>),
    /// The operating system gave no random bytes.
    #[error("the operating system's random source failed; try again")]
    NoRandomness,
}

/// Makes a token for its owner.
///
/// # Errors
/// [`IssueError`]: everything that is wrong with the wish, or no randomness.
pub fn issue(wish: &TokenWish, owner: &User, id: TokenId, now_ms: i64) -> Result<IssuedToken, IssueError> {
    let faults = faults(wish, owner.role, now_ms);
    if !faults.is_empty() {
        return Err(IssueError::Wish(faults));
    }
    let mut bytes = [0; RANDOM_BYTES];
    SysRng
        .try_fill_bytes(&mut bytes)
        .map_err(|_| IssueError::NoRandomness)?;
    let random = URL_SAFE_NO_PAD.encode(bytes);
    let hint = random.chars().take(HINT_CHARACTERS).collect();
    let secret = SecretString::from(format!("{PREFIX}{random}"));
    let kept = NewToken {
        id,
        owner: owner.id.clone(),
        name: wish.name.trim().to_owned(),
        hash: hash(secret.expose_secret()),
        hint,
        scopes: effective_permissions(&wish.scopes, owner.role),
        expires_at_ms: wish.expires_at_ms,
    };
    Ok(IssuedToken { secret, kept })
}

/// Everything that is wrong with a wish for a token.
fn faults(wish: &TokenWish, role: Role, now_ms: i64) -> Vec<TokenFault> {
    let name = wish.name.trim();
    let is_name = !name.is_empty() && name.chars().count() <= LONGEST_NAME && !name.chars().any(char::is_control);
    let mut faults = Vec::new();
    if !is_name {
        faults.push(TokenFault::Name);
    }
    if wish.scopes.is_empty() {
        faults.push(TokenFault::NoScope);
    }
    let beyond = |scope: &Permission| wish.scopes.contains(scope) && !role.may(*scope);
    faults.extend(
        Permission::ALL
            .into_iter()
            .filter(beyond)
            .map(|scope| TokenFault::BeyondRole {
                scope,
                role,
                needed: Role::least_for(scope),
            }),
    );
    match wish.expires_at_ms {
        None if role < Role::Admin => faults.push(TokenFault::EndlessLife { role }),
        Some(at_ms) if !is_a_life(at_ms, now_ms) => faults.push(TokenFault::Life),
        _ => {}
    }
    faults
}

fn is_a_life(expires_at_ms: i64, now_ms: i64) -> bool {
    let life = i128::from(expires_at_ms) - i128::from(now_ms);
    u128::try_from(life).is_ok_and(|ms| (SHORTEST_LIFE.as_millis()..=LONGEST_LIFE.as_millis()).contains(&ms))
}

/// What a token may do now: its scopes, as far as its owner's role still goes; each once, in the order of
/// [`Permission::ALL`].
pub fn effective_permissions(scopes: &[Permission], role: Role) -> Vec<Permission> {
    let granted = |permission: &Permission| scopes.contains(permission) && role.may(*permission);
    Permission::ALL.into_iter().filter(granted).collect()
}

/// Why an `Authorization` header names no token of ours.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BearerFault {
    /// Another scheme, or none.
    #[error("the Authorization header is not of the scheme Bearer; write `Authorization: Bearer smv_…`")]
    Scheme,
    /// No token of this server.
    #[error("the Authorization header holds no API token of this server; a token is `smv_` and 43 characters")]
    Token,
}

/// The hash by which the token of an `Authorization` header is looked up. The scheme's name may be written in capitals or
/// not (RFC 9110, section 11.1); the token must be written exactly as it was issued.
///
/// # Errors
/// [`BearerFault`], without a word of the header.
pub fn hash_of_bearer(header: &str) -> Result<String, BearerFault> {
    let (scheme, rest) = header.trim_matches(' ').split_once(' ').ok_or(BearerFault::Scheme)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(BearerFault::Scheme);
    }
    let token = rest.trim_start_matches(' ');
    let random = token.strip_prefix(PREFIX).ok_or(BearerFault::Token)?;
    let bytes = URL_SAFE_NO_PAD.decode(random).map_err(|_| BearerFault::Token)?;
    match bytes.len() {
        RANDOM_BYTES => Ok(hash(token)),
        _ => Err(BearerFault::Token),
    }
}

#[cfg(test)]
mod tests;
