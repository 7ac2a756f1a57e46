//! `GET /certificates`, `GET /certificates/{serial}`.

use axum::{Json, extract::State};
use sqlx::{FromRow as _, QueryBuilder, Row as _, Sqlite};
use time::OffsetDateTime;
use utoipa_axum::{router::OpenApiRouter, routes};
use ycd_portal_api::{
    Problem,
    problem::{Kind, kinds},
    wire::{
        Page,
        certificates::{CertificateAction, CertificateQuery, CertificateView},
        masked_phone,
        orders::{OrderKind, OrderRef},
    },
};

use super::record::{Certificate, SELECT, load, load_own, usable_for};
use crate::{
    Error, Portal,
    db::Conn,
    http::{Path, Query, User, paging},
    orders::{contains, open_work_order},
};

pub fn routes() -> OpenApiRouter<Portal> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show))
}

/// 我的证书: those bound to the caller's phone, the ones that end last first.
#[utoipa::path(get, path = "/certificates", params(CertificateQuery), security(("session" = [])), responses(
    (status = 200, body = Page<CertificateView>), (status = "default", body = Problem)))]
async fn list(
    State(portal): State<Portal>,
    user: User,
    Query(query): Query<CertificateQuery>,
) -> Result<Json<Page<CertificateView>>, Error> {
    let (page, page_size, offset) = paging(query.page, query.page_size)?;
    let mut db = portal.db().read().await?;
    let mut count = QueryBuilder::new("SELECT count(*) FROM certificates c");
    narrow(&mut count, &user, &query);
    let total: i64 = count.build().fetch_one(&mut *db).await?.try_get(0)?;

    let mut rows = QueryBuilder::new(SELECT);
    narrow(&mut rows, &user, &query);
    rows.push(" ORDER BY c.not_after DESC, c.serial LIMIT ")
        .push_bind(page_size)
        .push(" OFFSET ")
        .push_bind(offset);
    let now = portal.now();
    let mut items = Vec::new();
    for row in rows.build().fetch_all(&mut *db).await? {
        items.push(view_of(&portal, &mut db, Certificate::from_row(&row)?, now).await?);
    }
    Ok(Json(Page { items, page, page_size, total: total.unsigned_abs() }))
}

/// One certificate of the caller's.
#[utoipa::path(get, path = "/certificates/{serial}", params(("serial" = String, Path)), security(("session" = [])),
    responses((status = 200, body = CertificateView), (status = "default", body = Problem)))]
async fn show(
    State(portal): State<Portal>,
    user: User,
    Path(serial): Path<String>,
) -> Result<Json<CertificateView>, Error> {
    let mut db = portal.db().read().await?;
    let certificate = load_own(&mut db, &serial, &user).await?;
    Ok(Json(view_of(&portal, &mut db, certificate, portal.now()).await?))
}

fn narrow(query: &mut QueryBuilder<Sqlite>, user: &User, search: &CertificateQuery) {
    query.push(" WHERE c.state <> 'issued' AND c.phone = ").push_bind(user.phone.clone());
    if let Some(text) = search.text.as_deref().filter(|text| !text.is_empty()) {
        query.push(" AND (");
        contains(query, "c.holder_name", text);
        query.push(" OR ");
        contains(query, "c.serial", text);
        query.push(" OR ");
        contains(query, "c.token_id", text);
        query.push(")");
    }
}

/// Any certificate, as its owner sees it.
pub(crate) async fn view(
    portal: &Portal,
    db: &mut Conn,
    serial: &str,
    now: OffsetDateTime,
) -> Result<CertificateView, Error> {
    let certificate = load(db, serial).await?;
    view_of(portal, db, certificate, now).await
}

async fn view_of(
    portal: &Portal,
    db: &mut Conn,
    certificate: Certificate,
    now: OffsetDateTime,
) -> Result<CertificateView, Error> {
    let open_order = open_work_order(db, &certificate.serial).await?;
    let (actions, refused) = actions(&certificate, open_order.as_ref(), now);
    Ok(CertificateView {
        state: certificate.state_at(portal.config(), now),
        days_left: (certificate.not_after - now).whole_seconds().div_euclid(24 * 60 * 60),
        phone: masked_phone(&certificate.phone),
        serial: certificate.serial,
        holder: certificate.holder,
        not_before: certificate.not_before.into(),
        not_after: certificate.not_after.into(),
        product: certificate.product,
        product_name: certificate.product_name,
        token_id: certificate.token_id,
        superseded_by: certificate.superseded_by,
        revoked_reason: certificate.revoked_reason,
        actions,
        no_action_because: refused.map(|kind| kind.code.to_owned()),
        open_order,
    })
}

fn actions(
    certificate: &Certificate,
    open_order: Option<&OrderRef>,
    now: OffsetDateTime,
) -> (Vec<CertificateAction>, Option<Kind>) {
    let (kind, action) = if now > certificate.not_after {
        (OrderKind::ExpiredPurchase, CertificateAction::ExpiredPurchase)
    } else {
        (OrderKind::Renewal, CertificateAction::Renew)
    };
    match usable_for(kind, certificate, now) {
        Err(kind) => (Vec::new(), Some(kind)),
        Ok(()) if open_order.is_some() => (Vec::new(), Some(kinds::ORDER_OPEN)),
        Ok(()) => (vec![action], None),
    }
}
