use super::*;
use proptest::prelude::*;
use samvad_actors::domain::UserId;
use std::collections::BTreeSet;

const NOW: i64 = 1_700_000_000_000;
const MINUTE: i64 = 60_000;
const YEAR: i64 = 365 * 24 * 60 * MINUTE;

fn owner(role: Role) -> User {
    User {
        id: UserId::from("ann"),
        issuer: "local".to_owned(),
        subject: "ann".to_owned(),
        email: None,
        name: "Ann".to_owned(),
        role,
        disabled: false,
        created_at_ms: NOW,
        last_login_at_ms: None,
    }
}

fn wish(scopes: &[Permission]) -> TokenWish {
    TokenWish {
        name: "the till".to_owned(),
        scopes: scopes.to_vec(),
        expires_at_ms: Some(NOW + MINUTE),
    }
}

fn issued(wish: &TokenWish, role: Role) -> IssuedToken {
    issue(wish, &owner(role), TokenId::from("t"), NOW).expect("issued")
}

fn refused(wish: &TokenWish, role: Role) -> Vec<TokenFault> {
    match issue(wish, &owner(role), TokenId::from("t"), NOW) {
        Err(IssueError::Wish(faults)) => faults,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_token_is_a_prefix_and_256_random_bits_of_which_a_hash_and_a_hint_are_kept() {
    let mut seen = BTreeSet::new();
    for _ in 0..100 {
        let token = issued(&wish(&[Permission::ReadCampaigns]), Role::Viewer);
        let secret = token.secret.expose_secret();
        let random = secret.strip_prefix("smv_").expect("the prefix");
        assert_eq!(URL_SAFE_NO_PAD.decode(random).expect("base64url").len(), 32);
        assert!(random.starts_with(&token.kept.hint) && token.kept.hint.len() == 6);
        assert_eq!(hash_of_bearer(&format!("Bearer {secret}")), Ok(token.kept.hash.clone()));
        assert!(!format!("{token:?}").contains(random), "{token:?}");
        assert!(seen.insert(secret.to_owned()), "never the same twice");
    }
}

#[test]
fn the_hash_is_sha_256_in_hexadecimal() {
    // FIPS 180-2, B.1.
    assert_eq!(
        hash("abc"),
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
}

#[test]
fn a_scope_beyond_the_owners_role_is_refused_by_name() {
    let scopes = [
        Permission::WriteAccounts,
        Permission::ReadCampaigns,
        Permission::ExportResults,
    ];
    assert_eq!(
        refused(&wish(&scopes), Role::Viewer),
        [
            TokenFault::BeyondRole {
                scope: Permission::ExportResults,
                role: Role::Viewer,
                needed: Role::CampaignManager
            },
            TokenFault::BeyondRole {
                scope: Permission::WriteAccounts,
                role: Role::Viewer,
                needed: Role::Admin
            },
        ]
    );
    let faults = refused(&wish(&scopes), Role::CampaignManager);
    assert_eq!((faults.len(), faults[0].field()), (1, "scopes"));
    let text = faults[0].to_string();
    assert!(
        text.contains("accounts:write") && text.contains("campaign_manager"),
        "{text}"
    );
    assert_eq!(issued(&wish(&scopes), Role::Admin).kept.scopes.len(), 3);
}

#[test]
fn every_fault_of_a_wish_is_told_with_its_field() {
    let wish = TokenWish {
        name: " \t".to_owned(),
        scopes: Vec::new(),
        expires_at_ms: None,
    };
    let faults = refused(&wish, Role::Viewer);
    let expected = [
        TokenFault::Name,
        TokenFault::NoScope,
        TokenFault::EndlessLife { role: Role::Viewer },
    ];
    assert_eq!(faults, expected);
    let fields: Vec<_> = faults.iter().map(TokenFault::field).collect();
    assert_eq!(fields, ["name", "scopes", "expires_at_ms"]);
    let text = IssueError::Wish(faults).to_string();
    assert!(text.contains("name has 1 to 100") && text.contains("viewer"), "{text}");
}

#[test]
fn a_name_is_short_and_printable_and_loses_the_space_around_it() {
    let named = |name: &str| TokenWish {
        name: name.to_owned(),
        ..wish(&[Permission::ReadCampaigns])
    };
    for name in ["", "a\nb", "a\u{0}", "a\u{7f}", &"ü".repeat(101)] {
        assert_eq!(refused(&named(name), Role::Viewer), [TokenFault::Name], "{name:?}");
    }
    assert_eq!(
        issued(&named(&"ü".repeat(100)), Role::Viewer).kept.name,
        "ü".repeat(100)
    );
    assert_eq!(issued(&named(" till \n"), Role::Viewer).kept.name, "till");
}

#[test]
fn a_token_lives_from_a_minute_to_two_years_and_for_ever_only_if_its_owner_is_an_admin() {
    let expiring = |expires_at_ms| TokenWish {
        expires_at_ms,
        ..wish(&[Permission::ReadCampaigns])
    };
    for at_ms in [NOW + MINUTE, NOW + 2 * YEAR] {
        assert_eq!(
            issued(&expiring(Some(at_ms)), Role::Viewer).kept.expires_at_ms,
            Some(at_ms)
        );
    }
    for at_ms in [i64::MIN, -1, NOW, NOW + MINUTE - 1, NOW + 2 * YEAR + 1, i64::MAX] {
        assert_eq!(
            refused(&expiring(Some(at_ms)), Role::Admin),
            [TokenFault::Life],
            "{at_ms}"
        );
    }
    for role in [Role::Viewer, Role::CampaignManager] {
        assert_eq!(refused(&expiring(None), role), [TokenFault::EndlessLife { role }]);
    }
    assert_eq!(issued(&expiring(None), Role::Admin).kept.expires_at_ms, None);
}

#[test]
fn a_header_is_read_as_http_writes_it_and_everything_else_is_refused_without_repeating_it() {
    let token = issued(&wish(&[Permission::ReadCampaigns]), Role::Viewer);
    let secret = token.secret.expose_secret();
    for header in [
        format!("Bearer {secret}"),
        format!("bearer {secret}"),
        format!("BEARER   {secret} "),
    ] {
        assert_eq!(hash_of_bearer(&header), Ok(token.kept.hash.clone()), "{header}");
    }
    for header in [
        "",
        " ",
        "Bearer",
        "Bearer ",
        secret,
        &format!("Basic {secret}"),
        &format!("Bearer\t{secret}"),
    ] {
        assert_eq!(hash_of_bearer(header), Err(BearerFault::Scheme), "{header:?}");
    }
    let random = &secret[4..];
    // 43 characters are 258 bits: the last two must be zero, else two texts were one token.
    let last_bits = format!("{}{}", &random[..42], "B");
    for token in [
        "smv_".to_owned(),
        random.to_owned(),
        format!("SMV_{random}"),
        format!("smv_{}", &random[..42]),
        format!("smv_{random}A"),
        format!("smv_{random}="),
        format!("smv_{random} x"),
        format!("smv_{last_bits}"),
        format!("smv_{}", "+".repeat(43)),
        format!("smv_{}", "é".repeat(43)),
    ] {
        let fault = hash_of_bearer(&format!("Bearer {token}")).expect_err("refused");
        assert_eq!(fault, BearerFault::Token, "{token:?}");
        assert!(!fault.to_string().contains(random));
    }
}

fn some_permissions() -> impl Strategy<Value = Vec<Permission>> {
    prop::collection::vec(prop::sample::select(&Permission::ALL[..]), 0..20)
}

fn some_role() -> impl Strategy<Value = Role> {
    prop::sample::select(&Role::ALL[..])
}

proptest! {
    #[test]
    fn a_token_may_do_what_both_its_scopes_and_its_owners_role_allow(scopes in some_permissions(), role in some_role()) {
        let effective = effective_permissions(&scopes, role);
        for permission in Permission::ALL {
            let both = scopes.contains(&permission) && role.may(permission);
            let times = effective.iter().filter(|&&known| known == permission).count();
            prop_assert_eq!(times, usize::from(both));
        }
    }

    #[test]
    fn a_token_is_issued_only_within_its_owners_role_and_then_with_every_scope(
        scopes in some_permissions(),
        role in some_role(),
        life_ms in -YEAR..3 * YEAR,
    ) {
        let wish = TokenWish { expires_at_ms: Some(NOW + life_ms), ..wish(&scopes) };
        let within = !scopes.is_empty() && scopes.iter().all(|&scope| role.may(scope));
        let lives = (MINUTE..=2 * YEAR).contains(&life_ms);
        match issue(&wish, &owner(role), TokenId::from("t"), NOW) {
            Ok(token) => {
                prop_assert!(within && lives);
                let (wanted, kept): (BTreeSet<_>, BTreeSet<_>) =
                    (scopes.into_iter().collect(), token.kept.scopes.iter().copied().collect());
                prop_assert_eq!(wanted, kept);
            }
            Err(error) => prop_assert!(!within || !lives, "{}", error),
        }
    }

    #[test]
    fn any_header_is_read_or_refused(header in "(?s).{0,80}") {
        let _ = hash_of_bearer(&header);
    }

    #[test]
    fn a_header_is_read_only_if_it_holds_a_token_in_the_one_way_to_write_it(
        scheme in "[Bb]earer|Basic",
        prefix in "smv_|smv-|",
        random in "[A-Za-z0-9_-]{40,46}",
    ) {
        let bytes = URL_SAFE_NO_PAD.decode(&random).ok().filter(|bytes| bytes.len() == 32);
        let expected = scheme != "Basic" && prefix == "smv_" && bytes.is_some();
        let read = hash_of_bearer(&format!("{scheme} {prefix}{random}"));
        prop_assert_eq!(read.is_ok(), expected);
        if let (Ok(read), Some(bytes)) = (read, bytes) {
            prop_assert_eq!(read, hash(&format!("smv_{}", URL_SAFE_NO_PAD.encode(bytes))));
        }
    }
}
