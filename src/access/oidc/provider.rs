//! What a provider says of itself: its discovery document and its keys, kept and renewed.

use super::error::ProviderFault;
use super::http::{HttpFault, ProviderHttp};
use openidconnect::core::{
    CoreAuthDisplay, CoreClaimName, CoreClaimType, CoreClientAuthMethod, CoreGrantType, CoreJsonWebKey,
    CoreJsonWebKeySet, CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm, CoreResponseMode,
    CoreResponseType, CoreSubjectIdentifierType,
};
use openidconnect::{AdditionalProviderMetadata, DiscoveryError, IssuerUrl, ProviderMetadata};
use samvad_actors::ports::Clock;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// A discovery document is fetched again after this.
const DISCOVERY_KEPT: Duration = Duration::from_secs(24 * 3600);
/// After a failure the provider is not asked again for this long, where there is nothing to go on with.
const SOON: Duration = Duration::from_secs(5);
/// The same where there is, and between two looks for a key that is not known: who sends forged tokens must not make
/// this server flood the provider.
const LATER: Duration = Duration::from_secs(60);

/// What is read of a discovery document besides what every client reads.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Extra {
    /// True: answers name their issuer (RFC 9207, section 3).
    #[serde(default)]
    pub(super) authorization_response_iss_parameter_supported: bool,
}

impl AdditionalProviderMetadata for Extra {}

/// A discovery document with the provider's keys.
pub(super) type Metadata = ProviderMetadata<
    Extra,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

/// One provider, as it is known now.
pub(super) struct Provider {
    issuer: IssuerUrl,
    http: ProviderHttp,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    known: Option<Known>,
    /// The last failure to discover, and until when it stands.
    failed: Option<(Duration, ProviderFault)>,
    /// When keys may be looked for again.
    keys_again_at: Duration,
}

struct Known {
    metadata: Arc<Metadata>,
    until: Duration,
}

impl Provider {
    pub(super) fn new(issuer: IssuerUrl, http: ProviderHttp, clock: Arc<dyn Clock>) -> Self {
        Self {
            issuer,
            http,
            clock,
            state: Mutex::default(),
        }
    }

    pub(super) fn issuer(&self) -> &IssuerUrl {
        &self.issuer
    }

    pub(super) fn http(&self) -> &ProviderHttp {
        &self.http
    }

    /// The provider's metadata, at most a day old while it can be reached, else as it was last.
    pub(super) async fn metadata(&self) -> Result<Arc<Metadata>, ProviderFault> {
        let mut state = self.state.lock().await;
        let now = self.clock.monotonic();
        if let Some(known) = state.known.as_ref().filter(|known| now < known.until) {
            return Ok(known.metadata.clone());
        }
        if let Some((_, fault)) = state.failed.as_ref().filter(|(until, _)| now < *until) {
            return Err(fault.clone());
        }
        let discovered = self.discover().await;
        // It may have taken seconds, while other logins wait for the same.
        let now = self.clock.monotonic();
        match discovered {
            Ok(metadata) => {
                let metadata = Arc::new(metadata);
                state.known = Some(Known {
                    metadata: metadata.clone(),
                    until: now + DISCOVERY_KEPT,
                });
                Ok(metadata)
            }
            Err(fault) => match &mut state.known {
                Some(known) => {
                    tracing::warn!(%fault, "the OpenID provider cannot be discovered again; what it said last still counts");
                    known.until = now + LATER;
                    Ok(known.metadata.clone())
                }
                None => {
                    state.failed = Some((now + SOON, fault.clone()));
                    Err(fault)
                }
            },
        }
    }

    /// The metadata with newer keys than `than` has; `None` if they were looked for less than a minute ago.
    pub(super) async fn with_newer_keys(&self, than: &Arc<Metadata>) -> Result<Option<Arc<Metadata>>, ProviderFault> {
        let mut state = self.state.lock().await;
        let now = self.clock.monotonic();
        if let Some(known) = state.known.as_ref().filter(|known| !Arc::ptr_eq(&known.metadata, than)) {
            return Ok(Some(known.metadata.clone()));
        }
        if now < state.keys_again_at {
            return Ok(None);
        }
        state.keys_again_at = now + LATER;
        let keys = CoreJsonWebKeySet::fetch_async(than.jwks_uri(), &self.http).await;
        let renewed = Arc::new(Metadata::clone(than).set_jwks(keys.map_err(fault_of)?));
        if let Some(known) = &mut state.known {
            known.metadata = renewed.clone();
        }
        Ok(Some(renewed))
    }

    async fn discover(&self) -> Result<Metadata, ProviderFault> {
        let discovered = Metadata::discover_async(self.issuer.clone(), &self.http).await;
        let metadata = discovered.map_err(fault_of)?;
        // Browsers are sent there; the other addresses are checked as they are asked.
        if !self.http.may_ask(metadata.authorization_endpoint().url()) {
            return Err(ProviderFault::Metadata("authorization_endpoint"));
        }
        if metadata.token_endpoint().is_none() {
            return Err(ProviderFault::Metadata("token_endpoint"));
        }
        Ok(metadata)
    }
}

fn fault_of(error: DiscoveryError<HttpFault>) -> ProviderFault {
    match error {
        DiscoveryError::Request(fault) => fault.into(),
        DiscoveryError::Response(status, ..) if status != reqwest::StatusCode::OK => {
            HttpFault::Status(status.as_u16()).into()
        }
        DiscoveryError::Validation(_) => ProviderFault::Issuer,
        _ => ProviderFault::Unreadable,
    }
}
