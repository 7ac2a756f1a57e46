//! The calls about one order, and what is public.

use axum::{Json, extract::State, http::StatusCode};
use utoipa_axum::{router::OpenApiRouter, routes};
use ycd_portal_api::{
    Problem,
    wire::{
        Bytes,
        attempts::Nonce,
        orders::Empty,
        unlock::{PortalKeys, UnlockOrder},
    },
};

use super::{
    completion, liveness, offer, open,
    order::{self, RELEASES, Unlock},
    release,
    ticket::StepUpTicket,
};
use crate::{
    Error, Portal,
    attempts::make_nonce,
    audit,
    http::{Actor, Answer, Change, Operator, Path},
    orders::{self, Event, InternalStatus},
};

pub fn routes() -> OpenApiRouter<Portal> {
    OpenApiRouter::new()
        .routes(routes!(portal_keys))
        .routes(routes!(offer::check))
        .routes(routes!(offer::code))
        .routes(routes!(open::open))
        .routes(routes!(one))
        .routes(routes!(release::release))
        .routes(routes!(liveness::liveness))
        .routes(routes!(nonce))
        .routes(routes!(completion::unlocked))
        .routes(routes!(cancel))
        .routes(routes!(grant_releases))
}

/// The portal's name and public keys, to be kept when an assistant is set up.
#[utoipa::path(get, path = "/unlock/portal",
    responses((status = 200, body = PortalKeys), (status = "default", body = Problem)))]
async fn portal_keys(State(portal): State<Portal>) -> Json<PortalKeys> {
    Json(PortalKeys {
        portal: portal.name().into(),
        signing_key: Bytes(portal.identity().signing_public().to_spki_der()),
        sealing_key: Bytes(portal.identity().sealing().public_key().to_spki_der()),
    })
}

/// One unlock order.
#[utoipa::path(get, path = "/unlock/orders/{order}", params(("order" = String, Path)), security(("session" = [])),
    responses((status = 200, body = UnlockOrder), (status = "default", body = Problem)))]
async fn one(
    State(portal): State<Portal>,
    holder: StepUpTicket,
    Path(no): Path<String>,
) -> Result<Json<UnlockOrder>, Error> {
    holder.of(&no)?;
    let mut db = portal.db().read().await?;
    Ok(Json(Unlock::load(&mut db, &no).await?.view(&portal, &mut db).await?))
}

/// A number for the authorization at the end, once, within ten minutes.
#[utoipa::path(post, path = "/unlock/orders/{order}/nonces", request_body = Empty, security(("session" = [])),
    params(("order" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, body = Nonce), (status = "default", body = Problem)))]
async fn nonce(
    State(portal): State<Portal>,
    holder: StepUpTicket,
    Path(no): Path<String>,
    change: Change<Empty>,
) -> Answer {
    holder.of(&no)?;
    let mut tx = change.begin(&portal, holder.actor()).await?;
    let now = tx.now();
    Unlock::load(&mut tx, &no).await?.check_ready()?;
    let nonce = make_nonce(&mut tx, &no, 0, completion::PURPOSE, now).await?;
    tx.answer(StatusCode::CREATED, &nonce).await
}

/// Calls the order off. Repeats get the same answer.
#[utoipa::path(post, path = "/unlock/orders/{order}/cancel", request_body = Empty, security(("session" = [])),
    params(("order" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = UnlockOrder), (status = "default", body = Problem)))]
async fn cancel(
    State(portal): State<Portal>,
    holder: StepUpTicket,
    Path(no): Path<String>,
    change: Change<Empty>,
) -> Answer {
    holder.of(&no)?;
    let mut tx = change.begin(&portal, holder.actor()).await?;
    let now = tx.now();
    let unlock = Unlock::load(&mut tx, &no).await?;
    if unlock.order.internal_status != InternalStatus::Cancelled {
        orders::transition(&mut tx, &no, Event::WithdrawUnlock, &unlock.applicant(), None, now).await?;
    }
    let view = Unlock::load(&mut tx, &no).await?.view(&portal, &mut tx).await?;
    tx.answer(StatusCode::OK, &view).await
}

/// Lets an order whose releases are used up have three more. Where some are left, there are three afterwards.
#[utoipa::path(post, path = "/operator/orders/{order}/unlock-releases", request_body = Empty,
    security(("session" = [])), params(("order" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = UnlockOrder), (status = "default", body = Problem)))]
async fn grant_releases(
    State(portal): State<Portal>,
    operator: Operator,
    Path(no): Path<String>,
    change: Change<Empty>,
) -> Answer {
    let mut tx = change.begin(&portal, operator.clone()).await?;
    let now = tx.now();
    let unlock = Unlock::load(&mut tx, &no).await?;
    unlock.check_in_time(&portal)?;
    let allowed = order::newest_release(&mut tx, &no).await? + RELEASES;
    sqlx::query("UPDATE unlocks SET releases_allowed = $1 WHERE order_no = $2")
        .bind(allowed)
        .bind(&no)
        .execute(&mut *tx)
        .await?;
    let detail = format!("{allowed} in all");
    audit::record(&mut tx, &Actor::from(operator), "unlock.more_releases", &no, Some(&detail), now).await?;
    let view = Unlock::load(&mut tx, &no).await?.view(&portal, &mut tx).await?;
    tx.answer(StatusCode::OK, &view).await
}
