//! Who may do what over the API: logins by a provider, sessions of people, tokens of machines, and the guard before
//! every operation.

pub mod csrf;
pub mod guard;
pub mod keys;
pub mod local_login;
pub mod oidc;
pub mod principal;
pub mod sessions;
pub mod tokens;

pub use principal::{Caller, Credential, Principal};
