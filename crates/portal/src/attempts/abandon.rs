//! Step 11: an attempt is given up.

use axum::{extract::State, http::StatusCode};
use ycd_pki::authorization::Authorization;
use ycd_portal_api::problem::attempts as problems;
use ycd_portal_api::{
    Problem,
    problem::kinds,
    wire::{
        attempts::{Abandon, AttemptState, AttemptView, Mode, NoncePurpose},
        login::Purpose,
        orders::Reason,
    },
};

use super::{
    closing::give_up,
    evidence::{Expected, take_authorization},
    issue::{old_key, open_attempt},
    record,
    view::{self, attempts_left},
};
use crate::{
    Portal, authority, certificates,
    http::{Actor, Answer, Change, Operator, Path, User},
    orders::{self, Event},
    secrets::random,
    sms::spend_step_up,
};

/// Gives the open attempt up: its serial number is revoked, signed or not, and the next attempt is opened, as long as
/// one is left. Repeats are answered with how things stand.
#[utoipa::path(post, path = "/orders/{order}/attempts/{attempt}/abandon", request_body = Abandon,
    security(("session" = [])),
    params(("order" = String, Path), ("attempt" = u32, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = AttemptView), (status = "default", body = Problem)))]
pub async fn abandon(
    State(portal): State<Portal>,
    user: User,
    Path((no, number)): Path<(String, u32)>,
    change: Change<Abandon>,
) -> Answer {
    let mut tx = change.begin(&portal, user.clone()).await?;
    let now = tx.now();
    let mut order = orders::load_own(&mut tx, &no, &user).await?;
    if record::load(&mut tx, &no, number).await?.state == AttemptState::Closed {
        let view = view::newest(&portal, &mut tx, &order).await?;
        return tx.answer(StatusCode::OK, &view).await;
    }
    let attempt = open_attempt(&mut tx, &order, number).await?;
    if order.mode == Some(Mode::SameKeyPair) {
        return Err(problems::SAME_KEY_PAIR.into());
    }
    spend_step_up(&portal, &mut tx, &change.body.step_up, Purpose::Abandon, &no, &user, now).await?;
    if let Some(signed) = &change.body.authorization {
        let signer = old_key(&certificates::load(&mut tx, &order.certificate).await?)?;
        let expected =
            Expected { order: &no, attempt: number, purpose: NoncePurpose::Abandon, signer: &signer };
        let authorization = |nonce| Authorization::Abandon {
            portal: portal.name().into(),
            order: no.clone(),
            attempt: number,
            token_id: order.token_id.clone(),
            nonce,
        };
        take_authorization(&mut tx, expected, signed, authorization, now).await?;
    }
    let actor = tx.actor().clone();
    let left = attempts_left(&order, &record::all(&mut tx, &no).await?);
    give_up(&mut tx, &attempt, authority::GIVEN_UP, &actor, now).await?;
    if left > 0 {
        record::insert(&mut tx, &order, number + 1, random()?, now).await?;
    } else {
        order = orders::transition(&mut tx, &no, Event::AttemptsExhausted, &Actor::System, None, now).await?;
    }
    let view = view::newest(&portal, &mut tx, &order).await?;
    tx.answer(StatusCode::OK, &view).await
}

/// Closes the open attempt, whose token is gone or beyond the applicant's help, revokes its serial number and takes the
/// order over.
#[utoipa::path(post, path = "/operator/orders/{order}/attempts/{attempt}/close", request_body = Reason,
    security(("session" = [])),
    params(("order" = String, Path), ("attempt" = u32, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = AttemptView), (status = "default", body = Problem)))]
pub async fn close_by_operator(
    State(portal): State<Portal>,
    operator: Operator,
    Path((no, number)): Path<(String, u32)>,
    change: Change<Reason>,
) -> Answer {
    let reason = change.body.reason.trim().to_owned();
    if reason.is_empty() {
        return Err(kinds::REASON_REQUIRED.into());
    }
    let mut tx = change.begin(&portal, operator).await?;
    let now = tx.now();
    let mut order = orders::load(&mut tx, &no).await?;
    if record::load(&mut tx, &no, number).await?.state != AttemptState::Closed {
        let attempt = record::load(&mut tx, &no, number).await?;
        if !attempt.is_open() {
            return Err(problems::NOT_OPEN.into());
        }
        let actor = tx.actor().clone();
        give_up(&mut tx, &attempt, authority::GIVEN_UP, &actor, now).await?;
        if order.internal_status == orders::InternalStatus::AwaitingRenewal {
            order = orders::transition(&mut tx, &no, Event::TakeOver, &actor, Some(&reason), now).await?;
        }
    }
    let view = view::newest(&portal, &mut tx, &order).await?;
    tx.answer(StatusCode::OK, &view).await
}
