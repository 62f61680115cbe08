//! API tokens.

use super::users::{self, user_row};
use super::{is_use_to_be_written, statements as sql};
use crate::store::error::{conflict, corrupt, not_found};
use crate::store::rows::get;
use crate::store::{SqlStore, audit, commit, db};
use samvad_actors::domain::{Permission, TokenId, UserId};
use samvad_actors::ports::{ApiToken, AuditEntry, MOST_TOKENS, NewToken, StoreError, TokenCursor, User};
use sqlx::any::AnyRow;

/// Keeps a new token.
pub(super) async fn add(
    store: &SqlStore,
    token: &NewToken,
    entry: &AuditEntry,
    now_ms: i64,
) -> Result<ApiToken, StoreError> {
    let mut transaction = store.begin_write().await?;
    let owner = users::lock(&mut transaction, &token.owner)
        .await?
        .ok_or_else(|| not_found("user", &token.owner))?;
    if owner.disabled {
        return Err(conflict("the token's owner is disabled; enable them first"));
    }
    // The owner is held: of two that are made at once, the second counts the first.
    let admitting = sqlx::query(sql::COUNT_ADMITTING)
        .bind(token.owner.as_str())
        .bind(now_ms)
        .fetch_one(&mut *transaction)
        .await
        .map_err(db)?;
    if get::<i64>(&admitting, "n")? >= i64::from(MOST_TOKENS) {
        return Err(conflict(&format!(
            "the owner has {MOST_TOKENS} tokens that admit, and that is the most; take one back that is not used any more"
        )));
    }
    sqlx::query(sql::ADD_TOKEN)
        .bind(token.id.as_str())
        .bind(token.owner.as_str())
        .bind(token.name.as_str())
        .bind(token.hash.as_str())
        .bind(token.hint.as_str())
        .bind(scope_words(&token.scopes))
        .bind(now_ms)
        .bind(token.expires_at_ms)
        .execute(&mut *transaction)
        .await
        .map_err(db)?;
    audit::append(&mut transaction, entry, now_ms).await?;
    commit(transaction).await?;
    Ok(ApiToken {
        id: token.id.clone(),
        owner: token.owner.clone(),
        name: token.name.clone(),
        hint: token.hint.clone(),
        scopes: token.scopes.clone(),
        created_at_ms: now_ms,
        expires_at_ms: token.expires_at_ms,
        revoked_at_ms: None,
        last_used_at_ms: None,
    })
}

/// A page of the tokens of one user or of all.
pub(super) async fn tokens(
    store: &SqlStore,
    owner: Option<&UserId>,
    after: Option<&TokenCursor>,
    limit: u32,
) -> Result<Vec<ApiToken>, StoreError> {
    let statement = match owner {
        Some(_) => sql::TOKENS_OF,
        None => sql::TOKENS,
    };
    let page = sqlx::query(statement)
        .bind(after.map_or(i64::MAX, |after| after.created_at_ms))
        .bind(after.map_or("", |after| after.id.as_str()))
        .bind(i64::from(limit));
    let page = match owner {
        Some(owner) => page.bind(owner.as_str()),
        None => page,
    };
    let rows = page.fetch_all(&mut *store.reader().await?).await.map_err(db)?;
    rows.iter().map(token_row).collect()
}

/// One token.
pub(super) async fn token(store: &SqlStore, id: &TokenId) -> Result<Option<ApiToken>, StoreError> {
    let row = sqlx::query(sql::TOKEN)
        .bind(id.as_str())
        .fetch_optional(&mut *store.reader().await?)
        .await
        .map_err(db)?;
    row.as_ref().map(token_row).transpose()
}

/// Takes a token back.
pub(super) async fn revoke(
    store: &SqlStore,
    id: &TokenId,
    entry: &AuditEntry,
    now_ms: i64,
) -> Result<bool, StoreError> {
    let mut transaction = store.begin_write().await?;
    let revoked = sqlx::query(sql::REVOKE_TOKEN)
        .bind(id.as_str())
        .bind(now_ms)
        .execute(&mut *transaction)
        .await
        .map_err(db)?;
    if revoked.rows_affected() == 0 {
        let known = sqlx::query(sql::TOKEN)
            .bind(id.as_str())
            .fetch_optional(&mut *transaction)
            .await
            .map_err(db)?;
        return known.map(|_| false).ok_or_else(|| not_found("token", id));
    }
    audit::append(&mut transaction, entry, now_ms).await?;
    commit(transaction).await?;
    Ok(true)
}

/// The token of a hash with its owner, if it admits; marked as used.
pub(super) async fn by_hash(store: &SqlStore, hash: &str, now_ms: i64) -> Result<Option<(ApiToken, User)>, StoreError> {
    let row = sqlx::query(sql::TOKEN_BY_HASH)
        .bind(hash)
        .bind(now_ms)
        .fetch_optional(&mut *store.reader().await?)
        .await
        .map_err(db)?;
    let Some(row) = row else {
        return Ok(None);
    };
    let (mut token, owner) = (token_row(&row)?, user_row(&row)?);
    if token
        .last_used_at_ms
        .is_none_or(|last_used_at_ms| is_use_to_be_written(last_used_at_ms, now_ms))
    {
        sqlx::query(sql::TOUCH_TOKEN)
            .bind(token.id.as_str())
            .bind(now_ms)
            .execute(&mut *store.writer().await?)
            .await
            .map_err(db)?;
        token.last_used_at_ms = Some(now_ms);
    }
    Ok(Some((token, owner)))
}

fn scope_words(scopes: &[Permission]) -> String {
    let words: Vec<&str> = scopes.iter().map(|permission| permission.scope()).collect();
    words.join(" ")
}

fn token_row(row: &AnyRow) -> Result<ApiToken, StoreError> {
    let scopes: String = get(row, "scopes")?;
    let scope = |word| Permission::from_scope(word).ok_or_else(|| corrupt("column scopes holds an unknown word"));
    Ok(ApiToken {
        id: TokenId::new(get::<String>(row, "token_id")?),
        owner: UserId::new(get::<String>(row, "owner_id")?),
        name: get(row, "token_name")?,
        hint: get(row, "hint")?,
        scopes: scopes.split_whitespace().map(scope).collect::<Result<_, _>>()?,
        created_at_ms: get(row, "token_created_at_ms")?,
        expires_at_ms: get(row, "expires_at_ms")?,
        revoked_at_ms: get(row, "revoked_at_ms")?,
        last_used_at_ms: get(row, "last_used_at_ms")?,
    })
}
