//! The token's unlock order is opened, or taken up.

use axum::{extract::State, http::StatusCode};
use sqlx::Row as _;
use time::OffsetDateTime;
use ycd_pki::unlock::UnlockRequest;
use ycd_portal_api::problem::unlock as problems;
use ycd_portal_api::{
    Problem,
    problem::kinds,
    wire::{
        login::Purpose,
        unlock::{OpenUnlock, TokenInHand, UnlockForm, UnlockGrant},
    },
};

use super::{
    offer::in_hand,
    order::{RELEASES, Unlock},
    ticket,
};
use crate::{
    Error, Portal, audit,
    certificates::Certificate,
    db::{Conn, millis},
    http::{Actor, Answer, Change, User},
    orders::{self, Event, InternalStatus},
    sms::{Message, Scope, Tried, queue, try_code},
};

/// Characters.
const USED_AT_LIMIT: usize = 100;
const NOTE_LIMIT: usize = 500;

/// Opens the token's unlock order, or takes up the open one, and gives a ticket for it.
#[utoipa::path(post, path = "/unlock/orders", request_body = OpenUnlock,
    params(("Idempotency-Key" = String, Header)),
    responses((status = 201, body = UnlockGrant), (status = "default", body = Problem)))]
pub async fn open(State(portal): State<Portal>, change: Change<OpenUnlock>) -> Answer {
    let mut tx = change.begin(&portal, Actor::Anonymous).await?;
    let (now, body) = (tx.now(), &change.body);
    // All that is free of charge is checked before the code is spent.
    let hand = TokenInHand { token_id: body.token_id.clone(), certificate: body.certificate.clone() };
    let (certificate, _) = in_hand(&mut tx, &hand).await?;
    let form = checked_form(&body.form)?;
    let found = Unlock::open_of(&mut tx, &body.token_id).await?;
    let (late, open) = match found {
        Some(found) if found.is_late(&portal) => (Some(found), None),
        found => (None, found),
    };
    if let Some(meant) = &body.order
        && open.as_ref().is_none_or(|open| open.order.no != *meant)
    {
        return Err(problems::ORDER_OTHER.into());
    }
    let unlock_request = UnlockRequest::unseal(portal.identity().sealing(), &body.sealed.0)
        .ok()
        .filter(|unlock_request| unlock_request.token_id == body.token_id)
        .ok_or(problems::REQUEST_SEALED)?;
    let scope = Scope { phone: &certificate.phone, purpose: Purpose::Unlock, subject: &body.token_id };
    if let Tried::Wrong(problem) = try_code(&portal, &mut tx, scope, &unlock_request.code, now).await? {
        return tx.refuse(problem).await;
    }

    let user = owner(&mut tx, &certificate.phone, now).await?;
    if let Some(late) = late {
        orders::transition(&mut tx, &late.order.no, Event::UnlockExpired, &Actor::System, None, now).await?;
    }
    let no = match open {
        Some(open) => {
            take_up(&mut tx, &open, &user, &certificate, &form, now).await?;
            open.order.no
        }
        None => begin(&portal, &mut tx, &user, &certificate, body.locked, &form, now).await?,
    };
    let (ticket, releases_until) = ticket::grant(&portal, &mut tx, &no, &unlock_request.step_up, now).await?;
    audit::record(&mut tx, &Actor::from(user), "unlock.open", &no, Some(&body.token_id), now).await?;
    let order = Unlock::load(&mut tx, &no).await?.view(&portal, &mut tx).await?;
    let grant = UnlockGrant { order, ticket, releases_until: releases_until.into() };
    tx.answer(StatusCode::CREATED, &grant).await
}

/// Tells the phone bound to a certificate that something was done with its key: its owner may know nothing of it.
pub(super) async fn notify(
    portal: &Portal,
    db: &mut Conn,
    phone: &str,
    order: &str,
    what: &str,
    now: OffsetDateTime,
) -> Result<(), Error> {
    let project = &portal.config().project;
    let text = format!("【{}】{what}如非本人办理，请立即致电 {}。", project.name, project.hotline);
    let message = Message { phone: phone.into(), text, code: None, order: Some(order.into()) };
    queue(portal, db, &message, now).await
}

async fn begin(
    portal: &Portal,
    db: &mut Conn,
    user: &User,
    certificate: &Certificate,
    locked: bool,
    form: &UnlockForm,
    now: OffsetDateTime,
) -> Result<String, Error> {
    let no = orders::create_unlock(db, user, certificate, now).await?.no;
    sqlx::query(
        "INSERT INTO unlocks (order_no, was_locked, used_at, note, releases_allowed) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(&no)
    .bind(locked)
    .bind(&form.used_at)
    .bind(&form.note)
    .bind(RELEASES)
    .execute(&mut *db)
    .await?;
    let what = if portal.config().project.unlock_approval {
        orders::transition(db, &no, Event::RequestUnlock, &Actor::from(user.clone()), None, now).await?;
        format!("已收到 USBKEY 解锁申请（订单 {no}），审核通过后可设置新口令。")
    } else {
        orders::transition(db, &no, Event::GrantUnlock, &Actor::System, None, now).await?;
        format!("您的 USBKEY 正在办理解锁（订单 {no}）。")
    };
    notify(portal, db, &certificate.phone, &no, &what, now).await?;
    Ok(no)
}

/// The order goes on with the certificate that is in use now, which a renewal may have put in the place of the one it
/// began with. One that was rejected is handed in again.
async fn take_up(
    db: &mut Conn,
    open: &Unlock,
    user: &User,
    certificate: &Certificate,
    form: &UnlockForm,
    now: OffsetDateTime,
) -> Result<(), Error> {
    let no = &open.order.no;
    sqlx::query("UPDATE orders SET certificate = $1, user_id = $2 WHERE no = $3")
        .bind(&certificate.serial)
        .bind(user.id)
        .bind(no)
        .execute(&mut *db)
        .await?;
    if matches!(open.order.internal_status, InternalStatus::Rejected | InternalStatus::Revision) {
        sqlx::query("UPDATE unlocks SET used_at = $1, note = $2 WHERE order_no = $3")
            .bind(&form.used_at)
            .bind(&form.note)
            .bind(no)
            .execute(&mut *db)
            .await?;
        orders::transition(db, no, Event::RequestUnlock, &Actor::from(user.clone()), None, now).await?;
    }
    Ok(())
}

/// Who has the phone, with or without having logged in before.
async fn owner(db: &mut Conn, phone: &str, now: OffsetDateTime) -> Result<User, Error> {
    sqlx::query("INSERT INTO users (phone, created_at) VALUES ($1, $2) ON CONFLICT (phone) DO NOTHING")
        .bind(phone)
        .bind(millis(now))
        .execute(&mut *db)
        .await?;
    let row = sqlx::query("SELECT id FROM users WHERE phone = $1").bind(phone).fetch_one(db).await?;
    Ok(User { id: row.try_get(0)?, phone: phone.into() })
}

/// Without the blanks around its texts; those that are empty then count as left out. `request.invalid` where one is too
/// long.
fn checked_form(form: &UnlockForm) -> Result<UnlockForm, Error> {
    let text = |field: &'static str, text: &Option<String>, limit: usize| -> Result<Option<String>, Error> {
        let text = text.as_deref().map(str::trim).filter(|text| !text.is_empty());
        if text.is_some_and(|text| text.chars().count() > limit) {
            let detail = format!("{field}: at most {limit} characters");
            return Err(Problem::new(kinds::INVALID).detail(detail).into());
        }
        Ok(text.map(ToOwned::to_owned))
    };
    Ok(UnlockForm {
        used_at: text("used_at", &form.used_at, USED_AT_LIMIT)?,
        note: text("note", &form.note, NOTE_LIMIT)?,
    })
}
