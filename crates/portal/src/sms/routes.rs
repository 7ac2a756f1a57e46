//! `POST /sms/codes`, `POST /sms/step-ups`.

use axum::{extract::State, http::StatusCode};
use utoipa_axum::{router::OpenApiRouter, routes};
use ycd_portal_api::{
    Problem,
    problem::kinds,
    wire::login::{CodeSent, Purpose, RequestCode, RequestStepUp, StepUp},
};

use super::codes::{Scope, Tried, grant_step_up, send, try_code};
use crate::{
    Portal,
    http::{Actor, Address, Answer, Change, User},
    login::checked_phone,
    orders,
};

pub fn routes() -> OpenApiRouter<Portal> {
    OpenApiRouter::new().routes(routes!(request_code)).routes(routes!(step_up))
}

/// Sends a code. For a login to the phone named; for all else to the phone of the caller's own order.
#[utoipa::path(post, path = "/sms/codes", request_body = RequestCode, security((), ("session" = [])),
    params(("Idempotency-Key" = String, Header)),
    responses((status = 201, body = CodeSent), (status = "default", body = Problem)))]
async fn request_code(
    State(portal): State<Portal>,
    user: Option<User>,
    Address(address): Address,
    change: Change<RequestCode>,
) -> Answer {
    let actor = user.clone().map_or(Actor::Anonymous, Actor::from);
    let mut tx = change.begin(&portal, actor).await?;
    let now = tx.now();
    let RequestCode { purpose, phone, order } = &change.body;
    let sent = match (purpose, phone, order, user) {
        (Purpose::Login, Some(phone), None, _) => {
            let phone = checked_phone(phone)?;
            send(&portal, &mut tx, Scope { phone: &phone, purpose: *purpose, subject: "" }, address, now)
                .await?
        }
        (Purpose::OrderConfirm | Purpose::Replace | Purpose::Abandon, None, Some(_), None) => {
            return Err(kinds::AUTH_REQUIRED.into());
        }
        (Purpose::OrderConfirm | Purpose::Replace | Purpose::Abandon, None, Some(order), Some(user)) => {
            let order = orders::load_own(&mut tx, order, &user).await?;
            let scope = Scope { phone: &order.phone, purpose: *purpose, subject: &order.no };
            send(&portal, &mut tx, scope, address, now).await?
        }
        (Purpose::Unlock, ..) => {
            return Err(Problem::new(kinds::INVALID).detail("unlocking has an endpoint of its own").into());
        }
        _ => return Err(Problem::new(kinds::INVALID).detail("phone for login, order for all else").into()),
    };
    tx.answer(StatusCode::CREATED, &sent).await
}

/// Turns a code into ten minutes' time for one act.
#[utoipa::path(post, path = "/sms/step-ups", request_body = RequestStepUp, security(("session" = [])),
    params(("Idempotency-Key" = String, Header)),
    responses((status = 201, body = StepUp), (status = "default", body = Problem)))]
async fn step_up(State(portal): State<Portal>, user: User, change: Change<RequestStepUp>) -> Answer {
    let mut tx = change.begin(&portal, user.clone()).await?;
    let now = tx.now();
    let purpose = match change.body.purpose {
        purpose @ (Purpose::Replace | Purpose::Abandon) => purpose,
        Purpose::Login | Purpose::OrderConfirm | Purpose::Unlock => {
            return Err(Problem::new(kinds::INVALID).detail("this purpose takes the code itself").into());
        }
    };
    let order = orders::load_own(&mut tx, &change.body.order, &user).await?;
    let scope = Scope { phone: &order.phone, purpose, subject: &order.no };
    if let Tried::Wrong(problem) = try_code(&portal, &mut tx, scope, &change.body.code, now).await? {
        return tx.refuse(problem).await;
    }
    let granted = grant_step_up(&portal, &mut tx, purpose, &order.no, &user, now).await?;
    tx.answer(StatusCode::CREATED, &granted).await
}
