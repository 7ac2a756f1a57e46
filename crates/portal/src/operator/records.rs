//! Revocation, the SMS outbox, the audit.

use axum::{Json, extract::State, http::StatusCode};
use sqlx::{QueryBuilder, Row as _};
use utoipa_axum::{router::OpenApiRouter, routes};
use ycd_portal_api::{
    Problem,
    problem::kinds,
    wire::{
        Page,
        certificates::CertificateView,
        operator::{AuditEntry, AuditQuery, OutboxQuery, SmsMessage},
        orders::Reason,
    },
};

use crate::{
    Error, Portal, certificates,
    db::moment,
    http::{Answer, Change, Operator, Path, Query, paging},
};

pub(super) fn routes() -> OpenApiRouter<Portal> {
    OpenApiRouter::new().routes(routes!(revoke)).routes(routes!(outbox)).routes(routes!(audit))
}

/// Revokes a certificate, for good.
#[utoipa::path(post, path = "/operator/certificates/{serial}/revoke", request_body = Reason,
    security(("session" = [])), params(("serial" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = CertificateView), (status = "default", body = Problem)))]
async fn revoke(
    State(portal): State<Portal>,
    operator: Operator,
    Path(serial): Path<String>,
    change: Change<Reason>,
) -> Answer {
    let mut tx = change.begin(&portal, operator.clone()).await?;
    let now = tx.now();
    let reason = change.body.reason.trim();
    if reason.is_empty() {
        return Err(kinds::REASON_REQUIRED.into());
    }
    certificates::revoke(&mut tx, &serial, reason, &operator.into(), now).await?;
    let view = certificates::view(&portal, &mut tx, &serial, now).await?;
    tx.answer(StatusCode::OK, &view).await
}

/// The messages that the embedded outbox keeps in place of phones. Not there with a real provider.
#[utoipa::path(get, path = "/operator/sms-outbox", params(OutboxQuery), security(("session" = [])),
    responses((status = 200, body = Page<SmsMessage>), (status = "default", body = Problem)))]
async fn outbox(
    State(portal): State<Portal>,
    _: Operator,
    Query(query): Query<OutboxQuery>,
) -> Result<Json<Page<SmsMessage>>, Error> {
    if !portal.sms().keeps_messages() {
        return Err(kinds::NO_ROUTE.into());
    }
    let (page, page_size, offset) = paging(query.page, query.page_size)?;
    let mut db = portal.db().read().await?;
    let of_phone = |rows: &mut QueryBuilder<sqlx::Sqlite>| {
        if let Some(phone) = &query.phone {
            rows.push(" WHERE phone = ").push_bind(phone.clone());
        }
    };
    let mut count = QueryBuilder::new("SELECT count(*) FROM sms_messages");
    of_phone(&mut count);
    let total: i64 = count.build().fetch_one(&mut *db).await?.try_get(0)?;
    let mut rows = QueryBuilder::new("SELECT id, at, phone, text, code, order_no FROM sms_messages");
    of_phone(&mut rows);
    rows.push(" ORDER BY id DESC LIMIT ").push_bind(page_size).push(" OFFSET ").push_bind(offset);
    let items = rows
        .build()
        .fetch_all(&mut *db)
        .await?
        .into_iter()
        .map(|row| {
            Ok(SmsMessage {
                id: row.try_get("id")?,
                at: moment(row.try_get("at")?).into(),
                phone: row.try_get("phone")?,
                text: row.try_get("text")?,
                code: row.try_get("code")?,
                order: row.try_get("order_no")?,
            })
        })
        .collect::<Result<_, Error>>()?;
    Ok(Json(Page { items, page, page_size, total: total.unsigned_abs() }))
}

/// Who did what.
#[utoipa::path(get, path = "/operator/audit", params(AuditQuery), security(("session" = [])),
    responses((status = 200, body = Page<AuditEntry>), (status = "default", body = Problem)))]
async fn audit(
    State(portal): State<Portal>,
    _: Operator,
    Query(query): Query<AuditQuery>,
) -> Result<Json<Page<AuditEntry>>, Error> {
    let (page, page_size, offset) = paging(query.page, query.page_size)?;
    let mut db = portal.db().read().await?;
    let of_target = |rows: &mut QueryBuilder<sqlx::Sqlite>| {
        if let Some(target) = &query.target {
            rows.push(" WHERE target = ").push_bind(target.clone());
        }
    };
    let mut count = QueryBuilder::new("SELECT count(*) FROM audit");
    of_target(&mut count);
    let total: i64 = count.build().fetch_one(&mut *db).await?.try_get(0)?;
    let mut rows = QueryBuilder::new("SELECT id, at, actor, action, target, detail FROM audit");
    of_target(&mut rows);
    rows.push(" ORDER BY id DESC LIMIT ").push_bind(page_size).push(" OFFSET ").push_bind(offset);
    let items = rows
        .build()
        .fetch_all(&mut *db)
        .await?
        .into_iter()
        .map(|row| {
            Ok(AuditEntry {
                id: row.try_get("id")?,
                at: moment(row.try_get("at")?).into(),
                actor: row.try_get("actor")?,
                action: row.try_get("action")?,
                target: row.try_get("target")?,
                detail: row.try_get("detail")?,
            })
        })
        .collect::<Result<_, Error>>()?;
    Ok(Json(Page { items, page, page_size, total: total.unsigned_abs() }))
}
