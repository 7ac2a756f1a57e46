//! Attempts as their table has them.

use sqlx::{FromRow as _, Row as _, sqlite::SqliteRow};
use time::OffsetDateTime;
use ycd_portal_api::problem::attempts as problems;
use ycd_portal_api::wire::attempts::AttemptState;

use crate::{
    Error,
    db::{Conn, millis, moment},
    orders::{Order, name_of, word},
};

/// An attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    pub order: String,
    /// From 1.
    pub number: u32,
    pub cka_id: Vec<u8>,
    pub state: AttemptState,
    pub bound: Option<Bound>,
    pub opened_at: OffsetDateTime,
}

/// To what an attempt is bound once a request has come, before anything is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    pub spki: Vec<u8>,
    /// Upper-case hexadecimal.
    pub serial: String,
    pub tbs: Vec<u8>,
    /// DER, once signed.
    pub certificate: Option<Vec<u8>>,
}

impl Attempt {
    /// Neither confirmed nor given up.
    pub fn is_open(&self) -> bool {
        match self.state {
            AttemptState::Open | AttemptState::Issued => true,
            AttemptState::Confirmed | AttemptState::Closed => false,
        }
    }

    pub fn certificate(&self) -> Option<&[u8]> {
        self.bound.as_ref().and_then(|bound| bound.certificate.as_deref())
    }

    pub fn spki(&self) -> Option<&[u8]> {
        self.bound.as_ref().map(|bound| bound.spki.as_slice())
    }
}

/// All attempts of an order, first to last.
pub async fn all(db: &mut Conn, order: &str) -> Result<Vec<Attempt>, Error> {
    let rows = sqlx::query("SELECT * FROM attempts WHERE order_no = $1 ORDER BY number")
        .bind(order)
        .fetch_all(db)
        .await?;
    rows.iter().map(|row| Ok(Attempt::from_row(row)?)).collect()
}

/// The attempt with this number; `attempt.not_found`.
pub async fn load(db: &mut Conn, order: &str, number: u32) -> Result<Attempt, Error> {
    let found = all(db, order).await?.into_iter().find(|attempt| attempt.number == number);
    found.ok_or_else(|| problems::NONE.into())
}

pub async fn newest(db: &mut Conn, order: &str) -> Result<Option<Attempt>, Error> {
    Ok(all(db, order).await?.pop())
}

/// Opens an attempt; the tables refuse a second open one of the order or on the token.
pub async fn insert(
    db: &mut Conn,
    order: &Order,
    number: u32,
    cka_id: [u8; 16],
    now: OffsetDateTime,
) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO attempts (order_no, number, token_id, cka_id, state, opened_at) VALUES ($1, $2, $3, $4, 'open', $5)",
    )
    .bind(&order.no)
    .bind(number)
    .bind(&order.token_id)
    .bind(cka_id.as_slice())
    .bind(millis(now))
    .execute(db)
    .await?;
    Ok(())
}

/// Ends an attempt, or marks it issued.
pub async fn set_state(
    db: &mut Conn,
    attempt: &Attempt,
    state: AttemptState,
    now: OffsetDateTime,
) -> Result<(), Error> {
    let ended = match state {
        AttemptState::Confirmed | AttemptState::Closed => Some(millis(now)),
        AttemptState::Open | AttemptState::Issued => None,
    };
    sqlx::query("UPDATE attempts SET state = $1, ended_at = $2 WHERE order_no = $3 AND number = $4")
        .bind(name_of(&state)?)
        .bind(ended)
        .bind(&attempt.order)
        .bind(attempt.number)
        .execute(db)
        .await?;
    Ok(())
}

/// What was on the token before the order touched it.
pub async fn inventory(db: &mut Conn, order: &str) -> Result<Vec<Vec<u8>>, Error> {
    let rows = sqlx::query("SELECT spki FROM inventories WHERE order_no = $1 ORDER BY rowid")
        .bind(order)
        .fetch_all(db)
        .await?;
    rows.iter().map(|row| Ok(row.try_get("spki")?)).collect()
}

/// Mode *replace*: is the old key's agreement there?
pub async fn replace_agreed(db: &mut Conn, order: &str) -> Result<bool, Error> {
    let row = sqlx::query("SELECT 1 FROM authorizations WHERE order_no = $1 AND purpose = 'replace' LIMIT 1")
        .bind(order)
        .fetch_optional(db)
        .await?;
    Ok(row.is_some())
}

impl<'r> sqlx::FromRow<'r, SqliteRow> for Attempt {
    fn from_row(row: &'r SqliteRow) -> Result<Self, sqlx::Error> {
        let bound = match row.try_get::<Option<Vec<u8>>, _>("spki")? {
            Some(spki) => Some(Bound {
                spki,
                serial: row.try_get("serial")?,
                tbs: row.try_get("tbs")?,
                certificate: row.try_get("certificate")?,
            }),
            None => None,
        };
        Ok(Self {
            order: row.try_get("order_no")?,
            number: row.try_get("number")?,
            cka_id: row.try_get("cka_id")?,
            state: word(row.try_get("state")?)?,
            bound,
            opened_at: moment(row.try_get("opened_at")?),
        })
    }
}
