//! A person with a browser at the provider's own pages.

use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Client, RequestBuilder, Response, redirect};
use samvad::access::oidc::CallbackQuery;
use std::collections::BTreeMap;
use url::Url;

/// A browser that keeps its provider's cookies, and stops at our callback.
pub struct Browser {
    client: Client,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    pub fn new() -> Self {
        Self {
            client: super::world::http_client(redirect::Policy::none()),
            cookies: BTreeMap::new(),
        }
    }

    /// Goes where the login sends it, signs in as somebody, consents, and comes back with the query of the callback.
    pub async fn sign_in(&mut self, to: &str, person: &str) -> CallbackQuery {
        self.go(to, |browser, action, form| {
            let post = browser.client.post(action);
            match form.contains(r#"value="login""#) {
                true => post.form(&[("prompt", "login"), ("login", person), ("password", "any")]),
                false => post.form(&[("prompt", "consent")]),
            }
        })
        .await
    }

    /// Goes where the login sends it and cancels.
    pub async fn cancel(&mut self, to: &str) -> CallbackQuery {
        self.go(to, |browser, action, _| browser.client.get(format!("{action}/abort")))
            .await
    }

    async fn go(&mut self, to: &str, answer: impl Fn(&Self, Url, &str) -> RequestBuilder) -> CallbackQuery {
        let mut at = Url::parse(to).expect("a URL");
        let mut page = self.send(self.client.get(at.clone())).await;
        for _ in 0..20 {
            if let Some(location) = page.headers().get(LOCATION) {
                at = at.join(location.to_str().expect("text")).expect("a URL");
                if at.path() == samvad::access::oidc::CALLBACK_PATH {
                    return query(&at);
                }
                page = self.send(self.client.get(at.clone())).await;
                continue;
            }
            let form = page.text().await.expect("a page");
            let (_, rest) = form
                .split_once(r#"action=""#)
                .unwrap_or_else(|| panic!("no form at {at}: {form}"));
            let action = rest.split('"').next().expect("an action");
            at = at.join(action).expect("a URL");
            page = self.send(answer(self, at.clone(), &form)).await;
        }
        panic!("the provider's pages have no end")
    }

    async fn send(&mut self, request: RequestBuilder) -> Response {
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let response = request
            .header(COOKIE, cookies.join("; "))
            .send()
            .await
            .expect("an answer");
        for set in response.headers().get_all(SET_COOKIE) {
            let pair = set.to_str().expect("text").split(';').next().expect("a pair");
            let (name, value) = pair.split_once('=').expect("a pair");
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        response
    }
}

/// The query that the provider has sent a browser back with.
fn query(url: &Url) -> CallbackQuery {
    let found = |name: &str| {
        url.query_pairs()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    };
    CallbackQuery {
        state: found("state"),
        code: found("code"),
        iss: found("iss"),
        error: found("error"),
    }
}
