//! Users, and how they sign in.

use super::{sessions, statements as sql};
use crate::store::error::{conflict, corrupt, not_found};
use crate::store::rows::{get, get_flag, get_word};
use crate::store::{SqlStore, Write, audit, commit, db};
use samvad_actors::domain::{ActorKind, ChangedBy, Role, UserId};
use samvad_actors::ports::{AuditEntry, NewSession, SignIn, StoreError, User};
use serde_json::{Value, json};
use sqlx::any::AnyRow;

/// Makes or updates a user and opens a session.
pub(super) async fn sign_in(
    store: &SqlStore,
    who: &SignIn,
    new_user_id: &UserId,
    session: &NewSession,
    request_id: Option<&str>,
    now_ms: i64,
) -> Result<Option<User>, StoreError> {
    let mut transaction = store.begin_write().await?;
    let before = hold(&mut transaction, who, new_user_id, now_ms).await?;
    if before.user.disabled {
        let refused = entry_of(&before.user, request_id, "session.refuse");
        audit::append(&mut transaction, &refused, now_ms).await?;
        commit(transaction).await?;
        return Ok(None);
    }
    let user = User {
        email: who.email.clone(),
        name: who.name.clone(),
        role: who.role,
        last_login_at_ms: Some(now_ms),
        ..before.user.clone()
    };
    sqlx::query(sql::SIGN_USER_IN)
        .bind(user.id.as_str())
        .bind(user.email.as_deref())
        .bind(user.name.as_str())
        .bind(user.role.as_str())
        .bind(now_ms)
        .execute(&mut *transaction)
        .await
        .map_err(db)?;
    sessions::open(&mut transaction, &user.id, session, now_ms).await?;
    for entry in entries(&before, &user, session, request_id) {
        audit::append(&mut transaction, &entry, now_ms).await?;
    }
    commit(transaction).await?;
    Ok(Some(user))
}

/// Somebody who signs in, as they were.
struct Held {
    user: User,
    is_new: bool,
}

/// Finds or makes the user, and holds the row until the transaction ends.
async fn hold(transaction: &mut Write, who: &SignIn, new_user_id: &UserId, now_ms: i64) -> Result<Held, StoreError> {
    let added = sqlx::query(sql::ADD_USER)
        .bind(new_user_id.as_str())
        .bind(who.issuer.as_str())
        .bind(who.subject.as_str())
        .bind(who.email.as_deref())
        .bind(who.name.as_str())
        .bind(who.role.as_str())
        .bind(now_ms)
        .execute(&mut **transaction)
        .await
        .map_err(db)?;
    let found = sqlx::query(sql::USER_BY_SUBJECT)
        .bind(who.issuer.as_str())
        .bind(who.subject.as_str())
        .fetch_optional(&mut **transaction)
        .await
        .map_err(db)?
        .ok_or_else(|| corrupt("a user who has just been found is gone"))?;
    let id = user_row(&found)?.id;
    // As the row is once it is held: another sign-in may have changed it since it was found.
    let user = lock(transaction, &id).await?.ok_or_else(|| not_found("user", &id))?;
    Ok(Held {
        user,
        is_new: added.rows_affected() > 0,
    })
}

/// What a sign-in writes into the audit log.
fn entries(before: &Held, user: &User, session: &NewSession, request_id: Option<&str>) -> Vec<AuditEntry> {
    let entry = |action, before, after| AuditEntry {
        before,
        after,
        ..entry_of(user, request_id, action)
    };
    let (was, is) = (account(&before.user), account(user));
    let changed = match before.is_new {
        true => Some(entry("user.create", None, Some(is))),
        false if was != is => Some(entry("user.update", Some(was), Some(is))),
        false => None,
    };
    let opened = entry(
        "session.open",
        None,
        Some(json!({ "expires_at_ms": session.expires_at_ms })),
    );
    changed.into_iter().chain([opened]).collect()
}

/// What a user did about their own account.
fn entry_of(user: &User, request_id: Option<&str>, action: &'static str) -> AuditEntry {
    AuditEntry {
        by: ChangedBy {
            kind: ActorKind::User,
            id: user.id.as_str().to_owned(),
            name: user.name.clone(),
            request_id: request_id.map(str::to_owned),
        },
        action,
        target: ("user", user.id.as_str().to_owned()),
        before: None,
        after: None,
    }
}

/// What the provider decides about a user, for the audit log.
fn account(user: &User) -> Value {
    json!({ "name": user.name, "email": user.email, "role": user.role })
}

/// Users in the order of their ids.
pub(super) async fn users(store: &SqlStore, after: Option<&UserId>, limit: u32) -> Result<Vec<User>, StoreError> {
    let rows = sqlx::query(sql::USERS)
        .bind(after.map_or("", UserId::as_str))
        .bind(i64::from(limit))
        .fetch_all(&mut *store.reader().await?)
        .await
        .map_err(db)?;
    rows.iter().map(user_row).collect()
}

/// One user.
pub(super) async fn user(store: &SqlStore, id: &UserId) -> Result<Option<User>, StoreError> {
    let row = sqlx::query(sql::USER)
        .bind(id.as_str())
        .fetch_optional(&mut *store.reader().await?)
        .await
        .map_err(db)?;
    row.as_ref().map(user_row).transpose()
}

/// Disables or enables a user.
pub(super) async fn set_disabled(
    store: &SqlStore,
    id: &UserId,
    disabled: bool,
    entry: &AuditEntry,
    now_ms: i64,
) -> Result<User, StoreError> {
    let mut transaction = store.begin_write().await?;
    let admins = lock_with_admins(&mut transaction, id).await?;
    let user = lock(&mut transaction, id).await?.ok_or_else(|| not_found("user", id))?;
    if user.disabled == disabled {
        return Ok(user);
    }
    let other_admins = admins.iter().any(|admin| admin.id != *id);
    if disabled && user.role == Role::Admin && !other_admins {
        return Err(conflict(
            "this is the last admin who is not disabled; let another admin sign in first",
        ));
    }
    sqlx::query(sql::SET_DISABLED)
        .bind(id.as_str())
        .bind(i32::from(disabled))
        .execute(&mut *transaction)
        .await
        .map_err(db)?;
    sessions::close_all(&mut transaction, id).await?;
    audit::append(&mut transaction, entry, now_ms).await?;
    commit(transaction).await?;
    Ok(User { disabled, ..user })
}

/// Holds a user and every admin who is not disabled, in the order of their ids: of two admins who disable each other at
/// once, one comes second and sees what the first did. Returns the admins.
async fn lock_with_admins(transaction: &mut Write, id: &UserId) -> Result<Vec<User>, StoreError> {
    let rows = sqlx::query(sql::ADMINS_AT_WORK)
        .fetch_all(&mut **transaction)
        .await
        .map_err(db)?;
    let mut ids: Vec<String> = rows.iter().map(|row| get(row, "id")).collect::<Result<_, _>>()?;
    ids.push(id.as_str().to_owned());
    ids.sort();
    ids.dedup();
    let mut admins = Vec::new();
    for id in ids {
        let held = lock(transaction, &UserId::new(id)).await?;
        admins.extend(held.filter(|user| user.role == Role::Admin && !user.disabled));
    }
    Ok(admins)
}

/// Holds a user's row until the transaction ends.
pub(super) async fn lock(transaction: &mut Write, id: &UserId) -> Result<Option<User>, StoreError> {
    let rows = sqlx::query(sql::LOCK_USER)
        .bind(id.as_str())
        .fetch_all(&mut **transaction)
        .await
        .map_err(db)?;
    rows.first().map(user_row).transpose()
}

/// A user of a row that has the columns of `users`.
pub(super) fn user_row(row: &AnyRow) -> Result<User, StoreError> {
    Ok(User {
        id: UserId::new(get::<String>(row, "id")?),
        issuer: get(row, "issuer")?,
        subject: get(row, "subject")?,
        email: get(row, "email")?,
        name: get(row, "name")?,
        role: get_word(row, "role")?,
        disabled: get_flag(row, "disabled")?,
        created_at_ms: get(row, "created_at_ms")?,
        last_login_at_ms: get(row, "last_login_at_ms")?,
    })
}
