//! The OpenID provider by which people sign in.

use super::reader::Reader;
use super::values::web_url;
use super::{Secret, reader};
use crate::access::oidc::{ClaimPath, RoleMap};

const ISSUER: &str = "SAMVAD_OIDC_ISSUER";
const CLIENT_ID: &str = "SAMVAD_OIDC_CLIENT_ID";
const CLIENT_SECRET: &str = "SAMVAD_OIDC_CLIENT_SECRET";
const SCOPES: &str = "SAMVAD_OIDC_SCOPES";
const ROLE_CLAIM: &str = "SAMVAD_OIDC_ROLE_CLAIM";
const ROLES: &str = "SAMVAD_OIDC_ROLES";

/// A provider, who we are for it, and what its people may do. `Debug` shows no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OidcSettings {
    /// Its issuer identifier, to the letter: `https`, or `http` on this machine.
    pub issuer: String,
    /// Our id as its client.
    pub client_id: String,
    /// Our secret as its client.
    pub client_secret: Secret<String>,
    /// What is asked for; `openid` is asked for in any case.
    pub scopes: Vec<String>,
    /// The claim that says what somebody is.
    pub role_claim: ClaimPath,
    /// Which of its values stand for which role.
    pub roles: RoleMap,
}

/// Reads them: all that is needed, or nothing at all. `None` without a provider or with a fault.
pub(super) fn read(reader: &mut Reader<'_>) -> Option<OidcSettings> {
    let secret_file = format!("{CLIENT_SECRET}_FILE");
    let needed = [ISSUER, CLIENT_ID, CLIENT_SECRET, ROLE_CLAIM, ROLES];
    let is_set = |reader: &Reader<'_>, name: &str| {
        reader.text(name).is_some() || (name == CLIENT_SECRET && reader.text(&secret_file).is_some())
    };
    if !needed.iter().any(|name| is_set(reader, name)) {
        return None;
    }
    for name in needed {
        if !is_set(reader, name) {
            let fault = "is not set, but other settings of the OpenID provider are";
            reader.fault(name, fault, "set it as well, or none of them");
        }
    }
    let issuer = reader.parsed(ISSUER, |text| {
        let remedy = "write the provider's issuer, https, or http on this machine, as its discovery document writes it";
        web_url(text, remedy).map(|_| text.to_owned())
    });
    let client_id = reader.parsed(CLIENT_ID, |text| {
        let plain = text.len() <= 255 && text.bytes().all(|byte| (0x20..0x7f).contains(&byte));
        let fault = (
            "is not a client's id",
            "write the id that the provider gave, at most 255 characters",
        );
        plain.then(|| text.to_owned()).ok_or(fault)
    });
    let client_secret = reader.secret(CLIENT_SECRET);
    let scopes = reader.parsed(SCOPES, scopes);
    let role_claim = reader.parsed(ROLE_CLAIM, ClaimPath::parse);
    let roles = reader.parsed(ROLES, RoleMap::parse);
    Some(OidcSettings {
        issuer: issuer?,
        client_id: client_id?,
        client_secret: client_secret?,
        scopes: scopes?,
        role_claim: role_claim?,
        roles: roles?,
    })
}

/// Scope tokens with blanks between them (RFC 6749, section 3.3).
fn scopes(text: &str) -> Result<Vec<String>, reader::Invalid> {
    let is_scope = |byte: u8| (0x21..0x7f).contains(&byte) && byte != b'"' && byte != b'\\';
    let scopes: Vec<String> = text
        .split(' ')
        .filter(|scope| !scope.is_empty())
        .map(str::to_owned)
        .collect();
    match scopes.iter().flat_map(|scope| scope.bytes()).all(is_scope) {
        true => Ok(scopes),
        false => Err((
            "holds what is no scope",
            "write scopes with blanks between them, for example openid profile email",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{faults, read};
    use super::*;
    use serde_json::json;

    const ALL: [(&str, &str); 5] = [
        (ISSUER, "https://login.example.org/realms/calls"),
        (CLIENT_ID, "samvad"),
        (CLIENT_SECRET, "canary-secret"),
        (ROLE_CLAIM, "realm_access.roles"),
        (ROLES, "admin=samvad-admins,viewer=staff"),
    ];

    #[test]
    fn without_settings_there_is_no_provider_and_with_them_there_is_one() {
        assert!(read(&[]).expect("usable").oidc.is_none());
        assert!(read(&[(SCOPES, "openid")]).expect("usable").oidc.is_none());
        let settings = read(&ALL).expect("usable");
        let oidc = settings.oidc.as_ref().expect("a provider");
        assert_eq!(oidc.issuer, "https://login.example.org/realms/calls");
        assert_eq!(oidc.scopes, ["openid", "profile", "email"]);
        assert_eq!(oidc.client_secret.expose(), "canary-secret");
        let claims = json!({"realm_access": {"roles": ["staff"]}});
        assert!(oidc.roles.role(oidc.role_claim.find(&claims)).is_ok());
        assert!(!format!("{settings:?}").contains("canary"));
    }

    #[test]
    fn a_provider_is_set_whole_or_not_at_all() {
        for (name, value) in ALL {
            let others: Vec<&str> = ALL.iter().map(|pair| pair.0).filter(|other| *other != name).collect();
            assert_eq!(faults(&[(name, value)]), others);
        }
    }

    #[test]
    fn the_secret_may_be_in_a_file() {
        let scratch = tempfile::tempdir().expect("temporary directory");
        let file = scratch.path().join("secret");
        std::fs::write(&file, "from-a-file\n").expect("written");
        let mut pairs = ALL;
        pairs[2] = ("SAMVAD_OIDC_CLIENT_SECRET_FILE", file.to_str().expect("UTF-8"));
        let oidc = read(&pairs).expect("usable").oidc.expect("a provider");
        assert_eq!(oidc.client_secret.expose(), "from-a-file");
    }

    #[test]
    fn every_fault_is_named_at_once() {
        let wrong = [
            (ISSUER, "http://login.example.org"),
            (CLIENT_ID, "a\u{e4}"),
            (CLIENT_SECRET, "x"),
            (SCOPES, "openid \"a\""),
            (ROLE_CLAIM, "a..b"),
            (ROLES, "root=a"),
        ];
        assert_eq!(faults(&wrong), [ISSUER, CLIENT_ID, SCOPES, ROLE_CLAIM, ROLES]);
        for issuer in [
            "login.example.org",
            "https://login.example.org/?a=b",
            "https://a:b@login.example.org",
        ] {
            let mut pairs = ALL;
            pairs[0].1 = issuer;
            assert_eq!(faults(&pairs), [ISSUER], "{issuer}");
        }
    }
}
