//! Which role a person has, by a claim of the provider's.

use super::error::RoleFault;
use samvad_actors::domain::Role;
use serde_json::Value;
use std::fmt;

/// Where a claim is: a name, names with dots between them (`realm_access.roles`), or a JSON pointer (RFC 6901).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimPath(String);

impl ClaimPath {
    /// Reads a path.
    ///
    /// # Errors
    /// What is wrong with it, and the remedy.
    pub fn parse(text: &str) -> Result<Self, (&'static str, &'static str)> {
        const REMEDY: &str = "write a claim's name, names with dots such as realm_access.roles, or a JSON pointer";
        let pointer = text.starts_with('/');
        if text.chars().any(char::is_control) {
            return Err(("holds control characters", REMEDY));
        }
        if text.is_empty() || (!pointer && text.split('.').any(str::is_empty)) {
            return Err(("holds an empty name", REMEDY));
        }
        let escapes = || text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
        if pointer && !escapes() {
            return Err(("is not a JSON pointer", "write ~0 for ~ and ~1 for / within a name"));
        }
        Ok(Self(text.to_owned()))
    }

    /// The claim among all claims. A claim whose name has dots in it goes before those within others.
    pub fn find<'a>(&self, claims: &'a Value) -> Option<&'a Value> {
        if self.0.starts_with('/') {
            return claims.pointer(&self.0);
        }
        let nested = || self.0.split('.').try_fold(claims, |at, name| at.as_object()?.get(name));
        claims.as_object()?.get(&self.0).or_else(nested)
    }
}

impl fmt::Display for ClaimPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which value of the claim stands for which role; several may stand for the same one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleMap(Vec<(Role, String)>);

impl RoleMap {
    /// Reads `admin=samvad-admins,viewer=staff`.
    ///
    /// # Errors
    /// What is wrong with it, and the remedy.
    pub fn parse(text: &str) -> Result<Self, (&'static str, &'static str)> {
        const REMEDY: &str = "write for example admin=samvad-admins,campaign_manager=survey-team,viewer=staff";
        let mut roles: Vec<(Role, String)> = Vec::new();
        for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').ok_or(("holds a part without =", REMEDY))?;
            let role = Role::from_name(name.trim()).ok_or((
                "holds an unknown role",
                "write viewer, campaign_manager or admin before the =",
            ))?;
            let value = value.trim();
            if value.is_empty() {
                return Err(("holds a role without a value", REMEDY));
            }
            if roles.iter().any(|(_, other)| other == value) {
                return Err(("holds a value twice", "write each value once, for its highest role"));
            }
            roles.push((role, value.to_owned()));
        }
        match roles.is_empty() {
            true => Err(("names no role", REMEDY)),
            false => Ok(Self(roles)),
        }
    }

    /// The highest role that a claim's values stand for.
    ///
    /// # Errors
    /// [`RoleFault`] says why there is none.
    pub fn role(&self, claim: Option<&Value>) -> Result<Role, RoleFault> {
        let values: Vec<&str> = match claim {
            None | Some(Value::Null) => return Err(RoleFault::Missing),
            Some(Value::String(value)) => vec![value],
            Some(Value::Array(values)) => {
                let texts: Option<_> = values.iter().map(Value::as_str).collect();
                texts.ok_or(RoleFault::Malformed)?
            }
            Some(_) => return Err(RoleFault::Malformed),
        };
        let mapped = self.0.iter().filter(|(_, value)| values.contains(&value.as_str()));
        mapped.map(|(role, _)| *role).max().ok_or(RoleFault::Unmapped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn path(text: &str) -> ClaimPath {
        ClaimPath::parse(text).expect("a path")
    }

    #[test]
    fn a_claim_is_found_by_name_by_dots_and_by_json_pointer() {
        let claims = json!({
            "groups": "a",
            "realm_access": { "roles": ["b"] },
            "https://example.org/roles": "c",
            "x": { "y/z": "d" },
            "p.q": "whole",
            "p": { "q": "nested" },
        });
        for (text, found) in [
            ("groups", json!("a")),
            ("realm_access.roles", json!(["b"])),
            ("/realm_access/roles/0", json!("b")),
            ("https://example.org/roles", json!("c")),
            ("/https:~1~1example.org~1roles", json!("c")),
            ("/x/y~1z", json!("d")),
            ("p.q", json!("whole")),
        ] {
            assert_eq!(path(text).find(&claims), Some(&found), "{text}");
        }
        for text in [
            "roles",
            "groups.a",
            "realm_access.roles.0",
            "/realm_access/roles/9",
            "/",
        ] {
            assert_eq!(path(text).find(&claims), None, "{text}");
        }
        for wrong in ["", "a..b", ".a", "a.", "/a~2b", "/a~", "a\nb"] {
            assert!(ClaimPath::parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn the_highest_mapped_role_counts_and_nothing_mapped_is_none() {
        let roles =
            RoleMap::parse("admin=samvad-admins, campaign_manager=team,viewer=staff,viewer=guests").expect("read");
        for (claim, role) in [
            (json!("team"), Ok(Role::CampaignManager)),
            (json!(["staff", "samvad-admins", "team"]), Ok(Role::Admin)),
            (json!(["others", "guests"]), Ok(Role::Viewer)),
            (json!(["admin", "Team", "team "]), Err(RoleFault::Unmapped)),
            (json!([]), Err(RoleFault::Unmapped)),
            (json!(null), Err(RoleFault::Missing)),
            (json!({"team": true}), Err(RoleFault::Malformed)),
            (json!(["team", 1]), Err(RoleFault::Malformed)),
            (json!(true), Err(RoleFault::Malformed)),
        ] {
            assert_eq!(roles.role(Some(&claim)), role, "{claim}");
        }
        assert_eq!(roles.role(None), Err(RoleFault::Missing));
    }

    #[test]
    fn a_map_with_an_unknown_role_an_empty_or_a_repeated_value_is_refused() {
        for wrong in ["", ",", "admin", "admin=", "root=a", "Admin=a", "admin=a,viewer=a"] {
            assert!(RoleMap::parse(wrong).is_err(), "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_parsing_panic_and_no_path_finds_anything_in_nothing(text in ".{0,30}") {
            let _ = RoleMap::parse(&text);
            if let Ok(path) = ClaimPath::parse(&text) {
                let (nothing, list) = (json!({}), json!(["a"]));
                prop_assert_eq!(path.find(&nothing), None);
                prop_assert!(text.starts_with('/') || path.find(&list).is_none());
            }
        }

        #[test]
        fn a_role_is_never_higher_than_that_of_the_values_that_are_held(held in proptest::sample::subsequence(vec![0, 1, 2], 0..=3)) {
            let roles = RoleMap::parse("viewer=v0,campaign_manager=v1,admin=v2").expect("read");
            let claim = json!(held.iter().map(|index| format!("v{index}")).collect::<Vec<_>>());
            let highest = held.iter().max().map(|&index: &usize| Role::ALL[index]);
            prop_assert_eq!(roles.role(Some(&claim)).ok(), highest);
        }
    }
}
