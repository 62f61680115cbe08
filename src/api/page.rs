//! Lists in pages. A page ends with a cursor, which is opaque to clients: it holds the key of the page's last row.

use super::extract::has_nul;
use crate::problem::Problem;
use actix_web::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Rows of a page, if nothing else is asked for.
pub const DEFAULT_LIMIT: u32 = 50;
/// Rows of a page at most.
pub const LONGEST: u32 = 200;
/// Longest cursor that is looked at.
const LONGEST_CURSOR: usize = 1_024;

/// Which page. Flattening does not work in queries (all values are texts there): name both fields in the query's own
/// type, and make this of them.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct PageQuery {
    /// Rows wanted at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<u32>,
    /// `next` of the page before.
    #[param(max_length = 1024)]
    pub cursor: Option<String>,
}

impl PageQuery {
    /// Rows wanted.
    ///
    /// # Errors
    /// 400, if it is not from 1 to 200.
    pub fn limit(&self) -> Result<u32, Problem> {
        match self.limit.unwrap_or(DEFAULT_LIMIT) {
            limit @ 1..=LONGEST => Ok(limit),
            _ => Err(fault("limit", "is out of range", "send a number from 1 to 200")),
        }
    }

    /// The key of the last row of the page before.
    ///
    /// # Errors
    /// 400, if it is no cursor of this list.
    pub fn after<K: DeserializeOwned>(&self) -> Result<Option<K>, Problem> {
        let Some(cursor) = &self.cursor else {
            return Ok(None);
        };
        let key = (cursor.len() <= LONGEST_CURSOR)
            .then(|| URL_SAFE_NO_PAD.decode(cursor).ok())
            .flatten()
            .filter(|bytes| !has_nul(bytes))
            .and_then(|bytes| serde_json::from_slice(&bytes).ok());
        key.map(Some).ok_or_else(|| {
            fault(
                "cursor",
                "is no cursor of this list",
                "send `next` of the page before, or leave it out",
            )
        })
    }
}

/// 400 for a parameter of a query.
pub fn fault(parameter: &str, fault: &str, remedy: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "the query has faults; `errors` says which")
        .with_fault(parameter, fault, remedy)
}

/// One page.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// Its rows.
    pub items: Vec<T>,
    /// `cursor` of the page after; `null` on the last one.
    #[schema(required = true)]
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// A page from `limit + 1` rows at most: the one more says that there is another page. `key` gives what a store
    /// finds the rows after this one by.
    pub fn of<K: Serialize>(mut items: Vec<T>, limit: u32, key: impl Fn(&T) -> K) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let goes_on = items.len() > limit;
        items.truncate(limit);
        let last = items.last().filter(|_| goes_on).map(key);
        let next = last
            .and_then(|key| serde_json::to_vec(&key).ok())
            .map(|key| URL_SAFE_NO_PAD.encode(key));
        Self { items, next }
    }

    /// The page with its rows as others see them.
    pub fn map<U>(self, show: impl FnMut(T) -> U) -> Page<U> {
        Page {
            items: self.items.into_iter().map(show).collect(),
            next: self.next,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn query(limit: Option<u32>, cursor: Option<&str>) -> PageQuery {
        PageQuery {
            limit,
            cursor: cursor.map(str::to_owned),
        }
    }

    #[test]
    fn a_page_says_where_the_next_begins_and_the_last_does_not() {
        let page = Page::of(vec![1, 2, 3], 2, |row| *row);
        assert_eq!(page.items, [1, 2]);
        let next = query(Some(2), page.next.as_deref());
        assert_eq!(next.after::<i32>().expect("read"), Some(2));
        assert_eq!(Page::of(vec![3], 2, |row| *row).next, None);
        assert_eq!(Page::of(vec![3, 4], 2, |row| *row).next, None);
    }

    #[test]
    fn a_cursor_holds_no_text_that_a_database_cannot_take() {
        let cursor = URL_SAFE_NO_PAD.encode(r#"["a\u0000"]"#);
        assert!(query(None, Some(&cursor)).after::<Vec<String>>().is_err());
    }

    #[test]
    fn a_limit_is_from_1_to_200() {
        assert_eq!(query(None, None).limit().expect("a limit"), DEFAULT_LIMIT);
        assert_eq!(query(Some(200), None).limit().expect("a limit"), 200);
        for limit in [0, 201, u32::MAX] {
            assert_eq!(
                query(Some(limit), None).limit().expect_err("refused").errors[0].field,
                "limit"
            );
        }
    }

    proptest! {
        #[test]
        fn a_cursor_reads_back_and_nothing_else_is_one(key in any::<(i64, String)>(), junk in ".{0,60}") {
            let page = Page::of(vec![0, 1], 1, |_| key.clone());
            let read: Option<(i64, String)> = query(None, page.next.as_deref()).after().expect("a cursor");
            prop_assert_eq!(read, Some(key));
            prop_assert!(query(None, Some(&junk)).after::<(i64, String)>().is_err());
        }
    }
}
