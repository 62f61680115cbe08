//! The two things that a client asks of a provider, tokens for a code and UserInfo, and what an ID token must be.

use super::error::{IdTokenFault, LoginError, ProviderFault, known_code};
use super::http::HttpFault;
use super::provider::{Metadata, Provider};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openidconnect::core::{
    CoreClient, CoreClientAuthMethod, CoreErrorResponseType, CoreGenderClaim, CoreIdToken, CoreIdTokenVerifier,
    CoreJwsSigningAlgorithm, CoreTokenResponse,
};
use openidconnect::{
    AccessToken, AdditionalClaims, AuthType, AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret,
    EndpointMaybeSet, EndpointNotSet, EndpointSet, Nonce, PkceCodeVerifier, RedirectUrl, RequestTokenError,
    SignatureVerificationError, StandardErrorResponse, SubjectIdentifier, UserInfoClaims, UserInfoError,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::time::{Duration, UNIX_EPOCH};

/// How far clocks may differ.
const SKEW_MS: i64 = 60_000;
/// Longest subject, in bytes (OpenID Connect Core 1.0, section 2).
const LONGEST_SUBJECT: usize = 255;
/// Signatures that are taken. Those with a shared secret are not: whoever may read the client's secret could sign.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// A client as it stands after discovery.
pub(super) type ProviderClient =
    CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointMaybeSet, EndpointMaybeSet>;

/// Who we are for the provider.
pub(super) struct Credentials {
    pub(super) id: ClientId,
    pub(super) secret: ClientSecret,
    pub(super) redirect: RedirectUrl,
}

/// What an ID token has to fit.
pub(super) struct Expected<'a> {
    pub(super) nonce: &'a str,
    pub(super) began_at_ms: i64,
    pub(super) now_ms: i64,
}

/// All claims of an answer that have no field of their own.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct OtherClaims(Map<String, Value>);

impl AdditionalClaims for OtherClaims {}

impl Credentials {
    pub(super) fn client(&self, metadata: &Metadata) -> ProviderClient {
        let methods = metadata.token_endpoint_auth_methods_supported();
        let takes = |method| methods.is_some_and(|methods| methods.contains(&method));
        // Basic is what a provider takes that says nothing (OpenID Connect Discovery 1.0, section 3).
        let in_body = takes(CoreClientAuthMethod::ClientSecretPost) && !takes(CoreClientAuthMethod::ClientSecretBasic);
        let secret = Some(self.secret.clone());
        let client = CoreClient::from_provider_metadata(metadata.clone(), self.id.clone(), secret);
        let client = client.set_redirect_uri(self.redirect.clone());
        match in_body {
            true => client.set_auth_type(AuthType::RequestBody),
            false => client,
        }
    }

    /// Exchanges a code for tokens.
    pub(super) async fn tokens(
        &self,
        provider: &Provider,
        metadata: &Metadata,
        code: &str,
        pkce_verifier: &str,
    ) -> Result<CoreTokenResponse, LoginError> {
        let client = self.client(metadata);
        let request = client.exchange_code(AuthorizationCode::new(code.to_owned()));
        let request = request.map_err(|_| LoginError::Provider(ProviderFault::Metadata("token_endpoint")))?;
        let request = request.set_pkce_verifier(PkceCodeVerifier::new(pkce_verifier.to_owned()));
        request.request_async(provider.http()).await.map_err(token_error)
    }

    /// Asks UserInfo about a subject: all its claims; `None` if the provider has no UserInfo.
    pub(super) async fn user_info(
        &self,
        provider: &Provider,
        metadata: &Metadata,
        access_token: &AccessToken,
        subject: &str,
    ) -> Result<Option<Value>, ProviderFault> {
        let client = self.client(metadata);
        let subject = SubjectIdentifier::new(subject.to_owned());
        let Ok(request) = client.user_info(access_token.clone(), Some(subject)) else {
            return Ok(None);
        };
        let claims: UserInfoClaims<OtherClaims, CoreGenderClaim> =
            request.request_async(provider.http()).await.map_err(user_info_fault)?;
        serde_json::to_value(&claims)
            .map(Some)
            .map_err(|_| ProviderFault::Unreadable)
    }

    /// Checks an ID token (OpenID Connect Core 1.0, section 3.1.3.7): all its claims.
    pub(super) fn check(
        &self,
        id_token: &CoreIdToken,
        metadata: &Metadata,
        expected: &Expected<'_>,
    ) -> Result<Value, IdTokenFault> {
        let announced = metadata.id_token_signing_alg_values_supported();
        let algorithms = ALGORITHMS.into_iter().filter(|algorithm| announced.contains(algorithm));
        let now_ms = expected.now_ms;
        // A public client's verifier has no secret to check a signature with.
        let (issuer, keys) = (metadata.issuer().clone(), metadata.jwks().clone());
        let verifier = CoreIdTokenVerifier::new_public_client(self.id.clone(), issuer, keys)
            .set_allowed_algs(algorithms)
            .set_time_fn(move || {
                let past = u64::try_from(now_ms - SKEW_MS).unwrap_or_default();
                (UNIX_EPOCH + Duration::from_millis(past)).into()
            });
        let nonce = Nonce::new(expected.nonce.to_owned());
        id_token.claims(&verifier, &nonce).map_err(claims_fault)?;

        let claims = payload(&id_token.to_string()).ok_or(IdTokenFault::Unreadable)?;
        let time_ms = |name: &str| claims[name].as_f64().map(|seconds| seconds * 1000.0);
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of this age fit exactly")]
        let (earliest, latest) = ((expected.began_at_ms - SKEW_MS) as f64, (now_ms + SKEW_MS) as f64);
        // Seconds are whole, so the one in which the login began has to pass.
        if time_ms("iat").is_none_or(|iat| iat + 1000.0 <= earliest || iat > latest) {
            return Err(IdTokenFault::IssuedAt);
        }
        if time_ms("nbf").is_some_and(|not_before| not_before > latest) {
            return Err(IdTokenFault::NotBefore);
        }
        if claims
            .get("azp")
            .is_some_and(|azp| azp.as_str() != Some(self.id.as_str()))
        {
            return Err(IdTokenFault::AuthorizedParty);
        }
        if !claims["sub"].as_str().is_some_and(is_subject) {
            return Err(IdTokenFault::Subject);
        }
        Ok(claims)
    }
}

fn is_subject(text: &str) -> bool {
    (1..=LONGEST_SUBJECT).contains(&text.len()) && !text.chars().any(char::is_control)
}

/// One part of a JWT as JSON; nothing is checked.
fn part(token: &str, index: usize) -> Option<Value> {
    let bytes = URL_SAFE_NO_PAD.decode(token.split('.').nth(index)?).ok()?;
    serde_json::from_slice(&bytes).ok().filter(Value::is_object)
}

fn payload(token: &str) -> Option<Value> {
    part(token, 1)
}

fn token_error(error: RequestTokenError<HttpFault, StandardErrorResponse<CoreErrorResponseType>>) -> LoginError {
    let fault = match error {
        RequestTokenError::Request(fault) => fault.into(),
        RequestTokenError::ServerResponse(answer) => {
            known_code(answer.error().as_ref()).map_or(ProviderFault::Unreadable, ProviderFault::Code)
        }
        RequestTokenError::Parse(_, body) => match unreadable_id_token(&body) {
            Some(fault) => return fault.into(),
            None => ProviderFault::Unreadable,
        },
        RequestTokenError::Other(_) => ProviderFault::Unreadable,
    };
    LoginError::Token(fault)
}

/// Why the ID token in an answer cannot be read, if it is at fault that the answer cannot.
fn unreadable_id_token(body: &[u8]) -> Option<IdTokenFault> {
    let answer: Value = serde_json::from_slice(body).ok()?;
    let token = answer
        .get("id_token")
        .filter(|_| answer.get("access_token").is_some())?;
    let Some((header, claims)) = token.as_str().and_then(|token| part(token, 0).zip(payload(token))) else {
        return Some(IdTokenFault::Unreadable);
    };
    let algorithm: Result<CoreJwsSigningAlgorithm, _> = serde_json::from_value(header["alg"].clone());
    Some(match algorithm {
        Err(_) => IdTokenFault::Algorithm,
        Ok(_) if !claims["sub"].is_string() => IdTokenFault::Subject,
        Ok(_) if !claims["iss"].is_string() => IdTokenFault::Issuer,
        Ok(_) if claims.get("aud").is_none() => IdTokenFault::Audience,
        Ok(_) if !claims["exp"].is_number() => IdTokenFault::Expired,
        Ok(_) if !claims["iat"].is_number() => IdTokenFault::IssuedAt,
        Ok(_) => IdTokenFault::Unreadable,
    })
}

fn claims_fault(error: ClaimsVerificationError) -> IdTokenFault {
    use SignatureVerificationError as Signature;
    match error {
        ClaimsVerificationError::Expired(_) => IdTokenFault::Expired,
        ClaimsVerificationError::InvalidAudience(_) => IdTokenFault::Audience,
        ClaimsVerificationError::InvalidIssuer(_) => IdTokenFault::Issuer,
        ClaimsVerificationError::InvalidNonce(_) => IdTokenFault::Nonce,
        ClaimsVerificationError::InvalidSubject(_) => IdTokenFault::Subject,
        ClaimsVerificationError::SignatureVerification(fault) => match fault {
            Signature::NoMatchingKey => IdTokenFault::Key,
            Signature::DisallowedAlg(_) | Signature::UnsupportedAlg(_) | Signature::NoSignature => {
                IdTokenFault::Algorithm
            }
            _ => IdTokenFault::Signature,
        },
        _ => IdTokenFault::Unreadable,
    }
}

fn user_info_fault(error: UserInfoError<HttpFault>) -> ProviderFault {
    match error {
        UserInfoError::Request(fault) => fault.into(),
        UserInfoError::Response(status, ..) if status != reqwest::StatusCode::OK => {
            HttpFault::Status(status.as_u16()).into()
        }
        UserInfoError::ClaimsVerification(ClaimsVerificationError::InvalidSubject(_)) => ProviderFault::Subject,
        _ => ProviderFault::Unreadable,
    }
}
