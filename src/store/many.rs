//! One statement for many rows. Such a statement is written, and prepared by the tests, for one row: `VALUES ($1, $2)` or
//! `IN ($1)`; here its placeholders are repeated. What an import writes costs a statement for a hundred rows, not one or
//! more for each.

use sqlx::any::AnyArguments;
use sqlx::query::Query;
use sqlx::{Any, AssertSqlSafe};
use std::fmt::Write;

/// Rows of one statement at most: so many that the statement itself costs nothing, and far below the placeholders that a
/// database takes (SQLite 32,766, PostgreSQL 65,535).
pub(super) const AT_ONCE: usize = 100;

/// A statement with `count` groups of placeholders, each of as many as there are `columns`, in place of the one that
/// begins with `$first`. The values are bound row by row.
pub(super) fn rows<'q>(
    statement: &'static str,
    first: usize,
    columns: usize,
    count: usize,
) -> Query<'q, Any, AnyArguments> {
    let mut groups = String::new();
    for row in 0..count.max(1) {
        let separator = if row == 0 { "" } else { ", " };
        groups.push_str(separator);
        groups.push_str(&group(first + row * columns, columns));
    }
    query(statement.replacen(&group(first, columns), &groups, 1), count)
}

/// A statement with a list of `count` placeholders in place of the one in brackets that is `$first`.
pub(super) fn list<'q>(statement: &'static str, first: usize, count: usize) -> Query<'q, Any, AnyArguments> {
    query(
        statement.replacen(&group(first, 1), &group(first, count.max(1)), 1),
        count,
    )
}

/// `($4, $5, $6)`.
fn group(first: usize, columns: usize) -> String {
    let mut group = String::from("(");
    for place in first..first + columns {
        let separator = if place == first { "" } else { ", " };
        // Writing to a string does not fail.
        let _ = write!(group, "{separator}${place}");
    }
    group.push(')');
    group
}

/// The text is a constant with more placeholders. It is kept prepared if it comes again: one row and a whole lot do, what
/// remains of a batch has any length.
fn query<'q>(text: String, count: usize) -> Query<'q, Any, AnyArguments> {
    sqlx::query(AssertSqlSafe(text)).persistent(matches!(count, 1 | AT_ONCE))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sqlx::Execute;

    #[test]
    fn placeholders_are_repeated_row_by_row_behind_those_that_are_for_all() {
        let insert = "INSERT INTO t (a, b, c) SELECT $1, v.b, v.c FROM (VALUES ($2, $3)) v";
        assert_eq!(
            rows(insert, 2, 2, 3).sql().as_str(),
            "INSERT INTO t (a, b, c) SELECT $1, v.b, v.c FROM (VALUES ($2, $3), ($4, $5), ($6, $7)) v"
        );
        assert_eq!(rows(insert, 2, 2, 1).sql().as_str(), insert);
        let select = "SELECT a FROM t WHERE b = $1 AND c IN ($2)";
        assert_eq!(
            list(select, 2, 3).sql().as_str(),
            "SELECT a FROM t WHERE b = $1 AND c IN ($2, $3, $4)"
        );
    }
}
