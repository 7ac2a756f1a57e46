//! The few records of an unlock. They decide which of two PINs is guessed first and whether a PIN that works was set
//! for this order; losing them costs a try or a release, never the token.

use rusqlite::{OptionalExtension as _, params};
use serde::Serialize;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use ycd_token::TokenId;

use super::Journal;
use crate::session::error::{FlowError, Result};

pub(super) const SCHEMA: &str = "
CREATE TABLE unlock (
    portal   TEXT NOT NULL,
    token_id   TEXT NOT NULL,
    order_no TEXT NOT NULL,
    -- J(pin, order): the user PIN on the token was set under this order.
    pin_set  BOOLEAN NOT NULL DEFAULT FALSE,
    started  TEXT NOT NULL,
    updated  TEXT NOT NULL,
    done     BOOLEAN NOT NULL DEFAULT FALSE,
    PRIMARY KEY (portal, token_id)
);
-- J(rotate, version): this SO PIN may be on the token. Kept beyond the order.
CREATE TABLE rotation (
    portal   TEXT NOT NULL,
    token_id   TEXT NOT NULL,
    version  INTEGER NOT NULL,
    PRIMARY KEY (portal, token_id)
);
";

/// An unlock that was begun on this machine and not seen to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnfinishedUnlock {
    pub order: String,
    pub portal: String,
    pub token_id: String,
    /// The last four characters of the token's number.
    pub token_tail: String,
    /// The new PIN is on the token; only its proof is missing.
    pub pin_set: bool,
    /// RFC 3339, UTC.
    pub at: String,
}

impl Journal {
    /// The order was opened for this token. What is recorded of it stays; that of an earlier order goes.
    pub fn unlock_opened(
        &self,
        portal: &str,
        order: &str,
        token: &TokenId,
        at: OffsetDateTime,
    ) -> Result<()> {
        let at = text(at)?;
        self.connection().execute(
            "INSERT INTO unlock (portal, token_id, order_no, started, updated) VALUES (?1, ?2, ?3, ?4, ?4)
             ON CONFLICT (portal, token_id) DO UPDATE SET
                 pin_set = pin_set AND order_no = ?3,
                 started = CASE WHEN order_no = ?3 THEN started ELSE ?4 END,
                 order_no = ?3, updated = ?4, done = FALSE",
            params![portal, token.as_str(), order, at],
        )?;
        Ok(())
    }

    /// J(pin, order).
    pub fn pin_was_set(&self, portal: &str, order: &str, token: &TokenId, at: OffsetDateTime) -> Result<()> {
        self.connection().execute(
            "UPDATE unlock SET pin_set = TRUE, updated = ?4 WHERE portal = ?1 AND token_id = ?2 AND order_no = ?3",
            params![portal, token.as_str(), order, text(at)?],
        )?;
        Ok(())
    }

    /// Whether J(pin, order) is there.
    pub fn has_pin_of(&self, portal: &str, order: &str, token: &TokenId) -> Result<bool> {
        let found = self.connection().query_row(
            "SELECT pin_set FROM unlock WHERE portal = ?1 AND token_id = ?2 AND order_no = ?3",
            params![portal, token.as_str(), order],
            |row| row.get(0),
        );
        Ok(found.optional()?.unwrap_or(false))
    }

    /// J(rotate, version).
    pub fn rotates_to(&self, portal: &str, token: &TokenId, version: u32) -> Result<()> {
        self.connection().execute(
            "INSERT INTO rotation (portal, token_id, version) VALUES (?1, ?2, ?3)
             ON CONFLICT (portal, token_id) DO UPDATE SET version = ?3",
            params![portal, token.as_str(), version],
        )?;
        Ok(())
    }

    /// The version of J(rotate), where it is there.
    pub fn rotation(&self, portal: &str, token: &TokenId) -> Result<Option<u32>> {
        let found = self.connection().query_row(
            "SELECT version FROM rotation WHERE portal = ?1 AND token_id = ?2",
            params![portal, token.as_str()],
            |row| row.get(0),
        );
        Ok(found.optional()?)
    }

    /// The unlock is over.
    pub fn unlock_done(&self, portal: &str, token: &TokenId, at: OffsetDateTime) -> Result<()> {
        self.connection().execute(
            "UPDATE unlock SET done = TRUE, updated = ?3 WHERE portal = ?1 AND token_id = ?2",
            params![portal, token.as_str(), text(at)?],
        )?;
        Ok(())
    }

    /// Unlocks begun on this machine and not seen to their end, newest first.
    pub fn unfinished_unlocks(&self) -> Result<Vec<UnfinishedUnlock>> {
        let db = self.connection();
        let mut rows = db.prepare(
            "SELECT order_no, portal, token_id, pin_set, updated FROM unlock WHERE NOT done ORDER BY updated DESC",
        )?;
        let found = rows.query_map([], |row| {
            let token = TokenId::from(row.get::<_, String>(2)?);
            Ok(UnfinishedUnlock {
                order: row.get(0)?,
                portal: row.get(1)?,
                token_tail: token.tail().to_owned(),
                token_id: token.to_string(),
                pin_set: row.get(3)?,
                at: row.get(4)?,
            })
        })?;
        Ok(found.collect::<Result<_, _>>()?)
    }
}

fn text(at: OffsetDateTime) -> Result<String> {
    at.format(&Rfc3339).map_err(|e| FlowError::Journal(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(1_790_000_000 + seconds).unwrap()
    }

    #[test]
    fn what_was_set_for_one_order_counts_for_no_other_and_a_rotation_for_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.sqlite");
        let token = TokenId::new("softkey", "00ab3f21");
        let journal = Journal::open(&path).unwrap();
        journal.unlock_opened("p", "first", &token, at(0)).unwrap();
        assert!(!journal.has_pin_of("p", "first", &token).unwrap());
        journal.pin_was_set("p", "first", &token, at(1)).unwrap();
        journal.rotates_to("p", &token, 2).unwrap();
        drop(journal);

        let journal = Journal::open(&path).unwrap();
        journal.unlock_opened("p", "first", &token, at(2)).unwrap();
        assert!(journal.has_pin_of("p", "first", &token).unwrap());
        assert_eq!(journal.unfinished_unlocks().unwrap().len(), 1);

        journal.unlock_opened("p", "second", &token, at(3)).unwrap();
        assert!(!journal.has_pin_of("p", "second", &token).unwrap());
        assert!(!journal.has_pin_of("p", "first", &token).unwrap());
        assert_eq!(journal.rotation("p", &token).unwrap(), Some(2));
        assert_eq!(journal.rotation("other", &token).unwrap(), None);
        journal.unlock_done("p", &token, at(4)).unwrap();
        assert_eq!(journal.unfinished_unlocks().unwrap(), []);
    }
}
