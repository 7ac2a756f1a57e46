//! `POST /driver-reports`, `GET /operator/driver-reports`.

use std::net::IpAddr;

use axum::{
    Json,
    extract::{DefaultBodyLimit, State},
    http::StatusCode,
};
use sqlx::{QueryBuilder, Row as _};
use time::{Duration, OffsetDateTime};
use utoipa_axum::{router::OpenApiRouter, routes};
use ycd_portal_api::{
    Problem,
    problem::kinds,
    wire::{
        Page,
        drivers::{DriverReport, DriverReportQuery, DriverReportView, ReportReceived},
    },
};

use super::check;
use crate::{
    Error, Portal,
    db::{Conn, millis, moment},
    http::{Actor, Address, Answer, Change, Operator, Query, paging},
    secrets::random,
};

/// Bytes of a report; a machine's has two or three thousand.
const LIMIT: usize = 64 * 1024;

pub fn routes() -> OpenApiRouter<Portal> {
    // A limit of its own, nearer to the handler than the portal's.
    let received = OpenApiRouter::new().routes(routes!(receive)).layer(DefaultBodyLimit::max(LIMIT));
    received.merge(OpenApiRouter::new().routes(routes!(list)))
}

/// Takes a report on a token that no profile knows, from anybody. `driver_report.invalid` with `errors`,
/// `driver_report.too_many` with `retry_after` in seconds.
#[utoipa::path(post, path = "/driver-reports", request_body = DriverReport,
    params(("Idempotency-Key" = String, Header)),
    responses((status = 201, body = ReportReceived), (status = "default", body = Problem)))]
async fn receive(
    State(portal): State<Portal>,
    Address(address): Address,
    change: Change<DriverReport>,
) -> Answer {
    let mut tx = change.begin(&portal, Actor::Anonymous).await?;
    let errors = check::errors(&change.body);
    if !errors.is_empty() {
        return Err(Problem::new(kinds::DRIVER_REPORT_INVALID).with("errors", &errors).into());
    }
    let now = tx.now();
    check_limits(&portal, &mut tx, address, now).await?;
    let number = free_number(&mut tx).await?;
    sqlx::query("INSERT INTO driver_reports (number, at, report, address) VALUES ($1, $2, $3, $4)")
        .bind(&number)
        .bind(millis(now))
        .bind(serde_json::to_string(&change.body)?)
        .bind(address.to_string())
        .execute(&mut *tx)
        .await?;
    tx.answer(StatusCode::CREATED, &ReportReceived { number }).await
}

/// Reports on unknown tokens; by its number, one.
#[utoipa::path(get, path = "/operator/driver-reports", params(DriverReportQuery), security(("session" = [])),
    responses((status = 200, body = Page<DriverReportView>), (status = "default", body = Problem)))]
async fn list(
    State(portal): State<Portal>,
    _: Operator,
    Query(query): Query<DriverReportQuery>,
) -> Result<Json<Page<DriverReportView>>, Error> {
    let (page, page_size, offset) = paging(query.page, query.page_size)?;
    let mut db = portal.db().read().await?;
    let of_number = |rows: &mut QueryBuilder<sqlx::Sqlite>| {
        if let Some(number) = &query.number {
            rows.push(" WHERE number = ").push_bind(number.clone());
        }
    };
    let mut count = QueryBuilder::new("SELECT count(*) FROM driver_reports");
    of_number(&mut count);
    let total: i64 = count.build().fetch_one(&mut *db).await?.try_get(0)?;
    let mut rows = QueryBuilder::new("SELECT number, at, report FROM driver_reports");
    of_number(&mut rows);
    rows.push(" ORDER BY id DESC LIMIT ").push_bind(page_size).push(" OFFSET ").push_bind(offset);
    let items = rows
        .build()
        .fetch_all(&mut *db)
        .await?
        .into_iter()
        .map(|row| {
            Ok(DriverReportView {
                number: row.try_get("number")?,
                at: moment(row.try_get("at")?).into(),
                report: serde_json::from_str(row.try_get("report")?)?,
            })
        })
        .collect::<Result<_, Error>>()?;
    Ok(Json(Page { items, page, page_size, total: total.unsigned_abs() }))
}

async fn check_limits(
    portal: &Portal,
    db: &mut Conn,
    address: IpAddr,
    now: OffsetDateTime,
) -> Result<(), Error> {
    let rules = portal.config().driver_reports;
    let of_address: i64 = sqlx::query("SELECT count(*) FROM driver_reports WHERE address = $1 AND at > $2")
        .bind(address.to_string())
        .bind(millis(now - Duration::HOUR))
        .fetch_one(&mut *db)
        .await?
        .try_get(0)?;
    let of_all: i64 = sqlx::query("SELECT count(*) FROM driver_reports WHERE at > $1")
        .bind(millis(now - Duration::DAY))
        .fetch_one(&mut *db)
        .await?
        .try_get(0)?;
    let wait = if of_all >= i64::from(rules.per_day) {
        Duration::DAY
    } else if of_address >= i64::from(rules.per_address_and_hour) {
        Duration::HOUR
    } else {
        return Ok(());
    };
    Err(Problem::new(kinds::DRIVER_REPORT_TOO_MANY).with("retry_after", wait.whole_seconds()).into())
}

/// Six digits that no report has. It is no secret; drawn rather than counted, so that it tells no numbers of reports.
async fn free_number(db: &mut Conn) -> Result<String, Error> {
    const TRIES: usize = 20;
    for _ in 0..TRIES {
        let number = format!("{:06}", u32::from_be_bytes(random()?) % 1_000_000);
        let taken = sqlx::query("SELECT 1 FROM driver_reports WHERE number = $1")
            .bind(&number)
            .fetch_optional(&mut *db)
            .await?;
        if taken.is_none() {
            return Ok(number);
        }
    }
    Err(Problem::new(kinds::DRIVER_REPORT_TOO_MANY).into())
}
