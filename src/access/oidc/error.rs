//! Why a login fails. What is shown names the fault and the remedy, never a secret, a token or a claim's value.

use super::http::HttpFault;
use samvad_actors::ports::StoreError;

/// Why nobody is signed in.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// The place to go to afterwards is none of our own pages.
    #[error("return_to: is not a path on this server; write one such as /campaigns")]
    ReturnTo,
    /// No login that waits has this `state`: it is forged, has been used, or is too old.
    #[error("state: this login is unknown, has been used or has expired; sign in again")]
    UnknownLogin,
    /// The login was begun by another browser, or its cookie is gone.
    #[error("this login was begun in another browser, or its cookie is gone; sign in again with cookies allowed")]
    OtherBrowser,
    /// The answer is by another provider than the one asked (RFC 9207), or does not say by which.
    #[error("iss: the answer does not come from the configured provider; sign in again")]
    OtherProvider,
    /// The provider refuses, for a reason that is one of the known codes.
    #[error("the provider refuses the login ({0}); sign in again, or ask who looks after it")]
    Refused(&'static str),
    /// There is neither a code nor an error in the answer.
    #[error("code: is missing or not readable; sign in again")]
    Code,
    /// The provider cannot be reached, or does not answer as one.
    #[error("the provider cannot be used: {0}; try again later, or check SAMVAD_OIDC_ISSUER")]
    Provider(ProviderFault),
    /// The token endpoint gives no tokens for the code.
    #[error("the provider gives no tokens for the login: {0}; sign in again, or check the client's id and secret")]
    Token(ProviderFault),
    /// The ID token does not prove who it is.
    #[error("the provider's ID token is refused: {0}; sign in again, or ask who looks after the provider")]
    IdToken(#[from] IdTokenFault),
    /// UserInfo cannot be had, or is about somebody else.
    #[error("the provider's UserInfo is refused: {0}; sign in again, or ask who looks after the provider")]
    UserInfo(ProviderFault),
    /// Nothing says which role the person has.
    #[error(
        "the claim {claim} {fault}; ask an administrator for a role, or check SAMVAD_OIDC_ROLE_CLAIM and SAMVAD_OIDC_ROLES"
    )]
    Role {
        /// The claim, as `SAMVAD_OIDC_ROLE_CLAIM` writes it.
        claim: String,
        /// What is wrong with it, without its values.
        fault: RoleFault,
        /// What the provider calls the person: for the audit log, and not shown.
        subject: String,
    },
    /// The store failed.
    #[error("the login cannot be kept: {0}")]
    Store(#[from] StoreError),
}

/// What is wrong with a provider or one of its answers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProviderFault {
    /// No usable HTTP answer.
    #[error("{0}")]
    Http(#[from] HttpFault),
    /// An error with one of the known codes.
    #[error("it answers {0}")]
    Code(&'static str),
    /// The answer cannot be read.
    #[error("its answer cannot be read")]
    Unreadable,
    /// Its discovery document is another issuer's.
    #[error("its discovery document is of another issuer")]
    Issuer,
    /// Something that is needed is missing in its discovery document.
    #[error("its discovery document has no usable {0}")]
    Metadata(&'static str),
    /// UserInfo is about another subject than the ID token.
    #[error("it is about another person")]
    Subject,
}

/// What is wrong with an ID token (OpenID Connect Core 1.0, section 3.1.3.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdTokenFault {
    /// There is none.
    #[error("there is none")]
    Missing,
    /// It is no JWT with the claims that it must have.
    #[error("it cannot be read")]
    Unreadable,
    /// Its signature does not fit.
    #[error("its signature is wrong")]
    Signature,
    /// It is not signed, or by an algorithm that is not taken: asymmetric ones alone are.
    #[error("it is not signed by an accepted algorithm")]
    Algorithm,
    /// It is signed by a key that the provider does not publish.
    #[error("it is signed by an unknown key")]
    Key,
    /// It is another provider's.
    #[error("iss is another provider's")]
    Issuer,
    /// It is for another client, or for others too.
    #[error("aud is not this client alone")]
    Audience,
    /// It was given to another client.
    #[error("azp is another client")]
    AuthorizedParty,
    /// It has expired.
    #[error("exp has passed")]
    Expired,
    /// It was made before this login began, or in the future.
    #[error("iat is not during this login")]
    IssuedAt,
    /// It does not hold yet.
    #[error("nbf has not come")]
    NotBefore,
    /// It belongs to another login.
    #[error("nonce is not that of this login")]
    Nonce,
    /// It says of nobody.
    #[error("sub is missing or not usable")]
    Subject,
}

/// What is wrong with the claim that says the role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RoleFault {
    /// It is neither in the ID token nor in UserInfo.
    #[error("is missing")]
    Missing,
    /// It is neither a string nor a list of strings.
    #[error("is neither a text nor a list of texts")]
    Malformed,
    /// None of its values stands for a role.
    #[error("holds no value that stands for a role")]
    Unmapped,
}

impl LoginError {
    /// The HTTP status that tells it (RFC 9110, section 15).
    pub fn status(&self) -> u16 {
        match self {
            Self::ReturnTo | Self::UnknownLogin | Self::OtherBrowser | Self::OtherProvider | Self::Code => 400,
            Self::Refused(_) | Self::Role { .. } => 403,
            Self::Token(_) | Self::IdToken(_) | Self::UserInfo(_) => 502,
            Self::Provider(_) => 503,
            Self::Store(_) => 500,
        }
    }
}

/// The error codes of authorisation and token endpoints that are known, and so may be shown: RFC 6749, sections 4.1.2.1
/// and 5.2, OpenID Connect Core 1.0, section 3.1.2.6.
const CODES: [&str; 18] = [
    "access_denied",
    "account_selection_required",
    "consent_required",
    "interaction_required",
    "invalid_client",
    "invalid_grant",
    "invalid_request",
    "invalid_request_object",
    "invalid_request_uri",
    "invalid_scope",
    "login_required",
    "registration_not_supported",
    "request_not_supported",
    "request_uri_not_supported",
    "server_error",
    "temporarily_unavailable",
    "unauthorized_client",
    "unsupported_response_type",
];

/// An error code as it may be shown, if it is a known one.
pub(super) fn known_code(code: &str) -> Option<&'static str> {
    CODES.into_iter().find(|known| *known == code)
}
