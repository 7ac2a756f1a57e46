//! Money that came in by bank transfer.

use sqlx::Row as _;
use time::OffsetDateTime;
use ycd_portal_api::{
    problem::{Problem, kinds},
    wire::operator::{RecordTransfer, TransferView},
};

use super::{
    machine::Event,
    record::{Order, load},
    transition::transition,
};
use crate::{
    Error,
    db::{Conn, millis, moment},
    http::Operator,
};

/// Records a transfer and pays the order with it. A reference counts once, over all orders; the amount must be the
/// order's. Money for an order that was cancelled before is recorded, to be sent back.
pub(super) async fn record(
    db: &mut Conn,
    no: &str,
    transfer: &RecordTransfer,
    operator: &Operator,
    now: OffsetDateTime,
) -> Result<Order, Error> {
    let order = load(db, no).await?;
    let reference = transfer.reference.trim();
    let fits = (1..=64).contains(&reference.chars().count()) && !reference.chars().any(char::is_control);
    if !fits {
        return Err(kinds::PAYMENT_REFERENCE_INVALID.into());
    }
    let used = sqlx::query("SELECT order_no FROM transfers WHERE reference = $1")
        .bind(reference)
        .fetch_optional(&mut *db)
        .await?;
    if let Some(used) = used {
        let order: String = used.try_get(0)?;
        return Err(Problem::new(kinds::PAYMENT_REFERENCE).with("order", order).into());
    }
    let paid =
        transition(db, no, Event::PaymentReceived, &operator.clone().into(), Some(reference), now).await?;
    if transfer.amount != order.amount {
        return Err(Problem::new(kinds::PAYMENT_AMOUNT).with("expected", order.amount).into());
    }
    sqlx::query(
        "INSERT INTO transfers (reference, order_no, amount, recorded_at, recorded_by) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(reference)
    .bind(no)
    .bind(transfer.amount)
    .bind(millis(now))
    .bind(&operator.name)
    .execute(db)
    .await?;
    Ok(paid)
}

pub(super) async fn transfers(db: &mut Conn, no: &str) -> Result<Vec<TransferView>, Error> {
    let rows = sqlx::query(
        "SELECT reference, amount, recorded_at, recorded_by, refunded_at FROM transfers
         WHERE order_no = $1 ORDER BY recorded_at",
    )
    .bind(no)
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(TransferView {
                reference: row.try_get("reference")?,
                amount: row.try_get("amount")?,
                recorded_at: moment(row.try_get("recorded_at")?).into(),
                recorded_by: row.try_get("recorded_by")?,
                refunded_at: row.try_get::<Option<i64>, _>("refunded_at")?.map(|at| moment(at).into()),
            })
        })
        .collect()
}
