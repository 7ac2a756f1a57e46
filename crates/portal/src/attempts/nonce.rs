//! One-time numbers for statements.

use axum::{extract::State, http::StatusCode};
use time::Duration;
use ycd_portal_api::{
    Problem,
    wire::{
        Bytes,
        attempts::{Nonce, NonceRequest},
    },
};

use super::{record, refusals};
use crate::{
    Portal,
    db::millis,
    http::{Answer, Change, Path, User},
    orders::{self, name_of},
    secrets::random,
};

/// Long enough for a PIN to be typed.
const GOOD_FOR: Duration = Duration::minutes(10);

/// A number for one statement of the attempt, once, within ten minutes.
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
        return Err(refusals::NOT_OPEN.into());
    }
    sqlx::query("DELETE FROM nonces WHERE expires_at <= $1").bind(millis(now)).execute(&mut *tx).await?;
    let nonce = random::<{ ycd_pki::statement::NONCE_LEN }>()?;
    sqlx::query(
        "INSERT INTO nonces (nonce, order_no, attempt, purpose, expires_at) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(nonce.as_slice())
    .bind(&no)
    .bind(number)
    .bind(name_of(&change.body.purpose)?)
    .bind(millis(now + GOOD_FOR))
    .execute(&mut *tx)
    .await?;
    tx.answer(StatusCode::CREATED, &Nonce { nonce: Bytes(nonce.to_vec()) }).await
}
