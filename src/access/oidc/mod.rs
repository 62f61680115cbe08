//! Login by an OpenID provider: authorisation code flow (OpenID Connect Core 1.0, section 3.1) with PKCE (RFC 7636),
//! `state`, `nonce`, and a key in the browser that begins it, so that nobody ends a login that another has begun. Who
//! somebody is comes from the ID token alone; UserInfo adds what it lacks.
//!
//! The provider is asked when somebody logs in, not at the start: one that is down keeps nobody from being called.

mod client;
mod error;
mod handlers;
mod http;
mod provider;
mod return_to;
mod roles;

pub use error::{IdTokenFault, LoginError, ProviderFault, RoleFault};
pub use handlers::{Admitted, Redirect, callback, forget, login};
pub use http::{HttpClientError, HttpFault, LONGEST_BODY, TIMEOUT};
pub use return_to::HOME;
pub use roles::{ClaimPath, RoleMap};

use super::keys::hash;
use crate::config::{OidcSettings, PublicUrl, Secret};
use client::{Credentials, Expected};
use error::known_code;
use openidconnect::core::{CoreResponseType, CoreTokenResponse};
use openidconnect::{
    AuthenticationFlow, ClientId, ClientSecret, CsrfToken, IssuerUrl, Nonce, OAuth2TokenResponse, PkceCodeChallenge,
    RedirectUrl, Scope, TokenResponse,
};
use provider::{Metadata, Provider};
use samvad_actors::domain::Role;
use samvad_actors::ports::{AccountStore, Clock, LoginAttempt, SignIn};
use serde::Deserialize;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use subtle::ConstantTimeEq;

/// Where the provider sends browsers back to, below the API's public origin.
pub const CALLBACK_PATH: &str = "/api/v1/callback";
/// How long a login may take.
pub const LOGIN_LIFETIME: Duration = Duration::from_secs(600);

const LIFETIME_MS: i64 = LOGIN_LIFETIME.as_secs() as i64 * 1000;
/// Random bytes in a `state`, a nonce and a browser's key.
const RANDOM_BYTES: u32 = 32;
/// Longest parameter of an answer that is read, in bytes.
const LONGEST_PARAMETER: usize = 4096;
/// Longest name and e-mail address that are kept, in characters.
const LONGEST_NAME: usize = 200;

/// A login that has begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BegunLogin {
    /// Where to send the browser.
    pub redirect_url: String,
    /// What its short-lived cookie has to hold until it comes back.
    pub browser_key: Secret<String>,
}

/// A login that has ended well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FinishedLogin {
    /// Who it is.
    pub who: SignIn,
    /// Where on our own pages to go.
    pub return_to: String,
}

/// What a provider sends the browser back with: the query of the callback (RFC 6749, section 4.1.2; RFC 9207).
#[derive(Clone, Default, Deserialize)]
#[expect(missing_docs, reason = "named as in the RFCs")]
pub struct CallbackQuery {
    pub state: Option<String>,
    pub code: Option<String>,
    pub iss: Option<String>,
    pub error: Option<String>,
}

/// Why logins cannot be made ready.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OidcSetupError {
    /// No client can be made on this machine.
    #[error(transparent)]
    Client(#[from] HttpClientError),
    /// The issuer, or the address of the callback, is no URL.
    #[error("{0} is not a URL; write an origin such as https://calls.example.org")]
    Url(&'static str),
}

/// Logins by one provider.
pub struct OidcLogin {
    provider: Provider,
    credentials: Credentials,
    scopes: Vec<Scope>,
    role_claim: ClaimPath,
    roles: RoleMap,
    accounts: Arc<dyn AccountStore>,
    clock: Arc<dyn Clock>,
    secure_cookies: bool,
}

impl OidcLogin {
    /// Logins by the provider of the settings. `api`: the origin at which browsers reach the API. The provider is not
    /// asked yet.
    ///
    /// # Errors
    /// [`OidcSetupError`] names what cannot be used.
    pub fn new(
        settings: &OidcSettings,
        api: &PublicUrl,
        accounts: Arc<dyn AccountStore>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OidcSetupError> {
        Self::with_timeout(settings, api, accounts, clock, TIMEOUT)
    }

    /// The same with another limit on the provider's answers than [`TIMEOUT`].
    ///
    /// # Errors
    /// As [`OidcLogin::new`].
    pub fn with_timeout(
        settings: &OidcSettings,
        api: &PublicUrl,
        accounts: Arc<dyn AccountStore>,
        clock: Arc<dyn Clock>,
        timeout: Duration,
    ) -> Result<Self, OidcSetupError> {
        let issuer = IssuerUrl::new(settings.issuer.clone()).map_err(|_| OidcSetupError::Url("SAMVAD_OIDC_ISSUER"))?;
        let redirect = RedirectUrl::new(api.with_path(CALLBACK_PATH));
        let http = http::ProviderHttp::new(issuer.url(), timeout)?;
        Ok(Self {
            provider: Provider::new(issuer, http, clock.clone()),
            credentials: Credentials {
                id: ClientId::new(settings.client_id.clone()),
                secret: ClientSecret::new(settings.client_secret.expose().clone()),
                redirect: redirect.map_err(|_| OidcSetupError::Url("the API's public address"))?,
            },
            scopes: settings.scopes.iter().cloned().map(Scope::new).collect(),
            role_claim: settings.role_claim.clone(),
            roles: settings.roles.clone(),
            accounts,
            clock,
            secure_cookies: api.origin().starts_with("https:"),
        })
    }

    /// Begins a login. `return_to`: where on our own pages to go afterwards; nothing stands for [`HOME`].
    ///
    /// # Errors
    /// [`LoginError::ReturnTo`], [`LoginError::Provider`], [`LoginError::Store`].
    pub async fn begin(&self, return_to: Option<&str>) -> Result<BegunLogin, LoginError> {
        let return_to = return_to::own_page(return_to.unwrap_or(HOME)).ok_or(LoginError::ReturnTo)?;
        let metadata = self.provider.metadata().await.map_err(LoginError::Provider)?;
        let state = CsrfToken::new_random_len(RANDOM_BYTES);
        let nonce = Nonce::new_random_len(RANDOM_BYTES);
        let browser_key = CsrfToken::new_random_len(RANDOM_BYTES);
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let attempt = LoginAttempt {
            state_hash: hash(state.secret()),
            browser_hash: hash(browser_key.secret()),
            nonce: nonce.secret().clone(),
            pkce_verifier: verifier.secret().clone(),
            return_to,
            expires_at_ms: self.clock.unix_ms() + LIFETIME_MS,
        };
        self.accounts.begin_login(&attempt).await?;
        let client = self.credentials.client(&metadata);
        let flow = AuthenticationFlow::<CoreResponseType>::AuthorizationCode;
        // `openid` is asked for by itself.
        let scopes = self.scopes.iter().filter(|scope| scope.as_str() != "openid");
        let (redirect_url, ..) = client
            .authorize_url(flow, move || state, move || nonce)
            .add_scopes(scopes.cloned())
            .set_pkce_challenge(challenge)
            .url();
        Ok(BegunLogin {
            redirect_url: redirect_url.into(),
            browser_key: Secret::new(browser_key.into_secret()),
        })
    }

    /// Ends a login with what the provider has sent the browser back with. `browser_key`: what its cookie holds.
    ///
    /// # Errors
    /// [`LoginError`] says what is wrong. Whatever it is, the same `state` is never taken again.
    pub async fn finish(&self, query: &CallbackQuery, browser_key: Option<&str>) -> Result<FinishedLogin, LoginError> {
        let state = parameter(query.state.as_deref()).ok_or(LoginError::UnknownLogin)?;
        let taken = self.accounts.take_login(&hash(state), self.clock.unix_ms()).await?;
        let attempt = taken.ok_or(LoginError::UnknownLogin)?;
        let key_hash = browser_key.map(hash).unwrap_or_default();
        if !bool::from(key_hash.as_bytes().ct_eq(attempt.browser_hash.as_bytes())) {
            return Err(LoginError::OtherBrowser);
        }
        let metadata = self.provider.metadata().await.map_err(LoginError::Provider)?;
        self.check_issuer(query.iss.as_deref(), &metadata)?;
        if let Some(code) = query.error.as_deref() {
            return Err(LoginError::Refused(known_code(code).unwrap_or("another reason")));
        }
        let code = parameter(query.code.as_deref()).ok_or(LoginError::Code)?;
        let verifier = &attempt.pkce_verifier;
        let tokens = self
            .credentials
            .tokens(&self.provider, &metadata, code, verifier)
            .await?;
        let claims = self.id_token_claims(&tokens, &metadata, &attempt).await?;
        let who = self.identify(claims, &tokens, &metadata).await?;
        Ok(FinishedLogin {
            who,
            return_to: attempt.return_to,
        })
    }

    /// Whether browsers get cookies for TLS alone: unless the API is at `http` on this machine.
    pub fn secure_cookies(&self) -> bool {
        self.secure_cookies
    }

    /// The answer must name the provider that was asked, if it announces that it does (RFC 9207, section 2.4).
    fn check_issuer(&self, iss: Option<&str>, metadata: &Metadata) -> Result<(), LoginError> {
        let announced = metadata
            .additional_metadata()
            .authorization_response_iss_parameter_supported;
        match iss {
            Some(iss) if iss == self.provider.issuer().as_str() => Ok(()),
            None if !announced => Ok(()),
            _ => Err(LoginError::OtherProvider),
        }
    }

    /// The claims of a good ID token. One that is signed by an unknown key is checked again with the keys of now.
    async fn id_token_claims(
        &self,
        tokens: &CoreTokenResponse,
        metadata: &Arc<Metadata>,
        attempt: &LoginAttempt,
    ) -> Result<Value, LoginError> {
        let id_token = tokens.id_token().ok_or(IdTokenFault::Missing)?;
        let expected = Expected {
            nonce: &attempt.nonce,
            began_at_ms: attempt.expires_at_ms - LIFETIME_MS,
            now_ms: self.clock.unix_ms(),
        };
        match self.credentials.check(id_token, metadata, &expected) {
            Err(IdTokenFault::Key) => {
                let renewed = self.provider.with_newer_keys(metadata).await;
                let renewed = renewed.map_err(LoginError::Provider)?.ok_or(IdTokenFault::Key)?;
                Ok(self.credentials.check(id_token, &renewed, &expected)?)
            }
            checked => Ok(checked?),
        }
    }

    /// Who it is by the ID token's claims, and by UserInfo for what they lack.
    async fn identify(
        &self,
        claims: Value,
        tokens: &CoreTokenResponse,
        metadata: &Metadata,
    ) -> Result<SignIn, LoginError> {
        let subject = claims["sub"].as_str().unwrap_or_default().to_owned();
        let asked = |scope: &str| self.scopes.iter().any(|asked| asked.as_str() == scope);
        let lacks = |claim: &str| claims[claim].as_str().is_none();
        let incomplete = self.role_claim.find(&claims).is_none()
            || (asked("profile") && lacks("name"))
            || (asked("email") && lacks("email"));
        let more = if incomplete {
            let access_token = tokens.access_token();
            let user_info = self
                .credentials
                .user_info(&self.provider, metadata, access_token, &subject);
            user_info.await.map_err(LoginError::UserInfo)?.unwrap_or_default()
        } else {
            Value::Null
        };
        let text = |name: &str| {
            let found = [&claims, &more].into_iter().find_map(|claims| claims[name].as_str());
            found.map(shown).filter(|text| !text.is_empty())
        };
        let unverified = [&claims, &more]
            .iter()
            .any(|claims| claims["email_verified"] == Value::Bool(false));
        let email = text("email").filter(|_| !unverified);
        let name = text("name")
            .or_else(|| text("preferred_username"))
            .or_else(|| email.clone());
        let role = self.role(&claims, &more, &subject)?;
        Ok(SignIn {
            issuer: self.provider.issuer().as_str().to_owned(),
            name: name.unwrap_or_else(|| subject.clone()),
            subject,
            email,
            role,
        })
    }

    fn role(&self, claims: &Value, more: &Value, subject: &str) -> Result<Role, LoginError> {
        let claim = self.role_claim.find(claims).or_else(|| self.role_claim.find(more));
        self.roles.role(claim).map_err(|fault| LoginError::Role {
            claim: self.role_claim.to_string(),
            fault,
            subject: shown(subject),
        })
    }
}

/// A parameter that is there and of a sensible length.
fn parameter(text: Option<&str>) -> Option<&str> {
    text.filter(|text| (1..=LONGEST_PARAMETER).contains(&text.len()))
}

/// A text of the provider's as others may see it.
fn shown(text: &str) -> String {
    let plain = text.trim().chars().filter(|c| !c.is_control());
    plain.take(LONGEST_NAME).collect()
}
