//! The end of an attempt that came to nothing.

use time::OffsetDateTime;
use ycd_portal_api::wire::attempts::AttemptState;

use super::record::{self, Attempt};
use crate::{
    Error, audit, authority,
    certificates::{self, RecordState},
    db::Conn,
    http::Actor,
    orders::Order,
};

/// An operator ends the work on the token (token lost, money given back): closes the order's open attempt, if there is
/// one, and revokes its serial number. Called by [`crate::orders::transition`], in its transaction.
pub async fn close(db: &mut Conn, order: &Order, now: OffsetDateTime) -> Result<(), Error> {
    match record::newest(db, &order.no).await? {
        Some(attempt) if attempt.is_open() => {
            give_up(db, &attempt, authority::GIVEN_UP, &Actor::System, now).await
        }
        _ => Ok(()),
    }
}

/// Closes an attempt and revokes its serial number where it has one, whether or not it has been signed: what is signed
/// later is born revoked.
pub async fn give_up(
    db: &mut Conn,
    attempt: &Attempt,
    reason: &str,
    actor: &Actor,
    now: OffsetDateTime,
) -> Result<(), Error> {
    record::set_state(db, attempt, AttemptState::Closed, now).await?;
    let detail = match &attempt.bound {
        Some(bound) => {
            match certificates::find(db, &bound.serial).await? {
                Some(certificate) if certificate.state != RecordState::Revoked => {
                    certificates::revoke(db, &bound.serial, reason, actor, now).await?;
                }
                Some(_) => {}
                None => authority::revoke(db, &bound.serial, reason, now).await?,
            }
            format!("attempt {}, serial {}", attempt.number, bound.serial)
        }
        None => format!("attempt {}", attempt.number),
    };
    audit::record(db, actor, "attempt.give_up", &attempt.order, Some(&detail), now).await
}
