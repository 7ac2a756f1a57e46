//! The outbox. A message is queued in the transaction that gives rise to it, and sent after that; what fails is tried
//! again, with growing pauses.

use std::time::Duration as StdDuration;

use sqlx::Row as _;
use time::{Duration, OffsetDateTime};

use super::provider::Message;
use crate::{
    Error, Portal,
    db::{Conn, millis},
};

const TRIES: u32 = 6;

/// Queues a message, to be sent once the caller's transaction is committed.
pub async fn queue(
    portal: &Portal,
    db: &mut Conn,
    message: &Message,
    now: OffsetDateTime,
) -> Result<(), Error> {
    let state = if portal.sms().keeps_messages() { "sent" } else { "waiting" };
    sqlx::query(
        "INSERT INTO sms_messages (at, phone, text, code, order_no, state, next_try_at)
         VALUES ($1, $2, $3, $4, $5, $6, $1)",
    )
    .bind(millis(now))
    .bind(&message.phone)
    .bind(&message.text)
    .bind(&message.code)
    .bind(&message.order)
    .bind(state)
    .execute(db)
    .await?;
    Ok(())
}

/// Sends what waits, for as long as the server runs.
pub(crate) async fn send_waiting(portal: Portal) {
    if portal.sms().keeps_messages() {
        return;
    }
    loop {
        if let Err(error) = send_due(&portal).await {
            tracing::warn!(%error, "messages wait");
        }
        // Failed messages have their time even when no new one comes.
        let _ = tokio::time::timeout(StdDuration::from_secs(15), portal.sms_waiting()).await;
    }
}

async fn send_due(portal: &Portal) -> Result<(), Error> {
    let rows = sqlx::query(
        "SELECT id, phone, text, code, order_no, tries FROM sms_messages
         WHERE state = 'waiting' AND next_try_at <= $1 ORDER BY id LIMIT 50",
    )
    .bind(millis(portal.now()))
    .fetch_all(&mut *portal.db().read().await?)
    .await?;
    for row in rows {
        let (id, tries): (i64, u32) = (row.try_get("id")?, row.try_get("tries")?);
        let message = Message {
            phone: row.try_get("phone")?,
            text: row.try_get("text")?,
            code: row.try_get("code")?,
            order: row.try_get("order_no")?,
        };
        let sent = portal.sms().send(&message).await;
        let state = match &sent {
            Ok(()) => "sent",
            Err(error) if error.retriable && tries + 1 < TRIES => "waiting",
            Err(_) => "failed",
        };
        if let Err(error) = &sent {
            tracing::warn!(message = id, %error, state, "message not sent");
        }
        let next = portal.now() + Duration::seconds(5 << tries.min(8));
        let mut tx = portal.db().write().await?;
        sqlx::query(
            "UPDATE sms_messages SET state = $1, tries = tries + 1, next_try_at = $2,
             text = CASE WHEN $1 = 'waiting' OR code IS NULL THEN text ELSE '' END,
             code = CASE WHEN $1 = 'waiting' THEN code ELSE NULL END
             WHERE id = $3",
        )
        .bind(state)
        .bind(millis(next))
        .bind(id)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
    }
    Ok(())
}
