//! Who did what, for good.

use time::OffsetDateTime;

use crate::{
    Error,
    db::{Conn, millis},
    http::Actor,
};

/// Records an act, in the transaction in which it is done. `detail` holds no secret and no phone number.
pub async fn record(
    db: &mut Conn,
    actor: &Actor,
    action: &str,
    target: &str,
    detail: Option<&str>,
    now: OffsetDateTime,
) -> Result<(), Error> {
    sqlx::query("INSERT INTO audit (at, actor, action, target, detail) VALUES ($1, $2, $3, $4, $5)")
        .bind(millis(now))
        .bind(actor.to_string())
        .bind(action)
        .bind(target)
        .bind(detail)
        .execute(db)
        .await?;
    Ok(())
}
