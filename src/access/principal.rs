//! Whoever sends a request, once the guard knows them.

use crate::api::RequestId;
use crate::problem::Problem;
use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use samvad_actors::domain::{ActorKind, ChangedBy, Permission};
use samvad_actors::ports::{ApiToken, User};
use std::future::{Ready, ready};

/// Somebody who has shown a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The person; of a token, its owner.
    pub user: User,
    /// What they have shown.
    pub credential: Credential,
}

/// What somebody has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// The cookie of a session.
    Session {
        /// SHA-256 of its key, hexadecimal.
        key_hash: String,
        /// Its CSRF token.
        csrf_token: String,
        /// Ends then whatever happens, in UTC milliseconds.
        expires_at_ms: i64,
    },
    /// An API token.
    Token(ApiToken),
}

impl Principal {
    /// Whether they may do something: a token never more than its owner.
    pub fn may(&self, permission: Permission) -> bool {
        let scoped = match &self.credential {
            Credential::Session { .. } => true,
            Credential::Token(token) => token.scopes.contains(&permission),
        };
        scoped && self.user.role.may(permission)
    }

    /// All that they may do.
    pub fn permissions(&self) -> Vec<Permission> {
        Permission::ALL.into_iter().filter(|&p| self.may(p)).collect()
    }

    /// What they are known by wherever senders are told apart: idempotency keys, limits.
    pub fn key(&self) -> String {
        match &self.credential {
            Credential::Session { .. } => format!("user:{}", self.user.id),
            Credential::Token(token) => format!("token:{}", token.id),
        }
    }
}

/// Extractor: whoever sends the request. The guard has let them in; an operation that the public may use has none.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Who.
    pub principal: Principal,
    /// The request's id.
    pub request_id: RequestId,
}

impl Caller {
    /// For the audit log.
    pub fn changed_by(&self) -> ChangedBy {
        let user = &self.principal.user;
        let (kind, id, name) = match &self.principal.credential {
            Credential::Session { .. } => (ActorKind::User, user.id.as_str(), user.name.as_str()),
            Credential::Token(token) => (ActorKind::Token, token.id.as_str(), token.name.as_str()),
        };
        ChangedBy {
            kind,
            id: id.to_owned(),
            name: name.to_owned(),
            request_id: Some(self.request_id.to_string()),
        }
    }

    /// Refuses what the operation asks for beyond its own permission.
    ///
    /// # Errors
    /// 403.
    pub fn require(&self, permission: Permission) -> Result<(), Problem> {
        match self.principal.may(permission) {
            true => Ok(()),
            false => Err(forbidden(permission)),
        }
    }
}

/// 403 for whoever lacks a permission.
pub(super) fn forbidden(permission: Permission) -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        format!("this needs the permission {permission}; ask an admin, or use a token with this scope"),
    )
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let extensions = request.extensions();
        let found = extensions.get::<Principal>().zip(extensions.get::<RequestId>());
        ready(
            found
                .map(|(principal, id)| Self {
                    principal: principal.clone(),
                    request_id: id.clone(),
                })
                .ok_or_else(Problem::internal),
        )
    }
}
