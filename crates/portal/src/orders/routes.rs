//! The applicant's calls.

use axum::{Json, extract::State, http::StatusCode};
use sqlx::Row as _;
use time::OffsetDateTime;
use utoipa_axum::{router::OpenApiRouter, routes};
use ycd_portal_api::{
    Problem,
    problem::kinds,
    wire::{
        attempts::Mode,
        form::SaveForm,
        login::Purpose,
        orders::{
            ActorKind, ConfirmOrder, CreateOrder, Empty, FixMode, OrderKind, OrderList, OrderQuery,
            OrderView, PaymentMethod, Reason,
        },
    },
};

use super::{
    create::{company_name, create, is_job},
    form::keepable,
    list::list,
    machine::{self, Event, InternalStatus},
    record::{Order, load, load_own, name_of},
    transition::{refused, transition},
    view::{form_view, view},
};
use crate::{
    Error, Portal,
    certificates::{self, RecordState, usable_for},
    db::{Conn, millis},
    http::{Actor, Answer, Change, ChangeTx, Path, Query, User},
    sms::{Scope, Tried, try_code},
};

pub(super) fn routes() -> OpenApiRouter<Portal> {
    OpenApiRouter::new()
        .routes(routes!(orders, new_order))
        .routes(routes!(order, delete))
        .routes(routes!(save_form))
        .routes(routes!(fix_mode))
        .routes(routes!(confirm))
        .routes(routes!(edit))
        .routes(routes!(cancel))
        .routes(routes!(request_refund))
}

/// 我的订单: search, tabs with their counts, pages.
#[utoipa::path(get, path = "/orders", params(OrderQuery), security(("session" = [])),
    responses((status = 200, body = OrderList), (status = "default", body = Problem)))]
async fn orders(
    State(portal): State<Portal>,
    user: User,
    Query(query): Query<OrderQuery>,
) -> Result<Json<OrderList>, Error> {
    let mut db = portal.db().read().await?;
    Ok(Json(list(&mut db, Some(user.id), &query).await?))
}

/// A draft, with its form filled in from last time.
#[utoipa::path(post, path = "/orders", request_body = CreateOrder, security(("session" = [])),
    params(("Idempotency-Key" = String, Header)),
    responses((status = 201, body = OrderView), (status = "default", body = Problem)))]
async fn new_order(State(portal): State<Portal>, user: User, change: Change<CreateOrder>) -> Answer {
    let mut tx = change.begin(&portal, user.clone()).await?;
    let now = tx.now();
    let order = create(&portal, &mut tx, &user, &change.body, now).await?;
    let view = view(&portal, &mut tx, &order).await?;
    tx.answer(StatusCode::CREATED, &view).await
}

/// One order, with its timeline.
#[utoipa::path(get, path = "/orders/{order}", params(("order" = String, Path)), security(("session" = [])),
    responses((status = 200, body = OrderView), (status = "default", body = Problem)))]
async fn order(
    State(portal): State<Portal>,
    user: User,
    Path(no): Path<String>,
) -> Result<Json<OrderView>, Error> {
    let mut db = portal.db().read().await?;
    let order = load_own(&mut db, &no, &user).await?;
    Ok(Json(view(&portal, &mut db, &order).await?))
}

/// 删除, of a draft.
#[utoipa::path(delete, path = "/orders/{order}", request_body = Empty, security(("session" = [])),
    params(("order" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = Empty), (status = "default", body = Problem)))]
async fn delete(
    State(portal): State<Portal>,
    user: User,
    Path(no): Path<String>,
    change: Change<Empty>,
) -> Answer {
    let mut tx = change.begin(&portal, user.clone()).await?;
    let (actor, now) = (Actor::from(user.clone()), tx.now());
    load_own(&mut tx, &no, &user).await?;
    transition(&mut tx, &no, Event::Delete, &actor, None, now).await?;
    tx.answer(StatusCode::OK, &Empty {}).await
}

/// Saves the form as it is. With `complete`, what is wrong with it is refused (`form.invalid` with `errors`), but it
/// is saved all the same.
#[utoipa::path(put, path = "/orders/{order}/form", request_body = SaveForm, security(("session" = [])),
    params(("order" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = OrderView), (status = "default", body = Problem)))]
async fn save_form(
    State(portal): State<Portal>,
    user: User,
    Path(no): Path<String>,
    change: Change<SaveForm>,
) -> Answer {
    let mut tx = change.begin(&portal, user.clone()).await?;
    let now = tx.now();
    let mut order = load_own(&mut tx, &no, &user).await?;
    let at_work = matches!(
        order.internal_status,
        InternalStatus::Draft | InternalStatus::Revision | InternalStatus::Rejected
    );
    if !at_work || order.kind == OrderKind::Unlock {
        let problem = Problem::new(kinds::ORDER_ILLEGAL)
            .with("from", order.internal_status.name())
            .with("event", "save_form");
        return Err(problem.into());
    }
    let SaveForm { form, complete } = &change.body;
    if !keepable(form) {
        return Err(kinds::TOO_LARGE.into());
    }
    sqlx::query("UPDATE orders SET form = $1, company = $2, updated_at = $3 WHERE no = $4")
        .bind(serde_json::to_string(form)?)
        .bind(company_name(form))
        .bind(millis(now))
        .bind(&no)
        .execute(&mut *tx)
        .await?;
    order.form.clone_from(form);
    let checked = form_view(&mut tx, &order).await?;
    if *complete && !checked.errors.is_empty() {
        return tx.refuse(Problem::new(kinds::FORM_INVALID).with("errors", &checked.errors)).await;
    }
    answer_with(&portal, tx, &no).await
}

/// Step 0: with the token inserted, fixes how the new certificate will come onto it.
#[utoipa::path(post, path = "/orders/{order}/mode", request_body = FixMode, security(("session" = [])),
    params(("order" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = OrderView), (status = "default", body = Problem)))]
async fn fix_mode(
    State(portal): State<Portal>,
    user: User,
    Path(no): Path<String>,
    change: Change<FixMode>,
) -> Answer {
    let mut tx = change.begin(&portal, user.clone()).await?;
    let now = tx.now();
    let order = load_own(&mut tx, &no, &user).await?;
    if !order.internal_status.open() || order.kind == OrderKind::Unlock {
        return Err(Problem::new(kinds::ORDER_ILLEGAL)
            .with("from", order.internal_status.name())
            .with("event", "fix_mode")
            .into());
    }
    let FixMode { token_id, mode, consent } = &change.body;
    set_mode(&mut tx, &order, token_id, *mode, *consent, now).await?;
    answer_with(&portal, tx, &no).await
}

/// Fixes the mode of an order. Afterwards only *side by side* can still become *replace*: a token that does not tell
/// its room beforehand shows by refusing a new pair that there is none. `order.wrong_token` for a token that is not the
/// certificate's, `order.mode_fixed` (with `mode`) for another mode than before, `order.consent_required` for *replace*
/// without consent.
pub async fn set_mode(
    db: &mut Conn,
    order: &Order,
    token_id: &str,
    mode: Mode,
    consent: bool,
    now: OffsetDateTime,
) -> Result<(), Error> {
    if token_id != order.token_id {
        return Err(kinds::WRONG_TOKEN.into());
    }
    match order.mode {
        Some(fixed) if fixed == mode => return Ok(()),
        Some(Mode::SideBySide) if mode == Mode::Replace && !is_bound(db, &order.no).await? => {}
        Some(fixed) => return Err(Problem::new(kinds::ORDER_MODE_FIXED).with("mode", fixed).into()),
        None => {}
    }
    let consent_at = match (mode, consent) {
        (Mode::Replace, false) => return Err(kinds::CONSENT_REQUIRED.into()),
        (Mode::Replace, true) => Some(millis(now)),
        (Mode::SideBySide | Mode::SameKeyPair, _) => None,
    };
    sqlx::query("UPDATE orders SET mode = $1, consent_at = $2 WHERE no = $3")
        .bind(name_of(&mode)?)
        .bind(consent_at)
        .bind(&order.no)
        .execute(db)
        .await?;
    Ok(())
}

/// Whether an attempt that is not given up has its key pair: then nothing lacks room any more.
async fn is_bound(db: &mut Conn, order: &str) -> Result<bool, Error> {
    let bound =
        "SELECT count(*) FROM attempts WHERE order_no = $1 AND spki IS NOT NULL AND state <> 'closed'";
    let row = sqlx::query(bound).bind(order).fetch_one(db).await?;
    Ok(row.try_get::<i64, _>(0)? > 0)
}

/// Hands the order in: to be paid, or, where it has been paid, to be reviewed.
#[utoipa::path(post, path = "/orders/{order}/confirm", request_body = ConfirmOrder, security(("session" = [])),
    params(("order" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = OrderView), (status = "default", body = Problem)))]
async fn confirm(
    State(portal): State<Portal>,
    user: User,
    Path(no): Path<String>,
    change: Change<ConfirmOrder>,
) -> Answer {
    let mut tx = change.begin(&portal, user.clone()).await?;
    let (actor, now) = (Actor::from(user.clone()), tx.now());
    let order = load_own(&mut tx, &no, &user).await?;
    let ConfirmOrder { agreement, code, payment_method } = &change.body;
    // All that is free of charge is checked before the code is spent.
    machine::decide(order.kind, order.internal_status, Event::Submit, ActorKind::Applicant)
        .map_err(|refusal| refused(order.internal_status, Event::Submit, refusal))?;
    if !agreement {
        return Err(kinds::AGREEMENT_REQUIRED.into());
    }
    check_certificate(&mut tx, &order, now).await?;
    let form = form_view(&mut tx, &order).await?;
    if !form.errors.is_empty() {
        return Err(Problem::new(kinds::FORM_INVALID).with("errors", &form.errors).into());
    }
    let scope = Scope { phone: &order.phone, purpose: Purpose::OrderConfirm, subject: &no };
    if let Tried::Wrong(problem) = try_code(&portal, &mut tx, scope, code, now).await? {
        return tx.refuse(problem).await;
    }
    let method = match payment_method {
        PaymentMethod::BankTransfer => name_of(payment_method)?,
    };
    sqlx::query("UPDATE orders SET agreement_at = $1, payment_method = $2 WHERE no = $3")
        .bind(millis(now))
        .bind(method)
        .bind(&no)
        .execute(&mut *tx)
        .await?;
    transition(&mut tx, &no, Event::Submit, &actor, None, now).await?;
    answer_with(&portal, tx, &no).await
}

/// 修改: takes the order back, out of payment or review, to be changed and handed in again.
#[utoipa::path(post, path = "/orders/{order}/edit", request_body = Empty, security(("session" = [])),
    params(("order" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = OrderView), (status = "default", body = Problem)))]
async fn edit(
    State(portal): State<Portal>,
    user: User,
    Path(no): Path<String>,
    change: Change<Empty>,
) -> Answer {
    let tx = change.begin(&portal, user.clone()).await?;
    own_event(&portal, tx, &user, &no, Event::Edit, None).await
}

/// 取消, before payment; of an unlock, at any time before its end.
#[utoipa::path(post, path = "/orders/{order}/cancel", request_body = Empty, security(("session" = [])),
    params(("order" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = OrderView), (status = "default", body = Problem)))]
async fn cancel(
    State(portal): State<Portal>,
    user: User,
    Path(no): Path<String>,
    change: Change<Empty>,
) -> Answer {
    let mut tx = change.begin(&portal, user.clone()).await?;
    let event = machine::cancellation(load_own(&mut tx, &no, &user).await?.kind);
    own_event(&portal, tx, &user, &no, event, None).await
}

/// 申请退款, of an order that was rejected or taken back.
#[utoipa::path(post, path = "/orders/{order}/refund", request_body = Reason, security(("session" = [])),
    params(("order" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = OrderView), (status = "default", body = Problem)))]
async fn request_refund(
    State(portal): State<Portal>,
    user: User,
    Path(no): Path<String>,
    change: Change<Reason>,
) -> Answer {
    let tx = change.begin(&portal, user.clone()).await?;
    let reason = checked_reason(&change.body.reason)?;
    own_event(&portal, tx, &user, &no, Event::RequestRefund, Some(reason)).await
}

/// A reason, without the blanks around it; `order.reason_required` where nothing, or too much, is left.
pub(super) fn checked_reason(reason: &str) -> Result<&str, Error> {
    let reason = reason.trim();
    if reason.is_empty() || reason.chars().count() > 500 {
        Err(kinds::REASON_REQUIRED.into())
    } else {
        Ok(reason)
    }
}

async fn own_event(
    portal: &Portal,
    mut tx: ChangeTx,
    user: &User,
    no: &str,
    event: Event,
    reason: Option<&str>,
) -> Answer {
    let (actor, now) = (Actor::from(user.clone()), tx.now());
    load_own(&mut tx, no, user).await?;
    transition(&mut tx, no, event, &actor, reason, now).await?;
    answer_with(portal, tx, no).await
}

async fn answer_with(portal: &Portal, mut tx: ChangeTx, no: &str) -> Answer {
    let order = load(&mut tx, no).await?;
    let view = view(portal, &mut tx, &order).await?;
    tx.answer(StatusCode::OK, &view).await
}

/// Being valid when it was first handed in is enough; being revoked at any time is too much.
async fn check_certificate(db: &mut Conn, order: &Order, now: OffsetDateTime) -> Result<(), Error> {
    let certificate = certificates::load(db, &order.certificate).await?;
    if order.submitted_at.is_none() && is_job(order.kind) {
        return Ok(usable_for(order.kind, &certificate, now)?);
    }
    match certificate.state {
        RecordState::Active => Ok(()),
        RecordState::Issued => Err(kinds::CERTIFICATE_UNKNOWN.into()),
        RecordState::Revoked => Err(kinds::CERTIFICATE_REVOKED.into()),
        RecordState::Superseded => Err(kinds::CERTIFICATE_SUPERSEDED.into()),
    }
}
