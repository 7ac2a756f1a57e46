//! A personalization as its table has it.

use sqlx::{FromRow as _, Row as _, sqlite::SqliteRow};
use time::OffsetDateTime;
use ycd_portal_api::wire::unlock::UnlockMethod;

use super::assignment::Assignment;
use crate::{
    Error,
    db::{Conn, millis, moment},
    orders::{name_of, word},
};

/// A personalization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Personalization {
    pub no: String,
    pub assignment: Assignment,
    pub method: UnlockMethod,
    /// Version of the SO PIN in its envelopes.
    pub so_pin_version: u32,
    /// 0 where the token gets no unblock key.
    pub unblock_key_version: u32,
    /// How often secrets were given.
    pub openings: u32,
    pub state: PersonalizationState,
    pub opened_at: OffsetDateTime,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PersonalizationState {
    Open,
    /// Proven.
    Done,
    /// Another holder got the token.
    GivenUp,
}

impl Personalization {
    pub fn is_open(&self) -> bool {
        self.state == PersonalizationState::Open
    }
}

/// The token's newest personalization.
pub async fn newest(db: &mut Conn, token_id: &str) -> Result<Option<Personalization>, Error> {
    let row = sqlx::query(
        "SELECT * FROM personalizations WHERE token_id = $1 ORDER BY opened_at DESC, rowid DESC LIMIT 1",
    )
    .bind(token_id)
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| Personalization::from_row(&row)).transpose()?)
}

pub async fn insert(db: &mut Conn, personalization: &Personalization) -> Result<(), Error> {
    let Assignment { token_id, holder, phone, product, validity_years } = &personalization.assignment;
    sqlx::query(
        "INSERT INTO personalizations (no, token_id, holder, phone, product, validity_years, method, so_pin_version,
         unblock_key_version, openings, state, opened_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .bind(&personalization.no)
    .bind(token_id)
    .bind(serde_json::to_string(holder)?)
    .bind(phone)
    .bind(product)
    .bind(validity_years)
    .bind(name_of(&personalization.method)?)
    .bind(personalization.so_pin_version)
    .bind(personalization.unblock_key_version)
    .bind(personalization.openings)
    .bind(name_of(&personalization.state)?)
    .bind(millis(personalization.opened_at))
    .execute(db)
    .await?;
    Ok(())
}

/// Counts an opening; gives its number.
pub async fn count_opening(db: &mut Conn, no: &str) -> Result<u32, Error> {
    let row =
        sqlx::query("UPDATE personalizations SET openings = openings + 1 WHERE no = $1 RETURNING openings")
            .bind(no)
            .fetch_one(db)
            .await?;
    Ok(row.try_get(0)?)
}

/// Ends a personalization.
pub async fn end(
    db: &mut Conn,
    no: &str,
    state: PersonalizationState,
    now: OffsetDateTime,
) -> Result<(), Error> {
    sqlx::query("UPDATE personalizations SET state = $1, ended_at = $2 WHERE no = $3")
        .bind(name_of(&state)?)
        .bind(millis(now))
        .bind(no)
        .execute(db)
        .await?;
    Ok(())
}

impl<'r> sqlx::FromRow<'r, SqliteRow> for Personalization {
    fn from_row(row: &'r SqliteRow) -> Result<Self, sqlx::Error> {
        let holder: String = row.try_get("holder")?;
        Ok(Self {
            no: row.try_get("no")?,
            assignment: Assignment {
                token_id: row.try_get("token_id")?,
                holder: serde_json::from_str(&holder).map_err(|error| sqlx::Error::Decode(error.into()))?,
                phone: row.try_get("phone")?,
                product: row.try_get("product")?,
                validity_years: row.try_get("validity_years")?,
            },
            method: word(row.try_get("method")?)?,
            so_pin_version: row.try_get("so_pin_version")?,
            unblock_key_version: row.try_get("unblock_key_version")?,
            openings: row.try_get("openings")?,
            state: word(row.try_get("state")?)?,
            opened_at: moment(row.try_get("opened_at")?),
        })
    }
}
