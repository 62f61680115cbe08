//! Logins at a real OpenID provider, the npm package `oidc-provider`, whose login and consent pages are filled in as a
//! browser would; and everything that a provider, a network or somebody with bad intentions may do wrong.

/// The API's server, of whose helpers the logins use few.
#[cfg(test)]
#[path = "../api"]
#[expect(dead_code, reason = "shared with the tests of the API")]
mod api {
    pub mod client;
    pub mod world;
}
#[cfg(test)]
mod browser;
#[cfg(test)]
mod id_tokens;
#[cfg(test)]
mod logins;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod served;
#[cfg(test)]
mod trouble;
#[cfg(test)]
mod world;
