//! Step 1: the order's one open attempt, or the first.

use axum::{Json, extract::State, http::StatusCode};
use sqlx::Row as _;
use ycd_portal_api::problem::attempts as problems;
use ycd_portal_api::{
    Problem,
    problem::kinds,
    wire::attempts::{AttemptView, OpenAttempt},
};

use super::{
    record,
    view::{self, attempts_left},
};
use crate::{
    Error, Portal, audit,
    certificates::{self, RecordState},
    db::Conn,
    http::{Answer, Change, ChangeTx, Path, User},
    orders::{self, InternalStatus, Order, name_of},
    secrets::random,
};

/// Pairs on a token beyond which the list is not believed, and bytes of one SubjectPublicKeyInfo (RSA 4096 has 550).
const MAX_KEYS: usize = 128;
const MAX_SPKI: usize = 1024;

/// Gives the order's newest attempt, or opens the first. Of a completed order: the confirmed one.
#[utoipa::path(post, path = "/orders/{order}/attempts", request_body = OpenAttempt, security(("session" = [])),
    params(("order" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = AttemptView), (status = "default", body = Problem)))]
pub async fn open(
    State(portal): State<Portal>,
    user: User,
    Path(no): Path<String>,
    change: Change<OpenAttempt>,
) -> Answer {
    let mut tx = change.begin(&portal, user.clone()).await?;
    let order = orders::load_own(&mut tx, &no, &user).await?;
    if change.body.token_id != order.token_id {
        return Err(kinds::WRONG_TOKEN.into());
    }
    let attempts = record::all(&mut tx, &no).await?;
    let needs_new = match attempts.last() {
        Some(attempt) if attempt.is_open() && attempt.certificate().is_none() => {
            check_allowed(&portal, &mut tx, &order).await?;
            false
        }
        Some(attempt) => !attempt.is_open() && order.internal_status == InternalStatus::AwaitingRenewal,
        None => true,
    };
    if needs_new {
        check_allowed(&portal, &mut tx, &order).await?;
        if attempts_left(&order, &attempts) == 0 {
            return Err(problems::EXHAUSTED.into());
        }
        let number = attempts.last().map_or(0, |attempt| attempt.number) + 1;
        open_new(&mut tx, &order, number, &change.body).await?;
    }
    let order = orders::load(&mut tx, &no).await?;
    let view = view::newest(&portal, &mut tx, &order).await?;
    tx.answer(StatusCode::OK, &view).await
}

/// The order's newest attempt.
#[utoipa::path(get, path = "/orders/{order}/attempts", params(("order" = String, Path)), security(("session" = [])),
    responses((status = 200, body = AttemptView), (status = "default", body = Problem)))]
pub async fn current(
    State(portal): State<Portal>,
    user: User,
    Path(no): Path<String>,
) -> Result<Json<AttemptView>, Error> {
    let mut db = portal.db().read().await?;
    let order = orders::load_own(&mut db, &no, &user).await?;
    Ok(Json(view::newest(&portal, &mut db, &order).await?))
}

/// May a new certificate be issued for this order now?
pub async fn check_allowed(portal: &Portal, db: &mut Conn, order: &Order) -> Result<(), Error> {
    let late = order.work_until(portal).is_some_and(|until| portal.now() > until);
    // Once its approval has lapsed, an order waits for review again.
    if late
        && matches!(order.internal_status, InternalStatus::AwaitingRenewal | InternalStatus::AwaitingReview)
    {
        return Err(problems::WINDOW_CLOSED.into());
    }
    if order.internal_status != InternalStatus::AwaitingRenewal {
        return Err(Problem::new(problems::ORDER_NOT_READY).with("state", order.state).into());
    }
    // An order that was good when it was handed in stays good, but for this.
    if certificates::load(db, &order.certificate).await?.state == RecordState::Revoked {
        return Err(kinds::CERTIFICATE_REVOKED.into());
    }
    Ok(())
}

async fn open_new(tx: &mut ChangeTx, order: &Order, number: u32, body: &OpenAttempt) -> Result<(), Error> {
    if body.public_keys.len() > MAX_KEYS || body.public_keys.iter().any(|spki| spki.0.len() > MAX_SPKI) {
        return Err(problems::INVENTORY_TOO_LARGE.into());
    }
    let now = tx.now();
    let actor = tx.actor().clone();
    let busy = sqlx::query(
        "SELECT order_no FROM attempts WHERE token_id = $1 AND state IN ('open', 'issued') AND order_no <> $2",
    )
    .bind(&order.token_id)
    .bind(&order.no)
    .fetch_optional(&mut **tx)
    .await?;
    if let Some(row) = busy {
        let other: String = row.try_get("order_no")?;
        return Err(Problem::new(problems::TOKEN_BUSY).with("order", other).into());
    }
    sqlx::query("UPDATE orders SET mode = $1 WHERE no = $2 AND mode IS NULL")
        .bind(name_of(&body.mode)?)
        .bind(&order.no)
        .execute(&mut **tx)
        .await?;
    if number == 1 {
        for spki in &body.public_keys {
            sqlx::query("INSERT INTO inventories (order_no, spki) VALUES ($1, $2) ON CONFLICT DO NOTHING")
                .bind(&order.no)
                .bind(&spki.0)
                .execute(&mut **tx)
                .await?;
        }
    }
    record::insert(tx, order, number, random()?, now).await?;
    audit::record(tx, &actor, "attempt.open", &order.no, Some(&format!("attempt {number}")), now).await
}
