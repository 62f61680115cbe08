//! The audit log.

use crate::accounts::{entry, log};
use crate::world::*;
use samvad_actors::domain::{ActorKind, ChangedBy};
use samvad_actors::ports::{AuditEntry, AuditQuery, AuditRow};
use serde_json::json;

pub async fn an_entry_reads_back_as_it_was_written(store: TestStore) {
    let whole = AuditEntry {
        by: ChangedBy {
            kind: ActorKind::Token,
            id: "token-1".to_owned(),
            name: "the till's \"Ø\"".to_owned(),
            request_id: Some("request-1".to_owned()),
        },
        action: "campaign.update",
        target: ("campaign", "spring".to_owned()),
        before: Some(json!({"name": "Spring", "cap": 1.5, "zone": null})),
        after: Some(json!({"name": "वसंत\n", "days": [1, 2]})),
    };
    store.record_audit(&whole, NOW).await.expect("written");
    for kind in [ActorKind::User, ActorKind::CommandLine, ActorKind::System] {
        let mut short = entry("campaign.pause", ("campaign", "spring"));
        short.by.kind = kind;
        store.record_audit(&short, NOW).await.expect("written");
    }
    let log = log(&store).await;
    let expected = AuditRow {
        id: 1,
        at_ms: NOW,
        by: whole.by,
        action: "campaign.update".to_owned(),
        target_kind: "campaign".to_owned(),
        target_id: "spring".to_owned(),
        before: whole.before,
        after: whole.after,
    };
    assert_eq!(log[0], expected);
    let kinds: Vec<_> = log[1..].iter().map(|row| row.by.kind).collect();
    assert_eq!(kinds, [ActorKind::User, ActorKind::CommandLine, ActorKind::System]);
    assert!(
        log[1..]
            .iter()
            .all(|row| row.before.is_none() && row.after.is_none() && row.by.request_id.is_none())
    );
}

/// Twelve entries by two people, of two kinds; their numbers are their ids, and their times go by tens.
async fn fill(store: &TestStore) {
    for n in 1..=12 {
        let action = ["campaign.create", "campaign.pause", "campaigns", "user.update"][n % 4];
        let kind = if action == "user.update" { "user" } else { "campaign" };
        let mut entry = entry(action, (kind, ["t0", "t1", "t2"][n % 3]));
        entry.by.id = ["ann", "bob"][n % 2].to_owned();
        let at_ms = NOW + 10 * i64::try_from(n).expect("small");
        store.record_audit(&entry, at_ms).await.expect("written");
    }
}

async fn ids(store: &TestStore, query: AuditQuery) -> Vec<i64> {
    let query = AuditQuery {
        limit: if query.limit == 0 { 100 } else { query.limit },
        ..query
    };
    let rows = store.audit_log(&query).await.expect("read");
    rows.iter().map(|row| row.id).collect()
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

pub async fn the_log_is_searched_by_each_of_its_filters(store: TestStore) {
    fill(&store).await;
    let any = AuditQuery::default;
    let cases = [
        (any(), vec![12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]),
        (
            AuditQuery {
                by: some("bob"),
                ..any()
            },
            vec![11, 9, 7, 5, 3, 1],
        ),
        (
            AuditQuery {
                by: some("bo"),
                ..any()
            },
            vec![],
        ),
        (
            AuditQuery {
                action_prefix: some("campaign."),
                ..any()
            },
            vec![12, 9, 8, 5, 4, 1],
        ),
        (
            AuditQuery {
                action_prefix: some("campaign"),
                ..any()
            },
            vec![12, 10, 9, 8, 6, 5, 4, 2, 1],
        ),
        (
            AuditQuery {
                action_prefix: some("campaign.pause"),
                ..any()
            },
            vec![9, 5, 1],
        ),
        (
            AuditQuery {
                action_prefix: some("%"),
                ..any()
            },
            vec![],
        ),
        (
            AuditQuery {
                action_prefix: some("pause"),
                ..any()
            },
            vec![],
        ),
        (
            AuditQuery {
                action_prefix: some(""),
                ..any()
            },
            vec![12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1],
        ),
        (
            AuditQuery {
                target_kind: some("user"),
                ..any()
            },
            vec![11, 7, 3],
        ),
        (
            AuditQuery {
                target_id: some("t1"),
                ..any()
            },
            vec![10, 7, 4, 1],
        ),
        // From is within, until is not.
        (
            AuditQuery {
                from_ms: Some(NOW + 110),
                ..any()
            },
            vec![12, 11],
        ),
        (
            AuditQuery {
                until_ms: Some(NOW + 30),
                ..any()
            },
            vec![2, 1],
        ),
        (
            AuditQuery {
                from_ms: Some(NOW + 50),
                until_ms: Some(NOW + 70),
                ..any()
            },
            vec![6, 5],
        ),
        (
            AuditQuery {
                before_id: Some(3),
                ..any()
            },
            vec![2, 1],
        ),
        (AuditQuery { limit: 2, ..any() }, vec![12, 11]),
    ];
    for (query, expected) in cases {
        assert_eq!(ids(&store, query.clone()).await, expected, "{query:?}");
    }
}

pub async fn filters_of_the_log_hold_together_whichever_leads(store: TestStore) {
    fill(&store).await;
    let rows = log(&store).await;
    let texts = |given: &str, choices: [&str; 2]| -> Vec<Option<String>> {
        let given = given.to_owned();
        choices
            .iter()
            .map(|text| some(text))
            .chain([None, Some(given)])
            .collect()
    };
    let mut asked = 0;
    for by in texts("nobody", ["ann", "bob"]) {
        for action_prefix in texts("campaign.pause", ["campaign", "user"]) {
            for target_kind in texts("nothing", ["campaign", "user"]) {
                for target_id in [None, some("t1")] {
                    for (from_ms, until_ms) in [(None, None), (Some(NOW + 40), None), (Some(NOW + 40), Some(NOW + 90))]
                    {
                        let query = AuditQuery {
                            by: by.clone(),
                            action_prefix: action_prefix.clone(),
                            target_kind: target_kind.clone(),
                            target_id: target_id.clone(),
                            from_ms,
                            until_ms,
                            before_id: Some(11),
                            limit: 3,
                        };
                        let expected: Vec<i64> = rows
                            .iter()
                            .rev()
                            .filter(|row| matches(&query, row))
                            .map(|row| row.id)
                            .take(3)
                            .collect();
                        assert_eq!(ids(&store, query.clone()).await, expected, "{query:?}");
                        asked += usize::from(!expected.is_empty());
                    }
                }
            }
        }
    }
    assert!(asked > 50, "{asked}");
}

/// What the filters mean, one by one.
fn matches(query: &AuditQuery, row: &AuditRow) -> bool {
    query.by.as_ref().is_none_or(|by| *by == row.by.id)
        && query
            .action_prefix
            .as_ref()
            .is_none_or(|prefix| row.action.starts_with(prefix))
        && query.target_kind.as_ref().is_none_or(|kind| *kind == row.target_kind)
        && query.target_id.as_ref().is_none_or(|id| *id == row.target_id)
        && query.from_ms.is_none_or(|from_ms| row.at_ms >= from_ms)
        && query.until_ms.is_none_or(|until_ms| row.at_ms < until_ms)
        && query.before_id.is_none_or(|id| row.id < id)
}

pub async fn the_pages_of_the_log_are_the_log_also_where_clocks_differ(store: TestStore) {
    // Two nodes, whose clocks are a second apart.
    for n in 0..20 {
        let at_ms = NOW + n - if n % 2 == 0 { 0 } else { 1_000 };
        let entry = entry("campaign.create", ("campaign", "spring"));
        store.record_audit(&entry, at_ms).await.expect("written");
    }
    for since in [None, Some(NOW - 1_000)] {
        let mut found = Vec::new();
        loop {
            let page = AuditQuery {
                from_ms: since,
                before_id: found.last().copied(),
                limit: 3,
                ..AuditQuery::default()
            };
            let page = ids(&store, page).await;
            if page.is_empty() {
                break;
            }
            found.extend(page);
        }
        assert_eq!(found, (1..=20).rev().collect::<Vec<i64>>());
    }
}

pub async fn ids_of_the_log_are_in_the_order_in_which_entries_become_visible(store: TestStore) {
    let writers: Vec<_> = (0..8)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                for _ in 0..12 {
                    let entry = entry("campaign.create", ("campaign", "spring"));
                    store.record_audit(&entry, NOW).await.expect("written");
                }
            })
        })
        .collect();
    // Whoever reads in between never sees an id before one that is still to come.
    while !writers.iter().all(tokio::task::JoinHandle::is_finished) {
        let seen: Vec<i64> = log(&store).await.iter().map(|row| row.id).collect();
        let expected: Vec<i64> = (1..).take(seen.len()).collect();
        assert_eq!(seen, expected);
    }
    for writer in writers {
        writer.await.expect("no panic");
    }
    assert_eq!(log(&store).await.len(), 96);
}
