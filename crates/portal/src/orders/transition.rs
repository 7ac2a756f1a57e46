//! The one way in which an order changes its status.

use time::OffsetDateTime;
use ycd_portal_api::{
    problem::{Problem, kinds},
    wire::orders::{ActorKind, OrderKind},
};

use super::{
    machine::{self, Event, InternalStatus, TransitionProblem},
    record::{Order, load, name_of},
};
use crate::{
    Error, attempts, audit,
    db::{Conn, millis},
    http::Actor,
};

/// Lets an event happen to an order, records it, and returns the order as it is then. Refused where the table in
/// `machine.rs` says so: 409 `order.illegal_transition` (payment of what is paid: `order.already_paid`), with `from`,
/// `event` and `why`.
pub async fn transition(
    db: &mut Conn,
    no: &str,
    event: Event,
    actor: &Actor,
    reason: Option<&str>,
    now: OffsetDateTime,
) -> Result<Order, Error> {
    let order = load(db, no).await?;
    let internal_status = machine::decide(order.kind, order.internal_status, event, actor_kind(actor))
        .map_err(|refusal| refused(order.internal_status, event, refusal))?;
    if event == Event::RequestRefund && order.paid_at.is_none() {
        return Err(refused(order.internal_status, event, TransitionProblem::NotYet).into());
    }
    let state = internal_status.shown().unwrap_or(order.state);
    sqlx::query("UPDATE orders SET internal_status = $1, public_status = $2, open = $3, updated_at = $4 WHERE no = $5")
        .bind(internal_status.name())
        .bind(state.name())
        .bind(internal_status.open())
        .bind(millis(now))
        .bind(no)
        .execute(&mut *db)
        .await?;
    sqlx::query(
        "INSERT INTO order_events (order_no, at, event, from_status, to_status, public_status, actor_kind, actor, reason)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(no)
    .bind(millis(now))
    .bind(event.name())
    .bind(order.internal_status.name())
    .bind(internal_status.name())
    .bind(state.name())
    .bind(name_of(&actor_kind(actor))?)
    .bind(actor.to_string())
    .bind(reason)
    .execute(&mut *db)
    .await?;
    audit::record(db, actor, &format!("order.{}", event.name()), no, reason, now).await?;
    follow(db, &order, event, reason, now).await?;
    load(db, no).await
}

/// What the order remembers of an event, beyond its status.
async fn follow(
    db: &mut Conn,
    order: &Order,
    event: Event,
    reason: Option<&str>,
    now: OffsetDateTime,
) -> Result<(), Error> {
    let at = millis(now);
    match event {
        Event::Submit => {
            sqlx::query("UPDATE orders SET submitted_at = $1, reject_reason = NULL WHERE no = $2")
                .bind(at)
                .bind(&order.no)
                .execute(db)
                .await?;
        }
        Event::PaymentReceived => {
            sqlx::query("UPDATE orders SET paid_at = $1 WHERE no = $2")
                .bind(at)
                .bind(&order.no)
                .execute(db)
                .await?;
        }
        Event::ApproveForPersonalization
        | Event::ApproveForRenewal
        | Event::ApproveForRecovery
        | Event::ApproveForDownload
        | Event::ApproveForUnlock
        | Event::GrantUnlock => {
            sqlx::query("UPDATE orders SET approved_at = $1, reject_reason = NULL WHERE no = $2")
                .bind(at)
                .bind(&order.no)
                .execute(db)
                .await?;
        }
        Event::RequestUnlock => {
            sqlx::query("UPDATE orders SET reject_reason = NULL WHERE no = $1")
                .bind(&order.no)
                .execute(db)
                .await?;
        }
        Event::Reject => {
            sqlx::query("UPDATE orders SET reject_reason = $1 WHERE no = $2")
                .bind(reason)
                .bind(&order.no)
                .execute(db)
                .await?;
        }
        Event::TokenLost => {
            attempts::close(&mut *db, order, now).await?;
            sqlx::query("UPDATE orders SET kind = $1 WHERE no = $2")
                .bind(OrderKind::Reissue.name())
                .bind(&order.no)
                .execute(db)
                .await?;
        }
        // What was paid for is given up: no certificate of it may be used.
        Event::RequestRefund => attempts::close(db, order, now).await?,
        Event::RefundSent => {
            sqlx::query("UPDATE transfers SET refunded_at = $1 WHERE order_no = $2")
                .bind(at)
                .bind(&order.no)
                .execute(db)
                .await?;
        }
        Event::Edit
        | Event::Delete
        | Event::Cancel
        | Event::PaymentLapsed
        | Event::WithdrawUnlock
        | Event::ApprovalLapsed
        | Event::UnlockExpired
        | Event::RenewalConfirmed
        | Event::RecoveryConfirmed
        | Event::DownloadConfirmed
        | Event::UnlockConfirmed
        | Event::AttemptsExhausted
        | Event::TakeOver
        | Event::Personalized
        | Event::PersonalizationFailed
        | Event::Delivered
        | Event::ShipmentLost => {}
    }
    Ok(())
}

pub(super) fn refused(from: InternalStatus, event: Event, refusal: TransitionProblem) -> Problem {
    let kind = match (event, refusal) {
        (Event::PaymentReceived, TransitionProblem::AlreadySo) => kinds::ORDER_PAID,
        _ => kinds::ORDER_ILLEGAL,
    };
    Problem::new(kind).with("from", from.name()).with("event", event.name()).with("why", refusal.name())
}

pub(super) fn actor_kind(actor: &Actor) -> ActorKind {
    match actor {
        Actor::Operator(_) => ActorKind::Operator,
        Actor::System => ActorKind::System,
        // Nobody who is not logged in comes as far as this; as an applicant they own nothing.
        Actor::Applicant(_) | Actor::Anonymous | Actor::Session(_) => ActorKind::Applicant,
    }
}
