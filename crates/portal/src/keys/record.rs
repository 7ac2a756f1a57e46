//! A key as its table has it.

use sqlx::{FromRow as _, Row as _, sqlite::SqliteRow};
use time::OffsetDateTime;
use ycd_portal_api::wire::{
    keys::{KeyRecord, SoPinScheme},
    unlock::Road,
};

use crate::{
    Config, Error,
    db::{Conn, moment},
    orders::{name_of, word},
    unlock::refusals,
};

/// A key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    pub key_id: String,
    pub road: Road,
    pub so_pin: SoPinScheme,
    /// Bytes.
    pub so_pin_min_len: u8,
    pub so_pin_max_len: u8,
    pub so_tries_max: u8,
    pub current: Option<Escrow>,
    pub next: Option<Escrow>,
    /// 0 where it has no unblock key.
    pub unblock_key_version: u32,
    pub unproven_releases: u32,
    pub produced_at: Option<OffsetDateTime>,
}

/// An SO PIN, encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Escrow {
    /// From 1.
    pub version: u32,
    pub sealed: Vec<u8>,
}

/// The key, if the portal knows it.
pub async fn find(db: &mut Conn, key_id: &str) -> Result<Option<Key>, Error> {
    let row = sqlx::query("SELECT * FROM keys WHERE key_id = $1").bind(key_id).fetch_optional(db).await?;
    Ok(row.map(|row| Key::from_row(&row)).transpose()?)
}

/// The same, or `unlock.key_unknown`.
pub async fn load(db: &mut Conn, key_id: &str) -> Result<Key, Error> {
    find(db, key_id).await?.ok_or_else(|| refusals::KEY_UNKNOWN.into())
}

/// Notes a key that is new to the portal; nothing is known of its SO PIN.
pub async fn ensure(db: &mut Conn, config: &Config, key_id: &str) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO keys (key_id, road, so_pin, so_pin_min_len, so_pin_max_len, so_tries_max)
         VALUES ($1, $2, $3, 1, 32, $4) ON CONFLICT (key_id) DO NOTHING",
    )
    .bind(key_id)
    .bind(name_of(&Road::Wrapped)?)
    .bind(name_of(&SoPinScheme::None)?)
    .bind(config.project.so_tries)
    .execute(db)
    .await?;
    Ok(())
}

impl Key {
    /// Produced and proven here, with secrets of its own: then it can be unlocked.
    pub fn is_escrowed(&self) -> bool {
        let proven = self.so_pin == SoPinScheme::Random && self.current.is_some();
        match self.road {
            Road::Wrapped => proven,
            Road::Challenge => proven && self.unblock_key_version > 0,
        }
    }

    /// 0 for the maker's own.
    pub fn current_version(&self) -> u32 {
        self.current.as_ref().map_or(0, |escrow| escrow.version)
    }

    /// As operators see it.
    pub async fn view(&self, db: &mut Conn) -> Result<KeyRecord, Error> {
        let rows = sqlx::query(
            "SELECT serial FROM certificates WHERE key_id = $1 ORDER BY created_at DESC, rowid DESC",
        )
        .bind(&self.key_id)
        .fetch_all(db)
        .await?;
        Ok(KeyRecord {
            key_id: self.key_id.clone(),
            road: self.road,
            so_pin: self.so_pin,
            current_version: self.current_version(),
            next_version: self.next.as_ref().map(|escrow| escrow.version),
            unproven_releases: self.unproven_releases,
            certificates: rows.iter().map(|row| row.try_get("serial")).collect::<Result<_, _>>()?,
            produced_at: self.produced_at.map(Into::into),
        })
    }
}

impl<'r> sqlx::FromRow<'r, SqliteRow> for Key {
    fn from_row(row: &'r SqliteRow) -> Result<Self, sqlx::Error> {
        let escrow = |version, sealed: Option<Vec<u8>>| sealed.map(|sealed| Escrow { version, sealed });
        let next_version: Option<u32> = row.try_get("next_version")?;
        Ok(Self {
            key_id: row.try_get("key_id")?,
            road: word(row.try_get("road")?)?,
            so_pin: word(row.try_get("so_pin")?)?,
            so_pin_min_len: row.try_get("so_pin_min_len")?,
            so_pin_max_len: row.try_get("so_pin_max_len")?,
            so_tries_max: row.try_get("so_tries_max")?,
            current: escrow(row.try_get("current_version")?, row.try_get("current_so_pin")?),
            next: escrow(next_version.unwrap_or_default(), row.try_get("next_so_pin")?),
            unblock_key_version: row.try_get("unblock_key_version")?,
            unproven_releases: row.try_get("unproven_releases")?,
            produced_at: row.try_get::<Option<i64>, _>("produced_at")?.map(moment),
        })
    }
}
