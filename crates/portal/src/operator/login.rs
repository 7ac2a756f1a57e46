//! `POST /operator/login`: name and password.

use argon2::{Argon2, PasswordHash, PasswordVerifier as _};
use axum::{extract::State, http::StatusCode};
use sqlx::Row as _;
use time::{Duration, OffsetDateTime};
use utoipa_axum::{router::OpenApiRouter, routes};
use ycd_portal_api::{
    Problem,
    problem::kinds,
    wire::{login::Session, operator::OperatorLogin},
};
use zeroize::Zeroizing;

use crate::{
    Error, Portal, audit,
    db::{millis, moment},
    http::{Actor, Answer, Change, Operator},
    init::hash_password,
    login::{Owner, begin_session},
};

/// Wrong passwords in a row until the name is locked.
const FAILURES: i64 = 5;
const LOCKED: Duration = Duration::minutes(15);

pub(super) fn routes() -> OpenApiRouter<Portal> {
    OpenApiRouter::new().routes(routes!(login))
}

/// Name and password give a session.
#[utoipa::path(post, path = "/operator/login", request_body = OperatorLogin,
    params(("Idempotency-Key" = String, Header)),
    responses((status = 200, body = Session), (status = "default", body = Problem)))]
async fn login(State(portal): State<Portal>, change: Change<OperatorLogin>) -> Answer {
    let OperatorLogin { name, password } = &change.body;
    // The password is checked before the transaction, which nobody else could write beside.
    let stored: Option<String> = sqlx::query("SELECT password FROM operators WHERE name = $1")
        .bind(name)
        .fetch_optional(&mut *portal.db().read().await?)
        .await?
        .map(|row| row.try_get(0))
        .transpose()?;
    let right = verify(stored, Zeroizing::new(password.clone())).await?;

    let mut tx = change.begin(&portal, Actor::Anonymous).await?;
    let now = tx.now();
    let row = sqlx::query("SELECT id, failures, locked_until FROM operators WHERE name = $1")
        .bind(name)
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(kinds::BAD_CREDENTIALS)?;
    let (id, failures): (i64, i64) = (row.try_get("id")?, row.try_get("failures")?);
    let locked_for = moment(row.try_get("locked_until")?) - now;
    if locked_for.is_positive() {
        return Err(Problem::new(kinds::AUTH_LOCKED)
            .with("retry_after", locked_for.whole_seconds() + 1)
            .into());
    }
    let operator = Operator { id, name: name.clone() };
    let (failures, locked_until) = match right {
        true => (0, OffsetDateTime::UNIX_EPOCH),
        false if failures + 1 >= FAILURES => (0, now + LOCKED),
        false => (failures + 1, OffsetDateTime::UNIX_EPOCH),
    };
    sqlx::query("UPDATE operators SET failures = $1, locked_until = $2 WHERE id = $3")
        .bind(failures)
        .bind(millis(locked_until))
        .bind(id)
        .execute(&mut *tx)
        .await?;
    let action = if right { "operator.login" } else { "operator.login_refused" };
    audit::record(&mut tx, &operator.into(), action, name, None, now).await?;
    if !right {
        return tx.refuse(kinds::BAD_CREDENTIALS.into()).await;
    }
    let session = begin_session(&portal, &mut tx, Owner::Operator(id), now).await?;
    tx.answer(StatusCode::OK, &session).await
}

/// Whether the password is right. Takes as long for a name that nobody has.
async fn verify(stored: Option<String>, password: Zeroizing<String>) -> Result<bool, Error> {
    let checked = tokio::task::spawn_blocking(move || match stored {
        Some(stored) => {
            let hash = PasswordHash::new(&stored).map_err(|error| Error::Password(error.to_string()))?;
            Ok(Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
        }
        None => hash_password(&password).map(|_| false),
    });
    checked.await.map_err(|error| Error::Password(error.to_string()))?
}
