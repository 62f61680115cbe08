//! `GET /api/v1/login` and `GET /api/v1/callback` without the web server around them: what comes in as text, and what
//! goes out as a place to go to and cookies to set.

use super::{CallbackQuery, LOGIN_LIFETIME, LoginError, OidcLogin};
use samvad_actors::ports::SignIn;

/// A cookie's longest value that is read, in bytes.
const LONGEST_KEY: usize = 128;

/// Where to send a browser (303, RFC 9110, section 15.4.4), with `Cache-Control: no-store`.
#[derive(Clone, PartialEq, Eq)]
pub struct Redirect {
    /// The header `Location`.
    pub location: String,
    /// The headers `Set-Cookie`, one each; secret.
    pub cookies: Vec<String>,
}

/// Somebody whom the provider vouches for; a session is to be opened for them.
#[derive(Clone, PartialEq, Eq)]
pub struct Admitted {
    /// Who it is.
    pub who: SignIn,
    /// Where to send the browser, with the session's cookie besides.
    pub redirect: Redirect,
}

/// `GET /api/v1/login?return_to=PATH`: sends the browser to the provider.
///
/// # Errors
/// [`LoginError`], to be told as a problem with its [`status`](LoginError::status).
pub async fn login(logins: &OidcLogin, return_to: Option<&str>) -> Result<Redirect, LoginError> {
    let begun = logins.begin(return_to).await?;
    let seconds = LOGIN_LIFETIME.as_secs();
    Ok(Redirect {
        location: begun.redirect_url,
        cookies: vec![cookie(logins, begun.browser_key.expose(), seconds)],
    })
}

/// `GET /api/v1/callback`: whom the provider has sent back. `cookie_header`: the request's `Cookie`.
///
/// # Errors
/// [`LoginError`], to be told as a problem with its [`status`](LoginError::status); [`forget`] takes the cookie back.
pub async fn callback(
    logins: &OidcLogin,
    query: &CallbackQuery,
    cookie_header: Option<&str>,
) -> Result<Admitted, LoginError> {
    let key = cookie_header.and_then(|header| key_in(header, name(logins)));
    let finished = logins.finish(query, key).await?;
    Ok(Admitted {
        who: finished.who,
        redirect: Redirect {
            location: finished.return_to,
            cookies: vec![forget(logins)],
        },
    })
}

/// The `Set-Cookie` that takes a login's cookie back.
pub fn forget(logins: &OidcLogin) -> String {
    cookie(logins, "", 0)
}

/// Browsers take a name with this prefix only over TLS, from this very host, and for all paths.
fn name(logins: &OidcLogin) -> &'static str {
    match logins.secure_cookies() {
        true => "__Host-samvad-login",
        false => "samvad-login",
    }
}

/// `Lax`: the provider's redirect back brings it along, what another site posts does not.
fn cookie(logins: &OidcLogin, value: &str, seconds: u64) -> String {
    let secure = if logins.secure_cookies() { "; Secure" } else { "" };
    let name = name(logins);
    format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}")
}

/// A cookie's value in a header `Cookie` (RFC 6265, section 4.2.1).
fn key_in<'a>(header: &'a str, name: &str) -> Option<&'a str> {
    let pairs = header.split(';').filter_map(|pair| pair.trim().split_once('='));
    let mut values = pairs.filter(|(key, _)| *key == name).map(|(_, value)| value);
    values.next().filter(|value| (1..=LONGEST_KEY).contains(&value.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_cookie_is_found_by_its_whole_name() {
        let header = "a=b; not-samvad-login=x; samvad-login=key; samvad-login=second";
        assert_eq!(key_in(header, "samvad-login"), Some("key"));
        assert_eq!(key_in(header, "__Host-samvad-login"), None);
        assert_eq!(key_in("samvad-login=", "samvad-login"), None);
    }

    proptest! {
        #[test]
        fn no_header_makes_reading_panic(header in ".{0,80}") {
            let _ = key_in(&header, "samvad-login");
        }

        #[test]
        fn a_key_is_found_among_others(before in "[a-z]{1,5}=[a-z]{0,5}", key in "[A-Za-z0-9_-]{43}") {
            let header = format!("{before}; samvad-login={key}; z=1");
            prop_assert_eq!(key_in(&header, "samvad-login"), Some(key.as_str()));
        }
    }
}
