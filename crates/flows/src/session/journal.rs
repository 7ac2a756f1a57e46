//! The journal: a hint by which broken-off work is found and shown. It holds no secret, and no flow decides by it.
//!
//! SQLite, one file per user, a commit on disk (fsync) per record. Losing the file loses nothing but the hint.

mod unlocks;

use std::{path::Path, sync::Mutex, time::Duration};

use rusqlite::{Connection, params};
use serde::Serialize;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use ycd_token::TokenId;

pub use self::unlocks::UnfinishedUnlock;
use super::error::{FlowError, Result, StepName};

#[derive(Debug)]
pub struct Journal(Mutex<Connection>);

/// Where the work of an order stood when it was last heard of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unfinished {
    pub order: String,
    pub portal: String,
    pub token_id: String,
    /// The last four characters of the token's number, by which people tell tokens apart.
    pub token_tail: String,
    pub attempt: u32,
    /// The name of the last step that is known to be done.
    pub step: String,
    /// RFC 3339, UTC.
    pub at: String,
}

impl Journal {
    /// Opens or makes the journal.
    ///
    /// # Errors
    /// [`FlowError::Journal`] where the file cannot be opened, is no journal, or comes from a newer assistant.
    pub fn open(path: &Path) -> Result<Self> {
        let db = Connection::open(path)?;
        db.busy_timeout(Duration::from_secs(5))?;
        db.pragma_update(None, "journal_mode", "WAL")?;
        db.pragma_update(None, "synchronous", "FULL")?;
        match db.pragma_query_value(None, "user_version", |row| row.get(0))? {
            0 => {
                db.execute_batch(SCHEMA)?;
                to_version_2(&db)?;
            }
            1 => to_version_2(&db)?,
            VERSION => {}
            newer => return Err(FlowError::Journal(format!("version {newer} is newer than this program"))),
        }
        Ok(Self(Mutex::new(db)))
    }

    /// Records that a step of an order's attempt is done; on disk when this returns.
    ///
    /// # Errors
    /// [`FlowError::Journal`]: the caller does not go on.
    pub fn record(&self, entry: &Entry<'_>, at: OffsetDateTime) -> Result<()> {
        let mut db = self.connection();
        let at = at.format(&Rfc3339).map_err(|e| FlowError::Journal(e.to_string()))?;
        let tx = db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        tx.execute(
            "INSERT INTO work (portal, order_no, token_id, attempt, step, started, updated, done)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7)
             ON CONFLICT (portal, order_no) DO UPDATE
             SET token_id = ?3, attempt = ?4, step = ?5, updated = ?6, done = ?7",
            params![
                entry.portal,
                entry.order,
                entry.token.as_str(),
                entry.attempt,
                entry.step.0,
                at,
                entry.done
            ],
        )?;
        tx.execute(
            "INSERT INTO record (portal, order_no, attempt, step, at) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![entry.portal, entry.order, entry.attempt, entry.step.0, at],
        )?;
        tx.commit()?;
        Ok(())
    }

    /// Work that was begun on this machine and not seen to its end, newest first.
    pub fn unfinished(&self) -> Result<Vec<Unfinished>> {
        let db = self.connection();
        let mut rows = db.prepare(
            "SELECT order_no, portal, token_id, attempt, step, updated FROM work WHERE NOT done ORDER BY updated DESC",
        )?;
        let found = rows.query_map([], |row| {
            let token = TokenId::from(row.get::<_, String>(2)?);
            Ok(Unfinished {
                order: row.get(0)?,
                portal: row.get(1)?,
                token_tail: token.tail().to_owned(),
                token_id: token.to_string(),
                attempt: row.get(3)?,
                step: row.get(4)?,
                at: row.get(5)?,
            })
        })?;
        Ok(found.collect::<Result<_, _>>()?)
    }

    /// The work is over without this machine having ended it (another machine did, or an operator took it).
    pub fn close(&self, portal: &str, order: &str) -> Result<()> {
        self.connection().execute(
            "UPDATE work SET done = TRUE WHERE portal = ?1 AND order_no = ?2",
            params![portal, order],
        )?;
        Ok(())
    }

    fn connection(&self) -> std::sync::MutexGuard<'_, Connection> {
        // A panic while the lock is held leaves SQLite's own state whole: its transaction is rolled back on drop.
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// One record.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    pub portal: &'a str,
    pub order: &'a str,
    pub token: &'a TokenId,
    pub attempt: u32,
    pub step: StepName,
    /// The flow has come to its end.
    pub done: bool,
}

impl From<rusqlite::Error> for FlowError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Journal(error.to_string())
    }
}

const VERSION: i64 = 2;

/// Unlocks came in.
fn to_version_2(db: &Connection) -> Result<()> {
    db.execute_batch(&format!("BEGIN;{}PRAGMA user_version = 2;COMMIT;", unlocks::SCHEMA))?;
    Ok(())
}

const SCHEMA: &str = "
BEGIN;
CREATE TABLE work (
    portal   TEXT NOT NULL,
    order_no TEXT NOT NULL,
    token_id   TEXT NOT NULL,
    attempt  INTEGER NOT NULL,
    step     TEXT NOT NULL,
    started  TEXT NOT NULL,
    updated  TEXT NOT NULL,
    done     BOOLEAN NOT NULL,
    PRIMARY KEY (portal, order_no)
);
CREATE TABLE record (
    seq      INTEGER PRIMARY KEY,
    portal   TEXT NOT NULL,
    order_no TEXT NOT NULL,
    attempt  INTEGER NOT NULL,
    step     TEXT NOT NULL,
    at       TEXT NOT NULL
);
PRAGMA user_version = 1;
COMMIT;
";

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(1_790_000_000 + seconds).unwrap()
    }

    #[test]
    fn unfinished_work_is_found_again_after_the_program_ended() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.sqlite");
        let token = TokenId::new("softkey", "00ab3f21");
        let entry = |step| Entry {
            portal: "p",
            order: "o",
            token: &token,
            attempt: 1,
            step,
            done: step == StepName("done"),
        };
        let journal = Journal::open(&path).unwrap();
        journal.record(&entry(StepName("open")), at(0)).unwrap();
        journal.record(&entry(StepName("generate")), at(5)).unwrap();
        drop(journal);

        let journal = Journal::open(&path).unwrap();
        let found = journal.unfinished().unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].step.as_str(), found[0].token_tail.as_str()), ("generate", "3F21"));

        journal.record(&entry(StepName("done")), at(9)).unwrap();
        assert_eq!(journal.unfinished().unwrap(), []);
    }

    #[test]
    fn a_file_that_is_no_journal_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.sqlite");
        std::fs::write(&path, b"my accounts, do not touch, padded to be longer than a page header").unwrap();
        let before = std::fs::read(&path).unwrap();
        assert_eq!(Journal::open(&path).unwrap_err().code(), "flow.journal");
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }

    #[test]
    fn a_journal_of_a_newer_assistant_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.sqlite");
        Journal::open(&path).unwrap();
        Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
        assert_eq!(Journal::open(&path).unwrap_err().code(), "flow.journal");
    }
}
