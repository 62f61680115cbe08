//! The operations of the API as its description has them: who may use each, and what else the ground needs to know.

use actix_web::http::Method;
use samvad_actors::domain::Permission;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Longest body of an operation that says nothing else.
pub const BODY_LIMIT: usize = 256 * 1024;

/// Says in the description who may use an operation: a permission, `signed_in`, `session`, `public` or `health`.
pub const PERMISSION: &str = "x-permission";
/// Says in the description how many bytes the body of an operation may have, if not [`BODY_LIMIT`].
pub const BODY_LIMIT_EXTENSION: &str = "x-body-limit";
/// `false` in the description: the operation takes no `Idempotency-Key`, because its body is a stream or its answer a
/// secret, which are not kept.
pub const KEEPS_ANSWER: &str = "x-idempotency-key";

/// Who may use an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everybody, without a limit on the rate.
    Health,
    /// Everybody.
    Public,
    /// Whoever has signed in or shows a token.
    SignedIn,
    /// People who have signed in; no tokens.
    Session,
    /// Whoever has the permission.
    Permission(Permission),
}

impl Access {
    /// As the description says it.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "health" => Some(Self::Health),
            "public" => Some(Self::Public),
            "signed_in" => Some(Self::SignedIn),
            "session" => Some(Self::Session),
            scope => Permission::from_scope(scope).map(Self::Permission),
        }
    }

    /// Whether somebody must be known.
    pub fn needs_principal(self) -> bool {
        !matches!(self, Self::Health | Self::Public)
    }
}

/// One operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// Its path, with the names of parameters in braces.
    pub path: String,
    /// Who may use it.
    pub access: Access,
    /// Longest body, in bytes.
    pub body_limit: usize,
    /// Whether an answer is kept for the request's `Idempotency-Key`.
    pub keeps_answer: bool,
}

/// The operations at one path, by method.
pub type Methods = BTreeMap<String, Arc<Operation>>;

/// All operations, by path.
#[derive(Clone, Debug, Default)]
pub struct Operations(HashMap<String, Methods>);

impl Operations {
    /// Adds one.
    pub fn add(&mut self, method: &Method, operation: Operation) {
        let methods = self.0.entry(operation.path.clone()).or_default();
        methods.insert(method.as_str().to_owned(), Arc::new(operation));
    }

    /// Those at a path, as the router writes it.
    pub fn at(&self, path: &str) -> Option<&Methods> {
        self.0.get(path)
    }
}
