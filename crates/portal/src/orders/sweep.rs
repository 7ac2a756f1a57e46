//! What happens to orders because time passes.

use sqlx::Row as _;
use time::Duration;

use super::{machine::Event, transition::transition};
use crate::{Error, Portal, db::millis, http::Actor};

/// Lets lapse what has waited too long, at the portal's time: orders that were not paid, approvals and unlocks that
/// were not used. Returns how many orders it was.
pub async fn sweep(portal: &Portal) -> Result<usize, Error> {
    let now = portal.now();
    let unpaid = now - Duration::days(i64::from(portal.config().payment_days));
    let unused = now - Duration::days(i64::from(portal.config().work_days));
    let locked = now - Duration::days(i64::from(portal.config().project.unlock_days));
    let mut tx = portal.db().write().await?;
    let rows = sqlx::query(
        "SELECT no, internal_status FROM orders
         WHERE (internal_status = 'awaiting_payment' AND submitted_at < $1)
         OR (internal_status IN ('awaiting_renewal', 'awaiting_recovery', 'awaiting_download') AND approved_at < $2)
         OR (internal_status = 'awaiting_unlock' AND approved_at < $3)",
    )
    .bind(millis(unpaid))
    .bind(millis(unused))
    .bind(millis(locked))
    .fetch_all(&mut *tx)
    .await?;
    for row in &rows {
        let (no, internal_status): (String, String) = (row.try_get("no")?, row.try_get("internal_status")?);
        let event = match internal_status.as_str() {
            "awaiting_payment" => Event::PaymentLapsed,
            "awaiting_unlock" => Event::UnlockExpired,
            _ => Event::ApprovalLapsed,
        };
        transition(&mut tx, &no, event, &Actor::System, None, now).await?;
    }
    tx.commit().await?;
    Ok(rows.len())
}
