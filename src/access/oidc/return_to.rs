//! Where a browser goes after its login: one of our own pages and nowhere else, or a login would be a way to send
//! people who trust this server to somebody else's.

use url::Url;

/// Where a login leads that names no place: the page that describes the API, and lets one try it.
pub const HOME: &str = "/api/docs/";
/// Longest place, in bytes.
const LONGEST: usize = 2000;

/// A place on our own pages, as it may stand in a `Location`: path, query and fragment. `None` for anything else: other
/// hosts and schemes (`//host`, `/\host`, `https:`), control characters, which browsers leave out or take for the end of
/// a header, and the API itself.
pub(super) fn own_page(text: &str) -> Option<String> {
    let plain = text.starts_with('/') && text.len() <= LONGEST;
    if !plain || text.chars().any(|c| c == '\\' || c.is_control()) {
        return None;
    }
    // Browsers read a `Location` in this way (WHATWG URL), relative to the page's own.
    let ours = Url::parse("https://own.invalid/").ok()?;
    let url = ours.join(text).ok()?;
    if url.origin() != ours.origin() || url.path().starts_with("/api/v1/") {
        return None;
    }
    let page = url.as_str().strip_prefix("https://own.invalid")?;
    // `/.//host` has become `//host`.
    (!page.starts_with("//")).then(|| page.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_page_of_our_own_is_kept_with_query_and_fragment() {
        for page in [
            "/",
            "/campaigns",
            "/campaigns/a?state=running&page=2#top",
            "/api/docs",
            "/a//b",
            "/%2F%2Fhost",
        ] {
            assert_eq!(own_page(page).as_deref(), Some(page));
        }
        assert_eq!(own_page("/umfrage/ä b").as_deref(), Some("/umfrage/%C3%A4%20b"));
    }

    #[test]
    fn other_hosts_other_schemes_and_what_browsers_make_of_odd_characters_are_refused() {
        for place in [
            "",
            "campaigns",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/.//evil.example",
            "/a/..//evil.example",
            "/%2e//evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            "/a\r\nSet-Cookie: a=b",
            "https://evil.example",
            "javascript:alert(1)",
            "data:text/html,x",
            "/api/v1/login",
            "/api/./v1/callback",
            " /campaigns",
            "@evil.example",
        ] {
            assert_eq!(own_page(place), None, "{place:?}");
        }
        assert_eq!(own_page(&format!("/{}", "a".repeat(LONGEST))), None);
    }

    proptest! {
        #[test]
        fn whatever_is_accepted_stays_on_our_own_origin_and_fits_into_a_header(
            text in "[/\\\\.@:%?#a-e2-5 \t\n\u{e4}]{0,12}|/{0,3}(\\PC|[./\\\\]){0,20}|.{0,40}"
        ) {
            if let Some(page) = own_page(&text) {
                let ours = Url::parse("https://calls.example.org/api/v1/callback?code=x").expect("a URL");
                prop_assert_eq!(ours.join(&page).expect("a URL").origin(), ours.origin());
                prop_assert!(page.starts_with('/') && !page.starts_with("//") && !page.starts_with("/\\"));
                prop_assert!(page.bytes().all(|byte| (0x21..0x7f).contains(&byte)));
                prop_assert_eq!(own_page(&page), Some(page.clone()), "it is accepted again");
            }
        }
    }
}
