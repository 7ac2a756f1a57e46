//! The token of one unlock order, good for an hour, and its step-up, with which releases are asked for, for ten
//! minutes. The step-up is the assistant's own and is never sent back. The token is no session, and no session stands
//! in for it.

use axum::{extract::FromRequestParts, http::request::Parts};
use sqlx::Row as _;
use time::{Duration, OffsetDateTime};
use ycd_portal_api::problem::unlock as problems;
use ycd_portal_api::{problem::kinds, wire::login::SessionToken};

use super::RELEASE_SECONDS;
use crate::{
    Error, Portal,
    db::{Conn, millis},
    http::{Actor, presented_secret},
    secrets,
};

const EXPIRES_AFTER: Duration = Duration::HOUR;

/// Whoever brings the token of an order as `Authorization: Bearer`. As an extractor: 401 otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepUpTicket {
    ticket: [u8; 32],
    order: String,
}

impl StepUpTicket {
    /// That the token is this order's. `unlock.order_other`
    pub fn of(&self, order: &str) -> Result<(), Error> {
        if self.order == order { Ok(()) } else { Err(problems::ORDER_OTHER.into()) }
    }

    /// Under whom answers are kept.
    pub fn actor(&self) -> Actor {
        Actor::Session(self.ticket)
    }
}

impl FromRequestParts<Portal> for StepUpTicket {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, portal: &Portal) -> Result<Self, Error> {
        let ticket = hash(portal, presented_secret(parts)?);
        let row = sqlx::query("SELECT order_no FROM unlock_tickets WHERE ticket = $1 AND expires_at > $2")
            .bind(ticket.as_slice())
            .bind(millis(portal.now()))
            .fetch_optional(&mut *portal.db().read().await?)
            .await?
            .ok_or(kinds::SESSION_EXPIRED)?;
        Ok(Self { ticket, order: row.try_get("order_no")? })
    }
}

/// Makes a token for an order, keeps the step-up that its opening brought, and says until when releases can be asked
/// for with that.
pub async fn grant(
    portal: &Portal,
    db: &mut Conn,
    order: &str,
    step_up: &str,
    now: OffsetDateTime,
) -> Result<(SessionToken, OffsetDateTime), Error> {
    let ticket = secrets::new_bearer()?;
    let releases_until = now + Duration::seconds(i64::from(RELEASE_SECONDS));
    sqlx::query(
        "INSERT INTO unlock_tickets (ticket, step_up, order_no, releases_until, expires_at)
         VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(hash(portal, &ticket).as_slice())
    .bind(step_up_hash(portal, step_up).as_slice())
    .bind(order)
    .bind(millis(releases_until))
    .bind(millis(now + EXPIRES_AFTER))
    .execute(db)
    .await?;
    Ok((SessionToken::new(ticket.to_string()), releases_until))
}

/// That releases of an order can be asked for with this step-up. `auth.step_up_invalid`
pub async fn check(
    portal: &Portal,
    db: &mut Conn,
    step_up: &str,
    order: &str,
    now: OffsetDateTime,
) -> Result<(), Error> {
    sqlx::query("SELECT 1 FROM unlock_tickets WHERE step_up = $1 AND order_no = $2 AND releases_until > $3")
        .bind(step_up_hash(portal, step_up).as_slice())
        .bind(order)
        .bind(millis(now))
        .fetch_optional(db)
        .await?
        .ok_or(kinds::STEP_UP_INVALID)?;
    Ok(())
}

fn step_up_hash(portal: &Portal, step_up: &str) -> [u8; 32] {
    portal.secrets().mac("unlock step-up", &[step_up.as_bytes()])
}

fn hash(portal: &Portal, ticket: &str) -> [u8; 32] {
    portal.secrets().mac("unlock token", &[ticket.as_bytes()])
}
