//! An order as its table has it.

use serde::{Serialize, de::DeserializeOwned};
use sqlx::{FromRow as _, Row as _, sqlite::SqliteRow};
use time::{Duration, OffsetDateTime};
use ycd_portal_api::{
    problem::kinds,
    wire::{
        attempts::Mode,
        form::OrderForm,
        orders::{OrderKind, PaymentMethod, PublicStatus},
    },
};

use super::machine::InternalStatus;
use crate::{
    Error, Portal,
    db::{Conn, moment},
    http::User,
};

/// An order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    pub no: String,
    pub kind: OrderKind,
    pub internal_status: InternalStatus,
    pub state: PublicStatus,
    pub user_id: i64,
    /// The account's phone, which is the one bound to the certificate.
    pub phone: String,
    /// Serial number of the old certificate.
    pub certificate: String,
    pub token_id: String,
    pub product: String,
    pub product_name: String,
    pub validity_years: u8,
    /// Fen.
    pub amount: i64,
    pub form: OrderForm,
    pub company: String,
    /// `None` until step 0 or the first attempt fixes it.
    pub mode: Option<Mode>,
    /// When the user agreed to mode *replace*.
    pub consent_at: Option<OffsetDateTime>,
    pub payment_method: Option<PaymentMethod>,
    pub paid_at: Option<OffsetDateTime>,
    pub reject_reason: Option<String>,
    pub submitted_at: Option<OffsetDateTime>,
    pub approved_at: Option<OffsetDateTime>,
    pub created_at: OffsetDateTime,
}

/// All columns of [`Order`].
pub(super) const SELECT: &str = "SELECT o.no, o.kind, o.internal_status, o.public_status, o.user_id, u.phone, o.certificate, o.token_id,
     o.product, o.product_name, o.validity_years, o.amount, o.form, o.company, o.mode, o.consent_at, o.payment_method,
     o.paid_at, o.reject_reason, o.submitted_at, o.approved_at, o.created_at
     FROM orders o JOIN users u ON u.id = o.user_id";

/// The order with this number, whoever's it is. `order.not_found`
pub async fn load(db: &mut Conn, no: &str) -> Result<Order, Error> {
    let row = sqlx::QueryBuilder::new(SELECT)
        .push(" WHERE o.no = ")
        .push_bind(no)
        .build()
        .fetch_optional(db)
        .await?
        .ok_or(kinds::ORDER_UNKNOWN)?;
    Ok(Order::from_row(&row)?)
}

/// The user's own order with this number; another's, or one deleted, is `order.not_found` all the same.
pub async fn load_own(db: &mut Conn, no: &str, user: &User) -> Result<Order, Error> {
    let order = load(db, no).await?;
    if order.user_id == user.id && order.internal_status != InternalStatus::Deleted {
        Ok(order)
    } else {
        Err(kinds::ORDER_UNKNOWN.into())
    }
}

impl Order {
    /// Until when the token may be written, or unlocked.
    pub fn work_until(&self, portal: &Portal) -> Option<OffsetDateTime> {
        let config = portal.config();
        let days = if self.kind == OrderKind::Unlock { config.project.unlock_days } else { config.work_days };
        self.approved_at.map(|at| at + Duration::days(i64::from(days)))
    }
}

impl<'r> sqlx::FromRow<'r, SqliteRow> for Order {
    fn from_row(row: &'r SqliteRow) -> Result<Self, sqlx::Error> {
        let internal_status: String = row.try_get("internal_status")?;
        let time = |column| row.try_get::<Option<i64>, _>(column).map(|at| at.map(moment));
        let form: String = row.try_get("form")?;
        Ok(Self {
            no: row.try_get("no")?,
            kind: word(row.try_get("kind")?)?,
            internal_status: InternalStatus::ALL
                .into_iter()
                .find(|candidate| candidate.name() == internal_status)
                .ok_or_else(|| sqlx::Error::Decode(format!("status {internal_status}").into()))?,
            state: word(row.try_get("public_status")?)?,
            user_id: row.try_get("user_id")?,
            phone: row.try_get("phone")?,
            certificate: row.try_get("certificate")?,
            token_id: row.try_get("token_id")?,
            product: row.try_get("product")?,
            product_name: row.try_get("product_name")?,
            validity_years: row.try_get("validity_years")?,
            amount: row.try_get("amount")?,
            form: serde_json::from_str(&form).map_err(|error| sqlx::Error::Decode(error.into()))?,
            company: row.try_get("company")?,
            mode: row.try_get::<Option<String>, _>("mode")?.map(word).transpose()?,
            consent_at: time("consent_at")?,
            payment_method: row.try_get::<Option<String>, _>("payment_method")?.map(word).transpose()?,
            paid_at: time("paid_at")?,
            reject_reason: row.try_get("reject_reason")?,
            submitted_at: time("submitted_at")?,
            approved_at: time("approved_at")?,
            created_at: moment(row.try_get("created_at")?),
        })
    }
}

/// Reads an enumeration stored under its name in JSON.
pub(crate) fn word<T: DeserializeOwned>(name: String) -> Result<T, sqlx::Error> {
    serde_json::from_value(name.into()).map_err(|error| sqlx::Error::Decode(error.into()))
}

/// The name in JSON of an enumeration's value, to store.
pub(crate) fn name_of<T: Serialize>(value: &T) -> Result<String, Error> {
    match serde_json::to_value(value)? {
        serde_json::Value::String(name) => Ok(name),
        other => Err(Error::Stored(format!("{other} is no name"))),
    }
}
