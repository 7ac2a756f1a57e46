//! The operator's calls.

use axum::{Json, extract::State, http::StatusCode};
use time::OffsetDateTime;
use utoipa_axum::{router::OpenApiRouter, routes};
use ycd_portal_api::{
    Problem,
    problem::kinds,
    wire::{
        operator::{CauseEvent, OperatorEvent, OperatorOrder, RecordTransfer},
        orders::{ActorKind, Empty, OrderKind, OrderList, OrderQuery, Reason},
    },
};

use super::{
    list::list,
    machine::{self, Event},
    payment::{record, transfers},
    record::{Order, load},
    routes::checked_reason,
    transition::transition,
    view::view,
};
use crate::{
    Error, Portal,
    certificates::{self, RecordState},
    db::Conn,
    http::{Answer, Change, ChangeTx, Operator, Path, Query},
    sms::{Message, queue},
    unlock,
};

pub(super) fn routes() -> OpenApiRouter<Portal> {
    OpenApiRouter::new()
        .routes(routes!(all_orders))
        .routes(routes!(any_order))
        .routes(routes!(record_transfer))
        .routes(routes!(approve))
        .routes(routes!(reject))
        .routes(routes!(cause))
}

/// The orders of all applicants; those that wait for review with `state=awaiting_review`.
#[utoipa::path(get, path = "/operator/orders", params(OrderQuery), security(("session" = [])),
    responses((status = 200, body = OrderList), (status = "default", body = Problem)))]
async fn all_orders(
    State(portal): State<Portal>,
    _: Operator,
    Query(query): Query<OrderQuery>,
) -> Result<Json<OrderList>, Error> {
    let mut db = portal.db().read().await?;
    Ok(Json(list(&mut db, None, &query).await?))
}

/// One order, with what only operators see.
#[utoipa::path(get, path = "/operator/orders/{order}", params(("order" = String, Path)), security(("session" = [])),
    responses((status = 200, body = OperatorOrder), (status = "default", body = Problem)))]
async fn any_order(
    State(portal): State<Portal>,
    _: Operator,
    Path(no): Path<String>,
) -> Result<Json<OperatorOrder>, Error> {
    let mut db = portal.db().read().await?;
    let order = load(&mut db, &no).await?;
    Ok(Json(operator_view(&portal, &mut db, &order).await?))
}

/// Money came in: the order is paid.
#[utoipa::path(post, path = "/operator/orders/{order}/transfers", request_body = RecordTransfer,
    security(("session" = [])), params(("order" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = OperatorOrder), (status = "default", body = Problem)))]
async fn record_transfer(
    State(portal): State<Portal>,
    operator: Operator,
    Path(no): Path<String>,
    change: Change<RecordTransfer>,
) -> Answer {
    let mut tx = change.begin(&portal, operator.clone()).await?;
    let now = tx.now();
    record(&mut tx, &no, &change.body, &operator, now).await?;
    answer_with(&portal, tx, &no).await
}

/// Approves the order for what its kind needs next, and tells the applicant.
#[utoipa::path(post, path = "/operator/orders/{order}/approve", request_body = Empty,
    security(("session" = [])), params(("order" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = OperatorOrder), (status = "default", body = Problem)))]
async fn approve(
    State(portal): State<Portal>,
    operator: Operator,
    Path(no): Path<String>,
    change: Change<Empty>,
) -> Answer {
    let mut tx = change.begin(&portal, operator.clone()).await?;
    let now = tx.now();
    let order = load(&mut tx, &no).await?;
    let certificate = certificates::load(&mut tx, &order.certificate).await?;
    if certificate.state == RecordState::Revoked {
        return Err(kinds::CERTIFICATE_REVOKED.into());
    }
    let order = transition(&mut tx, &no, machine::approval(order.kind), &operator.into(), None, now).await?;
    let text = format!("订单 {no} 已审核通过，请插入 USBKEY 并在证书助手中继续办理。");
    notify(&portal, &mut tx, &order, &text, now).await?;
    answer_with(&portal, tx, &no).await
}

/// Rejects the order, and tells the applicant why.
#[utoipa::path(post, path = "/operator/orders/{order}/reject", request_body = Reason,
    security(("session" = [])), params(("order" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = OperatorOrder), (status = "default", body = Problem)))]
async fn reject(
    State(portal): State<Portal>,
    operator: Operator,
    Path(no): Path<String>,
    change: Change<Reason>,
) -> Answer {
    let mut tx = change.begin(&portal, operator.clone()).await?;
    let now = tx.now();
    let reason = checked_reason(&change.body.reason)?;
    let order = transition(&mut tx, &no, Event::Reject, &operator.into(), Some(reason), now).await?;
    let again = match order.kind {
        OrderKind::Unlock => "可在证书助手中重新申请解锁",
        _ => "修改后可重新提交，无需再次付款",
    };
    let text = format!("订单 {no} 未通过审核，原因：{reason}。{again}。");
    notify(&portal, &mut tx, &order, &text, now).await?;
    answer_with(&portal, tx, &no).await
}

/// Lets something happen to the order that has no call of its own.
#[utoipa::path(post, path = "/operator/orders/{order}/events", request_body = CauseEvent,
    security(("session" = [])), params(("order" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = OperatorOrder), (status = "default", body = Problem)))]
async fn cause(
    State(portal): State<Portal>,
    operator: Operator,
    Path(no): Path<String>,
    change: Change<CauseEvent>,
) -> Answer {
    let mut tx = change.begin(&portal, operator.clone()).await?;
    let now = tx.now();
    let reason = checked_reason(&change.body.reason)?;
    let event = match change.body.event {
        OperatorEvent::Cancel => machine::cancellation(load(&mut tx, &no).await?.kind),
        OperatorEvent::TakeOver => Event::TakeOver,
        OperatorEvent::TokenLost => Event::TokenLost,
        OperatorEvent::Personalized => Event::Personalized,
        OperatorEvent::PersonalizationFailed => Event::PersonalizationFailed,
        OperatorEvent::Delivered => Event::Delivered,
        OperatorEvent::ShipmentLost => Event::ShipmentLost,
        OperatorEvent::RequestRefund => Event::RequestRefund,
        OperatorEvent::RefundSent => Event::RefundSent,
    };
    let order = transition(&mut tx, &no, event, &operator.into(), Some(reason), now).await?;
    if event == Event::RefundSent {
        notify(&portal, &mut tx, &order, &format!("订单 {no} 的款项已退回。"), now).await?;
    }
    answer_with(&portal, tx, &no).await
}

async fn notify(
    portal: &Portal,
    db: &mut Conn,
    order: &Order,
    text: &str,
    now: OffsetDateTime,
) -> Result<(), Error> {
    let text = format!("【{}】{text}", portal.config().project.name);
    let message = Message { phone: order.phone.clone(), text, code: None, order: Some(order.no.clone()) };
    queue(portal, db, &message, now).await
}

async fn answer_with(portal: &Portal, mut tx: ChangeTx, no: &str) -> Answer {
    let order = load(&mut tx, no).await?;
    let view = operator_view(portal, &mut tx, &order).await?;
    tx.answer(StatusCode::OK, &view).await
}

async fn operator_view(portal: &Portal, db: &mut Conn, order: &Order) -> Result<OperatorOrder, Error> {
    Ok(OperatorOrder {
        order: view(portal, db, order).await?,
        phone: order.phone.clone(),
        transfers: transfers(db, &order.no).await?,
        events: Event::ALL
            .into_iter()
            .filter(|event| {
                machine::decide(order.kind, order.internal_status, *event, ActorKind::Operator).is_ok()
            })
            .filter(|event| !machine::is_approval(*event) || *event == machine::approval(order.kind))
            .map(|event| event.name().to_owned())
            .collect(),
        unlock: unlock::form(db, &order.no).await?,
    })
}
