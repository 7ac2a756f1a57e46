//! Lists of orders: search, tabs, pages.

use sqlx::{FromRow as _, QueryBuilder, Row as _, Sqlite};
use std::collections::BTreeMap;
use ycd_portal_api::wire::{
    Page,
    orders::{OrderList, OrderQuery, PublicStatus},
};

use super::{
    record::{Order, SELECT},
    view::summary,
};
use crate::{
    Error,
    db::{Conn, millis},
    http::paging,
};

/// The orders of one user, or of all, the newest first; deleted ones are in no list.
pub(super) async fn list(db: &mut Conn, user: Option<i64>, query: &OrderQuery) -> Result<OrderList, Error> {
    let (page, page_size, offset) = paging(query.page, query.page_size)?;
    let mut tabs = QueryBuilder::new(
        "SELECT o.public_status, o.internal_status IN ('cancelled', 'lapsed') AS off, count(*) AS n FROM orders o",
    );
    narrow(&mut tabs, user, query);
    tabs.push(" GROUP BY 1, 2");
    let mut counts: BTreeMap<String, u64> =
        PublicStatus::ALL.iter().map(|state| (state.name().to_owned(), 0)).collect();
    let mut all = 0;
    for row in tabs.build().fetch_all(&mut *db).await? {
        let number = row.try_get::<i64, _>("n")?.unsigned_abs();
        all += number;
        if !row.try_get::<bool, _>("off")? {
            *counts.entry(row.try_get("public_status")?).or_default() += number;
        }
    }
    counts.insert("all".into(), all);

    let mut rows = QueryBuilder::new(SELECT);
    narrow(&mut rows, user, query);
    if let Some(state) = query.state {
        rows.push(" AND o.internal_status NOT IN ('cancelled', 'lapsed') AND o.public_status = ")
            .push_bind(state.name());
    }
    rows.push(" ORDER BY o.created_at DESC, o.no DESC LIMIT ")
        .push_bind(page_size)
        .push(" OFFSET ")
        .push_bind(offset);
    let items = rows
        .build()
        .fetch_all(db)
        .await?
        .iter()
        .map(|row| Order::from_row(row).map(|order| summary(&order)))
        .collect::<Result<_, _>>()?;
    let total = query.state.map_or(all, |state| counts.get(state.name()).copied().unwrap_or(0));
    Ok(OrderList { page: Page { items, page, page_size, total }, counts })
}

/// `column LIKE '%text%'`, whatever the text holds.
pub(crate) fn contains(query: &mut QueryBuilder<Sqlite>, column: &'static str, text: &str) {
    let mut pattern = String::from("%");
    for c in text.trim().chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    query.push(column).push(" LIKE ").push_bind(pattern).push(r" ESCAPE '\'");
}

fn narrow(rows: &mut QueryBuilder<Sqlite>, user: Option<i64>, query: &OrderQuery) {
    rows.push(" WHERE o.internal_status <> 'deleted'");
    if let Some(user) = user {
        rows.push(" AND o.user_id = ").push_bind(user);
    }
    for (column, text) in
        [("o.no", &query.no), ("o.company", &query.company), ("o.product_name", &query.product)]
    {
        if let Some(text) = text.as_deref().filter(|text| !text.trim().is_empty()) {
            rows.push(" AND ");
            contains(rows, column, text);
        }
    }
    if let Some(from) = query.created_from {
        rows.push(" AND o.created_at >= ").push_bind(millis(from.0));
    }
    if let Some(to) = query.created_to {
        rows.push(" AND o.created_at <= ").push_bind(millis(to.0));
    }
}
