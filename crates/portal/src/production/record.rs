//! A production as its table has it.

use sqlx::{FromRow as _, Row as _, sqlite::SqliteRow};
use time::OffsetDateTime;
use ycd_portal_api::wire::unlock::Road;

use super::assignment::Assignment;
use crate::{
    Error,
    db::{Conn, millis, moment},
    orders::{name_of, word},
};

/// A production.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Production {
    pub no: String,
    pub assignment: Assignment,
    pub road: Road,
    /// Version of the SO PIN in its boxes.
    pub so_pin_version: u32,
    /// 0 where the key gets no unblock key.
    pub unblock_key_version: u32,
    /// How often secrets were given.
    pub openings: u32,
    pub state: ProductionState,
    pub opened_at: OffsetDateTime,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProductionState {
    Open,
    /// Proven.
    Done,
    /// Another holder got the key.
    GivenUp,
}

impl Production {
    pub fn is_open(&self) -> bool {
        self.state == ProductionState::Open
    }
}

/// The key's newest production.
pub async fn newest(db: &mut Conn, key_id: &str) -> Result<Option<Production>, Error> {
    let row = sqlx::query(
        "SELECT * FROM productions WHERE key_id = $1 ORDER BY opened_at DESC, rowid DESC LIMIT 1",
    )
    .bind(key_id)
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| Production::from_row(&row)).transpose()?)
}

pub async fn insert(db: &mut Conn, production: &Production) -> Result<(), Error> {
    let Assignment { key_id, holder, phone, product, term_years } = &production.assignment;
    sqlx::query(
        "INSERT INTO productions (no, key_id, holder, phone, product, term_years, road, so_pin_version,
         unblock_key_version, openings, state, opened_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .bind(&production.no)
    .bind(key_id)
    .bind(serde_json::to_string(holder)?)
    .bind(phone)
    .bind(product)
    .bind(term_years)
    .bind(name_of(&production.road)?)
    .bind(production.so_pin_version)
    .bind(production.unblock_key_version)
    .bind(production.openings)
    .bind(name_of(&production.state)?)
    .bind(millis(production.opened_at))
    .execute(db)
    .await?;
    Ok(())
}

/// Counts an opening; gives its number.
pub async fn count_opening(db: &mut Conn, no: &str) -> Result<u32, Error> {
    let row = sqlx::query("UPDATE productions SET openings = openings + 1 WHERE no = $1 RETURNING openings")
        .bind(no)
        .fetch_one(db)
        .await?;
    Ok(row.try_get(0)?)
}

/// Ends a production.
pub async fn end(db: &mut Conn, no: &str, state: ProductionState, now: OffsetDateTime) -> Result<(), Error> {
    sqlx::query("UPDATE productions SET state = $1, ended_at = $2 WHERE no = $3")
        .bind(name_of(&state)?)
        .bind(millis(now))
        .bind(no)
        .execute(db)
        .await?;
    Ok(())
}

impl<'r> sqlx::FromRow<'r, SqliteRow> for Production {
    fn from_row(row: &'r SqliteRow) -> Result<Self, sqlx::Error> {
        let holder: String = row.try_get("holder")?;
        Ok(Self {
            no: row.try_get("no")?,
            assignment: Assignment {
                key_id: row.try_get("key_id")?,
                holder: serde_json::from_str(&holder).map_err(|error| sqlx::Error::Decode(error.into()))?,
                phone: row.try_get("phone")?,
                product: row.try_get("product")?,
                term_years: row.try_get("term_years")?,
            },
            road: word(row.try_get("road")?)?,
            so_pin_version: row.try_get("so_pin_version")?,
            unblock_key_version: row.try_get("unblock_key_version")?,
            openings: row.try_get("openings")?,
            state: word(row.try_get("state")?)?,
            opened_at: moment(row.try_get("opened_at")?),
        })
    }
}
