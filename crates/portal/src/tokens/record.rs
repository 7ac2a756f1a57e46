//! A token as its table has it.

use sqlx::{FromRow as _, Row as _, sqlite::SqliteRow};
use time::OffsetDateTime;
use ycd_portal_api::problem::unlock as problems;
use ycd_portal_api::wire::{
    tokens::{SoPinScheme, TokenRecord},
    unlock::UnlockMethod,
};

use crate::{
    Config, Error,
    db::{Conn, moment},
    orders::{name_of, word},
};

/// A token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    pub token_id: String,
    pub method: UnlockMethod,
    pub so_pin: SoPinScheme,
    /// Bytes.
    pub so_pin_min_len: u8,
    pub so_pin_max_len: u8,
    pub so_pin_retry_limit: u8,
    pub current: Option<Escrow>,
    pub next: Option<Escrow>,
    /// 0 where it has no unblock key.
    pub unblock_key_version: u32,
    pub unproven_releases: u32,
    pub personalized_at: Option<OffsetDateTime>,
}

/// An SO PIN, encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Escrow {
    /// From 1.
    pub version: u32,
    pub sealed: Vec<u8>,
}

/// The token, if the portal knows it.
pub async fn find(db: &mut Conn, token_id: &str) -> Result<Option<Token>, Error> {
    let row =
        sqlx::query("SELECT * FROM tokens WHERE token_id = $1").bind(token_id).fetch_optional(db).await?;
    Ok(row.map(|row| Token::from_row(&row)).transpose()?)
}

/// The same, or `unlock.token_unknown`.
pub async fn load(db: &mut Conn, token_id: &str) -> Result<Token, Error> {
    find(db, token_id).await?.ok_or_else(|| problems::TOKEN_UNKNOWN.into())
}

/// Notes a token that is new to the portal; nothing is known of its SO PIN.
pub async fn ensure(db: &mut Conn, config: &Config, token_id: &str) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO tokens (token_id, method, so_pin, so_pin_min_len, so_pin_max_len, so_pin_retry_limit)
         VALUES ($1, $2, $3, 1, 32, $4) ON CONFLICT (token_id) DO NOTHING",
    )
    .bind(token_id)
    .bind(name_of(&UnlockMethod::SoPin)?)
    .bind(name_of(&SoPinScheme::None)?)
    .bind(config.project.so_pin_retry_limit)
    .execute(db)
    .await?;
    Ok(())
}

impl Token {
    /// Personalized and proven here, with secrets of its own: then it can be unlocked.
    pub fn is_escrowed(&self) -> bool {
        let proven = self.so_pin == SoPinScheme::Random && self.current.is_some();
        match self.method {
            UnlockMethod::SoPin => proven,
            UnlockMethod::ChallengeResponse => proven && self.unblock_key_version > 0,
        }
    }

    /// 0 for the maker's own.
    pub fn current_version(&self) -> u32 {
        self.current.as_ref().map_or(0, |escrow| escrow.version)
    }

    /// As operators see it.
    pub async fn view(&self, db: &mut Conn) -> Result<TokenRecord, Error> {
        let rows = sqlx::query(
            "SELECT serial FROM certificates WHERE token_id = $1 ORDER BY created_at DESC, rowid DESC",
        )
        .bind(&self.token_id)
        .fetch_all(db)
        .await?;
        Ok(TokenRecord {
            token_id: self.token_id.clone(),
            method: self.method,
            so_pin: self.so_pin,
            current_version: self.current_version(),
            next_version: self.next.as_ref().map(|escrow| escrow.version),
            unproven_releases: self.unproven_releases,
            certificates: rows.iter().map(|row| row.try_get("serial")).collect::<Result<_, _>>()?,
            personalized_at: self.personalized_at.map(Into::into),
        })
    }
}

impl<'r> sqlx::FromRow<'r, SqliteRow> for Token {
    fn from_row(row: &'r SqliteRow) -> Result<Self, sqlx::Error> {
        let escrow = |version, sealed: Option<Vec<u8>>| sealed.map(|sealed| Escrow { version, sealed });
        let next_version: Option<u32> = row.try_get("next_version")?;
        Ok(Self {
            token_id: row.try_get("token_id")?,
            method: word(row.try_get("method")?)?,
            so_pin: word(row.try_get("so_pin")?)?,
            so_pin_min_len: row.try_get("so_pin_min_len")?,
            so_pin_max_len: row.try_get("so_pin_max_len")?,
            so_pin_retry_limit: row.try_get("so_pin_retry_limit")?,
            current: escrow(row.try_get("current_version")?, row.try_get("current_so_pin")?),
            next: escrow(next_version.unwrap_or_default(), row.try_get("next_so_pin")?),
            unblock_key_version: row.try_get("unblock_key_version")?,
            unproven_releases: row.try_get("unproven_releases")?,
            personalized_at: row.try_get::<Option<i64>, _>("personalized_at")?.map(moment),
        })
    }
}
