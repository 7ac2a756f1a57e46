//! One-time numbers for authorizations.

use axum::{extract::State, http::StatusCode};
use time::{Duration, OffsetDateTime};
use ycd_pki::authorization::NONCE_LEN;
use ycd_portal_api::problem::attempts as problems;
use ycd_portal_api::{
    Problem,
    wire::{
        Bytes,
        attempts::{Nonce, NonceRequest},
    },
};

use super::record;
use crate::{
    Error, Portal,
    db::{Conn, millis},
    http::{Answer, Change, Path, User},
    orders::{self, name_of},
    secrets::random,
};

/// Long enough for a PIN to be typed.
const GOOD_FOR: Duration = Duration::minutes(10);

/// A number for one authorization of the attempt, once, within ten minutes.
#[utoipa::path(post, path = "/orders/{order}/attempts/{attempt}/nonces", request_body = NonceRequest,
    security(("session" = [])),
    params(("order" = String, Path), ("attempt" = u32, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, body = Nonce), (status = "default", body = Problem)))]
pub async fn nonce(
    State(portal): State<Portal>,
    user: User,
    Path((no, number)): Path<(String, u32)>,
    change: Change<NonceRequest>,
) -> Answer {
    let mut tx = change.begin(&portal, user.clone()).await?;
    let now = tx.now();
    orders::load_own(&mut tx, &no, &user).await?;
    if !record::load(&mut tx, &no, number).await?.is_open() {
        return Err(problems::NOT_OPEN.into());
    }
    let nonce = make(&mut tx, &no, number, &name_of(&change.body.purpose)?, now).await?;
    tx.answer(StatusCode::CREATED, &nonce).await
}

/// A number for one authorization about an order (or whatever has a number of its own), an attempt of it, and a
/// purpose.
pub(crate) async fn make(
    db: &mut Conn,
    order: &str,
    attempt: u32,
    purpose: &str,
    now: OffsetDateTime,
) -> Result<Nonce, Error> {
    sqlx::query("DELETE FROM nonces WHERE expires_at <= $1").bind(millis(now)).execute(&mut *db).await?;
    let nonce = random::<NONCE_LEN>()?;
    sqlx::query(
        "INSERT INTO nonces (nonce, order_no, attempt, purpose, expires_at) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(nonce.as_slice())
    .bind(order)
    .bind(attempt)
    .bind(purpose)
    .bind(millis(now + GOOD_FOR))
    .execute(db)
    .await?;
    Ok(Nonce { nonce: Bytes(nonce.to_vec()) })
}

/// Uses a number up. `attempt.nonce_invalid` where it was made for something else, is too old, or has been used.
pub(crate) async fn spend(
    db: &mut Conn,
    nonce: &[u8],
    order: &str,
    attempt: u32,
    purpose: &str,
    now: OffsetDateTime,
) -> Result<[u8; NONCE_LEN], Error> {
    let used = sqlx::query(
        "UPDATE nonces SET used = 1
         WHERE nonce = $1 AND order_no = $2 AND attempt = $3 AND purpose = $4 AND used = 0 AND expires_at > $5",
    )
    .bind(nonce)
    .bind(order)
    .bind(attempt)
    .bind(purpose)
    .bind(millis(now))
    .execute(db)
    .await?;
    if used.rows_affected() != 1 {
        return Err(problems::NONCE_INVALID.into());
    }
    nonce.try_into().map_err(|_| problems::NONCE_INVALID.into())
}
